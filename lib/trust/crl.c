/* One revocation list (RFC 5280 5). */
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

/* In words after "it is not used: ". */
static const char is_delta[] = "it only says what changed (a delta list)",
		  is_indirect[] = "it speaks for other issuers (an indirect "
				  "list)",
		  is_partial[] = "it knows only some reasons",
		  is_relative[] = "its distribution point is relative",
		  for_attributes[] = "it is about attribute certificates",
		  is_unknown[] = "it has a critical extension that is not "
				 "known",
		  is_endless[] = "its nextUpdate cannot be read";

/* ---- what it says ---- */

static const char *
scope_unfit(const ISSUING_DIST_POINT *scope)
{
	if (scope->indirectCRL > 0)
		return is_indirect;
	if (scope->onlyattr > 0)
		return for_attributes;
	if (scope->distpoint != NULL && scope->distpoint->type != 0)
		return is_relative;
	/* The last: but for that it can be used. */
	return scope->onlysomereasons != NULL ? is_partial : NULL;
}

static bool
entries_are_known(X509_CRL *x509)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(x509);

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);

		for (int k = 0; k < X509_REVOKED_get_ext_count(entry); k++) {
			X509_EXTENSION *one = X509_REVOKED_get_ext(entry, k);
			int nid = OBJ_obj2nid(X509_EXTENSION_get_object(one));

			if (X509_EXTENSION_get_critical(one) &&
				nid != NID_crl_reason)
				return false;
		}
	}
	return true;
}

/* NULL when it can be used; all but the signature. */
static const char *
find_unfit(const struct crl *crl)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl->x509); i++) {
		X509_EXTENSION *one = X509_CRL_get_ext(crl->x509, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(one));

		if (nid == NID_delta_crl)
			return is_delta;
		if (nid == NID_issuing_distribution_point) {
			if (crl->scope == NULL)
				return is_unknown;
			continue;
		}
		if (X509_EXTENSION_get_critical(one) &&
			nid != NID_authority_key_identifier &&
			nid != NID_crl_number)
			return is_unknown;
	}
	if (!entries_are_known(crl->x509))
		return is_unknown;
	if (crl->next_update == 0 &&
		X509_CRL_get0_nextUpdate(crl->x509) != NULL)
		return is_endless;
	return crl->scope != NULL ? scope_unfit(crl->scope) : NULL;
}

time_t
crl_time(const ASN1_TIME *time)
{
	struct tm tm;

	return time != NULL && ASN1_TIME_to_tm(time, &tm) == 1 ? timegm(&tm)
							       : 0;
}

int
crl_new(X509_CRL *x509, enum crl_origin origin, const char *source,
	struct crl **out, struct error *err)
{
	struct crl *crl = mem_alloc(sizeof(*crl));
	unsigned char digest[EVP_MAX_MD_SIZE];

	crypto_begin();
	atomic_init(&crl->references, 1);
	pthread_mutex_init(&crl->lock, NULL);
	crl->x509 = x509;
	crl->origin = origin;
	crl->source = mem_string(source);
	crl->issuer = cert_name_text(X509_CRL_get_issuer(x509));
	crl->this_update = crl_time(X509_CRL_get0_lastUpdate(x509));
	crl->next_update = crl_time(X509_CRL_get0_nextUpdate(x509));
	crl->scope = X509_CRL_get_ext_d2i(
		x509, NID_issuing_distribution_point, NULL, NULL);
	crl->unfit = find_unfit(crl);
	crl->partial = crl->unfit == is_partial;
	if (sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x509)) > 0)
		crl->entries =
			(size_t)sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x509));
	if (crl->this_update == 0 ||
		X509_CRL_digest(x509, EVP_sha256(), digest, NULL) != 1) {
		error_set(err, ERROR_FORMAT,
			"%s: the dates of a revocation list cannot be read",
			source);
		crl_unref(crl);
		return -1;
	}
	hex_write(crl->sha256, span_of(digest, CERT_SHA256_BYTES));
	crypto_begin();
	*out = crl;
	return 0;
}

struct crl *
crl_ref(struct crl *crl)
{
	atomic_fetch_add(&crl->references, 1);
	return crl;
}

void
crl_unref(void *p)
{
	struct crl *crl = p;

	if (crl == NULL || atomic_fetch_sub(&crl->references, 1) != 1)
		return;
	X509_CRL_free(crl->x509);
	ISSUING_DIST_POINT_free(crl->scope);
	mem_free(crl->source);
	mem_free(crl->file);
	mem_free(crl->issuer);
	pthread_mutex_destroy(&crl->lock);
	mem_free(crl);
}

