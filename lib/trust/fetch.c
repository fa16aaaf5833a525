/* A list is fetched, judged, kept in the folder and put to use. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/random.h"
#include "metric/metric.h"
#include "trust/internal.h"

/*
 * A list is fetched again when a fifth of its life is left, but at least four
 * times a day; after a failure in half a minute, then in twice that, and so on.
 */
enum {
	LIFE_LEFT = 5,
	FETCH_MAX_SECONDS = 6 * 3600,
	FETCH_MIN_SECONDS = 60,
	STALE_SECONDS = 600, /* it was stale when it came */
	RETRY_SECONDS = 30,
	RETRY_MAX_SECONDS = 3600,
	JITTER = 8 /* up to an eighth earlier */
};

static time_t
with_jitter(time_t seconds)
{
	unsigned char one = 0;

	if (random_bytes(&one, sizeof(one), NULL) != 0)
		return seconds;
	return seconds - seconds / JITTER * one / 256;
}

static time_t
time_to_renew(const struct crl *crl, time_t fetched)
{
	time_t wait = FETCH_MAX_SECONDS;

	if (crl->next_update != 0) {
		time_t life = crl->next_update - crl->this_update;
		time_t until = crl->next_update - life / LIFE_LEFT - fetched;

		if (until < wait)
			wait = until;
	}
	if (crl_is_stale(crl, fetched))
		wait = STALE_SECONDS;
	else if (wait < FETCH_MIN_SECONDS)
		wait = FETCH_MIN_SECONDS;
	return fetched + with_jitter(wait);
}

static time_t
time_to_retry(unsigned failures, time_t now)
{
	time_t wait = RETRY_SECONDS;

	while (failures-- > 1 && wait < RETRY_MAX_SECONDS)
		wait *= 2;
	if (wait > RETRY_MAX_SECONDS)
		wait = RETRY_MAX_SECONDS;
	return now + with_jitter(wait);
}

/* ---- what is kept about a point ---- */

static const struct crl *
find_file(const struct crl_set *set, const struct point *point)
{
	const struct crl *crl;

	if (set == NULL)
		return NULL;
	LIST_FOREACH (crl, &set->crls)
		for (size_t i = 0; crl->file != NULL && i < URLS_MAX &&
				   point->file[i] != NULL;
			i++)
			if (strcmp(crl->file, point->file[i]) == 0 &&
				X509_NAME_cmp(point->issuer,
					X509_CRL_get_issuer(crl->x509)) == 0)
				return crl;
	return NULL;
}

/* The lock of the points is held. */
static bool
is_due(struct point *point, const struct crl_set *set, time_t now)
{
	const struct crl *crl = find_file(set, point);

	if (crl != NULL && !point->known) {
		point->known = true;
		point->next_try = time_to_renew(crl, crl->stamp.st_mtim.tv_sec);
	}
	return now >= point->next_try || (crl == NULL && point->failures == 0);
}

struct point *
fetch_next_due(struct trust *trust)
{
	struct crl_set *set = set_get(trust, NULL);
	struct point *found = NULL, *point;
	time_t now = clock_now();

	pthread_mutex_lock(&trust->points.lock);
	LIST_FOREACH (point, &trust->points.all)
		if (is_due(point, set, now) &&
			(found == NULL || point->next_try < found->next_try))
			found = point;
	pthread_mutex_unlock(&trust->points.lock);
	set_unref(set);
	return found;
}

static void
note_success(struct trust *trust, struct point *point, const struct crl *crl)
{
	bool failed, known;

	pthread_mutex_lock(&trust->points.lock);
	failed = point->trouble != NULL;
	known = point->known;
	mem_free(point->trouble);
	point->trouble = NULL;
	point->failures = 0;
	point->known = true;
	point->next_try = time_to_renew(crl, clock_now());
	pthread_mutex_unlock(&trust->points.lock);
	metric_add(METRIC_CRLS_FETCHED, 1);
	if (failed || !known)
		event(EVENT_INFO,
			"revocation list of %s: fetched from %s (%zu entries)",
			crl->issuer, crl->source, crl->entries);
}

static void
note_failure(struct trust *trust, struct point *point, const struct error *why)
{
	bool first;

	pthread_mutex_lock(&trust->points.lock);
	first = point->trouble == NULL;
	if (first)
		point->failing_since = clock_now();
	mem_free(point->trouble);
	point->trouble = mem_string(why->text);
	point->known = true;
	point->next_try = time_to_retry(++point->failures, clock_now());
	pthread_mutex_unlock(&trust->points.lock);
	metric_add(METRIC_CRLS_FAILED, 1);
	if (first)
		event(EVENT_WARNING,
			"revocation list of %s: cannot be fetched: %s",
			point->issuer_text, why->text);
}

/* ---- one list ---- */

