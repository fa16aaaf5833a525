/* smimectl ca list and ca audit. */
#include <stdio.h>
#include <string.h>

#include "authority.h"
#include "base/clock.h"
#include "base/mem.h"

enum { DAYS_MAX = 36500, DAY = 86400 };

static json_t *
time_json(time_t when)
{
	char text[CLOCK_TEXT_SIZE];

	if (when == 0)
		return json_null();
	clock_format(when, text);
	return json_string(text);
}

json_t *
authority_entry_json(const struct ca_entry *entry)
{
	const char *reason =
		entry->revoked != 0 ? ca_reason_name(entry->reason) : NULL;
	const char *renewed =
		entry->renewed_by != NULL ? entry->renewed_by->serial : NULL;

	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:b,s:b,s:b,s:o,s:o,s:o,"
			 "s:o,s:o,s:o,s:o,s:b}",
		"serial", entry->serial, "sha256",
		json_text(entry->sha256[0] ? entry->sha256 : NULL), "address",
		json_text(entry->address), "name", json_text(entry->name),
		"template", json_text(entry->template), "state",
		ca_state_name(ca_entry_state(entry, clock_now())), "internal",
		entry->internal, "has_key", entry->has_key, "filed",
		entry->filed, "issued", time_json(entry->issued), "not_before",
		time_json(entry->not_before), "not_after",
		time_json(entry->not_after), "revoked",
		time_json(entry->revoked), "reason", json_text(reason),
		"renewed_by", json_text(renewed), "to_deliver",
		json_text(entry->deliver_to), "held", entry->held);
}

void
authority_entry_print(const struct ca_entry *entry)
{
	enum ca_state state = ca_entry_state(entry, clock_now());
	char date[11], revoked[11];

	cert_date_text(entry->not_after, date);
	printf("%s %-10s until %s %s %s%s", entry->serial, ca_state_name(state),
		date, entry->address, entry->internal ? "internal" : "external",
		entry->internal && !entry->filed && entry->revoked == 0
			? ", not in the store yet"
			: "");
	if (ca_entry_is_undelivered(entry, clock_now()))
		printf(", not delivered yet (for %s)", entry->deliver_to);
	if (entry->revoked != 0) {
		cert_date_text(entry->revoked, revoked);
		printf(", revoked on %s (%s)", revoked,
			ca_reason_name(entry->reason));
	}
	if (entry->renewed_by != NULL)
		printf(", renewed by %s", entry->renewed_by->serial);
	putchar('\n');
}

/* ---- list ---- */

struct choice {
	int state; /* -1: all */
	unsigned within;
};

static int
read_choice(const struct request *request, struct choice *out)
{
	const char *state = request_option(request, "--state");

	out->state = -1;
	for (int i = CA_VALID; state != NULL && i <= CA_SUPERSEDED; i++)
		if (strcmp(state, ca_state_name((enum ca_state)i)) == 0)
			out->state = i;
	if (state != NULL && out->state < 0)
		return ctl_usage("there is no state \"%s\": it is valid, "
				 "expired, revoked or superseded",
			state);
	return authority_number(request, "--within", 0, DAYS_MAX, &out->within);
}

static bool
is_chosen(const struct choice *choice, const struct ca_entry *entry)
{
	time_t now = clock_now();
	enum ca_state state = ca_entry_state(entry, now);

	if (choice->within != 0 &&
		(state != CA_VALID ||
			entry->not_after > now + (time_t)choice->within * DAY))
		return false;
	return choice->state < 0 || state == (enum ca_state)choice->state;
}

static void
answer(const struct request *request, const struct choice *choice,
	const struct list *entries)
{
	json_t *array = json_array();
	const struct ca_entry *entry;

	LIST_FOREACH (entry, entries) {
		if (!is_chosen(choice, entry))
			continue;
		if (request->json)
			json_array_append_new(
				array, authority_entry_json(entry));
		else
			authority_entry_print(entry);
	}
	if (request->json)
		json_answer(json_incref(array));
	json_decref(array);
}

static int
check(struct ca *ca)
{
	struct list problems = { 0 };
	struct error err = { 0 };
	const char *text;
	int code = CTL_YES;

	if (ca_check(ca, &problems, &err) != 0)
		code = ctl_trouble(&err);
	LIST_FOREACH (text, &problems)
		ctl_complain("%s", text);
	if (problems.count != 0)
		code = CTL_NO;
	list_clear(&problems, mem_free);
	return code;
}

static int
gather(const struct request *request, const struct ca *ca, struct list *out)
{
	const char *word;
	int code = CTL_YES;

	if (request->words.count == 0)
		ca_list(ca, out);
	LIST_FOREACH (word, &request->words)
		if (authority_find(ca, word, out) != CTL_YES)
			code = CTL_NO;
	return code;
}

int
command_ca_list(const struct request *request)
{
	struct authority authority = { 0 };
	struct list entries = { 0 };
	struct choice choice;
	int code = read_choice(request, &choice);

	if (code == CTL_YES)
		code = authority_open(request, AUTHORITY_LOCKED, &authority);
	if (code == CTL_YES && request_option(request, "--check") != NULL)
		code = check(authority.ca);
	if (code == CTL_YES) {
		code = gather(request, authority.ca, &entries);
		answer(request, &choice, &entries);
	}
	list_clear(&entries, NULL);
	authority_close(&authority);
	return code;
}

/* ---- audit ---- */

int
command_ca_audit(const struct request *request)
{
	struct authority authority;
	struct list lines = { 0 };
	struct error err = { 0 };
	const char *text;
	int code = authority_open(request, AUTHORITY_LOCKED, &authority);

	if (code == CTL_YES && ca_audit(authority.ca, &lines, &err) != 0)
		code = ctl_trouble(&err);
	if (code == CTL_YES && request->json)
		json_answer(json_texts(&lines));
	else if (code == CTL_YES)
		LIST_FOREACH (text, &lines)
			puts(text);
	if (code == CTL_YES)
		code = check(authority.ca);
	list_clear(&lines, mem_free);
	authority_close(&authority);
	return code;
}
