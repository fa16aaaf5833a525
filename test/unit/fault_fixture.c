#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>

#include "fault_fixture.h"

long fault_countdown = -1;

static bool
due(void)
{
	return fault_countdown > 0 && --fault_countdown == 0;
}

static void *
allocate(size_t bytes, const char *file UNUSED, int line UNUSED)
{
	return due() ? NULL : malloc(bytes);
}

static void *
reallocate(void *old, size_t bytes, const char *file UNUSED, int line UNUSED)
{
	return due() ? NULL : realloc(old, bytes);
}

static void
release(void *p, const char *file UNUSED, int line UNUSED)
{
	free(p);
}

int
fault_begin(void)
{
	return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1
		       ? 0
		       : -1;
}
