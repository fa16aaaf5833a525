/* smimectl ca issue. */
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum { FILE_MAX_BYTES = 64 << 20, DAYS_MAX = 36500 };

struct asking {
	const struct request *request;
	const struct authorities *all;
	struct issuance issuance;
	struct delivering delivering;
	const struct ca_template *template;
	bool internal, deliver;
	unsigned days;
	struct list rows; /* struct ca_row *: requests point into them */
	size_t asked;	  /* so many of them; those behind are wanted */
};

static int
find_template(const struct conf *conf, const char *name,
	const struct ca_template **out)
{
	*out = ca_template_find(&conf->ca_templates, name);
	if (*out != NULL)
		return CTL_YES;
	return ctl_usage("there is no template \"%s\"", name);
}

static int
read_row(const struct asking *self, const struct ca_row *row,
	struct ca_request *out)
{
	const char *who = row->value[CA_WHO], *days = row->value[CA_DAYS];
	const char *telephone = row->value[CA_TELEPHONE];
	char *end = NULL;

	*out = (struct ca_request){ .template = self->template,
		.address = row->value[CA_ADDRESS],
		.name = row->value[CA_NAME],
		.organisation = row->value[CA_ORGANISATION],
		.given_name = row->value[CA_GIVEN_NAME],
		.surname = row->value[CA_SURNAME],
		.upn = row->value[CA_UPN],
		.days = self->days,
		.telephone = telephone,
		.internal = self->internal };
	if (who != NULL && strcmp(who, "internal") != 0 &&
		strcmp(who, "external") != 0)
		return ctl_usage("line %u: who is \"internal\" or "
				 "\"external\", not \"%s\"",
			row->line, who);
	if (who != NULL)
		out->internal = strcmp(who, "internal") == 0;
	/* Mail is not encrypted for a key that its owner has not got. */
	out->held = !out->internal &&
		    request_option(self->request, "--deliver") != NULL;
	out->no_escrow = request_option(self->request, "--no-escrow") != NULL;
	if (days != NULL)
		out->days = (unsigned)strtoul(days, &end, 10);
	if (days != NULL &&
		(*end != '\0' || out->days < 1 || out->days > DAYS_MAX))
		return ctl_usage("line %u: days: \"%s\" is no number from 1 to "
				 "%d",
			row->line, days, DAYS_MAX);
	/* A line of its own for the command; a table's field may hold more. */
	if (telephone != NULL && strpbrk(telephone, "\r\n") != NULL)
		return ctl_usage(
			"line %u: telephone: that is no number", row->line);
	if (row->value[CA_TEMPLATE] == NULL)
		return CTL_YES;
	return find_template(self->issuance.authority->conf,
		row->value[CA_TEMPLATE], &out->template);
}

static int
add_requests(struct asking *self)
{
	const struct ca_row *row;
	int code = CTL_YES;

	LIST_FOREACH (row, &self->rows) {
		struct ca_request *request = mem_alloc(sizeof(*request));

		if (read_row(self, row, request) != CTL_YES)
			code = CTL_USAGE;
		request->wanted = row_i >= self->asked;
		list_add(&self->issuance.requests, request);
	}
	return code;
}

static void
add_word(struct asking *self, const char *address)
{
	const struct request *request = self->request;
	const char *const values[CA_COLUMNS] = { [CA_ADDRESS] = address,
		[CA_NAME] = request_option(request, "--name"),
		[CA_ORGANISATION] = request_option(request, "--organisation"),
		[CA_TELEPHONE] = request_option(request, "--telephone"),
		[CA_UPN] = request_option(request, "--upn") };
	struct ca_row *row = mem_alloc(sizeof(*row));

	for (size_t i = 0; i < CA_COLUMNS; i++)
		row->value[i] = mem_string(values[i]);
	list_add(&self->rows, row);
}

