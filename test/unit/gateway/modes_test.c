/* mode, and tables that say it for some and not for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "gateway_fixture.h"

#define FROM_ALICE "From: alice@example.com\n"
#define TO(x) "To: " x "\n"
#define BODY "\nHello\n"
#define STORES "stores = \"all\"; "
/* Whoever the table does not know has to have it encrypted. */
#define TABLE                                                                  \
	"encrypt = ( { name = \"t\"; table = \"@TABLE@\"; " STORES             \
	"mode = \"mandatory\"; } );"
#define SIGN                                                                   \
	"sign = ( { name = \"s\"; table = \"@TABLE@\"; " STORES                \
	"mode = \"allow\"; } );"

/* Where certificates of our own people are. */
#define OWN                                                                    \
	"sign = ( { sender = \"somebody@example.net\"; stores = \"all\"; } "   \
	"); "

static const struct mode_case {
	const char *label, *rules, *table, *recipients;
	enum verdict verdict;
	bool encrypted, signed_;
	const char *says; /* in the error, a recipient's why, or the trace */
} cases[] = {
	/* mode */
	{ "mandatory with a certificate",
		"encrypt = ( { recipient = \"*@*\"; mode = "
		"\"mandatory\"; " STORES "} );",
		"", "bob@example.com", VERDICT_ACCEPT, true, false, NULL },
	{ "mandatory without one",
		"encrypt = ( { recipient = \"*@*\"; mode = "
		"\"mandatory\"; " STORES "} );",
		"", "nobody@example.com", VERDICT_REJECT, false, false, NULL },
	{ "allow without one",
		"encrypt = ( { recipient = \"*@*\"; mode = \"allow\"; " STORES
		"} );",
		"", "nobody@example.com", VERDICT_ACCEPT, false, false, NULL },
	{ "none above one that is mandatory",
		"encrypt = ( { recipient = \"bob@*\"; mode = \"none\"; }, "
		"{ recipient = \"*@*\"; mode = \"mandatory\"; " STORES "} );",
		"", "bob@example.com", VERDICT_ACCEPT, false, false,
		"mode = \"none\"" },
	{ "none beside one that is mandatory",
		"encrypt = ( { recipient = \"bob@*\"; mode = \"none\"; }, "
		"{ recipient = \"*@*\"; mode = \"mandatory\"; " STORES "} );",
		"", "bob@example.com carol@example.com", VERDICT_REJECT, false,
		false, "<bob@example.com>" },
	{ "none beside one that may pass",
		"encrypt = ( { recipient = \"bob@*\"; mode = \"none\"; }, "
		"{ recipient = \"*@*\"; mode = \"allow\"; " STORES "} );",
		"", "bob@example.com carol@example.com", VERDICT_ACCEPT, false,
		false, "<bob@example.com>" },
	{ "nothing is signed",
		"sign = ( { sender = \"alice@*\"; mode = \"none\"; }, "
		"{ sender = \"*@*\"; " STORES "} );",
		"", "bob@example.com", VERDICT_ACCEPT, false, false,
		"mode = \"none\"" },
	/* tables */
	{ "in the table", TABLE, "bob@example.com\n", "bob@example.com",
		VERDICT_ACCEPT, true, false, NULL },
	{ "not in the table", TABLE, "carol@example.com\n", "bob@example.com",
		VERDICT_ACCEPT, false, false, "not in its table" },
	{ "in another case", TABLE, "BOB@example.COM\n",
		"Bob@Example.com bob@example.com", VERDICT_ACCEPT, true, false,
		NULL },
	{ "the address over its domain", TABLE,
		"example.com\nbob@example.com mode=none\n", "bob@example.com",
		VERDICT_ACCEPT, false, false, "mode = \"none\"" },
	{ "the domain over all", TABLE, "* mode=none\nexample.com\n",
		"nobody@example.com", VERDICT_REJECT, false, false, NULL },
	{ "all", TABLE, "* mode=allow\nexample.com\n", "nobody@example.net",
		VERDICT_ACCEPT, false, false, NULL },
	{ "a line that lets pass", TABLE, "example.com mode=allow\n",
		"nobody@example.com", VERDICT_ACCEPT, false, false, NULL },
	{ "routed on to a domain of the table", TABLE, "example.com\n",
		"nobody%example.com@example.net", VERDICT_REJECT, false, false,
		NULL },
	{ "two lines, two ciphers", TABLE,
		"bob@example.com cipher=aes-128-cbc\n"
		"carol@example.com cipher=aes-256-cbc\n",
		"bob@example.com carol@example.com", VERDICT_REJECT, false,
		false, "different ciphers" },
	/* whose people they are */
	{ "a line for our own people", TABLE,
		"example.com\nbob@example.com locality=internal\n",
		"bob@example.com", VERDICT_ACCEPT, false, false,
		"mode = \"none\"" },
	{ "our own beside one who is protected", OWN TABLE,
		"alice@example.com\nbob@example.com locality=internal\n",
		"bob@example.com alice@example.com", VERDICT_ACCEPT, true,
		false, NULL },
	{ "our own whose line says more", TABLE,
		"nobody@example.com locality=internal mode=mandatory\n",
		"nobody@example.com", VERDICT_REJECT, false, false, NULL },
	{ "external by a line, internal by the setting",
		"internal = \"*@example.com\"; " OWN TABLE,
		"alice@example.com\n"
		"bob@example.com locality=external mode=none\n",
		"bob@example.com alice@example.com", VERDICT_REJECT, false,
		false, "<bob@example.com>" },
	{ "internal by the setting, and no word of it in the line",
		"internal = \"*@example.com\"; " OWN TABLE,
		"alice@example.com\nbob@example.com mode=none\n",
		"bob@example.com alice@example.com", VERDICT_ACCEPT, true,
		false, NULL },
	{ "the domain is ours, the address is not", OWN TABLE,
		"alice@example.com\nexample.com locality=internal\n"
		"bob@example.com locality=external mode=none\n",
		"bob@example.com alice@example.com", VERDICT_REJECT, false,
		false, "<bob@example.com>" },
	{ "a rule for our own people",
		OWN "encrypt = ( { recipient = \"bob@*\"; "
		    "locality = \"internal\"; }, { recipient = \"*@*\"; "
		    "mode = \"mandatory\"; " STORES "} );",
		"", "bob@example.com alice@example.com", VERDICT_ACCEPT, true,
		false, NULL },
	{ "a rule of our own people has a line for others",
		"encrypt = ( { name = \"t\"; table = \"@TABLE@\"; " STORES
		"locality = \"internal\"; } );",
		"example.com\nnobody@example.com mode=mandatory\n",
		"bob@example.com nobody@example.com", VERDICT_REJECT, false,
		false, NULL },
	/* tables of senders */
	{ "a sender of the table", SIGN, "example.com\n", "bob@example.com",
		VERDICT_ACCEPT, false, true, NULL },
	{ "a sender who is not", SIGN, "example.net\n", "bob@example.com",
		VERDICT_ACCEPT, false, false, "not in its table" },
	{ "a sender who shall not", SIGN,
		"example.com\nalice@example.com mode=none\n", "bob@example.com",
		VERDICT_ACCEPT, false, false, "mode = \"none\"" },
	{ "a sender with another certificate", SIGN,
		"alice@example.com certificate=\"subject:CN=nobody at all\" "
		"mode=mandatory\n",
		"bob@example.com", VERDICT_REJECT, false, false,
		"CN=nobody at all" },
};

