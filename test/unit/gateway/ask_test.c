/* What is answered at RCPT, to whom, and what becomes of it in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway/internal.h"
#include "gateway_fixture.h"

#define RULE(more) "{ " more "; stores = \"all\"; otherwise = \"reject\"; }"
#define ENCRYPT(rules) "encrypt = ( " rules " );"
#define ALL ENCRYPT(RULE("recipient = \"*@*\""))
#define FOR_OURS(more)                                                         \
	ENCRYPT(RULE("recipient = \"*@*\"; sender = \"*@example.com\"" more))
#define LOGIN "login alice"
#define ADDRESS "" /* no login */
#define ALICE "<alice@example.com>"
#define BOB "<bob@example.com>"
#define NOBODY "<nobody@example.com>"
#define MESSAGE "From: alice@example.com\nTo: bob@example.com\n\nHello\n"

static const struct ask_case {
	const char *label, *rules, *client, *mail_from, *recipient;
	enum verdict verdict;
	bool looked_up; /* and a certificate is there */
} cases[] = {
	/* decidable */
	{ "a certificate", ALL, LOGIN, ALICE, BOB, VERDICT_ACCEPT, true },
	{ "in another case", ALL, LOGIN, ALICE, "<BOB@Example.COM>",
		VERDICT_ACCEPT, true },
	{ "none", ALL, LOGIN, ALICE, NOBODY, VERDICT_REJECT, false },
	{ "a quoted local part", ALL, LOGIN, ALICE, "<\"no body\"@example.com>",
		VERDICT_REJECT, false },
	{ "routed on by the MTA",
		ENCRYPT(RULE("recipient = \"*@partner.example\"")), LOGIN,
		ALICE, "<nobody%partner.example@example.com>", VERDICT_REJECT,
		false },
	{ "MAIL FROM stands in", FOR_OURS(""), LOGIN, ALICE, NOBODY,
		VERDICT_REJECT, false },
	{ "a rule for others", FOR_OURS(""), LOGIN, "<x@example.net>", NOBODY,
		VERDICT_ACCEPT, false },
	{ "the first rule lets it pass",
		ENCRYPT("{ recipient = \"nobody@*\"; stores = \"all\"; "
			"otherwise = \"pass\"; }, " RULE(
				"recipient = \"*@*\"")),
		LOGIN, ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "the first rule wants nothing",
		ENCRYPT("{ recipient = \"nobody@*\"; mode = \"none\"; }, " RULE(
			"recipient = \"*@*\"")),
		LOGIN, ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "a later rule by its trigger",
		ENCRYPT(RULE("recipient = \"*@*\"") ", " RULE(
			"recipient = \"*@*\"; subject = \"x\"")),
		LOGIN, ALICE, NOBODY, VERDICT_REJECT, false },
	{ "the sentence is for otherwise = reject",
		ENCRYPT("{ recipient = \"*@*\"; stores = \"all\"; otherwise = "
			"\"tempfail\"; }"),
		LOGIN, ALICE, NOBODY, VERDICT_ACCEPT, false },
	/* not from the envelope */
	{ "a word in the Subject",
		ENCRYPT(RULE("recipient = \"*@*\"; subject = \"x\"")), LOGIN,
		ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "a word in the Subject of the rule before",
		ENCRYPT("{ recipient = \"*@*\"; subject = \"x\"; mode = "
			"\"none\"; }, " RULE("recipient = \"*@*\"")),
		LOGIN, ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "its size",
		ENCRYPT(RULE("recipient = \"*@*\"; size = { min = \"1M\"; }")),
		LOGIN, ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "an attachment",
		ENCRYPT(RULE("recipient = \"*@*\"; has_attachment = true")),
		LOGIN, ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "invitations may pass",
		ALL "leave_alone = { even_mandatory = \"calendar\"; };", LOGIN,
		ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "the null sender", ALL, LOGIN, "<>", NOBODY, VERDICT_ACCEPT, false },
	{ "not early", ALL "refuse_early = false;", LOGIN, ALICE, NOBODY,
		VERDICT_ACCEPT, false },
	/* who asks */
	{ "the MTA's submission", ALL, "local", "alice@example.com",
		"nobody@example.com", VERDICT_ACCEPT, false },
	{ "the same, with <>", ALL, "local", ALICE, NOBODY, VERDICT_ACCEPT,
		false },
	{ "no <>, and no SMTP", ALL, LOGIN, ALICE, "nobody@example.com",
		VERDICT_ACCEPT, false },
	{ "somebody from outside", ALL, ADDRESS, ALICE, NOBODY, VERDICT_ACCEPT,
		false },
	{ "an address that the rule names",
		FOR_OURS("; clients = \"192.0.2.0/24\""), ADDRESS, ALICE,
		NOBODY, VERDICT_REJECT, false },
	{ "one that it does not",
		FOR_OURS("; clients = [ \"authenticated\", \"192.0.3.0/24\" ]"),
		ADDRESS, ALICE, NOBODY, VERDICT_ACCEPT, false },
	{ "beyond the limit", ALL "limits = { encrypt_recipients = 1; };",
		LOGIN, ALICE, BOB " " NOBODY, VERDICT_ACCEPT, false },
};

