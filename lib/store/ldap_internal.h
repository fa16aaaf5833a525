/*
 * The parts of the store of type ldap, from the settings to the kept answers.
 * All names begin with ldap_, as libldap's do; <ldap.h> stays in the .c files.
 */
#ifndef STORE_LDAP_INTERNAL_H
#define STORE_LDAP_INTERNAL_H

#include <pthread.h>

#include "store/internal.h"

struct ldap; /* libldap's: a connection */

/* ---- ldap_plan.c: the settings, checked and made ready; never changed ---- */

enum { LDAP_URIS_MAX = 8, LDAP_ATTRIBUTES_MAX = 8 };

struct ldap_plan {
	char *store;	  /* its name, for sentences */
	struct list uris; /* char * */
	char *base, *bind_dn, *password, *filter;
	char *ca_file; /* NULL: no TLS, or the library knows its own */
	bool start_tls;
	int timeout_ms;
	struct list kinds; /* char *: attributes in order, without options */
	char *wanted[2 * LDAP_ATTRIBUTES_MAX + 1]; /* what the server is asked
						      for; NULL ends it */
};

int ldap_plan_make(const struct store_settings *settings, struct ldap_plan *out,
	struct list *warnings, struct error *err) MUST_USE;
void ldap_plan_clear(struct ldap_plan *plan);

/* ---- ldap.c ---- */

/* NULL: the store is of another type. */
const struct ldap_plan *ldap_store_plan(const struct store *store);

/* ---- ldap_filter.c: RFC 4515 ---- */

/* CONFIG when it is no filter, or has no %s. */
int ldap_filter_check(const char *filter, struct error *err) MUST_USE;
/* Whatever the value holds, it is the value of one assertion and no more. */
int ldap_filter_escape(
	struct buf *out, struct span value, struct error *err) MUST_USE;
/*
 * The filter with the address for each %s; where its domain can be written
 * as A-labels and as U-labels, either will do.
 */
int ldap_filter_make(const char *filter, const struct address *address,
	struct buf *out, struct error *err) MUST_USE;

/* ---- ldap_values.c: the values of an answer become certificates ---- */

enum {
	LDAP_ENTRIES_MAX = 20,		   /* with one address */
	LDAP_VALUES_MAX = 500,		   /* of all entries */
	LDAP_VALUE_MAX_BYTES = 256 * 1024, /* one value */
	LDAP_VALUE_MAX_CERTS = 20,	   /* a PKCS#7 may have a chain */
	LDAP_ANSWER_MAX_BYTES = 4 << 20,   /* all values */
	LDAP_MESSAGE_MAX_BYTES = 8 << 20,  /* one message of the server */
	LDAP_WARNINGS_MAX = 5,		   /* of one answer */
};

struct ldap_answer {
	const struct ldap_plan *plan;
	/* Asked for instead of certificates, or NULL. */
	const char *attribute;
	struct list words;    /* char *: its values */
	struct list certs;    /* struct cert *: of every entry, each once */
	struct list warnings; /* char *: the first of them */
	unsigned entries, values;
	size_t bytes;
	char *dn;				     /* of the entry at work */
	struct cert_pile *pile[LDAP_ATTRIBUTES_MAX]; /* its values, by kind */
};

void ldap_answer_init(struct ldap_answer *answer, const struct ldap_plan *plan);
void ldap_answer_clear(struct ldap_answer *answer);
/* LIMIT when it is one entry or value too many. */
int ldap_answer_begin(
	struct ldap_answer *answer, const char *dn, struct error *err) MUST_USE;
/*
 * What is no certificate is skipped with a word; other attributes are, too.
 * SYSTEM when it cannot be told now what it is.
 */
int ldap_answer_add(struct ldap_answer *answer, const char *attribute,
	struct span value, struct error *err) MUST_USE;
int ldap_answer_end(struct ldap_answer *answer, struct error *err) MUST_USE;

/* ---- ldap_connection.c ---- */

