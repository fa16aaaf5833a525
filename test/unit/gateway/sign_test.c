#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway_fixture.h"

#define TYPE "MIME-Version: 1.0\nContent-Type: text/plain\n"
#define TEXT TYPE "\nHello\n"
#define FROM(x) "From: " x "\nTo: x@example.net\n"
#define ALICE FROM("Alice <alice@example.com>")
#define RULE(more)                                                             \
	"sign = ( { sender = \"*@example.com\"; stores = \"all\"; " more       \
	" } );\n"

static const struct sign_case {
	const char *label, *rules, *client, *mail_from, *message;
	bool signed_;
	enum verdict verdict;
	const char *why; /* a piece of the report */
} cases[] = {
	/* good */
	{ "local mail of the sender", RULE(""), "local", "alice@example.com",
		ALICE TEXT, true, VERDICT_ACCEPT, NULL },
	{ "a client with a login", RULE(""), "login alice", "alice@example.com",
		ALICE TEXT, true, VERDICT_ACCEPT, NULL },
	{ "a network that the rule names", RULE("clients = \"192.0.2.0/24\";"),
		"192.0.2.1", "bounces@example.net", ALICE TEXT, true,
		VERDICT_ACCEPT, NULL },
	{ "an opaque signature", RULE("form = \"opaque\";"), "local",
		"alice@example.com", ALICE TEXT, true, VERDICT_ACCEPT, NULL },
	/* odd but accepted */
	{ "no MIME-Version and no Content-Type", RULE(""), "local",
		"alice@example.com", ALICE "\nHello\n", true, VERDICT_ACCEPT,
		NULL },
	{ "header names in another case", RULE(""), "local",
		"alice@example.com",
		"FROM: ALICE@EXAMPLE.COM\nCONTENT-TYPE: TEXT/PLAIN\n"
		"mime-version: 1.0\n\nHello\n",
		true, VERDICT_ACCEPT, NULL },
	{ "an empty body", RULE(""), "local", "alice@example.com",
		ALICE TYPE "\n", true, VERDICT_ACCEPT, NULL },
	{ "8-bit bytes", RULE(""), "local", "alice@example.com",
		ALICE TYPE "Content-Transfer-Encoding: 8bit\n\nGr\303\274n\n",
		true, VERDICT_ACCEPT, NULL },
	/* attacks */
	{ "a colleague's address with his own MAIL FROM", RULE(""), "login bob",
		"bob@example.com", ALICE TEXT, false, VERDICT_ACCEPT, NULL },
	{ "a colleague's address under a rule that rejects",
		RULE("otherwise = \"reject\";"), "login bob", "bob@example.com",
		ALICE TEXT, false, VERDICT_REJECT, NULL },
	{ "a foreign client", RULE(""), "192.0.2.1", "alice@example.com",
		ALICE TEXT, false, VERDICT_ACCEPT, NULL },
	{ "a foreign client is not refused by a rule about our own mail",
		RULE("otherwise = \"reject\";"), "192.0.2.1",
		"alice@example.com", ALICE TEXT, false, VERDICT_ACCEPT, NULL },
	{ "no login where the rule wants one",
		RULE("from_must_be = \"login\";"), "local", "alice@example.com",
		ALICE TEXT, false, VERDICT_ACCEPT, NULL },
	{ "a login that is the address", RULE("from_must_be = \"login\";"),
		"login Alice@Example.com", "x@example.net", ALICE TEXT, true,
		VERDICT_ACCEPT, NULL },
	{ "two From fields", RULE(""), "local", "alice@example.com",
		"From: bob@example.com\n" ALICE TEXT, false, VERDICT_ACCEPT,
		"exactly one mailbox" },
	{ "two From fields under a rule that rejects",
		RULE("otherwise = \"reject\";"), "local", "alice@example.com",
		"From: bob@example.com\n" ALICE TEXT, false, VERDICT_REJECT,
		"exactly one mailbox" },
	{ "two mailboxes in From", RULE("otherwise = \"quarantine\";"), "local",
		"alice@example.com",
		FROM("alice@example.com, bob@example.com") TEXT, false,
		VERDICT_QUARANTINE, "exactly one mailbox" },
	{ "a display name that looks like an address", RULE(""), "local",
		"eve@example.net",
		FROM("\"alice@example.com\" <eve@example.net>") TEXT, false,
		VERDICT_ACCEPT, NULL },
	{ "the null sender", RULE("otherwise = \"reject\";"), "local", "<>",
		ALICE TEXT, false, VERDICT_ACCEPT, NULL },
	/* refused */
	{ "a sender without a certificate", RULE("otherwise = \"tempfail\";"),
		"local", "nobody@example.com", FROM("nobody@example.com") TEXT,
		false, VERDICT_TEMPFAIL,
		"no certificate for <nobody@example.com>" },
	{ "two Content-Type fields", RULE("otherwise = \"reject\";"), "local",
		"alice@example.com", ALICE "Content-Type: text/html\n" TEXT,
		false, VERDICT_REJECT, "2 Content-Type fields" },
	{ "a mail that is signed already", RULE("otherwise = \"reject\";"),
		"local", "alice@example.com",
		ALICE "Content-Type: Multipart/Signed; boundary=b;"
		      " protocol=\"application/x-pkcs7-signature\"\n\n--b\n",
		false, VERDICT_ACCEPT, "already signed" },
	{ "PGP within text", RULE(""), "local", "alice@example.com",
		ALICE TYPE "\n-----BEGIN PGP SIGNED MESSAGE-----\n", false,
		VERDICT_ACCEPT, "already PGP" },
	{ "parts nested deeper than the limit",
		"limits = { mime_depth = 2; };" RULE("otherwise = \"reject\";"),
		"local", "alice@example.com",
		ALICE "Content-Type: multipart/mixed; boundary=a\n\n--a\n"
		      "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
		      "Content-Type: multipart/mixed; boundary=c\n\n--c\n\n"
		      "\303\274\n--c--\n--b--\n--a--\n",
		false, VERDICT_REJECT, NULL },
};

