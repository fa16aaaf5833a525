#include "mime/internal.h"

int
mime_put_lines(struct buf *out, struct span lines, struct error *err)
{
	while (lines.len != 0) {
		struct span line = mime_line_next(&lines);
		size_t end = mime_line_end(line);

		if (end != 1) {
			if (buf_add_span(out, line, err) != 0)
				return -1;
			continue;
		}
		if (buf_add_span(out, mime_line_text(line), err) != 0 ||
			buf_add(out, "\r\n", 2, err) != 0)
			return -1;
	}
	return 0;
}

/*
 * Where a line may be broken: before a blank that has something before and
 * behind it and stands outside quotes, as late as the limit allows; 0: there
 * is no such place.
 */
static size_t
fold_place(struct span text)
{
	size_t place = 0, candidate = 0;
	bool quoted = false, begun = false;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.data[i];

		if (mime_is_blank(c)) {
			if (begun && !quoted && candidate == 0)
				candidate = i;
			continue;
		}
		if (candidate > MIME_LINE_MAX)
			break;
		if (candidate != 0)
			place = candidate;
		candidate = 0;
		begun = true;
		if (c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		if (i > MIME_LINE_MAX)
			break;
	}
	return place;
}

/* Unfolding gives the same text again (RFC 5322 2.2.3). */
static int
put_folded(
	struct buf *out, struct span line, unsigned *flaws, struct error *err)
{
	struct span text = mime_line_text(line);
	size_t place;

	while (text.len > MIME_LINE_MAX) {
		place = fold_place(text);
		if (place == 0) {
			*flaws |= FLAW_LONG;
			break;
		}
		if (buf_add(out, text.data, place, err) != 0 ||
			buf_add(out, "\r\n", 2, err) != 0)
			return -1;
		text = span_of(text.data + place, text.len - place);
	}
	return mime_put_lines(
		out, mime_between(text.data, line.data + line.len), err);
}

static int
put_field_lines(
	struct buf *out, struct span lines, unsigned *flaws, struct error *err)
{
	while (lines.len != 0) {
		struct span line = mime_line_next(&lines);

		*flaws |= mime_line_flaws(line) & FLAWS_BYTES;
		if (put_folded(out, line, flaws, err) != 0)
			return -1;
	}
	return 0;
}

int
mime_put_fields(
	struct buf *out, struct span fields, unsigned *flaws, struct error *err)
{
	struct span rest = fields;
	struct mime_field field;
	const unsigned char *from = fields.data;

	while (mime_field_next(&rest, &field) == 1) {
		if (!mime_is_encodable_field(&field))
			continue;
		if (put_field_lines(out, mime_between(from, field.whole.data),
			    flaws, err) != 0 ||
			mime_put_encoded_field(out, &field, err) != 0)
			return -1;
		from = field.whole.data + field.whole.len;
	}
	return put_field_lines(
		out, mime_between(from, fields.data + fields.len), flaws, err);
}

/* The field with another value; name, case and line end stay. */
static int
put_encoding(struct buf *out, const struct mime_field *field,
	const char *encoding, struct error *err)
{
	struct span name = mime_between(field->whole.data, field->value.data);

	if (buf_add_span(out, name, err) != 0 ||
		buf_add_string(out, " ", err) != 0 ||
		buf_add_string(out, encoding, err) != 0)
		return -1;
	return mime_line_end(field->whole) == 0 ? 0
						: buf_add(out, "\r\n", 2, err);
}

static int
add_field(
	struct buf *out, const char *name, const char *value, struct error *err)
{
	return value == NULL
		       ? 0
		       : buf_add_format(out, err, "%s: %s\r\n", name, value);
}

int
mime_put_header(struct buf *out, struct span header,
	const struct mime_patch *patch, unsigned *flaws, struct error *err)
{
	struct span rest = header, kept;
	struct mime_field field;
	const unsigned char *from = header.data;
	bool done = patch->encoding == NULL;
	bool open = header.len != 0 && mime_line_end(header) == 0;

	while (patch->encoding != NULL && mime_field_next(&rest, &field)) {
		if (!span_is_nocase(field.name, "Content-Transfer-Encoding"))
			continue;
		kept = mime_between(from, field.whole.data);
		from = field.whole.data + field.whole.len;
		if (mime_put_fields(out, kept, flaws, err) != 0)
			return -1;
		if (!done && put_encoding(out, &field, patch->encoding, err))
			return -1;
		done = true;
	}
	kept = mime_between(from, header.data + header.len);
	if (mime_put_fields(out, kept, flaws, err) != 0)
		return -1;
	if (open && (!done || patch->type != NULL) &&
		buf_add(out, "\r\n", 2, err) != 0)
		return -1;
	if (add_field(out, "Content-Type", patch->type, err) != 0)
		return -1;
	return add_field(out, "Content-Transfer-Encoding",
		done ? NULL : patch->encoding, err);
}
