/* The driver of managed stores.  See managed.h for what stands where. */
#include "store/managed.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/owned.h"

/* Paths that are remembered as warned about; then the oldest come again. */
enum { SAID_MAX = 1000 };
enum { FOLDER_MODE = 0750 };

static bool
say_first(struct managed *managed, const char *path)
{
	struct list *said = &managed->said;
	const char *earlier;
	bool first = true;

	pthread_mutex_lock(&managed->lock);
	LIST_FOREACH (earlier, said)
		if (strcmp(earlier, path) == 0)
			first = false;
	if (first && said->count >= SAID_MAX)
		list_clear(said, mem_free);
	if (first)
		list_add(said, mem_string(path));
	pthread_mutex_unlock(&managed->lock);
	return first;
}

void
managed_warn(struct managed *managed, const char *path, const char *format, ...)
{
	char text[200];
	va_list args;

	if (!say_first(managed, path))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	event(EVENT_WARNING, "%s: %s", path, text);
}

/* ---- open ---- */

/*
 * A file system that is not there (any more) is no proof that there is no
 * certificate, so nothing is made here.
 */
int
managed_check_root(const struct managed *managed, struct error *err)
{
	enum error_kind kind = ERROR_SYSTEM;
	struct stat root;

	if (stat(managed->root, &root) == 0) {
		if (S_ISDIR(root.st_mode))
			return 0;
		return error_set(err, ERROR_CONFIG, "%s: is not a folder",
			managed->root);
	}
	if (errno == ENOENT)
		return error_set(err, ERROR_SYSTEM,
			"%s: is not there: is its file system mounted? A new, "
			"empty store is made by \"smimectl cert import "
			"--empty\"",
			managed->root);
	if (errno == EACCES || errno == ENOTDIR || errno == ELOOP)
		kind = ERROR_CONFIG;
	return error_set(err, kind,
		"%s: cannot be seen by this process (user %ld): %s",
		managed->root, (long)geteuid(), strerror(errno));
}

int
managed_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings, struct error *err)
{
	struct error why = { 0 };
	struct managed *managed;
	char *name;

	if (settings->state == NULL)
		return error_set(err, ERROR_CONFIG, "state is missing");
	managed = mem_alloc(sizeof(*managed));
	name = managed_encode(settings->name);
	managed->state = mem_string(settings->state);
	managed->user = settings->user ? mem_string(settings->user) : NULL;
	managed->root = mem_printf("%s/stores/%s", settings->state, name);
	mem_free(name);
	managed->cache = managed_cache_new();
	pthread_mutex_init(&managed->lock, NULL);
	store->own = managed;
	if (managed_check_root(managed, &why) == 0)
		return 0;
	if (why.kind != ERROR_SYSTEM)
		return error_set(err, why.kind, "%s", why.text);
	list_add(warnings, mem_printf("store %s: %s", store->name, why.text));
	return 0;
}

int
managed_store_make(struct store *store, struct error *err)
{
	const struct managed *managed = store->own;
	struct stat st;

	if (stat(managed->root, &st) == 0)
		return 0;
	if (owned_make_top(managed->state, managed->user, FOLDER_MODE, err) !=
			0 ||
		owned_make_below(
			managed->state, managed->root, FOLDER_MODE, err) != 0 ||
		managed_check_root(managed, err) != 0)
		return -1;
	return 1;
}

void
managed_store_close(struct store *store)
{
	struct managed *managed = store->own;

	if (managed == NULL)
		return;
	managed_cache_free(managed->cache);
	list_clear(&managed->said, mem_free);
	pthread_mutex_destroy(&managed->lock);
	mem_free(managed->root);
	mem_free(managed->state);
	mem_free(managed->user);
	mem_free(managed);
}

/* ---- find ---- */

static int
find_address(struct managed *managed, const struct address *address,
	struct list *out, struct error *err)
{
	char *folder = managed_address_folder(managed->root, address->key);
	struct list found = { 0 };
	struct cert *cert;
	int got = managed_read_folder(managed, folder, false, &found, err);

	if (got == 0)
		got = managed_check_root(managed, err);
	LIST_FOREACH (cert, &found) {
		if (cert_names_address(cert, address))
			list_add(out, cert_ref(cert));
		else
			managed_warn(managed, cert->source,
				"does not name the address of its folder");
	}
	list_clear(&found, cert_unref);
	mem_free(folder);
	return got < 0 ? -1 : 0;
}

static int
find_ends(struct managed *managed, const char *folder, const char *sha256,
	struct list *out, struct error *err)
{
	int got = MANAGED_GONE;
	const char *end;

