/* Which rule is it, and what becomes of a mail that cannot be protected? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "rule/rule.h"

/* A mail's sender from texts: each of from is a mailbox list of one field. */
struct mail_sender {
	struct list from;
	struct address *mail_from;
	struct sender sender;
};

static void
sender_init(struct mail_sender *s, const char *mail_from, const char *from,
	bool known)
{
	struct error err = { 0 };
	bool readable = true;

	*s = (struct mail_sender){ 0 };
	if (addr_parse_path(span_string(mail_from), &s->mail_from, &err) != 0)
		fail_msg("%s", err.text);
	if (from != NULL)
		readable = addr_parse_mailboxes(
				   span_string(from), &s->from, &err) == 0;
	s->sender = (struct sender){ s->mail_from, &s->from,
		readable && s->from.count == 1, known };
}

static void
sender_clear(struct mail_sender *s)
{
	list_clear(&s->from, address_free);
	address_free(s->mail_from);
}

static const struct client nobody;
static const struct content nothing;

static void
add_pattern(struct list *list, const char *text)
{
	struct pattern *pattern = NULL;
	struct error err = { 0 };

	if (pattern_new(text, &pattern, &err) != 0)
		fail_msg("%s", err.text);
	list_add(list, pattern);
}

struct sign_row {
	const char *label, *mail_from, *from;
	bool known;
	int match;
};

/* Against sender = [ "ann@example.com", "*@shop.example" ] */
static const struct sign_row sign_rows[] = {
	{ "From is it", "x@y", "ann@example.com", true, 1 },
	{ "another case", "x@y", "ANN@Example.Com", true, 1 },
	{ "second pattern", "x@y", "Shop <a@shop.example>", true, 1 },
	{ "only MAIL FROM is it", "ann@example.com", "x@y", true, 0 },
	{ "nobody is it", "x@y", "z@y", true, 0 },
	{ "no From: MAIL FROM", "ann@example.com", NULL, true, 1 },
	{ "no From, other MAIL FROM", "x@y", NULL, true, 0 },
	{ "no From, null sender", "", NULL, true, 0 },
	{ "null sender, From is it", "", "ann@example.com", true, 1 },
	{ "two From, the second is it", "x@y", "x@y, ann@example.com", true,
		1 },
	{ "two From, MAIL FROM is it", "ann@example.com", "x@y, z@y", true, 1 },
	{ "two From, nobody is it", "x@y", "x@y, z@y", true, 0 },
	{ "broken From, MAIL FROM is it", "ann@example.com", "x@y z", true, 1 },
	{ "broken From, what was read is it", "x@y", "ann@example.com z", true,
		1 },
	{ "unreadable From, MAIL FROM is it", "ann@example.com", "Ann", true,
		1 },
	{ "group", "x@y", "Team: ann@example.com;", true, 1 },
	{ "at RCPT, MAIL FROM is it", "ann@example.com", NULL, false, 1 },
	{ "at RCPT, MAIL FROM is not", "x@y", NULL, false, 0 },
	{ "display name spoof", "x@y", "\"ann@example.com\" <eve@x>", true, 0 },
	{ "comment spoof", "x@y", "eve@x (ann@example.com)", true, 0 },
	{ "encoded word spoof", "x@y",
		"=?utf-8?Q?ann=40example=2Ecom?= <eve@x>", true, 0 },
	{ "homograph", "x@y", "ann@ex\xd0\xb0mple.com", true, 0 },
	{ "subdomain", "x@y", "a@mail.shop.example", true, 0 },
	{ "domain as a prefix", "x@y", "a@shop.example.net", true, 0 },
	{ "quoted @", "x@y", "\"a@shop.example\"@x.example", true, 0 },
	{ "source route", "x@y", "<@shop.example:eve@x>", true, 0 },
};

