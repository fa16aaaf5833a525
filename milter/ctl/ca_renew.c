/* smimectl ca renew and ca supersede. */
#include <string.h>

#include "authority.h"
#include "base/clock.h"
#include "base/mem.h"

enum { WITHIN_DAYS = 30, DAYS_MAX = 36500 };

struct renewing {
	const struct request *request;
	struct issuance issuance;
	struct list entries; /* const struct ca_entry * */
	struct delivering delivering;
	struct list texts; /* of our own: what an entry holds may change */
	bool supersede, deliver;
	unsigned days, within;
	int left_out; /* CTL_YES, or why one was */
};

/* Of an address the last one that is valid. */
static int
add_word(struct renewing *self, const char *word)
{
	const struct ca *ca = self->issuance.authority->ca;
	const struct ca_entry *entry = NULL, *one;
	struct list found = { 0 };
	int code = authority_find(ca, word, &found);

	LIST_FOREACH (one, &found)
		if (entry == NULL && one->sha256[0] != '\0' &&
			ca_entry_state(one, clock_now()) == CA_VALID)
			entry = one;
	/* Also one that has ended, when it is named. */
	if (entry == NULL && found.count == 1)
		entry = found.item[0];
	if (entry != NULL)
		list_add(&self->entries, (void *)entry);
	else if (code == CTL_YES) {
		ctl_complain("%s: no certificate is valid any more", word);
		code = CTL_NO;
	}
	list_clear(&found, NULL);
	return code;
}

/* The old one ends meanwhile, and then there is none to use. */
static void
remind(const struct renewing *self)
{
	const struct ca_entry *entry;
	struct list all = { 0 };

	ca_list(self->issuance.authority->ca, &all);
	LIST_FOREACH (entry, &all)
		if (ca_entry_is_undelivered(entry, clock_now()))
			ctl_complain("%s: certificate %s is not delivered yet "
				     "(\"ca deliver --pending\")",
				entry->address, entry->serial);
	list_clear(&all, NULL);
}

/* Partners have to get theirs, or it is of no use. */
static void
add_ending(struct renewing *self, unsigned within)
{
	const struct ca_entry *entry;
	struct list all = { 0 };

	ca_renewable(self->issuance.authority->ca, within, clock_now(), &all);
	LIST_FOREACH (entry, &all) {
		if (entry->internal || (self->deliver && entry->has_key))
			list_add(&self->entries, (void *)entry);
		else
			ctl_complain("%s: certificate %s ends soon; %s",
				entry->address, entry->serial,
				entry->has_key
					? "--deliver renews it"
					: "its owner, who has the key, has to "
					  "ask for another one");
	}
	list_clear(&all, NULL);
}

static int
choose(struct renewing *self)
{
	const struct request *request = self->request;
	const char *word;
	int code = CTL_YES;

	LIST_FOREACH (word, &request->words)
		if (add_word(self, word) != CTL_YES)
			code = CTL_NO;
	if (request->words.count != 0)
		return code;
	if (!self->deliver)
		remind(self);
	add_ending(self, self->within);
	return CTL_YES;
}

static const char *
keep(struct renewing *self, const char *text)
{
	char *copy = mem_string(text);

	if (copy != NULL)
		list_add(&self->texts, copy);
	return copy;
}

/*
 * Where the old one was sent; our own people's keys stay here, unless somebody
 * was given the old one.
 */
static const char *
deliver_to(const struct renewing *self, const struct ca_request *request)
{
	const char *to = request_option(self->request, "--to");
	const char *before = request->renews->delivered_to;

	if (request->same_key ||
		(!request->held && (before == NULL || !self->deliver)))
		return NULL;
	return to != NULL ? to : before != NULL ? before : request->address;
}

/* With the number of the delivery before, unless there is another. */
static const char *
telephone_of(const struct renewing *self, const struct ca_entry *old)
{
	const char *telephone = request_option(self->request, "--telephone");

	return telephone != NULL ? telephone : old->telephone;
}

/* Those that are named are looked at all together, before anything is done. */
static int
check(const struct renewing *self, const struct ca_request *request)
{
	const struct ca_entry *entry = request->renews;
	struct error err = { 0 };

	if (!request->same_key && !entry->has_key) {
		ctl_complain("%s: certificate %s belongs to a key that is not "
			     "here: --same-key, or a new request of its owner",
			entry->address, entry->serial);
		return CTL_NO;
	}
	if (self->request->words.count != 0 ||
		ca_request_check(self->issuance.authority->ca, request, &err) ==
			0)
		return CTL_YES;
	ctl_complain("%s", err.text);
	return err.kind == ERROR_SYSTEM ? CTL_TROUBLE : CTL_NO;
}

static int
add_request(struct renewing *self, const struct ca_entry *entry)
{
	const struct conf *conf = self->issuance.authority->conf;
	const char *name = request_option(self->request, "--template");
	const struct ca_template *template = ca_template_find(
		&conf->ca_templates, name != NULL ? name : entry->template);
	struct ca_request *request;
	int code;

	if (template == NULL)
		return ctl_usage("%s: there is no template \"%s\" (any more)",
			entry->address, name != NULL ? name : entry->template);
	request = mem_alloc(sizeof(*request));
	*request = (struct ca_request){ .template = template,
		.address = entry->address,
		.name = entry->name[0] != '\0' ? entry->name : NULL,
		.organisation = entry->organisation,
		.given_name = entry->given_name,
		.surname = entry->surname,
		.upn = template->upn ? entry->upn : NULL,
		.days = self->days,
		.internal = entry->internal,
		.no_escrow = !entry->has_key,
		.renews = entry,
		.same_key = request_option(self->request, "--same-key") != NULL,
		.supersedes = self->supersede };
	/* The old one goes on until its owner has the new key. */
	request->held = !entry->internal && !request->same_key;
	request->deliver_to = keep(self, deliver_to(self, request));
	request->telephone = keep(self, telephone_of(self, entry));
	code = check(self, request);
	if (code == CTL_YES)
		list_add(&self->issuance.requests, request);
	else
		mem_free(request);
	return code;
}

