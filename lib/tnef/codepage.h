/* Converters that stay open, for many short texts: between files of tnef/. */
#ifndef TNEF_CODEPAGE_H
#define TNEF_CODEPAGE_H

#include "base/buf.h"

enum { TNEF_CODE_PAGES_MAX = 96 }; /* rows of the table in codepage.c */

/* Zeroed is empty.  By row of the table; NULL: not opened yet. */
struct tnef_converters {
	void *open[TNEF_CODE_PAGES_MAX];
	size_t bad_bytes; /* without a meaning: U+FFFD */
	unsigned unknown; /* a code page that was not known; 0: none */
};

/* tnef_add_utf8() with converters that are opened once. */
int tnef_convert(struct tnef_converters *converters, struct buf *out,
	struct span text, unsigned code_page, struct error *err) MUST_USE;
void tnef_converters_clear(struct tnef_converters *converters);

/* A character as UTF-8; what is none becomes U+FFFD. */
int tnef_add_character(
	struct buf *out, unsigned long character, struct error *err) MUST_USE;

#endif
