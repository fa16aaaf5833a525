/* What is trusted, what lists there are, and what is wrong with them. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "trust/internal.h"

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

/* Is there a list by that name that is not stale now? */
static bool
has_current(const struct crl_set *set, const X509_NAME *name, time_t now)
{
	const struct crl *crl;

	if (set == NULL)
		return false;
	LIST_FOREACH (crl, &set->crls)
		if (crl->unfit == NULL && !crl_is_stale(crl, now) &&
			crl->this_update <= now &&
			X509_NAME_cmp(name, X509_CRL_get_issuer(crl->x509)) ==
				0)
			return true;
	return false;
}

/* Why it is not used, or not enough; NULL when it is good. */
static char *
refusal(struct trust *trust, struct crl *crl, time_t now)
{
	char date[11];

	if (crl->unfit != NULL)
		return mem_printf("not used, %s", crl->unfit);
	switch (points_judge(&trust->points, crl)) {
	case 0:
		return mem_printf("not used, it is not signed by its issuer");
	case 1:
		break;
	default:
		return mem_printf("its issuer is not known here");
	}
	if (crl->this_update > now) {
		cert_date_text(crl->this_update, date);
		return mem_printf("not valid before %s", date);
	}
	if (crl_is_stale(crl, now)) {
		cert_date_text(crl->next_update, date);
		return mem_printf("stale since %s", date);
	}
	return NULL;
}

void
describe_trouble(struct trust *trust, struct list *out)
{
	struct crl_set *set = set_get(trust, NULL);
	time_t now = clock_now();
	struct crl *crl;

	if (set == NULL)
		return;
	LIST_FOREACH (crl, &set->crls) {
		bool stale_only = crl->unfit == NULL && crl_is_stale(crl, now);
		char *why = refusal(trust, crl, now);

		/* A newer one has taken its place; or nobody wants it. */
		if (why != NULL && strstr(why, "not known") == NULL &&
			!(stale_only && strstr(why, "stale") != NULL &&
				has_current(set, X509_CRL_get_issuer(crl->x509),
					now)))
			list_add(out,
				mem_printf("revocation list of %s (%s): %s",
					crl->issuer, crl->source, why));
		mem_free(why);
	}
	set_unref(set);
}

static void
point_trouble(struct points *points, struct list *out)
{
	const struct point *point;
	char date[CLOCK_TEXT_SIZE];

	pthread_mutex_lock(&points->lock);
	LIST_FOREACH (point, &points->all) {
		if (point->trouble == NULL)
			continue;
		clock_format(point->failing_since, date);
		list_add(out,
			mem_printf("revocation list of %s: cannot be fetched "
				   "since %s: %s",
				point->issuer_text, date, point->trouble));
	}
	if (points->full)
		list_add(out,
			mem_printf("more than %d distribution points: the "
				   "revocation lists of others are not fetched",
				POINTS_MAX));
	pthread_mutex_unlock(&points->lock);
}

void
trust_concerns(struct trust *trust, struct list *out)
{
	if (trust->revocation == TRUST_REVOCATION_OFF)
		return;
	describe_trouble(trust, out);
	point_trouble(&trust->points, out);
}

static void
warn_unlisted(
	const struct crl_set *set, const X509_NAME *name, struct list *warnings)
{
	char *text;

	if (has_current(set, name, clock_now()))
		return;
	text = cert_name_text(name);
	list_add(warnings,
		mem_printf("trust.revocation is \"hard\" and there is no "
			   "current revocation list of %s: mail for whom it "
			   "issued waits until there is one",
			text));
	mem_free(text);
}

void
trust_warn_unlisted(struct trust *trust, struct list *warnings)
{
	struct crl_set *set = set_get(trust, NULL);
	const struct cert *anchor;

	if (trust->revocation == TRUST_REVOCATION_HARD) {
		LIST_FOREACH (anchor, &trust->anchors)
			if (cert_is_ca(anchor))
				warn_unlisted(set,
					X509_get_subject_name(anchor->x509),
					warnings);
		for (int i = 0; i < sk_X509_num(trust->intermediates); i++)
			warn_unlisted(set,
				X509_get_subject_name(
					sk_X509_value(trust->intermediates, i)),
				warnings);
	}
	set_unref(set);
}

void
trust_crl_free(void *p)
{
	struct trust_crl *crl = p;

	mem_free(crl->issuer);
	mem_free(crl->source);
	mem_free(crl->number);
	mem_free(crl->refused);
	mem_free(crl);
}

static char *
number_of(X509_CRL *x509)
{
	ASN1_INTEGER *number =
		X509_CRL_get_ext_d2i(x509, NID_crl_number, NULL, NULL);
	BIGNUM *big = number ? ASN1_INTEGER_to_BN(number, NULL) : NULL;
	char *hex = big ? BN_bn2hex(big) : NULL, *copy = mem_string(hex);

	OPENSSL_free(hex);
	BN_free(big);
	ASN1_INTEGER_free(number);
	return copy;
}

void
trust_describe_crls(struct trust *trust, struct list *out)
{
	static const char *const origins[] = { [CRL_FILE] = "file",
		[CRL_STORE] = "store",
		[CRL_FETCHED] = "fetched",
		[CRL_IMPORTED] = "imported" };
	struct crl_set *set = set_get(trust, NULL);
	struct crl *crl;

	if (set == NULL)
		return;
	LIST_FOREACH (crl, &set->crls) {
		struct trust_crl *one = mem_alloc(sizeof(*one));

		one->issuer = mem_string(crl->issuer);
		one->source = mem_string(crl->source);
		one->number = number_of(crl->x509);
		one->origin = origins[crl->origin];
		memcpy(one->sha256, crl->sha256, sizeof(one->sha256));
		one->this_update = crl->this_update;
		one->next_update = crl->next_update;
		one->entries = crl->entries;
		one->refused = refusal(trust, crl, clock_now());
		list_add(out, one);
	}
	set_unref(set);
}
