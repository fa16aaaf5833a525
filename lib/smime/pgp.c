#include <string.h>

#include "smime/internal.h"

/* "This is an OpenPGP/MIME encrypted message" is all a preamble may say. */
enum { PREAMBLE_MAX_BYTES = 200 };

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

/* 0: an ordinary line, 1: a delimiter, 2: the close delimiter. */
static int
delimiter(struct span line, struct span boundary)
{
	line = span_trim(line);
	if (line.len < boundary.len + 2 || memcmp(line.data, "--", 2) != 0 ||
		memcmp(line.data + 2, boundary.data, boundary.len) != 0)
		return 0;
	line.data += boundary.len + 2;
	line.len -= boundary.len + 2;
	return line.len == 0 ? 1 : span_is(line, "--") ? 2 : 0;
}

/* Bytes up to the next delimiter; *found says which kind ended them. */
static struct span
until_delimiter(struct span *rest, struct span boundary, int *found)
{
	const unsigned char *start = rest->data;

	while (rest->len != 0) {
		struct span line = next_line(rest);

		*found = delimiter(line, boundary);
		if (*found != 0)
			return span_of(start, (size_t)(line.data - start));
	}
	*found = 0;
	return span_of(start, (size_t)(rest->data - start));
}

static bool
is_control_part(struct span part)
{
	struct mime_entity entity;
	struct mime_type type;

	mime_entity_split(part, &entity);
	mime_type_of(entity.header, &type);
	return mime_type_is(&type, "application/pgp-encrypted") &&
	       span_is_nocase(span_trim(entity.body), "Version: 1");
}

static bool
is_armour_part(struct span part)
{
	const struct span end = SPAN("-----END PGP MESSAGE-----");
	struct mime_entity entity;
	struct span body;

	mime_entity_split(part, &entity);
	body = span_trim(entity.body);
	return span_starts_nocase(body, "-----BEGIN PGP MESSAGE-----") &&
	       span_find(body, end) == body.data + body.len - end.len;
}

bool
smime_is_pgp_mime(const struct mime_type *type, struct span body)
{
	struct span boundary = span_of(type->boundary, type->boundary_len);
	char protocol[MIME_TOKEN_MAX];
	struct span preamble, control, data;
	int ends[3];

	if (boundary.len == 0 ||
		mime_type_parameter(
			type, "protocol", protocol, sizeof(protocol)) != 1 ||
		!span_is_nocase(
			span_string(protocol), "application/pgp-encrypted"))
		return false;
	preamble = until_delimiter(&body, boundary, &ends[0]);
	control = until_delimiter(&body, boundary, &ends[1]);
	data = until_delimiter(&body, boundary, &ends[2]);
	return ends[0] == 1 && ends[1] == 1 && ends[2] == 2 &&
	       preamble.len <= PREAMBLE_MAX_BYTES && is_control_part(control) &&
	       is_armour_part(data) && span_trim(body).len == 0;
}
