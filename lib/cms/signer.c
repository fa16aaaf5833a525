#include <openssl/x509.h>

#include "base/mem.h"
#include "cms/internal.h"

/* RFC 5754 2, RFC 3370 2.1: parameters absent. */
static const char *const algorithm[CRYPTO_DIGESTS] = {
	[CRYPTO_SHA1] = "\x06\x05\x2b\x0e\x03\x02\x1a",
	[CRYPTO_SHA256] = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01",
	[CRYPTO_SHA384] = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02",
	[CRYPTO_SHA512] = "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03",
};

void
cms_signer_free(void *p)
{
	struct cms_signer *signer = p;

	if (signer == NULL)
		return;
	for (int form = 0; form < TIME_FORMS; form++)
		buf_clear(&signer->attributes[form].der);
	buf_clear(&signer->sid);
	buf_clear(&signer->digest_algorithm);
	buf_clear(&signer->signature_algorithm);
	buf_clear(&signer->certificates);
	EVP_PKEY_CTX_free(signer->prepared);
	cert_unref(signer->cert);
	mem_free(signer);
}

enum crypto_digest
cms_signer_digest(const struct cms_signer *signer)
{
	return signer->digest;
}

static int
encode(struct cms_signer *signer, STACK_OF(X509) * chain,
	struct cert *encryption, struct error *err)
{
	struct der der = { &signer->digest_algorithm, err, 0 };
	X509 *other = NULL;

	if (encryption != NULL &&
		X509_cmp(encryption->x509, signer->cert->x509) != 0)
		other = encryption->x509;
	der_element(&der, DER_SEQUENCE, span_string(algorithm[signer->digest]));
	if (der.failed != 0)
		return -1;
	if (signer_encode_identity(signer, chain, other, err) != 0)
		return -1;
	return signer_encode_attributes(signer, other, err);
}

static int
forget(void *self UNUSED, struct span bytes UNUSED, struct error *err UNUSED)
{
	return 0;
}

/*
 * A key that does not fit its certificate is found here and not by the first
 * mail; RSA also prepares what it needs for a key once.
 */
static int
try_key(const struct cms_signer *signer, struct error *err)
{
	struct pieces content = { .count = 0 };
	struct sink nowhere = { forget, NULL };
	struct error why = { 0 };

	pieces_add(&content, SPAN("a trial"));
	if (cms_sign_detached(signer, &content, &nowhere, &why) == 0)
		return 0;
	return error_set(err,
		why.kind == ERROR_SYSTEM ? ERROR_SYSTEM : ERROR_NOKEY,
		"%s: a trial signature failed: %s", signer->cert->source,
		why.text);
}

int
cms_signer_new(struct cert *cert, enum crypto_digest digest,
	enum cms_scheme scheme, STACK_OF(X509) * chain, struct cert *encryption,
	struct cms_signer **out, struct error *err)
{
	struct cms_signer *signer = NULL;
	int rc = -1;

	if (crypto_init(err) != 0)
		return -1;
	crypto_begin();
	signer = mem_alloc(sizeof(*signer));
	signer->cert = cert_ref(cert);
	signer->digest = digest;
	if (signer_check_key(signer, scheme, err) != 0 ||
		signer_prepare_key(signer, err) != 0 ||
		encode(signer, chain, encryption, err) != 0)
		goto out;
	crypto_begin(); /* looking for issuers leaves errors behind */
	if (try_key(signer, err) != 0)
		goto out;
	*out = signer;
	signer = NULL;
	rc = 0;
out:
	cms_signer_free(signer);
	return rc;
}
