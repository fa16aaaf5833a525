/* Root and issuer in one step; in a folder beside, which is then renamed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "ca/internal.h"

enum {
	FOLDER_MODE = 0700,
	FILE_MODE = 0644,
	KEY_MODE = 0600,
	DAYS_MAX = 36500,
	DAY = 86400,
	RANDOM_LEN = 12
};

struct creation {
	const struct ca_settings *settings;
	const struct ca_names *names;
	const char *password, *who;
	char *folder; /* until it is complete */
	time_t from, root_until, issuer_until;
	EVP_PKEY *root_key, *issuer_key, *escrow_key;
	struct store *token; /* of the issuer's key; or NULL */
	X509 *root, *issuer;
};

/* ---- what will not do ---- */

static int
check_days(unsigned days, const char *whose, struct error *err)
{
	if (days >= 1 && days <= DAYS_MAX)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"the %s must be valid for 1 to %d days", whose, DAYS_MAX);
}

static int
check(const struct creation *self, struct error *err)
{
	const struct ca_names *names = self->names;
	enum crypto_digest digest = self->settings->digest;

	if (names->root == NULL || names->issuer == NULL)
		return error_set(err, ERROR_CONFIG,
			"root and issuer need a common name each");
	if (strcasecmp(names->root, names->issuer) == 0)
		return error_set(err, ERROR_CONFIG,
			"root and issuer have the same name \"%s\": no program "
			"could tell which one has issued a certificate",
			names->root);
	if (self->password == NULL || self->password[0] == '\0')
		return error_set(err, ERROR_CONFIG,
			"the keys of an authority need a passphrase");
	if (digest == CRYPTO_SHA1)
		return error_set(err, ERROR_CONFIG,
			"nobody believes certificates signed with SHA-1");
	if (check_days(names->root_days, "root", err) != 0 ||
		check_days(names->issuer_days, "issuer", err) != 0)
		return -1;
	if (names->issuer_days > names->root_days)
		return error_set(err, ERROR_CONFIG,
			"the issuer would be valid for %u days and its root "
			"only for %u",
			names->issuer_days, names->root_days);
	return 0;
}

/* ---- folders ---- */

/* A folder of the user's, though the one above it may be root's. */
static int
make_folder(struct creation *self, const char *parent, struct error *err)
{
	const char *user = self->settings->user;
	struct stat st;

	if (lstat(parent, &st) != 0 &&
		owned_make_top(parent, user, FOLDER_MODE, err) != 0)
		return -1;
	if (lstat(parent, &st) != 0)
		return error_set(
			err, ERROR_CONFIG, "%s: %s", parent, strerror(errno));
	if (st.st_uid == 0)
		return owned_make_top(self->folder, user, FOLDER_MODE, err);
	return owned_make_below(parent, self->folder, FOLDER_MODE, err);
}

static char *
path_in(const struct creation *self, const char *name)
{
	return mem_printf("%s/%s", self->folder, name);
}

static const char *const folders[] = { "new", "certificates" };
static const char *const files[] = { "root.pem", "issuer.pem", "root.key",
	"issuer.key", "escrow.key", "root.crl", "journal" };

static int
make_folders(const struct creation *self, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		char *path = path_in(self, folders[i]);

		if (mkdir(path, FOLDER_MODE) != 0)
			result = error_set(err, ERROR_CONFIG,
				"%s: cannot be made: %s", path,
				strerror(errno));
		mem_free(path);
	}
	return result;
}

static void
take_back(const struct creation *self)
{
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		char *path = path_in(self, files[i]);

		unlink(path);
		mem_free(path);
	}
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		char *path = path_in(self, folders[i]);

		rmdir(path);
		mem_free(path);
	}
	rmdir(self->folder);
}

/* ---- certificates ---- */

static int
extend(X509 *x509, const void *path_length, struct error *err)
{
	return extend_authority(x509, *(const int *)path_length, err);
}

static int
name_new(const struct creation *self, const char *common_name, X509_NAME **out,
	struct error *err)
{
	*out = X509_NAME_new();
	if (*out == NULL)
		return crypto_fail(err, ERROR_SYSTEM, "no name can be made");
	if (name_add_text(*out, self->names->more, err) != 0)
		return -1;
	return name_add(*out, NID_commonName, common_name, err);
}

static int
make_one(struct creation *self, bool root, struct error *err)
{
	const int path_length = root ? 1 : 0;
	X509_NAME *name = NULL;
	struct making making = { .issuer = self->root,
		.issuer_key = self->root_key,
		.key = root ? self->root_key : self->issuer_key,
		.from = self->from,
		.until = root ? self->root_until : self->issuer_until,
		.extend = extend,
		.self = &path_length };
	int result = -1;

	if (name_new(self, root ? self->names->root : self->names->issuer,
		    &name, err) == 0) {
		making.subject = name;
		result = certificate_make(self->settings, &making,
			root ? &self->root : &self->issuer, err);
	}
	X509_NAME_free(name);
	return result;
}

/* On a token it has been made there. */
static int
make_issuer_key(struct creation *self, struct error *err)
{
	const struct ca_settings *settings = self->settings;

	if (settings->token == NULL)
		return key_make(settings->key, &self->issuer_key, err);
	return token_open(
		settings->token, NULL, &self->token, &self->issuer_key, err);
}

static int
make_all(struct creation *self, struct error *err)
{
	if (key_make(self->settings->key, &self->root_key, err) != 0 ||
		make_issuer_key(self, err) != 0 ||
		key_make_escrow(&self->escrow_key, err) != 0 ||
		make_one(self, true, err) != 0)
		return -1;
	return make_one(self, false, err);
}

