/*
 * OpenSSL forgets a lack of memory where it then tries something else, and a
 * decryption that fails is the same as one for want of memory.  To try again
 * whatever fails would tell by its time what does.
 */
#include <stdlib.h>

#include "crypto/internal.h"

/* Of this thread, since it last began. */
static _Thread_local bool lacked;

static void *
note(void *made)
{
	lacked = lacked || made == NULL;
	return made;
}

/* Nothing for no bytes, as OpenSSL's own does. */
static void *
allocate(size_t bytes, const char *file UNUSED, int line UNUSED)
{
	return bytes != 0 ? note(malloc(bytes)) : NULL;
}

static void *
reallocate(void *old, size_t bytes, const char *file UNUSED, int line UNUSED)
{
	if (bytes != 0)
		return note(realloc(old, bytes));
	free(old);
	return NULL;
}

static void
release(void *old, const char *file UNUSED, int line UNUSED)
{
	free(old);
}

void
crypto_watch_memory(void)
{
	(void)CRYPTO_set_mem_functions(allocate, reallocate, release);
}

void
memory_begin(void)
{
	lacked = false;
}

bool
memory_lacked(void)
{
	return lacked;
}
