/* Random bytes from the kernel.  The only place that asks for them. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

#include "base/error.h"

int random_bytes(void *out, size_t len, struct error *err) MUST_USE;
/* len characters of [0-9a-f] and a NUL, len is even and at most 64. */
int random_hex(char *out, size_t len, struct error *err) MUST_USE;

#endif
