#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "smime/internal.h"

enum { NAME_MAX_BYTES = 256 };

static const char *const kind_names[] = {
	[SMIME_KIND_PLAIN] = "plain",
	[SMIME_KIND_SIGNED] = "signed (multipart/signed)",
	[SMIME_KIND_OPAQUE] = "signed (opaque)",
	[SMIME_KIND_ENCRYPTED] = "encrypted (S/MIME)",
	[SMIME_KIND_OTHER_CMS] = "other S/MIME",
	[SMIME_KIND_PGP_SIGNED] = "signed (PGP/MIME)",
	[SMIME_KIND_PGP_ENCRYPTED] = "encrypted (PGP/MIME)",
	[SMIME_KIND_OTHER_PGP] = "other multipart/encrypted",
	[SMIME_KIND_PGP_INLINE] = "PGP within text",
};

const char *
smime_kind_name(enum smime_kind kind)
{
	return kind_names[kind];
}

/* ---- CMS in a body ---- */

static bool
encoding_is(struct span header, const char *name)
{
	struct mime_field field;

	return mime_field_find(
		       header, "Content-Transfer-Encoding", 0, &field) == 1 &&
	       span_is_nocase(span_trim(field.value), name);
}

static int
try_decoding(int (*decode)(struct span, struct buf *, struct error *),
	struct span body, struct buf *held, struct span *cms,
	enum cms_kind *kind, struct error *err)
{
	struct error why = { 0 };

	buf_clear(held);
	if (decode(body, held, &why) != 0)
		return why.kind != ERROR_SYSTEM
			       ? 0
			       : error_set(err, why.kind, "%s", why.text);
	*cms = buf_span(held);
	*kind = cms_recognise(*cms);
	return 0;
}

/*
 * A transfer encoding that is missing or lies gets a second try as base64; no
 * memory is the only error.
 */
int
smime_decode_cms(const struct mime_entity *entity, struct buf *held,
	struct span *cms, enum cms_kind *kind, struct error *err)
{
	*cms = entity->body;
	*kind = cms_recognise(entity->body);
	if (*kind == CMS_KIND_NONE &&
		encoding_is(entity->header, "quoted-printable") &&
		try_decoding(mime_decode_quoted, entity->body, held, cms, kind,
			err) != 0)
		return -1;
	if (*kind == CMS_KIND_NONE)
		return try_decoding(
			base64_decode, entity->body, held, cms, kind, err);
	return 0;
}

static int
recognise_body(
	const struct mime_entity *entity, enum cms_kind *out, struct error *err)
{
	struct buf held = { 0 };
	struct span cms;
	int rc = smime_decode_cms(entity, &held, &cms, out, err);

	buf_clear(&held);
	return rc;
}

enum smime_kind
smime_kind_of_cms(enum cms_kind cms)
{
	switch (cms) {
	case CMS_KIND_SIGNED:
		return SMIME_KIND_OPAQUE;
	case CMS_KIND_ENVELOPED:
	case CMS_KIND_AUTH_ENVELOPED:
		return SMIME_KIND_ENCRYPTED;
	case CMS_KIND_CERTS_ONLY:
	case CMS_KIND_DATA:
	case CMS_KIND_OTHER:
	case CMS_KIND_NONE:
		break;
	}
	return SMIME_KIND_OTHER_CMS;
}

/* ---- what the Content-Type claims ---- */

static bool
is_pkcs7_mime(const struct mime_type *type)
{
	return mime_type_is(type, "application/pkcs7-mime") ||
	       mime_type_is(type, "application/x-pkcs7-mime");
}

static bool
ends_in_p7m(const char *name)
{
	size_t len = strlen(name);

	return len >= 4 && strcasecmp(name + len - 4, ".p7m") == 0;
}

/* RFC 8551 3.10: application/octet-stream named *.p7m counts. */
static bool
is_named_p7m(const struct mime_type *type, struct span header)
{
	char name[NAME_MAX_BYTES];
	struct mime_field field;
	struct mime_type disposition;

	if (!mime_type_is(type, "application/octet-stream"))
		return false;
	if (mime_type_parameter(type, "name", name, sizeof(name)) == 1 &&
		ends_in_p7m(name))
		return true;
	if (mime_field_find(header, "Content-Disposition", 0, &field) != 1)
		return false;
	disposition = (struct mime_type){ .value = field.value };
	return mime_type_parameter(
		       &disposition, "filename", name, sizeof(name)) == 1 &&
	       ends_in_p7m(name);
}

bool
smime_is_cms_type(
	const struct mime_type *type, struct span header, bool *claims)
{
	*claims = is_pkcs7_mime(type);
	return *claims || is_named_p7m(type, header);
}

static enum smime_kind
kind_of_multipart_signed(const struct mime_type *type)
{
	char protocol[NAME_MAX_BYTES];

	if (mime_type_parameter(type, "protocol", protocol, sizeof(protocol)) ==
			1 &&
		strcasecmp(protocol, "application/pgp-signature") == 0)
		return SMIME_KIND_PGP_SIGNED;
	return SMIME_KIND_SIGNED;
}

/* Is there a line that starts PGP armour (RFC 9580 6.2 and 7)? */
static bool
has_pgp_armour(struct span body)
{
	static const char *const starts[] = { "MESSAGE-----",
		"SIGNED MESSAGE-----" };
	const struct span begin = SPAN("-----BEGIN PGP ");
	const unsigned char *at;

	while ((at = span_find(body, begin)) != NULL) {
		bool at_line_start = at == body.data || at[-1] == '\n';
		struct span rest;

		body.len -= (size_t)(at - body.data) + begin.len;
		body.data = at + begin.len;
		rest = body;
		for (size_t i = 0; at_line_start && i < COUNT_OF(starts); i++)
			if (span_starts_nocase(rest, starts[i]))
				return true;
	}
	return false;
}

int
smime_detect(struct span entity, enum smime_kind *out, struct error *err)
{
	struct mime_entity parts;
	struct mime_type type;
	enum cms_kind cms;
	bool claims;

	mime_entity_split(entity, &parts);
	mime_type_of(parts.header, &type);
	*out = SMIME_KIND_PLAIN;
	if (mime_type_is(&type, "multipart/signed")) {
		*out = kind_of_multipart_signed(&type);
	} else if (mime_type_is(&type, "multipart/encrypted")) {
		*out = smime_is_pgp_mime(&type, parts.body)
			       ? SMIME_KIND_PGP_ENCRYPTED
			       : SMIME_KIND_OTHER_PGP;
	} else if (mime_type_is(&type, "text/plain")) {
		if (has_pgp_armour(parts.body))
			*out = SMIME_KIND_PGP_INLINE;
	} else if (smime_is_cms_type(&type, parts.header, &claims)) {
		if (recognise_body(&parts, &cms, err) != 0)
			return -1;
		*out = cms == CMS_KIND_NONE && !claims ? SMIME_KIND_PLAIN
						       : smime_kind_of_cms(cms);
	}
	return 0;
}
