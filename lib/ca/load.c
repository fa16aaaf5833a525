/* What was issued, read again; and where the daemon finds it. */
#include <openssl/pem.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/mem.h"
#include "ca/internal.h"

enum { FILE_MAX_BYTES = 256 * 1024 };

static int
check_digest(const char *path, const struct ca_entry *entry, const X509 *x509,
	struct error *err)
{
	char is[CERT_SHA256_HEX];

	if (certificate_sha256(x509, is) == 0 && strcmp(is, entry->sha256) == 0)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"%s: is not the certificate that was recorded", path);
}

static int
read_file(struct ca *ca, const struct ca_entry *entry, bool with_key,
	X509 **x509, EVP_PKEY **key, struct error *err)
{
	char *path = ca_entry_path(ca, entry->serial);
	struct buf bytes = { 0 };
	BIO *bio = NULL;
	int result = -1;

	if (file_read_secret(path, FILE_MAX_BYTES, &bytes, err) != 0)
		goto out;
	crypto_begin();
	bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	*x509 = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (*x509 == NULL) {
		crypto_fail(err, ERROR_CONFIG, "%s: is no certificate", path);
		goto out;
	}
	result = check_digest(path, entry, *x509, err);
	if (result == 0 && with_key)
		result = key_read(buf_span(&bytes), ca->escrow, path, key, err);
out:
	BIO_free(bio);
	buf_clear(&bytes);
	mem_free(path);
	return result;
}

static int
check_key(const struct ca *ca, const struct ca_entry *entry, struct error *err)
{
	if (!entry->has_key)
		return error_set(err, ERROR_NOKEY,
			"%s: the key of certificate %s is not in escrow",
			entry->address, entry->serial);
	return ca_is_locked(ca, err);
}

int
ca_load(struct ca *ca, const struct ca_entry *entry, bool with_key,
	struct cert **out, struct error *err)
{
	STACK_OF(X509) *chain = NULL;
	X509 *x509 = NULL;
	EVP_PKEY *key = NULL;
	int result = -1;

	if (entry->sha256[0] == '\0')
		return error_set(err, ERROR_CONFIG,
			"certificate %s was not issued here", entry->serial);
	if (with_key && check_key(ca, entry, err) != 0)
		return -1;
	if (ca_enter(ca, err) == 0)
		result = read_file(ca, entry, with_key, &x509, &key, err);
	ca_leave(ca);
	chain = result == 0 ? sk_X509_new_null() : NULL;
	if (chain != NULL &&
		X509_add_cert(chain, ca->issuer, X509_ADD_FLAG_UP_REF) == 1)
		return cert_new(x509, key, chain, CERT_ISSUED, entry->address,
			out, err);
	if (result == 0)
		result =
			crypto_fail(err, ERROR_SYSTEM, "no memory for a chain");
	sk_X509_free(chain);
	X509_free(x509);
	EVP_PKEY_free(key);
	return result;
}

/* ---- for the daemon ---- */

void
ca_unfiled(const struct ca *ca, struct list *out)
{
	struct ca_entry *entry;

	LIST_FOREACH (entry, &ca->entries)
		/* Without a digest it is of another list, and not ours to file.
		 */
		if (!entry->filed && !entry->held && entry->revoked == 0 &&
			entry->sha256[0] != '\0')
			list_add(out, entry);
}

/* How one is filed, and by whom. */
struct filing {
	int (*put)(void *self, const struct ca_entry *entry, struct cert *cert,
		struct error *err);
	void *self;
};

/* 1: it is damaged, or the store does not want it; others can be filed. */
static int
file_one(struct ca *ca, const struct ca_entry *entry,
	const struct filing *filing, struct error *err)
{
	struct cert *cert = NULL;
	int result = 1;

	if (ca_load(ca, entry, entry->internal, &cert, err) == 0)
		result = filing->put(filing->self, entry, cert, err);
	cert_unref(cert);
	return result != 0 && err->kind != ERROR_SYSTEM ? 1 : result;
}

/* One sync for all. */
static int
record_filed(struct ca *ca, const struct list *entries, struct error *err)
{
	const struct ca_entry *entry;
	struct journal_draft draft;
	int result = ca_begin(ca, err);

	journal_draft_begin(&draft, &ca->journal, ca->who, clock_now());
	LIST_FOREACH (entry, entries)
		if (result == 0 && !entry->filed)
			result = journal_add(&draft, "file",
				(const char *[]){
					"serial", entry->serial, NULL },
				err);
	if (result == 0)
		result = journal_commit(&draft, err);
	journal_drop(&draft);
	if (result == 0)
		result = journal_read(&ca->journal, entries_line, ca, err);
	ca_end(ca);
	return result;
}

int
ca_file_by(struct ca *ca,
	int (*put)(void *self, const struct ca_entry *entry, struct cert *cert,
		struct error *err),
	void *self, struct error *err)
{
	const struct filing filing = { put, self };
	struct list entries = { 0 }, done = { 0 };
	struct error why = { 0 };
	struct ca_entry *entry;
	size_t skipped = 0;
	int result = 0;

	ca_unfiled(ca, &entries);
	LIST_FOREACH (entry, &entries) {
		if (result < 0)
			break;
		result = file_one(ca, entry, &filing, &why);
		if (result == 0)
			list_add(&done, entry);
		if (result == 1)
			event(EVENT_WARNING, "%s: left out: %s", entry->address,
				why.text);
		skipped += result == 1;
	}
	if (done.count != 0 && record_filed(ca, &done, err) != 0)
		result = -1;
	else if (result < 0)
		error_set(err, why.kind, "%s", why.text);
	else if (skipped != 0)
		result = error_set(err, ERROR_CONFIG,
			"%zu of %zu certificates had to be left out", skipped,
			entries.count);
	list_clear(&entries, NULL);
	list_clear(&done, NULL);
	return result;
}

static int
put_into_store(void *store, const struct ca_entry *entry UNUSED,
	struct cert *cert, struct error *err)
{
	return store_import(store, cert, CERT_ISSUED, err);
}

int
ca_file(struct ca *ca, struct store *store, struct error *err)
{
	return ca_file_by(ca, put_into_store, store, err);
}
