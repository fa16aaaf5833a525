/* Certificates: all of a batch, or none. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ca/request.h"

/* OpenSSL takes 128 bytes of an emailAddress, RFC 5280 would 255. */
enum { FILE_MODE = 0600, COMMON_NAME_MAX = 64, EMAIL_ADDRESS_MAX = 128 };

/* One of a batch on its way. */
struct issuing {
	struct ca_request *request;
	struct address *address;
	EVP_PKEY *key; /* public will do for a csr; a reference */
	bool private;
	time_t from, until;
	X509 *x509;
	char serial[CA_SERIAL_HEX], sha256[CERT_SHA256_HEX];
	char *from_text, *until_text;
};

static void
issuing_clear(struct issuing *one)
{
	address_free(one->address);
	EVP_PKEY_free(one->key);
	X509_free(one->x509);
	mem_free(one->from_text);
	mem_free(one->until_text);
}

/* ---- the certificate ---- */

struct extending {
	const struct ca *ca;
	const struct issuing *one;
};

static int
extend(X509 *x509, const void *self, struct error *err)
{
	const struct extending *extending = self;
	const struct ca_template *template = extending->one->request->template;
	const char *url = template->crl_url != NULL
				  ? template->crl_url
				  : extending->ca->settings->crl_url;

	if (extend_usage(x509, template, key_is_rsa(extending->one->key),
		    err) != 0 ||
		extend_names(x509, template, extending->one->address,
			extending->one->request->upn, err) != 0 ||
		(url != NULL && extend_crl(x509, url, err) != 0))
		return -1;
	return template->capabilities ? extend_capabilities(x509, err) : 0;
}

/* What there is no room for is left out: the address stands elsewhere, too. */
static const char *
common_name(const struct issuing *one)
{
	const char *name = one->request->name;
	const char *text = one->address->text;

	if (name != NULL)
		return name;
	if (one->request->template->domain)
		text = strrchr(one->address->key, '@') + 1;
	return strlen(text) <= COMMON_NAME_MAX ? text : NULL;
}

static int
subject_new(const struct issuing *one, X509_NAME **out, struct error *err)
{
	const struct ca_request *request = one->request;
	const char *address = one->address->text;
	X509_NAME *name = X509_NAME_new();

	*out = name;
	if (name == NULL)
		return crypto_fail(err, ERROR_SYSTEM, "no name can be made");
	if (name_add(name, NID_organizationName, request->organisation, err) !=
			0 ||
		name_add(name, NID_givenName, request->given_name, err) != 0 ||
		name_add(name, NID_surname, request->surname, err) != 0 ||
		name_add(name, NID_commonName, common_name(one), err) != 0)
		return error_prefix(err, "%s: ", request->address);
	/* For old programs, which look nowhere else (RFC 8550 3). */
	if (!span_is_ascii(span_string(address)) ||
		strlen(address) > EMAIL_ADDRESS_MAX)
		return 0;
	return name_add(name, NID_pkcs9_emailAddress, address, err);
}

static int
choose_key(struct ca *ca, struct issuing *one, struct error *err)
{
	struct ca_request *request = one->request;
	struct cert *old = NULL;

	if (request->csr != NULL) {
		one->key = X509_REQ_get_pubkey(request->csr);
	} else if (request->same_key) {
		if (ca_load(ca, request->renews, request->renews->has_key, &old,
			    err) != 0)
			return -1;
		one->private = old->key != NULL;
		one->key = old->key != NULL ? old->key
					    : X509_get0_pubkey(old->x509);
		EVP_PKEY_up_ref(one->key);
		cert_unref(old);
	} else {
		if (ca_make_key(request, err) != 0)
			return -1;
		one->private = true;
		one->key = request->made;
		EVP_PKEY_up_ref(one->key);
	}
	return one->key != NULL ? 0
				: crypto_fail(err, ERROR_CONFIG,
					  "%s: there is no key to certify",
					  request->address);
}

static int
make(struct ca *ca, struct issuing *one, time_t now, struct error *err)
{
	const struct extending extending = { ca, one };
	struct making making = { .issuer = ca->issuer,
		.issuer_key = ca->key,
		.extend = extend,
		.self = &extending };
	X509_NAME *subject = NULL;
	int result = -1;

	if (ca_request_check(ca, one->request, err) != 0 ||
		request_address(one->request, &one->address, err) != 0 ||
		request_validity(ca, one->request, now, &one->from, &one->until,
			err) != 0 ||
		choose_key(ca, one, err) != 0 ||
		subject_new(one, &subject, err) != 0)
		goto out;
	making.key = one->key;
	making.subject = subject;
	making.from = one->from;
	making.until = one->until;
	if (certificate_make(ca->settings, &making, &one->x509, err) != 0)
		goto out;
	one->from_text = mem_printf("%lld", (long long)one->from);
	one->until_text = mem_printf("%lld", (long long)one->until);
	if (certificate_sha256(one->x509, one->sha256) == 0 &&
		serial_text(X509_get0_serialNumber(one->x509), one->serial) ==
			0)
		result = 0;
	else
		crypto_fail(err, ERROR_CRYPTO,
			"a certificate cannot be made use of");
out:
	X509_NAME_free(subject);
	return result;
}

/* ---- the files ---- */

static bool
in_escrow(const struct issuing *one)
{
	return one->private && !one->request->no_escrow;
}

static char *
new_path(const struct ca *ca, const struct issuing *one)
{
	return mem_printf("%s/new/%s.pem", ca->settings->path, one->serial);
}

