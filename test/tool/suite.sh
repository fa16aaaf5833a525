#!/bin/sh
# suite.sh DIR: DIR/run.* and every DIR/*_test.*, one after the other, and
# the sum of their closing lines.  What closes without one has failed.
passed=0
failed=0
skipped=0
dir=$1
found=
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 1' HUP INT TERM
for test in "$1"/run.sh "$1"/run.py "$1"/*_test.sh "$1"/*_test.py; do
	[ -e "$test" ] || continue
	found=yes
	echo "-- $test"
	case $test in
	*.py)
		command -v python3 >/dev/null || {
			echo "skipped: no python3 here"
			skipped=$((skipped + 1))
			continue
		}
		set -- python3 -B "$test" ;;
	*) set -- "$test" ;;
	esac
	{ "$@" 2>&1; echo "ended with $?"; } | tee "$out" |
		grep -v '^ended with 0$'
	count=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' \
		"$out" | tail -n 1)
	status=$(sed -n 's/^ended with //p' "$out" | tail -n 1)
	f=$(echo "$count" | sed 's/.* passed, \([0-9]*\) failed.*/\1/')
	if [ -z "$count" ] || { [ "$status" != 0 ] && [ "$f" = 0 ]; }; then
		echo "$test ended with status $status and: ${count:-no count}"
		f=$((${f:-0} + 1))
	fi
	passed=$((passed + ${count%% *} + 0))
	failed=$((failed + f))
	s=${count##*failed, }
	skipped=$((skipped + ${s%% *} + 0))
done
if [ -z "$found" ]; then
	echo "no test stands in $dir"
	failed=1
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
