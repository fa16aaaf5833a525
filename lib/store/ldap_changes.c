/* What an entry holds of ours, and what it shall hold. */
#include "store/ldap_changes.h"

#include <string.h>

#include "base/mem.h"

/* ---- userCertificate: values come and go by themselves ---- */

static struct berval *
der_of(const struct cert *cert)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert->x509, &der);
	struct berval *value =
		len > 0 ? ber_mem2bv((char *)der, (ber_len_t)len, 1, NULL)
			: NULL;

	OPENSSL_free(der);
	return value;
}

static bool
holds(struct berval **values, const struct berval *value)
{
	for (size_t i = 0; values != NULL && values[i] != NULL; i++)
		if (ber_bvcmp(values[i], value) == 0)
			return true;
	return false;
}

static void
compare(struct berval **values, const struct list *certs, bool shall_be,
	struct berval **list, size_t *count)
{
	const struct cert *cert;

	LIST_FOREACH (cert, certs) {
		struct berval *value =
			*count < VALUES_MAX ? der_of(cert) : NULL;

		if (value != NULL && holds(values, value) != shall_be)
			list[(*count)++] = value;
		else if (value != NULL)
			ber_bvfree(value);
	}
}

/* ---- userSMIMECertificate: all of it anew ---- */

static bool
is_among(const struct list *certs, const struct cert *wanted)
{
	const struct cert *cert;

	LIST_FOREACH (cert, certs)
		if (strcmp(cert->sha256, wanted->sha256) == 0)
			return true;
	return false;
}

enum whose { FOREIGN, OURS, OURS_AND_RIGHT };

static enum whose
whose(const struct store_publication *publication, const struct berval *value)
{
	struct list certs = { 0 }, warnings = { 0 };
	const struct cert *cert, *first = NULL;
	enum whose answer = FOREIGN;

	if (publication->present->count != 0)
		first = publication->present->item[0];
	(void)!cert_load(span_of(value->bv_val, value->bv_len), NULL, "",
		&cert_limits_default, &certs, &warnings, NULL);
	LIST_FOREACH (cert, &certs) {
		if (answer == FOREIGN &&
			(is_among(publication->present, cert) ||
				is_among(publication->absent, cert)))
			answer = OURS;
		if (first != NULL && publication->smime.data != NULL &&
			strcmp(cert->sha256, first->sha256) == 0)
			answer = OURS_AND_RIGHT;
	}
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	return answer;
}

static void
sort_packs(const struct store_publication *publication, struct berval **values,
	struct changes *out)
{
	bool right = publication->smime.data == NULL;

	for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
		enum whose kind = whose(publication, values[i]);

		if (kind == OURS || (kind == OURS_AND_RIGHT && right))
			out->gone[out->goes++] = values[i];
		else
			out->kept[out->keeps++] = values[i];
		right |= kind == OURS_AND_RIGHT;
	}
	out->new = !right;
	if (right)
		return;
	out->smime.bv_val = (char *)publication->smime.data;
	out->smime.bv_len = publication->smime.len;
}

/* ---- both ---- */

void
changes_find(const struct store_publication *publication,
	struct berval **certificates, struct berval **packs,
	struct changes *out)
{
	compare(certificates, publication->absent, false, out->remove,
		&out->removes);
	compare(certificates, publication->present, true, out->add, &out->adds);
	sort_packs(publication, packs, out);
}

void
changes_clear(struct changes *changes)
{
	for (size_t i = 0; i < changes->adds; i++)
		ber_bvfree(changes->add[i]);
	for (size_t i = 0; i < changes->removes; i++)
		ber_bvfree(changes->remove[i]);
}