static int
write_new(struct ca *ca, const struct issuing *one, struct error *err)
{
	char *path = new_path(ca, one);
	struct buf bytes = { 0 };
	int result = -1;

	if (certificate_pem(one->x509, &bytes, err) == 0 &&
		(!in_escrow(one) || key_write(one->key, ca->escrow, KDF_RANDOM,
					    &bytes, err) == 0))
		result = ca_write(path, buf_span(&bytes), FILE_MODE, err);
	buf_clear(&bytes);
	mem_free(path);
	return result;
}

static void
remove_new(const struct ca *ca, const struct issuing *one)
{
	char *path = new_path(ca, one);

	if (one->serial[0] != '\0')
		unlink(path);
	mem_free(path);
}

/* ---- the journal ---- */

static int
add_lines(struct journal_draft *draft, const struct issuing *one,
	struct error *err)
{
	const struct ca_request *request = one->request;
	const char *const issued[] = { "serial", one->serial, "sha256",
		one->sha256, "address", one->address->text, "for",
		one->address->key, "name", request->name, "organisation",
		request->organisation, "given-name", request->given_name,
		"surname", request->surname, "upn", request->upn, "template",
		request->template->name, "who",
		request->internal ? "internal" : "external", "key",
		in_escrow(one)	       ? "escrow"
		: request->csr != NULL ? "request"
		: one->private	       ? "given-away"
				       : "elsewhere",
		"from", one->from_text, "until", one->until_text, "renews",
		request->renews != NULL ? request->renews->serial : NULL,
		"cause", request->wanted ? "wanted" : NULL, "deliver-to",
		request->deliver_to, "telephone",
		request->deliver_to != NULL ? request->telephone : NULL, "held",
		request->held ? "undelivered" : NULL, NULL };
	const char *const revoked[] = { "serial",
		request->renews != NULL ? request->renews->serial : NULL,
		"reason", "superseded", "by", one->serial, NULL };

	if (journal_add(draft, "issue", issued, err) != 0)
		return -1;
	return request->renews != NULL && request->supersedes
		       ? journal_add(draft, "revoke", revoked, err)
		       : 0;
}

static int
check_renewed(const struct ca_request *request, struct error *err)
{
	const struct ca_entry *old = request->renews;

	if (old == NULL || (old->revoked == 0 && old->renewed_by == NULL) ||
		(old->revoked == 0 && request->supersedes))
		return 0;
	return error_set(err, ERROR_CONFIG, "%s: certificate %s is %s already",
		old->address, old->serial,
		old->revoked != 0 ? "revoked" : "renewed");
}

/* With the lock: nothing has been recorded so far. */
static int
record(struct ca *ca, struct issuing *all, size_t count, time_t now,
	struct error *err)
{
	struct journal_draft draft;
	char *folder = ca_path(ca, "new");
	int result = ca_check_clock(ca, now, err);

	journal_draft_begin(&draft, &ca->journal, ca->who, now);
	for (size_t i = 0; result == 0 && i < count; i++) {
		if (entries_serial(ca, all[i].serial) != NULL)
			result = error_set(err, ERROR_CRYPTO,
				"serial number %s was given before",
				all[i].serial);
		else if (check_renewed(all[i].request, err) != 0 ||
			 write_new(ca, &all[i], err) != 0 ||
			 add_lines(&draft, &all[i], err) != 0)
			result = -1;
	}
	if (result == 0)
		result = file_sync_folder(folder, err);
	if (result == 0)
		result = journal_commit(&draft, err);
	journal_drop(&draft);
	for (size_t i = 0; result != 0 && i < count; i++)
		remove_new(ca, &all[i]);
	mem_free(folder);
	return result;
}

/* ---- all of it ---- */

static int
hand_over(struct ca *ca, struct issuing *one, struct error *err)
{
	struct ca_request *request = one->request;
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (chain == NULL ||
		X509_add_cert(chain, ca->issuer, X509_ADD_FLAG_UP_REF) != 1) {
		sk_X509_pop_free(chain, X509_free);
		return crypto_fail(err, ERROR_SYSTEM, "no memory for a chain");
	}
	X509_up_ref(one->x509);
	if (one->private)
		EVP_PKEY_up_ref(one->key);
	request->entry = entries_serial(ca, one->serial);
	return cert_new(one->x509, one->private ? one->key : NULL, chain,
		CERT_ISSUED, one->address->text, &request->cert, err);
}

static int
issue(struct ca *ca, struct issuing *all, size_t count, struct error *err)
{
	time_t now = clock_now();
	int result = -1;

	for (size_t i = 0; i < count; i++)
		if (make(ca, &all[i], now, err) != 0)
			return -1;
	/* From then on they are issued, also when it ends here. */
	if (ca_begin(ca, err) == 0 && record(ca, all, count, now, err) == 0)
		result = ca_settle(ca, err);
	ca_end(ca);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = hand_over(ca, &all[i], err);
	return result;
}

int
ca_issue(struct ca *ca, struct ca_request *requests, size_t count,
	struct error *err)
{
	struct issuing all[CA_BATCH_MAX] = { 0 };
	int result;

	if (count > CA_BATCH_MAX)
		return error_set(err, ERROR_LIMIT,
			"no more than %d certificates at once", CA_BATCH_MAX);
	if (ca_is_locked(ca, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		all[i].request = &requests[i];
	result = issue(ca, all, count, err);
	for (size_t i = 0; i < count; i++)
		issuing_clear(&all[i]);
	return result;
}
