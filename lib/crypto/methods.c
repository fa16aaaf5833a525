/*
 * What OpenSSL's providers do for a mail, fetched once.  It is not for speed
 * alone: OpenSSL 3.0 that runs out of memory while it makes its list of, say,
 * asymmetric ciphers takes the half list for the whole one until the process
 * ends, and every mail after that would be refused for a bad key.
 */
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "crypto/internal.h"

static void *
fetch_cipher(const char *name)
{
	return EVP_CIPHER_fetch(NULL, name, NULL);
}

static void *
fetch_key_type(const char *name)
{
	return EVP_KEYMGMT_fetch(NULL, name, NULL);
}

static void *
fetch_signature(const char *name)
{
	return EVP_SIGNATURE_fetch(NULL, name, NULL);
}

static void *
fetch_transport(const char *name)
{
	return EVP_ASYM_CIPHER_fetch(NULL, name, NULL);
}

static void *
fetch_agreement(const char *name)
{
	return EVP_KEYEXCH_fetch(NULL, name, NULL);
}

static void *
fetch_derivation(const char *name)
{
	return EVP_KDF_fetch(NULL, name, NULL);
}

static void *
fetch_mac(const char *name)
{
	return EVP_MAC_fetch(NULL, name, NULL);
}

/* The first of a kind makes OpenSSL's list of them all. */
static const struct {
	const char *name;
	void *(*fetch)(const char *name);
} rows[] = {
	{ "RSA", fetch_key_type },
	{ "RSA-PSS", fetch_key_type },
	{ "EC", fetch_key_type },
	{ "RSA", fetch_signature },
	{ "ECDSA", fetch_signature },
	{ "RSA", fetch_transport },
	{ "ECDH", fetch_agreement },
	{ "X963KDF", fetch_derivation },
	{ "HMAC", fetch_mac },
	{ "AES-128-CBC", fetch_cipher },
	{ "AES-192-CBC", fetch_cipher },
	{ "AES-256-CBC", fetch_cipher },
	{ "AES-128-GCM", fetch_cipher },
	{ "AES-256-GCM", fetch_cipher },
	{ "AES-128-WRAP", fetch_cipher },
	{ "AES-192-WRAP", fetch_cipher },
	{ "AES-256-WRAP", fetch_cipher },
	{ "DES-EDE3-CBC", fetch_cipher },
};

/* Written once, and kept until the process ends. */
static void *kept[COUNT_OF(rows)];

const char *
methods_fetch(void)
{
	unsigned char byte;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		kept[i] = rows[i].fetch(rows[i].name);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (kept[i] == NULL)
			return rows[i].name;
	return RAND_bytes(&byte, 1) == 1 ? NULL : "random numbers";
}
