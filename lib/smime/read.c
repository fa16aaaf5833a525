/* What came in: CMS of a root, signed parts, decrypted entities. */
#include <string.h>
#include <strings.h>

#include "smime/internal.h"

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
	if (smime_decode_cms(&parts, &held, &cms, kind, err) != 0)
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
