/*
 * A small certification authority: a root, an intermediate that issues, and a
 * journal of every act.  All of it is plain files in a folder of its own,
 * which belongs to a user of its own:
 *
 *   root.pem, issuer.pem    the two certificates; root.crl, a list without
 *   root.crl                entries that the root signed for the issuer
 *   root.key, issuer.key    their keys, PKCS#8 with PBES2 and the passphrase;
 *                           root.key may be taken away
 *   escrow.key              32 random bytes (X25519), protected likewise.  The
 *                           password of every key below certificates/ is
 *                           openssl pkey -in escrow.key -outform DER |
 * sha256sum certificates/SERIAL.pem a certificate and, unless it came from a
 * request or without escrow, its key (PBES2) new/                    the same,
 * while an act is under way crl.der                 the last revocation list
 *   journal                 a line for each act, see below
 *   lock                    held while something is written
 *
 * A line of the journal is
 *
 *   HASH NUMBER TIME WHO ACT name=value ...
 *
 * where HASH is SHA-256 over the HASH of the line before (64 zeros in front of
 * the first) and the rest of the line, so that a line that was changed, taken
 * out or put in shows.  Files are written to new/ and synced, then the lines
 * are appended and synced, then the files are renamed: what ends in between
 * is completed, or taken back, by whoever holds the lock next.
 *
 * As root everything is done with the rights of the folder's owner.  All
 * functions are for one thread.
 *
 * lint: long, because there is one authority and much to do with it.
 */
#ifndef CA_CA_H
#define CA_CA_H

#include <stdbool.h>
#include <time.h>

#include "base/list.h"
#include "ca/deliver.h"
#include "cert/cert.h"
#include "crypto/crypto.h"
#include "store/store.h"

/* ---- what the rule file says ---- */

enum ca_key_kind {
	CA_RSA_2048,
	CA_RSA_3072,
	CA_RSA_4096,
	CA_P256,
	CA_P384,
	CA_KEY_KINDS
};
/* "rsa-2048", ..., "p-256"; -1 when there is none such. */
int ca_key_kind_from_name(const char *name) MUST_USE;

struct ca_settings {
	char *name;
	char *key_store; /* of type pkcs11: has the issuer's key; or NULL */
	struct store_settings *token; /* the same, as a store; owned */
	char *path;		      /* the folder */
	char *user;		      /* whose it shall be when root makes it */
	char *password_file;	      /* NULL: whoever calls asks for it */
	bool is_default;	      /* of several */
	enum ca_key_kind key;	      /* of root and issuer */
	enum crypto_digest digest; /* of all signatures; SHA-256 and better */
	enum ca_scheme { CA_PKCS1, CA_PSS } scheme; /* of RSA keys */
	struct list domains; /* struct pattern *; empty: for everybody */
	char *crl_url;	     /* written into certificates; or NULL */
	char *crl_file;	     /* where a web server finds the list; or NULL */
	char *crl_command;   /* program, called with the file; or NULL */
	unsigned crl_days;   /* until the next one must be there */
	unsigned wanted_day; /* of `ca issue --wanted`, within a day */
	char *store;	     /* a managed one, for internal users; or NULL */
};
void ca_settings_free(void *settings);
/* For token: name, type, uri, module and password_file are owned. */
void ca_key_store_free(struct store_settings *settings);

/* What a certificate is for.  "user", "sign-only", "encrypt-only", "domain"
 * are built in; a row of the rule file with such a name replaces it. */
struct ca_template {
	char *name;
	unsigned days;
	enum ca_key_kind key;
	bool sign, encrypt, non_repudiation; /* keyUsage, as the key can */
	bool domain;	      /* for all of a domain (RFC 3183) */
	bool upn;	      /* with a userPrincipalName, too */
	bool capabilities;    /* SMIMECapabilities: AES */
	struct list extended; /* char *: names or numbers; emailProtection */
	struct list domains;  /* struct pattern *: of `wanted`; or empty */
	char *crl_url;	      /* instead of the CA's; or NULL */
};
void ca_template_free(void *item);
/* By name among those (struct ca_template *), then among what is built in;
 * NULL when there is none. */
const struct ca_template *ca_template_find(
	const struct list *own, const char *name);
/*
 * CONFIG with a clause: a usage without key usage, an unknown purpose, none of
 * mail.
 */
int ca_template_check(
	const struct ca_template *item, struct error *err) MUST_USE;
/* http, https or ldap with host and path, ASCII; CONFIG with a clause. */
int ca_url_check(const char *url, struct error *err) MUST_USE;

/* ---- create, open ---- */

struct ca_names {
	const char *root, *issuer; /* common names; may not be the same */
	const char *more; /* "O=Example GmbH, C=DE" for both; or NULL */
	unsigned root_days, issuer_days;
};
/*
 * Root and issuer in one step.  who is for the journal.  CONFIG, with nothing
 * left behind, for names, days and folders that will not do.
 */
int ca_create(const struct ca_settings *settings, const struct ca_names *names,
	const char *password, const char *who, struct error *err) MUST_USE;

