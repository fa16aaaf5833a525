/* What the journal says, in memory. */
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ca/internal.h"

enum { DAY = 86400 };

static int
compare_serial(const void *a, const void *b)
{
	const struct ca_entry *x = a, *y = b;

	return strcmp(x->serial, y->serial);
}

static int
compare_key(const void *a, const void *b)
{
	const struct ca_entry *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void
entry_free(void *p)
{
	struct ca_entry *entry = p;

	mem_free(entry->address);
	mem_free(entry->key);
	mem_free(entry->name);
	mem_free(entry->template);
	mem_free(entry->organisation);
	mem_free(entry->given_name);
	mem_free(entry->surname);
	mem_free(entry->upn);
	mem_free(entry->deliver_to);
	mem_free(entry->delivered_to);
	mem_free(entry->telephone);
	mem_free(entry);
}

static void
keep(void *entry UNUSED)
{
}

void
entries_clear(struct ca *ca)
{
	tdestroy(ca->by_serial, keep);
	tdestroy(ca->by_key, keep);
	list_clear(&ca->entries, entry_free);
	mem_free(ca->root_sha256);
	mem_free(ca->issuer_sha256);
}

struct ca_entry *
entries_serial(const struct ca *ca, const char *serial)
{
	struct ca_entry wanted = { 0 };
	struct ca_entry **node;

	if (strlen(serial) != CA_SERIAL_HEX - 1)
		return NULL;
	memcpy(wanted.serial, serial, CA_SERIAL_HEX);
	node = tfind(&wanted, &ca->by_serial, compare_serial);
	return node != NULL ? *node : NULL;
}

/* ---- lines ---- */

static const char *
value(const struct journal_line *line, const char *name)
{
	const char *text = journal_value(line, name);

	return text != NULL ? text : "";
}

static time_t
time_value(const struct journal_line *line, const char *name)
{
	const char *text = journal_value(line, name);

	return text != NULL ? (time_t)strtoll(text, NULL, 10) : 0;
}

/* Behind the others of its address. */
static void
enter_key(struct ca *ca, struct ca_entry *entry)
{
	struct ca_entry **node = tsearch(entry, &ca->by_key, compare_key);

	if (node == NULL || *node == entry)
		return;
	entry->earlier = *node;
	*node = entry;
}

static int
take_issue(struct ca *ca, const struct journal_line *line, struct error *err)
{
	const char *serial = value(line, "serial"),
		   *sha256 = value(line, "sha256"),
		   *renews = journal_value(line, "renews");
	struct ca_entry *entry, *renewed;

	if (strlen(serial) != CA_SERIAL_HEX - 1 ||
		strlen(sha256) != CERT_SHA256_HEX - 1 ||
		entries_serial(ca, serial) != NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: line %lu: a certificate with a serial number that "
			"is none or was given before",
			ca->journal.path, line->number);
	entry = mem_alloc(sizeof(*entry));
	memcpy(entry->serial, serial, CA_SERIAL_HEX);
	memcpy(entry->sha256, sha256, CERT_SHA256_HEX);
	entry->address = mem_string(value(line, "address"));
	entry->key = mem_string(value(line, "for"));
	entry->name = mem_string(value(line, "name"));
	entry->template = mem_string(value(line, "template"));
	entry->organisation = mem_string(journal_value(line, "organisation"));
	entry->given_name = mem_string(journal_value(line, "given-name"));
	entry->surname = mem_string(journal_value(line, "surname"));
	entry->upn = mem_string(journal_value(line, "upn"));
	entry->internal = strcmp(value(line, "who"), "internal") == 0;
	entry->has_key = strcmp(value(line, "key"), "escrow") == 0;
	entry->held = journal_value(line, "held") != NULL;
	entry->deliver_to = mem_string(journal_value(line, "deliver-to"));
	entry->telephone = mem_string(journal_value(line, "telephone"));
	entry->wanted = strcmp(value(line, "cause"), "wanted") == 0;
	entry->issued = line->when;
	entry->not_before = time_value(line, "from");
	entry->not_after = time_value(line, "until");
	list_add(&ca->entries, entry);
	(void)tsearch(entry, &ca->by_serial, compare_serial);
	enter_key(ca, entry);
	renewed = renews != NULL ? entries_serial(ca, renews) : NULL;
	if (renewed != NULL)
		renewed->renewed_by = entry;
	return 0;
}

/* Imported ones may be of certificates that we never saw. */
static struct ca_entry *
revoked_entry(struct ca *ca, const char *serial)
{
	struct ca_entry *entry = entries_serial(ca, serial);

	if (entry != NULL || strlen(serial) != CA_SERIAL_HEX - 1)
		return entry;
	entry = mem_alloc(sizeof(*entry));
	memcpy(entry->serial, serial, CA_SERIAL_HEX);
	entry->address = mem_string("");
	entry->key = mem_string("");
	entry->name = mem_string("");
	entry->template = mem_string("");
	list_add(&ca->entries, entry);
	(void)tsearch(entry, &ca->by_serial, compare_serial);
	return entry;
}

static int
take_revoke(struct ca *ca, const struct journal_line *line,
	struct error *err UNUSED)
{
	struct ca_entry *entry = revoked_entry(ca, value(line, "serial"));
	int reason = ca_reason_from_name(value(line, "reason"));
	time_t at = time_value(line, "at");

	if (entry == NULL)
		return 0;
	entry->revoked = reason == CA_UNHELD ? 0 : at != 0 ? at : line->when;
	entry->reason = reason;
	ca->crl_stale = true;
	return 0;
}

static int
take_file(struct ca *ca, const struct journal_line *line,
	struct error *err UNUSED)
{
	struct ca_entry *entry = entries_serial(ca, value(line, "serial"));

	if (entry != NULL)
		entry->filed = true;
	return 0;
}

static int
take_deliver(struct ca *ca, const struct journal_line *line,
	struct error *err UNUSED)
{
	struct ca_entry *entry = entries_serial(ca, value(line, "serial"));
	const char *telephone = journal_value(line, "telephone");

	if (entry == NULL)
		return 0;
	mem_free(entry->delivered_to);
	entry->delivered_to = mem_string(journal_value(line, "to"));
	if (telephone == NULL)
		return 0;
	mem_free(entry->telephone);
	entry->telephone = mem_string(telephone);
	return 0;
}

static int
take_tell(struct ca *ca, const struct journal_line *line,
	struct error *err UNUSED)
{
	struct ca_entry *entry = entries_serial(ca, value(line, "serial"));

	if (entry != NULL) {
		mem_free(entry->deliver_to);
		entry->deliver_to = NULL;
		entry->held = false;
	}
	return 0;
}

static int
take_crl(struct ca *ca, const struct journal_line *line,
	struct error *err UNUSED)
{
	ca->crl_number = strtoul(value(line, "number"), NULL, 10);
	ca->crl_made = line->when;
	ca->crl_next = time_value(line, "next");
	ca->crl_stale = false;
	return 0;
}

/* Ours shall be higher than anybody's. */
static int
take_import(struct ca *ca, const struct journal_line *line,
	struct error *err UNUSED)
{
	unsigned long number = strtoul(value(line, "number"), NULL, 10);

	if (number != ULONG_MAX && number > ca->crl_number)
		ca->crl_number = number;
	ca->crl_stale = true;
	return 0;
}

static int
take_create(struct ca *ca, const struct journal_line *line,
	struct error *err UNUSED)
{
	mem_free(ca->root_sha256);
	mem_free(ca->issuer_sha256);
	ca->root_sha256 = mem_string(value(line, "root"));
	ca->issuer_sha256 = mem_string(value(line, "issuer"));
	return 0;
}

static const struct {
	const char *act;
	int (*take)(struct ca *ca, const struct journal_line *line,
		struct error *err);
} acts[] = {
	{ "create", take_create },
	{ "issue", take_issue },
	{ "file", take_file },
	{ "deliver", take_deliver },
	{ "tell", take_tell },
	{ "revoke", take_revoke },
	{ "crl", take_crl },
	{ "import-crl", take_import },
};

int
entries_line(void *p, const struct journal_line *line, struct error *err)
{
	for (size_t i = 0; i < COUNT_OF(acts); i++)
		if (strcmp(acts[i].act, line->act) == 0)
			return acts[i].take(p, line, err);
	return 0; /* for people */
}

/* ---- questions ---- */

static const char *const states[] = { [CA_VALID] = "valid",
	[CA_EXPIRED] = "expired",
	[CA_REVOKED] = "revoked",
	[CA_SUPERSEDED] = "superseded" };

const char *
ca_state_name(enum ca_state state)
{
	return states[state];
}

enum ca_state
ca_entry_state(const struct ca_entry *entry, time_t now)
{
	if (entry->revoked != 0)
		return entry->reason == CA_SUPERSEDED_REASON ? CA_SUPERSEDED
							     : CA_REVOKED;
	return now > entry->not_after ? CA_EXPIRED : CA_VALID;
}

bool
ca_entry_is_undelivered(const struct ca_entry *entry, time_t now)
{
	return entry->deliver_to != NULL && entry->renewed_by == NULL &&
	       ca_entry_state(entry, now) == CA_VALID;
}

void
ca_list(const struct ca *ca, struct list *out)
{
	struct ca_entry *entry;

	LIST_FOREACH (entry, &ca->entries)
		list_add(out, entry);
}

static const struct ca_entry *
last_of(const struct ca *ca, const char *key)
{
	const struct ca_entry wanted = { .key = (char *)key };
	struct ca_entry **node = tfind(&wanted, &ca->by_key, compare_key);

	return node != NULL ? *node : NULL;
}

void
ca_find(const struct ca *ca, const char *word, struct list *out)
{
	struct ca_entry *entry = entries_serial(ca, word);
	const struct ca_entry *one;
	struct address *address = NULL;

	if (entry != NULL) {
		list_add(out, entry);
	} else if (strlen(word) == CERT_SHA256_HEX - 1) {
		LIST_FOREACH (entry, &ca->entries)
			if (strcmp(entry->sha256, word) == 0)
				list_add(out, entry);
	} else if (addr_parse(word, &address, NULL) == 0) {
		for (one = last_of(ca, address->key); one != NULL;
			one = one->earlier)
			list_add(out, (void *)one);
		address_free(address);
	}
}

const struct ca_entry *
ca_current(const struct ca *ca, const char *key, time_t now)
{
	const struct ca_entry *entry = last_of(ca, key);

	while (entry != NULL && ca_entry_state(entry, now) != CA_VALID)
		entry = entry->earlier;
	return entry;
}

/* Something else of that address does the same for longer. */
static bool
is_outlived(const struct ca *ca, const struct ca_entry *entry, time_t now)
{
	const struct ca_entry *other = last_of(ca, entry->key);

	for (; other != NULL; other = other->earlier)
		if (other->not_after > entry->not_after &&
			strcmp(other->template, entry->template) == 0 &&
			ca_entry_state(other, now) == CA_VALID)
			return true;
	return false;
}

void
ca_renewable(const struct ca *ca, unsigned days, time_t now, struct list *out)
{
	struct ca_entry *entry;

	LIST_FOREACH (entry, &ca->entries)
		if (entry->sha256[0] != '\0' && entry->renewed_by == NULL &&
			!entry->held &&
			ca_entry_state(entry, now) == CA_VALID &&
			entry->not_after <= now + (time_t)days * DAY &&
			!is_outlived(ca, entry, now))
			list_add(out, entry);
}
