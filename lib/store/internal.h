/* What the drivers share. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <sys/stat.h>

#include "store/store.h"

/* ---- holdings.c: certificates in memory, found by address ---- */

struct holdings {
	struct list certs; /* struct cert * */
	struct holding {
		const char *key; /* of an address; NULL: an empty place */
		struct cert *cert;
	} * place;
	size_t places; /* a power of two */
};

/* Takes the certificates over from the list, which is empty then. */
void holdings_fill(struct holdings *holdings, struct list *certs);
void holdings_clear(struct holdings *holdings);
void holdings_find(const struct holdings *holdings,
	const struct address *address, const struct cert_selector *selector,
	struct list *out);

/* ---- a row per type ---- */

struct store {
	const struct store_driver *driver;
	char *name;
	struct holdings holdings; /* of file, directory and pkcs11 */
	struct list crls;	  /* X509_CRL *, until they are taken */
	void *own;		  /* the driver's */
};

struct store_driver {
	const char *type;
	bool in_memory;
	int (*open)(struct store *store, const struct store_settings *settings,
		struct list *warnings, struct error *err);
	int (*start)(struct store *store, struct list *warnings,
		struct error *err); /* or NULL */
	int (*find)(struct store *store, const struct address *address,
		const struct cert_selector *selector, int64_t deadline_ms,
		struct list *out, struct error *err);
	/* NULL: it has certificates and nothing else. */
	int (*find_words)(struct store *store, const struct address *address,
		const char *attribute, int64_t deadline_ms, struct list *out,
		struct error *err);
	int (*list)(struct store *store, struct list *out, struct error *err);
	/* Those with a key; NULL: list is quick enough. */
	int (*list_own)(
		struct store *store, struct list *out, struct error *err);
	/* NULL: its files are the administrator's. */
	int (*make)(struct store *store, struct error *err);
	int (*import)(struct store *store, const struct cert *cert,
		enum cert_origin origin, struct error *err);
	int (*remove)(
		struct store *store, const char *sha256, struct error *err);
	/* Or NULL. */
	void (*check)(
		struct store *store, const char *user, struct list *warnings);
	void (*concern)(struct store *store, struct list *lines); /* or NULL */
	void (*close)(struct store *store); /* or NULL; also half open */
};

/* store.c: find and list of what is in store->holdings */
int store_find_held(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err) MUST_USE;
int store_list_held(
	struct store *store, struct list *out, struct error *err) MUST_USE;

/* file.c, directory.c */
int file_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings, struct error *err) MUST_USE;
int directory_store_open(struct store *store,
	const struct store_settings *settings, struct list *warnings,
	struct error *err) MUST_USE;

/* ldap.c */
int ldap_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings, struct error *err) MUST_USE;
int ldap_store_start(
	struct store *store, struct list *warnings, struct error *err) MUST_USE;
int ldap_store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err) MUST_USE;
int ldap_store_find_words(struct store *store, const struct address *address,
	const char *attribute, int64_t deadline_ms, struct list *out,
	struct error *err) MUST_USE;
int ldap_store_list(
	struct store *store, struct list *out, struct error *err) MUST_USE;
void ldap_store_concern(struct store *store, struct list *lines);
void ldap_store_close(struct store *store);

/* pkcs11.c */
int pkcs11_store_open(struct store *store,
	const struct store_settings *settings, struct list *warnings,
	struct error *err) MUST_USE;
int pkcs11_store_start(
	struct store *store, struct list *warnings, struct error *err) MUST_USE;
int pkcs11_store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err) MUST_USE;
int pkcs11_store_list(
	struct store *store, struct list *out, struct error *err) MUST_USE;
void pkcs11_store_concern(struct store *store, struct list *lines);
void pkcs11_store_close(struct store *store);

/* managed.c */
int managed_store_open(struct store *store,
	const struct store_settings *settings, struct list *warnings,
	struct error *err) MUST_USE;
int managed_store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err) MUST_USE;
int managed_store_list(
	struct store *store, struct list *out, struct error *err) MUST_USE;
int managed_store_make(struct store *store, struct error *err) MUST_USE;
int managed_store_list_own(
	struct store *store, struct list *out, struct error *err) MUST_USE;
void managed_store_close(struct store *store);

/* The password of the settings, or NULL when they name no file. */
int store_read_password(const struct store_settings *settings, char **out,
	struct error *err) MUST_USE;

/* cert_pile_take(), with the store's name before each warning. */
void store_take(struct store *store, struct cert_pile *pile, struct list *certs,
	struct list *warnings);

#endif
