/* P7B, and the certificates and lists in any other signed PKCS#7. */
#include <openssl/pkcs7.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

struct held {
	STACK_OF(X509) * certs;
	STACK_OF(X509_CRL) * crls;
};

static struct held
held_by(const PKCS7 *p7)
{
	if (p7->d.ptr != NULL)
		switch (OBJ_obj2nid(p7->type)) {
		case NID_pkcs7_signed:
			return (struct held){ p7->d.sign->cert,
				p7->d.sign->crl };
		case NID_pkcs7_signedAndEnveloped:
			return (struct held){ p7->d.signed_and_enveloped->cert,
				p7->d.signed_and_enveloped->crl };
		}
	return (struct held){ 0 };
}

static int
add_all(struct reading *in, const struct held *held, struct error *err)
{
	for (int i = 0; i < sk_X509_num(held->certs); i++) {
		X509 *x509 = sk_X509_value(held->certs, i);

		if (X509_up_ref(x509) != 1 ||
			reading_add_cert(in, x509, err) != 0)
			return -1;
	}
	for (int i = 0; i < sk_X509_CRL_num(held->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(held->crls, i);

		if (X509_CRL_up_ref(crl) != 1 ||
			reading_add_crl(in, crl, err) != 0)
			return -1;
	}
	return 0;
}

int
read_pkcs7(struct reading *in, struct span der, struct error *err)
{
	const unsigned char *at = der.data;
	PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der.len);
	struct held held;
	int result = -1;

	if (p7 == NULL) {
		crypto_fail(err, ERROR_FORMAT,
			"%s: a PKCS#7 that cannot be parsed", in->source);
		goto out;
	}
	reading_check_end(in, at, der.data + der.len);
	held = held_by(p7);
	if (sk_X509_num(held.certs) <= 0 && sk_X509_CRL_num(held.crls) <= 0) {
		error_set(err, ERROR_FORMAT,
			"%s: a PKCS#7 without certificates", in->source);
		goto out;
	}
	result = add_all(in, &held, err);
out:
	PKCS7_free(p7);
	crypto_begin();
	return result;
}
