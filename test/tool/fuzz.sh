#!/bin/sh
# fuzz.sh PROGRAM...: each fuzzer for FUZZ_SECONDS.  It starts from the seeds
# in test/fuzz/corpus/NAME/ and from what it learnt before; what breaks it
# stays in $BUILD/fuzz.
build=${BUILD:-build}
passed=0
failed=0
for program; do
	name=$(basename "$program" _fuzz)
	learnt=$build/fuzz/$name
	mkdir -p "$learnt"
	seeds=test/fuzz/corpus/$name
	[ -d "$seeds" ] || seeds=
	echo "-- $name"
	# shellcheck disable=SC2086
	if "$program" -max_total_time="${FUZZ_SECONDS:-30}" -timeout=10 \
		-rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="$build/fuzz/$name-" "$learnt" $seeds; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
