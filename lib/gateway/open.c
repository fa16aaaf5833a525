/*
 * An envelope is opened for recipients who could open it themselves.
 *
 * Each of them needs a key of his own, and each of these keys is used: who
 * adds himself to the RecipientInfos of somebody else's mail cannot make his
 * own key give the same plaintext.  From outside every failure looks the same.
 */
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"
#include "metric/metric.h"

/* Different keys for one mail, and keys of one recipient that are tried; each
 * costs a decryption of all of it. */
enum { KEYS_MAX = 50 };

static const char cannot[] = "it cannot be decrypted";

/* May this key open the mail for that recipient?  1, 0, or -1: no memory. */
static int
is_key_for(const struct inbound_entry *entry, const struct cert *cert,
	const struct cms_envelope *envelope)
{
	if (cert->key == NULL ||
		(!entry->rule->any_key && entry->address != NULL &&
			!cert_names_address(cert, entry->address)))
		return 0;
	return cms_envelope_is_for(envelope, cert);
}

/* Those of the certificates found that may, referenced, to keys. */
static int
keep_keys(const struct inbound_entry *entry, const struct list *found,
	const struct cms_envelope *envelope, struct list *keys,
	struct error *err)
{
	struct cert *cert;
	int result = 0;

	LIST_FOREACH (cert, found) {
		int is = is_key_for(entry, cert, envelope);

		if (is == 1)
			list_add(keys, cert_ref(cert));
		if (is < 0)
			result = error_set(err, ERROR_SYSTEM,
				"no memory to look for a key");
	}
	return result;
}

static int
look_in(const struct work *work, const struct inbound_entry *entry,
	struct store *store, struct list *found, struct error *err)
{
	if (entry->rule->any_key || entry->address == NULL)
		return store_list(store, found, err);
	return store_find(
		store, entry->address, NULL, work->deadline_ms, found, err);
}

/*
 * The keys (struct cert *, referenced) of one recipient that the envelope
 * names; expired ones, too.  *trouble: a store cannot tell now, and the one
 * that is needed may be there; the error when no other is known.
 */
static int
find_keys(const struct work *work, const struct inbound_entry *entry,
	const struct cms_envelope *envelope, struct list *keys,
	struct error *trouble, struct error *err)
{
	struct store *store;

	LIST_FOREACH (store, &entry->rule->keys) {
		struct list found = { 0 };
		struct error why = { 0 };

		if ((look_in(work, entry, store, &found, &why) != 0 ||
			    keep_keys(entry, &found, envelope, keys, &why) !=
				    0) &&
			why.kind == ERROR_SYSTEM)
			*trouble = why;
		list_clear(&found, cert_unref);
	}
	if (keys->count != 0)
		return 0;
	if (trouble->kind != ERROR_NONE)
		return error_set(err, trouble->kind, "%s", trouble->text);
	return error_set(err, ERROR_NOKEY, "no key for %s%s%s",
		entry->address != NULL ? "<" : "it",
		entry->address != NULL ? entry->address->text : "",
		entry->address != NULL ? ">" : "");
}

static int
check_plaintext(struct span entity, struct error *err)
{
	if (!inbound_fields_are_few(entity))
		return error_set(err, ERROR_FORMAT,
			"more than %d fields were encrypted",
			INBOUND_FIELDS_MAX);
	return smime_check_plaintext(entity, err);
}

static int
give_up_unless_worked_on(struct work *work, struct error *err)
{
	return work_goes_on(work)
		       ? 0
		       : error_set(err, ERROR_SYSTEM, "the MTA has given up");
}

/*
 * Once, whatever fails: a second try would tell by its time that there was a
 * failure.
 */
static int
open_with_key(const struct work *work, struct span cms, const struct cert *cert,
	struct buf *out, struct error *err)
{
	buf_reset(out);
	if (cms_open_envelope(
		    cms, cert, work->inbound.legacy, NULL, out, err) == 0 &&
		check_plaintext(buf_span(out), err) == 0)
		return 0;
	buf_reset(out);
	return -1;
}

/* With the first of the keys that opens it, which goes to *opened. */
static int
open_with_one(struct work *work, struct span cms, const struct list *keys,
	struct buf *out, struct cert **opened, struct error *err)
{
	struct cert *cert;
	unsigned tries = 0;

	LIST_FOREACH (cert, keys) {
		if (give_up_unless_worked_on(work, err) != 0)
			return -1;
		if (++tries > KEYS_MAX)
			break;
		if (open_with_key(work, cms, cert, out, err) == 0) {
			*opened = cert;
			return 0;
		}
		if (err->kind == ERROR_SYSTEM)
			return -1;
		trace_add(work_trace(work), "key %s: %s", cert->source,
			err->text);
	}
	return -1;
}

