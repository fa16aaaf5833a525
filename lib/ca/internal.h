/* What the files of the authority share. */
#ifndef CA_INTERNAL_H
#define CA_INTERNAL_H

#include <openssl/x509.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/owned.h"
#include "ca/ca.h"

/* ---- journal.c: lines that hang together ---- */

enum { JOURNAL_FIELDS_MAX = 24, JOURNAL_LINE_BYTES = 16 * 1024 };

struct journal_line {
	unsigned long number;
	time_t when;
	char *who, *act; /* of space */
	struct journal_field {
		char *name, *value;
	} field[JOURNAL_FIELDS_MAX];
	size_t fields;
	char *space;
};
/* NULL when there is none of that name. */
const char *journal_value(const struct journal_line *line, const char *name);

struct journal {
	char *path;
	uint64_t end; /* of what was read */
	unsigned long count;
	time_t last; /* when the last line was written */
	char hash[CERT_SHA256_HEX];
};

void journal_init(struct journal *journal, const char *folder);
void journal_clear(struct journal *journal);
/*
 * The lines that are new since the last time.  CONFIG when one does not follow
 * from the line before it; a last line that is not whole is left alone.
 */
int journal_read(struct journal *journal,
	int (*visit)(
		void *self, const struct journal_line *line, struct error *err),
	void *self, struct error *err) MUST_USE;
/* With the lock, after journal_read(): a last line that is not whole goes. */
int journal_mend(const struct journal *journal, struct error *err) MUST_USE;

/* Lines on their way, and what the journal will be with them. */
struct journal_draft {
	const struct journal *journal;
	struct buf text;
	unsigned long count;
	char hash[CERT_SHA256_HEX];
	const char *who;
	char when[32];
};
void journal_draft_begin(struct journal_draft *draft,
	const struct journal *journal, const char *who, time_t when);
/* words: name, value, ..., NULL; those without a value are left out. */
int journal_add(struct journal_draft *draft, const char *act,
	const char *const *words, struct error *err) MUST_USE;
/* All or none of them, on the disk.  SYSTEM.  Clears the draft. */
int journal_commit(struct journal_draft *draft, struct error *err) MUST_USE;
void journal_drop(struct journal_draft *draft);

/* ---- ca.c ---- */

struct ca {
	const struct ca_settings *settings;
	char *who;
	struct journal journal;
	X509 *root, *issuer;
	EVP_PKEY *key;		  /* the issuer's; NULL: locked */
	struct store *token;	  /* where it comes from; or NULL */
	char *escrow;		  /* password of keys; NULL: locked */
	struct list entries;	  /* struct ca_entry * */
	void *by_serial, *by_key; /* tsearch(3); by_key: the last one each */
	unsigned long crl_number;
	time_t crl_made, crl_next;
	bool crl_stale; /* something was revoked since it was made */
	char *root_sha256, *issuer_sha256; /* as the journal has them */
	unsigned long lines_before;	   /* when it was opened */
	int lock;			   /* -1: not held */
	struct owned_was was;
};

char *ca_path(const struct ca *ca, const char *name) MUST_USE;
char *ca_entry_path(const struct ca *ca, const char *serial) MUST_USE;
/* As file_write_atomic(); in our own folder only a disk can be to blame. */
int ca_write(const char *path, struct span bytes, mode_t mode,
	struct error *err) MUST_USE;
int ca_is_locked(const struct ca *ca, struct error *err) MUST_USE;

char *ca_parent(const char *path) MUST_USE;
int ca_become(const struct ca_settings *settings, struct owned_was *was,
	struct error *err) MUST_USE;
/* As the owner of the folder; ca_leave() in any case, also after a failure. */
int ca_enter(struct ca *ca, struct error *err) MUST_USE;
void ca_leave(struct ca *ca);

/* ---- lock.c: one at a time ---- */

/*
 * As ca_enter(), with the lock: what others have written is read, what was
 * begun and not ended is ended.  SYSTEM when somebody has it for too long.
 */
int ca_begin(struct ca *ca, struct error *err) MUST_USE;
void ca_end(struct ca *ca); /* also after ca_begin() has failed */
/* What was recorded goes from new/ to where it belongs, the rest goes. */
int ca_settle(struct ca *ca, struct error *err) MUST_USE;
/* One line, on the disk and read. */
int ca_record(struct ca *ca, const char *act, const char *const *words,
	struct error *err) MUST_USE;

