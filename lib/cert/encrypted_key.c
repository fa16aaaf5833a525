/* EncryptedPrivateKeyInfo (RFC 5958), from a file or out of a PKCS#12. */
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

int
open_key(struct reading *in, const X509_SIG *encrypted,
	const struct secret *secret, EVP_PKEY **out, struct error *err)
{
	const X509_ALGOR *algorithm;
	const struct password *password;
	PKCS8_PRIV_KEY_INFO *info;
	OSSL_LIB_CTX *context;

	X509_SIG_get0(encrypted, &algorithm, NULL);
	if (secret_allow(in, algorithm, err) != 0 ||
		secret_context(in, algorithm, &context, err) != 0)
		return -1;
	password = secret_for(secret, algorithm);
	crypto_begin();
	info = PKCS8_decrypt_ex(
		encrypted, password->text, password->len, context, NULL);
	if (info == NULL)
		return secret_explain(in, "a private key", err);
	*out = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (*out == NULL && reading_skip(in, BAD_KEY, err) != 0)
		return -1;
	crypto_begin();
	return 1;
}

/* As open_key(), with every way to write the password. */
static int
try_passwords(struct reading *in, const X509_SIG *encrypted, EVP_PKEY **out,
	struct error *err)
{
	struct secrets secrets;
	int opened = 0;

	secrets_init(&secrets, in->password, false);
	for (size_t i = 0; opened == 0 && i < secrets.count; i++)
		opened = open_key(in, encrypted, &secrets.item[i], out, err);
	secrets_clear(&secrets);
	return opened;
}

int
read_encrypted_key(struct reading *in, struct span der, struct error *err)
{
	const unsigned char *at = der.data;
	X509_SIG *encrypted = d2i_X509_SIG(NULL, &at, (long)der.len);
	EVP_PKEY *key = NULL;
	int result = -1, opened = 0;

	if (encrypted == NULL) {
		crypto_fail(err, ERROR_FORMAT,
			"%s: an encrypted private key that cannot be parsed",
			in->source);
		goto out;
	}
	if (!in->without_keys)
		opened = try_passwords(in, encrypted, &key, err);
	if (opened < 0)
		goto out;
	if (opened == 0 && !in->without_keys) {
		secret_refused(in, "a private key", err);
		goto out;
	}
	result = reading_add_key(in, key, err);
out:
	X509_SIG_free(encrypted);
	return result;
}
