#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <pthread.h>

#include "crypto/crypto.h"

/* Written once, below pthread_once, and only read from then on. */
static OSSL_LIB_CTX *legacy;
static pthread_once_t legacy_once = PTHREAD_ONCE_INIT;

/*
 * A context of its own: what is loaded here must not turn up in signatures
 * or certificates of mails that did not ask for it.
 */
static void
load_legacy(void)
{
	OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();

	if (made == NULL)
		return;
	if (OSSL_PROVIDER_load(made, "default") == NULL ||
		OSSL_PROVIDER_load(made, "legacy") == NULL) {
		OSSL_LIB_CTX_free(made);
		return;
	}
	legacy = made;
}

OSSL_LIB_CTX *
crypto_legacy(void)
{
	ERR_set_mark();
	pthread_once(&legacy_once, load_legacy);
	ERR_pop_to_mark();
	return legacy;
}

const char *
crypto_version_warning(void)
{
	unsigned major = OPENSSL_version_major();
	unsigned minor = OPENSSL_version_minor();

	if (major > 3 || minor > 0 || OPENSSL_version_patch() >= 22)
		return NULL;
	return "this OpenSSL is older than 3.0.22: it hands out the content "
	       "of AES-GCM mail before its tag is checked and has known "
	       "holes in CMS";
}
