#include <string.h>

#include "smime/internal.h"

/* "This is an OpenPGP/MIME encrypted message" is all a preamble may say. */
enum { PREAMBLE_MAX_BYTES = 200 };

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
	enum smime_end ends[3];

	if (boundary.len == 0 ||
		mime_type_parameter(
			type, "protocol", protocol, sizeof(protocol)) != 1 ||
		!span_is_nocase(
			span_string(protocol), "application/pgp-encrypted"))
		return false;
	preamble = smime_until_delimiter(&body, boundary, &ends[0]);
	control = smime_until_delimiter(&body, boundary, &ends[1]);
	data = smime_until_delimiter(&body, boundary, &ends[2]);
	return ends[0] == SMIME_END_NEXT && ends[1] == SMIME_END_NEXT &&
	       ends[2] == SMIME_END_LAST &&
	       preamble.len <= PREAMBLE_MAX_BYTES && is_control_part(control) &&
	       is_armour_part(data) && span_trim(body).len == 0;
}
