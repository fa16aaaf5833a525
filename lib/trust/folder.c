/*
 * The cache folder: a file per list, PEM with a line above it that says where
 * the list is from.  Others may put files there (smimectl crl import and
 * fetch); the daemon sees that from the folder's time.
 */
#include <openssl/pem.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/owned.h"
#include "base/walk.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

enum { FOLDER_MODE = 0750, FILE_MODE = 0644 };
enum { FOLDER_QUIET_SECONDS = 2 };
static const char suffix[] = ".crl",
		  imported[] = "imported: ", fetched[] = "fetched: ";

char *
folder_name(const char *url)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	char hex[CERT_SHA256_HEX];

	EVP_Digest(url, strlen(url), digest, NULL, EVP_sha256(), NULL);
	hex_write(hex, span_of(digest, CERT_SHA256_BYTES));
	return mem_printf("%s%s", hex, suffix);
}

static int
add_pem(struct buf *out, X509_CRL *x509, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len;
	int result = -1;

	crypto_begin();
	if (bio == NULL || PEM_write_bio_X509_CRL(bio, x509) != 1) {
		crypto_fail(err, ERROR_SYSTEM, "no PEM of a revocation list");
	} else {
		len = BIO_get_mem_data(bio, &data);
		result = buf_add(out, data, (size_t)len, err);
	}
	BIO_free(bio);
	return result;
}

static void
stamp(const char *path, struct crl *crl)
{
	if (stat(path, &crl->stamp) != 0)
		memset(&crl->stamp, 0, sizeof(crl->stamp));
	crl->on_disk = true;
}

static int
write_file(const char *path, struct crl *crl, struct error *err)
{
	const char *word = crl->origin == CRL_IMPORTED ? imported : fetched;
	struct buf bytes = { 0 };
	int result = -1;

	if (buf_add_format(&bytes, err, "%s%s\n", word, crl->source) == 0 &&
		add_pem(&bytes, crl->x509, err) == 0)
		result = file_write_atomic(
			path, buf_span(&bytes), FILE_MODE, err);
	if (result == 0)
		stamp(path, crl);
	buf_clear(&bytes);
	return result;
}

/* Root writes there with the rights of whom the state belongs to. */
int
folder_write(const struct trust *trust, const char *name, struct crl *crl,
	struct error *err)
{
	char *path = mem_printf("%s/%s", trust->folder, name);
	char *top = mem_string(trust->folder), *slash = strrchr(top, '/');
	struct owned_was was;
	int result = -1;

	if (slash != NULL)
		slash[slash == top] = '\0';
	if (owned_make_below(top, trust->folder, FOLDER_MODE, err) == 0 &&
		owned_become(top, trust->folder, &was, err) == 0) {
		result = write_file(path, crl, err);
		owned_become_self(&was);
	}
	if (result == 0) {
		mem_free(crl->file);
		crl->file = mem_string(name);
	}
	mem_free(top);
	mem_free(path);
	return result;
}

/* ---- reading ---- */

struct looking {
	struct trust *trust;
	const struct crl_set *set;
	struct list names; /* char *: what is there */
	struct list found; /* struct crl *: what is new */
	struct list passed_over;
	struct list *warnings;
};

/* One that was looked at and not taken. */
struct passed {
	char *name;
	struct stat stamp;
};

static void
passed_free(void *p)
{
	struct passed *passed = p;

	mem_free(passed->name);
	mem_free(passed);
}

void
folder_forget(struct trust *trust)
{
	list_clear(&trust->passed_over, passed_free);
}

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void
pass_over(struct looking *self, const char *name, const struct stat *st)
{
	struct passed *passed = mem_alloc(sizeof(*passed));

	passed->name = mem_string(name);
	passed->stamp = *st;
	list_add(&self->passed_over, passed);
}

static bool
was_passed_over(
	const struct looking *self, const char *name, const struct stat *now)
{
	const struct passed *passed;

	LIST_FOREACH (passed, &self->trust->passed_over)
		if (strcmp(passed->name, name) == 0)
			return is_same_file(&passed->stamp, now);
	return false;
}

static bool
is_as_before(
	const struct looking *self, const char *name, const struct stat *now)
{
	const struct crl *crl;

	if (self->set == NULL)
		return false;
	LIST_FOREACH (crl, &self->set->crls)
		if (crl->file != NULL && strcmp(crl->file, name) == 0)
			return crl->on_disk && is_same_file(&crl->stamp, now);
	return false;
}