/* Is one of his keys one that has opened the mail? */
static bool
has_opened(const struct list *keys, const struct list *openers)
{
	const struct cert *key, *opener;

	LIST_FOREACH (key, keys)
		LIST_FOREACH (opener, openers)
			if (strcmp(key->sha256, opener->sha256) == 0)
				return true;
	return false;
}

/*
 * As one recipient could; the first plaintext stays in out.  Only the key that
 * did it joins the openers: his others may be anything.
 */
static int
open_for(struct work *work, const struct list *keys, struct span cms,
	struct list *openers, struct buf *out, struct error *err)
{
	struct buf again = { 0 };
	struct cert *opener = NULL;
	bool first = openers->count == 0;
	int result = -1;

	if (openers->count >= KEYS_MAX)
		return error_set(err, ERROR_LIMIT,
			"it would need more than %d keys", KEYS_MAX);
	buf_init(&again, out->limit_bytes);
	if (open_with_one(
		    work, cms, keys, first ? out : &again, &opener, err) != 0)
		goto out;
	list_add(openers, cert_ref(opener));
	if (first || span_equal(buf_span(&again), buf_span(out)))
		result = 0;
	else
		error_set(err, ERROR_FORMAT,
			"it gives different mails to different recipients");
out:
	buf_clear(&again);
	return result;
}

/* A rule whose keys open for everybody has done so for the recipient before. */
static bool
is_done(const struct inbound_set *set, size_t i)
{
	const struct inbound_rule *rule = set->entries[i].rule;

	for (size_t j = 0; rule->any_key && j < i; j++)
		if (set->entries[j].rule == rule)
			return true;
	return false;
}

/* With the keys there are; one that cannot be had now may be the right one. */
static int
open_for_entry(struct work *work, const struct inbound_entry *entry,
	const struct cms_envelope *envelope, struct span cms,
	struct list *openers, struct buf *out, struct error *err)
{
	struct error trouble = { 0 };
	struct list keys = { 0 };
	int result = find_keys(work, entry, envelope, &keys, &trouble, err);

	if (result == 0 && !has_opened(&keys, openers)) {
		result = open_for(work, &keys, cms, openers, out, err);
		if (result != 0 && trouble.kind != ERROR_NONE)
			*err = trouble;
	}
	list_clear(&keys, cert_unref);
	return result;
}

static int
open_for_all(struct work *work, const struct cms_envelope *envelope,
	struct span cms, struct buf *out, struct error *err)
{
	const struct inbound_set *set = &work->inbound;
	struct list openers = { 0 };
	int result = 0;

	for (size_t i = 0; i < set->count && result == 0; i++) {
		if (is_done(set, i))
			continue;
		result = give_up_unless_worked_on(work, err);
		if (result == 0)
			result = open_for_entry(work, &set->entries[i],
				envelope, cms, &openers, out, err);
	}
	list_clear(&openers, cert_unref);
	return result;
}

void
inbound_client_failed(struct work *work)
{
	counts_client_failed(work->gateway->counts, &work->mail->client);
}

/* A failure with a key costs the client something, others do not. */
static void
count_failure(struct work *work, const struct error *err)
{
	metric_add(METRIC_MAILS_UNDECRYPTABLE, 1);
	if (err->kind == ERROR_CRYPTO || err->kind == ERROR_FORMAT)
		inbound_client_failed(work);
}

static bool
is_barred(const struct work *work)
{
	const struct client *client = &work->mail->client;

	return !client->local && client->family != 0 &&
	       counts_client_is_barred(work->gateway->counts, client,
		       work->gateway->limits.decrypt_failures);
}

int
inbound_open(struct work *work, struct inbound_layer *layer, struct span cms,
	struct buf *out, struct error *err)
{
	int result = -1;

	if (cms_read_envelope(cms, NULL, &layer->envelope, err) != 0) {
		error_prefix(err, "%s: ", cannot);
		count_failure(work, err);
		return -1;
	}
	if (!work->inbound.open) {
		error_set(err, ERROR_NOKEY,
			"not opened: not every recipient has a rule with keys");
		return 0;
	}
	/* Others may send by the same host: theirs has to wait. */
	if (is_barred(work))
		error_set(err,
			work->inbound.undecryptable > OTHERWISE_PASS
				? ERROR_SYSTEM
				: ERROR_LIMIT,
			"too many failures of this client "
			"(limits.decrypt_failures is %u)",
			work->gateway->limits.decrypt_failures);
	else
		result = open_for_all(work, &layer->envelope, cms, out, err);
	if (result == 0)
		return 1;
	buf_clear(out);
	if (err->kind != ERROR_SYSTEM)
		count_failure(work, err);
	if (strstr(err->text, cannot) == NULL)
		error_prefix(err, "%s: ", cannot);
	return -1;
}
