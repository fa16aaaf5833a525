/*
 * What does this certificate say?  Loading files of every form and reading
 * addresses, validity and purpose (RFC 5280, RFC 8550).
 *
 * lint: long, because reading, judging, showing and writing share the type.
 */
#ifndef CERT_CERT_H
#define CERT_CERT_H

#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "addr/addr.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"

enum { CERT_SHA256_BYTES = 32, CERT_SHA256_HEX = 65 };

enum cert_origin { CERT_FROM_FILE, CERT_IMPORTED, CERT_ISSUED, CERT_HARVESTED };
enum cert_purpose { CERT_TO_SIGN, CERT_TO_ENCRYPT };

/*
 * A certificate with, perhaps, its private key.  Immutable once made, shared
 * by threads, counted: whoever keeps a pointer holds a reference.
 */
struct cert {
	_Atomic int references;
	X509 *x509;
	EVP_PKEY *key;		/* NULL: encryption only */
	struct list addresses;	/* struct address *: all it names */
	STACK_OF(X509) * chain; /* its issuer, the issuer's, ...; no root;
				   or NULL */
	time_t not_before, not_after;
	bool may_sign, may_encrypt; /* by keyUsage, EKU and kind of key */
	enum cert_origin origin;
	_Atomic bool retired;	      /* its token was opened anew */
	char *source;		      /* where it was read: a path */
	char sha256[CERT_SHA256_HEX]; /* lower-case hex of the DER */
};

/*
 * Takes over references to x509, key (or NULL) and chain (or NULL), also when
 * it fails: CONFIG when the key does not belong to the certificate, FORMAT
 * when its dates cannot be read.  An address with a NUL or another control
 * character inside is left out.
 */
int cert_new(X509 *x509, EVP_PKEY *key, STACK_OF(X509) * chain,
	enum cert_origin origin, const char *source, struct cert **out,
	struct error *err) MUST_USE;
struct cert *cert_ref(struct cert *cert);
void cert_unref(void *cert); /* NULL is fine; fits list_clear() */

/* Its key, on a token, is a dead handle now: look the certificate up again. */
void cert_retire(struct cert *cert);
bool cert_is_retired(const struct cert *cert);

bool cert_names_address(const struct cert *cert, const struct address *address);

/*
 * May it be used for that, now?  0, or -1 with the reason, a clause such as
 * "expired on 2026-01-31" or "its keyUsage does not allow signing" (NOKEY).
 * Signing needs the key.  Weak keys (RSA below 2048 bits, EC below 224), RSA
 * keys above 8192 and curves without a name are refused for both; weak_ok
 * lets RSA keys of 1024 bits and more pass.
 */
int cert_fits(const struct cert *cert, enum cert_purpose purpose, bool weak_ok,
	time_t now, struct error *why) MUST_USE;

/* RFC 2253 text of subject and issuer, serial in hex; free with mem_free. */
char *cert_subject(const struct cert *cert) MUST_USE;
char *cert_issuer(const struct cert *cert) MUST_USE;
char *cert_serial(const struct cert *cert) MUST_USE;
char *cert_name_text(const X509_NAME *name) MUST_USE;
/* "2026-01-31" */
void cert_date_text(time_t when, char out[11]);
/* "rsa-2048", "rsa-pss-2048", "ec-p-256"; up to size bytes. */
void cert_key_text(const struct cert *cert, char *out, size_t size);

/* A CMS for RSA keys and for others is unreadable for some (NSS, gpgsm). */
bool cert_is_rsa(const struct cert *cert);

/*
 * An explicit certificate of the rule file: "sha256:HEX" or "subject:RFC2253"
 * (attributes may stand in any order, case and spacing; all of them must be
 * there).  CONFIG with a sentence when it is neither.
 */
struct cert_selector;
int cert_selector_new(const char *text, struct cert_selector **out,
	struct error *err) MUST_USE;
void cert_selector_free(struct cert_selector *selector);
bool cert_selector_match(
	const struct cert_selector *selector, const struct cert *cert);
const char *cert_selector_text(const struct cert_selector *selector);
/* Lower-case hex, or NULL when it picks by subject. */
const char *cert_selector_sha256(const struct cert_selector *selector);

struct cert_limits {
	size_t file_bytes; /* default 64 MiB */
	unsigned items;	   /* certificates and keys; 100,000 */
	/* To derive keys from passwords; SHA-256 does ten million in 2 s. */
	unsigned kdf_iterations;      /* one key; 10,000,000 */
	unsigned kdf_file_iterations; /* all of one file; 160 million */
	unsigned kdf_pile_iterations; /* all of a pile; 1,280 million */
	unsigned crls;		      /* revocation lists in a pile; 10,000 */
	size_t crl_bytes;	      /* of them all, as DER; 64 MiB */
};
extern const struct cert_limits cert_limits_default;

