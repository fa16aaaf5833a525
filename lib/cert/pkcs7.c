/* P7B, and the certificates in any other signed PKCS#7. */
#include <openssl/pkcs7.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

static STACK_OF(X509) * certificates_of(const PKCS7 *p7)
{
	if (p7->d.ptr == NULL)
		return NULL;
	switch (OBJ_obj2nid(p7->type)) {
	case NID_pkcs7_signed:
		return p7->d.sign->cert;
	case NID_pkcs7_signedAndEnveloped:
		return p7->d.signed_and_enveloped->cert;
	}
	return NULL;
}

int
read_pkcs7(struct reading *in, struct span der, struct error *err)
{
	const unsigned char *at = der.data;
	PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der.len);
	STACK_OF(X509) * certificates;
	int result = -1;

	if (p7 == NULL) {
		crypto_fail(err, ERROR_FORMAT,
			"%s: a PKCS#7 that cannot be parsed", in->source);
		goto out;
	}
	reading_check_end(in, at, der.data + der.len);
	certificates = certificates_of(p7);
	if (sk_X509_num(certificates) <= 0) {
		error_set(err, ERROR_FORMAT,
			"%s: a PKCS#7 without certificates", in->source);
		goto out;
	}
	for (int i = 0; i < sk_X509_num(certificates); i++) {
		X509 *x509 = sk_X509_value(certificates, i);

		if (X509_up_ref(x509) != 1 ||
			reading_add_cert(in, x509, err) != 0)
			goto out;
	}
	result = 0;
out:
	PKCS7_free(p7);
	crypto_begin();
	return result;
}
