/*
 * Certificates into a managed store.  Every step leaves something whole, and
 * all of them can be done again: two nodes that import the same at once, or
 * one that is killed in between, do no harm.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/owned.h"
#include "crypto/crypto.h"
#include "store/managed.h"

/* A folder may be removed under our hands when it was empty. */
enum { TRIES = 4 };
/* Nobody writes that long. */
enum { HALF_WRITTEN_SECONDS = 3600 };
enum { CERT_MODE = 0640, KEY_MODE = 0600, FOLDER_MODE = 0750 };

/* What is to stand in several places. */
struct goods {
	struct managed *managed;
	const struct cert *cert;
	enum cert_origin origin;
	struct buf der, key; /* key is empty: there is none */
	char *first;	     /* path of the first copy, for links */
	char *first_key;
};

/* ---- folders ---- */

int
managed_cannot(const char *verb, const char *path, struct error *err)
{
	int why = errno;

	return error_set(err, ERROR_CONFIG,
		"%s: cannot be %s by this process (user %ld): %s", path, verb,
		(long)setfsuid((uid_t)-1), strerror(why));
}

/* All that is missing below the root. */
static int
make_folders(const char *root, const char *folder, struct error *err)
{
	char *path = mem_string(folder);
	char *slash = path + strlen(root);
	int result = 0;

	do {
		slash = strchr(slash + 1, '/');
		if (slash != NULL)
			*slash = '\0';
		if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
			result = managed_cannot("written", path, err);
		if (slash != NULL)
			*slash = '/';
	} while (slash != NULL && result == 0);
	mem_free(path);
	return result;
}

/* What a crash left behind. */
static void
sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (managed_is_half_written(entry->d_name) &&
			fstatat(dirfd(dir), entry->d_name, &st,
				AT_SYMLINK_NOFOLLOW) == 0 &&
			st.st_mtime < clock_now() - HALF_WRITTEN_SECONDS)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

/* ---- files ---- */

/* access(2) would ask as who we really are. */
static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static bool
holds(const char *path, struct span bytes)
{
	struct buf there = { 0 };
	bool same = managed_read_file(path, &there, NULL) == 1 &&
		    span_equal(buf_span(&there), bytes);

	buf_clear(&there);
	return same;
}

/* The bytes of a key are of no use with rights that others have, too. */
static int
mend_rights(const char *path, mode_t mode, struct error *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || (st.st_mode & 07777) == mode ||
		mode != KEY_MODE || chmod(path, mode) == 0)
		return 0;
	return managed_cannot("protected", path, err);
}

/* A hard link to what is there already, or a file of its own. */
static int
put_file(const char *path, const char *like, struct span bytes, mode_t mode,
	struct error *err)
{
	if (holds(path, bytes))
		return mend_rights(path, mode, err);
	if (like != NULL && strcmp(like, path) != 0 && link(like, path) == 0)
		return 0;
	return file_write_atomic(path, bytes, mode, err);
}

/*
 * Under which origin shall it stand here?  The better one of what is there
 * and what is asked for; worse names go.
 */
static enum cert_origin
settle_origin(const struct goods *goods, const char *folder)
{
	enum cert_origin best = goods->origin;
	char *to;

	for (size_t i = MANAGED_ORIGINS; i-- > 0;) {
		char *path = managed_cert_path(
			folder, goods->cert->sha256, managed_origins[i]);

		if (managed_origins[i] < best && is_there(path))
			best = managed_origins[i];
		mem_free(path);
	}
	to = managed_cert_path(folder, goods->cert->sha256, best);
	for (size_t i = 0; i < MANAGED_ORIGINS; i++) {
		char *path = managed_cert_path(
			folder, goods->cert->sha256, managed_origins[i]);

		/* Of two names for one file rename() keeps both. */
		if (managed_origins[i] > best && rename(path, to) == 0)
			unlink(path);
		mem_free(path);
	}
	mem_free(to);
	return best;
}

static int
put_key(struct goods *goods, const char *folder, struct error *err)
{
	char *path;
	int result;

	if (goods->key.len == 0)
		return 0;
	path = managed_key_path(folder, goods->cert->sha256);
	result = put_file(
		path, goods->first_key, buf_span(&goods->key), KEY_MODE, err);
	if (result == 0 && goods->first_key == NULL) {
		goods->first_key = path;
		path = NULL;
	}
	mem_free(path);
	return result;
}

/* The key first: nobody shall find the certificate without it. */
static int
put_once(struct goods *goods, const char *folder, bool with_key,
	struct error *err)
{
	char *path = NULL;
	int result = -1;