/*
 * Everything in a file, whatever its form: PEM with several certificates and
 * keys (text between is skipped), DER certificate, P7B (PEM or DER), PKCS#12
 * with old or new encryption, Microsoft's serialized store (SST); found from
 * the content, never from the name.
 * password is NULL when none is set.  A key is joined to the certificate it
 * matches; authorities become the chain of those they issued.  Appends struct
 * cert * to out (authorities too, so that a bundle of anchors can be read);
 * revocation lists are passed over.  A key that matches no certificate is an
 * entry in warnings (char *, owned), as is a certificate that cannot be parsed
 * beside others that can.
 * Errors, each its own sentence that names `source`: CONFIG for a password
 * that is wrong or missing, FORMAT for nothing found and for unknown forms,
 * LIMIT.
 */
int cert_load(struct span bytes, const char *password, const char *source,
	const struct cert_limits *limits, struct list *out,
	struct list *warnings, struct error *err) MUST_USE;

/*
 * The same for several files that belong together, such as those of a
 * folder: a key is joined to its certificate and an authority to those it
 * issued wherever they stand.
 */
struct cert_pile;
struct cert_file {
	struct span bytes;
	const char *password; /* NULL: none is set */
	const char *source;   /* words for sentences, and cert->source */
	bool without_keys;    /* count private keys, but do not use them */
};
struct cert_pile *cert_pile_new(const struct cert_limits *limits) MUST_USE;
void cert_pile_free(struct cert_pile *pile); /* NULL is fine */
/*
 * Of a file that fails nothing is kept.  *keys is how many it holds.  One that
 * holds nothing but revocation lists is fine here.
 */
int cert_pile_read(struct cert_pile *pile, const struct cert_file *file,
	size_t *keys, struct error *err) MUST_USE;
/*
 * A certificate or a key (either may be NULL) that stood in no file; takes
 * both references over, also when it fails.
 */
int cert_pile_add(struct cert_pile *pile, X509 *x509, EVP_PKEY *key,
	const char *source, struct error *err) MUST_USE;
/*
 * A part of a pile, to be appended to it, that another thread may fill: what
 * its files may cost together counts for all parts of the whole.
 */
struct cert_pile *cert_pile_part(struct cert_pile *whole) MUST_USE;
/* What stands in `from` comes behind what is there; `from` is empty then. */
void cert_pile_append(struct cert_pile *pile, struct cert_pile *from);
/* What cert_load appends to its lists; once, then the pile is empty. */
void cert_pile_take(
	struct cert_pile *pile, struct list *out, struct list *warnings);
/* After that: SYSTEM when something is missing for lack of memory. */
int cert_pile_check(const struct cert_pile *pile, struct error *err) MUST_USE;
/* Revocation lists that stood in the files (X509_CRL *, owned by out then). */
void cert_pile_take_crls(struct cert_pile *pile, struct list *out);
void cert_crl_free(void *crl); /* an X509_CRL, for list_clear() */

/* ---- for people and other programs ---- */

enum { CERT_SHA1_BYTES = 20 };

/* What extensions say, in the RFC's words; lists of char *. */
struct cert_details {
	char sha1[2 * CERT_SHA1_BYTES + 1];
	bool is_authority;
	struct list signature; /* one: the algorithm */
	struct list key_usage, extended_key_usage, policies;
	struct list crl_points, ocsp, issuer_at; /* URIs */
};
void cert_details_read(const struct cert *cert, struct cert_details *out);
void cert_details_clear(struct cert_details *details);

enum cert_form { CERT_PEM, CERT_DER, CERT_P12, CERT_P7B, CERT_SST };
/* "pem", "der", "p12", "p7b", "sst"; -1 when there is no such form. */
int cert_form_from_name(const char *name) MUST_USE;

struct cert_writing {
	enum cert_form form;
	bool with_keys;	      /* of those that have one; pem and p12 only */
	const char *password; /* p12: must be; pem: NULL leaves keys open */
	bool legacy; /* p12: 3DES and SHA-1, for programs that are old */
};
/*
 * A file of struct cert *, and of the authorities above them (not in DER,
 * which holds one certificate), appended to out.  PKCS#12 and encrypted keys
 * use AES-256 and SHA-256, unless told otherwise.  CONFIG when the form cannot
 * hold that.
 */
int cert_write(const struct cert_writing *how, const struct list *certs,
	struct buf *out, struct error *err) MUST_USE;

bool cert_is_ca(const struct cert *cert);
/* By names and key identifiers, and by its signature. */
bool cert_has_issued(X509 *issuer, X509 *x509);

#endif