/* ---- files ---- */

static int
write_file(const struct creation *self, const char *name, struct buf *bytes,
	mode_t mode, struct error *err)
{
	char *path = path_in(self, name);
	int result = file_write_atomic(path, buf_span(bytes), mode, err);

	mem_free(path);
	buf_clear(bytes);
	return result;
}

static int
write_certificate(const struct creation *self, const char *name, X509 *x509,
	struct error *err)
{
	struct buf bytes = { 0 };

	if (certificate_pem(x509, &bytes, err) == 0)
		return write_file(self, name, &bytes, FILE_MODE, err);
	buf_clear(&bytes);
	return -1;
}

static int
write_key(const struct creation *self, const char *name, EVP_PKEY *key,
	struct error *err)
{
	struct buf bytes = { 0 };

	if (key_write(key, self->password, KDF_PASSPHRASE, &bytes, err) == 0)
		return write_file(self, name, &bytes, KEY_MODE, err);
	buf_clear(&bytes);
	return -1;
}

/* So that who insists on lists (revocation "hard") finds one. */
static int
write_root_crl(const struct creation *self, struct error *err)
{
	struct buf bytes = { 0 };

	if (list_make_empty(self->settings, self->root, self->root_key,
		    self->from, self->issuer_until, &bytes, err) == 0)
		return write_file(self, "root.crl", &bytes, FILE_MODE, err);
	buf_clear(&bytes);
	return -1;
}

static int
write_journal(const struct creation *self, struct error *err)
{
	char root[CERT_SHA256_HEX] = "", issuer[CERT_SHA256_HEX] = "";
	const char *const words[] = { "root", root, "issuer", issuer,
		"root-name", self->names->root, "issuer-name",
		self->names->issuer, NULL };
	struct journal journal;
	struct journal_draft draft;
	int result = -1;

	journal_init(&journal, self->folder);
	journal_draft_begin(&draft, &journal, self->who, clock_now());
	if (certificate_sha256(self->root, root) != 0 ||
		certificate_sha256(self->issuer, issuer) != 0)
		crypto_fail(err, ERROR_CRYPTO, "a certificate has no digest");
	else if (journal_add(&draft, "create", words, err) == 0)
		result = journal_commit(&draft, err);
	journal_drop(&draft);
	journal_clear(&journal);
	return result;
}

static int
write_all(const struct creation *self, struct error *err)
{
	if (make_folders(self, err) != 0 ||
		write_certificate(self, "root.pem", self->root, err) != 0 ||
		write_certificate(self, "issuer.pem", self->issuer, err) != 0 ||
		write_key(self, "root.key", self->root_key, err) != 0 ||
		(self->token == NULL && write_key(self, "issuer.key",
						self->issuer_key, err) != 0) ||
		write_key(self, "escrow.key", self->escrow_key, err) != 0 ||
		write_root_crl(self, err) != 0 || write_journal(self, err) != 0)
		return -1;
	return file_sync_folder(self->folder, err);
}

/* ---- all of it ---- */

/* An empty folder there is replaced. */
static int
move(const struct creation *self, const char *parent, struct error *err)
{
	const char *path = self->settings->path;

	if (rename(self->folder, path) == 0)
		return file_sync_folder(parent, err);
	if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
		return error_set(err, ERROR_CONFIG,
			"%s: is there already; an authority is created once",
			path);
	return error_set(err, ERROR_CONFIG, "%s: cannot be made: %s", path,
		strerror(errno));
}

/* The folder is there: with its owner's rights, then with those of above. */
static int
fill_and_move(struct creation *self, const char *parent, struct error *err)
{
	struct owned_was was;
	int result = -1;

	if (owned_become(parent, self->folder, &was, err) != 0)
		return -1;
	result = write_all(self, err);
	if (result != 0)
		take_back(self);
	owned_become_self(&was);
	if (owned_become(parent, parent, &was, err) != 0)
		return -1;
	if (result == 0)
		result = move(self, parent, err);
	if (result != 0)
		rmdir(self->folder);
	owned_become_self(&was);
	return result;
}

static int
create(struct creation *self, struct error *err)
{
	const char *path = self->settings->path;
	char *parent = ca_parent(path), random[RANDOM_LEN + 1];
	struct stat st;
	int result = -1;

	self->from = clock_now();
	self->root_until = self->from + (time_t)self->names->root_days * DAY;
	self->issuer_until =
		self->from + (time_t)self->names->issuer_days * DAY;
	if (check(self, err) != 0 || random_hex(random, RANDOM_LEN, err) != 0)
		goto out;
	self->folder = mem_printf("%s.%s", path, random);
	if (lstat(path, &st) == 0 && rmdir(path) != 0) {
		error_set(err, ERROR_CONFIG,
			"%s: is there already; an authority is created once",
			path);
		goto out;
	}
	if (make_all(self, err) == 0 && make_folder(self, parent, err) == 0)
		result = fill_and_move(self, parent, err);
out:
	mem_free(parent);
	return result;
}

int
ca_create(const struct ca_settings *settings, const struct ca_names *names,
	const char *password, const char *who, struct error *err)
{
	struct creation self = { .settings = settings,
		.names = names,
		.password = password,
		.who = who };
	int result = create(&self, err);

	EVP_PKEY_free(self.root_key);
	EVP_PKEY_free(self.issuer_key);
	EVP_PKEY_free(self.escrow_key);
	store_close(self.token);
	X509_free(self.root);
	X509_free(self.issuer);
	mem_free(self.folder);
	return result;
}
