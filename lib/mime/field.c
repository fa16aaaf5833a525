#include "mime/internal.h"

/* How long is the name, blanks before the colon included?  0: no field. */
static size_t
name_len(struct span line, size_t *colon)
{
	size_t len = 0, at;

	while (len < line.len && line.data[len] > ' ' && line.data[len] < 127 &&
		line.data[len] != ':')
		len++;
	at = len;
	while (at < line.len && mime_is_blank(line.data[at]))
		at++;
	if (at == line.len || line.data[at] != ':')
		return 0;
	*colon = at;
	return len;
}

static bool
is_fold(struct span rest)
{
	return rest.len != 0 && mime_is_blank(rest.data[0]);
}

int
mime_field_next(struct span *rest, struct mime_field *field)
{
	while (rest->len != 0) {
		struct span line = mime_line_next(rest);
		size_t colon, len = name_len(line, &colon);

		if (len == 0)
			continue;
		while (is_fold(*rest))
			line.len += mime_line_next(rest).len;
		field->whole = line;
		field->name = span_of(line.data, len);
		field->value =
			span_of(line.data + colon + 1, line.len - colon - 1);
		return 1;
	}
	return 0;
}

int
mime_field_find(struct span header, const char *name, unsigned nth,
	struct mime_field *field)
{
	struct mime_field next;

	while (mime_field_next(&header, &next) == 1) {
		if (!span_is_nocase(next.name, name) || nth-- != 0)
			continue;
		*field = next;
		return 1;
	}
	return 0;
}

unsigned
mime_field_count(struct span header, const char *name)
{
	struct mime_field field;
	unsigned count = 0;

	while (mime_field_next(&header, &field) == 1)
		if (span_is_nocase(field.name, name))
			count++;
	return count;
}

/*
 * A first line "From ..." is what mailboxes put before a message; one that
 * starts with a blank is a fold, if only of nothing, and one that starts with
 * a colon a field, if only of nothing: all are header for those who read mail.
 */
static bool
is_header_line(struct span line, bool first)
{
	size_t colon;

	return is_fold(line) || line.data[0] == ':' ||
	       name_len(line, &colon) != 0 ||
	       (first && line.len >= 5 && memcmp(line.data, "From ", 5) == 0);
}

void
mime_entity_split(struct span entity, struct mime_entity *out)
{
	struct span rest = entity, next = entity;
	bool first = true;

	*out = (struct mime_entity){ .separator = span_of(entity.data, 0) };
	for (; rest.len != 0; rest = next, first = false) {
		struct span line = mime_line_next(&next);

		if (mime_line_text(line).len == 0) {
			out->separator = line;
			break;
		}
		if (!is_header_line(line, first)) {
			next = rest;
			break;
		}
	}
	if (rest.len == 0)
		next = rest;
	if (out->separator.len == 0)
		out->separator = span_of(rest.data, 0);
	out->header = mime_between(entity.data, out->separator.data);
	out->body = next;
}
