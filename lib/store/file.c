/* One file with everything in it. */
#include "base/file.h"
#include "base/mem.h"
#include "store/internal.h"

static int
refuse_open_secret(const char *path, struct error *err)
{
	int open_to_all = file_is_world_readable(path, err);

	if (open_to_all <= 0)
		return open_to_all;
	return error_set(err, ERROR_CONFIG,
		"%s: holds a private key, but everybody may read or write it "
		"(chmod o= %s)",
		path, path);
}

static int
read_into(struct cert_pile *pile, const char *path, const char *password,
	size_t *keys, struct error *err)
{
	struct buf bytes = { 0 };
	struct cert_file file = { .password = password, .source = path };
	int result = -1;

	if (file_read(path, cert_limits_default.file_bytes, &bytes, err) != 0)
		goto out;
	file.bytes = buf_span(&bytes);
	if (cert_pile_read(pile, &file, keys, err) != 0 ||
		(*keys != 0 && refuse_open_secret(path, err) != 0))
		goto out;
	result = 0;
out:
	buf_clear(&bytes);
	return result;
}

int
file_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(&cert_limits_default);
	struct list certs = { 0 };
	char *password = NULL;
	size_t keys = 0;
	int result = -1;

	if (settings->path == NULL) {
		error_set(err, ERROR_CONFIG, "path is missing");
		goto out;
	}
	if (store_read_password(settings, &password, err) != 0 ||
		read_into(pile, settings->path, password, &keys, err) != 0)
		goto out;
	store_take(store, pile, &certs, warnings);
	if (cert_pile_check(pile, err) != 0) {
		error_prefix(err, "%s: ", settings->path);
		goto out;
	}
	if (certs.count == 0) {
		error_set(err, ERROR_CONFIG,
			keys == 0 ? "%s: holds no certificate"
				  : "%s: holds a private key but no "
				    "certificate",
			settings->path);
		goto out;
	}
	holdings_fill(&store->holdings, &certs);
	result = 0;
out:
	list_clear(&certs, cert_unref);
	cert_pile_free(pile);
	mem_free_secret(password);
	return result;
}
