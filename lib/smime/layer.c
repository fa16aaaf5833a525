#include <string.h>

#include "base/base64.h"
#include "smime/smime.h"

/* Room for certificates, attributes and RecipientInfos beside the content. */
enum { CMS_OVERHEAD_BYTES = 16384 };

static const char preamble[] =
	"This is a signed message in S/MIME format (RFC 8551).\r\n";

void
smime_layer_clear(struct smime_layer *layer)
{
	buf_clear(&layer->header);
	buf_clear(&layer->front);
	buf_clear(&layer->back);
	layer->body.count = 0;
}

void
smime_layer_entity(const struct smime_layer *layer, struct pieces *out)
{
	pieces_add(out, buf_span(&layer->header));
	pieces_add(out, SPAN("\r\n"));
	pieces_add_all(out, &layer->body);
}

/* One base64 body with the header that an S/MIME part wants (3.2.1). */
static int
add_part_header(
	struct buf *out, const char *type, const char *file, struct error *err)
{
	return buf_add_format(out, err,
		"Content-Type: %s;\r\n"
		"\tname=\"%s\"\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment; filename=\"%s\"\r\n",
		type, file, file);
}

static int
sign_detached(const struct cms_signer *signer, const struct pieces *entity,
	struct smime_layer *out, struct error *err)
{
	char boundary[MIME_NEW_BOUNDARY_SIZE];
	struct base64 encoder;
	struct sink sink;

	if (mime_new_boundary(entity, boundary, err) != 0 ||
		buf_add_format(&out->header, err,
			"Content-Type: multipart/signed;\r\n"
			"\tprotocol=\"application/pkcs7-signature\";"
			" micalg=%s;\r\n"
			"\tboundary=\"%s\"\r\n",
			crypto_digest_micalg(cms_signer_digest(signer)),
			boundary) != 0 ||
		buf_add_format(&out->front, err, "%s\r\n--%s\r\n", preamble,
			boundary) != 0 ||
		buf_add_format(&out->back, err, "\r\n--%s\r\n", boundary) ||
		add_part_header(&out->back, "application/pkcs7-signature",
			"smime.p7s", err) != 0 ||
		buf_add_string(&out->back, "\r\n", err) != 0)
		return -1;
	base64_init(&encoder, &out->back);
	sink = base64_sink(&encoder);
	if (cms_sign_detached(signer, entity, &sink, err) != 0 ||
		base64_end(&encoder, err) != 0 ||
		buf_add_format(&out->back, err, "\r\n--%s--\r\n", boundary))
		return -1;
	pieces_add(&out->body, buf_span(&out->front));
	pieces_add_all(&out->body, entity);
	pieces_add(&out->body, buf_span(&out->back));
	return 0;
}

static int
sign_opaque(const struct cms_signer *signer, const struct pieces *entity,
	struct smime_layer *out, struct error *err)
{
	struct base64 encoder;
	struct sink sink;
	size_t bound = base64_len(pieces_len(entity) + CMS_OVERHEAD_BYTES);

	if (add_part_header(&out->header,
		    "application/pkcs7-mime; smime-type=signed-data",
		    "smime.p7m", err) != 0 ||
		buf_reserve(&out->front, bound, err) != 0)
		return -1;
	base64_init(&encoder, &out->front);
	sink = base64_sink(&encoder);
	if (cms_sign_opaque(signer, entity, &sink, err) != 0 ||
		base64_end(&encoder, err) != 0)
		return -1;
	pieces_add(&out->body, buf_span(&out->front));
	return 0;
}

int
smime_sign(const struct cms_signer *signer, enum smime_form form,
	const struct pieces *entity, struct smime_layer *out, struct error *err)
{
	int result = -1;

	switch (form) {
	case SMIME_FORM_DETACHED:
		result = sign_detached(signer, entity, out, err);
		break;
	case SMIME_FORM_OPAQUE:
		result = sign_opaque(signer, entity, out, err);
		break;
	}
	if (result != 0)
		smime_layer_clear(out);
	return result;
}

static int
encrypt(enum cms_cipher cipher, const struct cms_recipient *to, size_t count,
	const struct pieces *entity, struct smime_layer *out, struct error *err)
{
	const char *type =
		cms_cipher_is_authenticated(cipher)
			? "application/pkcs7-mime; "
			  "smime-type=authEnveloped-data"
			: "application/pkcs7-mime; smime-type=enveloped-data";
	size_t bound = cms_encrypted_size_bound(pieces_len(entity), count);
	struct base64 encoder;
	struct sink sink;

	if (add_part_header(&out->header, type, "smime.p7m", err) != 0 ||
		buf_reserve(&out->front, base64_len(bound), err) != 0)
		return -1;
	base64_init(&encoder, &out->front);
	sink = base64_sink(&encoder);
	if (cms_encrypt(cipher, to, count, entity, &sink, err) != 0 ||
		base64_end(&encoder, err) != 0)
		return -1;
	pieces_add(&out->body, buf_span(&out->front));
	return 0;
}

int
smime_encrypt(enum cms_cipher cipher, const struct cms_recipient *to,
	size_t count, const struct pieces *entity, struct smime_layer *out,
	struct error *err)
{
	if (encrypt(cipher, to, count, entity, out, err) == 0)
		return 0;
	smime_layer_clear(out);
	return -1;
}
