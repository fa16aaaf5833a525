/* What the files of trust share. */
#ifndef TRUST_INTERNAL_H
#define TRUST_INTERNAL_H

#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/stat.h>

#include "net/net.h"
#include "trust/trust.h"

/* What one list may have, and how long it may take. */
enum { CRL_LIMIT_BYTES = 20 << 20, CRL_FETCH_SECONDS = 60 };
/* What a file may have; base64 makes a list longer. */
enum { CRL_FILE_BYTES = 64 << 20, CRL_FILE_LISTS = 1000 };

/* ---- cache.c: paths that were found ---- */

/*
 * By the certificate at their end: a table in which a newcomer takes the
 * place of whoever stands there.  Only good verdicts are kept: a bad one may
 * be good with another chain.
 */
enum { CACHE_PLACES = 4096 };

struct verdict {
	char sha256[CERT_SHA256_HEX]; /* "": an empty place */
	bool weak_ok;
	time_t from, until;  /* when all of the path is valid and the lists
				that speak for it are current */
	uint64_t generation; /* of the lists it was found with */
	char *remark;	     /* owned by the cache; or NULL */
};

struct cache {
	pthread_mutex_t lock;
	struct verdict *place;
	uint64_t generation; /* others are not taken */
};

void cache_init(struct cache *cache);
void cache_clear(struct cache *cache);
/* The remark, if any, goes to why->text. */
bool cache_has(struct cache *cache, const char *sha256, bool weak_ok,
	time_t when, struct error *why);
void cache_put(
	struct cache *cache, const struct verdict *verdict, const char *remark);
/* All of them go: revocation lists have come or gone. */
void cache_empty(struct cache *cache, uint64_t generation);

/* ---- crl.c: one revocation list ---- */

enum crl_origin { CRL_FILE, CRL_STORE, CRL_FETCHED, CRL_IMPORTED };

enum { CRL_JUDGED = 4 };

/* Counted and, but for what `lock` guards, immutable. */
struct crl {
	_Atomic int references;
	X509_CRL *x509;
	enum crl_origin origin;
	char *source; /* path or URL */
	char *file;   /* its name in the cache folder, or NULL */
	bool on_disk; /* it stands there, as of stamp */
	struct stat stamp;
	char *issuer;
	char sha256[CERT_SHA256_HEX];
	time_t this_update, next_update; /* next 0: it never gets stale */
	size_t entries;
	const char *unfit;	   /* why it is not used, or NULL */
	bool partial;		   /* unfit, but whom it names is revoked */
	ISSUING_DIST_POINT *scope; /* or NULL: all its issuer issued */
	pthread_mutex_t lock;
	struct crl_judged {
		unsigned char key[CERT_SHA256_BYTES];
		bool good;
	} judged[CRL_JUDGED]; /* signatures that were looked at */
	unsigned judged_count;
};

/* Takes over the reference, also when it fails. */
int crl_new(X509_CRL *x509, enum crl_origin origin, const char *source,
	struct crl **out, struct error *err) MUST_USE;
struct crl *crl_ref(struct crl *crl);
void crl_unref(void *crl);
/* Is issuer the one who signed it, and may he?  1, 0, -1 for lack of memory. */
int crl_is_signed_by(struct crl *crl, X509 *issuer);
bool crl_is_stale(const struct crl *crl, time_t when);
/* Would it name the certificate, which its issuer issued, if revoked? */
int crl_covers(const struct crl *crl, X509 *x509);
/* 1 with the entry, or 0. */
int crl_lists(const struct crl *crl, X509 *x509, X509_REVOKED **entry);
/* The digest of a key that signed it, of those asked about; or NULL. */
const unsigned char *crl_signer(struct crl *crl);
time_t crl_time(const ASN1_TIME *time);

/* ---- read.c: lists in files ---- */

/* The lists of a pile as struct crl *. */
int crl_take(struct cert_pile *pile, enum crl_origin origin, const char *source,
	struct list *out, struct error *err) MUST_USE;
/*
 * Every list (struct crl *) in bytes of whoever: DER, PEM (other blocks are
 * passed over) or P7B, and nothing else; FORMAT when there is none, LIMIT.
 */
int crl_read(struct span bytes, enum crl_origin origin, const char *source,
	struct list *out, struct error *err) MUST_USE;
/* The same for a file the administrator names, of every form of cert_load. */
int crl_read_any(struct span bytes, enum crl_origin origin, const char *source,
	struct list *out, struct error *err) MUST_USE;

/* ---- set.c: all lists, an immutable set that is replaced as a whole ---- */

struct crl_set {
	_Atomic int references;
	struct list crls; /* struct crl * */
	struct crl_row {
		unsigned long hash; /* of the issuer's name */
		struct crl *crl;
	} * row;       /* sorted */
	bool unsorted; /* memory was short: look at all */
};

struct crl_set *set_get(struct trust *trust, uint64_t *generation);
void set_unref(struct crl_set *set);
/* The first row of lists by that name; they end where the hash does. */
size_t set_find(const struct crl_set *set, unsigned long hash);
/*
 * Takes over the new ones (struct crl *).  Those with a file name replace all
 * of the same name; one that is there already is dropped.
 */
void set_add(struct trust *trust, struct list *crls);
/*
 * Lists that stood in the cache folder and whose file is not in names (char *)
 * go.  One that could never be written there stays.
 */
