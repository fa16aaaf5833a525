/*
 * A file of the managed store becomes a certificate, with its key and the
 * authorities above it.  What was read once is taken from the cache as long
 * as stat(2) says that nothing has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "store/managed.h"

/* A certificate or a key; the largest seen anywhere have 20 KB. */
enum { FILE_MAX_BYTES = 256 * 1024 };
/*
 * A folder's time may have whole seconds only: what was changed just now may
 * change again without looking different.
 */
enum { SETTLED_SECONDS = 2 };

static int
refuse_to_read(const char *path, struct error *err)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return 0;
	case EACCES:
	case EPERM:
	case ELOOP:
		return error_set(err, ERROR_CONFIG,
			"cannot be read by this process (user %ld): %s",
			(long)geteuid(), strerror(errno));
	}
	return error_set(err, ERROR_SYSTEM, "%s: cannot be read: %s", path,
		strerror(errno));
}

static int
read_all(int fd, const char *path, struct buf *out, struct error *err)
{
	for (;;) {
		ssize_t got;

		if (out->len > FILE_MAX_BYTES)
			return error_set(err, ERROR_CONFIG,
				"has more than %d bytes", FILE_MAX_BYTES);
		if (buf_reserve(out, 4096, err) != 0)
			return -1;
		got = read(fd, out->data + out->len, out->size - out->len);
		if (got == 0)
			return 1;
		if (got > 0)
			out->len += (size_t)got;
		else if (errno == EISDIR)
			return error_set(err, ERROR_CONFIG, "is a folder");
		else if (errno != EINTR)
			return error_set(err, ERROR_SYSTEM,
				"%s: cannot be read: %s", path,
				strerror(errno));
	}
}

int
managed_read_file(const char *path, struct buf *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;

	if (fd < 0)
		return refuse_to_read(path, err);
	result = read_all(fd, path, out, err);
	close(fd);
	return result;
}

/* What is wrong with one file is said, and only SYSTEM is an error. */
static int
tell(struct managed *managed, const char *path, const struct error *why,
	struct error *err)
{
	if (why->kind == ERROR_SYSTEM)
		return error_set(err, ERROR_SYSTEM, "%s", why->text);
	managed_warn(managed, path, "%s", why->text);
	return MANAGED_REFUSED;
}

