/* What came in: CMS of a root, signed parts, decrypted entities. */
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "smime/internal.h"

static bool
is_base64(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/*
 * RFC 2045 6.8: what is not of the alphabet is ignored, and a padding ends it.
 * A gateway on the way may have lost the padding, a list added its lines.
 */
static int
decode_forgiving(struct span body, struct buf *out, struct error *err)
{
	static const char padding[] = "===";
	struct buf text = { 0 };
	size_t len = 0;
	int rc = -1;

	if (buf_reserve(&text, body.len + sizeof(padding), err) != 0)
		goto out;
	for (size_t i = 0; i < body.len && body.data[i] != '='; i++)
		if (is_base64(body.data[i]))
			text.data[len++] = body.data[i];
	text.len = len;
	if (buf_add(&text, padding, (4 - len % 4) % 4, err) == 0)
		rc = base64_decode(buf_span(&text), out, err);
out:
	buf_clear(&text);
	return rc;
}

/* Like what counts as encrypted before it leaves, and more that others open. */
static int
decode(const struct mime_entity *parts, struct buf *held, struct span *cms,
	enum cms_kind *kind, struct error *err)
{
	struct error why = { 0 };

	if (smime_decode_cms(parts, held, cms, kind, err) != 0)
		return -1;
	if (*kind != CMS_KIND_NONE)
		return 0;
	buf_clear(held);
	if (decode_forgiving(parts->body, held, &why) != 0)
		return why.kind != ERROR_SYSTEM
			       ? 0
			       : error_set(err, why.kind, "%s", why.text);
	*cms = buf_span(held);
	*kind = cms_recognise(*cms);
	return 0;
}

int
smime_cms_of(struct span entity, struct buf *der, enum cms_kind *kind,
	struct error *err)
{
	struct mime_entity parts;
	struct mime_type type;
	struct buf held = { 0 };
	struct span cms;
	bool claims;
	int rc = -1;

	*kind = CMS_KIND_NONE;
	mime_entity_split(entity, &parts);
	mime_type_of(parts.header, &type);
	if (!smime_is_cms_type(&type, parts.header, &claims))
		return error_set(err, ERROR_FORMAT, "its type is not CMS");
	if (decode(&parts, &held, &cms, kind, err) != 0)
		goto out;
	if (*kind == CMS_KIND_NONE) {
		error_set(err, ERROR_FORMAT, "there is no CMS in it");
	} else if (der->data == NULL && cms.data == held.data) {
		held.limit_bytes = der->limit_bytes;
		*der = held;
		memset(&held, 0, sizeof(held));
		rc = 0;
	} else {
		rc = buf_add_span(der, cms, err);
	}
out:
	buf_clear(&held);
	return rc;
}

enum smime_kind
smime_kind_of_claim(struct span entity, struct error *err)
{
	struct buf der = { 0 };
	enum cms_kind kind = CMS_KIND_NONE;

	(void)!smime_cms_of(entity, &der, &kind, err);
	buf_clear(&der);
	if (kind == CMS_KIND_CERTS_ONLY || kind == CMS_KIND_DATA)
		return SMIME_KIND_PLAIN;
	return smime_kind_of_cms(kind);
}

/* ---- the forms that are tried ---- */

static bool
has_bare_lf(struct span bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] == '\n' &&
			(i == 0 || bytes.data[i - 1] != '\r'))
			return true;
	return false;
}

static int
make_crlf(struct span bytes, struct buf *out, struct error *err)
{
	if (buf_reserve(out, bytes.len + bytes.len / 16, err) != 0)
		return -1;
	while (bytes.len != 0) {
		const unsigned char *lf = memchr(bytes.data, '\n', bytes.len);
		size_t len = lf != NULL ? (size_t)(lf - bytes.data) : bytes.len;
		bool bare = lf != NULL && (len == 0 || lf[-1] != '\r');

		if (buf_add(out, bytes.data, len, err) != 0 ||
			(lf != NULL && buf_add_string(out, bare ? "\r\n" : "\n",
					       err) != 0))
			return -1;
		len += lf != NULL;
		bytes = span_of(bytes.data + len, bytes.len - len);
	}
	return 0;
}

int
smime_read_signed(const struct smime_parts *parts, const struct list *more,
	const struct cms_read_limits *limits, struct cms_signed *out,
	enum smime_canonical *form, struct error *err)
{
	struct span cms = buf_span(&parts->signature);
	struct span content = parts->content;
	struct buf crlf = { 0 };
	int rc = 0;

	memset(out, 0, sizeof(*out));
	*form = SMIME_AS_RECEIVED;
	for (int i = SMIME_AS_RECEIVED; i < SMIME_CANONICALS; i++) {
		struct pieces pieces = { .count = 0 };
		struct cms_signed again;

		if (i == SMIME_CRLF && !has_bare_lf(content))
			continue;
		if (i == SMIME_CRLF) {
			if (make_crlf(content, &crlf, err) != 0)
				goto failed;
			content = buf_span(&crlf);
		}
		pieces_add(&pieces, content);
		if (i == SMIME_FINAL_CRLF)
			pieces_add(&pieces, SPAN("\r\n"));
		rc = cms_read_signed(cms, &pieces, more, limits, &again, err);
		if (rc != 0 && i == SMIME_AS_RECEIVED)
			goto out;
		if (rc != 0)
			goto failed;
		if (i == SMIME_AS_RECEIVED) {
			*out = again;
		} else if (cms_signed_is_verified(&again)) {
			cms_signed_clear(out);
			*out = again;
			*form = (enum smime_canonical)i;
		} else {
			cms_signed_clear(&again);
		}
		if (cms_signed_is_verified(out) || out->signers.count == 0)
			break;
	}
	goto out;
failed:
	rc = -1;
	cms_signed_clear(out);
out:
	buf_clear(&crlf);
	return rc;
}
