/*
 * An error is one sentence for the administrator, written where its cause is
 * known, and a kind that says what one does about it.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#include "base/compiler.h"

enum error_kind {
	ERROR_NONE,   /* nothing went wrong: the value of a zeroed struct */
	ERROR_SYSTEM, /* passes by itself: disk, memory, directory, token */
	ERROR_CONFIG, /* the administrator must change a setting or a file */
	ERROR_FORMAT, /* these bytes are not what they should be */
	ERROR_LIMIT,  /* larger or deeper than a named limit */
	ERROR_NOKEY,  /* no certificate or key that may be used */
	ERROR_TRUST,  /* a certificate that is not to be believed */
	ERROR_CRYPTO, /* our own result did not verify, or OpenSSL failed */
};

struct error {
	enum error_kind kind;
	/* A PIN was refused: to try it again may lock what it opens. */
	bool refused;
	char text[256]; /* no newline, no final full stop, cut when longer */
};

/*
 * Fill *err (which may be NULL) and return -1, so that a failing function
 * can end with "return error_set(...)".  Control characters in the text are
 * replaced by '?'.
 */
int error_set(struct error *err, enum error_kind kind, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Put words in front of a text that is already there ("FILE: "); returns -1. */
int error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* "system", "config", ...: the word in the log line and in --json. */
const char *error_kind_name(enum error_kind kind);

#endif