struct ca;
/*
 * Reads the journal; borrows the settings.  CONFIG when there is no authority,
 * or its journal was changed by hand.
 */
int ca_open(const struct ca_settings *settings, const char *who,
	struct ca **out, struct error *err) MUST_USE;
void ca_close(struct ca *ca); /* NULL is fine; wipes the keys */
/* The issuer's key and the escrow's: CONFIG for a wrong passphrase. */
int ca_unlock(struct ca *ca, const char *password, struct error *err) MUST_USE;
const struct ca_settings *ca_settings(const struct ca *ca);
X509 *ca_root(const struct ca *ca);
X509 *ca_issuer(const struct ca *ca);

/* The encrypted file as it is; then it may be removed.  CONFIG: not there. */
int ca_root_key(struct ca *ca, struct buf *out, struct error *err) MUST_USE;
int ca_root_key_remove(struct ca *ca, struct error *err) MUST_USE;

/* ---- what was issued ---- */

enum ca_state { CA_VALID, CA_EXPIRED, CA_REVOKED, CA_SUPERSEDED };
const char *ca_state_name(enum ca_state state);
/* RFC 5280 5.3.1, -1 when there is none such; CA_HELD can be undone. */
enum { CA_SUPERSEDED_REASON = 4, CA_HELD = 6, CA_UNHELD = 8 };
int ca_reason_from_name(const char *name) MUST_USE; /* "keyCompromise" */
const char *ca_reason_name(int reason);

enum { CA_SERIAL_HEX = 33 };
struct ca_entry {
	char serial[CA_SERIAL_HEX]; /* 32 lower-case hex digits */
	char sha256[CERT_SHA256_HEX];
	char *address, *key; /* as written, and as it is compared */
	char *name, *template;
	char *organisation, *given_name, *surname; /* or NULL */
	char *upn;	  /* another one than the address; or NULL */
	bool internal;	  /* the gateway uses its key */
	bool has_key;	  /* in escrow */
	bool filed;	  /* it is in the managed store */
	bool held;	  /* it is not put there before its owner has it */
	bool wanted;	  /* nobody asked for it */
	char *deliver_to; /* its key and password still have to go there */
	time_t issued, not_before, not_after;
	time_t revoked; /* 0: not */
	int reason;
	/* The last delivery, or NULL; others may change it at each act. */
	char *delivered_to, *telephone;
	const struct ca_entry *renewed_by;
	const struct ca_entry *earlier; /* of the same address */
};
enum ca_state ca_entry_state(const struct ca_entry *entry, time_t now);
/* Valid, and whoever was to have its key does not have it yet. */
bool ca_entry_is_undelivered(const struct ca_entry *entry, time_t now);
/* All (const struct ca_entry *, borrowed until ca_close), oldest first. */
void ca_list(const struct ca *ca, struct list *out);
/* By serial, SHA-256 or address (then all of it); 0 of them is no error. */
void ca_find(const struct ca *ca, const char *word, struct list *out);
/* The last one of the address that is valid, or NULL. */
const struct ca_entry *ca_current(
	const struct ca *ca, const char *key, time_t now);
/*
 * Valid ones that end within days, wait for no delivery, and whose address has
 * no other of the same template that ends later.
 */
void ca_renewable(
	const struct ca *ca, unsigned days, time_t now, struct list *out);
/* With the chain; with its key (after ca_unlock) when there is one. */
int ca_load(struct ca *ca, const struct ca_entry *entry, bool with_key,
	struct cert **out, struct error *err) MUST_USE;

/* ---- issue ---- */

struct ca_request {
	const struct ca_template *template;
	const char *address; /* of "domain" also a bare domain */
	const char *name;    /* common name; NULL: the address */
	const char *organisation, *given_name, *surname; /* or NULL */
	const char *upn; /* of templates with one; NULL: the address */
	unsigned days;	 /* 0: the template's */
	bool internal, no_escrow;
	bool wanted;		       /* noted by a rule: for the journal */
	const char *deliver_to;	       /* whom it is for: see ca_note() */
	const char *telephone;	       /* of that, for its password; or NULL */
	X509_REQ *csr;		       /* its key and nothing else; or NULL */
	const struct ca_entry *renews; /* or NULL */
	bool same_key;		       /* of renews */
	bool supersedes;	       /* renews is revoked */
	bool held;		       /* filed when delivered, not before */
	EVP_PKEY *made;		       /* a key that was made before; or NULL */
	/* Out: a reference, with its key but for a csr. */
	struct cert *cert;
	const struct ca_entry *entry;
};
void ca_request_clear(struct ca_request *request);
/*
 * What may be said before anything is done: address, domains, days, upn.
 * CONFIG with a sentence that names the address.
 */
int ca_request_check(struct ca *ca, const struct ca_request *request,
	struct error *err) MUST_USE;
/*
 * PEM or DER.  FORMAT: it is none, or not signed with its key; CONFIG: a key
 * that is not taken, by kind, size, exponent, curve or value; LIMIT.
 */