static void
run_case(const struct sign_case *c)
{
	struct conf *conf = fixture_conf(c->rules);
	struct fixture_mail from = { c->client, c->mail_from, "x@example.net",
		c->message };
	struct outcome outcome;
	struct mail mail;

	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	if (outcome.verdict != c->verdict || outcome.signed_ != c->signed_)
		fail_msg("%s: verdict %s, signed %d, why %s", c->label,
			verdict_name(outcome.verdict), outcome.signed_,
			outcome.sign.why);
	if (c->why != NULL && strstr(outcome.sign.why, c->why) == NULL)
		fail_msg("%s: why %s", c->label, outcome.sign.why);
	assert_int_equal(outcome.body_changed, c->signed_);
	assert_int_equal(outcome.edits.count != 0, c->signed_);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
only_the_sender_gets_a_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run_case(&cases[i]);
}

static size_t
count_lines(const char *text, const char *start)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, start)) != NULL; at++)
		count += at == text || at[-1] == '\n';
	return count;
}

static void
content_fields_move_inside_and_the_rest_stays(void **state)
{
	static const char message[] =
		"Subject: kept\nFrom: alice@example.com\nMIME-Version: 1.0\n"
		"MIME-Version: 1.0\ncontent-description:odd  \n\tfold\n"
		"Content-Type: text/plain;\n charset=us-ascii\n"
		"Content-Language: en\n\nHello\n";
	struct conf *conf = fixture_conf(RULE(""));
	struct fixture_mail from = { "local", "alice@example.com", "x@y.z",
		message };
	struct outcome outcome;
	struct mail mail;
	char *result, *header_end;

	(void)state;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	assert_true(outcome.signed_);
	result = fixture_result(&outcome, &mail);
	assert_non_null(strstr(result,
		"\r\ncontent-description:odd  \r\n\tfold\r\n"
		"Content-Type: text/plain;\r\n charset=us-ascii\r\n"
		"Content-Language: en\r\n\r\nHello\r\n"));
	header_end = strstr(result, "\r\n\r\n");
	*header_end = '\0';
	assert_int_equal(count_lines(result, "MIME-Version: 1.0"), 1);
	assert_int_equal(
		count_lines(result, "Content-Type: multipart/signed"), 1);
	assert_int_equal(count_lines(result, "Subject: kept"), 1);
	assert_int_equal(count_lines(result, "content-description"), 0);
	assert_int_equal(count_lines(result, "Content-Language"), 0);
	mem_free(result);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
a_mail_that_could_not_be_taken_in_whole_is_never_half_signed(void **state)
{
	static const enum error_kind kinds[] = { ERROR_LIMIT, ERROR_SYSTEM };
	struct conf *conf = fixture_conf(RULE("otherwise = \"reject\";"));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct fixture_mail from = { "local", "alice@example.com",
			"x@y.z", ALICE TEXT };
		struct outcome outcome;
		struct mail mail;

		fixture_mail(&mail, &from);
		error_set(&mail.failure, kinds[i], "too much");
		outcome_init(&outcome);
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		assert_int_equal(outcome.verdict, kinds[i] == ERROR_LIMIT
							  ? VERDICT_REJECT
							  : VERDICT_TEMPFAIL);
		assert_false(outcome.body_changed);
		outcome_clear(&outcome);
		mail_clear(&mail);
	}
	conf_free(conf);
}