static void
begin(struct mail *mail, const struct ask_case *c)
{
	const struct fixture_mail from = {
		.client = c->client,
		.mail_from = c->mail_from,
		.recipients = "",
		.message = MESSAGE,
	};
	char *list = mem_string(c->recipient), *rest = NULL;

	fixture_mail(mail, &from);
	/* A quoted local part may hold a blank, a list of them may not. */
	if (strchr(list, '"') != NULL)
		assert_int_equal(
			mail_add_recipient(mail, span_string(list), NULL), 0);
	else
		for (char *one = strtok_r(list, " ", &rest); one != NULL;
			one = strtok_r(NULL, " ", &rest))
			assert_int_equal(mail_add_recipient(
						 mail, span_string(one), NULL),
				0);
	mem_free(list);
}

static void
run_case(const struct ask_case *c)
{
	struct conf *conf = fixture_conf(c->rules);
	struct outcome outcome;
	const struct mail_path *last;
	struct mail mail;

	begin(&mail, c);
	outcome_init(&outcome);
	gateway_ask_recipient(conf->gateway, &mail, NULL, &outcome);
	last = mail.paths.item[mail.paths.count - 1];
	if (outcome.verdict != c->verdict ||
		(last->answer != NULL) != c->looked_up)
		fail_msg("%s: %s, answer %d: %s", c->label,
			verdict_name(outcome.verdict), last->answer != NULL,
			outcome.error.text);
	if (c->verdict == VERDICT_REJECT) {
		assert_int_equal(outcome.error.kind, ERROR_NOKEY);
		assert_ptr_equal(
			strstr(outcome.reply, "550 5.7.5 "), outcome.reply);
		assert_true(gateway_refuses_recipients(conf->gateway));
	}
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
a_recipient_is_refused_where_the_envelope_tells(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run_case(&cases[i]);
}

static const struct {
	const char *label, *rules;
	bool refuses;
} refusing[] = {
	{ "a rule that rejects", ALL, true },
	{ "no rule", "", false },
	{ "none that rejects",
		ENCRYPT("{ recipient = \"*@*\"; stores = \"all\"; otherwise = "
			"\"pass\"; }"),
		false },
	{ "not early", ALL "refuse_early = false;", false },
};

/* Without it the MTA need not wait for an answer to RCPT. */
static void
an_answer_is_agreed_on_only_where_one_may_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusing); i++) {
		struct conf *conf = fixture_conf(refusing[i].rules);

		if (gateway_refuses_recipients(conf->gateway) !=
			refusing[i].refuses)
			fail_msg("%s", refusing[i].label);
		conf_free(conf);
	}
}

static void
use_store(struct conf *conf, struct store *store)
{
	struct encrypt_rule *rule = conf->gateway->encrypt_rules.item[0];

	list_clear(&rule->stores, NULL);
	if (store != NULL)
		list_add(&rule->stores, store);
}

