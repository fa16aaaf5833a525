/* What the files of trust share. */
#ifndef TRUST_INTERNAL_H
#define TRUST_INTERNAL_H

#include <pthread.h>

#include "trust/trust.h"

/*
 * Paths that were found, by the certificate at their end: a table in which a
 * newcomer takes the place of whoever stands there.  Only good verdicts are
 * kept: a bad one may be good with another chain.
 */
enum { CACHE_PLACES = 4096 };

struct verdict {
	char sha256[CERT_SHA256_HEX]; /* "": an empty place */
	time_t from, until;	      /* when all of the path is valid */
};

struct cache {
	pthread_mutex_t lock;
	struct verdict *place;
};

void cache_init(struct cache *cache);
void cache_clear(struct cache *cache);
bool cache_has(struct cache *cache, const char *sha256, time_t when);
void cache_put(struct cache *cache, const struct verdict *verdict);

struct trust {
	struct list anchors;		/* struct cert * */
	X509_STORE *store;		/* of the anchors */
	STACK_OF(X509) * intermediates; /* not trusted, only used */
	struct cache cache;
};

/* reason.c: the clause for what X509_verify_cert() stopped at; returns -1. */
int trust_explain(X509_STORE_CTX *ctx, struct error *why);

/* load.c */
int trust_load_anchors(struct trust *trust,
	const struct trust_settings *settings, struct list *warnings,
	struct error *err) MUST_USE;
int trust_load_intermediates(struct trust *trust,
	const struct trust_settings *settings, struct list *warnings,
	struct error *err) MUST_USE;

#endif
