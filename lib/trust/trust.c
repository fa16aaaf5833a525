/* Anchors and intermediates, read once, and the paths to them. */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

enum { DEPTH_MAX = 8, SECURITY_LEVEL = 2 };

/* ---- reading ---- */

static int
read_certs(const char *path, struct list *certs, struct list *warnings,
	struct error *err)
{
	struct buf bytes = { 0 };
	int result = -1;

	if (file_read(path, cert_limits_default.file_bytes, &bytes, err) == 0)
		result = cert_load(buf_span(&bytes), NULL, path,
			&cert_limits_default, certs, warnings, err);
	buf_clear(&bytes);
	return result;
}

static int
add_anchors(struct trust *trust, const char *path, struct list *warnings,
	struct error *err)
{
	size_t before = trust->anchors.count;

	if (read_certs(path, &trust->anchors, warnings, err) != 0)
		return -1;
	for (size_t i = before; i < trust->anchors.count; i++) {
		const struct cert *cert = trust->anchors.item[i];

		if (X509_STORE_add_cert(trust->store, cert->x509) != 1)
			return crypto_fail(err, ERROR_SYSTEM,
				"%s: an anchor cannot be kept", path);
	}
	return 0;
}

static int
add_intermediates(struct trust *trust, const char *path, struct list *warnings,
	struct error *err)
{
	struct list certs = { 0 };
	struct cert *cert;
	int result = read_certs(path, &certs, warnings, err);

	LIST_FOREACH (cert, &certs)
		if (result == 0 &&
			X509_add_cert(trust->intermediates, cert->x509,
				X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) !=
				1)
			result = crypto_fail(err, ERROR_SYSTEM,
				"%s: a certificate cannot be kept", path);
	list_clear(&certs, cert_unref);
	return result;
}

/*
 * RFC 5280 section 6 and no more: X509_V_FLAG_X509_STRICT would also ask for
 * the profile of section 4, which many a good private CA does not keep.  An
 * intermediate that is an anchor ends the path (PARTIAL_CHAIN).
 */
static int
set_parameters(struct trust *trust, struct error *err)
{
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(trust->store);

	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return crypto_fail(
			err, ERROR_SYSTEM, "the anchors cannot be set up");
	return 0;
}

int
trust_new(const struct trust_settings *settings, struct trust **out,
	struct list *warnings, struct error *err)
{
	struct trust *trust = mem_alloc(sizeof(*trust));
	int result = -1;

	crypto_begin();
	pthread_mutex_init(&trust->lock, NULL);
	trust->store = X509_STORE_new();
	trust->intermediates = sk_X509_new_null();
	if (trust->store == NULL || trust->intermediates == NULL) {
		crypto_fail(err, ERROR_SYSTEM, "no memory for the anchors");
		goto out;
	}
	if (set_parameters(trust, err) != 0)
		goto out;
	for (size_t i = 0; i < settings->anchor_count; i++)
		if (add_anchors(trust, settings->anchors[i], warnings, err))
			goto out;
	for (size_t i = 0; i < settings->intermediate_count; i++)
		if (add_intermediates(trust, settings->intermediates[i],
			    warnings, err) != 0)
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
	trust_cache_clear(trust);
	pthread_mutex_destroy(&trust->lock);
	list_clear(&trust->anchors, cert_unref);
	sk_X509_pop_free(trust->intermediates, X509_free);
	X509_STORE_free(trust->store);
	mem_free(trust);
}

size_t
trust_anchor_count(const struct trust *trust)
{
	return trust->anchors.count;
}

int
trust_describe(const struct trust *trust, struct list *lines, struct error *err)
{
	const struct cert *anchor;

	(void)err;
	LIST_FOREACH (anchor, &trust->anchors) {
		char *subject = cert_subject(anchor);

		list_add(lines,
			mem_printf("%s: every certificate below %s is trusted",
				anchor->source, subject));
		mem_free(subject);
	}
	return 0;
}

/* ---- why not? ---- */

static const char *
common_name(const X509_NAME *name, char *out, size_t size)
{
	int len = X509_NAME_get_text_by_NID(
		(X509_NAME *)name, NID_commonName, out, (int)size);

	if (len <= 0 && X509_NAME_oneline(name, out, (int)size) == NULL)
		out[0] = '\0';
	return out;
}

static void
day_of(const ASN1_TIME *when, char out[16])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(when, &tm) != 1 ||
		strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		out[0] = '\0';
}

