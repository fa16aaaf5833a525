/*
 * Content lines, of which calendars (RFC 5545 3.1) and cards (RFC 2426 2.6)
 * are made.  The first failure is kept and ends all further writing: whoever
 * writes lines asks once, at the end.
 */
#ifndef TNEF_LINES_H
#define TNEF_LINES_H

#include <stdint.h>

#include "base/buf.h"

struct tnef_lines {
	struct buf *out;
	struct buf line; /* as long as it gets, folded at its end */
	struct error why;
	bool is_failed;
};

/* A whole line whose value needs no escaping: "NAME:value". */
void tnef_line(struct tnef_lines *lines, const char *format, ...)
	PRINTF_LIKE(2, 3);
/* NAME:text, escaped; nothing when text is NULL or empty. */
void tnef_line_text(
	struct tnef_lines *lines, const char *name, const char *text);

/* A line piece by piece: as it is, text, a parameter's value in quotes. */
void tnef_lines_add(struct tnef_lines *lines, const char *format, ...)
	PRINTF_LIKE(2, 3);
void tnef_lines_add_text(struct tnef_lines *lines, struct span text);
void tnef_lines_add_quoted(struct tnef_lines *lines, const char *value);
void tnef_lines_end(struct tnef_lines *lines);

/* 0, or -1 with err filled; lines holds nothing afterwards. */
int tnef_lines_close(struct tnef_lines *lines, struct error *err) MUST_USE;

#endif
