/* An authority, opened. */
#include "ca/ca.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "ca/internal.h"

enum { KEY_FILE_MAX_BYTES = 64 * 1024 };

void
ca_settings_free(void *p)
{
	struct ca_settings *settings = p;

	if (settings == NULL)
		return;
	mem_free(settings->name);
	mem_free(settings->path);
	mem_free(settings->user);
	mem_free(settings->password_file);
	list_clear(&settings->domains, pattern_free);
	mem_free(settings->crl_url);
	mem_free(settings->crl_file);
	mem_free(settings->crl_command);
	mem_free(settings->store);
	mem_free(settings->key_store);
	ca_key_store_free(settings->token);
	mem_free(settings);
}

const struct ca_settings *
ca_settings(const struct ca *ca)
{
	return ca->settings;
}

X509 *
ca_root(const struct ca *ca)
{
	return ca->root;
}

X509 *
ca_issuer(const struct ca *ca)
{
	return ca->issuer;
}

char *
ca_path(const struct ca *ca, const char *name)
{
	return mem_printf("%s/%s", ca->settings->path, name);
}

char *
ca_entry_path(const struct ca *ca, const char *serial)
{
	return mem_printf("%s/certificates/%s.pem", ca->settings->path, serial);
}

int
ca_write(const char *path, struct span bytes, mode_t mode, struct error *err)
{
	struct error why = { 0 };

	if (file_write_atomic(path, bytes, mode, &why) == 0)
		return 0;
	return error_set(err, ERROR_SYSTEM, "%s", why.text);
}

int
ca_is_locked(const struct ca *ca, struct error *err)
{
	if (ca->key != NULL)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"authority %s: its keys need the passphrase",
		ca->settings->name);
}

/* ---- as whom ---- */

char *
ca_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL || slash == path
		       ? mem_string("/")
		       : mem_string_n(path, (size_t)(slash - path));
}

/* From the folder above on: the folder itself might be a link. */
int
ca_become(const struct ca_settings *settings, struct owned_was *was,
	struct error *err)
{
	char *parent = ca_parent(settings->path);
	int result = owned_become(parent, settings->path, was, err);

	mem_free(parent);
	return result;
}

int
ca_enter(struct ca *ca, struct error *err)
{
	return ca_become(ca->settings, &ca->was, err);
}

void
ca_leave(struct ca *ca)
{
	owned_become_self(&ca->was);
	ca->was = (struct owned_was){ 0 };
}

/* ---- open ---- */

static int
read_certificate(struct ca *ca, const char *name, const char *sha256,
	X509 **out, struct error *err)
{
	char *path = ca_path(ca, name);
	char is[CERT_SHA256_HEX];
	int result = certificate_read(path, out, err);

	if (result == 0 &&
		(sha256 == NULL || certificate_sha256(*out, is) != 0 ||
			strcmp(is, sha256) != 0))
		result = error_set(err, ERROR_CONFIG,
			"%s: is not the certificate that the authority was "
			"created with",
			path);
	mem_free(path);
	return result;
}

static int
read_all(struct ca *ca, struct error *err)
{
	if (journal_read(&ca->journal, entries_line, ca, err) != 0 ||
		read_certificate(
			ca, "root.pem", ca->root_sha256, &ca->root, err) != 0)
		return -1;
	return read_certificate(
		ca, "issuer.pem", ca->issuer_sha256, &ca->issuer, err);
}

int
ca_open(const struct ca_settings *settings, const char *who, struct ca **out,
	struct error *err)
{
	struct ca *ca;
	int result;

	if (access(settings->path, F_OK) != 0)
		return error_set(err, ERROR_CONFIG,
			"authority %s: %s: %s (\"smimectl ca create\" makes "
			"one)",
			settings->name, settings->path, strerror(errno));
	ca = mem_alloc(sizeof(*ca));
	ca->settings = settings;
	ca->who = mem_string(who);
	ca->lock = -1;
	journal_init(&ca->journal, settings->path);
	result = ca_enter(ca, err) != 0 || read_all(ca, err) != 0 ? -1 : 0;
	ca_leave(ca);
	ca->lines_before = ca->journal.count;
	if (result == 0)
		*out = ca;
	else
		ca_close(ca);
	return result;
}

