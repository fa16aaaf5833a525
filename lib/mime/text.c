/*
 * The text of a field, as its readers see it (RFC 2047), and back.  Charsets
 * and all that senders do wrong are GMime's.
 */
#include <gmime/gmime.h>
#include <pthread.h>

#include "base/mem.h"
#include "mime/internal.h"

/* RFC 5322 2.1.1 */
enum { FOLD_AT = 76 };

/* Changed once, below pthread_once. */
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* Nothing in a text ends a line: what is made of it is a field again. */
static void
blank_controls(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 32 || *text == 127)
			*text = ' ';
}

static bool
is_fold(char c)
{
	return c == '\r' || c == '\n';
}

/* One line without its folds (RFC 5322 2.2.3), cut where a reader stops. */
static char *
unfolded(const char *value)
{
	struct span trimmed = span_trim(span_of(value, strlen(value)));
	char *text, *to;

	if (trimmed.len > MIME_TEXT_MAX)
		trimmed.len = MIME_TEXT_MAX;
	text = to = mem_string_n(trimmed.data, trimmed.len);
	for (const char *c = text; *c != '\0'; c++)
		if (!is_fold(*c))
			*to++ = *c;
		else if (c[1] != '\0' && !mime_is_blank((unsigned char)c[1]) &&
			 !is_fold(c[1]))
			*to++ = ' '; /* no fold: a bare line end */
	*to = '\0';
	return text;
}

char *
mime_text_decode(const char *value)
{
	char *line = unfolded(value), *decoded, *valid, *text;
	struct span trimmed;

	pthread_once(&library_once, g_mime_init);
	decoded = g_mime_utils_header_decode_text(NULL, line);
	valid = g_utf8_make_valid(decoded, -1);
	blank_controls(valid);
	trimmed = span_trim(span_string(valid));
	text = mem_string_n(trimmed.data, trimmed.len);
	g_free(valid);
	g_free(decoded);
	mem_free(line);
	return text;
}

/* A fold at the last blank before the column, or the first one behind it. */
static void
fold(char *line, size_t column)
{
	char *blank = NULL;

	for (char *c = line; *c != '\0'; c++, column++) {
		if (*c == '\n') {
			column = 0;
			blank = NULL;
			continue;
		}
		if (column > FOLD_AT && blank != NULL) {
			column = (size_t)(c - blank);
			*blank = '\n';
			blank = NULL;
		}
		/* Each line has something beside blanks in it. */
		if (*c == ' ' && c > line && c[-1] > ' ' && c[1] > ' ')
			blank = c;
	}
}

/* "\n" for each fold, with the blank behind it that was in its place. */
static char *
with_blanks(const char *line)
{
	char *value = mem_alloc(2 * strlen(line) + 1), *to = value;

	for (; *line != '\0'; line++) {
		*to++ = *line;
		if (*line == '\n' && line[1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
	return value;
}

char *
mime_text_encode(const char *name, const char *text)
{
	struct buf encoded = { 0 };
	char *line, *to, *value = NULL;

	if (buf_add(&encoded, " ", 1, NULL) != 0 ||
		mime_put_encoded_text(&encoded, span_string(text), NULL) != 0)
		goto out;
	line = to = mem_string_n(encoded.data, encoded.len);
	for (const char *c = line; *c != '\0'; c++)
		if (*c != '\r')
			*to++ = *c;
	*to = '\0';
	fold(line, strlen(name) + 1);
	value = with_blanks(line);
	mem_free(line);
out:
	buf_clear(&encoded);
	return value;
}
