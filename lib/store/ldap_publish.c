/* Certificates into the entries of a directory. */
#include <ldap.h>
#include <string.h>

#include "base/mem.h"
#include "store/ldap_changes.h"
#include "store/ldap_internal.h"

enum { TRIES_MAX = 5 };

static const char user_certificate[] = "userCertificate;binary";
static const char smime_certificate[] = "userSMIMECertificate";
static const char version[] = "entryCSN"; /* OpenLDAP: of each change */

struct store_publisher {
	struct ldap_plan plan; /* the store's, but for who we are */
	LDAP *ld;
	bool can_assert;
};

/* RFC 4528: a change that is made only if the entry is as it was read. */
static bool
can_assert(LDAP *ld)
{
	static const char attribute[] = "supportedControl";
	char *wanted[] = { (char *)attribute, NULL };
	LDAPMessage *answer = NULL, *root;
	struct berval **values = NULL;
	bool can = false;

	if (ldap_search_ext_s(ld, "", LDAP_SCOPE_BASE, NULL, wanted, 0, NULL,
		    NULL, NULL, 1, &answer) == LDAP_SUCCESS &&
		(root = ldap_first_entry(ld, answer)) != NULL)
		values = ldap_get_values_len(ld, root, attribute);
	for (size_t i = 0; values != NULL && values[i] != NULL; i++)
		can |= span_is(span_of(values[i]->bv_val, values[i]->bv_len),
			LDAP_CONTROL_ASSERT);
	ldap_value_free_len(values);
	ldap_msgfree(answer);
	return can;
}

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
	if (result != 0) {
		mem_free(self);
		return -1;
	}
	self->can_assert = can_assert(self->ld);
	*out = self;
	return 0;
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
		(char *)version, NULL };
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

/* ---- nobody's change is lost ---- */

/* An entry and what it held when it was read. */
struct reading {
	char *dn;
	struct berval **certificates, **packs, **version;
};

static void
reading_init(struct reading *reading, LDAP *ld, LDAPMessage *entry)
{
	reading->dn = ldap_get_dn(ld, entry);
	reading->certificates =
		ldap_get_values_len(ld, entry, user_certificate);
	reading->packs = ldap_get_values_len(ld, entry, smime_certificate);
	reading->version = ldap_get_values_len(ld, entry, version);
}

static void
reading_clear(struct reading *reading)
{
	ldap_memfree(reading->dn);
	ldap_value_free_len(reading->certificates);
	ldap_value_free_len(reading->packs);
	ldap_value_free_len(reading->version);
}

/* NULL: it cannot be said of this entry. */
static LDAPControl *
assertion(const struct store_publisher *self, const struct reading *reading)
{
	struct buf filter = { 0 };
	LDAPControl *control = NULL;
	struct berval **is = reading->version;

	if (self->can_assert && is != NULL && is[0] != NULL &&
		buf_add_format(&filter, NULL, "(%s=", version) == 0 &&
		ldap_filter_escape(&filter,
			span_of(is[0]->bv_val, is[0]->bv_len), NULL) == 0 &&
		buf_add(&filter, ")", 2, NULL) == 0)
		(void)!ldap_create_assertion_control(
			self->ld, (char *)filter.data, 1, &control);
	buf_clear(&filter);
	return control;
}

struct modification {
	LDAPMod mods[4], *all[5];
	size_t count;
};

static void
modify(struct modification *self, int how, const char *type,
	struct berval **values)
{
	self->mods[self->count] = (LDAPMod){ .mod_op = how | LDAP_MOD_BVALUES,
		.mod_type = (char *)type,
		.mod_bvalues = values };
	self->all[self->count] = &self->mods[self->count];
	self->count++;
}

/*
 * A directory that compares packs can take some out and leave others.  OpenLDAP
 * has no rule to compare them by, it writes all of them anew; there the
 * assertion keeps what somebody else has put there meanwhile.
 */
