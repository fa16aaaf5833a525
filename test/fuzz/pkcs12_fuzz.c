/*
 * Any bytes as a PKCS#12, with passwords of each kind.  A change inside would
 * seldom get past the MAC, so what parses is also given a MAC that is right.
 */
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#include "certs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
load_with_mac(struct span bytes, const char *password)
{
	const unsigned char *at = bytes.data;
	PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)bytes.len);
	unsigned char *der = NULL;
	int len;

	if (p12 != NULL &&
		PKCS12_set_mac(p12, password, -1, NULL, 0, 1, EVP_sha256()) ==
			1 &&
		(len = i2d_PKCS12(p12, &der)) > 0)
		load_certs(span_of(der, (size_t)len), password);
	OPENSSL_free(der);
	PKCS12_free(p12);
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);

	load_certs(bytes, NULL);
	load_certs(bytes, "secret");
	load_certs(bytes, "gr\xc3\xbc\xc3\x9f");
	load_with_mac(bytes, "secret");
	return 0;
}
