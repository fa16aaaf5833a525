/* What is asked for, and may it be? */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca/request.h"

enum { DAY = 86400, BACKDATE_SECONDS = 300 };
/* As in the schema of Active Directory. */
enum { UPN_MAX_BYTES = 1024 };

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

/* ---- userPrincipalName ---- */

/* user@realm, each of them text. */
static bool
is_upn(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text);
	const char *sign = strchr(text, '@');
	unsigned long c;

	if (left > UPN_MAX_BYTES || sign == NULL || sign == text ||
		sign[1] == '\0' || strchr(sign + 1, '@') != NULL ||
		strpbrk(text, " \t") != NULL)
		return false;
	while (left != 0) {
		int used = UTF8_getc(at, (int)left, &c);

		if (used <= 0 || c < ' ' || (c >= 0x7f && c <= 0x9f))
			return false;
		at += used;
		left -= (size_t)used;
	}
	return true;
}

static int
check_upn(const struct ca_request *request, struct error *err)
{
	if (request->upn == NULL)
		return 0;
	if (!request->template->upn)
		return error_set(err, ERROR_CONFIG,
			"%s: template \"%s\" has no user principal name (upn)",
			request->address, request->template->name);
	return is_upn(request->upn)
		       ? 0
		       : error_set(err, ERROR_CONFIG,
				 "%s: its user principal name is not of the "
				 "form user@realm, or holds a blank or a "
				 "control character, or is not UTF-8",
				 request->address);
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
		check_upn(request, err) != 0 ||
		ca_template_check(template, err) != 0 ||
		(url != NULL && ca_url_check(url, err) != 0) ||
		request_validity(
			ca, request, clock_now(), &from, &until, err) != 0)
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
