#!/bin/sh
# part.sh NAME COMMAND...: run one part of the tests.  Its last line that reads
# "N passed, N failed, N skipped" is its count; the log and the count are kept
# in $BUILD/parts for the closing line of `make check`.
name=$1
shift
dir=${BUILD:-build}/parts
mkdir -p "$dir"
if [ ! -e "$1" ]; then
	echo "$name: $1 is missing"
	echo "0 passed, 1 failed, 0 skipped" >"$dir/$name.count"
	exit 1
fi
echo "== $name"
rm -f "$dir/$name.count"
{ "$@" 2>&1; echo "$?" >"$dir/$name.status"; } | tee "$dir/$name.log"
status=$(cat "$dir/$name.status")
count=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' \
	"$dir/$name.log" | tail -n 1)
if [ -z "$count" ]; then
	count="0 passed, 1 failed, 0 skipped"
	echo "$name: no closing line, which counts as a failure"
	status=1
fi
echo "$count" >"$dir/$name.count"
case $count in
*" 0 failed,"*) exit "$status" ;;
*) exit 1 ;;
esac