static void
a_sign_rule_matches_the_sender(void **state)
{
	struct rule rule = { .name = mem_string("r") };

	(void)state;
	add_pattern(&rule.senders, "ann@example.com");
	add_pattern(&rule.senders, "*@shop.example");
	for (size_t i = 0; i < COUNT_OF(sign_rows); i++) {
		const struct sign_row *row = &sign_rows[i];
		struct trace trace = { 0 };
		struct mail_sender s;

		sender_init(&s, row->mail_from, row->from, row->known);
		if (rule_match_sign(&rule, &s.sender, &nobody, &nothing,
			    &trace) != row->match)
			fail_msg("%s", row->label);
		assert_int_equal(rule_match_sign(&rule, &s.sender, &nobody,
					 &nothing, NULL),
			row->match);
		if (trace.lines.count != 1)
			fail_msg("%s: no word in the trace", row->label);
		trace_clear(&trace);
		sender_clear(&s);
	}
	rule_clear(&rule);
}

static void
a_rule_without_senders_is_for_everybody(void **state)
{
	struct rule rule = { .name = mem_string("r") };
	struct mail_sender s;

	(void)state;
	sender_init(&s, "", NULL, false);
	assert_int_equal(
		rule_match_sign(&rule, &s.sender, &nobody, &nothing, NULL), 1);
	sender_clear(&s);
	rule_clear(&rule);
}

static int
match_encrypt(const struct rule *rule, const struct sender *sender,
	const struct client *client, const struct address *recipient,
	struct trace *trace)
{
	int matches = rule_match_recipient(rule, recipient, trace);

	return matches != 1 ? matches
			    : rule_match_conditions(
				      rule, sender, client, &nothing, trace);
}

struct encrypt_row {
	const char *label, *recipient, *from, *login;
	bool local;
	int match;
	const char *says;
};

/* recipient *@partner.example, sender *@example.com, clients authenticated */
static const struct encrypt_row encrypt_rows[] = {
	{ "all conditions", "p@partner.example", "a@example.com", "ann", false,
		1, NULL },
	{ "another recipient", "p@other.example", "a@example.com", "ann", false,
		0, "recipient <p@other.example> is not *@partner.example" },
	{ "another sender", "p@partner.example", "a@other.example", "ann",
		false, 0, "From <a@other.example> is not *@example.com" },
	{ "no login", "p@partner.example", "a@example.com", NULL, false, 0,
		"the client (unknown)" },
	{ "local", "p@partner.example", "a@example.com", NULL, true, 0,
		"the client (local)" },
	{ "several From", "p@partner.example", "x@y, a@example.com", "ann",
		false, 1, NULL },
	{ "several other From", "p@partner.example", "x@y, z@y", "ann", false,
		0, "no mailbox of From, and MAIL FROM <m@y> is not" },
	{ "no From", "p@partner.example", NULL, "ann", false, 0,
		"MAIL FROM <m@y> is not" },
	{ "null recipient", "", "a@example.com", "ann", false, 0,
		"recipient <>" },
};

static void
an_encrypt_rule_has_conditions(void **state)
{
	struct rule rule = { .name = mem_string("r") };
	struct client_condition *condition = NULL;
	struct error err = { 0 };

	(void)state;
	add_pattern(&rule.recipients, "*@partner.example");
	add_pattern(&rule.senders, "*@example.com");
	assert_int_equal(
		client_condition_new("authenticated", &condition, &err), 0);
	list_add(&rule.clients, condition);
	for (size_t i = 0; i < COUNT_OF(encrypt_rows); i++) {
		const struct encrypt_row *row = &encrypt_rows[i];
		struct client client = { .local = row->local,
			.login = mem_string(row->login) };
		struct address *recipient = NULL;
		struct trace trace = { 0 };
		struct mail_sender s;

		sender_init(&s, "m@y", row->from, true);
		assert_int_equal(addr_parse_path(span_string(row->recipient),
					 &recipient, &err),
			0);
		if (match_encrypt(&rule, &s.sender, &client, recipient,
			    &trace) != row->match)
			fail_msg("%s", row->label);
		assert_int_equal(trace.lines.count, !row->match);
		if (!row->match &&
			strstr(trace.lines.item[0], row->says) == NULL)
			fail_msg("%s: %s", row->label,
				(char *)trace.lines.item[0]);
		trace_clear(&trace);
		address_free(recipient);
		sender_clear(&s);
		client_clear(&client);
	}
	rule_clear(&rule);
}

