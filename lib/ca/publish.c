/* What a directory holds for mail programs. */
#include "base/mem.h"
#include "ca/internal.h"
#include "cms/cms.h"

int
write_one(const struct cert_writing *how, struct cert *cert, struct buf *out,
	struct error *err)
{
	struct list certs = { 0 };
	int result;

	list_add(&certs, cert);
	result = cert_write(how, &certs, out, err);
	list_clear(&certs, NULL);
	return result;
}

/* Signed by nobody where the key is not here. */
static int
only_certificates(struct cert *cert, struct buf *out, struct error *err)
{
	const struct cert_writing how = { .form = CERT_P7B };

	return write_one(&how, cert, out, err);
}

int
ca_smime_certificate(struct cert *cert, struct buf *out, struct error *err)
{
	const struct pieces nothing = { 0 };
	const struct sink sink = buf_sink(out);
	struct cms_signer *signer = NULL;
	int result;

	if (cert->key == NULL || !cert->may_sign)
		return only_certificates(cert, out, err);
	result = cms_signer_new(cert, CRYPTO_SHA256, CMS_PKCS1, cert->chain,
		NULL, &signer, err);
	if (result == 0)
		result = cms_sign_detached(signer, &nothing, &sink, err);
	cms_signer_free(signer);
	return result;
}