static void
the_log_line_escapes_what_a_sender_may_choose(void **state)
{
	struct conf *conf = fixture_conf(RULE(""));
	struct fixture_mail from = { "local", "\"a\\\"b\"@example.com", "x@y.z",
		ALICE TEXT };
	struct outcome outcome;
	struct mail mail;
	char line[1000];

	(void)state;
	fixture_mail(&mail, &from);
	mail.queue_id = mem_string("4Wx\n1");
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	outcome_log_line(&outcome, &mail, 7, line, sizeof(line));
	assert_null(strchr(line, '\n'));
	assert_non_null(strstr(line, "4Wx\\x0a1: from=<\\x22a\\x5c\\x22b"));
	assert_non_null(strstr(line, " sender=<alice@example.com> rcpts=1 "));
	assert_non_null(strstr(line, " sign=\"sign 1\" encrypt=- "));
	assert_non_null(strstr(line, " ms=7"));
	outcome_log_line(&outcome, &mail, 7, line, 20);
	assert_int_equal(strlen(line), 19);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

/* Two addresses as long as they may be leave room for what was done. */
static void
long_addresses_do_not_hide_the_outcome(void **state)
{
	struct conf *conf = fixture_conf(RULE("otherwise = \"reject\";"));
	char quotes[2 * 400 + 1], *path, *message;
	struct fixture_mail from = { "local", NULL, "x@y.z", NULL };
	struct outcome outcome;
	struct mail mail;
	char line[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(quotes) - 1; i += 2)
		memcpy(quotes + i, "\\\"", 2);
	quotes[sizeof(quotes) - 1] = '\0';
	path = mem_printf("\"%s\"@example.com", quotes);
	message = mem_printf("From: <%s>\n" TEXT, path);
	from.mail_from = path;
	from.message = message;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	outcome_log_line(&outcome, &mail, 7, line, sizeof(line));
	assert_non_null(strstr(line, " from=<\\x22\\x5c"));
	assert_non_null(strstr(line, "...> sender=<\\x22\\x5c"));
	assert_non_null(strstr(line, "...> rcpts=1 "));
	assert_non_null(strstr(line, " did=nothing result=reject ms=7 "
				     "kind=nokey why=\"no certificate "));
	mem_free(path);
	mem_free(message);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_sender_gets_a_signature),
		cmocka_unit_test(content_fields_move_inside_and_the_rest_stays),
		cmocka_unit_test(
			a_mail_that_could_not_be_taken_in_whole_is_never_half_signed),
		cmocka_unit_test(the_log_line_escapes_what_a_sender_may_choose),
		cmocka_unit_test(long_addresses_do_not_hide_the_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
