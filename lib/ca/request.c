/* What is asked for, and may it be? */
#include <openssl/pem.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca/request.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EC_BITS_MIN = 256 };
enum { DAY = 86400, BACKDATE_SECONDS = 300 };

/* RFC 3183 3.1: whoever encrypts for a whole domain takes this name. */
#define DOMAIN_MAILBOX "domain-confidentiality-authority"

void
ca_request_clear(struct ca_request *request)
{
	X509_REQ_free(request->csr);
	EVP_PKEY_free(request->made);
	cert_unref(request->cert);
	*request = (struct ca_request){ 0 };
}

int
request_address(const struct ca_request *request, struct address **out,
	struct error *err)
{
	const char *text = request->address;
	char *whole = NULL;
	struct error why = { 0 };
	int result;

	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return error_set(err, ERROR_CONFIG,
				"\"%s\" is no address: it holds a blank or a "
				"control character",
				text);
	if (request->template->domain && strchr(text, '@') == NULL)
		whole = mem_printf("%s@%s", DOMAIN_MAILBOX, text);
	result = addr_parse(whole != NULL ? whole : text, out, &why);
	if (result == 0 && strchr((*out)->key, '@') == NULL) {
		address_free(*out);
		*out = NULL;
		result = error_set(&why, ERROR_FORMAT, "it has no domain");
	}
	if (result != 0)
		error_set(err,
			why.kind == ERROR_SYSTEM ? ERROR_SYSTEM : ERROR_CONFIG,
			"\"%s\" is no address: %s", text, why.text);
	mem_free(whole);
	return result;
}

static int
check_domain(
	const struct ca *ca, const struct address *address, struct error *err)
{
	const struct list *domains = &ca->settings->domains;
	const struct pattern *pattern;

	LIST_FOREACH (pattern, domains)
		if (pattern_match(pattern, address))
			return 0;
	if (domains->count == 0)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"%s: authority %s issues nothing for that domain (its "
		"\"domains\")",
		address->text, ca->settings->name);
}

static time_t
end_of(const X509 *x509)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) == 1 ? timegm(&tm)
								   : 0;
}

static time_t
start_of(const X509 *x509)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(X509_get0_notBefore(x509), &tm) == 1
		       ? timegm(&tm)
		       : 0;
}

/* A little earlier than now: other people's clocks are late. */
int
request_validity(const struct ca *ca, const struct ca_request *request,
	time_t now, time_t *from, time_t *until, struct error *err)
{
	unsigned days =
		request->days != 0 ? request->days : request->template->days;
	time_t last = end_of(ca->issuer), first = start_of(ca->issuer);

	*from = now - BACKDATE_SECONDS < first ? first : now - BACKDATE_SECONDS;
	*until = now + (time_t)days * DAY;
	if (*until <= last)
		return 0;
	if (last < now)
		return error_set(err, ERROR_CONFIG,
			"authority %s: its issuer has ended; nothing can be "
			"issued any more",
			ca->settings->name);
	return error_set(err, ERROR_CONFIG,
		"%s: %u days are more than the issuer of authority %s has "
		"(%lld)",
		request->address, days, ca->settings->name,
		(long long)(last - now) / DAY);
}

/* ---- requests of others ---- */

static int
check_key(const struct ca_request *request, struct error *err)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(request->csr);
	int id = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	int bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;

	if (id == EVP_PKEY_RSA && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
		return 0;
	if (id == EVP_PKEY_EC && bits >= EC_BITS_MIN)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"%s: the key in the request is of %d bits and of a kind or "
		"size that is not taken (RSA from %d to %d, EC from %d bits)",
		request->address, bits, RSA_BITS_MIN, RSA_BITS_MAX,
		EC_BITS_MIN);
}

int
ca_read_csr(struct span bytes, X509_REQ **out, struct error *err)
{
	const unsigned char *at = bytes.data;
	BIO *bio = NULL;
	X509_REQ *csr = NULL;
	bool good;

	crypto_begin();
	if (bytes.len != 0 && bytes.data[0] == 0x30) {
		csr = d2i_X509_REQ(NULL, &at, (long)bytes.len);
	} else {
		bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
		csr = bio != NULL ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL)
				  : NULL;
	}
	BIO_free(bio);
	if (csr == NULL)
		return crypto_fail(err, ERROR_FORMAT,
			"there is no certificate request (PKCS#10)");
	good = X509_REQ_get0_pubkey(csr) != NULL &&
	       X509_REQ_verify(csr, X509_REQ_get0_pubkey(csr)) == 1;
	if (good && crypto_end("reading a request", err) == 0) {
		*out = csr;
		return 0;
	}
	X509_REQ_free(csr);
	return good ? -1
		    : crypto_fail(err, ERROR_FORMAT,
			      "its signature is not made with its key");
}

/* ---- all of it ---- */

int
ca_request_check(
	struct ca *ca, const struct ca_request *request, struct error *err)
{
	const struct ca_template *template = request->template;
	const char *url =
		template->crl_url ? template->crl_url : ca->settings->crl_url;
	struct address *address = NULL;
	time_t from, until;
	int result = -1;

	if (request_address(request, &address, err) != 0)
		return -1;
	if (check_domain(ca, address, err) != 0 ||
		ca_template_check(template, err) != 0 ||
		(url != NULL && ca_url_check(url, err) != 0) ||
		request_validity(
			ca, request, clock_now(), &from, &until, err) != 0 ||
		(request->csr != NULL && check_key(request, err) != 0))
		goto out;
	if (request->internal && (request->csr != NULL || request->no_escrow)) {
		error_set(err, ERROR_CONFIG,
			"%s: the gateway cannot use a certificate whose key it "
			"does not have",
			request->address);
		goto out;
	}
	result = 0;
out:
	address_free(address);
	return result;
}

int
ca_make_key(struct ca_request *request, struct error *err)
{
	if (request->csr != NULL || request->same_key || request->made != NULL)
		return 0;
	return key_make(request->template->key, &request->made, err);
}