	for (size_t i = 0;
		got == MANAGED_GONE && (end = managed_cert_end(i)) != NULL;
		i++) {
		char *name = mem_printf("%s%s", sha256, end);
		struct cert *cert = NULL;

		got = managed_read(managed, folder, name, false, &cert, err);
		if (got == MANAGED_READ)
			list_add(out, cert);
		mem_free(name);
	}
	return got;
}

int
managed_find_sha256(struct managed *managed, const char *sha256,
	struct list *out, struct error *err)
{
	char *folder = managed_certificate_folder(managed->root, sha256);
	int got = find_ends(managed, folder, sha256, out, err);

	/* Renamed to a better origin while we looked? */
	if (got == MANAGED_GONE)
		got = find_ends(managed, folder, sha256, out, err);
	mem_free(folder);
	if (got == MANAGED_GONE)
		return managed_check_root(managed, err);
	return got < 0 ? -1 : 1;
}

/* ---- everything ---- */

struct gathering {
	struct managed *managed;
	const struct cert_selector *selector; /* NULL: all */
	int64_t deadline_ms;		      /* 0: none */
	struct list *out;
	void *seen; /* tsearch(3) of SHA-256 */
};

static int
compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool
see_first(struct gathering *self, const char *name)
{
	char *sha256 = mem_string_n(name, CERT_SHA256_HEX - 1);
	char **node = tsearch(sha256, &self->seen, compare_text);
	bool first = node != NULL && *node == sha256;

	if (!first)
		mem_free(sha256);
	return first;
}

static int
gather_one(struct gathering *self, const char *folder, const char *name,
	struct error *err)
{
	struct cert *cert = NULL;
	int got;

	if (self->deadline_ms != 0 && clock_monotonic_ms() > self->deadline_ms)
		return error_set(err, ERROR_SYSTEM,
			"%s: too many certificates to look for a subject "
			"(\"sha256:...\" is found at once)",
			self->managed->root);
	got = managed_read(self->managed, folder, name, false, &cert, err);
	if (got < 0)
		return -1;
	if (got == MANAGED_READ &&
		(self->selector == NULL ||
			cert_selector_match(self->selector, cert)))
		list_add(self->out, cert_ref(cert));
	cert_unref(cert);
	return 0;
}

static int
gather_folder(void *p, const char *folder, struct error *err)
{
	struct gathering *self = p;
	struct list names = { 0 };
	int result = managed_names(self->managed, folder, &names, err);
	const char *name;

	LIST_FOREACH (name, &names)
		if (result >= 0 && see_first(self, name) &&
			gather_one(self, folder, name, err) != 0)
			result = -1;
	list_clear(&names, mem_free);
	return result < 0 ? -1 : 0;
}

static int
gather(struct managed *managed, const struct cert_selector *selector,
	int64_t deadline_ms, struct list *out, struct error *err)
{
	struct gathering self = { managed, selector, deadline_ms, out, NULL };
	int result = managed_check_root(managed, err);

	if (result == 0)
		result =
			managed_each_folder(managed, gather_folder, &self, err);
	tdestroy(self.seen, mem_free);
	return result;
}

/* Names alone tell whose key is here. */
static int
gather_own(void *p, const char *folder, struct error *err)
{
	struct gathering *self = p;
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	int result = 0;

	while (result == 0 && dir != NULL && (entry = readdir(dir)) != NULL) {
		struct managed_name name;

		managed_read_name(entry->d_name, &name);
		if (name.kind == MANAGED_KEY && see_first(self, name.sha256) &&
			find_ends(self->managed, folder, name.sha256, self->out,
				err) < 0)
			result = -1;
	}
	if (dir != NULL)
		closedir(dir);
	return result;
}

int
managed_store_list_own(struct store *store, struct list *out, struct error *err)
{
	struct gathering self = { .managed = store->own, .out = out };
	int result = managed_check_root(self.managed, err);

	if (result == 0)
		result = managed_each_folder(
			self.managed, gather_own, &self, err);
	tdestroy(self.seen, mem_free);
	return result;
}

int
managed_store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err)
{
	const char *sha256;

	if (address != NULL)
		return find_address(store->own, address, out, err);
	sha256 = cert_selector_sha256(selector);
	if (sha256 == NULL)
		return gather(store->own, selector, deadline_ms, out, err);
	return managed_find_sha256(store->own, sha256, out, err) < 0 ? -1 : 0;
}

int
managed_store_list(struct store *store, struct list *out, struct error *err)
{
	return gather(store->own, NULL, 0, out, err);
}
