#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "tnef/internal.h"

enum { PROBLEMS_MAX = 100 };

void
tnef_made_begin(const struct tnef_reader *reader, struct buf *buf)
{
	/* 0 would be the default of a buffer. */
	buf_init(buf, reader->made_bytes > 0 ? reader->made_bytes : 1);
}

void
tnef_made_end(struct tnef_reader *reader, const struct buf *buf)
{
	reader->made_bytes -=
		buf->len < reader->made_bytes ? buf->len : reader->made_bytes;
}

void
tnef_problem(
	struct tnef_message *message, bool is_lost, const char *format, ...)
{
	struct error text = { 0 };
	char line[sizeof(text.text)];
	va_list args;

	message->is_incomplete |= is_lost;
	if (message->problems.count >= PROBLEMS_MAX)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	error_set(&text, ERROR_FORMAT, "%s", line);
	list_add(&message->problems, mem_string(text.text));
}

int
tnef_trouble(struct tnef_message *message, const char *what,
	const struct error *why, struct error *err)
{
	if (why->kind == ERROR_SYSTEM)
		return error_set(err, ERROR_SYSTEM, "%s: %s", what, why->text);
	tnef_problem(message, true, "%s: %s", what, why->text);
	return 0;
}
