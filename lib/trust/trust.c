#include "trust/trust.h"

#include <openssl/x509_vfy.h>
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
 * not sign itself.  Lists are looked at when a path is there (revoked.c):
 * OpenSSL's own check would not say what it lacks.
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
	pthread_mutex_init(&trust->lock, NULL);
	cache_init(&trust->cache);
	points_init(&trust->points);
	trust->revocation = settings->revocation;
	trust->fetch_crls = settings->fetch_crls;
	trust->fetch_private = settings->fetch_private;
	trust->proxy = mem_string(settings->proxy);
	trust->folder = mem_string(settings->cache);
	trust->store = X509_STORE_new();
	trust->intermediates = sk_X509_new_null();
	if (trust->store == NULL || trust->intermediates == NULL) {
		crypto_fail(err, ERROR_SYSTEM, "no store of trust anchors");
		goto out;
	}
	set_parameters(trust->store);
	if (trust_load(trust, settings, warnings, err) != 0)
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
	refresher_free(trust->refresher);
	list_clear(&trust->anchors, cert_unref);
	X509_STORE_free(trust->store);
	sk_X509_pop_free(trust->intermediates, X509_free);
	set_unref(trust->set);
	cache_clear(&trust->cache);
	points_clear(&trust->points);
	folder_forget(trust);
	mem_free(trust->proxy);
	mem_free(trust->folder);
	pthread_mutex_destroy(&trust->lock);
	mem_free(trust);
}

size_t
trust_anchor_count(const struct trust *trust)
{
	return trust->anchors.count;
}

bool
trust_uses_crls(const struct trust *trust)
{
	return trust->revocation != TRUST_REVOCATION_OFF;
}

int
trust_add_crls(struct trust *trust, struct list *crls, const char *source,
	struct error *err)
{
	struct list all = { 0 };
	X509_CRL *x509;
	int result = 0;

	LIST_FOREACH (x509, crls) {
		struct crl *crl = NULL;

		if (result != 0)
			X509_CRL_free(x509);
		else if (crl_new(x509, CRL_STORE, source, &crl, err) != 0)
			result = -1;
		else
			list_add(&all, crl);
	}
	list_clear(crls, NULL);
	if (result == 0 && all.count > 0)
		set_add(trust, &all);
	list_clear(&all, crl_unref);
	return result;
}

int
trust_check(struct trust *trust, const struct cert *cert, bool weak_ok,
	time_t when, struct error *why)
{
	struct verdict verdict = { .weak_ok = weak_ok };
	struct error remark = { 0 };

	if (trust->anchors.count == 0)
		return error_set(why, ERROR_TRUST,
			"no trust anchors are configured (trust.anchors)");
	if (cache_has(&trust->cache, cert->sha256, weak_ok, when, why))
		return 0;
	/*
	 * A refusal is asked for twice: OpenSSL 3.0 can take an allocation
	 * that failed for an issuer that is missing, without a word.
	 */
	if (path_find(trust, cert, when, &verdict, &remark) != 0 &&
		path_find(trust, cert, when, &verdict, &remark) != 0) {
		if (why != NULL)
			*why = remark;
		return -1;
	}
	memcpy(verdict.sha256, cert->sha256, sizeof(verdict.sha256));
	cache_put(&trust->cache, &verdict, remark.text);
	if (why != NULL && remark.text[0] != '\0')
		*why = remark;
	return 0;
}

int
trust_check_revocation(struct trust *trust, const struct cert *cert,
	time_t when, struct error *why)
{
	struct list issuers = { 0 };
	struct crl_set *set;
	struct error one = { 0 };
	X509 *issuer;
	int result = 0;

	if (trust->revocation == TRUST_REVOCATION_OFF)
		return 0;
	set = set_get(trust, NULL);
	points_namesakes(
		&trust->points, X509_get_issuer_name(cert->x509), &issuers);
	for (int i = 0; i < sk_X509_num(cert->chain); i++)
		if (X509_up_ref(sk_X509_value(cert->chain, i)) == 1)
			list_add(&issuers, sk_X509_value(cert->chain, i));
	/* Namesakes may have other keys: who issued it is asked last. */
	LIST_FOREACH (issuer, &issuers)
		if (result == 0 &&
			revocation_of(set, cert->x509, issuer, when, &one) !=
				0 &&
			cert_has_issued(issuer, cert->x509))
			result = -1;
	if (result != 0 && why != NULL)
		*why = one;
	list_clear(&issuers, points_free_authority);
	set_unref(set);
	return result;
}
