/*
 * Memory for small things, whose size no sender chooses.  When there is none
 * left the process ends: the MTA tries the mail again.  Anything a sender can
 * make large goes into a struct buf, which fails politely.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/compiler.h"

void *mem_alloc(size_t bytes) MUST_USE;		      /* zeroed */
void *mem_array(size_t count, size_t bytes) MUST_USE; /* zeroed */
void *mem_grow(void *old, size_t count, size_t bytes) MUST_USE;
char *mem_string(const char *text) MUST_USE; /* NULL gives NULL */
char *mem_string_n(const void *text, size_t len) MUST_USE;
char *mem_printf(const char *format, ...) MUST_USE PRINTF_LIKE(1, 2);
void mem_free(void *p); /* NULL is fine */

/* Overwrite a secret; never optimised away. */
void mem_wipe(void *p, size_t bytes);
/* Wipe and free a secret string; NULL is fine. */
void mem_free_secret(char *text);

#endif