void set_keep_files(struct trust *trust, const struct list *names);

/* ---- points.c: where lists can be had ---- */

enum { POINTS_MAX = 1000, URLS_MAX = 4, AUTHORITIES_MAX = 2000 };

struct point {
	char *url[URLS_MAX];  /* one is as good as the other */
	char *file[URLS_MAX]; /* their names in the cache folder */
	X509_NAME *issuer;
	char *issuer_text;
	bool known; /* something has been tried or found */
	time_t next_try;
	unsigned failures; /* since the last success */
	time_t failing_since;
	char *trouble; /* while it fails */
};

struct points {
	pthread_mutex_t lock;
	struct list all;	 /* struct point *, only ever added to */
	struct list authorities; /* X509 *: who may have signed a list */
	bool full;		 /* one was left out */
};

void points_init(struct points *points);
void points_clear(struct points *points);
/* Are all points that x509 names there already? */
bool points_has(struct points *points, X509 *x509);
/* true when there is a new one. */
bool points_add(struct points *points, X509 *x509);
void points_add_authority(struct points *points, X509 *x509);
/* The authorities of that name: X509 *, each with a reference. */
void points_namesakes(
	struct points *points, const X509_NAME *name, struct list *out);
void points_free_authority(void *x509); /* fits list_clear() */
/*
 * Has an authority we know of by that name signed it?  1, 0, -1 when we know
 * none.
 */
int points_judge(struct points *points, struct crl *crl);

/* ---- folder.c: the cache folder ---- */

/* The name of a URL's file; free with mem_free. */
char *folder_name(const char *url) MUST_USE;
/* Sets crl->file.  Of a CRL_IMPORTED list it says that it was. */
int folder_write(const struct trust *trust, const char *name, struct crl *crl,
	struct error *err) MUST_USE;
/*
 * What has changed there since; the first time: everything.  A list that is
 * older than the one in use under that name is not taken; trouble with a file
 * is said once.
 */
void folder_look(struct trust *trust, struct list *warnings);
void folder_forget(struct trust *trust);

/* ---- fetch.c ---- */

/*
 * Ask for one point's list, judge it, keep it and put it to use; says when to
 * come again.  Locks by itself.  With 0 err is why it was not kept, or NONE.
 */
int fetch_point(struct trust *trust, struct point *point,
	const atomic_bool *stop, struct error *err) MUST_USE;
/* The points of the paths above these certificates (struct cert *). */
void fetch_collect(
	struct trust *trust, const struct list *certs, const atomic_bool *stop);
/* 0, or -1 with what keeps a list from being used. */
int fetch_judge(
	struct trust *trust, struct crl *crl, struct error *err) MUST_USE;

/* FORMAT when we have a newer one of its issuer in that file. */
int fetch_judge_age(
	struct trust *trust, const struct crl *crl, struct error *err) MUST_USE;
/*
 * The point that has waited longest of those it is time to ask, or NULL: one
 * that is dead, and asked again and again, keeps nobody else waiting.  Points
 * are only ever added, and live as long as the trust.
 */
struct point *fetch_next_due(struct trust *trust);

/* ---- describe.c ---- */

/* What is wrong with lists that are here: char * each. */
void describe_trouble(struct trust *trust, struct list *out);

/* ---- revoked.c, path.c ---- */

/*
 * Is one of the path revoked?  0 (remark: a clause or ""), or -1 with *depth
 * of the one it is about: TRUST when revoked, SYSTEM when that must be known
 * and is not.  *until becomes less when a list ends before.
 */
int revocation_check(const struct trust *trust, const struct crl_set *set,
	const STACK_OF(X509) * path, time_t when, time_t *until, int *depth,
	struct error *why) MUST_USE;

/* 0, or -1 (TRUST) when a list that this issuer signed names it. */
int revocation_of(const struct crl_set *set, X509 *x509, X509 *issuer,
	time_t when, struct error *why) MUST_USE;

/* A good path, all things considered; fills from and until. */
int path_find(struct trust *trust, const struct cert *cert, time_t when,
	struct verdict *verdict, struct error *why) MUST_USE;

/* ---- the whole ---- */

struct refresher;

struct trust {
	struct list anchors;		/* struct cert * */
	X509_STORE *store;		/* of the anchors */
	STACK_OF(X509) * intermediates; /* not trusted, only used */
	enum trust_revocation revocation;
	bool fetch_crls, fetch_private;
	char *proxy, *folder; /* or NULL */
	pthread_mutex_t lock; /* of set and generation */
	struct crl_set *set;
	uint64_t generation;
	struct timespec folder_seen; /* its time when last looked at */
	struct list passed_over;     /* files there (folder.c), not looked at
					again until they change */
	struct cache cache;
	struct points points;
	struct refresher *refresher; /* or NULL */
};

/* refresh.c */
void refresher_free(struct refresher *refresher);
/* Something new to fetch, perhaps. */
void refresher_wake(struct refresher *refresher);

/* reason.c: the clause for what X509_verify_cert() stopped at; returns -1. */
int trust_explain(X509_STORE_CTX *ctx, struct error *why);

/* load.c */
int trust_load(struct trust *trust, const struct trust_settings *settings,
	struct list *warnings, struct error *err) MUST_USE;

#endif