static bool
says(const struct outcome *outcome, const struct trace *trace,
	const char *words)
{
	const struct recipient_report *report;
	const char *line;
	bool found =
		words == NULL || strstr(outcome->error.text, words) != NULL;

	LIST_FOREACH (report, &outcome->recipients)
		found = found || (report->why != NULL &&
					 strstr(report->why, words) != NULL);
	LIST_FOREACH (line, &trace->lines)
		found = found || strstr(line, words) != NULL;
	return found;
}

static struct conf *
load(const struct mode_case *c)
{
	char path[] = "/tmp/gateway-table-XXXXXX";
	const char *mark = strstr(c->rules, "@TABLE@");
	int fd = mkstemp(path);
	struct conf *conf;
	char *rules;

	assert_true(fd >= 0);
	assert_int_equal(
		write(fd, c->table, strlen(c->table)), strlen(c->table));
	close(fd);
	rules = mark == NULL ? mem_string(c->rules)
			     : mem_printf("%.*s%s%s", (int)(mark - c->rules),
				       c->rules, path, mark + 7);
	conf = fixture_conf(rules);
	unlink(path);
	mem_free(rules);
	return conf;
}

static void
run_case(const struct mode_case *c)
{
	struct conf *conf = load(c);
	struct fixture_mail from = { "local", "alice@example.com",
		c->recipients,
		FROM_ALICE TO("bob@example.com, carol@example.com,"
			      " nobody@example.com, alice@example.com") BODY };
	struct trace trace = { 0 };
	struct gateway_run run = { .trace = &trace };
	struct outcome outcome;
	struct mail mail;

	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, &run, &outcome);
	if (outcome.verdict != c->verdict ||
		outcome.encrypted != c->encrypted ||
		outcome.signed_ != c->signed_ ||
		!says(&outcome, &trace, c->says))
		fail_msg("%s: %s, encrypted %d, signed %d: %s", c->label,
			verdict_name(outcome.verdict), outcome.encrypted,
			outcome.signed_, outcome.error.text);
	trace_clear(&trace);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
