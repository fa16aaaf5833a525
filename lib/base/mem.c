#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
or_die(void *p)
{
	static const char words[] = "smime-milter: out of memory\n";

	if (p == NULL) {
		fwrite(words, 1, sizeof(words) - 1, stderr);
		abort();
	}
	return p;
}

void *
mem_alloc(size_t bytes)
{
	return or_die(calloc(1, bytes != 0 ? bytes : 1));
}

void *
mem_array(size_t count, size_t bytes)
{
	return or_die(calloc(count != 0 ? count : 1, bytes));
}

void *
mem_grow(void *old, size_t count, size_t bytes)
{
	return or_die(reallocarray(old, count, bytes));
}

char *
mem_string(const char *text)
{
	return text == NULL ? NULL : or_die(strdup(text));
}

char *
mem_string_n(const void *text, size_t len)
{
	char *copy = mem_alloc(len + 1);

	if (len != 0)
		memcpy(copy, text, len);
	return copy;
}

char *
mem_printf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return or_die(text);
}

void
mem_free(void *p)
{
	free(p);
}

void
mem_wipe(void *p, size_t bytes)
{
	if (p != NULL)
		explicit_bzero(p, bytes);
}

void
mem_free_secret(char *text)
{
	if (text != NULL)
		mem_wipe(text, strlen(text));
	free(text);
}
