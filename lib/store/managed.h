/*
 * The managed store: "the file system is the database", below
 * STATE/stores/NAME.  Nothing is read at start and no listing is kept, so
 * that what another process or another node writes serves at once.
 *
 *   addresses/3f/alice@example.com/SHA256.imported.der   one per certificate
 *                                  SHA256.key            its key, PKCS#8 PEM
 *   certificates/ab/SHA256.imported.der, SHA256.key      the same, by SHA-256
 *   authorities/1a2b3c4d/SHA256.imported.der             by subject's hash
 *
 * The same certificate is one file with several hard links, or copies where
 * a file system has none; readers do not care.  The word before ".der" is the
 * origin (imported, issued, harvested).  What an administrator puts there by
 * hand as SHA256.der or SHA256.pem counts as imported.
 */
#ifndef STORE_MANAGED_H
#define STORE_MANAGED_H

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "store/internal.h"

/* ---- managed_name.c: what files and folders are called ---- */

enum managed_kind {
	MANAGED_FOREIGN,
	MANAGED_HIDDEN, /* of the file system, or half written */
	MANAGED_KEY,
	MANAGED_CERT
};

struct managed_name {
	enum managed_kind kind;
	char sha256[CERT_SHA256_HEX];
	enum cert_origin origin; /* of a certificate */
};

enum { MANAGED_ORIGINS = 3 };
extern const enum cert_origin managed_origins[MANAGED_ORIGINS]; /* best first */
const char *managed_origin_word(enum cert_origin origin);

/* ".imported.der", ...: what a certificate's name may end with; then NULL. */
const char *managed_cert_end(size_t i);
void managed_read_name(const char *name, struct managed_name *out);
/* Left behind by file_write_atomic(). */
bool managed_is_half_written(const char *name);
/*
 * A file name for any text: what is not [a-z0-9@._+-] is percent-encoded, as
 * is a dot at the start; what is too long becomes "%sha256-HEX".
 */
char *managed_encode(const char *text) MUST_USE;
/* "ab/NAME": folders of folders stay small. */
char *managed_address_folder(const char *root, const char *key) MUST_USE;
char *managed_certificate_folder(const char *root, const char *sha256) MUST_USE;
char *managed_authority_folder(
	const char *root, const X509_NAME *name) MUST_USE;
char *managed_cert_path(const char *folder, const char *sha256,
	enum cert_origin origin) MUST_USE;
char *managed_key_path(const char *folder, const char *sha256) MUST_USE;

/* ---- managed_cache.c: parsed once, never per mail ---- */

/* What a file or folder looked like; two that are equal are the same. */
struct managed_stamp {
	bool there;
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed, modified;
};

/* -1: cannot be told now (SYSTEM). */
int managed_look(const char *path, struct managed_stamp *out,
	struct error *err) MUST_USE;
bool managed_is_same(
	const struct managed_stamp *a, const struct managed_stamp *b);

enum { MANAGED_CHAIN_MAX = 8 };

/* Which authorities were asked for the path above a certificate. */
struct managed_asked {
	size_t count;
	struct managed_level {
		uint32_t hash; /* the folder's name */
		struct managed_stamp folder;
	} level[MANAGED_CHAIN_MAX + 1];
};

struct managed_cached {
	struct cert *cert; /* a reference */
	struct managed_stamp file, key;
	struct managed_asked asked;
};

struct managed_cache *managed_cache_new(void) MUST_USE;
void managed_cache_free(struct managed_cache *cache);
/* What was put last under that path; the caller gives cert back. */
bool managed_cache_get(struct managed_cache *cache, const char *path,
	struct managed_cached *out) MUST_USE;
/* Takes a reference of its own. */
void managed_cache_put(struct managed_cache *cache, const char *path,
	const struct managed_cached *item);

/* ---- the store's own ---- */

struct managed {
	char *root;
	char *state; /* the folder of everybody's that root is below */
	char *user;  /* whose it shall be when it is made; or NULL */
	struct managed_cache *cache;
	pthread_mutex_t lock; /* of said */
	struct list said;     /* char *: paths that were warned about */
};

/* A warning about a path, once. */
void managed_warn(struct managed *managed, const char *path, const char *format,
	...) PRINTF_LIKE(3, 4);

/* SYSTEM when the store's folder is not there now, CONFIG when it never is. */
int managed_check_root(
	const struct managed *managed, struct error *err) MUST_USE;

/* ---- managed_read.c: a file becomes a certificate ---- */

/* Bytes of a small file: 1, 0 it is not there, -1 SYSTEM or CONFIG. */
int managed_read_file(
	const char *path, struct buf *out, struct error *err) MUST_USE;

/*
 * 1 with a reference in *out, 0 when it is not there any more, 2 when it
 * cannot be used (a warning was given), -1 SYSTEM.  Of an authority neither
 * key nor path are of interest.
 */
enum { MANAGED_GONE, MANAGED_READ, MANAGED_REFUSED };
int managed_read(struct managed *managed, const char *folder, const char *name,
	bool authority, struct cert **out, struct error *err) MUST_USE;

/* ---- managed_folder.c ---- */

/*
 * The certificates' file names (char *) in a folder, of two with the same
 * SHA-256 the better origin: 1, 0 there is no such folder, -1 SYSTEM.
 */
int managed_names(struct managed *managed, const char *folder, struct list *out,
	struct error *err) MUST_USE;
/*
 * All certificates of a folder that can be used.  1, 0 there is no such
 * folder, -1 SYSTEM.
 */
int managed_read_folder(struct managed *managed, const char *folder,
	bool authorities, struct list *out, struct error *err) MUST_USE;
/* Every folder with certificates: visit returns 0 to go on. */
int managed_each_folder(struct managed *managed,
	int (*visit)(void *self, const char *folder, struct error *err),
	void *self, struct error *err) MUST_USE;

/* Under its best origin; 1, 0 it is not there (or of no use), -1. */
int managed_find_sha256(struct managed *managed, const char *sha256,
	struct list *out, struct error *err) MUST_USE;

/* ---- managed_write.c ---- */

/* "PATH: cannot be VERB by this process (user N): REASON", CONFIG. */
int managed_cannot(const char *verb, const char *path, struct error *err);

int managed_import(struct store *store, const struct cert *cert,
	enum cert_origin origin, struct error *err) MUST_USE;
/* ---- managed_check.c ---- */
void managed_check(
	struct store *store, const char *user, struct list *warnings);
/* ---- managed_remove.c ---- */
int managed_remove(
	struct store *store, const char *sha256, struct error *err) MUST_USE;

#endif
