/* Certificates into the entries of a directory. */
#include <ldap.h>
#include <string.h>

#include "base/mem.h"
#include "store/ldap_internal.h"
#include "store/publish.h"

enum { VALUES_MAX = 200 };

static const char user_certificate[] = "userCertificate;binary";
static const char smime_certificate[] = "userSMIMECertificate";

struct store_publisher {
	struct ldap_plan plan; /* the store's, but for who we are */
	LDAP *ld;
};

int
store_publisher_open(struct store *store, const char *bind_dn,
	const char *password, struct store_publisher **out, struct error *err)
{
	const struct ldap_plan *plan = ldap_store_plan(store);
	struct store_publisher *self;
	const char *uri;
	int result = -1;

	if (plan == NULL)
		return error_set(err, ERROR_CONFIG,
			"store %s is no directory (ldap)", store_name(store));
	self = mem_alloc(sizeof(*self));
	self->plan = *plan;
	if (bind_dn != NULL) {
		self->plan.bind_dn = (char *)bind_dn;
		self->plan.password = (char *)password;
	}
	LIST_FOREACH (uri, &plan->uris)
		if (result != 0)
			result = ldap_connection_open(&self->plan, uri,
				self->plan.timeout_ms, &self->ld, err);
	if (result == 0)
		*out = self;
	else
		mem_free(self);
	return result;
}

void
store_publisher_close(struct store_publisher *self)
{
	if (self == NULL)
		return;
	ldap_connection_close(self->ld);
	mem_free(self);
}

/* ---- what is there ---- */

static int
search(const struct store_publisher *self, const struct address *address,
	LDAPMessage **out, struct error *err)
{
	char *wanted[] = { (char *)user_certificate, (char *)smime_certificate,
		NULL };
	struct timeval limit = { self->plan.timeout_ms / 1000 + 1, 0 };
	struct buf filter = { 0 };
	int code, result = -1;

	if (ldap_filter_make(self->plan.filter, address, &filter, err) != 0 ||
		buf_add(&filter, "", 1, err) != 0)
		goto out;
	code = ldap_search_ext_s(self->ld, self->plan.base, LDAP_SCOPE_SUBTREE,
		(const char *)filter.data, wanted, 0, NULL, NULL, &limit, 2,
		out);
	if (code == LDAP_SUCCESS || code == LDAP_SIZELIMIT_EXCEEDED)
		result = 0;
	else
		error_set(err, ERROR_SYSTEM, "store %s: %s", self->plan.store,
			ldap_err2string(code));
out:
	buf_clear(&filter);
	return result;
}

/* ---- userCertificate: values come and go by themselves ---- */

struct changes {
	struct berval *add[VALUES_MAX + 1], *remove[VALUES_MAX + 1];
	size_t adds, removes;
};

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

/* True: it must be written; kept points into values. */
static bool
smime_values(const struct store_publication *publication,
	struct berval **values, struct berval *smime, struct berval **kept)
{
	bool right = publication->smime.data == NULL, change = false;
	size_t count = 0;

	for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
		enum whose kind = whose(publication, values[i]);

		if (count == VALUES_MAX - 1)
			return false;
		if (kind == OURS || (kind == OURS_AND_RIGHT && right)) {
			change = true;
			continue;
		}
		right |= kind == OURS_AND_RIGHT;
		kept[count++] = values[i];
	}
	if (!right) {
		smime->bv_val = (char *)publication->smime.data;
		smime->bv_len = publication->smime.len;
		kept[count++] = smime;
	}
	kept[count] = NULL;
	return change || !right;
}

/* ---- all of it ---- */

static int
write_entry(const struct store_publisher *self, const char *dn,
	LDAPMod **changes, struct error *err)
{
	int code = ldap_modify_ext_s(self->ld, dn, changes, NULL, NULL);

	if (code == LDAP_SUCCESS)
		return 0;
	return error_set(err,
		code == LDAP_INSUFFICIENT_ACCESS ||
				code == LDAP_STRONG_AUTH_REQUIRED ||
				code == LDAP_OBJECT_CLASS_VIOLATION ||
				code == LDAP_UNDEFINED_TYPE
			? ERROR_CONFIG
			: ERROR_SYSTEM,
		"store %s: %s cannot be changed: %s", self->plan.store, dn,
		ldap_err2string(code));
}

static int
change_entry(const struct store_publisher *self, LDAPMessage *entry,
	const struct store_publication *publication, enum store_published *out,
	struct error *err)
{
	struct berval **certificates = ldap_get_values_len(
			      self->ld, entry, user_certificate),
		      **packs = ldap_get_values_len(
			      self->ld, entry, smime_certificate);
	struct changes values = { 0 };
	struct berval smime, *kept[VALUES_MAX + 1];
	char *dn = ldap_get_dn(self->ld, entry);
	LDAPMod remove = { .mod_op = LDAP_MOD_DELETE | LDAP_MOD_BVALUES,
		.mod_type = (char *)user_certificate,
		.mod_bvalues = values.remove };
	LDAPMod add = { .mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES,
		.mod_type = (char *)user_certificate,
		.mod_bvalues = values.add };
	LDAPMod pack = { .mod_op = LDAP_MOD_REPLACE | LDAP_MOD_BVALUES,
		.mod_type = (char *)smime_certificate,
		.mod_bvalues = kept };
	LDAPMod *all[4] = { NULL };
	size_t count = 0;
	int result = 0;

	compare(certificates, publication->absent, false, values.remove,
		&values.removes);
	compare(certificates, publication->present, true, values.add,
		&values.adds);
	if (values.removes != 0)
		all[count++] = &remove;
	if (values.adds != 0)
		all[count++] = &add;
	if (smime_values(publication, packs, &smime, kept))
		all[count++] = &pack;
	*out = count != 0 ? STORE_CHANGED : STORE_AS_IT_WAS;
	if (count != 0)
		result = write_entry(self, dn, all, err);
	for (size_t i = 0; i < values.adds; i++)
		ber_bvfree(values.add[i]);
	for (size_t i = 0; i < values.removes; i++)
		ber_bvfree(values.remove[i]);
	ldap_value_free_len(certificates);
	ldap_value_free_len(packs);
	ldap_memfree(dn);
	return result;
}

int
store_publish(struct store_publisher *self, const struct address *address,
	const struct store_publication *publication, enum store_published *out,
	struct error *err)
{
	LDAPMessage *answer = NULL, *entry;
	int result = -1, entries;

	*out = STORE_NO_ENTRY;
	if (search(self, address, &answer, err) != 0)
		goto out;
	entries = ldap_count_entries(self->ld, answer);
	entry = ldap_first_entry(self->ld, answer);
	if (entries > 1)
		error_set(err, ERROR_LIMIT,
			"store %s: several entries have the address %s",
			self->plan.store, address->text);
	else if (entry == NULL)
		result = 0;
	else
		result = change_entry(self, entry, publication, out, err);
out:
	ldap_msgfree(answer);
	return result;
}
