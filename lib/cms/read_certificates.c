/* The certificates a SignedData carries (RFC 5652 10.2). */
#include <string.h>

#include "cms/internal.h"

static X509 *
parse(struct span der)
{
	const unsigned char *at = der.data;

	return d2i_X509(NULL, &at, (long)der.len);
}

/*
 * OpenSSL reads the key with the certificate, and when it lacked memory for
 * that it remembers the key as one that cannot be read: a second look tells.
 */
static X509 *
parse_with_key(struct span der)
{
	X509 *x509 = parse(der);

	if (x509 == NULL || X509_get0_pubkey(x509) != NULL)
		return x509;
	X509_free(x509);
	crypto_begin();
	return parse(der);
}

/*
 * One that cannot be read is left out, as one of another kind is (RFC 5652
 * 10.2.2: extended, attribute, other).
 */
static int
add_certificate(const struct tlv *tlv, size_t limit_bytes, struct list *out,
	struct error *err)
{
	struct error why = { 0 };
	struct cert *cert = NULL;
	X509 *x509;

	if (tlv->whole.len > limit_bytes)
		return error_set(err, ERROR_LIMIT,
			"a certificate in it is larger than %zu bytes",
			limit_bytes);
	if (tlv->tag != DER_SEQUENCE)
		return 0;
	x509 = parse_with_key(tlv->whole);
	if (x509 == NULL)
		return crypto_lacked_memory()
			       ? error_set(err, ERROR_SYSTEM, "no memory")
			       : 0;
	if (cert_new(x509, NULL, NULL, CERT_HARVESTED, "the mail", &cert,
		    &why) == 0) {
		list_add(out, cert);
		return 0;
	}
	crypto_begin();
	return why.kind == ERROR_SYSTEM
		       ? error_set(err, why.kind, "%s", why.text)
		       : 0;
}

int
signed_read_certificates(const struct signed_data *data,
	const struct cms_read_limits *limits, unsigned *work,
	struct cms_signed *out, struct error *err)
{
	struct tlv_reader in = { data->certificates, work };
	struct tlv tlv;
	unsigned count = 0;
	int got;

	while ((got = tlv_next(&in, &tlv)) == 1) {
		if (++count > limits->certificates)
			return read_too_many(
				err, "certificates", limits->certificates);
		if (add_certificate(&tlv, limits->certificate_bytes,
			    &out->certificates, err) != 0)
			return -1;
	}
	if (got == -1)
		return error_set(
			err, ERROR_FORMAT, "its certificates are malformed");
	in.rest = data->crls;
	while ((got = tlv_next(&in, &tlv)) == 1)
		out->crl_count++;
	return got == 0 ? 0
			: error_set(err, ERROR_FORMAT,
				  "its revocation lists are malformed");
}

static void
push(STACK_OF(X509) * chain, X509 *x509)
{
	if (X509_up_ref(x509) == 1 && sk_X509_push(chain, x509) == 0)
		X509_free(x509);
}

/*
 * Those of the mail have just been made and are known to nobody else yet, so
 * that they may get their chain now; others are shared and stay as they are.
 */
struct cert *
signed_with_chain(const struct list *certs, struct cert *cert)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct cert *other, *made = NULL;
	bool ours = false;

	LIST_FOREACH (other, certs) {
		ours = ours || other == cert;
		if (chain != NULL && strcmp(other->sha256, cert->sha256) != 0)
			push(chain, other->x509);
	}
	if (chain == NULL || (ours && cert->chain != NULL)) {
		sk_X509_pop_free(chain, X509_free);
		return cert_ref(cert);
	}
	if (ours) {
		cert->chain = chain;
		return cert_ref(cert);
	}
	for (int i = 0; i < sk_X509_num(cert->chain); i++)
		push(chain, sk_X509_value(cert->chain, i));
	if (X509_up_ref(cert->x509) != 1) {
		sk_X509_pop_free(chain, X509_free);
		return cert_ref(cert);
	}
	if (cert_new(cert->x509, NULL, chain, cert->origin, cert->source, &made,
		    NULL) != 0)
		return cert_ref(cert);
	return made;
}
