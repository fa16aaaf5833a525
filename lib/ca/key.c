/* Keys: made, and kept behind a password (PKCS#8 with PBES2: RFC 8018). */
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "base/random.h"
#include "ca/internal.h"

enum { SALT_BYTES = 16, ESCROW_BYTES = 32 };

static const struct {
	const char *name;
	unsigned bits;	   /* of RSA; 0: */
	const char *curve; /* this one */
} kinds[CA_KEY_KINDS] = {
	[CA_RSA_2048] = { "rsa-2048", 2048, NULL },
	[CA_RSA_3072] = { "rsa-3072", 3072, NULL },
	[CA_RSA_4096] = { "rsa-4096", 4096, NULL },
	[CA_P256] = { "p-256", 0, "P-256" },
	[CA_P384] = { "p-384", 0, "P-384" },
};

int
ca_key_kind_from_name(const char *name)
{
	for (int i = 0; i < CA_KEY_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return i;
	return -1;
}

int
key_make(enum ca_key_kind kind, EVP_PKEY **out, struct error *err)
{
	crypto_begin();
	*out = kinds[kind].bits != 0 ? EVP_RSA_gen(kinds[kind].bits)
				     : EVP_EC_gen(kinds[kind].curve);
	if (*out == NULL)
		return crypto_fail(err, ERROR_CRYPTO, "no key could be made");
	return 0;
}

bool
key_is_rsa(const EVP_PKEY *key)
{
	int id = EVP_PKEY_get_base_id(key);

	return id == EVP_PKEY_RSA || id == EVP_PKEY_RSA_PSS;
}

int
key_write(EVP_PKEY *key, const char *password, int iterations, struct buf *out,
	struct error *err)
{
	unsigned char salt[SALT_BYTES];
	PKCS8_PRIV_KEY_INFO *info = NULL;
	X509_SIG *encrypted = NULL;
	BIO *bio = NULL;
	char *data = NULL;
	int result = -1;
	long len;

	crypto_begin();
	if (random_bytes(salt, sizeof(salt), err) != 0)
		return -1;
	info = EVP_PKEY2PKCS8(key);
	bio = BIO_new(BIO_s_mem());
	if (info != NULL)
		encrypted = PKCS8_encrypt(-1, EVP_aes_256_cbc(), password,
			(int)strlen(password), salt, sizeof(salt), iterations,
			info);
	if (encrypted == NULL || bio == NULL ||
		PEM_write_bio_PKCS8(bio, encrypted) != 1) {
		crypto_fail(err, ERROR_CRYPTO, "a key cannot be protected");
		goto out;
	}
	len = BIO_get_mem_data(bio, &data);
	result = buf_add(out, data, (size_t)len, err);
out:
	PKCS8_PRIV_KEY_INFO_free(info);
	X509_SIG_free(encrypted);
	BIO_free(bio);
	return result;
}

int
key_read(struct span bytes, const char *password, const char *source,
	EVP_PKEY **out, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	X509_SIG *encrypted =
		bio ? PEM_read_bio_PKCS8(bio, NULL, NULL, NULL) : NULL;
	PKCS8_PRIV_KEY_INFO *info = NULL;
	int result = -1;

	if (encrypted == NULL) {
		crypto_fail(err, ERROR_CONFIG,
			"%s: there is no encrypted private key", source);
		goto out;
	}
	info = PKCS8_decrypt(encrypted, password, (int)strlen(password));
	*out = info != NULL ? EVP_PKCS82PKEY(info) : NULL;
	if (*out == NULL) {
		bool memory = crypto_lacked_memory();

		error_set(err, memory ? ERROR_SYSTEM : ERROR_CONFIG, "%s: %s",
			source,
			memory ? "no memory"
			       : "the passphrase is not the right one");
		goto out;
	}
	result = 0;
out:
	PKCS8_PRIV_KEY_INFO_free(info);
	X509_SIG_free(encrypted);
	BIO_free(bio);
	return result;
}

/* Random bytes in a form that has files and passphrases already. */
int
key_make_escrow(EVP_PKEY **out, struct error *err)
{
	unsigned char bytes[ESCROW_BYTES];

	if (random_bytes(bytes, sizeof(bytes), err) != 0)
		return -1;
	*out = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_X25519, NULL, bytes, sizeof(bytes));
	mem_wipe(bytes, sizeof(bytes));
	return *out != NULL
		       ? 0
		       : crypto_fail(err, ERROR_CRYPTO, "no key could be made");
}

int
key_escrow_password(EVP_PKEY *escrow, char **out, struct error *err)
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	int len = i2d_PrivateKey(escrow, &der);
	char *hex;

	if (len <= 0 || EVP_Digest(der, (size_t)len, digest, NULL,
				crypto_digest(CRYPTO_SHA256), NULL) != 1) {
		OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
		return crypto_fail(
			err, ERROR_CRYPTO, "escrow.key cannot be used");
	}
	OPENSSL_clear_free(der, (size_t)len);
	hex = mem_alloc(CERT_SHA256_HEX);
	hex_write(hex, span_of(digest, CERT_SHA256_BYTES));
	mem_wipe(digest, sizeof(digest));
	*out = hex;
	return 0;
}
