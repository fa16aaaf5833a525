/*
 * Good paths, remembered until the first certificate of the path expires.
 * Refusals are not: they are rare, and what is missing may come with another
 * chain.
 */
#include <search.h>
#include <string.h>

#include "base/mem.h"
#include "trust/internal.h"

struct known {
	char sha256[CERT_SHA256_HEX];
	struct validity validity;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->sha256,
		((const struct known *)b)->sha256);
}

static time_t
seconds_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm) : 0;
}

void
trust_validity(const STACK_OF(X509) * path, struct validity *out)
{
	for (int i = 0; i < sk_X509_num(path); i++) {
		const X509 *cert = sk_X509_value(path, i);
		time_t from = seconds_of(X509_get0_notBefore(cert));
		time_t until = seconds_of(X509_get0_notAfter(cert));

		if (i == 0 || from > out->from)
			out->from = from;
		if (i == 0 || until < out->until)
			out->until = until;
	}
}

bool
trust_cache_knows(struct trust *trust, const struct cert *cert, time_t when)
{
	struct known key, **found;
	bool good;

	memcpy(key.sha256, cert->sha256, sizeof(key.sha256));
	pthread_mutex_lock(&trust->lock);
	found = tfind(&key, &trust->cache, compare);
	good = found != NULL && when >= (*found)->validity.from &&
	       when <= (*found)->validity.until;
	pthread_mutex_unlock(&trust->lock);
	return good;
}

void
trust_cache_add(struct trust *trust, const struct cert *cert,
	const struct validity *validity)
{
	struct known *fresh = mem_alloc(sizeof(*fresh)), **there;

	memcpy(fresh->sha256, cert->sha256, sizeof(fresh->sha256));
	fresh->validity = *validity;
	pthread_mutex_lock(&trust->lock);
	if (trust->cached >= TRUST_CACHE_MAX)
		trust_cache_clear(trust);
	there = tsearch(fresh, &trust->cache, compare);
	if (there != NULL && *there == fresh) {
		trust->cached++;
		fresh = NULL;
	}
	pthread_mutex_unlock(&trust->lock);
	mem_free(fresh);
}

void
trust_cache_clear(struct trust *trust)
{
	tdestroy(trust->cache, mem_free);
	trust->cache = NULL;
	trust->cached = 0;
}
