# shellcheck shell=sh
# What the benchmarks share; read behind test/tool/lib.sh.

# load NAME DAEMON OPTIONS...: its JSON in $T/json; failures are said.
load() {
	name=$1 at=$(lib_socket "$2")
	shift 2
	"$MTASIM" load -s "$at" --mix "$T/mix/$name" --json "$@" \
		>"$T/json" 2>"$T/err" || {
		echo "bench: $name: $(cat "$T/err" "$T/json")" >&2
		exit 1
	}
}
value() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" "$T/json"; }
calc() { awk "BEGIN { printf \"%.${2:-2}f\", $1 }"; }
say() { printf '%-52s %s\n' "$1" "$2"; }
best() { sort -n "$1" | tail -n 1; }
