/* Does a list say that one of the path is revoked?  RFC 5280 6.3. */
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

static const char *const reasons[] = { "unspecified", "keyCompromise",
	"cACompromise", "affiliationChanged", "superseded",
	"cessationOfOperation", "certificateHold", NULL, "removeFromCRL",
	"privilegeWithdrawn", "aACompromise" };

/* What there is about one certificate. */
struct lists {
	struct crl *best;    /* the newest that may speak */
	struct crl *partial; /* the newest for some reasons that names it */
	const struct crl *early, *forged, *unfit;
	bool lacking; /* memory: one may be there that cannot be told */
};

/* Of some reasons only: whom it names is revoked, its silence says nothing. */
static void
look_at_partial(struct lists *lists, struct crl *crl, X509 *x509, time_t when)
{
	X509_REVOKED *entry = NULL;

	lists->unfit = crl;
	if (crl->this_update <= when && crl_lists(crl, x509, &entry) &&
		(lists->partial == NULL ||
			crl->this_update > lists->partial->this_update))
		lists->partial = crl;
}

static void
look_at(struct lists *lists, struct crl *crl, X509 *x509, X509 *issuer,
	time_t when)
{
	bool unfit = crl->unfit != NULL && !crl->partial;
	int covers = unfit ? 0 : crl_covers(crl, x509);
	int is_signed = covers == 1 ? crl_is_signed_by(crl, issuer) : 0;

	if (covers < 0 || is_signed < 0)
		lists->lacking = true;
	else if (unfit)
		lists->unfit = crl;
	else if (covers == 0)
		return;
	else if (is_signed == 0)
		lists->forged = crl;
	else if (crl->partial)
		look_at_partial(lists, crl, x509, when);
	else if (crl->this_update > when)
		lists->early = crl;
	else if (lists->best == NULL ||
		 crl->this_update > lists->best->this_update)
		lists->best = crl;
}

static void
gather(struct lists *lists, const struct crl_set *set, X509 *x509, X509 *issuer,
	time_t when)
{
	const X509_NAME *name = X509_get_issuer_name(x509);
	int hashed = 0;
	unsigned long hash = X509_NAME_hash_ex(name, NULL, NULL, &hashed);
	bool all = !hashed || (set != NULL && set->unsorted);

	if (set == NULL)
		return;
	for (size_t i = all ? 0 : set_find(set, hash);
		i < set->crls.count && (all || set->row[i].hash == hash); i++) {
		struct crl *crl = set->row[i].crl;

		if (X509_NAME_cmp(name, X509_CRL_get_issuer(crl->x509)) == 0)
			look_at(lists, crl, x509, issuer, when);
	}
}

static const char *
reason_of(const X509_REVOKED *entry)
{
	ASN1_ENUMERATED *code =
		X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	long number = code != NULL ? ASN1_ENUMERATED_get(code) : 0;

	ASN1_ENUMERATED_free(code);
	if (number < 0 || (size_t)number >= COUNT_OF(reasons) ||
		reasons[number] == NULL)
		return reasons[0];
	return reasons[number];
}

static int
say_revoked(const X509_REVOKED *entry, const struct crl *crl, X509 *x509,
	int depth, struct error *why)
{
	char *subject = cert_name_text(X509_get_subject_name(x509));
	char date[11];

	cert_date_text(crl_time(X509_REVOKED_get0_revocationDate(entry)), date);
	error_set(why, ERROR_TRUST,
		"%s%s was revoked on %s (%s), says the CRL of %s",
		depth == 0 ? "it" : "its authority ", depth == 0 ? "" : subject,
		date, reason_of(entry), crl->issuer);
	mem_free(subject);
	return -1;
}

