#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway_fixture.h"

#define TEXT                                                                   \
	"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"       \
	"Hello\n"
#define FROM_ALICE "From: Alice <alice@example.com>\n"
#define TO(x) "To: " x "\n"

/* Rules put together from these. */
#define SIGN "sign = ( { sender = \"*@example.com\"; stores = \"all\"; } );\n"
#define ENCRYPT(pattern, otherwise)                                            \
	"{ recipient = \"" pattern                                             \
	"\"; stores = \"all\"; otherwise = \"" otherwise "\"; }"

static const struct plan_case {
	const char *label, *rules, *recipients, *message;
	enum verdict verdict;
	bool encrypted;
	const char *words; /* in the reply or the error */
} cases[] = {
	{ "a recipient without a rule gets it in clear",
		"encrypt = ( " ENCRYPT("x@example.com", "reject") " );",
		"bob@example.com", FROM_ALICE TO("bob@example.com") TEXT,
		VERDICT_ACCEPT, false, NULL },
	{ "one recipient with a certificate",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"bob@example.com", FROM_ALICE TO("bob@example.com") TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "no certificate and reject",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"nobody@example.com", FROM_ALICE TO("nobody@example.com") TEXT,
		VERDICT_REJECT, false, "5.7.10" },
	{ "no certificate and tempfail",
		"encrypt = ( " ENCRYPT("*@example.com", "tempfail") " );",
		"nobody@example.com", FROM_ALICE TO("nobody@example.com") TEXT,
		VERDICT_TEMPFAIL, false, "4.7.10" },
	{ "no certificate and pass",
		"encrypt = ( " ENCRYPT("*@example.com", "pass") " );",
		"nobody@example.com", FROM_ALICE TO("nobody@example.com") TEXT,
		VERDICT_ACCEPT, false, "no certificate for" },
	{ "all or nothing: one without a certificate beside a mandatory one",
		"encrypt = ( " ENCRYPT("bob@*", "reject") ", " ENCRYPT(
			"*@example.com", "pass") " );",
		"bob@example.com nobody@example.com",
		FROM_ALICE TO("bob@example.com, nobody@example.com") TEXT,
		VERDICT_REJECT, false, "5.7.10" },
	{ "all or nothing: a clear one beside a mandatory one",
		"encrypt = ( " ENCRYPT("bob@*", "reject") " );",
		"bob@example.com x@example.net",
		FROM_ALICE TO("bob@example.com, x@example.net") TEXT,
		VERDICT_REJECT, false, "<x@example.net>" },
	{ "all or nothing: a clear one beside one that may pass",
		"encrypt = ( " ENCRYPT("bob@*", "pass") " );",
		"bob@example.com x@example.net",
		FROM_ALICE TO("bob@example.com, x@example.net") TEXT,
		VERDICT_ACCEPT, false, "<x@example.net>" },
	{ "an internal one beside a mandatory one gets a copy of his own",
		SIGN "internal = \"*@example.com\"; encrypt = ( " ENCRYPT(
			"bob@*", "reject") " );",
		"bob@example.com carol@example.com",
		FROM_ALICE TO("bob@example.com, carol@example.com") TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "an internal one without a certificate: otherwise, naming him",
		SIGN "internal = \"*@example.com\"; encrypt = ( " ENCRYPT(
			"bob@*", "reject") " );",
		"bob@example.com nobody@example.com",
		FROM_ALICE TO("bob@example.com, nobody@example.com") TEXT,
		VERDICT_REJECT, false, "<nobody@example.com>" },
	{ "different ciphers are different plans",
		"encrypt = ( { recipient = \"bob@*\"; stores = \"all\";"
		" cipher = \"aes-256-gcm\"; otherwise = \"reject\"; "
		"}, " ENCRYPT("*@example.com", "pass") " );",
		"bob@example.com carol@example.com",
		FROM_ALICE TO("bob@example.com, carol@example.com") TEXT,
		VERDICT_REJECT, false, "different ciphers" },
	{ "different key transports share one CMS",
		"encrypt = ( { recipient = \"bob@*\"; stores = \"all\";"
		" key_transport = \"oaep\"; otherwise = \"reject\"; "
		"}, " ENCRYPT("*@example.com", "pass") " );",
		"bob@example.com alice@example.com",
		FROM_ALICE TO("bob@example.com, alice@example.com") TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "a Bcc recipient among others",
		"encrypt = ( " ENCRYPT("*@example.com", "pass") " );",
		"bob@example.com alice@example.com",
		FROM_ALICE TO("bob@example.com") TEXT, VERDICT_REJECT, false,
		"Bcc" },
	{ "a Bcc recipient among others where that is wanted",
		"bcc = \"share\"; encrypt = ( " ENCRYPT(
			"*@example.com", "pass") " );",
		"bob@example.com alice@example.com",
		FROM_ALICE TO("bob@example.com") TEXT, VERDICT_ACCEPT, true,
		NULL },
	{ "a Bcc recipient all alone",
		"encrypt = ( " ENCRYPT("*@example.com", "pass") " );",
		"bob@example.com", FROM_ALICE TO("x@example.net") TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "more recipients than the limit",
		"limits = { encrypt_recipients = 1; }; encrypt = ( " ENCRYPT(
			"*@example.com", "reject") " );",
		"bob@example.com alice@example.com",
		FROM_ALICE TO("bob@example.com, alice@example.com") TEXT,
		VERDICT_REJECT, false, "5.3.4" },
	{ "a clear mail that claims to be encrypted",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"bob@example.com",
		FROM_ALICE TO("bob@example.com") "Content-Type: "
						 "application/pkcs7-mime; "
						 "name=smime.p7m;"
						 " smime-type=enveloped-"
						 "data\n\nin clear\n",
		VERDICT_ACCEPT, true, NULL },
	{ "a clear mail that claims to be encrypted, and no certificate",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"nobody@example.com",
		FROM_ALICE TO(
			"nobody@example.com") "Content-Type: "
					      "application/octet-stream;"
					      " name=smime.p7m\n\nin clear\n",
		VERDICT_REJECT, false, "5.7.10" },
};

