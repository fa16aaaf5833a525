#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "base/hex.h"
#include "crypto/crypto.h"

static int
run(EVP_MAC_CTX *ctx, struct span key, const struct pieces *data,
	unsigned char *out)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	size_t len = 0;

	if (EVP_MAC_init(ctx, key.data, key.len, params) != 1)
		return -1;
	for (size_t i = 0; i < data->count; i++)
		if (EVP_MAC_update(
			    ctx, data->item[i].data, data->item[i].len) != 1)
			return -1;
	return EVP_MAC_final(ctx, out, &len, CRYPTO_MAC_BYTES) == 1 &&
			       len == CRYPTO_MAC_BYTES
		       ? 0
		       : -1;
}

static int
make_mac(struct span key, const struct pieces *data,
	unsigned char out[CRYPTO_MAC_BYTES], struct error *err)
{
	EVP_MAC_CTX *ctx = NULL;
	EVP_MAC *mac;
	int result = -1;

	crypto_begin();
	mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (mac != NULL)
		ctx = EVP_MAC_CTX_new(mac);
	if (ctx == NULL || run(ctx, key, data, out) != 0)
		crypto_fail(err, ERROR_SYSTEM, "OpenSSL makes no HMAC");
	else
		result = crypto_end("HMAC", err);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return result;
}

int
crypto_mac_hex(struct span key, const struct pieces *data,
	char out[CRYPTO_MAC_HEX], struct error *err)
{
	unsigned char bytes[CRYPTO_MAC_BYTES];

	if (make_mac(key, data, bytes, err) != 0)
		return -1;
	hex_write(out, span_of(bytes, sizeof(bytes)));
	return 0;
}

bool
crypto_equal(struct span a, struct span b)
{
	return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}