static void
say_unknown(const struct lists *lists, X509 *x509, struct error *why)
{
	char *issuer = cert_name_text(X509_get_issuer_name(x509));
	char date[11];

	if (lists->best != NULL) {
		cert_date_text(lists->best->next_update, date);
		error_set(why, ERROR_SYSTEM,
			"the CRL of %s is stale since %s: revocation unknown",
			issuer, date);
	} else if (lists->early != NULL) {
		cert_date_text(lists->early->this_update, date);
		error_set(why, ERROR_SYSTEM,
			"the CRL of %s is not valid before %s: revocation "
			"unknown",
			issuer, date);
	} else if (lists->forged != NULL) {
		error_set(why, ERROR_SYSTEM,
			"the CRL of %s in %s is not signed by it: revocation "
			"unknown",
			issuer, lists->forged->source);
	} else if (lists->unfit != NULL) {
		error_set(why, ERROR_SYSTEM,
			"the CRL of %s is not used, %s: revocation unknown",
			issuer, lists->unfit->unfit);
	} else {
		error_set(why, ERROR_SYSTEM, "no CRL of %s: revocation unknown",
			issuer);
	}
	mem_free(issuer);
}

/* The newest list speaks: a hold may have ended. */
static const struct crl *
who_names(const struct lists *lists, X509 *x509, X509_REVOKED **entry)
{
	const struct crl *best = lists->best, *partial = lists->partial;

	if (best != NULL && crl_lists(best, x509, entry))
		return best;
	if (partial != NULL && crl_lists(partial, x509, entry) &&
		(best == NULL || best->this_update < partial->this_update))
		return partial;
	return NULL;
}

int
revocation_of(const struct crl_set *set, X509 *x509, X509 *issuer, time_t when,
	struct error *why)
{
	struct lists lists = { 0 };
	X509_REVOKED *entry = NULL;
	const struct crl *who;

	gather(&lists, set, x509, issuer, when);
	who = who_names(&lists, x509, &entry);
	return who != NULL ? say_revoked(entry, who, x509, 0, why) : 0;
}

/* 0 good, 1 unknown, -1 revoked (TRUST) or no memory to tell (SYSTEM). */
static int
check_one(const struct crl_set *set, const STACK_OF(X509) * path, int depth,
	time_t when, time_t *until, struct error *why)
{
	X509 *x509 = sk_X509_value(path, depth);
	X509 *issuer = sk_X509_value(path, depth + 1);
	struct lists lists = { 0 };
	X509_REVOKED *entry = NULL;
	const struct crl *who;

	gather(&lists, set, x509, issuer, when);
	who = who_names(&lists, x509, &entry);
	if (who != NULL)
		return say_revoked(entry, who, x509, depth, why);
	if (lists.lacking)
		return error_set(why, ERROR_SYSTEM,
			"no memory to look into revocation lists");
	/* It may speak from then on. */
	if (lists.early != NULL && lists.early->this_update - 1 < *until)
		*until = lists.early->this_update - 1;
	if (lists.best == NULL || crl_is_stale(lists.best, when)) {
		say_unknown(&lists, x509, why);
		return 1;
	}
	if (lists.best->next_update != 0 && lists.best->next_update < *until)
		*until = lists.best->next_update;
	return 0;
}

int
revocation_check(const struct trust *trust, const struct crl_set *set,
	const STACK_OF(X509) * path, time_t when, time_t *until, int *depth,
	struct error *why)
{
	bool hard = trust->revocation == TRUST_REVOCATION_HARD;
	int worst = 0;

	/* The anchor is not asked about: nobody stands above it. */
	for (int i = 0; i < sk_X509_num(path) - 1; i++) {
		struct error one = { 0 };
		int result = check_one(set, path, i, when, until, &one);

		/* The first of a kind; what is worse outweighs it. */
		if (result == 0 || (result == 1 && worst != 0) ||
			(one.kind != ERROR_TRUST && worst == -1))
			continue;
		worst = result;
		*depth = i;
		*why = one;
		if (one.kind == ERROR_TRUST)
			return -1;
	}
	if (worst == 1 && !hard)
		why->kind = ERROR_NONE;
	return worst == -1 || (worst == 1 && hard) ? -1 : 0;
}