/* Those that have none which is valid. */
static void
add_missing(struct asking *self, struct span text)
{
	const struct ca *ca = self->issuance.authority->ca;
	struct list words = { 0 };
	const char *word;

	ca_read_addresses(text, &words);
	LIST_FOREACH (word, &words) {
		struct address *address = NULL;

		if (addr_parse(word, &address, NULL) != 0 ||
			strchr(address->key, '@') == NULL)
			ctl_complain("%s: is no address and is left out", word);
		else if (ca_current(ca, address->key, clock_now()) == NULL)
			add_word(self, word);
		address_free(address);
	}
	list_clear(&words, mem_free);
}

/* Rows of their own: the template is known already. */
static int
add_wanted(struct asking *self)
{
	const struct wanted *one;
	struct list all = { 0 };
	int code;

	self->asked = self->rows.count;
	if (request_option(self->request, "--wanted") == NULL)
		return CTL_YES;
	code = wanted_read(self->all, self->issuance.authority, &all);
	LIST_FOREACH (one, &all) {
		struct ca_row *row = mem_alloc(sizeof(*row));

		row->value[CA_ADDRESS] = mem_string(one->address);
		row->value[CA_TEMPLATE] = mem_string(one->template->name);
		row->value[CA_WHO] = mem_string("internal");
		list_add(&self->rows, row);
	}
	list_clear(&all, wanted_free);
	return code;
}

static int
read_tables(struct asking *self)
{
	const char *csv = request_option(self->request, "--csv");
	const char *all = request_option(self->request, "--all");
	struct buf text = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (csv != NULL && (file_read(csv, FILE_MAX_BYTES, &text, &err) != 0 ||
				   ca_read_table(buf_span(&text), csv,
					   &self->rows, &err) != 0))
		code = ctl_trouble(&err);
	buf_reset(&text);
	if (code == CTL_YES && all != NULL) {
		if (file_read(all, FILE_MAX_BYTES, &text, &err) != 0)
			code = ctl_trouble(&err);
		else
			add_missing(self, buf_span(&text));
	}
	buf_clear(&text);
	return code;
}

static int
read_csr(struct asking *self)
{
	const char *path = request_option(self->request, "--csr");
	struct ca_request *request;
	struct buf bytes = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (path == NULL)
		return CTL_YES;
	if (self->issuance.requests.count != 1)
		return ctl_usage("a request (--csr) is for one address");
	request = self->issuance.requests.item[0];
	request->internal = false;
	if (file_read(path, FILE_MAX_BYTES, &bytes, &err) != 0) {
		code = ctl_trouble(&err);
	} else if (ca_read_csr(buf_span(&bytes), &request->csr, &err) != 0) {
		ctl_complain("%s: %s", path, err.text);
		code = CTL_NO;
	}
	buf_clear(&bytes);
	return code;
}

static int
prepare(struct asking *self)
{
	const char *word, *name = request_option(self->request, "--template");
	int code = find_template(self->issuance.authority->conf,
		name != NULL ? name : "user", &self->template);

	LIST_FOREACH (word, &self->request->words)
		add_word(self, word);
	if (code == CTL_YES)
		code = read_tables(self);
	if (code == CTL_YES)
		code = add_wanted(self);
	if (code == CTL_YES)
		code = add_requests(self);
	if (code == CTL_YES)
		code = read_csr(self);
	if (code == CTL_YES)
		code = issuance_check_urls(self->request, &self->issuance);
	if (code == CTL_YES)
		code = issuance_open_store(self->request, &self->issuance);
	return code;
}

static int
send_all(struct asking *self)
{
	const struct ca_request *one;
	int code = CTL_YES, sent;

	LIST_FOREACH (one, &self->issuance.requests) {
		if (one->cert == NULL)
			continue;
		sent = delivering_send(&self->delivering, one->entry, one->cert,
			one->telephone);
		code = ctl_worse(sent, code);
		if (sent != CTL_YES && one->no_escrow)
			ctl_complain("%s: its key is lost now: \"ca issue\" "
				     "makes another one",
				one->address);
	}
	return code;
}

