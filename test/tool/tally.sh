#!/bin/sh
# tally.sh DIR PART...: the closing line over all parts.  A part without a
# count, or one that ended badly although it counted no failure, is a failure.
dir=$1
shift
for part; do
	count=$(cat "$dir/$part.count" 2>/dev/null) ||
		count="0 passed, 1 failed, 0 skipped"
	case $count in
	*" 0 failed,"*)
		[ "$(cat "$dir/$part.status" 2>/dev/null)" = 0 ] ||
			count=$(echo "$count" | sed 's/ 0 failed/ 1 failed/') ;;
	esac
	printf '%-8s %s\n' "$part" "$count"
	echo "$count" >>"$dir/all.counts"
done
awk '{ p += $1; f += $3; s += $5 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' \
	"$dir/all.counts"
