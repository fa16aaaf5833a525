#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "crypto/internal.h"

void
crypto_begin(void)
{
	memory_begin();
	ERR_clear_error();
}

static bool
is_out_of_memory(unsigned long code)
{
	if (ERR_SYSTEM_ERROR(code))
		return ERR_GET_REASON(code) == ENOMEM;
	return ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
}

/*
 * OpenSSL queues the innermost reason first, the callers' "failed" after it.
 * Only the fixed text of the reason is used: the data beside it can hold
 * bytes of a mail or a file.
 */
static const char *
empty_queue(bool *out_of_memory)
{
	const char *first = NULL;
	unsigned long code;

	*out_of_memory = memory_lacked();
	while ((code = ERR_get_error()) != 0) {
		*out_of_memory = *out_of_memory || is_out_of_memory(code);
		if (first == NULL)
			first = ERR_reason_error_string(code);
	}
	return first;
}

int
crypto_fail(struct error *err, enum error_kind kind, const char *format, ...)
{
	char what[sizeof(err->text)];
	bool out_of_memory;
	const char *reason = empty_queue(&out_of_memory);
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (out_of_memory)
		return error_set(err, ERROR_SYSTEM, "%s: no memory", what);
	if (reason == NULL)
		return error_set(err, kind, "%s", what);
	return error_set(err, kind, "%s: %s", what, reason);
}

bool
crypto_lacked_memory(void)
{
	bool out_of_memory;

	(void)empty_queue(&out_of_memory);
	return out_of_memory;
}

bool
crypto_had_trouble(void)
{
	bool trouble = memory_lacked();
	unsigned long code;

	while ((code = ERR_get_error()) != 0)
		trouble = trouble || is_out_of_memory(code) ||
			  ERR_GET_LIB(code) == ERR_LIB_ENGINE;
	return trouble;
}

int
crypto_end(const char *what, struct error *err)
{
	if (ERR_peek_error() == 0)
		return 0;
	return crypto_fail(err, ERROR_CRYPTO,
		"%s: OpenSSL reported success and an error", what);
}