static void
an_encrypt_rule_without_conditions_is_for_every_client(void **state)
{
	struct rule rule = { .name = mem_string("r") };
	struct client client = { 0 };
	struct address *recipient = NULL;
	struct mail_sender s;

	(void)state;
	add_pattern(&rule.recipients, "*@*");
	sender_init(&s, "", NULL, true);
	assert_int_equal(addr_parse("p@q", &recipient, NULL), 0);
	assert_int_equal(
		match_encrypt(&rule, &s.sender, &client, recipient, NULL), 1);
	address_free(recipient);
	sender_clear(&s);
	rule_clear(&rule);
}

static void
the_trace_names_a_few_patterns_only(void **state)
{
	struct rule rule = { .name = mem_string("r") };
	struct trace trace = { 0 };
	struct mail_sender s;

	(void)state;
	for (int i = 0; i < 500; i++)
		add_pattern(&rule.senders, "somebody@example.com");
	sender_init(&s, "x@y", "x@y", true);
	assert_int_equal(
		rule_match_sign(&rule, &s.sender, &nobody, &nothing, &trace),
		0);
	assert_non_null(strstr(trace.lines.item[0], " or 497 more"));
	trace_clear(&trace);
	sender_clear(&s);
	rule_clear(&rule);
}

static void
technical_failures_are_always_tempfail(void **state)
{
	(void)state;
	for (int o = OTHERWISE_PASS; o <= OTHERWISE_REJECT; o++) {
		assert_int_equal(rule_verdict(ERROR_SYSTEM, (enum otherwise)o),
			VERDICT_TEMPFAIL);
		assert_int_equal(rule_verdict(ERROR_CRYPTO, (enum otherwise)o),
			VERDICT_TEMPFAIL);
		assert_int_equal(rule_verdict(ERROR_NONE, (enum otherwise)o),
			VERDICT_TEMPFAIL);
	}
}

static void
every_other_kind_goes_by_otherwise(void **state)
{
	static const enum error_kind kinds[] = { ERROR_CONFIG, ERROR_FORMAT,
		ERROR_LIMIT, ERROR_NOKEY, ERROR_TRUST };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		assert_int_equal(
			rule_verdict(kinds[i], OTHERWISE_PASS), VERDICT_ACCEPT);
		assert_int_equal(rule_verdict(kinds[i], OTHERWISE_QUARANTINE),
			VERDICT_QUARANTINE);
		assert_int_equal(rule_verdict(kinds[i], OTHERWISE_TEMPFAIL),
			VERDICT_TEMPFAIL);
		assert_int_equal(rule_verdict(kinds[i], OTHERWISE_REJECT),
			VERDICT_REJECT);
	}
}

static void
names_go_both_ways(void **state)
{
	(void)state;
	for (int o = OTHERWISE_PASS; o <= OTHERWISE_REJECT; o++)
		assert_int_equal(
			otherwise_from_name(otherwise_name((enum otherwise)o)),
			o);
	assert_int_equal(otherwise_from_name("drop"), -1);
	assert_int_equal(otherwise_from_name("Reject"), -1);
	assert_int_equal(otherwise_from_name(""), -1);
	assert_string_equal(verdict_name(VERDICT_ACCEPT), "accept");
	assert_string_equal(verdict_name(VERDICT_REJECT), "reject");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sign_rule_matches_the_sender),
		cmocka_unit_test(a_rule_without_senders_is_for_everybody),
		cmocka_unit_test(an_encrypt_rule_has_conditions),
		cmocka_unit_test(
			an_encrypt_rule_without_conditions_is_for_every_client),
		cmocka_unit_test(the_trace_names_a_few_patterns_only),
		cmocka_unit_test(technical_failures_are_always_tempfail),
		cmocka_unit_test(every_other_kind_goes_by_otherwise),
		cmocka_unit_test(names_go_both_ways),
	};

	return cmocka_run_group_tests_name("rule/match", tests, NULL, NULL);
}
