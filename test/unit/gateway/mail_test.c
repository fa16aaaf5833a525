/* A mail as it comes from a file or from an MTA, and what is kept of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway_fixture.h"

/* ---- from a file ---- */

static const struct message_case {
	const char *label, *message, *entity;
	size_t fields;
	const char *last; /* "Name|value" of the last field */
} messages[] = {
	/* good */
	{ "LF", "Subject: a\nContent-Type: text/plain\n\nHello\n",
		"Content-Type: text/plain\r\n\r\nHello\r\n", 2,
		"Content-Type| text/plain" },
	{ "CRLF", "Subject: a\r\nContent-Type: text/plain\r\n\r\nHello\r\n",
		"Content-Type: text/plain\r\n\r\nHello\r\n", 2,
		"Content-Type| text/plain" },
	{ "a folded field", "Content-Type: text/plain;\n\tcharset=a\n\nx\n",
		"Content-Type: text/plain;\r\n\tcharset=a\r\n\r\nx\r\n", 1,
		"Content-Type| text/plain;\n\tcharset=a" },
	{ "a field folded with CRLF",
		"Content-Type: text/plain;\r\n  charset=a\r\n\r\nx\r\n",
		"Content-Type: text/plain;\r\n  charset=a\r\n\r\nx\r\n", 1,
		"Content-Type| text/plain;\n  charset=a" },
	/* odd but accepted */
	{ "nothing at all", "", "\r\n", 0, NULL },
	{ "a header alone", "Subject: a\n", "\r\n", 1, "Subject| a" },
	{ "no line end at the end of the header", "Subject: a", "\r\n", 1,
		"Subject| a" },
	{ "a body alone", "\nHello\n", "\r\nHello\r\n", 0, NULL },
	{ "a body without a line end", "A: b\n\nHello", "\r\nHello", 1,
		"A| b" },
	{ "blank lines at the end", "A: b\n\nHello\n\n\n",
		"\r\nHello\r\n\r\n\r\n", 1, "A| b" },
	{ "a bare CR in the body", "A: b\n\nx\ry\r\rz\r\n", "\r\nx\ry\r\rz\r\n",
		1, "A| b" },
	{ "two CR before the LF", "A: b\n\nx\r\r\n", "\r\nx\r\r\n", 1, "A| b" },
	{ "a CR at the end", "A: b\n\nx\r", "\r\nx\r", 1, "A| b" },
	{ "a bare CR in the header", "Content-Type: a\rb\n\nx\n",
		"Content-Type: a\rb\r\n\r\nx\r\n", 1, "Content-Type| a\rb" },
	{ "a mailbox's first line", "From a@b Mon Jan  1\nA: b\n\nx\n",
		"\r\nx\r\n", 1, "A| b" },
	{ "blanks before the colon", "Content-Type : text/html\n\nx\n",
		"Content-Type: text/html\r\n\r\nx\r\n", 1,
		"Content-Type| text/html" },
	{ "no blank behind the colon", "content-ID:<x>\n\nx\n",
		"content-ID:<x>\r\n\r\nx\r\n", 1, "content-ID|<x>" },
	{ "blanks at the end of a field", "Content-Type: a/b \t\n\nx\n",
		"Content-Type: a/b \t\r\n\r\nx\r\n", 1,
		"Content-Type| a/b \t" },
	{ "an empty field", "Content-Description:\n\nx\n",
		"Content-Description:\r\n\r\nx\r\n", 1,
		"Content-Description|" },
	{ "the same field twice, in order",
		"Content-Type: a/b\nX: y\nCONTENT-TYPE: c/d\n\nx\n",
		"Content-Type: a/b\r\nCONTENT-TYPE: c/d\r\n\r\nx\r\n", 3,
		"CONTENT-TYPE| c/d" },
	{ "a name that only begins so", "Contents: x\nContent: y\n\nx\n",
		"\r\nx\r\n", 2, "Content| y" },
	{ "a line that is no field ends the header", "A: b\nHello\n\nx\n",
		"\r\nHello\r\n\r\nx\r\n", 1, "A| b" },
};

