/* smimectl ca publish: certificates into a directory. */
#include <stdio.h>
#include <string.h>

#include "authority.h"
#include "base/clock.h"
#include "base/mem.h"

struct publishing {
	struct authority *authority;
	struct store *store; /* the directory */
	struct store_publisher *publisher;
	json_t *array;
	bool quiet; /* about addresses that have no entry */
};

/* ---- what an address has ---- */

/* Certificates of ours, the newest first; the latest one that encrypts leads.
 */
struct holdings {
	struct list present, absent; /* struct cert * */
	struct buf smime;
	bool damaged; /* one of them: it is left out */
};

static void
holdings_clear(struct holdings *holdings)
{
	list_clear(&holdings->present, cert_unref);
	list_clear(&holdings->absent, cert_unref);
	buf_clear(&holdings->smime);
}

static int
add_entry(struct ca *ca, const struct ca_entry *entry,
	struct holdings *holdings, struct error *err)
{
	bool valid =
		ca_entry_state(entry, clock_now()) == CA_VALID && !entry->held;
	bool leads = valid && holdings->present.count == 0;
	struct cert *cert = NULL;
	struct error why = { 0 };

	if (entry->sha256[0] == '\0')
		return 0; /* another list's */
	if (ca_load(ca, entry, leads && entry->has_key, &cert, &why) != 0) {
		if (why.kind == ERROR_SYSTEM)
			return error_set(err, why.kind, "%s", why.text);
		ctl_complain("%s: left out: %s", entry->address, why.text);
		holdings->damaged = true;
		return 0;
	}
	/* Nobody encrypts with it, but where it was put it may stay. */
	if (valid && !cert->may_encrypt) {
		cert_unref(cert);
		return 0;
	}
	if (!valid) {
		list_add(&holdings->absent, cert);
		return 0;
	}
	list_add(&holdings->present, cert);
	return leads ? ca_smime_certificate(cert, &holdings->smime, err) : 0;
}

static int
gather(struct ca *ca, const char *address, struct holdings *holdings,
	struct error *err)
{
	const struct ca_entry *entry;
	struct list all = { 0 };
	int result = 0;

	ca_find(ca, address, &all);
	LIST_FOREACH (entry, &all)
		if (result == 0)
			result = add_entry(ca, entry, holdings, err);
	list_clear(&all, NULL);
	return result;
}

/* ---- one address ---- */

static const char *const words[] = { [STORE_NO_ENTRY] = "no entry",
	[STORE_AS_IT_WAS] = "as it was",
	[STORE_CHANGED] = "published" };

static int
say(const struct publishing *self, const char *address, size_t count,
	enum store_published what)
{
	if (self->array != NULL)
		json_array_append_new(self->array,
			json_pack("{s:o,s:s,s:i}", "address",
				json_text(address), "result", words[what],
				"certificates", (int)count));
	else if (what != STORE_NO_ENTRY || !self->quiet)
		printf("%s: %s, %zu certificate%s\n", address, words[what],
			count, count == 1 ? "" : "s");
	return what == STORE_NO_ENTRY && !self->quiet ? CTL_NO : CTL_YES;
}

static int
publish(const struct publishing *self, const struct address *address)
{
	struct ca *ca = self->authority->ca;
	struct holdings holdings = { 0 };
	struct store_publication publication = { .present = &holdings.present,
		.absent = &holdings.absent };
	enum store_published what = STORE_NO_ENTRY;
	struct error err = { 0 };
	int code = CTL_TROUBLE;

	if (gather(ca, address->key, &holdings, &err) != 0)
		goto out;
	if (holdings.smime.len != 0)
		publication.smime = buf_span(&holdings.smime);
	if (store_publish(
		    self->publisher, address, &publication, &what, &err) != 0)
		goto out;
	if (what == STORE_CHANGED &&
		ca_note(ca, "publish",
			(const char *[]){ "address", address->text, NULL },
			&err) != 0)
		goto out;
	code = say(self, address->text, holdings.present.count, what);
out:
	if (code == CTL_TROUBLE)
		ctl_complain("%s: %s", address->text, err.text);
	if (holdings.damaged)
		code = CTL_TROUBLE;
	holdings_clear(&holdings);
	return code;
}

static int
publish_word(const struct publishing *self, const char *word)
{
	struct address *address = NULL;
	struct list found = { 0 };
	int code = CTL_YES;

	if (!self->quiet)
		code = authority_find(self->authority->ca, word, &found);
	list_clear(&found, NULL);
	if (code == CTL_YES && addr_parse(word, &address, NULL) != 0)
		code = ctl_usage("%s: is no address", word);
	if (code == CTL_YES)
		code = publish(self, address);
	address_free(address);
	return code;
}

/* Each address once: an entry without an earlier one stands for it. */
static int
publish_all(struct publishing *self)
{
	const struct ca_entry *entry;
	struct list all = { 0 };
	int code = CTL_YES;

	self->quiet = true;
	ca_list(self->authority->ca, &all);
	LIST_FOREACH (entry, &all) {
		int one = CTL_YES;

		if (entry->earlier == NULL && entry->sha256[0] != '\0')
			one = publish_word(self, entry->address);
		code = ctl_worse(one, code);
	}
	list_clear(&all, NULL);
	return code;
}

/* ---- the command ---- */

/* That store alone: the others may not be ours to read. */
static int
open_publisher(struct publishing *self)
{
	const struct store_settings *directory =
		self->authority->conf->ca_publish.directory;
	struct list warnings = { 0 };
	struct error err = { 0 };
	const char *text;
	int code = CTL_YES;

	if (directory == NULL)
		return ctl_usage("the configuration does not say where "
				 "certificates are published "
				 "(ca_publish.store)");
	if (store_open(directory, &self->store, &warnings, &err) != 0 ||
		store_publisher_open(
			self->store, NULL, NULL, &self->publisher, &err) != 0)
		code = ctl_trouble(&err);
	LIST_FOREACH (text, &warnings)
		ctl_complain("%s", text);
	list_clear(&warnings, mem_free);
	return code;
}

static int
run(const struct request *request, struct publishing *self)
{
	struct authority *authority = self->authority;
	const char *word;
	int code = authority_open(request, AUTHORITY_UNLOCKED, authority);

	if (code == CTL_YES)
		code = open_publisher(self);
	if (code != CTL_YES)
		return code;
	if (request->words.count == 0)
		return publish_all(self);
	LIST_FOREACH (word, &request->words) {
		int one = publish_word(self, word);

		code = ctl_worse(one, code);
	}
	return code;
}

int
command_ca_publish(const struct request *request)
{
	struct authority authority = { 0 };
	struct publishing self = { .authority = &authority,
		.array = request->json ? json_array() : NULL };
	int code = run(request, &self);

	if (self.array != NULL)
		json_answer(self.array);
	store_publisher_close(self.publisher);
	store_close(self.store);
	authority_close(&authority);
	return code;
}
