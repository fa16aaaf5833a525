/* What has to hold, whatever the bytes: else the fuzzer stops with it. */
#ifndef TEST_FUZZ_MUST_H
#define TEST_FUZZ_MUST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(condition) must(condition, #condition)

static inline void
must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

#endif
