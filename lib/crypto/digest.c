#include <pthread.h>
#include <string.h>

#include "crypto/internal.h"

static const struct {
	const char *name;
	const char *micalg; /* RFC 8551 3.5.3.2 */
	const char *fetch;
} rows[CRYPTO_DIGESTS] = {
	[CRYPTO_SHA1] = { "sha1", "sha-1", "SHA1" },
	[CRYPTO_SHA256] = { "sha256", "sha-256", "SHA256" },
	[CRYPTO_SHA384] = { "sha384", "sha-384", "SHA384" },
	[CRYPTO_SHA512] = { "sha512", "sha-512", "SHA512" },
};

/* Written once, below pthread_once, and only read from then on. */
static EVP_MD *fetched[CRYPTO_DIGESTS];
static const char *missing; /* of the other methods */
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void
fetch_all(void)
{
	for (int i = 0; i < CRYPTO_DIGESTS; i++)
		fetched[i] = EVP_MD_fetch(NULL, rows[i].fetch, NULL);
	missing = methods_fetch();
}

int
crypto_init(struct error *err)
{
	crypto_begin();
	pthread_once(&fetch_once, fetch_all);
	for (int i = 0; i < CRYPTO_DIGESTS; i++)
		if (fetched[i] == NULL)
			return crypto_fail(err, ERROR_SYSTEM,
				"OpenSSL has no %s", rows[i].fetch);
	if (missing != NULL)
		return crypto_fail(
			err, ERROR_SYSTEM, "OpenSSL has no %s", missing);
	return 0;
}

const EVP_MD *
crypto_digest(enum crypto_digest digest)
{
	pthread_once(&fetch_once, fetch_all);
	return fetched[digest];
}

const char *
crypto_digest_name(enum crypto_digest digest)
{
	return rows[digest].name;
}

const char *
crypto_digest_micalg(enum crypto_digest digest)
{
	return rows[digest].micalg;
}

int
crypto_digest_from_name(const char *name)
{
	for (int i = 0; i < CRYPTO_DIGESTS; i++)
		if (strcmp(name, rows[i].name) == 0)
			return i;
	return -1;
}
