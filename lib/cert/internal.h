/* What the files of cert share. */
#ifndef CERT_INTERNAL_H
#define CERT_INTERNAL_H

#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#include "cert/cert.h"

enum cert_key_kind { KEY_RSA, KEY_RSA_PSS, KEY_EC, KEY_OTHER };

/* cert.c: cert_new() with a digest that is known already, or NULL. */
int cert_make(X509 *x509, EVP_PKEY *key, STACK_OF(X509) * chain,
	enum cert_origin origin, const char *source,
	const unsigned char *sha256, struct cert **out,
	struct error *err) MUST_USE;
int cert_digest(const X509 *x509, unsigned char out[CERT_SHA256_BYTES]);

/* address.c: every address x509 names, each once. */
void cert_read_addresses(X509 *x509, struct list *out);

/* fits.c: keyUsage, EKU and the kind of key; nothing about size and time. */
int cert_usage_allows(
	X509 *x509, enum cert_purpose purpose, struct error *why) MUST_USE;

/* text.c */
enum cert_key_kind cert_key_kind(const EVP_PKEY *key);
void cert_describe_key(const EVP_PKEY *key, char *out, size_t size);

/* index.c: items by a digest or a digest-like key; sort before looking up. */
enum { INDEX_KEY_BYTES = 32 };

struct cert_index {
	struct index_row {
		unsigned char key[INDEX_KEY_BYTES];
		size_t item;
	} * row;
	size_t count;
	size_t size;
};

void index_add(struct cert_index *index, const unsigned char *key, size_t item);
void index_sort(struct cert_index *index);
/* The rows with that key stand from the answer on; count when none does. */
size_t index_find(const struct cert_index *index, const unsigned char *key);
bool index_row_is(
	const struct cert_index *index, size_t row, const unsigned char *key);
void index_clear(struct cert_index *index);

/* ---- reading files: what is found goes into the pile ---- */

struct found_cert {
	X509 *x509;
	EVP_PKEY *key;	    /* what it was joined to, or NULL */
	const char *source; /* of the pile */
	unsigned char sha256[CERT_SHA256_BYTES];
};

struct found_key {
	EVP_PKEY *key;
	const char *source;
};

/* What was spent on all files; the piles of several threads may share it. */
struct pile_budget {
	_Atomic uint64_t iterations;
	_Atomic size_t crls, crl_bytes; /* revocation lists, as DER */
};

struct cert_pile {
	struct cert_limits limits;
	struct pile_budget own, *budget;
	struct found_cert *cert;
	size_t cert_count, cert_size;
	struct found_key *key;
	size_t key_count, key_size;
	struct list sources;  /* char * */
	struct list warnings; /* char * */
	struct list crls;     /* X509_CRL * */
	bool incomplete;      /* some was not made, for lack of memory */
};

/* One file on its way into the pile. */
struct reading {
	struct cert_pile *pile;
	const char *source;
	const char *password; /* NULL: none is set */
	bool without_keys;
	size_t certs, keys, crls; /* found in this file */
	bool may_be_empty;	  /* of a form that can hold nothing at all */
	uint64_t iterations;	  /* spent on this file so far */
	size_t warned;
};

/* To take back what was added since. */
struct pile_mark {
	size_t pile_certs, pile_keys, pile_crls, warnings;
	size_t certs, keys, crls, warned;
};

struct pile_mark reading_mark(const struct reading *in);
void reading_go_back(struct reading *in, const struct pile_mark *mark);

/* pile.c: all take over the reference; a NULL key is counted. */
int reading_add_cert(
	struct reading *in, X509 *x509, struct error *err) MUST_USE;
int reading_add_key(
	struct reading *in, EVP_PKEY *key, struct error *err) MUST_USE;
int reading_add_crl(
	struct reading *in, X509_CRL *crl, struct error *err) MUST_USE;
/* At most a hundred of one file; the words name it already. */
void reading_warn_words(struct reading *in, const char *words);
/*
 * A warning about an item that OpenSSL would not take; SYSTEM when it only
 * lacked the memory.  Empties OpenSSL's queue.
 */
#define BAD_KEY "a private key that is damaged or of an unknown kind"
int reading_skip(
	struct reading *in, const char *what, struct error *err) MUST_USE;
void reading_warn(struct reading *in, const char *format, ...)
	PRINTF_LIKE(2, 3);

/* What was found after so many certificates and keys is let go. */
void pile_truncate(struct cert_pile *pile, size_t certs, size_t keys);
/* Items come behind what is there; from is empty then. */
void pile_move_list(struct list *to, struct list *from);

