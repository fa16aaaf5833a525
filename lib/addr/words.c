/* The lexical side of RFC 5322 3.2: blanks, comments, atoms, quoted strings. */
#include "addr/internal.h"

#include <string.h>

static int
broken(const char *what, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "not an address: %s", what);
}

int
reader_peek(const struct reader *reader)
{
	return reader->next < reader->end ? *reader->next : -1;
}

bool
reader_take(struct reader *reader, char c)
{
	if (reader_peek(reader) != (unsigned char)c)
		return false;
	reader->next++;
	return true;
}

bool
is_atext(int c)
{
	if (c >= 128)
		return true;
	return c > 32 && c < 127 && strchr("()<>[]:;@\\,.\"", c) == NULL;
}

/*
 * A fold is a line end with a blank behind it, or the end of the field.  Any
 * other line end would be the end of the header for some readers.
 */
static int
read_line_end(struct reader *reader, struct error *err)
{
	reader_take(reader, '\r');
	if (!reader_take(reader, '\n'))
		return broken("a bare CR", err);
	switch (reader_peek(reader)) {
	case -1:
	case ' ':
	case '\t':
	case '\r': /* blank lines inside a fold: obs-FWS */
	case '\n':
		return 0;
	}
	return broken("a line end that is no fold", err);
}

/* After "(": up to the matching ")". */
static int
skip_comment(struct reader *reader, struct error *err)
{
	size_t depth = 1;

	while (depth != 0) {
		int c = reader_peek(reader);

		if (c < 0)
			return broken("a comment without end", err);
		if (c == 0)
			return broken("a NUL", err);
		if (c == '\r' || c == '\n') {
			if (read_line_end(reader, err) != 0)
				return -1;
			continue;
		}
		reader->next++;
		if (c == '\\' && reader->next < reader->end &&
			*reader->next != 0)
			reader->next++;
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
	}
	return 0;
}

int
reader_skip(struct reader *reader, struct error *err)
{
	while (!reader->plain) {
		int c = reader_peek(reader);

		if (c == ' ' || c == '\t') {
			reader->next++;
		} else if (c == '\r' || c == '\n') {
			if (read_line_end(reader, err) != 0)
				return -1;
		} else if (c == '(') {
			reader->next++;
			if (skip_comment(reader, err) != 0)
				return -1;
		} else {
			break;
		}
	}
	return 0;
}

static void
add(struct words *words, int c, bool also_bare)
{
	if (words->text_len == ADDR_MAX_BYTES) {
		words->too_long = true;
		return;
	}
	words->text[words->text_len++] = (char)c;
	if (also_bare)
		words->bare[words->bare_len++] = (char)c;
}

static void
begin_word(struct words *words)
{
	if (words->last_word)
		words->is_local = false;
	words->last_word = true;
	words->count++;
}

static void
read_dot(struct reader *reader, struct words *words)
{
	if (!words->last_word && !reader->plain)
		words->is_local = false;
	words->last_word = false;
	words->count++;
	add(words, *reader->next++, true);
}

/* What stands between the quotes; "\" is gone from bare. */
static int
read_quoted(struct reader *reader, struct words *words, struct error *err)
{
	bool escaped = false;

	add(words, '"', false);
	for (reader->next++;; reader->next++) {
		int c = reader_peek(reader);

		if (c < 0)
			return broken("a quoted string without end", err);
		if (c == 0)
			return broken("a NUL", err);
		if ((c == '\r' || c == '\n') && !escaped && !reader->plain) {
			if (read_line_end(reader, err) != 0)
				return -1;
			reader->next--;
			continue;
		}
		words->controls |= c < 32 || c == 127;
		if (c == '"' && !escaped)
			break;
		escaped = c == '\\' && !escaped;
		add(words, c, !escaped);
	}
	reader->next++;
	add(words, '"', false);
	return 0;
}

int
words_read(struct reader *reader, struct words *words, struct error *err)
{
	words->text_len = words->bare_len = words->count = 0;
	words->too_long = words->controls = words->last_word = false;
	words->is_local = true;
	for (;;) {
		int c;

		if (reader_skip(reader, err) != 0)
			return -1;
		c = reader_peek(reader);
		if (c == '"') {
			begin_word(words);
			if (read_quoted(reader, words, err) != 0)
				return -1;
		} else if (c == '.') {
			read_dot(reader, words);
		} else if (is_atext(c)) {
			begin_word(words);
			for (; is_atext(c); c = reader_peek(reader)) {
				add(words, c, true);
				reader->next++;
			}
		} else {
			break;
		}
	}
	if (!words->last_word && !reader->plain)
		words->is_local = false;
	words->text[words->text_len] = '\0';
	words->bare[words->bare_len] = '\0';
	return 0;
}
