/* What the commands about certificates share. */
#ifndef CTL_CERTS_H
#define CTL_CERTS_H

#include "cert/cert.h"
#include "ctl.h"
#include "json.h"
#include "store/store.h"

/* ---- certs.c ---- */

/* "file", "imported", ... */
const char *cert_origin_name(enum cert_origin origin);
/* One object of the contract; store and refused may be NULL. */
json_t *cert_json(
	const char *store, const struct cert *cert, const char *refused);
/*
 * Of use neither to sign nor to encrypt; the reason is about what it was made
 * for: signing when we have its key.
 */
bool cert_fits_nothing(const struct cert *cert, struct error *why);

/* ---- cert_store.c ---- */

/* The store that --store names, or NULL; an exit code. */
int cert_named_store(const struct request *request, const struct conf *conf,
	struct store **out);
/*
 * The managed store that is meant, opened alone; an exit code.  Close it.
 */
int cert_open_managed(const struct request *request, struct store **out);
/* The same by name; NULL: the only one there is. */
int cert_open_named(
	const struct conf *conf, const char *name, struct store **out);
/* Is there a managed one of that name?  NULL: the only one.  An exit code. */
int cert_managed_name(
	const struct conf *conf, const char *wanted, const char **out);
/* What --password-file holds, or NULL; an exit code. */
int cert_password(const struct request *request, char **out);
/* 64 hexadecimal digits, with colons or capitals: "sha256:..." or NULL. */
struct cert_selector *cert_word_selector(const char *word) MUST_USE;

/* A certificate and where it was found. */
struct cert_hit {
	const char *store; /* NULL: a file */
	struct cert *cert; /* a reference */
};
void cert_hit_free(void *hit);
/*
 * Those that a SHA-256 or an address picks (struct cert_hit *), from `only`,
 * or from all (struct store *).  An exit code; finding none is CTL_YES, and of
 * stores that cannot tell the others are asked nevertheless.
 */
int cert_collect(const struct list *stores, struct store *only,
	const char *word, struct list *out);

#endif