/* One that will not do does not let all others end, with nobody looking. */
static int
add_requests(struct renewing *self)
{
	const struct ca_entry *entry;
	int one;

	LIST_FOREACH (entry, &self->entries) {
		one = add_request(self, entry);
		if (one != CTL_YES && self->request->words.count != 0)
			return one;
		self->left_out = ctl_worse(one, self->left_out);
	}
	return CTL_YES;
}

static int
prepare(struct renewing *self)
{
	int code = choose(self);

	if (code == CTL_YES)
		code = add_requests(self);
	if (code == CTL_YES)
		code = issuance_open_store(self->request, &self->issuance);
	return code;
}

/* ---- to its owner ---- */

static int
send_all(struct renewing *self)
{
	const struct ca_request *request;
	int code = CTL_YES, one;

	LIST_FOREACH (request, &self->issuance.requests) {
		if (request->cert == NULL || request->deliver_to == NULL)
			continue;
		self->delivering.to = request->deliver_to;
		one = delivering_send(&self->delivering, request->entry,
			request->cert, request->telephone);
		code = ctl_worse(one, code);
	}
	return code;
}

static void
say_what_waits(const struct renewing *self)
{
	const struct ca_request *request;

	LIST_FOREACH (request, &self->issuance.requests)
		if (request->held && request->cert != NULL)
			ctl_complain("%s: %s until \"ca deliver %s\" has sent "
				     "the new one",
				request->address,
				self->supersede
					? "there is no certificate to use"
					: "mail is encrypted for the old "
					  "certificate",
				request->entry->serial);
}

static bool
is_any_issued(const struct renewing *self)
{
	const struct ca_request *request;

	LIST_FOREACH (request, &self->issuance.requests)
		if (request->cert != NULL)
			return true;
	return false;
}

/* All but what has to wait until it was shown. */
static int
begin(struct renewing *self, struct authority *authority)
{
	const struct request *request = self->request;
	int code = CTL_YES, sent = CTL_YES, one = CTL_YES;

	self->issuance.authority = authority;
	/* Before anything is issued: can it be delivered? */
	if (self->deliver)
		code = delivering_begin(request, authority, &self->delivering);
	self->delivering.array = self->issuance.array;
	/* What was not sent the last time. */
	if (code == CTL_YES && self->deliver && request->words.count == 0)
		sent = delivering_pending(&self->delivering,
			request_option(request, "--telephone"));
	if (code == CTL_YES)
		code = prepare(self);
	if (code == CTL_YES)
		code = issuance_run(&self->issuance);
	/* What is issued is issued, even if it could not be filed. */
	if (self->deliver)
		one = send_all(self);
	else
		say_what_waits(self);
	sent = ctl_worse(one, sent);
	sent = ctl_worse(self->left_out, sent);
	return ctl_worse(sent, code);
}

static int
end(struct renewing *self)
{
	int code = CTL_YES, one = CTL_YES;

	self->delivering.array = NULL;
	if (self->deliver) {
		code = delivering_tell(&self->delivering);
		one = issuance_file(&self->issuance);
		code = ctl_worse(one, code);
	}
	if (self->supersede && is_any_issued(self))
		one = authority_make_crl(self->issuance.authority->ca, 0);
	issuance_clear(&self->issuance);
	list_clear(&self->entries, NULL);
	list_clear(&self->texts, mem_free);
	return ctl_worse(one, code);
}

/* What stands for each authority. */
static int
read_options(const struct request *request, bool supersede, json_t *array,
	struct renewing *out)
{
	int code;

	*out = (struct renewing){ .request = request,
		.issuance = { .array = array },
		.supersede = supersede,
		.deliver = request_option(request, "--deliver") != NULL };
	code = authority_number(request, "--days", 0, DAYS_MAX, &out->days);
	return code == CTL_YES ? authority_number(request, "--within",
					 WITHIN_DAYS, DAYS_MAX, &out->within)
			       : code;
}

static int
renew(const struct request *request, bool supersede)
{
	json_t *array = request->json ? json_array() : NULL;
	struct authorities authorities = { 0 };
	struct renewing same, *all = NULL;
	struct authority *authority;
	int code = read_options(request, supersede, array, &same), one;

	if (code == CTL_YES)
		code = authority_open_all(
			request, request->words.count == 0, &authorities);
	all = mem_array(authorities.each.count, sizeof(*all));
	LIST_FOREACH (authority, &authorities.each) {
		all[authority_i] = same;
		one = begin(&all[authority_i], authority);
		code = ctl_worse(one, code);
	}
	if (array != NULL)
		json_answer(array);
	for (size_t i = 0; i < authorities.each.count; i++) {
		one = end(&all[i]);
		code = ctl_worse(one, code);
	}
	mem_free(all);
	authority_close_all(&authorities);
	return code;
}

int
command_ca_renew(const struct request *request)
{
	return renew(request, false);
}

int
command_ca_supersede(const struct request *request)
{
	return renew(request, true);
}