	if (make_folders(goods->managed->root, folder, err) != 0 ||
		(with_key && put_key(goods, folder, err) != 0))
		goto out;
	path = managed_cert_path(
		folder, goods->cert->sha256, settle_origin(goods, folder));
	if (put_file(path, goods->first, buf_span(&goods->der), CERT_MODE,
		    err) != 0)
		goto out;
	if (goods->first == NULL) {
		goods->first = path;
		path = NULL;
	}
	sweep(folder);
	result = 0;
out:
	mem_free(path);
	return result;
}

/* Takes the folder's name over. */
static int
put(struct goods *goods, char *folder, bool with_key, struct error *err)
{
	struct error why = { 0 };
	int result = -1;

	for (int i = 0; result != 0 && i < TRIES; i++) {
		result = put_once(goods, folder, with_key, &why);
		if (result != 0 && is_there(folder))
			break;
	}
	if (result != 0)
		error_set(err, why.kind, "%s", why.text);
	mem_free(folder);
	return result;
}

/* ---- the bytes ---- */

static int
encode_key(EVP_PKEY *key, struct buf *out, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data = NULL;
	int result = -1;
	long len;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(
				   bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
		crypto_fail(
			err, ERROR_CONFIG, "its private key cannot be copied");
		goto out;
	}
	len = BIO_get_mem_data(bio, &data);
	result = buf_add(out, data, (size_t)len, err);
out:
	BIO_free(bio);
	return result;
}

static int
encode(struct goods *goods, struct error *err)
{
	const struct cert *cert = goods->cert;
	unsigned char *der = NULL;
	int len, result = -1;

	crypto_begin();
	len = i2d_X509(cert->x509, &der);
	if (len <= 0) {
		crypto_fail(err, ERROR_SYSTEM,
			"a certificate cannot be written as DER");
		goto out;
	}
	if (buf_add(&goods->der, der, (size_t)len, err) != 0 ||
		(cert->key != NULL &&
			encode_key(cert->key, &goods->key, err) != 0))
		goto out;
	result = crypto_end("writing a certificate", err);
out:
	OPENSSL_free(der);
	return result;
}

/* ---- all of it ---- */

static int
put_everywhere(struct goods *goods, struct error *err)
{
	const char *root = goods->managed->root;
	const struct cert *cert = goods->cert;
	const struct address *address;

	if (encode(goods, err) != 0 ||
		put(goods, managed_certificate_folder(root, cert->sha256), true,
			err) != 0)
		return -1;
	/* Never a key there: an authority is asked for its name alone. */
	if (cert_is_ca(cert) &&
		put(goods,
			managed_authority_folder(
				root, X509_get_subject_name(cert->x509)),
			false, err) != 0)
		return -1;
	LIST_FOREACH (address, &cert->addresses)
		if (put(goods, managed_address_folder(root, address->key), true,
			    err) != 0)
			return -1;
	return 0;
}

static int
import_one(struct managed *managed, const struct cert *cert,
	enum cert_origin origin, struct error *err)
{
	struct goods goods = { .managed = managed,
		.cert = cert,
		.origin = origin == CERT_FROM_FILE ? CERT_IMPORTED : origin };
	int result = put_everywhere(&goods, err);

	buf_clear(&goods.der);
	buf_clear(&goods.key);
	mem_free(goods.first);
	mem_free(goods.first_key);
	return result;
}

static int
import_chain(struct managed *managed, const struct cert *cert,
	enum cert_origin origin, struct error *err)
{
	int result = 0;

	for (int i = 0; result == 0 && i < sk_X509_num(cert->chain); i++) {
		X509 *x509 = sk_X509_value(cert->chain, i);
		struct cert *authority = NULL;

		X509_up_ref(x509);
		result = cert_new(x509, NULL, NULL, origin, cert->source,
				 &authority, err) != 0 ||
					 import_one(managed, authority, origin,
						 err) != 0
				 ? -1
				 : 0;
		cert_unref(authority);
	}
	return result;
}

int
managed_import(struct store *store, const struct cert *cert,
	enum cert_origin origin, struct error *err)
{
	struct managed *managed = store->own;
	struct owned_was was;
	int result;

	if (managed_check_root(managed, err) != 0 ||
		owned_become(managed->state, managed->root, &was, err) != 0)
		return -1;
	/* The authorities first: whoever finds it finds them, too. */
	result = import_chain(managed, cert, origin, err) != 0 ||
				 import_one(managed, cert, origin, err) != 0
			 ? -1
			 : 0;
	owned_become_self(&was);
	return result;
}
