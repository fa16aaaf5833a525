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
	const char *const *anchors; /* files, every form of cert_load */
	size_t anchor_count;
	const char *const *intermediates; /* for building paths only */
	size_t intermediate_count;
	const char *const *crls; /* files and folders */
	size_t crl_count;
	enum trust_revocation revocation;
	bool fetch_crls;
	bool fetch_private; /* also from private and loopback addresses */
	const char *proxy;  /* URL, or NULL */
	const char *cache;  /* folder of fetched lists (below state) */
};

int trust_new(const struct trust_settings *settings, struct trust **out,
	struct list *warnings, struct error *err) MUST_USE;
void trust_free(struct trust *trust);
size_t trust_anchor_count(const struct trust *trust);
/* One line per anchor for `check`: subject and what is trusted below it. */
int trust_describe(const struct trust *trust, struct list *lines,
	struct error *err) MUST_USE;

/* Lists that stood in stores (X509_CRL *); taken over. */
int trust_add_crls(
	struct trust *trust, struct list *crls, struct error *err) MUST_USE;

/*
 * Is there a path from the certificate, over its own chain and our
 * intermediates, to an anchor, every certificate valid at `when`, for e-mail
 * (our own keyUsage and EKU rules: smime purpose of OpenSSL refuses good
 * certificates), at most 8 long, security level 2 but for SHA-1 self-signed
 * anchors?  0, or -1: TRUST with a clause that names what is missing, wrong
 * or expired ("no anchor for issuer CN=..."), SYSTEM when it cannot be told.
 * Answers are cached; thread-safe.  weak_ok lets an RSA key of 1024 bits at
 * its end pass.
 */
int trust_check(struct trust *trust, const struct cert *cert, bool weak_ok,
	time_t when, struct error *why) MUST_USE;

#endif
