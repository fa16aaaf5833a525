/* Folders of a managed store are looked at anew each time they are asked. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/managed.h"

/* More certificates of one address (or of one hash) are not looked at. */
enum { FOLDER_MAX = 4096 };
/* A name that is gone when it is opened: removed, or of a better origin now. */
enum { LOOKS_MAX = 4 };

static int
cannot_open(const char *folder, struct error *err)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;
	return error_set(err, ERROR_SYSTEM, "%s: cannot be opened: %s", folder,
		strerror(errno));
}

/* By SHA-256, and of one certificate the best origin first. */
static int
by_name(const void *a, const void *b)
{
	struct managed_name x, y;
	const char *left = *(char *const *)a, *right = *(char *const *)b;
	int order;

	managed_read_name(left, &x);
	managed_read_name(right, &y);
	order = strcmp(x.sha256, y.sha256);
	if (order == 0)
		order = (int)x.origin - (int)y.origin;
	return order ? order : strcmp(left, right);
}

static void
drop_doubles(struct list *names)
{
	size_t kept = 0;

	if (names->count != 0)
		qsort(names->item, names->count, sizeof(*names->item), by_name);
	for (size_t i = 0; i < names->count; i++)
		if (kept != 0 && strncmp(names->item[kept - 1], names->item[i],
					 CERT_SHA256_HEX - 1) == 0)
			mem_free(names->item[i]);
		else
			names->item[kept++] = names->item[i];
	names->count = kept;
}

static void
add_name(struct managed *managed, const char *folder, const char *name,
	struct list *out)
{
	struct managed_name what;
	char *path;

	managed_read_name(name, &what);
	if (what.kind == MANAGED_CERT && out->count < FOLDER_MAX)
		list_add(out, mem_string(name));
	if (what.kind != MANAGED_FOREIGN)
		return;
	path = mem_printf("%s/%s", folder, name);
	managed_warn(managed, path, "is nothing of the store's and is skipped");
	mem_free(path);
}

int
managed_names(struct managed *managed, const char *folder, struct list *out,
	struct error *err)
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	int why;

	if (dir == NULL)
		return cannot_open(folder, err);
	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
		add_name(managed, folder, entry->d_name, out);
	why = errno;
	closedir(dir);
	if (why != 0) {
		list_clear(out, mem_free);
		return error_set(err, ERROR_SYSTEM, "%s: cannot be read: %s",
			folder, strerror(why));
	}
	drop_doubles(out);
	return 1;
}

/* 1 all was read, 0 no such folder, 2 a name was gone, -1. */
static int
read_once(struct managed *managed, const char *folder, bool authorities,
	struct list *out, struct error *err)
{
	struct list names = { 0 };
	int result = managed_names(managed, folder, &names, err);
	const char *name;

	LIST_FOREACH (name, &names) {
		struct cert *cert = NULL;
		int got = managed_read(
			managed, folder, name, authorities, &cert, err);

		if (got == MANAGED_READ)
			list_add(out, cert);
		if (got == MANAGED_GONE)
			result = 2;
		if (got < 0) {
			result = -1;
			break;
		}
	}
	list_clear(&names, mem_free);
	return result;
}

int
managed_read_folder(struct managed *managed, const char *folder,
	bool authorities, struct list *out, struct error *err)
{
	int result = 2;

	for (int i = 0; result == 2 && i < LOOKS_MAX; i++) {
		struct list found = { 0 };
		struct cert *cert;

		result = read_once(managed, folder, authorities, &found, err);
		if (result == 1 || (result == 2 && i == LOOKS_MAX - 1))
			LIST_FOREACH (cert, &found)
				list_add(out, cert_ref(cert));
		list_clear(&found, cert_unref);
	}
	return result == 2 ? 1 : result;
}

/* ---- all of them ---- */

struct visiting {
	int (*visit)(void *self, const char *folder, struct error *err);
	void *self;
};

static int
each_below(const char *folder, int levels, const struct visiting *visiting,
	struct error *err)
{
	const struct dirent *entry;
	DIR *dir = levels == 0 ? NULL : opendir(folder);
	int result = 0;

	if (levels == 0)
		return visiting->visit(visiting->self, folder, err);
	if (dir == NULL)
		return cannot_open(folder, err);
	for (errno = 0; result == 0 && (entry = readdir(dir)) != NULL;
		errno = 0) {
		char *below = mem_printf("%s/%s", folder, entry->d_name);

		if (entry->d_name[0] != '.')
			result = each_below(below, levels - 1, visiting, err);
		mem_free(below);
	}
	if (result == 0 && errno != 0)
		result = error_set(err, ERROR_SYSTEM, "%s: cannot be read: %s",
			folder, strerror(errno));
	closedir(dir);
	return result;
}

int
managed_each_folder(struct managed *managed,
	int (*visit)(void *self, const char *folder, struct error *err),
	void *self, struct error *err)
{
	static const struct {
		const char *name;
		int levels;
	} trees[] = { { "certificates", 1 }, { "addresses", 2 },
		{ "authorities", 1 } };
	const struct visiting visiting = { visit, self };
	int result = 0;

	for (size_t i = 0; result == 0 && i < COUNT_OF(trees); i++) {
		char *folder =
			mem_printf("%s/%s", managed->root, trees[i].name);

		result = each_below(folder, trees[i].levels, &visiting, err);
		mem_free(folder);
	}
	return result;
}
