/* A certificate out of a managed store: from every folder it stands in. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/owned.h"
#include "store/managed.h"

struct removal {
	struct managed *managed;
	const char *sha256;
	size_t removed; /* files */
};

static int
remove_file(struct removal *self, const char *folder, const char *name,
	struct error *err)
{
	char *path = mem_printf("%s/%s", folder, name);
	int result = 0;

	if (unlink(path) == 0)
		self->removed++;
	else if (errno != ENOENT)
		result = managed_cannot("removed", path, err);
	mem_free(path);
	return result;
}

/* Certificates before keys: nobody shall find one without its key. */
static int
remove_kind(struct removal *self, const char *folder, enum managed_kind kind,
	struct error *err)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int result = 0;

	if (dir == NULL)
		return errno == ENOENT ? 0
				       : managed_cannot("opened", folder, err);
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		struct managed_name name;

		managed_read_name(entry->d_name, &name);
		if (name.kind == kind && strcmp(name.sha256, self->sha256) == 0)
			result = remove_file(self, folder, entry->d_name, err);
	}
	closedir(dir);
	return result;
}

static int
remove_from(void *p, const char *folder, struct error *err)
{
	struct removal *self = p;

	if (remove_kind(self, folder, MANAGED_CERT, err) != 0 ||
		remove_kind(self, folder, MANAGED_KEY, err) != 0)
		return -1;
	return 0;
}

/* Takes the folder's name over. */
static int
remove_from_own(struct removal *self, char *folder, struct error *err)
{
	int result = remove_from(self, folder, err);

	/* Only when nothing else stands in it. */
	if (result == 0)
		rmdir(folder);
	mem_free(folder);
	return result;
}

static int
remove_named(struct removal *self, const struct cert *cert, struct error *err)
{
	const char *root = self->managed->root;
	const struct address *address;

	LIST_FOREACH (address, &cert->addresses)
		if (remove_from_own(self,
			    managed_address_folder(root, address->key),
			    err) != 0)
			return -1;
	return remove_from_own(self,
		managed_authority_folder(
			root, X509_get_subject_name(cert->x509)),
		err);
}

/* One that cannot be read (any more) may stand anywhere. */
static int
remove_all(struct removal *self, struct error *err)
{
	char *folder =
		managed_certificate_folder(self->managed->root, self->sha256);
	struct list found = { 0 };
	int result =
		managed_find_sha256(self->managed, self->sha256, &found, err);

	if (result > 0 && found.count != 0)
		result = remove_named(self, found.item[0], err);
	else if (result >= 0)
		result = managed_each_folder(
			self->managed, remove_from, self, err);
	/* Last, so that what was interrupted can be done again. */
	if (result == 0)
		result = remove_from(self, folder, err);
	list_clear(&found, cert_unref);
	mem_free(folder);
	return result;
}

int
managed_remove(struct store *store, const char *sha256, struct error *err)
{
	struct removal self = { .managed = store->own, .sha256 = sha256 };
	struct owned_was was;
	int result;

	if (owned_become(self.managed->state, self.managed->root, &was, err) !=
		0)
		return -1;
	result = remove_all(&self, err);
	owned_become_self(&was);
	return result != 0 ? -1 : self.removed != 0;
}
