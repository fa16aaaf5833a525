/* Between the files of trust/ only. */
#ifndef TRUST_INTERNAL_H
#define TRUST_INTERNAL_H

#include <pthread.h>

#include "trust/trust.h"

enum { TRUST_CACHE_MAX = 10000 };

struct trust {
	X509_STORE *store;
	struct list anchors; /* struct cert * */
	STACK_OF(X509) * intermediates;
	pthread_mutex_t lock; /* of what follows */
	void *cache;	      /* tsearch(3) */
	size_t cached;
};

/* When every certificate of a path is valid. */
struct validity {
	time_t from, until;
};

void trust_validity(const STACK_OF(X509) * path, struct validity *out);
bool trust_cache_knows(
	struct trust *trust, const struct cert *cert, time_t when) MUST_USE;
void trust_cache_add(struct trust *trust, const struct cert *cert,
	const struct validity *validity);
/* Not locked: for trust_free(), and with the lock held. */
void trust_cache_clear(struct trust *trust);

#endif