/* CONFIG: it is earlier than what was recorded. */
int ca_check_clock(const struct ca *ca, time_t now, struct error *err) MUST_USE;

/* ---- entries.c: what the journal says ---- */

int entries_line(
	void *ca, const struct journal_line *line, struct error *err) MUST_USE;
void entries_clear(struct ca *ca);
struct ca_entry *entries_serial(const struct ca *ca, const char *serial);

/* ---- key.c ---- */

/* For a passphrase of people, and for 256 random bits. */
enum { KDF_PASSPHRASE = 600000, KDF_RANDOM = 1000 };

int key_make(enum ca_key_kind kind, EVP_PKEY **out, struct error *err) MUST_USE;
bool key_is_rsa(const EVP_PKEY *key);
/* PEM, PKCS#8 with PBES2, appended. */
int key_write(EVP_PKEY *key, const char *password, int iterations,
	struct buf *out, struct error *err) MUST_USE;
/* CONFIG: the password is another. */
int key_read(struct span bytes, const char *password, const char *source,
	EVP_PKEY **out, struct error *err) MUST_USE;
int key_make_escrow(EVP_PKEY **out, struct error *err) MUST_USE;
/* What opens the keys in escrow. */
int key_escrow_password(
	EVP_PKEY *escrow, char **out, struct error *err) MUST_USE;

/* ---- token.c ---- */

/*
 * The key of that certificate, or the only one there is (NULL).  It is of use
 * until the store is closed, which is to be done in any case.
 */
int token_open(const struct store_settings *settings, X509 *issuer,
	struct store **store, EVP_PKEY **key, struct error *err) MUST_USE;

/* ---- name.c ---- */

/* CONFIG: too long for the attribute, or not to be printed. */
int name_add(X509_NAME *name, int nid, const char *value,
	struct error *err) MUST_USE;
/* "O=Example GmbH, C=DE" */
int name_add_text(
	X509_NAME *name, const char *text, struct error *err) MUST_USE;

/* ---- certificate.c, extension.c ---- */

struct making {
	X509 *issuer; /* NULL: signs itself */
	EVP_PKEY *issuer_key;
	EVP_PKEY *key; /* public will do */
	const X509_NAME *subject;
	time_t from, until;
	int (*extend)(X509 *x509, const void *self, struct error *err);
	const void *self;
};
int certificate_make(const struct ca_settings *settings,
	const struct making *making, X509 **out, struct error *err) MUST_USE;
int certificate_pem(X509 *x509, struct buf *out, struct error *err) MUST_USE;
int certificate_read(const char *path, X509 **out, struct error *err) MUST_USE;
int certificate_sha256(const X509 *x509, char out[CERT_SHA256_HEX]);
/* -1: longer than ours are. */
int serial_text(const ASN1_INTEGER *serial, char out[CA_SERIAL_HEX]) MUST_USE;
/* PKCS#1 or PSS, as set. */
EVP_MD_CTX *certificate_signing(
	const struct ca_settings *settings, EVP_PKEY *key) MUST_USE;

/* Each 0, or -1 CRYPTO. */
int extend_ids(X509 *x509, X509 *issuer, struct error *err) MUST_USE;
int extend_authority(X509 *x509, int path_length, struct error *err) MUST_USE;
int extend_usage(X509 *x509, const struct ca_template *template, bool rsa,
	struct error *err) MUST_USE;
int extend_names(X509 *x509, const struct ca_template *template,
	const struct address *address, const char *upn,
	struct error *err) MUST_USE;
int extend_crl(X509 *x509, const char *url, struct error *err) MUST_USE;
int extend_capabilities(X509 *x509, struct error *err) MUST_USE;

/* ---- list_make.c, revocation_list.c ---- */

X509_CRL *list_read(const char *path); /* NULL: there is none */
/* -1: it has none that we would have given. */
long list_number(X509_CRL *crl);
/* The next one, of all that is revoked. */
int list_make(struct ca *ca, time_t now, time_t next, size_t *entries,
	struct buf *out, struct error *err) MUST_USE;
/* A list of the root's, without entries. */
int list_make_empty(const struct ca_settings *settings, X509 *issuer,
	EVP_PKEY *key, time_t now, time_t next, struct buf *out,
	struct error *err) MUST_USE;

/* ---- publish.c ---- */

/* A file of this one and those above it; cert_write(). */
int write_one(const struct cert_writing *how, struct cert *cert,
	struct buf *out, struct error *err) MUST_USE;

#endif