int
fetch_judge(struct trust *trust, struct crl *crl, struct error *err)
{
	if (crl->unfit != NULL && !crl->partial)
		return error_set(err, ERROR_FORMAT,
			"the list of %s is not used: %s", crl->issuer,
			crl->unfit);
	switch (points_judge(&trust->points, crl)) {
	case 1:
		return 0;
	case 0:
		return error_set(err, ERROR_TRUST,
			"the list is not signed by %s", crl->issuer);
	default:
		return error_set(err, ERROR_TRUST,
			"nothing is known of the issuer %s", crl->issuer);
	}
}

/* An old list, served again, would bring back what was revoked since. */
int
fetch_judge_age(struct trust *trust, const struct crl *crl, struct error *err)
{
	struct crl_set *set = set_get(trust, NULL);
	const struct crl *one;
	int result = 0;

	if (set == NULL)
		return result;
	LIST_FOREACH (one, &set->crls)
		if (one->file != NULL && strcmp(one->file, crl->file) == 0 &&
			crl->this_update < one->this_update &&
			X509_NAME_cmp(X509_CRL_get_issuer(one->x509),
				X509_CRL_get_issuer(crl->x509)) == 0)
			result = error_set(err, ERROR_FORMAT,
				"the list there is older than the one we "
				"have");
	set_unref(set);
	return result;
}

static int
read_answer(struct span bytes, const struct point *point, const char *url,
	struct crl **out, struct error *err)
{
	struct list crls = { 0 };
	struct crl *crl;
	int result = -1;

	if (crl_read(bytes, CRL_FETCHED, url, &crls, err) != 0) {
		error_set(err, ERROR_FORMAT, "%s: is no revocation list", url);
		goto out;
	}
	crl = crls.item[0];
	if (crls.count != 1)
		error_set(err, ERROR_FORMAT, "%s: is more than one list", url);
	else if (X509_NAME_cmp(point->issuer, X509_CRL_get_issuer(crl->x509)) !=
		 0)
		error_set(err, ERROR_TRUST, "%s: is a list of %s", url,
			crl->issuer);
	else {
		*out = crl_ref(crl);
		result = 0;
	}
out:
	list_clear(&crls, crl_unref);
	return result;
}

static int
fetch_url(struct trust *trust, const struct point *point, const char *url,
	const atomic_bool *stop, struct crl **out, struct error *err)
{
	const struct net_settings settings = { .proxy = trust->proxy,
		.timeout_seconds = CRL_FETCH_SECONDS,
		.limit_bytes = CRL_LIMIT_BYTES,
		.allow_private = trust->fetch_private,
		.stop = stop };
	struct buf bytes;
	struct crl *crl = NULL;
	int result = -1;

	buf_init(&bytes, CRL_LIMIT_BYTES);
	if (net_fetch(url, &settings, &bytes, err) != 0) {
		error_prefix(err, "%s: ", url);
		goto out;
	}
	if (read_answer(buf_span(&bytes), point, url, &crl, err) != 0)
		goto out;
	crl->file = folder_name(url);
	if (fetch_judge(trust, crl, err) != 0 ||
		fetch_judge_age(trust, crl, err) != 0) {
		error_prefix(err, "%s: ", url);
		goto out;
	}
	*out = crl_ref(crl);
	result = 0;
out:
	crl_unref(crl);
	buf_clear(&bytes);
	return result;
}

/* That it could not be written is said; used it is all the same. */
static void
use(struct trust *trust, struct crl *crl, struct error *err)
{
	struct list crls = { 0 };
	char *name = mem_string(crl->file);

	*err = (struct error){ 0 };
	if (trust->folder != NULL && folder_write(trust, name, crl, err) != 0)
		event(EVENT_WARNING, "revocation list of %s: not kept: %s",
			crl->issuer, err->text);
	list_add(&crls, crl_ref(crl));
	set_add(trust, &crls);
	mem_free(name);
}

int
fetch_point(struct trust *trust, struct point *point, const atomic_bool *stop,
	struct error *err)
{
	struct error first = { 0 }, why = { 0 };
	struct crl *crl = NULL;

	for (size_t i = 0; i < URLS_MAX && point->url[i] != NULL; i++) {
		if (fetch_url(trust, point, point->url[i], stop, &crl, &why) ==
			0)
			break;
		if (first.kind == ERROR_NONE)
			first = why;
	}
	if (crl == NULL) {
		if (stop == NULL || !atomic_load(stop))
			note_failure(trust, point, &first);
		*err = first;
		return -1;
	}
	use(trust, crl, err);
	note_success(trust, point, crl);
	crl_unref(crl);
	return 0;
}

/* ---- which points there are ---- */

void
fetch_collect(
	struct trust *trust, const struct list *certs, const atomic_bool *stop)
{
	struct cert *cert;

	LIST_FOREACH (cert, certs) {
		if (stop != NULL && atomic_load(stop))
			return;
		/* One path for each authority, not for each of its people. */
		if (points_has(&trust->points, cert->x509))
			continue;
		if (trust_check(trust, cert, true, clock_now(), NULL) != 0)
			continue;
	}
}