static void
modify_packs(struct modification *self, struct changes *changes, bool asserted)
{
	struct berval **added = &changes->kept[changes->keeps];

	if (changes->goes == 0 && !changes->new)
		return;
	if (changes->new)
		added[0] = &changes->smime;
	if (asserted) {
		modify(self, LDAP_MOD_REPLACE, smime_certificate,
			changes->kept);
		return;
	}
	if (changes->goes != 0)
		modify(self, LDAP_MOD_DELETE, smime_certificate, changes->gone);
	if (changes->new)
		modify(self, LDAP_MOD_ADD, smime_certificate, added);
}

/* ---- all of it ---- */

/* -1, or 1: it was changed meanwhile, read it again. */
static int
refused(const struct store_publisher *self, const char *dn, int code,
	struct error *err)
{
	enum error_kind kind = ERROR_SYSTEM;

	if (code == LDAP_ASSERTION_FAILED || code == LDAP_NO_SUCH_ATTRIBUTE ||
		code == LDAP_TYPE_OR_VALUE_EXISTS)
		return 1;
	if (code == LDAP_INSUFFICIENT_ACCESS ||
		code == LDAP_STRONG_AUTH_REQUIRED ||
		code == LDAP_OBJECT_CLASS_VIOLATION ||
		code == LDAP_INAPPROPRIATE_MATCHING ||
		code == LDAP_UNDEFINED_TYPE)
		kind = ERROR_CONFIG;
	return error_set(err, kind, "store %s: %s cannot be changed: %s",
		self->plan.store, dn, ldap_err2string(code));
}

static int
write_entry(const struct store_publisher *self, const struct reading *reading,
	struct changes *changes, enum store_published *out, struct error *err)
{
	LDAPControl *controls[] = { assertion(self, reading), NULL };
	struct modification modification = { 0 };
	int code = LDAP_SUCCESS;

	if (changes->removes != 0)
		modify(&modification, LDAP_MOD_DELETE, user_certificate,
			changes->remove);
	if (changes->adds != 0)
		modify(&modification, LDAP_MOD_ADD, user_certificate,
			changes->add);
	modify_packs(&modification, changes, controls[0] != NULL);
	*out = modification.count != 0 ? STORE_CHANGED : STORE_AS_IT_WAS;
	if (modification.count != 0)
		code = ldap_modify_ext_s(self->ld, reading->dn,
			modification.all, controls, NULL);
	if (controls[0] != NULL)
		ldap_control_free(controls[0]);
	return code == LDAP_SUCCESS ? 0 : refused(self, reading->dn, code, err);
}

static int
change_entry(const struct store_publisher *self, LDAPMessage *entry,
	const struct store_publication *publication, enum store_published *out,
	struct error *err)
{
	struct changes *changes = mem_alloc(sizeof(*changes));
	struct reading reading;
	int result;

	reading_init(&reading, self->ld, entry);
	if (ldap_count_values_len(reading.packs) >= VALUES_MAX) {
		result = error_set(err, ERROR_CONFIG,
			"store %s: %s has more than %d values of %s",
			self->plan.store, reading.dn, VALUES_MAX - 1,
			smime_certificate);
	} else {
		changes_find(publication, reading.certificates, reading.packs,
			changes);
		result = write_entry(self, &reading, changes, out, err);
	}
	changes_clear(changes);
	mem_free(changes);
	reading_clear(&reading);
	return result;
}

static int
publish_once(const struct store_publisher *self, const struct address *address,
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
		error_set(err, ERROR_CONFIG,
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

int
store_publish(struct store_publisher *self, const struct address *address,
	const struct store_publication *publication, enum store_published *out,
	struct error *err)
{
	int result = 1;

	for (int i = 0; result == 1 && i < TRIES_MAX; i++)
		result = publish_once(self, address, publication, out, err);
	if (result != 1)
		return result;
	return error_set(err, ERROR_SYSTEM,
		"store %s: somebody else changes the entry of %s again and "
		"again; try later",
		self->plan.store, address->text);
}
