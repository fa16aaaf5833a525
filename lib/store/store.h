/*
 * Where do we find certificates and keys?  A row per driver: file, directory.
 * (ldap, pkcs11 and managed are rows to come.)
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/list.h"
#include "cert/cert.h"

struct store;

/* What the rule file says about one store; unused settings are NULL. */
struct store_settings {
	const char *name;
	const char *type;
	const char *path;
	const char *password_file;
};

/* 1 when this version has such a driver, 0 when it is known but not here
 * yet ("not in this version"), -1 when there is no such type. */
int store_type_known(const char *type);

/*
 * Open and, for file and directory, read everything: keys are parsed here,
 * never for a mail.  warnings gets a char * per file of a directory that
 * cannot be used and per odd thing in a file; a `file` store that cannot be
 * used is an error.  CONFIG sentences name the path.
 */
int store_open(const struct store_settings *settings, struct store **out,
	struct list *warnings, struct error *err) MUST_USE;
void store_close(void *store);
const char *store_name(const struct store *store);
const char *store_type(const struct store *store);

/*
 * Append to out a reference to each certificate (struct cert *; give back
 * with cert_unref) that names the address, or that the selector picks
 * (exactly one of the two is given).  Finding none is no error.  SYSTEM when
 * it cannot be told now.
 */
int store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, struct list *out,
	struct error *err) MUST_USE;

/* Everything (struct cert *, referenced), for lists and for load-time work. */
int store_list(
	struct store *store, struct list *out, struct error *err) MUST_USE;

#endif