/* join.c */
/* Also a key that its token calls plain RSA, of an id-RSASSA-PSS one. */
bool key_belongs(const EVP_PKEY *key, X509 *x509);
void pile_drop_doubles(struct cert_pile *pile);
void pile_join_keys(struct cert_pile *pile);

/* chain.c: the authorities in the pile, ready to be asked. */
struct chains {
	const struct cert_pile *pile;
	atomic_bool incomplete; /* a path, for lack of memory */
	struct cert_index by_subject;
	_Atomic long may_verify; /* signatures, before it has had enough */
};

enum { CHAIN_MAX = 8 };

void chains_init(struct chains *chains, const struct cert_pile *pile);
void chains_clear(struct chains *chains);
/* The path above x509 without its root, or NULL when there is none. */
STACK_OF(X509) * chains_above(struct chains *chains, X509 *x509);

/* der.c, sst.c, pem.c, pkcs7.c, pkcs12.c: each reads one form. */
int read_der(struct reading *in, struct span bytes, struct error *err) MUST_USE;
/* A warning when more than padding stands between at and end. */
void reading_check_end(
	struct reading *in, const unsigned char *at, const unsigned char *end);
bool sst_is(struct span bytes);
int read_sst(struct reading *in, struct span bytes, struct error *err) MUST_USE;
bool pem_is(struct span bytes);
int read_pem(struct reading *in, struct span bytes, struct error *err) MUST_USE;
int read_crl(struct reading *in, struct span der, struct error *err) MUST_USE;
int read_pkcs7(struct reading *in, struct span der, struct error *err) MUST_USE;
int read_pkcs12(
	struct reading *in, struct span der, struct error *err) MUST_USE;
/* PKCS#8 or the older forms, not encrypted. */
int read_plain_key(
	struct reading *in, struct span der, struct error *err) MUST_USE;
int read_encrypted_key(
	struct reading *in, struct span der, struct error *err) MUST_USE;
/*
 * Certificates and revocation lists one behind the other; what follows them
 * is a warning.
 */
int read_certificates(struct reading *in, struct span der, bool trusted,
	struct error *err) MUST_USE;

/* password.c: what a password may look like to a program. */

struct password {
	const char *text; /* NULL is not the same as empty (RFC 7292 B.1) */
	int len;
};

/* One way to write it: as text for PKCS#12's own ciphers, as bytes for all. */
struct secret {
	struct password text, raw;
};

enum { SECRETS_MAX = 7, SECRETS_KEPT_MAX = 5 };

struct secrets {
	struct secret item[SECRETS_MAX]; /* those of one text side by side */
	size_t count;
	struct kept {
		void *bytes;
		size_t len;
	} kept[SECRETS_KEPT_MAX];
	size_t kept_count;
};

/* The likely ones first; at the end, or_none, two ways to have none. */
void secrets_init(struct secrets *secrets, const char *password, bool or_none);
void secrets_clear(struct secrets *secrets); /* wipes them */
const struct password *secret_for(
	const struct secret *secret, const X509_ALGOR *algorithm);

/* secret.c: what stands between a password and a key. */

/* LIMIT when deriving a key would take more than the limits allow. */
int secret_allow(struct reading *in, const X509_ALGOR *algorithm,
	struct error *err) MUST_USE;
/* The same for the MAC of a PKCS#12. */
int secret_allow_mac(
	struct reading *in, const PKCS12 *p12, struct error *err) MUST_USE;
/* The library context that knows the algorithm: NULL is the ordinary one. */
int secret_context(const struct reading *in, const X509_ALGOR *algorithm,
	OSSL_LIB_CTX **out, struct error *err) MUST_USE;
/*
 * What the queue says of a failed decryption: 0 the password does not fit, -1
 * SYSTEM for a lack of memory, CONFIG for one of algorithms.  Empties it.
 */
int secret_explain(
	const struct reading *in, const char *what, struct error *err) MUST_USE;
/*
 * encrypted_key.c: 1 opened (*out may be NULL: of an unknown kind), 0 the
 * password does not fit, -1 an error.
 */
int open_key(struct reading *in, const X509_SIG *encrypted,
	const struct secret *secret, EVP_PKEY **out,
	struct error *err) MUST_USE;
/* The sentence for a password that does not fit, or is not set. */
int secret_refused(
	const struct reading *in, const char *what, struct error *err);

#endif
