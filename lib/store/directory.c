/*
 * All files below one folder.  What a file lacks may stand in another one:
 * the key beside the certificate, the issuer anywhere.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/walk.h"
#include "store/internal.h"

/* All files of a folder together; one of each thread is in memory. */
#define DIRECTORY_LIMIT_BYTES ((uint64_t)1 << 30)

/* Files that one thread takes at a time. */
enum { STEP = 128 };

struct file {
	char *path;
	bool open_to_all;
};

/* What is found in STEP files, whichever thread reads them. */
struct part {
	struct cert_pile *pile;
	struct list warnings; /* char * */
};

struct collecting {
	const struct store *store;
	const char *password;
	struct list files; /* struct file *, in the order of their names */
	uint64_t bytes;
	struct cert_pile *pile; /* all parts together */
	struct part *parts;
};

static void
file_free(void *p)
{
	struct file *file = p;

	mem_free(file->path);
	mem_free(file);
}

static int
collect_file(
	void *p, const char *path, const struct stat *st, struct error *err)
{
	struct collecting *self = p;
	struct file *file;

	self->bytes += (uint64_t)st->st_size;
	if (self->bytes > DIRECTORY_LIMIT_BYTES)
		return error_set(err, ERROR_LIMIT,
			"%s: its folder holds more than %llu bytes", path,
			(unsigned long long)DIRECTORY_LIMIT_BYTES);
	file = mem_alloc(sizeof(*file));
	file->path = mem_string(path);
	file->open_to_all = (st->st_mode & (S_IROTH | S_IWOTH)) != 0;
	list_add(&self->files, file);
	return 0;
}

/* Whatever is wrong with one file is a warning and spoils no other. */
static void
read_one(const struct collecting *self, const struct file *found,
	struct part *part)
{
	struct cert_file file = { .password = self->password,
		.source = found->path,
		.without_keys = found->open_to_all };
	struct buf bytes = { 0 };
	struct error why = { 0 };
	const char *name = self->store->name;
	size_t keys = 0;
	int result = file_read(
		found->path, cert_limits_default.file_bytes, &bytes, &why);

	file.bytes = buf_span(&bytes);
	if (result == 0)
		result = cert_pile_read(part->pile, &file, &keys, &why);
	if (result != 0)
		list_add(&part->warnings,
			mem_printf("store %s: %s", name, why.text));
	else if (found->open_to_all && keys != 0)
		list_add(&part->warnings,
			mem_printf("store %s: %s: holds a private key that is "
				   "not used, because everybody may read or "
				   "write it (chmod o= %s)",
				name, found->path, found->path));
	buf_clear(&bytes);
}

static void
read_part(void *p, size_t first, size_t end)
{
	struct collecting *self = p;
	struct part *part = &self->parts[first / STEP];

	part->pile = cert_pile_part(self->pile);
	for (size_t i = first; i < end; i++)
		read_one(self, self->files.item[i], part);
}

/*
 * Reading and parsing takes nearly all of the time of a start, so every
 * processor takes part; the result is as if one had read them in order, but
 * for which of them it is that finds a limit of all together reached.
 */
static void
read_all(struct collecting *self, struct list *warnings)
{
	size_t count = (self->files.count + STEP - 1) / STEP;

	self->parts = mem_array(count, sizeof(*self->parts));
	parallel_run(self->files.count, STEP, read_part, self);
	for (size_t i = 0; i < count; i++) {
		struct part *part = &self->parts[i];
		char *text;

		cert_pile_append(self->pile, part->pile);
		cert_pile_free(part->pile);
		LIST_FOREACH (text, &part->warnings)
			list_add(warnings, text);
		list_clear(&part->warnings, NULL);
	}
	mem_free(self->parts);
}

int
directory_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings, struct error *err)
{
	struct collecting self = { .store = store };
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
	self.pile = cert_pile_new(&cert_limits_default);
	read_all(&self, warnings);
	store_take(store, self.pile, &certs, warnings);
	if (cert_pile_check(self.pile, err) != 0) {
		error_prefix(err, "%s: ", settings->path);
		goto out;
	}
	holdings_fill(&store->holdings, &certs);
	result = 0;
out:
	list_clear(&certs, cert_unref);
	cert_pile_free(self.pile);
	list_clear(&self.files, file_free);
	mem_free_secret(password);
	mem_free(source);
	return result;
}