static bool
says(const struct outcome *outcome, const char *words)
{
	return words == NULL || strstr(outcome->error.text, words) != NULL ||
	       (outcome->reply != NULL &&
		       strstr(outcome->reply, words) != NULL);
}

static void
run_case(const struct plan_case *c)
{
	struct conf *conf = fixture_conf(c->rules);
	struct fixture_mail from = { "local", "alice@example.com",
		c->recipients, c->message };
	struct outcome outcome;
	struct mail mail;

	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	if (outcome.verdict != c->verdict ||
		outcome.encrypted != c->encrypted || !says(&outcome, c->words))
		fail_msg("%s: verdict %s, encrypted %d, reply %s, error %s",
			c->label, verdict_name(outcome.verdict),
			outcome.encrypted, outcome.reply, outcome.error.text);
	assert_int_equal(
		outcome.body_changed, outcome.encrypted || outcome.signed_);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
recipients_get_what_their_rules_promise(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run_case(&cases[i]);
}

static void
a_reply_to_a_sender_tells_nothing_of_our_insides(void **state)
{
	static const char *const insides[] = { "store", "rule", "/" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct conf *conf = fixture_conf(cases[i].rules);
		struct fixture_mail from = { "local", "alice@example.com",
			cases[i].recipients, cases[i].message };
		struct outcome outcome;
		struct mail mail;

		fixture_mail(&mail, &from);
		outcome_init(&outcome);
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		for (size_t k = 0;
			outcome.reply != NULL && k < COUNT_OF(insides); k++)
			assert_null(strstr(outcome.reply, insides[k]));
		outcome_clear(&outcome);
		mail_clear(&mail);
		conf_free(conf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_get_what_their_rules_promise),
		cmocka_unit_test(
			a_reply_to_a_sender_tells_nothing_of_our_insides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