static X509 *
parse_cert(const struct buf *bytes)
{
	const unsigned char *at = bytes->data;
	X509 *x509 = NULL;
	BIO *bio;

	crypto_begin();
	if (bytes->len != 0 && *at == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
		return d2i_X509(NULL, &at, (long)bytes->len);
	bio = BIO_new_mem_buf(bytes->data, (int)bytes->len);
	if (bio != NULL)
		x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return x509;
}

static int
no_password(char *out UNUSED, int size UNUSED, int writing UNUSED,
	void *self UNUSED)
{
	return -1;
}

static EVP_PKEY *
parse_key(const struct buf *bytes)
{
	BIO *bio = BIO_new_mem_buf(bytes->data, (int)bytes->len);
	EVP_PKEY *key = NULL;

	crypto_begin();
	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	return key;
}

static bool
is_pair(X509 *x509, EVP_PKEY *key)
{
	bool fits = X509_check_private_key(x509, key) == 1;

	crypto_begin();
	return fits;
}

/* Nothing could be made of the bytes; without memory that says nothing. */
static int
unreadable(struct error *why, const char *words)
{
	return error_set(why,
		crypto_lacked_memory() ? ERROR_SYSTEM : ERROR_FORMAT, "%s",
		words);
}

static int
check_rights(const char *path, struct error *why)
{
	struct stat st;

	if (stat(path, &st) != 0 || (st.st_mode & (S_IROTH | S_IWOTH)) == 0)
		return 0;
	return error_set(why, ERROR_CONFIG,
		"holds a private key that is not used, because everybody may "
		"read or write it (chmod o= it)");
}

/*
 * The twin of a certificate, if there is one that can be used; a bad one is
 * said and leaves the certificate without a key.
 */
static int
read_key(struct managed *managed, const char *path, X509 *x509, EVP_PKEY **out,
	struct error *err)
{
	struct error why = { 0 };
	struct buf bytes = { 0 };
	EVP_PKEY *key = NULL;
	int got = check_rights(path, &why);

	if (got == 0)
		got = managed_read_file(path, &bytes, &why);
	if (got == 1) {
		key = parse_key(&bytes);
		if (key == NULL)
			got = unreadable(&why,
				"is no private key in PEM without a password");
		else if (!is_pair(x509, key))
			got = error_set(&why, ERROR_CONFIG,
				"the private key does not belong to the "
				"certificate");
	}
	buf_clear(&bytes);
	if (got == 1)
		*out = key;
	else
		EVP_PKEY_free(key);
	return got < 0 && tell(managed, path, &why, err) < 0 ? -1 : 0;
}

/* The longest lasting of the authorities that have signed it. */
static struct cert *
best_issuer(const struct list *authorities, X509 *below)
{
	struct cert *one, *best = NULL;

	LIST_FOREACH (one, authorities) {
		if (best != NULL && one->not_after <= best->not_after)
			continue;
		if (cert_has_issued(one->x509, below))
			best = one;
	}
	return best;
}

static bool
is_settled(const struct managed_stamp *folder)
{
	return !folder->there ||
	       folder->modified.tv_sec < clock_now() - SETTLED_SECONDS;
}

/* The next authority above, referenced, or NULL. */
static int
climb(struct managed *managed, X509 *below, struct managed_asked *asked,
	struct cert **out, struct error *err)
{
	const X509_NAME *issuer = X509_get_issuer_name(below);
	struct managed_level *level = &asked->level[asked->count++];
	char *folder = managed_authority_folder(managed->root, issuer);
	struct list found = { 0 };
	struct cert *best;
	int result = -1;

	*out = NULL;
	level->hash = (uint32_t)X509_NAME_hash_ex(issuer, NULL, NULL, NULL);
	if (managed_look(folder, &level->folder, err) != 0)
		goto out;
	if (level->folder.there &&
		managed_read_folder(managed, folder, true, &found, err) < 0)
		goto out;
	/* The cache must not believe in it yet: no stamp is like this one. */
	if (!is_settled(&level->folder))
		level->folder.there = false;
	best = best_issuer(&found, below);
	if (best != NULL)
		*out = cert_ref(best);
	result = 0;
out:
	list_clear(&found, cert_unref);
	mem_free(folder);
	return result;
}

static bool
is_self_signed(X509 *x509)
{
	return (X509_get_extension_flags(x509) & EXFLAG_SS) != 0;
}

static int
build_chain(struct managed *managed, X509 *x509, STACK_OF(X509) * *out,
	struct managed_asked *asked, struct error *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *below = x509;
	struct cert *issuer = NULL;
	int result = -1;

	while (asked->count < MANAGED_CHAIN_MAX && !is_self_signed(below)) {
		if (climb(managed, below, asked, &issuer, err) != 0)
			goto out;
		if (issuer == NULL || is_self_signed(issuer->x509))
			break;
		if (chain == NULL && (chain = sk_X509_new_null()) == NULL)
			break;
		if (X509_add_cert(chain, issuer->x509,
			    X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) != 1)
			break;
		below = sk_X509_value(chain, sk_X509_num(chain) - 1);
		cert_unref(issuer);
		issuer = NULL;
	}
	*out = chain;
	chain = NULL;
	result = 0;
out:
	cert_unref(issuer);
	sk_X509_pop_free(chain, X509_free);
	return result;
}

/* ---- the cache ---- */

static bool
is_chain_fresh(const struct managed *managed, const struct managed_asked *asked)
{
	bool fresh = true;

	for (size_t i = 0; fresh && i < asked->count; i++) {
		const struct managed_level *level = &asked->level[i];
		char *folder = mem_printf("%s/authorities/%08lx", managed->root,
			(unsigned long)level->hash);
		struct managed_stamp now;

		fresh = managed_look(folder, &now, NULL) == 0 &&
			managed_is_same(&now, &level->folder);
		mem_free(folder);
	}
	return fresh;
}

static struct cert *
find_cached(struct managed *managed, const char *path,
	const struct managed_cached *now)
{
	struct managed_cached item = { 0 };

	if (!managed_cache_get(managed->cache, path, &item))
		return NULL;
	if (managed_is_same(&item.file, &now->file) &&
		managed_is_same(&item.key, &now->key) &&
		is_chain_fresh(managed, &item.asked))
		return item.cert;
	cert_unref(item.cert);
	return NULL;
}

/* ---- all of it ---- */

static int
make_cert(struct managed *managed, const struct managed_name *name,
	const char *path, const char *key_path, struct managed_cached *item,
	struct error *err)
{
	struct buf bytes = { 0 };
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key = NULL;
	X509 *x509 = NULL;
	struct error why = { 0 };
	int result = -1, got = managed_read_file(path, &bytes, &why);

	if (got == 0) {
		result = MANAGED_GONE;
		goto out;
	}
	if (got == 1 && (x509 = parse_cert(&bytes)) == NULL)
		got = unreadable(&why, "is no certificate");
	if (got < 0) {
		result = tell(managed, path, &why, err);
		goto out;
	}
	/* A key that came after the look is for the next one. */
	if (item->key.there &&
		read_key(managed, key_path, x509, &key, err) != 0)
		goto out;
	if (key_path != NULL &&
		build_chain(managed, x509, &chain, &item->asked, err) != 0)
		goto out;
	got = cert_new(x509, key, chain, name->origin, path, &item->cert, &why);
	x509 = NULL, key = NULL, chain = NULL;
	if (got == 0 && strcmp(item->cert->sha256, name->sha256) != 0)
		got = error_set(&why, ERROR_FORMAT,
			"is another certificate than its name says");
	result = got == 0 ? MANAGED_READ : tell(managed, path, &why, err);
out:
	X509_free(x509);
	EVP_PKEY_free(key);
	sk_X509_pop_free(chain, X509_free);
	buf_clear(&bytes);
	return result;
}

int
managed_read(struct managed *managed, const char *folder, const char *file,
	bool authority, struct cert **out, struct error *err)
{
	char *path = mem_printf("%s/%s", folder, file), *key_path = NULL;
	struct managed_cached item = { 0 };
	struct managed_name name;
	int result = -1;

	managed_read_name(file, &name);
	if (!authority)
		key_path = managed_key_path(folder, name.sha256);
	if (managed_look(path, &item.file, err) != 0 ||
		(key_path != NULL &&
			managed_look(key_path, &item.key, err) != 0))
		goto out;
	item.cert = find_cached(managed, path, &item);
	if (item.cert == NULL) {
		result = make_cert(managed, &name, path, key_path, &item, err);
		if (result != MANAGED_READ)
			goto out;
		/* What came after the look must not serve when it is gone. */
		if (item.file.there)
			managed_cache_put(managed->cache, path, &item);
	}
	*out = cert_ref(item.cert);
	result = MANAGED_READ;
out:
	cert_unref(item.cert);
	mem_free(path);
	mem_free(key_path);
	return result;
}
