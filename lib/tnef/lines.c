#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tnef/lines.h"

enum { LINE_MAX_BYTES = 75, SHORT_MAX_BYTES = 512 };

static void
add(struct tnef_lines *lines, struct buf *buf, struct span bytes)
{
	if (!lines->is_failed && buf_add_span(buf, bytes, &lines->why) != 0)
		lines->is_failed = true;
}

static void
add_formatted(struct tnef_lines *lines, const char *format, va_list args)
{
	char text[SHORT_MAX_BYTES];
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(text, sizeof(text), format, args);
	if (len >= 0 && (size_t)len < sizeof(text)) {
		add(lines, &lines->line, span_of(text, (size_t)len));
	} else {
		char *whole = NULL;

		if (vasprintf(&whole, format, again) >= 0)
			add(lines, &lines->line, span_string(whole));
		free(whole);
	}
	va_end(again);
}

void
tnef_lines_add(struct tnef_lines *lines, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(lines, format, args);
	va_end(args);
}

void
tnef_line(struct tnef_lines *lines, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_formatted(lines, format, args);
	va_end(args);
	tnef_lines_end(lines);
}

/* RFC 5545 3.3.11; other control characters mean nothing there. */
static const char *
escaped(unsigned char c)
{
	switch (c) {
	case '\\':
		return "\\\\";
	case ';':
		return "\\;";
	case ',':
		return "\\,";
	case '\n':
		return "\\n";
	}
	return c < ' ' && c != '\t' ? "" : NULL;
}

void
tnef_lines_add_text(struct tnef_lines *lines, struct span text)
{
	size_t from = 0;

	if (text.len == 0)
		return;
	for (size_t i = 0; i < text.len; i++) {
		const char *instead = escaped(text.data[i]);

		if (instead == NULL)
			continue;
		add(lines, &lines->line, span_of(text.data + from, i - from));
		add(lines, &lines->line, span_string(instead));
		from = i + 1;
	}
	add(lines, &lines->line, span_of(text.data + from, text.len - from));
}

void
tnef_line_text(struct tnef_lines *lines, const char *name, const char *text)
{
	if (text == NULL || *text == '\0')
		return;
	tnef_lines_add(lines, "%s:", name);
	tnef_lines_add_text(lines, span_string(text));
	tnef_lines_end(lines);
}

/* There is no way to write a quote in a parameter (RFC 5545 3.2). */
void
tnef_lines_add_quoted(struct tnef_lines *lines, const char *value)
{
	add(lines, &lines->line, SPAN("\""));
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < ' ' || c == 0x7f)
			continue;
		add(lines, &lines->line,
			c == '"' ? SPAN("'") : span_of(value, 1));
	}
	add(lines, &lines->line, SPAN("\""));
}

/* How much of it stands on one line: a character is never cut. */
static size_t
fold(struct span rest, size_t room)
{
	size_t len = room;

	if (rest.len <= room)
		return rest.len;
	while (len > 1 && (rest.data[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void
tnef_lines_end(struct tnef_lines *lines)
{
	struct span rest = buf_span(&lines->line);
	size_t room = LINE_MAX_BYTES;

	while (rest.len != 0) {
		size_t len = fold(rest, room);

		if (room != LINE_MAX_BYTES)
			add(lines, lines->out, SPAN(" "));
		add(lines, lines->out, span_of(rest.data, len));
		add(lines, lines->out, SPAN("\r\n"));
		rest = span_of(rest.data + len, rest.len - len);
		room = LINE_MAX_BYTES - 1;
	}
	lines->line.len = 0;
}

int
tnef_lines_close(struct tnef_lines *lines, struct error *err)
{
	buf_clear(&lines->line);
	if (lines->is_failed)
		return error_set(err, lines->why.kind, "%s", lines->why.text);
	return 0;
}