/* ---- questions ---- */

bool
crl_is_stale(const struct crl *crl, time_t when)
{
	return crl->next_update != 0 && when > crl->next_update;
}

static const struct crl_judged *
find_judged(const struct crl *crl, const unsigned char *key)
{
	for (unsigned i = 0; i < crl->judged_count && i < CRL_JUDGED; i++)
		if (memcmp(crl->judged[i].key, key, CERT_SHA256_BYTES) == 0)
			return &crl->judged[i];
	return NULL;
}

/* Twice: OpenSSL 3.0 can take an allocation that failed for a wrong key. */
static int
verify(X509_CRL *x509, EVP_PKEY *pkey)
{
	for (int i = 0; i < 2; i++) {
		crypto_begin();
		if (X509_CRL_verify(x509, pkey) == 1)
			return 1;
	}
	return crypto_lacked_memory() ? -1 : 0;
}

/* Long lists take long to verify, so the answer is kept for each key. */
static int
is_signed_with(struct crl *crl, EVP_PKEY *pkey, const unsigned char *key)
{
	const struct crl_judged *judged;
	struct crl_judged *place;
	int good;

	pthread_mutex_lock(&crl->lock);
	judged = find_judged(crl, key);
	if (judged != NULL) {
		good = judged->good;
	} else {
		good = verify(crl->x509, pkey);
		crypto_begin();
	}
	if (judged == NULL && good >= 0) {
		place = &crl->judged[crl->judged_count++ % CRL_JUDGED];
		memcpy(place->key, key, CERT_SHA256_BYTES);
		place->good = good == 1;
	}
	pthread_mutex_unlock(&crl->lock);
	return good;
}

int
crl_is_signed_by(struct crl *crl, X509 *issuer)
{
	unsigned char key[EVP_MAX_MD_SIZE] = { 0 };
	EVP_PKEY *pkey = X509_get0_pubkey(issuer);

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl->x509),
		    X509_get_subject_name(issuer)) != 0 ||
		(X509_get_key_usage(issuer) & KU_CRL_SIGN) == 0)
		return 0;
	if (pkey == NULL ||
		X509_pubkey_digest(issuer, EVP_sha256(), key, NULL) != 1)
		return -1;
	return is_signed_with(crl, pkey, key);
}

const unsigned char *
crl_signer(struct crl *crl)
{
	const unsigned char *key = NULL;

	pthread_mutex_lock(&crl->lock);
	for (unsigned i = 0; i < crl->judged_count && i < CRL_JUDGED; i++)
		if (crl->judged[i].good)
			key = crl->judged[i].key;
	pthread_mutex_unlock(&crl->lock);
	return key;
}

static bool
share_a_name(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++)
		for (int k = 0; k < sk_GENERAL_NAME_num(b); k++)
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i),
				    sk_GENERAL_NAME_value(b, k)) == 0)
				return true;
	return false;
}

/* RFC 5280 6.3.3 (b) (2) (i): a part of all the issuer's certificates. */
static int
is_in_part(const DIST_POINT_NAME *part, X509 *x509)
{
	CRL_DIST_POINTS *points;
	int is = 0;

	crypto_begin();
	points =
		X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
	if (points == NULL && crypto_lacked_memory())
		return -1;
	for (int i = 0; !is && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);

		is = point->distpoint != NULL && point->distpoint->type == 0 &&
		     share_a_name(part->name.fullname,
			     point->distpoint->name.fullname);
	}
	CRL_DIST_POINTS_free(points);
	crypto_begin();
	return is;
}

int
crl_covers(const struct crl *crl, X509 *x509)
{
	const ISSUING_DIST_POINT *scope = crl->scope;
	bool is_ca = X509_check_ca(x509) != 0;

	if (scope == NULL)
		return 1;
	if ((scope->onlyuser > 0 && is_ca) || (scope->onlyCA > 0 && !is_ca))
		return 0;
	return scope->distpoint == NULL ? 1
					: is_in_part(scope->distpoint, x509);
}

int
crl_lists(const struct crl *crl, X509 *x509, X509_REVOKED **entry)
{
	/* 2: an entry that takes itself back, in delta lists. */
	return X509_CRL_get0_by_serial(
		       crl->x509, entry, X509_get_serialNumber(x509)) == 1;
}
