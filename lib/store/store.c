#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/managed.h"

int
store_find_held(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms UNUSED,
	struct list *out, struct error *err UNUSED)
{
	holdings_find(&store->holdings, address, selector, out);
	return 0;
}

int
store_list_held(struct store *store, struct list *out, struct error *err UNUSED)
{
	struct cert *cert;

	LIST_FOREACH (cert, &store->holdings.certs) {
		list_add(out, cert_ref(cert));
	}
	return 0;
}

static const struct store_driver drivers[] = {
	{ .type = "file",
		.in_memory = true,
		.open = file_store_open,
		.find = store_find_held,
		.list = store_list_held },
	{ .type = "directory",
		.in_memory = true,
		.open = directory_store_open,
		.find = store_find_held,
		.list = store_list_held },
	{ .type = "ldap",
		.open = ldap_store_open,
		.start = ldap_store_start,
		.find = ldap_store_find,
		.find_words = ldap_store_find_words,
		.list = ldap_store_list,
		.concern = ldap_store_concern,
		.close = ldap_store_close },
	{ .type = "pkcs11",
		.in_memory = true,
		.open = pkcs11_store_open,
		.start = pkcs11_store_start,
		.find = pkcs11_store_find,
		.list = pkcs11_store_list,
		.concern = pkcs11_store_concern,
		.close = pkcs11_store_close },
	{ .type = "managed",
		.open = managed_store_open,
		.find = managed_store_find,
		.list = managed_store_list,
		.list_own = managed_store_list_own,
		.make = managed_store_make,
		.import = managed_import,
		.remove = managed_remove,
		.check = managed_check,
		.close = managed_store_close },
};

static const struct store_driver *
find_driver(const char *type)
{
	for (size_t i = 0; i < COUNT_OF(drivers); i++)
		if (strcmp(drivers[i].type, type) == 0)
			return &drivers[i];
	return NULL;
}

static int
choose_driver(const struct store_settings *settings,
	const struct store_driver **out, struct error *err)
{
	const char *name = settings->name ? settings->name : "(no name)";

	if (settings->type == NULL || settings->type[0] == '\0')
		return error_set(
			err, ERROR_CONFIG, "store %s: it has no type", name);
	*out = find_driver(settings->type);
	if (*out == NULL)
		return error_set(err, ERROR_CONFIG,
			"store %s: there is no type \"%s\"", name,
			settings->type);
	return 0;
}

int
store_open(const struct store_settings *settings, struct store **out,
	struct list *warnings, struct error *err)
{
	const struct store_driver *driver = NULL;
	struct store *store;

	if (choose_driver(settings, &driver, err) != 0 || driver == NULL)
		return -1;
	store = mem_alloc(sizeof(*store));
	store->driver = driver;
	store->name = mem_string(settings->name ? settings->name : "");
	if (driver->open(store, settings, warnings, err) != 0) {
		store_close(store);
		return error_prefix(err, "store %s: ",
			settings->name ? settings->name : "(no name)");
	}
	*out = store;
	return 0;
}

void
store_close(void *p)
{
	struct store *store = p;

	if (store == NULL)
		return;
	if (store->driver->close != NULL)
		store->driver->close(store);
	holdings_clear(&store->holdings);
	list_clear(&store->crls, cert_crl_free);
	mem_free(store->name);
	mem_free(store);
}

const char *
store_name(const struct store *store)
{
	return store->name;
}

const char *
store_type(const struct store *store)
{
	return store->driver->type;
}

int
store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err)
{
	return store->driver->find(
		store, address, selector, deadline_ms, out, err);
}

int
store_find_words(struct store *store, const struct address *address,
	const char *attribute, int64_t deadline_ms, struct list *out,
	struct error *err)
{
	if (store->driver->find_words == NULL)
		return error_set(err, ERROR_CONFIG,
			"store %s: its type is \"%s\"; only one of type "
			"\"ldap\" "
			"has attributes",
			store->name, store->driver->type);
	return store->driver->find_words(
		store, address, attribute, deadline_ms, out, err);
}

int
store_start(struct store *store, struct list *warnings, struct error *err)
{
	if (store->driver->start == NULL ||
		store->driver->start(store, warnings, err) == 0)
		return 0;
	return error_prefix(err, "store %s: ", store->name);
}

bool
store_is_in_memory(const struct store *store)
{
	return store->driver->in_memory;
}

bool
store_is_read_at_start(const struct store *store)
{
	return store->driver->in_memory && store->driver->start != NULL;
}

void
store_take_crls(struct store *store, struct list *out)
{
	X509_CRL *crl;

	LIST_FOREACH (crl, &store->crls)
		list_add(out, crl);
	list_clear(&store->crls, NULL);
}

int
store_list(struct store *store, struct list *out, struct error *err)
{
	return store->driver->list(store, out, err);
}

int
store_list_own(struct store *store, struct list *out, struct error *err)
{
	struct list all = { 0 };
	struct cert *cert;
	int result;

	if (store->driver->list_own != NULL)
		return store->driver->list_own(store, out, err);
	result = store->driver->list(store, &all, err);
	LIST_FOREACH (cert, &all)
		if (cert->key != NULL)
			list_add(out, cert_ref(cert));
	list_clear(&all, cert_unref);
	return result;
}

static int
not_managed(const struct store *store, struct error *err)
{
	return error_set(err, ERROR_CONFIG,
		"store %s: its type is \"%s\"; only the certificates of a "
		"\"managed\" store are imported and removed",
		store->name, store->driver->type);
}

int
store_make(struct store *store, struct error *err)
{
	int result;

	if (store->driver->make == NULL)
		return not_managed(store, err);
	result = store->driver->make(store, err);
	return result < 0 ? error_prefix(err, "store %s: ", store->name)
			  : result;
}

int
store_import(struct store *store, const struct cert *cert,
	enum cert_origin origin, struct error *err)
{
	if (store->driver->import == NULL)
		return not_managed(store, err);
	if (store->driver->import(store, cert, origin, err) == 0)
		return 0;
	return error_prefix(err, "store %s: ", store->name);
}

int
store_remove(struct store *store, const char *sha256, struct error *err)
{
	int result;

	if (store->driver->remove == NULL)
		return not_managed(store, err);
	result = store->driver->remove(store, sha256, err);
	return result < 0 ? error_prefix(err, "store %s: ", store->name)
			  : result;
}

void
store_check(struct store *store, const char *user, struct list *warnings)
{
	if (store->driver->check != NULL)
		store->driver->check(store, user, warnings);
}

void
store_concern(struct store *store, struct list *lines)
{
	if (store->driver->concern != NULL)
		store->driver->concern(store, lines);
}

bool
store_is_managed(const struct store *store)
{
	return store->driver->import != NULL;
}

int
store_read_password(
	const struct store_settings *settings, char **out, struct error *err)
{
	*out = NULL;
	if (settings->password_file == NULL)
		return 0;
	return file_read_password(settings->password_file, out, err);
}

void
store_take(struct store *store, struct cert_pile *pile, struct list *certs,
	struct list *warnings)
{
	struct list found = { 0 };
	const char *words;

	cert_pile_take_crls(pile, &store->crls);
	cert_pile_take(pile, certs, &found);
	LIST_FOREACH (words, &found) {
		list_add(warnings,
			mem_printf("store %s: %s", store->name, words));
	}
	list_clear(&found, mem_free);
}