/* Before anything is issued: can it be delivered? */
static int
begin_delivering(struct asking *self)
{
	struct delivering *delivering = &self->delivering;
	struct ca_request *one;
	int code = delivering_begin(
		self->request, self->issuance.authority, delivering);

	delivering->array = self->issuance.array;
	LIST_FOREACH (one, &self->issuance.requests)
		one->deliver_to =
			delivering->to != NULL ? delivering->to : one->address;
	return code;
}

/* All but what has to wait until it was shown. */
static int
begin(struct asking *self, struct authority *authority)
{
	int code, sent = CTL_YES;

	self->issuance.authority = authority;
	code = prepare(self);
	if (code == CTL_YES && self->deliver)
		code = begin_delivering(self);
	if (code != CTL_YES)
		return code;
	code = issuance_run(&self->issuance);
	if (self->deliver)
		sent = send_all(self);
	return ctl_worse(sent, code);
}

static int
end(struct asking *self)
{
	int code = CTL_YES, filed = CTL_YES;

	self->delivering.array = NULL;
	if (self->delivering.authority != NULL) {
		code = delivering_tell(&self->delivering);
		filed = issuance_file(&self->issuance);
	}
	issuance_clear(&self->issuance);
	list_clear(&self->rows, ca_row_free);
	return ctl_worse(filed, code);
}

/* Nobody is named: this is for all authorities. */
static bool
is_wanted_alone(const struct request *request)
{
	return request->words.count == 0 &&
	       request_option(request, "--csv") == NULL &&
	       request_option(request, "--all") == NULL;
}

static int
check_options(const struct request *request)
{
	bool deliver = request_option(request, "--deliver") != NULL;

	if (is_wanted_alone(request) &&
		request_option(request, "--wanted") == NULL)
		return ctl_usage("for whom?  ADDRESS, --csv, --all or --wanted "
				 "says it");
	if (request_option(request, "--upn") != NULL &&
		(request->words.count != 1 ||
			request_option(request, "--all") != NULL))
		return ctl_usage("--upn is for one address; a table has a "
				 "column \"upn\"");
	if (!deliver && request_option(request, "--no-escrow") != NULL)
		return ctl_usage("--no-escrow without --deliver: nobody would "
				 "have the key");
	if (deliver && request_option(request, "--csr") != NULL)
		return ctl_usage("of a request (--csr) there is no key to "
				 "deliver");
	return CTL_YES;
}

static int
issue(const struct asking *same, struct authorities *authorities)
{
	json_t *array = same->issuance.array;
	struct asking *all = mem_array(authorities->each.count, sizeof(*all));
	struct authority *authority;
	int code = CTL_YES, one;

	LIST_FOREACH (authority, &authorities->each) {
		all[authority_i] = *same;
		one = begin(&all[authority_i], authority);
		code = ctl_worse(one, code);
	}
	if (array != NULL)
		json_answer(array);
	for (size_t i = 0; i < authorities->each.count; i++) {
		one = end(&all[i]);
		code = ctl_worse(one, code);
	}
	mem_free(all);
	return code;
}

int
command_ca_issue(const struct request *request)
{
	bool all = is_wanted_alone(request);
	struct authorities authorities;
	struct asking same = { .request = request,
		.all = &authorities,
		.issuance = { .output = request_option(request, "-o") },
		.deliver = request_option(request, "--deliver") != NULL,
		.internal = request_option(request, "--external") == NULL };
	int code = check_options(request), opened;

	if (code == CTL_YES)
		code = authority_number(
			request, "--days", 0, DAYS_MAX, &same.days);
	if (code != CTL_YES)
		return code;
	opened = authority_open_all(request, all, &authorities);
	if (authorities.whole && same.issuance.output != NULL &&
		authorities.conf->authorities.count > 1)
		code = ctl_usage("-o is for the certificates of one authority: "
				 "--ca says which");
	if (code == CTL_YES) {
		same.issuance.array = request->json ? json_array() : NULL;
		code = issue(&same, &authorities);
	}
	authority_close_all(&authorities);
	return ctl_worse(opened, code);
}