int ca_read_csr(struct span bytes, X509_REQ **out, struct error *err) MUST_USE;
/* The key that the request will need, into made; takes no lock. */
int ca_make_key(struct ca_request *request, struct error *err) MUST_USE;
/*
 * All of them or none (when the power fails while they are recorded, perhaps
 * the first ones), at most CA_BATCH_MAX.  CONFIG as above and when the clock
 * was set back, SYSTEM for a full disk.
 */
enum { CA_BATCH_MAX = 32 };
int ca_issue(struct ca *ca, struct ca_request *requests, size_t count,
	struct error *err) MUST_USE;

/* Lines of a table (CSV, with a comma or a semicolon between fields). */
enum ca_column {
	CA_ADDRESS,
	CA_NAME,
	CA_ORGANISATION,
	CA_GIVEN_NAME,
	CA_SURNAME,
	CA_TEMPLATE,
	CA_WHO, /* "internal" or "external" */
	CA_DAYS,
	CA_TELEPHONE,
	CA_UPN,
	CA_COLUMNS
};
struct ca_row {
	unsigned line;
	char *value[CA_COLUMNS]; /* NULL: no such column, or empty */
};
void ca_row_free(void *row);
/*
 * The first line names the columns ("address", "name", ..., "given_name"), in
 * any order; "address" has to be there.  FORMAT with "SOURCE:LINE: ".
 */
int ca_read_table(struct span text, const char *source, struct list *rows,
	struct error *err) MUST_USE;
/* The first word of each line, "#" begins a comment: char * each. */
void ca_read_addresses(struct span text, struct list *out);

/*
 * Certificates that are not in the managed store yet: internal ones go there
 * with their keys, so that mail is signed and opened with them, others without,
 * so that mail is encrypted for them.  What is held is not among them before a
 * "tell" of it is noted.  Again is fine.  One that is damaged is left out,
 * with an event that names it, and CONFIG in the end.
 */
void ca_unfiled(const struct ca *ca, struct list *out);
int ca_file(struct ca *ca, struct store *store, struct error *err) MUST_USE;
/* The same by whoever may write there: put returns 0 when it is there. */
int ca_file_by(struct ca *ca,
	int (*put)(void *self, const struct ca_entry *entry, struct cert *cert,
		struct error *err),
	void *self, struct error *err) MUST_USE;

/* ---- handed over to the daemon ---- */

enum { CA_HAND_MAX_BYTES = 64 * 1024 };
/* With its chain, and its key where it has one, in clear; appended. */
int ca_hand(struct cert *cert, struct buf *out, struct error *err) MUST_USE;
/* The managed store, of that name, below the daemon's state. */
struct ca_place {
	const char *store, *state, *user;
};
/*
 * The other end: one certificate and no more, which names the address, with
 * nothing but its own key and authorities, goes into the store.  Again is fine.
 * FORMAT, LIMIT or CONFIG for what is anything else.
 */
int ca_take(const struct ca_place *place, struct span bytes,
	const struct address *address, struct error *err) MUST_USE;

/* ---- revoke ---- */

/* CONFIG when it is revoked already, or CA_UNHELD is not held. */
int ca_revoke(struct ca *ca, const struct ca_entry *entry, int reason,
	struct error *err) MUST_USE;

/*
 * A list with the next number, to crl.der and crl_file.  days 0: as set.
 * Calling crl_command is left to the caller.
 */
int ca_crl(struct ca *ca, unsigned days, struct error *err) MUST_USE;
/* Must there be a new one: half of its time is over, or something was revoked
 * since?  1, 0. */
bool ca_crl_is_due(const struct ca *ca, time_t now);
/* What another list of the same issuer revokes is taken over.  TRUST when it
 * is not the issuer's. */
int ca_crl_import(struct ca *ca, struct span bytes, size_t *added,
	struct error *err) MUST_USE;
/* A sentence (char *) when crl_file is missing or about to end. */
void ca_crl_concern(
	const struct ca_settings *settings, time_t now, struct list *lines);

/*
 * A value of userSMIMECertificate (RFC 2798 2.8), appended: a SignedData
 * without content that holds the chain, signed with SMIMECapabilities where
 * the key is there.
 */
int ca_smime_certificate(
	struct cert *cert, struct buf *out, struct error *err) MUST_USE;

/* ---- audit ---- */

/*
 * Note an act of the caller: words are name, value, name, value, ..., NULL.
 * "tell" of a serial says that its owner has file and password.
 */
int ca_note(struct ca *ca, const char *act, const char *const *words,
	struct error *err) MUST_USE;
/*
 * When lines were added since it was opened: a sentence with the hash of the
 * last one, to be kept where nobody can cut the journal short.  NULL: none.
 * Free it.
 */
char *ca_seal(const struct ca *ca) MUST_USE;
bool ca_has_acted(const struct ca *ca); /* lines were added */
/* The journal for people: char * each. */
int ca_audit(
	const struct ca *ca, struct list *lines, struct error *err) MUST_USE;
/*
 * Do journal, files and lists agree, and are all signatures good?  A sentence
 * (char *) for each thing that is wrong.
 */
int ca_check(struct ca *ca, struct list *problems, struct error *err) MUST_USE;

#endif
