/*
 * Do we believe this certificate?  An RFC 5280 path to one of our anchors.
 */
#ifndef TRUST_TRUST_H
#define TRUST_TRUST_H

#include <stddef.h>
#include <time.h>

#include "cert/cert.h"

struct trust;

enum trust_revocation {
	TRUST_REVOCATION_OFF,
	TRUST_REVOCATION_SOFT, /* unknown is good, with a word about it */
	TRUST_REVOCATION_HARD, /* unknown is SYSTEM: try later */
};

struct trust_settings {
	/* Files of every form of cert_load, and folders of them. */
	const char *const *anchors;
	size_t anchor_count;
	const char *const *intermediates; /* for building paths only */
	size_t intermediate_count;
	const char *const *crls;
	size_t crl_count;
	enum trust_revocation revocation;
	bool fetch_crls;
	bool fetch_private; /* also from private and loopback addresses */
	const char *proxy;  /* URL, or NULL */
	const char *cache;  /* folder of fetched lists; NULL: none */
};

/*
 * Reads what the settings name, and what the cache folder holds.  CONFIG for a
 * file that cannot be used; in a folder that is a warning.
 */
int trust_new(const struct trust_settings *settings, struct trust **out,
	struct list *warnings, struct error *err) MUST_USE;
void trust_free(struct trust *trust);
size_t trust_anchor_count(const struct trust *trust);
/* One line per anchor for `check`: subject and what is trusted below it. */
int trust_describe(const struct trust *trust, struct list *lines,
	struct error *err) MUST_USE;

/* false: revocation is off. */
bool trust_uses_crls(const struct trust *trust);
/* Lists that stood in a store (X509_CRL *); taken over. */
int trust_add_crls(struct trust *trust, struct list *crls, const char *source,
	struct error *err) MUST_USE;

/*
 * Is there a path from the certificate, over its own chain and our
 * intermediates, to an anchor, every certificate valid at `when`, for e-mail
 * (our own keyUsage and EKU rules: smime purpose of OpenSSL refuses good
 * certificates), at most 8 long, security level 2 but for SHA-1 self-signed
 * anchors?  0, or -1: TRUST with a clause that names what is missing, wrong
 * or expired ("no anchor for issuer CN=..."), SYSTEM when it cannot be told.
 * Of several paths a good one is found.  weak_ok lets an RSA key of 1024 bits
 * at its end pass.
 *
 * Every certificate below the anchor is looked for in the revocation lists
 * (RFC 5280 6.3) that its issuer signed itself; delta lists and indirect ones
 * are not used, and the silence of one for some reasons only says nothing.
 * Revoked is TRUST.  Unknown (no
 * list, or a stale one) is SYSTEM when revocation is hard; when it is soft the
 * answer is 0 with kind NONE and a remark in why->text.
 * Answers are cached until a list comes or ends; thread-safe.
 */
int trust_check(struct trust *trust, const struct cert *cert, bool weak_ok,
	time_t when, struct error *why) MUST_USE;

/*
 * Of a certificate of our own, which nobody else vouches for: 0, or -1 (TRUST)
 * when a list says that it is revoked.  A list speaks when the authority that
 * issued the certificate signed it: one of its chain, of our anchors and
 * intermediates, or of a path that was found.  No path to an anchor is asked
 * for, and unknown is 0.
 */
int trust_check_revocation(struct trust *trust, const struct cert *cert,
	time_t when, struct error *why) MUST_USE;

/* ---- revocation lists ---- */

/*
 * In the process that serves mails: a thread that fetches, one at a time, the
 * lists of all paths that were ever found and of those of certs (struct cert *,
 * taken over), again and again before they end; and that sees what others put
 * into the cache folder.  Reports through event().  Does nothing when there is
 * nothing to do (no anchors, revocation off).  stop asks it to end and waits
 * for nothing; trust_free() does.
 */
int trust_refresh_start(
	struct trust *trust, struct list *certs, struct error *err) MUST_USE;
void trust_refresh_stop(struct trust *trust);
/* A sentence (char *) for each trouble with a list, as it is now. */
void trust_concerns(struct trust *trust, struct list *out);
/* Of hard revocation: authorities without a list that is current (char *). */
void trust_warn_unlisted(struct trust *trust, struct list *warnings);

struct trust_crl {
	char *issuer, *source, *number; /* number: hex, or NULL */
	const char *origin;		/* file, store, fetched, imported */
	char sha256[CERT_SHA256_HEX];
	time_t this_update, next_update; /* next 0: none */
	size_t entries;
	char *refused; /* why it is not used or not enough; NULL: good */
};
void trust_crl_free(void *crl);
/* All that are known: struct trust_crl *. */
void trust_describe_crls(struct trust *trust, struct list *out);
/*
 * Fetch all now, of all paths of certs (struct cert *), into the cache folder.
 * lines: char *, one for each; *failed of them are failures.
 */
void trust_fetch_crls(struct trust *trust, const struct list *certs,
	struct list *lines, size_t *failed);
/*
 * Put the lists of a file into the cache folder, when all of them are good: a
 * running daemon sees them within seconds.  certs as above, for their issuers.
 */
int trust_import_crls(struct trust *trust, const struct list *certs,
	const char *path, struct list *lines, struct error *err) MUST_USE;

#endif