the_narrower_setting_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run_case(&cases[i]);
}

/* ---- once a mail, and of no more recipients than may be ---- */

static size_t
times(const struct trace *trace, const char *words)
{
	const char *line;
	size_t count = 0;

	LIST_FOREACH (line, &trace->lines)
		count += strstr(line, words) != NULL;
	return count;
}

static void
process(const struct conf *conf, const char *recipients, struct trace *trace,
	struct outcome *outcome)
{
	struct fixture_mail from = { "local", "alice@example.com", recipients,
		FROM_ALICE TO("bob@example.com, carol@example.com") BODY };
	struct gateway_run run = { .trace = trace };
	struct mail mail;

	fixture_mail(&mail, &from);
	outcome_init(outcome);
	gateway_process(conf->gateway, &mail, &run, outcome);
	mail_clear(&mail);
}

static void
conditions_of_a_mail_are_looked_at_once(void **state)
{
	static const char rules[] =
		"encrypt = ( { name = \"one\"; recipient = \"*@*\"; sender = "
		"\"x@y\"; mode = \"mandatory\"; " STORES
		"}, { name = \"two\"; recipient = \"*@*\"; subject = \"[e]\"; "
		"mode = \"mandatory\"; " STORES "} );";
	struct conf *conf = fixture_conf(rules);
	struct trace trace = { 0 };
	struct outcome outcome;

	(void)state;
	process(conf, "bob@example.com carol@example.com nobody@example.com",
		&trace, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_ACCEPT);
	assert_int_equal(times(&trace, "rule one does not apply"), 1);
	assert_int_equal(times(&trace, "rule two does not apply"), 1);
	trace_clear(&trace);
	outcome_clear(&outcome);
	conf_free(conf);
}

/* The directory could not tell: it would be a tempfail, as of the sender. */
static void
no_directory_is_asked_of_more_recipients_than_may_be(void **state)
{
	struct conf *conf = fixture_conf(
		"limits = { encrypt_recipients = 2; }; encrypt = ( "
		"{ recipient = \"*@*\"; mode = \"mandatory\"; " STORES "} );");
	struct encrypt_rule *rule = conf->gateway->encrypt_rules.item[0];
	static const char *const recipients[] = {
		"bob@example.com carol@example.com",
		"bob@example.com carol@example.com dave@example.com",
		"bob@example.com carol@example.com dave@example.com"
	};

	(void)state;
	rule->mode_from.store = fixture_dead_directory();
	rule->mode_from.attribute = mem_string("mode");
	rule->mode_from.by_mode[MODE_MANDATORY] = rule;
	for (size_t i = 0; i < COUNT_OF(recipients); i++) {
		struct trace trace = { 0 };
		struct outcome outcome;

		rule->mode_from.of_sender = i == 2;
		process(conf, recipients[i], &trace, &outcome);
		assert_int_equal(outcome.error.kind,
			i != 1 ? ERROR_SYSTEM : ERROR_LIMIT);
		assert_int_equal(outcome.verdict,
			i != 1 ? VERDICT_TEMPFAIL : VERDICT_REJECT);
		trace_clear(&trace);
		outcome_clear(&outcome);
	}
	store_close(rule->mode_from.store);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_narrower_setting_holds),
		cmocka_unit_test(conditions_of_a_mail_are_looked_at_once),
		cmocka_unit_test(
			no_directory_is_asked_of_more_recipients_than_may_be),
	};

	return cmocka_run_group_tests_name("gateway/modes", tests, NULL, NULL);
}
