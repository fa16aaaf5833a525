/* What ldap_pool.c and ldap_dial.c share. */
#ifndef STORE_LDAP_POOL_H
#define STORE_LDAP_POOL_H

#include <time.h>

#include "base/event.h"
#include "store/ldap_internal.h"

enum { CONNECTIONS_MAX = 32 };

struct idle {
	struct ldap *ld;
	int64_t since_ms;
};

struct ldap_pool {
	struct ldap_plan plan;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned references; /* the store, and each dialling thread */
	bool closed;
	struct idle idle[CONNECTIONS_MAX];
	size_t idle_count;
	size_t open; /* idle or taken */
	size_t dialling;
	size_t waiting;
	size_t good_uri;   /* which answered last: tried first */
	unsigned failures; /* so far */
	bool down;	   /* nobody is served */
	bool refused;	   /* the password, by whom was dialled last */
	time_t since;	   /* one of these two */
	bool announce;	   /* the log may hear of them */
	int64_t dial_after_ms;
	struct error why; /* of the last failure */
};

/* What is to be closed and said once the lock is free. */
struct afterwards {
	struct ldap *ld[CONNECTIONS_MAX];
	size_t count;
	enum event_kind kind;
	char *words;
};

/* Without the lock. */
void ldap_pool_finish(const struct afterwards *after);

/* ---- with the lock ---- */

/* The lock is gone afterwards. */
void ldap_pool_release(struct ldap_pool *pool);
void ldap_pool_put_idle(struct ldap_pool *pool, struct ldap *ld);
/* A connection serves: a new one, or one that was there. */
void ldap_pool_note_up(
	struct ldap_pool *pool, bool dialled, struct afterwards *after);
/* Somebody cannot be served. */
void ldap_pool_note_down(struct ldap_pool *pool, struct afterwards *after);
/* No connection, or (is_silent) none that answers. */
void ldap_pool_note_failure(struct ldap_pool *pool, const struct error *why,
	bool is_silent, struct afterwards *after);
int ldap_pool_start_dialling(
	struct ldap_pool *pool, struct error *err) MUST_USE;

#endif
