#!/bin/sh
# unit.sh PROGRAM...: run cmocka programs, one after the other, and add up what
# they say.  A program that dies before its summary is one failure.
passed=0
failed=0
skipped=0
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
trap 'exit 1' HUP INT TERM

summary() { # what the line "[  WORD  ] N test(s)" says
	sed -n "s/^\\[ *$1 *\\] \\([0-9]*\\) test(s).*/\\1/p" "$out" | tail -n 1
}

for program; do
	CMOCKA_MESSAGE_OUTPUT=stdout "$program" >"$out" 2>&1
	status=$?
	p=$(summary PASSED) f=$(summary FAILED) s=$(summary SKIPPED)
	if [ -z "$p" ] || { [ $status != 0 ] && [ "${f:-0}" = 0 ]; }; then
		f=$((${f:-0} + 1))
		echo "$program ended with status $status"
	fi
	if [ "${f:-0}" != 0 ]; then
		cat "$out"
	else
		grep -E '^\[ *SKIPPED *\] [a-z]' "$out"
		echo "$program: ${p:-0}${s:+, $s skipped}"
	fi
	passed=$((passed + ${p:-0}))
	failed=$((failed + ${f:-0}))
	skipped=$((skipped + ${s:-0}))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
