/*
 * Where do we find certificates and keys?  A row per driver.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdint.h>

#include "base/list.h"
#include "cert/cert.h"
#include "store/publish.h"

struct store;

/* What the rule file says about one store; unused settings are NULL. */
struct store_settings {
	const char *name;
	const char *type;
	const char *path;	   /* file, directory */
	const char *password_file; /* file, directory, ldap; pkcs11: the PIN */
	const char *uri;	   /* ldap; pkcs11: RFC 7512 */
	const char *module;	   /* pkcs11: the token's library */
	const char *base, *bind_dn, *filter, *ca_file; /* ldap */
	bool start_tls;
	struct list attributes; /* char *: ldap, in their order */
	unsigned timeout_seconds, cache_seconds, negative_cache_seconds;
	const char *state; /* managed: the folder it lives below */
	const char *user;  /* managed: whose it shall be, when made by root */
};

/*
 * Open and, for file and directory, read everything: keys are parsed here,
 * never for a mail.  warnings gets a char * per file of a directory that
 * cannot be used and per odd thing in a file; a `file` store that cannot be
 * used is an error.  CONFIG sentences name the path.
 */
int store_open(const struct store_settings *settings, struct store **out,
	struct list *warnings, struct error *err) MUST_USE;
/*
 * What can only be done as the user that serves mails and in the process that
 * does: connections and tokens (they do not survive fork).  Once, before
 * store_find(); a directory that is down is no error here.
 */
int store_start(
	struct store *store, struct list *warnings, struct error *err) MUST_USE;
void store_close(void *store);
const char *store_name(const struct store *store);
const char *store_type(const struct store *store);

/*
 * Append to out a reference to each certificate (struct cert *; give back
 * with cert_unref) that names the address, or that the selector picks
 * (exactly one of the two is given).  Finding none is no error.  SYSTEM when
 * it cannot be told now, or not before deadline_ms (of clock_monotonic_ms();
 * 0: whatever the store's own settings say).  A directory (ldap) gives all
 * certificates of the address's entries, whomever they name, knows no
 * selectors, and lists nothing.
 */
int store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err) MUST_USE;

/*
 * The values (char *, appended) of an attribute in the entries of an address.
 * Only a directory (ldap) has any; CONFIG for others.  Otherwise as
 * store_find().
 */
int store_find_words(struct store *store, const struct address *address,
	const char *attribute, int64_t deadline_ms, struct list *out,
	struct error *err) MUST_USE;

/* Everything (struct cert *, referenced), for lists. */
int store_list(
	struct store *store, struct list *out, struct error *err) MUST_USE;
/* Those with a private key; others are not read. */
int store_list_own(
	struct store *store, struct list *out, struct error *err) MUST_USE;
/*
 * The folder of a managed store, where there is none.  Nothing else makes it:
 * one whose file system is not mounted must not seem to be empty.  1 made, 0
 * it was there, -1.
 */
int store_make(struct store *store, struct error *err) MUST_USE;
/*
 * Put a certificate, with its key and its chain where it has them, into a
 * managed store: at once for every process and node that shares it.  Again is
 * fine: a key that was missing is added, a better origin kept (imported,
 * issued, harvested).  As root, files are made as the owner of the store's
 * folder.  SYSTEM when that is not there, CONFIG when the store is not managed,
 * cannot be written, or the key cannot leave its token.
 */
int store_import(struct store *store, const struct cert *cert,
	enum cert_origin origin, struct error *err) MUST_USE;
/* With its key; sha256 is lower-case hex.  1 removed, 0 not there, -1. */
int store_remove(
	struct store *store, const char *sha256, struct error *err) MUST_USE;
bool store_is_managed(const struct store *store);
/*
 * What the daemon would stumble over later: keys of a managed store that it
 * cannot read (char *, appended to warnings).  To be asked in a process that
 * has become that user.
 */
void store_check(struct store *store, const char *user, struct list *warnings);

/*
 * A sentence (char *, appended to lines) for what is wrong with it now: a
 * directory that does not answer, a token that is gone.  Waits for nobody;
 * any thread, after store_start().
 */
void store_concern(struct store *store, struct list *lines);

/*
 * Are all of its certificates in memory from store_open() or store_start() on,
 * so that work can be done on them before the first mail?
 */
bool store_is_in_memory(const struct store *store);
/* Of these, is it only store_start() that reads them? */
bool store_is_read_at_start(const struct store *store);
/* Revocation lists that stood beside the certificates: X509_CRL *, owned. */
void store_take_crls(struct store *store, struct list *out);

#endif
