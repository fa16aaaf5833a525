#include "cms/internal.h"

static CMS_ContentInfo *
parse(struct span der, OSSL_LIB_CTX *library)
{
	CMS_ContentInfo *cms = CMS_ContentInfo_new_ex(library, NULL);
	const unsigned char *at = der.data;

	if (cms != NULL &&
		d2i_CMS_ContentInfo(&cms, &at, (long)der.len) != NULL &&
		at == der.data + der.len)
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

/* Without them the content and its attributes can change places. */
static bool
all_have_attributes(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);

	for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++)
		if (CMS_signed_get_attr_count(
			    sk_CMS_SignerInfo_value(infos, i)) <= 0)
			return false;
	return sk_CMS_SignerInfo_num(infos) > 0;
}

int
cms_verify_detached(
	struct span der, const struct pieces *content, struct error *err)
{
	struct buf joined = { 0 };
	CMS_ContentInfo *cms = NULL;
	BIO *bio = NULL;
	int rc = -1;

	crypto_begin();
	if (buf_add_pieces(&joined, content, err) != 0)
		goto out;
	cms = parse(der, NULL);
	bio = BIO_new_mem_buf(
		joined.data != NULL ? joined.data : (const void *)"",
		(int)joined.len);
	if (cms == NULL || bio == NULL) {
		crypto_fail(err, ERROR_FORMAT, "this is no CMS");
		goto out;
	}
	if (!all_have_attributes(cms)) {
		error_set(err, ERROR_CRYPTO,
			"the signature has no signed attributes");
		goto out;
	}
	if (CMS_verify(cms, NULL, NULL, bio, NULL,
		    CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) != 1) {
		crypto_fail(err, ERROR_CRYPTO, "the signature does not verify");
		goto out;
	}
	rc = 0;
out:
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	buf_clear(&joined);
	return rc;
}

int
cms_decrypt(struct span der, const struct cert *cert, struct buf *out,
	struct error *err)
{
	static const char rc2[] = "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x02";
	struct envelope envelope;
	OSSL_LIB_CTX *library = NULL;
	CMS_ContentInfo *cms = NULL;
	BIO *bio = NULL;
	char *bytes;
	long len;
	int rc = -1;

	crypto_begin();
	if (!envelope_read(der, &envelope))
		return error_set(err, ERROR_FORMAT, "this is no encrypted CMS");
	if (span_is(envelope.cipher_oid, rc2))
		library = crypto_legacy();
	cms = parse(der, library);
	bio = BIO_new(BIO_s_mem());
	/* Always with the certificate: without it every RecipientInfo is
	 * tried, and failures take as long as the sender wants. */
	if (cms == NULL || bio == NULL ||
		CMS_decrypt(cms, cert->key, cert->x509, NULL, bio,
			CMS_BINARY) != 1) {
		crypto_fail(err, ERROR_CRYPTO, "this cannot be decrypted");
		goto out;
	}
	len = BIO_get_mem_data(bio, &bytes);
	rc = len < 0 ? -1 : buf_add(out, bytes, (size_t)len, err);
out:
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	return rc;
}