/* The first line: "fetched: URL"; NULL when it is another. */
static char *
read_source(struct span bytes, enum crl_origin *origin)
{
	const unsigned char *end = memchr(bytes.data, '\n', bytes.len);
	size_t len = end != NULL ? (size_t)(end - bytes.data) : 0;
	const char *word = imported;

	*origin = CRL_IMPORTED;
	if (span_starts_nocase(bytes, fetched)) {
		*origin = CRL_FETCHED;
		word = fetched;
	} else if (!span_starts_nocase(bytes, imported)) {
		return NULL;
	}
	if (len <= strlen(word) || len > NET_URL_BYTES + strlen(word))
		return NULL;
	return mem_string_n(bytes.data + strlen(word), len - strlen(word));
}

static int
read_lists(const char *path, struct list *crls, struct error *err)
{
	struct buf bytes = { 0 };
	enum crl_origin origin = CRL_IMPORTED;
	char *source = NULL;
	int result = -1;

	if (file_read(path, CRL_FILE_BYTES, &bytes, err) == 0) {
		source = read_source(buf_span(&bytes), &origin);
		result = crl_read(buf_span(&bytes), origin,
			source != NULL ? source : path, crls, err);
	}
	mem_free(source);
	buf_clear(&bytes);
	return result;
}

/* The file of a newer one could not be written: it stays in use. */
static bool
is_outdated(struct looking *self, const struct list *crls)
{
	const struct crl *crl;

	LIST_FOREACH (crl, crls)
		if (fetch_judge_age(self->trust, crl, NULL) != 0)
			return true;
	return false;
}

static void
read_one(struct looking *self, const char *path, const char *name,
	const struct stat *st)
{
	struct list crls = { 0 };
	struct error err = { 0 };
	struct crl *crl;
	bool good = read_lists(path, &crls, &err) == 0;

	if (!good)
		list_add(self->warnings, mem_string(err.text));
	LIST_FOREACH (crl, &crls) {
		crl->file = mem_string(name);
		crl->on_disk = true;
		crl->stamp = *st;
	}
	if (!good || is_outdated(self, &crls)) {
		pass_over(self, name, st);
		list_clear(&crls, crl_unref);
	}
	LIST_FOREACH (crl, &crls)
		list_add(&self->found, crl);
	list_clear(&crls, NULL);
}

static int
look_at_file(void *p, const char *path, const struct stat *st,
	struct error *err UNUSED)
{
	struct looking *self = p;
	const char *name = strrchr(path, '/') + 1;

	if (!span_ends_nocase(span_string(name), suffix))
		return 0;
	list_add(&self->names, mem_string(name));
	if (was_passed_over(self, name, st))
		pass_over(self, name, st);
	else if (!is_as_before(self, name, st))
		read_one(self, path, name, st);
	return 0;
}

static bool
has_changed(struct trust *trust)
{
	struct stat st;

	if (trust->folder == NULL || stat(trust->folder, &st) != 0)
		return false;
	if (st.st_mtim.tv_sec == trust->folder_seen.tv_sec &&
		st.st_mtim.tv_nsec == trust->folder_seen.tv_nsec)
		return false;
	/* Within one tick of the clock it may change again unseen. */
	if (st.st_mtim.tv_sec + FOLDER_QUIET_SECONDS < clock_now())
		trust->folder_seen = st.st_mtim;
	return true;
}

void
folder_look(struct trust *trust, struct list *warnings)
{
	struct looking self = { .trust = trust, .warnings = warnings };
	struct walk walk = { .file = look_at_file,
		.self = &self,
		.warnings = warnings,
		.source = "revocation lists" };
	struct crl_set *set;
	struct error err = { 0 };

	if (!has_changed(trust))
		return;
	set = set_get(trust, NULL);
	self.set = set;
	if (walk_folder(&walk, trust->folder, &err) != 0) {
		list_add(warnings, mem_string(err.text));
	} else {
		set_keep_files(trust, &self.names);
		if (self.found.count > 0)
			set_add(trust, &self.found);
		folder_forget(trust);
		trust->passed_over = self.passed_over;
		self.passed_over = (struct list){ 0 };
	}
	list_clear(&self.passed_over, passed_free);
	list_clear(&self.names, mem_free);
	list_clear(&self.found, crl_unref);
	set_unref(set);
}
