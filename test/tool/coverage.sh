#!/bin/sh
# coverage.sh BUILD PERCENT: line coverage of lib/, per folder and in all.
set -eu
build=$1 want=$2
info=$build/coverage.info
lcov -q -c -d "$build/lib" -b . -o "$info" --no-external >/dev/null 2>&1
awk -v want="$want" '
	/^SF:/ { dir = ""; if (match($0, /\/lib\/[a-z]+\//))
			dir = substr($0, RSTART + 1, RLENGTH - 2) }
	/^DA:/ && dir != "" { split($0, a, ","); total[dir]++; all++
			if (a[2] > 0) { hit[dir]++; allhit++ } }
	END {
		for (d in total)
			printf "%-14s %5.1f %% of %d lines\n", d,
				100 * hit[d] / total[d], total[d] | "sort"
		close("sort")
		if (all == 0) { print "no line of lib/ was counted"; exit 1 }
		c = 100 * allhit / all
		printf "lib: %.1f %% of %d lines (at least %d %%)\n",
			c, all, want
		exit c < want
	}' "$info"