static void
a_directory_that_is_down_is_no_refusal_for_good(void **state)
{
	const struct ask_case c = {
		.client = LOGIN, .mail_from = ALICE, .recipient = NOBODY
	};
	struct conf *conf = fixture_conf(ALL);
	struct store *dead = fixture_dead_directory();
	struct outcome outcome;
	struct mail mail;

	(void)state;
	use_store(conf, dead);
	begin(&mail, &c);
	outcome_init(&outcome);
	gateway_ask_recipient(conf->gateway, &mail, NULL, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_TEMPFAIL);
	assert_int_equal(outcome.error.kind, ERROR_SYSTEM);
	assert_ptr_equal(strstr(outcome.reply, "451 4.3.0 "), outcome.reply);
	outcome_clear(&outcome);
	mail_clear(&mail);
	use_store(conf, NULL);
	store_close(dead);
	conf_free(conf);
}

/* No store is left that could be asked again. */
static void
what_was_found_is_used_at_the_end(void **state)
{
	const struct ask_case c = {
		.client = LOGIN, .mail_from = ALICE, .recipient = BOB
	};
	struct conf *conf = fixture_conf(ALL);
	struct gateway_run run = { 0 };
	struct outcome outcome;
	struct mail mail;

	(void)state;
	begin(&mail, &c);
	outcome_init(&outcome);
	gateway_ask_recipient(conf->gateway, &mail, NULL, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
	use_store(conf, NULL);
	gateway_process(conf->gateway, &mail, &run, &outcome);
	if (!outcome.encrypted)
		fail_msg("not encrypted: %s", outcome.error.text);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

/* By the envelope it is the first rule, by the header the second. */
static void
another_rule_asks_anew(void **state)
{
	static const char rules[] = ENCRYPT(
		RULE("sender = \"carol@*\"; recipient = \"*@*\"") ", " RULE(
			"sender = \"alice@*\"; recipient = \"*@*\""));
	const struct ask_case c = { .client = LOGIN,
		.mail_from = "<carol@example.com>",
		.recipient = BOB };
	struct conf *conf = fixture_conf(rules);
	struct encrypt_rule *second = conf->gateway->encrypt_rules.item[1];
	struct gateway_run run = { 0 };
	struct outcome outcome;
	struct mail mail;

	(void)state;
	begin(&mail, &c);
	outcome_init(&outcome);
	gateway_ask_recipient(conf->gateway, &mail, NULL, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
	list_clear(&second->stores, NULL);
	gateway_process(conf->gateway, &mail, &run, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_REJECT);
	assert_int_equal(outcome.error.kind, ERROR_NOKEY);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
a_recipient_who_was_refused_is_forgotten(void **state)
{
	const struct ask_case c = {
		.client = LOGIN, .mail_from = ALICE, .recipient = BOB " " NOBODY
	};
	const struct address *left;
	struct mail mail;

	(void)state;
	begin(&mail, &c);
	mail_drop_recipient(&mail);
	assert_int_equal(mail.recipients.count, 1);
	assert_int_equal(mail.paths.count, 1);
	left = mail.recipients.item[0];
	assert_string_equal(left->text, "bob@example.com");
	mail_drop_recipient(&mail);
	mail_drop_recipient(&mail);
	assert_int_equal(mail.recipients.count, 0);
	mail_clear(&mail);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_recipient_is_refused_where_the_envelope_tells),
		cmocka_unit_test(
			an_answer_is_agreed_on_only_where_one_may_come),
		cmocka_unit_test(
			a_directory_that_is_down_is_no_refusal_for_good),
		cmocka_unit_test(what_was_found_is_used_at_the_end),
		cmocka_unit_test(another_rule_asks_anew),
		cmocka_unit_test(a_recipient_who_was_refused_is_forgotten),
	};

	return cmocka_run_group_tests_name("gateway/ask", tests, NULL, NULL);
}