void
ca_close(struct ca *ca)
{
	if (ca == NULL)
		return;
	ca_end(ca);
	journal_clear(&ca->journal);
	entries_clear(ca);
	X509_free(ca->root);
	X509_free(ca->issuer);
	EVP_PKEY_free(ca->key);
	store_close(ca->token);
	mem_free_secret(ca->escrow);
	mem_free(ca->who);
	mem_free(ca);
}

bool
ca_has_acted(const struct ca *ca)
{
	return ca->journal.count != ca->lines_before;
}

char *
ca_seal(const struct ca *ca)
{
	if (!ca_has_acted(ca))
		return NULL;
	return mem_printf("authority %s: %s: its journal has %lu lines, the "
			  "last one is %s",
		ca->settings->name, ca->who, ca->journal.count,
		ca->journal.hash);
}

/* ---- keys ---- */

static int
read_key(struct ca *ca, const char *name, const char *password, EVP_PKEY **out,
	struct error *err)
{
	char *path = ca_path(ca, name);
	struct buf bytes = { 0 };
	int result = -1;

	if (file_read_secret(path, KEY_FILE_MAX_BYTES, &bytes, err) == 0)
		result = key_read(buf_span(&bytes), password, path, out, err);
	buf_clear(&bytes);
	mem_free(path);
	return result;
}

static int
read_issuer_key(
	struct ca *ca, const char *password, EVP_PKEY **out, struct error *err)
{
	if (ca->settings->token == NULL)
		return read_key(ca, "issuer.key", password, out, err);
	return token_open(
		ca->settings->token, ca->issuer, &ca->token, out, err);
}

static int
unlock(struct ca *ca, const char *password, struct error *err)
{
	EVP_PKEY *key = NULL, *escrow = NULL;
	int result = -1;

	if (read_key(ca, "escrow.key", password, &escrow, err) != 0 ||
		read_issuer_key(ca, password, &key, err) != 0)
		goto out;
	if (ca->settings->token == NULL &&
		X509_check_private_key(ca->issuer, key) != 1) {
		crypto_fail(err, ERROR_CONFIG,
			"authority %s: issuer.key is not the key of issuer.pem",
			ca->settings->name);
		goto out;
	}
	if (key_escrow_password(escrow, &ca->escrow, err) != 0)
		goto out;
	ca->key = key;
	key = NULL;
	result = 0;
out:
	EVP_PKEY_free(key);
	EVP_PKEY_free(escrow);
	return result;
}

int
ca_unlock(struct ca *ca, const char *password, struct error *err)
{
	int result = -1;

	if (ca->key != NULL)
		return 0;
	crypto_begin();
	if (ca_enter(ca, err) == 0)
		result = unlock(ca, password, err);
	ca_leave(ca);
	return result;
}

int
ca_root_key(struct ca *ca, struct buf *out, struct error *err)
{
	char *path = ca_path(ca, "root.key");
	int result = -1;

	if (ca_begin(ca, err) == 0 &&
		file_read_secret(path, KEY_FILE_MAX_BYTES, out, err) == 0)
		result = ca_record(
			ca, "export-root-key", (const char *[]){ NULL }, err);
	ca_end(ca);
	mem_free(path);
	return result;
}

int
ca_root_key_remove(struct ca *ca, struct error *err)
{
	char *path = ca_path(ca, "root.key");
	int result = -1;

	if (ca_begin(ca, err) != 0)
		goto out;
	if (access(path, F_OK) != 0)
		error_set(
			err, ERROR_CONFIG, "%s: is not there (any more)", path);
	else if (ca_record(ca, "remove-root-key", (const char *[]){ NULL },
			 err) == 0) {
		result = unlink(path) == 0
				 ? file_sync_folder(ca->settings->path, err)
				 : error_set(err, ERROR_SYSTEM,
					   "%s: cannot be removed: %s", path,
					   strerror(errno));
	}
out:
	ca_end(ca);
	mem_free(path);
	return result;
}

int
ca_note(struct ca *ca, const char *act, const char *const *words,
	struct error *err)
{
	int result = -1;

	if (ca_begin(ca, err) == 0)
		result = ca_record(ca, act, words, err);
	ca_end(ca);
	return result;
}