static void
check_last(const struct mail *mail, const struct message_case *c)
{
	const struct mail_field *field;
	char *text;

	if (mail->fields.count != c->fields)
		fail_msg("%s: %zu fields", c->label, mail->fields.count);
	if (c->last == NULL)
		return;
	field = mail->fields.item[c->fields - 1];
	text = mem_printf("%s|%s", field->name, field->value);
	if (strcmp(text, c->last) != 0)
		fail_msg("%s: %s", c->label, text);
	mem_free(text);
}

static void
a_message_is_taken_as_an_mta_would_hand_it_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(messages); i++) {
		const struct message_case *c = &messages[i];
		struct error err = { 0 };
		struct mail mail;

		mail_init(&mail, 0);
		assert_int_equal(
			mail_from_message(&mail, span_string(c->message), &err),
			0);
		if (!span_is(buf_span(&mail.entity), c->entity))
			fail_msg("%s: \"%.*s\"", c->label, (int)mail.entity.len,
				mail.entity.data);
		check_last(&mail, c);
		mail_clear(&mail);
	}
}

static void
a_nul_in_the_body_stays(void **state)
{
	static const char message[] = "A: b\n\nx\0y\n";
	struct error err = { 0 };
	struct mail mail;

	(void)state;
	mail_init(&mail, 0);
	assert_int_equal(mail_from_message(&mail,
				 span_of(message, sizeof(message) - 1), &err),
		0);
	assert_int_equal(mail.entity.len, 7);
	assert_memory_equal(mail.entity.data, "\r\nx\0y\r\n", 7);
	mail_clear(&mail);
}

/* ---- from an MTA ---- */

static void
the_entity_has_every_content_field_byte_for_byte(void **state)
{
	static const char value[] =
		" text/plain;\n\tcharset=\"\303\274\"; \n  x=(a \t)\t";
	static const char entity[] =
		"cONTENT-tYPE: text/plain;\r\n\tcharset=\"\303\274\"; \r\n"
		"  x=(a \t)\t\r\ncontent-x-y:\r\nContent-Type:\tb\r\n\r\nbody";
	struct error err = { 0 };
	struct mail mail;
	char long_value[2000];

	(void)state;
	memset(long_value, 'a', sizeof(long_value));
	long_value[sizeof(long_value) - 1] = '\0';
	mail_init(&mail, 0);
	mail_add_field(&mail, "Subject", " x");
	mail_add_field(&mail, "cONTENT-tYPE", value);
	mail_add_field(&mail, "content-x-y", "");
	mail_add_field(&mail, "X-Long", long_value);
	mail_add_field(&mail, "Content-Type", "\tb");
	assert_int_equal(mail_begin_body(&mail, &err), 0);
	assert_int_equal(mail.body_offset, strlen(entity) - 4);
	assert_int_equal(mail_add_body(&mail, SPAN("bo"), &err), 0);
	assert_int_equal(mail_add_body(&mail, SPAN("dy"), &err), 0);
	assert_true(span_is(buf_span(&mail.entity), entity));
	mail_clear(&mail);
}

static void
a_mail_over_the_limit_is_an_error_of_that_kind(void **state)
{
	static const struct {
		const char *message;
		size_t limit_bytes;
		int result;
	} cases[] = {
		{ "A: b\n\n12345678", 10, 0 },
		{ "A: b\n\n123456789", 10, -1 },
		{ "Content-Type: text/plain\n\n", 10, -1 },
		{ "A: b\n\n", 1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };
		struct mail mail;

		mail_init(&mail, cases[i].limit_bytes);
		assert_int_equal(mail_from_message(&mail,
					 span_string(cases[i].message), &err),
			cases[i].result);
		assert_int_equal(err.kind,
			cases[i].result == 0 ? ERROR_NONE : ERROR_LIMIT);
		assert_true(mail.entity.len <= cases[i].limit_bytes);
		mail_clear(&mail);
		assert_int_equal(mail.entity.limit_bytes, cases[i].limit_bytes);
	}
}

/* ---- the envelope ---- */

