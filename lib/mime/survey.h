/* A chapter of mime.h: what rules ask of a mail. */
#ifndef MIME_SURVEY_H
#define MIME_SURVEY_H

#include <stdbool.h>

#include "base/buf.h"

struct mime_limits;

struct mime_survey {
	bool attachment; /* beside the text and the pictures in it */
	bool invitation; /* a text/calendar with a method (RFC 6047) */
};

/*
 * Of a mail that is nested too deeply, or has too many parts, what was seen
 * up to there, and an attachment.
 */
void mime_survey(struct span entity, const struct mime_limits *limits,
	struct mime_survey *out);

/*
 * What a field's text says (RFC 2047): UTF-8, unfolded, blanks at the ends
 * gone, what is no text as U+FFFD and controls as blanks.  Of a longer value
 * the first MIME_TEXT_MAX bytes are read.
 */
enum { MIME_TEXT_MAX = 65536 };
char *mime_text_decode(const char *value) MUST_USE;
/*
 * And back again: a value for a field of that name, folds as LF, with its
 * leading blank; NULL when there is no memory.
 */
char *mime_text_encode(const char *name, const char *text) MUST_USE;

#endif
