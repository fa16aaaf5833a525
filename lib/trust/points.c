/* Where lists can be had: cRLDistributionPoints (RFC 5280 4.2.1.13). */
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

static void
point_free(void *p)
{
	struct point *point = p;

	for (size_t i = 0; i < URLS_MAX; i++) {
		mem_free(point->url[i]);
		mem_free(point->file[i]);
	}
	X509_NAME_free(point->issuer);
	mem_free(point->issuer_text);
	mem_free(point->trouble);
	mem_free(point);
}

void
points_free_authority(void *x509)
{
	X509_free(x509);
}

void
points_init(struct points *points)
{
	pthread_mutex_init(&points->lock, NULL);
}

void
points_clear(struct points *points)
{
	list_clear(&points->all, point_free);
	list_clear(&points->authorities, points_free_authority);
	pthread_mutex_destroy(&points->lock);
}

/* The URLs of one point that can be fetched; none for an odd point. */
static size_t
read_urls(const DIST_POINT *from, char *url[URLS_MAX])
{
	const GENERAL_NAMES *names;
	size_t count = 0;

	/* Lists of other issuers, or for some reasons only, are not used. */
	if (from->CRLissuer != NULL || from->reasons != NULL ||
		from->distpoint == NULL || from->distpoint->type != 0)
		return 0;
	names = from->distpoint->name.fullname;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *text;
		char *one;

		if (name->type != GEN_URI || count == URLS_MAX)
			continue;
		text = name->d.uniformResourceIdentifier;
		one = mem_string_n(ASN1_STRING_get0_data(text),
			(size_t)ASN1_STRING_length(text));
		if (strlen(one) == (size_t)ASN1_STRING_length(text) &&
			net_can_fetch(one))
			url[count++] = one;
		else
			mem_free(one);
	}
	return count;
}

static void
free_urls(char *url[URLS_MAX])
{
	for (size_t i = 0; i < URLS_MAX; i++)
		mem_free(url[i]);
}

/* Two authorities may name one URL: each wants a list of its own there. */
static bool
is_there(const struct points *points, const char *url, X509 *x509)
{
	const struct point *point;

	LIST_FOREACH (point, &points->all)
		for (size_t i = 0; i < URLS_MAX && point->url[i] != NULL; i++)
			if (strcmp(point->url[i], url) == 0 &&
				X509_NAME_cmp(point->issuer,
					X509_get_issuer_name(x509)) == 0)
				return true;
	return false;
}

static CRL_DIST_POINTS *
read_points(X509 *x509)
{
	CRL_DIST_POINTS *found;

	crypto_begin();
	found = X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);
	crypto_begin();
	return found;
}

static bool
is_authority(const struct points *points, const X509_NAME *name)
{
	X509 *one;

	LIST_FOREACH (one, &points->authorities)
		if (X509_NAME_cmp(name, X509_get_subject_name(one)) == 0)
			return true;
	return false;
}

bool
points_has(struct points *points, X509 *x509)
{
	CRL_DIST_POINTS *found = read_points(x509);
	bool has;

	pthread_mutex_lock(&points->lock);
	/* One of that authority has been here, with all that stands above. */
	has = is_authority(points, X509_get_issuer_name(x509));
	for (int i = 0; has && i < sk_DIST_POINT_num(found); i++) {
		char *url[URLS_MAX] = { NULL };

		if (read_urls(sk_DIST_POINT_value(found, i), url) > 0)
			has = is_there(points, url[0], x509);
		free_urls(url);
	}
	pthread_mutex_unlock(&points->lock);
	CRL_DIST_POINTS_free(found);
	return has;
}

static bool
add_one(struct points *points, const DIST_POINT *from, X509 *x509)
{
	char *url[URLS_MAX] = { NULL };
	struct point *point;

	if (read_urls(from, url) == 0 || is_there(points, url[0], x509) ||
		points->all.count == POINTS_MAX) {
		points->full |=
			url[0] != NULL && points->all.count == POINTS_MAX;
		free_urls(url);
		return false;
	}
	point = mem_alloc(sizeof(*point));
	memcpy(point->url, url, sizeof(url));
	for (size_t i = 0; i < URLS_MAX && url[i] != NULL; i++)
		point->file[i] = folder_name(url[i]);
	point->issuer = X509_NAME_dup(X509_get_issuer_name(x509));
	point->issuer_text = cert_name_text(X509_get_issuer_name(x509));
	list_add(&points->all, point);
	return true;
}

bool
points_add(struct points *points, X509 *x509)
{
	CRL_DIST_POINTS *found = read_points(x509);
	bool added = false;

	pthread_mutex_lock(&points->lock);
	for (int i = 0; i < sk_DIST_POINT_num(found); i++)
		added |= add_one(points, sk_DIST_POINT_value(found, i), x509);
	pthread_mutex_unlock(&points->lock);
	CRL_DIST_POINTS_free(found);
	return added;
}

void
points_add_authority(struct points *points, X509 *x509)
{
	X509 *one;

	pthread_mutex_lock(&points->lock);
	LIST_FOREACH (one, &points->authorities)
		if (X509_cmp(one, x509) == 0)
			goto out;
	if (points->authorities.count < AUTHORITIES_MAX &&
		X509_up_ref(x509) == 1)
		list_add(&points->authorities, x509);
out:
	pthread_mutex_unlock(&points->lock);
}

/* Verifying a long list takes long, and mails want the lock. */
void
points_namesakes(struct points *points, const X509_NAME *name, struct list *out)
{
	X509 *one;

	pthread_mutex_lock(&points->lock);
	LIST_FOREACH (one, &points->authorities)
		if (X509_NAME_cmp(name, X509_get_subject_name(one)) == 0 &&
			X509_up_ref(one) == 1)
			list_add(out, one);
	pthread_mutex_unlock(&points->lock);
}

int
points_judge(struct points *points, struct crl *crl)
{
	struct list authorities = { 0 };
	int found = -1;
	X509 *one;

	points_namesakes(points, X509_CRL_get_issuer(crl->x509), &authorities);
	LIST_FOREACH (one, &authorities)
		if (found != 1)
			found = crl_is_signed_by(crl, one) == 1;
	list_clear(&authorities, points_free_authority);
	return found;
}