/* Before any thread begins: no ~/.ldaprc, no environment. */
void ldap_connection_prepare(void);
/*
 * Connected, TLS checked, bound: ready for a search.  It takes as long as
 * names, addresses and the plan's time allow.
 */
int ldap_connection_open(const struct ldap_plan *plan, const char *uri,
	int timeout_ms, struct ldap **out, struct error *err) MUST_USE;
void ldap_connection_close(struct ldap *ld);
/* "Can't contact LDAP server (what the server or TLS had to say)" */
void ldap_connection_words(
	struct ldap *ld, int code, char *out, size_t out_size);

/* ---- ldap_guard.c: no connection takes for ever ---- */

struct ldap_guard;

/*
 * Before ldap_connect(): from the moment it is connected it has this long
 * until ldap_guard_end().  What is left belongs to the connection.
 */
int ldap_guard_begin(struct ldap *ld, int timeout_ms, struct ldap_guard **out,
	struct error *err) MUST_USE;
void ldap_guard_end(struct ldap_guard *guard);

/* ---- ldap_pool.c: connections that wait for work ---- */

struct ldap_pool;

/* The plan is the pool's from here on. */
struct ldap_pool *ldap_pool_new(struct ldap_plan *plan) MUST_USE;
/* What is still being dialled ends by itself. */
void ldap_pool_free(struct ldap_pool *pool);
const struct ldap_plan *ldap_pool_plan(const struct ldap_pool *pool);
/*
 * A connection of the caller's own, one that waits or a new one, before
 * deadline_ms and within the plan's time; SYSTEM otherwise.  Where the last
 * attempt failed a moment ago that is the answer at once.
 */
int ldap_pool_take(struct ldap_pool *pool, int64_t deadline_ms,
	struct ldap **out, struct error *err) MUST_USE;
void ldap_pool_give(struct ldap_pool *pool, struct ldap *ld);
/* It is of no use any more, and so are those that wait. */
void ldap_pool_drop(struct ldap_pool *pool, struct ldap *ld);
/* The directory does not answer: for a moment, nobody shall wait for it. */
void ldap_pool_is_down(struct ldap_pool *pool, const struct error *why);
/*
 * A sentence (char *) for what is wrong now.  Where it was down, one more
 * attempt begins, so that the sentence goes away although no mail comes.
 */
void ldap_pool_concern(struct ldap_pool *pool, struct list *lines);
/* From now on the log hears when the directory goes and comes back. */
void ldap_pool_announce(struct ldap_pool *pool);

/* ---- ldap_search.c: one question, one answer ---- */

enum ldap_search_end {
	LDAP_SEARCH_DONE,   /* the answer is complete */
	LDAP_SEARCH_FAILED, /* the server says why; the connection is good */
	LDAP_SEARCH_LOST,   /* the connection is gone */
	LDAP_SEARCH_LATE,   /* no answer in time: the connection is no more */
};

enum ldap_search_end ldap_search_address(struct ldap *ld, const char *filter,
	int64_t deadline_ms, struct ldap_answer *answer, struct error *err);
/* Is the base there? */
enum ldap_search_end ldap_search_base(struct ldap *ld, int64_t deadline_ms,
	struct ldap_answer *answer, struct error *err);

/* ---- ldap_cache.c: what was answered, for a while ---- */

/* Addresses, and certificates of them all. */
enum { LDAP_CACHE_MAX = 5000, LDAP_CACHE_CERTS_MAX = 20000 };

struct ldap_cache;

struct ldap_cache *ldap_cache_new(
	unsigned seconds, unsigned negative_seconds) MUST_USE;
/* Of words (char *) in the place of certificates. */
struct ldap_cache *ldap_cache_new_words(
	unsigned seconds, unsigned negative_seconds) MUST_USE;
void ldap_cache_free(struct ldap_cache *cache);
/* True when the answer is known (it may be: none); appends to out. */
bool ldap_cache_find(struct ldap_cache *cache, const char *key, int64_t now_ms,
	struct list *out) MUST_USE;
void ldap_cache_keep(struct ldap_cache *cache, const char *key, int64_t now_ms,
	const struct list *certs);

#endif
