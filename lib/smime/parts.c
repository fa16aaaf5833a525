/*
 * The parts of a multipart (RFC 2046 5.1.1), cut from its raw bytes.  A
 * delimiter is a whole line, blanks at its end apart: one that only begins
 * like it belongs to somebody else.
 */
#include <string.h>

#include "smime/internal.h"

static struct span
next_line(struct span *rest)
{
	const unsigned char *end =
		rest->len != 0 ? memchr(rest->data, '\n', rest->len) : NULL;
	struct span line = *rest;

	if (end != NULL)
		line.len = (size_t)(end - rest->data) + 1;
	rest->data += line.len;
	rest->len -= line.len;
	return line;
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum smime_end
delimiter(struct span line, struct span boundary)
{
	while (line.len != 0 && is_blank(line.data[line.len - 1]))
		line.len--;
	if (line.len < boundary.len + 2 || memcmp(line.data, "--", 2) != 0 ||
		memcmp(line.data + 2, boundary.data, boundary.len) != 0)
		return SMIME_END_NONE;
	line.data += boundary.len + 2;
	line.len -= boundary.len + 2;
	if (line.len == 0)
		return SMIME_END_NEXT;
	return span_is(line, "--") ? SMIME_END_LAST : SMIME_END_NONE;
}

struct span
smime_until_delimiter(
	struct span *rest, struct span boundary, enum smime_end *end)
{
	const unsigned char *start = rest->data;

	while (rest->len != 0) {
		struct span line = next_line(rest);

		*end = delimiter(line, boundary);
		if (*end != SMIME_END_NONE)
			return span_of(start, (size_t)(line.data - start));
	}
	*end = SMIME_END_NONE;
	return span_of(start, (size_t)(rest->data - start));
}

/* ---- multipart/signed ---- */

/* "This is an S/MIME signed message" and the like. */
enum { PREAMBLE_MAX_BYTES = 500 };

static bool
has_control_bytes(struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] < ' ' && !is_blank(bytes.data[i]))
			return true;
	return false;
}

/*
 * No reader of MIME shows a preamble, and none of it is ever used.  What it
 * may not be is something another parser could take for a part: a line that
 * begins like a delimiter or a field, or anything long.
 */
static bool
is_harmless(struct span preamble)
{
	struct mime_field field;
	struct span fields = preamble;

	if (span_trim(preamble).len == 0)
		return true;
	if (preamble.len > PREAMBLE_MAX_BYTES || has_control_bytes(preamble) ||
		mime_field_next(&fields, &field) == 1)
		return false;
	while (preamble.len != 0) {
		struct span line = span_trim(next_line(&preamble));

		if (line.len >= 2 && memcmp(line.data, "--", 2) == 0)
			return false;
	}
	return true;
}

static int
check_header(struct span header, struct mime_type *type, struct error *err)
{
	struct mime_field field;
	char protocol[MIME_TOKEN_MAX] = "";
	struct span encoding = SPAN("7bit");

	if (mime_field_count(header, "Content-Type") != 1)
		return error_set(
			err, ERROR_FORMAT, "it has not one Content-Type");
	mime_type_of(header, type);
	if (!mime_type_is(type, "multipart/signed"))
		return error_set(
			err, ERROR_FORMAT, "this is no multipart/signed");
	if (type->boundary_len == 0)
		return error_set(err, ERROR_FORMAT, "it has no boundary");
	if (mime_type_parameter_count(type, "boundary") > 1)
		return error_set(err, ERROR_FORMAT,
			"it has more than one boundary parameter");
	(void)!mime_type_parameter(
		type, "protocol", protocol, sizeof(protocol));
	if (protocol[0] != '\0' &&
		!span_ends_nocase(span_string(protocol), "pkcs7-signature"))
		return error_set(err, ERROR_FORMAT,
			"its protocol is not application/pkcs7-signature");
	if (mime_field_find(header, "Content-Transfer-Encoding", 0, &field) ==
		1)
		encoding = span_trim(field.value);
	if (span_is_nocase(encoding, "base64") ||
		span_is_nocase(encoding, "quoted-printable"))
		return error_set(err, ERROR_FORMAT,
			"it is a multipart that says it is encoded");
	return 0;
}

/* The line end before a delimiter belongs to the delimiter. */
static void
cut_line_end(struct span part, struct span *content, struct span *line_end)
{
	size_t len = 0;

	if (part.len != 0 && part.data[part.len - 1] == '\n')
		len = part.len >= 2 && part.data[part.len - 2] == '\r' ? 2 : 1;
	*content = span_of(part.data, part.len - len);
	*line_end = span_of(part.data + part.len - len, len);
}

