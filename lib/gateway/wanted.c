/*
 * Senders for whom a certificate is wanted: below state/wanted a file for each,
 * named by a digest, with the address in it and nothing else.  They are few
 * enough to be counted, and whoever issues certificates removes them.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/event.h"
#include "base/file.h"
#include "base/mem.h"
#include "gateway/internal.h"

enum {
	WANTED_MAX = 10000,
	FILE_MAX_BYTES = 1024,
	/* The authority's user, who is of the daemon's group, reads them. */
	FOLDER_MODE = 0750,
	FILE_MODE = 0640,
};

static char *
folder_of(const char *state)
{
	return mem_printf("%s/wanted", state);
}

static char *
path_of(const char *folder, const struct address *address)
{
	struct pieces data = { 0 };
	char name[CRYPTO_MAC_HEX];

	/* A digest; there is nothing to keep secret in a folder of ours. */
	pieces_add(&data, span_string(address->key));
	if (crypto_mac_hex(SPAN("wanted"), &data, name, NULL) != 0)
		return NULL;
	return mem_printf("%s/%s", folder, name);
}

static bool
is_name(const struct dirent *entry)
{
	return strlen(entry->d_name) == CRYPTO_MAC_HEX - 1;
}

static bool
is_full(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		count += is_name(entry);
	if (dir != NULL)
		closedir(dir);
	return count >= WANTED_MAX;
}

static int
note(const char *folder, const char *path, const struct address *address,
	struct error *err)
{
	if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
		return error_set(err, ERROR_SYSTEM, "%s: cannot be made: %s",
			folder, strerror(errno));
	if (access(path, F_OK) == 0)
		return 0;
	if (is_full(folder))
		return error_set(err, ERROR_LIMIT,
			"%s: %d certificates are wanted already", folder,
			WANTED_MAX);
	return file_write_atomic(
		path, span_string(address->text), FILE_MODE, err);
}

void
wanted_note(struct work *work, const struct sign_rule *rule)
{
	const struct address *address = facts_author(&work->facts);
	const char *state = work->gateway->split.state;
	char *folder, *path;
	struct error err = { 0 };

	if (!rule->wanted || work->mail->client.login == NULL ||
		work->run->explain || state == NULL)
		return;
	folder = folder_of(state);
	path = path_of(folder, address);
	if (path != NULL && note(folder, path, address, &err) != 0)
		event(EVENT_WARNING, "%s", err.text);
	mem_free(path);
	mem_free(folder);
}

/* ---- for whoever issues them ---- */

static bool
is_of(const char *folder, const char *path, const char *text)
{
	struct address *address = NULL;
	char *right = NULL;
	bool same = false;

	if (addr_parse(text, &address, NULL) == 0)
		right = path_of(folder, address);
	if (right != NULL)
		same = strcmp(path, right) == 0;
	address_free(address);
	mem_free(right);
	return same;
}

/* NULL: it went away meanwhile, or is no note of ours and goes now. */
static char *
read_note(const char *folder, const char *path)
{
	struct error err = { 0 };
	struct buf bytes = { 0 };
	struct stat about;
	char *text = NULL;

	if (lstat(path, &about) != 0)
		return NULL;
	if (S_ISREG(about.st_mode) &&
		file_read(path, FILE_MAX_BYTES, &bytes, &err) == 0)
		text = mem_string_n(bytes.data, bytes.len);
	buf_clear(&bytes);
	/* That it cannot be read says nothing of what it is. */
	if (err.text[0] != '\0' && err.kind != ERROR_LIMIT)
		return NULL;
	if (text != NULL && is_of(folder, path, text))
		return text;
	mem_free(text);
	/* A folder stays; nothing was noted there. */
	if (unlink(path) == 0)
		event(EVENT_WARNING,
			"%s: removed: its name is not that of the address in "
			"it, so the daemon has not noted it",
			path);
	else if (errno != ENOENT)
		event(EVENT_WARNING,
			"%s: was not noted by the daemon, and cannot be "
			"removed: %s",
			path, strerror(errno));
	return NULL;
}

int
gateway_wanted_read(const char *state, struct list *out, struct error *err)
{
	char *folder = folder_of(state);
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int result = 0;

	if (dir == NULL && errno != ENOENT)
		result = error_set(err, ERROR_CONFIG, "%s: cannot be read: %s",
			folder, strerror(errno));
	while (dir != NULL && (entry = readdir(dir)) != NULL &&
		out->count < WANTED_MAX) {
		char *path = mem_printf("%s/%s", folder, entry->d_name);
		char *text = is_name(entry) ? read_note(folder, path) : NULL;

		if (text != NULL)
			list_add(out, text);
		mem_free(path);
	}
	if (dir != NULL)
		closedir(dir);
	mem_free(folder);
	return result;
}

void
gateway_wanted_drop(const char *state, const struct address *address)
{
	char *folder = folder_of(state);
	char *path = path_of(folder, address);

	if (path != NULL)
		unlink(path);
	mem_free(path);
	mem_free(folder);
}