static const struct {
	const char *label, *path;
	enum error_kind kind; /* NONE: taken */
} paths[] = {
	{ "with <>", "<bob@example.com>", ERROR_NONE },
	{ "as local mail has it", "bob@example.com", ERROR_NONE },
	{ "RFC 5321 4.5.1", "<Postmaster>", ERROR_NONE },
	{ "a local user", "bob", ERROR_NONE },
	{ "a source route", "<@relay.example:bob@example.com>", ERROR_NONE },
	{ "a percent sign before the @", "<a%b@example.com>", ERROR_NONE },
	/* MTAs rewrite these to bob@partner.example (RFC 5321 F.2). */
	{ "a bang path", "<partner.example!bob>", ERROR_FORMAT },
	{ "a percent sign for the @", "<bob%partner.example>", ERROR_FORMAT },
	{ "a dot at the end", "<bob@partner.example.>", ERROR_FORMAT },
	{ "two @", "<bob@partner.example@example.com>", ERROR_FORMAT },
	{ "bytes that are not UTF-8", "<\374@example.com>", ERROR_FORMAT },
};

static void
a_recipient_whose_domain_is_not_sure_is_refused(void **state)
{
	struct mail mail;
	size_t taken = 0;

	(void)state;
	mail_init(&mail, 0);
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct error err = { 0 };
		int rc = mail_add_recipient(
			&mail, span_string(paths[i].path), &err);

		taken += paths[i].kind == ERROR_NONE;
		if (err.kind != paths[i].kind ||
			(rc == 0) != (paths[i].kind == ERROR_NONE))
			fail_msg("%s: %s %s", paths[i].label,
				error_kind_name(err.kind), err.text);
		assert_int_equal(mail.recipients.count, taken);
	}
	mail_clear(&mail);
}

/* ---- many fields ---- */

enum { MANY = 50000 };

/* Each of them is a change: a layer takes their place. */
static void
process_fields(struct gateway *gateway, size_t count, struct outcome *outcome)
{
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com", "From: alice@example.com\n\nHello\n" };
	struct mail mail;
	char name[32];

	fixture_mail(&mail, &from);
	while (mail.fields.count < count) {
		snprintf(name, sizeof(name), "Content-%zu", mail.fields.count);
		mail_add_field(&mail, name, " x");
	}
	outcome_init(outcome);
	assert_true(gateway_wants_body(gateway, &mail, NULL));
	gateway_process(gateway, &mail, NULL, outcome);
	mail_clear(&mail);
}

static void
countless_header_fields_are_refused(void **state)
{
	static const size_t counts[] = { 1000, 1001, MANY };
	struct conf *conf = fixture_conf(
		"sign = ( { sender = \"*@example.com\"; stores = \"all\"; } "
		");");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct outcome outcome;

		process_fields(conf->gateway, counts[i], &outcome);
		if (counts[i] <= 1000) {
			assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
			assert_true(outcome.signed_);
			assert_true(outcome.edits.count >= 997);
		} else {
			assert_int_equal(outcome.verdict, VERDICT_REJECT);
			assert_int_equal(outcome.error.kind, ERROR_LIMIT);
			assert_string_equal(outcome.reply,
				"550 5.3.4 This mail has too many header "
				"fields");
			assert_true(outcome.edits.count <= 1);
		}
		outcome_clear(&outcome);
	}
	conf_free(conf);
}

static void
countless_fields_of_a_mail_without_a_rule_are_no_matter(void **state)
{
	struct conf *conf = fixture_conf("");
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com", "From: alice@example.com\n\nHello\n" };
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	while (mail.fields.count < MANY)
		mail_add_field(&mail, "Received", " x");
	assert_false(gateway_wants_body(conf->gateway, &mail, NULL));
	mail_clear(&mail);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_message_is_taken_as_an_mta_would_hand_it_over),
		cmocka_unit_test(a_nul_in_the_body_stays),
		cmocka_unit_test(
			the_entity_has_every_content_field_byte_for_byte),
		cmocka_unit_test(
			a_mail_over_the_limit_is_an_error_of_that_kind),
		cmocka_unit_test(
			a_recipient_whose_domain_is_not_sure_is_refused),
		cmocka_unit_test(countless_header_fields_are_refused),
		cmocka_unit_test(
			countless_fields_of_a_mail_without_a_rule_are_no_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