/* What a signature travels in; without a word of it, too. */
static const char *const encodings[] = { "base64", "7bit", "8bit", "binary" };

static bool
is_encoding_taken(struct span header)
{
	struct mime_field field;
	struct span encoding;

	if (mime_field_find(header, "Content-Transfer-Encoding", 0, &field) !=
		1)
		return true;
	encoding = span_trim(field.value);
	for (size_t i = 0; i < COUNT_OF(encodings); i++)
		if (span_is_nocase(encoding, encodings[i]))
			return true;
	return false;
}

/*
 * A reader who sees the end of this header elsewhere, or another type or
 * encoding in it, may show something that is not signed.
 */
static int
check_signature_header(const struct mime_entity *entity, struct error *err)
{
	struct mime_field field;
	struct span header = entity->header, rest = header;
	size_t len = 0;

	while (mime_field_next(&rest, &field) == 1)
		len += field.whole.len;
	/* Without a blank line, such a line is what ended it. */
	if (len != header.len || entity->separator.len == 0)
		return error_set(err, ERROR_FORMAT,
			"a line in the header of its second part is no field");
	if (mime_field_count(header, "Content-Type") != 1 ||
		mime_field_count(header, "Content-Transfer-Encoding") > 1)
		return error_set(err, ERROR_FORMAT,
			"its second part has not one type and encoding");
	if (!is_encoding_taken(header))
		return error_set(err, ERROR_FORMAT,
			"its signature is in another transfer encoding than "
			"base64");
	return 0;
}

static int
read_signature(struct span part, struct buf *out, struct error *err)
{
	struct mime_entity entity;
	struct mime_type type;
	struct buf held = { 0 };
	struct span cms;
	enum cms_kind kind;
	int rc = -1;

	mime_entity_split(part, &entity);
	mime_type_of(entity.header, &type);
	if (!mime_type_is(&type, "application/pkcs7-signature") &&
		!mime_type_is(&type, "application/x-pkcs7-signature") &&
		!mime_type_is(&type, "application/octet-stream"))
		return error_set(err, ERROR_FORMAT,
			"its second part is no S/MIME signature");
	if (check_signature_header(&entity, err) != 0)
		return -1;
	if (smime_decode_cms(&entity, &held, &cms, &kind, err) != 0)
		goto out;
	if (kind == CMS_KIND_SIGNED || kind == CMS_KIND_CERTS_ONLY ||
		kind == CMS_KIND_OTHER)
		rc = buf_add_span(out, cms, err);
	else
		rc = error_set(
			err, ERROR_FORMAT, "its signature cannot be decoded");
out:
	buf_clear(&held);
	return rc;
}

int
smime_split_signed(
	struct span entity, struct smime_parts *out, struct error *err)
{
	struct mime_entity parts;
	struct mime_type type;
	struct span preamble, first, second, boundary, rest, unused;
	enum smime_end end[3];

	memset(out, 0, sizeof(*out));
	mime_entity_split(entity, &parts);
	if (check_header(parts.header, &type, err) != 0)
		return -1;
	boundary = span_of(type.boundary, type.boundary_len);
	rest = parts.body;
	preamble = smime_until_delimiter(&rest, boundary, &end[0]);
	first = smime_until_delimiter(&rest, boundary, &end[1]);
	second = smime_until_delimiter(&rest, boundary, &end[2]);
	if (end[0] != SMIME_END_NEXT || end[1] == SMIME_END_LAST)
		return error_set(
			err, ERROR_FORMAT, "it has fewer than two parts");
	if (end[1] == SMIME_END_NONE || end[2] == SMIME_END_NONE)
		return error_set(err, ERROR_FORMAT,
			"it is cut off: its last delimiter is missing");
	if (end[2] == SMIME_END_NEXT)
		return error_set(
			err, ERROR_FORMAT, "it has more than two parts");
	if (!is_harmless(preamble) || span_trim(rest).len != 0)
		return error_set(err, ERROR_FORMAT,
			"there is something outside of its two parts");
	cut_line_end(first, &out->content, &out->line_end);
	cut_line_end(second, &second, &unused);
	return read_signature(second, &out->signature, err);
}

void
smime_parts_clear(struct smime_parts *parts)
{
	buf_clear(&parts->signature);
	memset(parts, 0, sizeof(*parts));
}