static int
explain(X509_STORE_CTX *context, struct error *why)
{
	int code = X509_STORE_CTX_get_error(context);
	const X509 *at = X509_STORE_CTX_get_current_cert(context);
	char subject[100] = "", issuer[100] = "", day[16] = "";

	if (crypto_lacked_memory() || code == X509_V_ERR_OUT_OF_MEM ||
		at == NULL)
		return error_set(
			why, ERROR_SYSTEM, "no memory to examine a path");
	common_name(X509_get_subject_name(at), subject, sizeof(subject));
	common_name(X509_get_issuer_name(at), issuer, sizeof(issuer));
	switch (code) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return error_set(why, ERROR_TRUST,
			"no anchor or intermediate for issuer %s", issuer);
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return error_set(why, ERROR_TRUST,
			"it is self-signed and not an anchor");
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return error_set(why, ERROR_TRUST,
			"its root %s is not an anchor", subject);
	case X509_V_ERR_CERT_HAS_EXPIRED:
		day_of(X509_get0_notAfter(at), day);
		return error_set(why, ERROR_TRUST,
			"the certificate of %s expired on %s", subject, day);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		day_of(X509_get0_notBefore(at), day);
		return error_set(why, ERROR_TRUST,
			"the certificate of %s is valid from %s", subject, day);
	}
	return error_set(why, ERROR_TRUST, "the certificate of %s: %s", subject,
		X509_verify_cert_error_string(code));
}

/* ---- the path ---- */

/* RFC 5280 4.2.1.12: an authority may be limited to other purposes. */
static int
check_purposes(const STACK_OF(X509) * path, struct error *why)
{
	for (int i = 1; i < sk_X509_num(path); i++) {
		X509 *authority = sk_X509_value(path, i);
		char name[100];

		if ((X509_get_extension_flags(authority) & EXFLAG_XKUSAGE) ==
				0 ||
			(X509_get_extended_key_usage(authority) &
				(XKU_SMIME | XKU_ANYEKU)) != 0)
			continue;
		return error_set(why, ERROR_TRUST,
			"the authority %s is not for e-mail",
			common_name(X509_get_subject_name(authority), name,
				sizeof(name)));
	}
	return 0;
}

/* Where to look for issuers besides the anchors; borrowed elements. */
static STACK_OF(X509) *
	untrusted_for(const struct trust *trust, const struct cert *cert)
{
	STACK_OF(X509) *all = sk_X509_dup(trust->intermediates);

	for (int i = 0; all != NULL && cert->chain != NULL &&
			i < sk_X509_num(cert->chain);
		i++)
		if (sk_X509_push(all, sk_X509_value(cert->chain, i)) == 0) {
			sk_X509_free(all);
			return NULL;
		}
	return all;
}

static int
verify(struct trust *trust, const struct cert *cert, time_t when,
	struct validity *validity, struct error *why)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	STACK_OF(X509) *untrusted = untrusted_for(trust, cert);
	int result = -1;

	if (context == NULL || untrusted == NULL ||
		X509_STORE_CTX_init(
			context, trust->store, cert->x509, untrusted) != 1) {
		crypto_fail(why, ERROR_SYSTEM, "no memory to examine a path");
		goto out;
	}
	X509_STORE_CTX_set_time(context, 0, when);
	if (X509_verify_cert(context) != 1) {
		explain(context, why);
		goto out;
	}
	result = check_purposes(X509_STORE_CTX_get0_chain(context), why);
	if (result == 0)
		trust_validity(X509_STORE_CTX_get0_chain(context), validity);
out:
	crypto_begin();
	sk_X509_free(untrusted);
	X509_STORE_CTX_free(context);
	return result;
}

int
trust_check(struct trust *trust, const struct cert *cert, time_t when,
	struct error *why)
{
	struct validity validity;

	if (trust->anchors.count == 0)
		return error_set(why, ERROR_TRUST,
			"no trust anchors are configured (trust.anchors)");
	if (trust_cache_knows(trust, cert, when))
		return 0;
	/*
	 * A refusal is asked for twice: OpenSSL 3.0 can take an allocation
	 * that failed for an issuer that is missing, without a word.
	 */
	crypto_begin();
	if (verify(trust, cert, when, &validity, why) != 0 &&
		verify(trust, cert, when, &validity, why) != 0)
		return -1;
	trust_cache_add(trust, cert, &validity);
	return 0;
}
