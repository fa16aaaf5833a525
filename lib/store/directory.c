/*
 * All files below one folder.  What a file lacks may stand in another one:
 * the key beside the certificate, the issuer anywhere.
 */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/walk.h"
#include "store/internal.h"

/* All files of a folder together; they are in memory one at a time. */
#define DIRECTORY_LIMIT_BYTES ((uint64_t)1 << 30)

struct collecting {
	struct cert_pile *pile;
	const struct store *store;
	const char *password;
	struct list *warnings;
	uint64_t bytes;
};

static void
warn(struct collecting *self, const char *words)
{
	list_add(self->warnings,
		mem_printf("store %s: %s", self->store->name, words));
}

static void
warn_open_secret(struct collecting *self, const char *path)
{
	list_add(self->warnings,
		mem_printf("store %s: %s: holds a private key that is not "
			   "used, because everybody may read or write it "
			   "(chmod o= %s)",
			self->store->name, path, path));
}

/* Whatever is wrong with one file is a warning and spoils no other. */
static int
collect_file(void *p, const char *path, struct error *err)
{
	struct collecting *self = p;
	struct buf bytes = { 0 };
	struct error why = { 0 };
	struct cert_file file = { .password = self->password, .source = path };
	int open_to_all = file_is_world_readable(path, &why), result = -1;
	size_t keys = 0;

	if (open_to_all < 0 || file_read(path, cert_limits_default.file_bytes,
				       &bytes, &why) != 0) {
		warn(self, why.text);
		result = 0;
		goto out;
	}
	self->bytes += bytes.len;
	if (self->bytes > DIRECTORY_LIMIT_BYTES) {
		error_set(err, ERROR_LIMIT,
			"%s: its folder holds more than %llu bytes", path,
			(unsigned long long)DIRECTORY_LIMIT_BYTES);
		goto out;
	}
	file.bytes = buf_span(&bytes);
	file.without_keys = open_to_all;
	if (cert_pile_read(self->pile, &file, &keys, &why) != 0)
		warn(self, why.text);
	else if (open_to_all && keys != 0)
		warn_open_secret(self, path);
	result = 0;
out:
	buf_clear(&bytes);
	return result;
}

int
directory_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings, struct error *err)
{
	struct collecting self = { .pile = cert_pile_new(&cert_limits_default),
		.store = store,
		.warnings = warnings };
	char *source = mem_printf("store %s", store->name);
	struct walk walk = { .file = collect_file,
		.self = &self,
		.skip = settings->password_file,
		.warnings = warnings,
		.source = source };
	struct list certs = { 0 };
	char *password = NULL;
	int result = -1;

	if (settings->path == NULL) {
		error_set(err, ERROR_CONFIG, "path is missing");
		goto out;
	}
	if (store_read_password(settings, &password, err) != 0)
		goto out;
	self.password = password;
	if (walk_folder(&walk, settings->path, err) != 0)
		goto out;
	store_take(store, self.pile, &certs, warnings);
	holdings_fill(&store->holdings, &certs);
	result = 0;
out:
	cert_pile_free(self.pile);
	mem_free_secret(password);
	mem_free(source);
	return result;
}
