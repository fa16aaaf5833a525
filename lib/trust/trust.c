#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

/* OpenSSL counts what stands between the certificate and the anchor. */
enum { PATH_MAX_LEN = 8, DEPTH = PATH_MAX_LEN - 2, SECURITY_LEVEL = 2 };

/*
 * X509_V_FLAG_X509_STRICT is not set: it refuses roots without keyUsage or
 * key identifiers, such as everybody's own authority made with the openssl
 * command.  That an intermediate is an authority is checked all the same.
 * PARTIAL_CHAIN: what the administrator names is an anchor, also when it did
 * not sign itself.
 */
static void
set_parameters(X509_STORE *store)
{
	X509_VERIFY_PARAM *parameters = X509_STORE_get0_param(store);

	X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_depth(parameters, DEPTH);
	X509_VERIFY_PARAM_set_auth_level(parameters, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_ANY);
	X509_VERIFY_PARAM_set_trust(parameters, X509_TRUST_EMAIL);
}

int
trust_new(const struct trust_settings *settings, struct trust **out,
	struct list *warnings, struct error *err)
{
	struct trust *trust = mem_alloc(sizeof(*trust));
	int result = -1;

	crypto_begin();
	cache_init(&trust->cache);
	trust->store = X509_STORE_new();
	trust->intermediates = sk_X509_new_null();
	if (trust->store == NULL || trust->intermediates == NULL) {
		crypto_fail(err, ERROR_SYSTEM, "no store of trust anchors");
		goto out;
	}
	set_parameters(trust->store);
	if (trust_load_anchors(trust, settings, warnings, err) != 0 ||
		trust_load_intermediates(trust, settings, warnings, err) != 0)
		goto out;
	*out = trust;
	trust = NULL;
	result = 0;
out:
	trust_free(trust);
	return result;
}

void
trust_free(struct trust *trust)
{
	if (trust == NULL)
		return;
	list_clear(&trust->anchors, cert_unref);
	X509_STORE_free(trust->store);
	sk_X509_pop_free(trust->intermediates, X509_free);
	cache_clear(&trust->cache);
	mem_free(trust);
}

size_t
trust_anchor_count(const struct trust *trust)
{
	return trust->anchors.count;
}

int
trust_describe(
	const struct trust *trust, struct list *lines, struct error *err UNUSED)
{
	const struct cert *anchor;

	LIST_FOREACH (anchor, &trust->anchors) {
		char *subject = cert_subject(anchor);
		int constrained = X509_get_ext_by_NID(
			anchor->x509, NID_name_constraints, -1);
		const char *below = "only this certificate itself";
		char date[11];

		if (cert_is_ca(anchor))
			below = constrained >= 0 ? "what it issues within its "
						   "name constraints"
						 : "everything it issues";
		cert_date_text(anchor->not_after, date);
		list_add(lines,
			mem_printf("%s: %s, until %s", subject, below, date));
		mem_free(subject);
	}
	return 0;
}

/* RFC 5280 4.2.1.12, as everybody reads it for authorities too. */
static bool
is_for_mail(X509 *x509)
{
	return (X509_get_extended_key_usage(x509) & (XKU_SMIME | XKU_ANYEKU)) !=
	       0;
}

static void
shrink(struct verdict *verdict, X509 *x509)
{
	struct tm from, until;

	if (ASN1_TIME_to_tm(X509_get0_notBefore(x509), &from) != 1 ||
		ASN1_TIME_to_tm(X509_get0_notAfter(x509), &until) != 1)
		return;
	if (timegm(&from) > verdict->from)
		verdict->from = timegm(&from);
	if (timegm(&until) < verdict->until)
		verdict->until = timegm(&until);
}

/* The path that was found: may it be used for mail, and how long? */
static int
judge_path(
	const STACK_OF(X509) * path, struct verdict *verdict, struct error *why)
{
	int count = sk_X509_num(path);

	for (int i = 0; i < count; i++) {
		X509 *x509 = sk_X509_value(path, i);
		char *subject;

		shrink(verdict, x509);
		/* What an anchor is good for the administrator has said. */
		if (is_for_mail(x509) || (i != 0 && i == count - 1))
			continue;
		if (i == 0)
			return error_set(why, ERROR_TRUST,
				"its extendedKeyUsage does not allow e-mail");
		subject = cert_name_text(X509_get_subject_name(x509));
		error_set(why, ERROR_TRUST,
			"%s may not issue certificates for e-mail "
			"(extendedKeyUsage)",
			subject);
		mem_free(subject);
		return -1;
	}
	return 0;
}

/* Its own chain and ours; references are not counted in it. */
static STACK_OF(X509) *
	gather(const struct trust *trust, const struct cert *cert)
{
	STACK_OF(X509) *all = sk_X509_dup(trust->intermediates);

	for (int i = 0; all != NULL && i < sk_X509_num(cert->chain); i++)
		if (sk_X509_push(all, sk_X509_value(cert->chain, i)) == 0) {
			sk_X509_free(all);
			return NULL;
		}
	return all;
}

static int
find_path(const struct trust *trust, const struct cert *cert, time_t when,
	struct verdict *verdict, struct error *why)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = gather(trust, cert);
	int result = -1, verified;

	crypto_begin();
	if (ctx == NULL || untrusted == NULL ||
		X509_STORE_CTX_init(ctx, trust->store, cert->x509, untrusted) !=
			1) {
		crypto_fail(why, ERROR_SYSTEM, "its path cannot be looked for");
		goto out;
	}
	X509_STORE_CTX_set_time(ctx, 0, when);
	verified = X509_verify_cert(ctx);
	if (verified < 0 || (verified == 0 && crypto_lacked_memory())) {
		error_set(why, ERROR_SYSTEM, "its path cannot be looked for");
		goto out;
	}
	if (verified == 0) {
		trust_explain(ctx, why);
		goto out;
	}
	result = judge_path(X509_STORE_CTX_get0_chain(ctx), verdict, why);
out:
	crypto_begin();
	sk_X509_free(untrusted);
	X509_STORE_CTX_free(ctx);
	return result;
}

int
trust_add_crls(
	struct trust *trust UNUSED, struct list *crls, struct error *err UNUSED)
{
	X509_CRL *crl;

	LIST_FOREACH (crl, crls)
		X509_CRL_free(crl);
	list_clear(crls, NULL);
	return 0;
}

int
trust_check(struct trust *trust, const struct cert *cert, bool weak_ok UNUSED,
	time_t when, struct error *why)
{
	struct verdict verdict = { .from = cert->not_before,
		.until = cert->not_after };

	if (trust->anchors.count == 0)
		return error_set(why, ERROR_TRUST,
			"no trust anchors are configured (trust.anchors)");
	if (cache_has(&trust->cache, cert->sha256, when))
		return 0;
	/*
	 * A refusal is asked for twice: OpenSSL 3.0 can take an allocation
	 * that failed for an issuer that is missing, without a word.
	 */
	if (find_path(trust, cert, when, &verdict, why) != 0 &&
		find_path(trust, cert, when, &verdict, why) != 0)
		return -1;
	memcpy(verdict.sha256, cert->sha256, sizeof(verdict.sha256));
	cache_put(&trust->cache, &verdict);
	return 0;
}
