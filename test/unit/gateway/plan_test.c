#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <openssl/cms.h>

#include <cmocka.h>

#include "base/base64.h"
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

/* One that is encrypted already, and what only looks so. */
#define FOR_BOB FROM_ALICE TO("bob@example.com") "MIME-Version: 1.0\n"
#define ENVELOPED                                                              \
	"Content-Transfer-Encoding: base64\n\n"                                \
	"MGAGCSqGSIb3DQEHA6BTMFECAQAxHDAaAgEAMAUwAAIBATALBgkqhkiG9w0BAQEEAUIw" \
	"\nLgYJKoZIhvcNAQcBMA8GCWCGSAFlAwQBKgQCQUGAEEJCQkJCQkJCQkJCQkJCQkI="   \
	"\n"
#define PGP_MIME                                                               \
	"Content-Type: multipart/encrypted; boundary=b;"                       \
	" protocol=\"application/pgp-encrypted\"\n\n--b\n"                     \
	"Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\n"       \
	"Content-Type: application/octet-stream\n\n"                           \
	"-----BEGIN PGP MESSAGE-----\n\nwcBM\n"                                \
	"-----END PGP MESSAGE-----\n\n--b--\n"
#define MANDATORY "encrypt = ( " ENCRYPT("*@example.com", "reject") " );"
#define OPTIONAL "encrypt = ( " ENCRYPT("*@example.com", "pass") " );"
#define ONLY(condition)                                                        \
	"encrypt = ( { recipient = \"*@example.com\"; stores = \"all\";"       \
	" otherwise = \"reject\"; " condition " } );"

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
		VERDICT_REJECT, false, "5.7.5" },
	{ "no certificate and tempfail",
		"encrypt = ( " ENCRYPT("*@example.com", "tempfail") " );",
		"nobody@example.com", FROM_ALICE TO("nobody@example.com") TEXT,
		VERDICT_TEMPFAIL, false, "4.7.5" },
	{ "no certificate and pass",
		"encrypt = ( " ENCRYPT("*@example.com", "pass") " );",
		"nobody@example.com", FROM_ALICE TO("nobody@example.com") TEXT,
		VERDICT_ACCEPT, false, "no certificate for" },
	{ "all or nothing: one without a certificate beside a mandatory one",
		"encrypt = ( " ENCRYPT("bob@*", "reject") ", " ENCRYPT(
			"*@example.com", "pass") " );",
		"bob@example.com nobody@example.com",
		FROM_ALICE TO("bob@example.com, nobody@example.com") TEXT,
		VERDICT_REJECT, false, "5.7.5" },
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
		"bob@example.com alice@example.com",
		FROM_ALICE TO("bob@example.com, alice@example.com") TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "RSA and EC keys in one CMS are unreadable for some",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"bob@example.com carol@example.com",
		FROM_ALICE TO("bob@example.com, carol@example.com") TEXT,
		VERDICT_REJECT, false, "separately" },
	{ "an internal one with another kind of key",
		SIGN "internal = \"*@example.com\"; encrypt = ( " ENCRYPT(
			"bob@*", "reject") " );",
		"bob@example.com carol@example.com",
		FROM_ALICE TO("bob@example.com, carol@example.com") TEXT,
		VERDICT_REJECT, false, "separately" },
	{ "an internal one without a certificate: otherwise, naming him",
		SIGN "internal = \"*@example.com\"; encrypt = ( " ENCRYPT(
			"bob@*", "reject") " );",
		"bob@example.com nobody@example.com",
		FROM_ALICE TO("bob@example.com, nobody@example.com") TEXT,
		VERDICT_REJECT, false, "<nobody@example.com>" },
	{ "a weak key is refused",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"weak@example.com", FROM_ALICE TO("weak@example.com") TEXT,
		VERDICT_REJECT, false, "1024 bits" },
	{ "a weak key where the rule lets it pass",
		ONLY("weak_keys = true; trusted = false;"), "weak@example.com",
		FROM_ALICE TO("weak@example.com") TEXT, VERDICT_ACCEPT, true,
		NULL },
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
	{ "a route behind a percent sign is the rule's recipient",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"bob%example.com@here.example",
		FROM_ALICE TO("bob%example.com@here.example") TEXT,
		VERDICT_REJECT, false, "5.7.5" },
	{ "a route before an exclamation mark is the rule's recipient",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"example.com!bob@here.example",
		FROM_ALICE TO("example.com!bob@here.example") TEXT,
		VERDICT_REJECT, false, "5.7.5" },
	{ "a name with an unquoted comma hides no recipient",
		"encrypt = ( " ENCRYPT("*@example.com", "reject") " );",
		"bob@example.com alice@example.com",
		FROM_ALICE TO("Mueller, Bob <bob@example.com>, "
			      "alice@example.com") TEXT,
		VERDICT_ACCEPT, true, NULL },
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
		VERDICT_REJECT, false, "5.7.5" },

	/* already encrypted, or not */
	{ "an S/MIME envelope satisfies a mandatory rule", MANDATORY,
		"nobody@example.com",
		FOR_BOB "Content-Type: application/pkcs7-mime\n" ENVELOPED,
		VERDICT_ACCEPT, false, NULL },
	{ "an S/MIME envelope as an octet-stream named .p7m", MANDATORY,
		"nobody@example.com",
		FOR_BOB "Content-Type: application/octet-stream;"
			" name=x.P7M\n" ENVELOPED,
		VERDICT_ACCEPT, false, NULL },
	{ "an S/MIME envelope inside another mail is none", MANDATORY,
		"nobody@example.com",
		FOR_BOB "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
			"Content-Type: application/pkcs7-mime\n" ENVELOPED
			"\n--b--\n",
		VERDICT_REJECT, false, "5.7.5" },
	{ "clear text behind an S/MIME envelope", MANDATORY,
		"nobody@example.com",
		FOR_BOB "Content-Type: application/pkcs7-mime\n" ENVELOPED
			"in clear",
		VERDICT_REJECT, false, "5.7.5" },
	{ "PGP/MIME against a mandatory rule", MANDATORY, "bob@example.com",
		FOR_BOB PGP_MIME, VERDICT_ACCEPT, true, NULL },
	{ "PGP/MIME, and a rule that takes it is not the strictest",
		"encrypt = ( { recipient = \"bob@*\"; stores = \"all\"; accept "
		"= \"pgp\"; otherwise = \"reject\"; }, { recipient = "
		"\"nobody@*\"; stores = \"all\"; otherwise = \"tempfail\"; } "
		");",
		"bob@example.com nobody@example.com", FOR_BOB PGP_MIME,
		VERDICT_TEMPFAIL, false, "4.7.5" },
	{ "PGP/MIME and no certificate", MANDATORY, "nobody@example.com",
		FOR_BOB PGP_MIME, VERDICT_REJECT, false, "5.7.5" },
	{ "PGP/MIME where the rule takes it", ONLY("accept = \"pgp\";"),
		"nobody@example.com", FOR_BOB PGP_MIME, VERDICT_ACCEPT, false,
		NULL },
	{ "PGP/MIME under a rule that may pass", OPTIONAL, "bob@example.com",
		FOR_BOB PGP_MIME, VERDICT_ACCEPT, false, NULL },
	{ "PGP within text, even where the rule takes PGP",
		ONLY("accept = \"pgp\";"), "nobody@example.com",
		FOR_BOB "\n-----BEGIN PGP MESSAGE-----\n\nwcBM\n"
			"-----END PGP MESSAGE-----\n",
		VERDICT_REJECT, false, "5.7.5" },
	{ "a signed mail is encrypted as it is", MANDATORY, "bob@example.com",
		FOR_BOB "Content-Type: multipart/signed; boundary=b;"
			" protocol=\"application/pkcs7-signature\"\n\n"
			"--b\n\nx\n--b\n\ny\n--b--\n",
		VERDICT_ACCEPT, true, NULL },
	/* which rule */
	{ "the first rule that matches decides, not the next",
		"encrypt = ( " ENCRYPT("nobody@*", "tempfail") ", " ENCRYPT(
			"*@example.com", "pass") " );",
		"nobody@example.com", FROM_ALICE TO("nobody@example.com") TEXT,
		VERDICT_TEMPFAIL, false, "4.7.5" },
	{ "a rule for other senders", ONLY("sender = \"x@example.net\";"),
		"bob@example.com", FOR_BOB TEXT, VERDICT_ACCEPT, false, NULL },
	{ "one of two From fields is the rule's sender",
		ONLY("sender = \"carol@example.com\";"), "bob@example.com",
		FROM_ALICE "From: carol@example.com\n" TO("bob@example.com")
			TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "no From: MAIL FROM stands in",
		ONLY("sender = \"alice@example.com\";"), "bob@example.com",
		TO("bob@example.com") TEXT, VERDICT_ACCEPT, true, NULL },
	{ "a From that cannot be read: MAIL FROM stands in",
		ONLY("sender = \"alice@example.com\";"), "bob@example.com",
		"From: alice\n" TO("bob@example.com") TEXT, VERDICT_ACCEPT,
		true, NULL },
	{ "a rule for other clients", ONLY("clients = \"192.0.2.0/24\";"),
		"bob@example.com", FOR_BOB TEXT, VERDICT_ACCEPT, false, NULL },
	{ "a recipient in capitals", MANDATORY, "BOB@EXAMPLE.COM",
		FROM_ALICE TO("bob@example.com") TEXT, VERDICT_ACCEPT, true,
		NULL },
	{ "two Content-Type fields are no obstacle", MANDATORY,
		"bob@example.com",
		FOR_BOB "Content-Type: text/html\n"
			"Content-Type: text/plain\n\nHello\n",
		VERDICT_ACCEPT, true, NULL },
	{ "an empty mail", MANDATORY, "bob@example.com",
		FROM_ALICE TO("bob@example.com") "\n", VERDICT_ACCEPT, true,
		NULL },
	/* all or nothing */
	{ "no certificate beside a mandatory one: naming him",
		"encrypt = ( " ENCRYPT("bob@*", "tempfail") ", " ENCRYPT(
			"*@example.com", "pass") " );",
		"nobody@example.com bob@example.com",
		FROM_ALICE TO("bob@example.com, nobody@example.com") TEXT,
		VERDICT_TEMPFAIL, false, "<nobody@example.com>" },
	{ "the strictest of two",
		"encrypt = ( " ENCRYPT("bob@*", "reject") ", " ENCRYPT(
			"*@example.com", "tempfail") " );",
		"nobody@example.com bob@example.com",
		FROM_ALICE TO("bob@example.com, nobody@example.com") TEXT,
		VERDICT_REJECT, false, "5.7.5" },
	{ "different ciphers: what the sender can do",
		"encrypt = ( { recipient = \"bob@*\"; stores = \"all\";"
		" cipher = \"aes-256-gcm\"; otherwise = \"reject\"; "
		"}, " ENCRYPT("*@example.com", "pass") " );",
		"bob@example.com carol@example.com",
		FROM_ALICE TO("bob@example.com, carol@example.com") TEXT,
		VERDICT_REJECT, false, "separately" },
	{ "internal people alone need nothing",
		SIGN "internal = \"*@example.com\"; encrypt = ( " ENCRYPT(
			"x@*", "reject") " );",
		"bob@example.com carol@example.com",
		FROM_ALICE TO("bob@example.com, carol@example.com") TEXT,
		VERDICT_ACCEPT, false, NULL },
	{ "an internal one who has a rule of his own",
		SIGN
		"internal = \"*@example.com\"; encrypt = ( " ENCRYPT("bob@*",
			"reject") ", " ENCRYPT("nobody@*", "tempfail") " );",
		"bob@example.com nobody@example.com",
		FROM_ALICE TO("bob@example.com, nobody@example.com") TEXT,
		VERDICT_REJECT, false, "<nobody@example.com>" },
	/* Bcc */
	{ "one recipient twice is not two", MANDATORY,
		"bob@example.com Bob@Example.com",
		FROM_ALICE TO("x@example.net") TEXT, VERDICT_ACCEPT, true,
		NULL },
	{ "recipients in Cc, in a group and in other case",
		"encrypt = ( " ENCRYPT("*@*", "reject") " );",
		"bob@example.com paula@partner.example alice@example.com",
		FROM_ALICE TO("Us: BOB@example.com, \"P\" "
			      "<paula@partner.example>;") "cC: (me) "
							  "alice@example."
							  "com\n" TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "an internal recipient in neither To nor Cc",
		SIGN "internal = \"*@example.com\"; encrypt = ( " ENCRYPT(
			"bob@*", "reject") " );",
		"bob@example.com alice@example.com",
		FROM_ALICE TO("bob@example.com") TEXT, VERDICT_REJECT, false,
		"Bcc" },
	/* to_self */
	{ "a copy for oneself", SIGN ONLY("to_self = true;"), "bob@example.com",
		FOR_BOB TEXT, VERDICT_ACCEPT, true, NULL },
	{ "no certificate for a copy for oneself", SIGN ONLY("to_self = true;"),
		"bob@example.com",
		"From: nobody@example.com\n" TO("bob@example.com") TEXT,
		VERDICT_ACCEPT, true, NULL },
	{ "two From and a copy for oneself", SIGN ONLY("to_self = true;"),
		"bob@example.com",
		FROM_ALICE FROM_ALICE TO("bob@example.com") TEXT,
		VERDICT_ACCEPT, true, NULL },
	/* together with signing */
	{ "what may pass unsigned is still encrypted", SIGN MANDATORY,
		"bob@example.com",
		"From: nobody@example.com\n" TO("bob@example.com") TEXT,
		VERDICT_ACCEPT, true, "is not MAIL FROM" },
	{ "quarantined for a signature, and encrypted",
		"sign = ( { sender = \"*@example.com\"; stores = \"all\";"
		" otherwise = \"quarantine\"; } );" MANDATORY,
		"bob@example.com",
		"From: nobody@example.com\n" TO("bob@example.com") TEXT,
		VERDICT_QUARANTINE, true, "is not MAIL FROM" },
	{ "refused for a signature, though it could be encrypted",
		"sign = ( { sender = \"*@example.com\"; stores = \"all\";"
		" otherwise = \"tempfail\"; } );" MANDATORY,
		"bob@example.com",
		"From: nobody@example.com\n" TO("bob@example.com") TEXT,
		VERDICT_TEMPFAIL, false, "4.7.1" },
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

/* Two recipients, two RecipientInfos; a copy for oneself, one more. */
static void
everybody_has_one_way_in(void **state)
{
	static const struct {
		const char *recipients;
		unsigned infos;
	} counts[] = { { "bob@example.com", 2 },
		{ "bob@example.com BOB@example.com", 2 },
		{ "bob@example.com alice@example.com", 2 },
		{ "bob@example.com paula@partner.example", 3 } };
	struct conf *conf = fixture_conf(
		SIGN "bcc = \"share\"; encrypt = ( { recipient = \"*@*\";"
		     " stores = \"all\"; otherwise = \"reject\";"
		     " to_self = true; } );");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct fixture_mail from = { "local", "alice@example.com",
			counts[i].recipients, FOR_BOB TEXT };
		struct outcome outcome;
		struct buf text = { 0 }, der = { 0 };
		const unsigned char *at;
		CMS_ContentInfo *cms;
		struct mail mail;

		fixture_mail(&mail, &from);
		outcome_init(&outcome);
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		assert_true(outcome.encrypted);
		assert_null(outcome.note);
		assert_int_equal(buf_add_pieces(&text, &outcome.body, NULL), 0);
		assert_int_equal(base64_decode(buf_span(&text), &der, NULL), 0);
		at = der.data;
		cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
		assert_non_null(cms);
		assert_int_equal(
			sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)),
			counts[i].infos);
		CMS_ContentInfo_free(cms);
		buf_clear(&text);
		buf_clear(&der);
		outcome_clear(&outcome);
		mail_clear(&mail);
	}
	conf_free(conf);
}

/* Thousands of look-ups for a mail that is refused all the same: none. */
static void
too_many_recipients_are_refused_before_anybody_is_looked_up(void **state)
{
	struct gateway_run run = { .explain = true };
	struct conf *conf = fixture_conf(
		"limits = { encrypt_recipients = 1; }; " MANDATORY);
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com alice@example.com",
		FROM_ALICE TO("bob@example.com, alice@example.com") TEXT };
	const struct recipient_report *report;
	struct outcome outcome;
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, &run, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_REJECT);
	assert_int_equal(outcome.error.kind, ERROR_LIMIT);
	LIST_FOREACH (report, &outcome.recipients) {
		assert_int_equal(report->plan, PLAN_REFUSED);
		assert_non_null(report->why);
		assert_int_equal(report->candidates.count, 0);
	}
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
every_recipient_of_a_refused_mail_is_reported_as_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct conf *conf = fixture_conf(cases[i].rules);
		struct fixture_mail from = { "local", "alice@example.com",
			cases[i].recipients, cases[i].message };
		const struct recipient_report *report;
		struct outcome outcome;
		struct mail mail;

		fixture_mail(&mail, &from);
		outcome_init(&outcome);
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		LIST_FOREACH (report, &outcome.recipients)
			if (outcome.verdict == VERDICT_REJECT &&
				report->plan != PLAN_REFUSED)
				fail_msg("%s: <%s> %s", cases[i].label,
					report->address,
					plan_name(report->plan));
		outcome_clear(&outcome);
		mail_clear(&mail);
		conf_free(conf);
	}
}

static void
the_log_line_names_every_rule_once(void **state)
{
#define NAMED(name, recipient)                                                 \
	"{ name = \"" name "\"; recipient = \"" recipient                      \
	"\"; stores = \"all\"; otherwise = \"reject\"; }"
	struct conf *conf = fixture_conf("encrypt = ( " NAMED(
		"partners", "bob@*") ", " NAMED("part", "carol@*") " );");
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com carol@example.com bob@example.com",
		FROM_ALICE TO("bob@example.com, carol@example.com") TEXT };
	struct outcome outcome;
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	assert_string_equal(outcome.encrypt_rule, "partners,part");
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

/* RFC 5321 4.5.3.1.5: 512 with CRLF; RFC 3463: the classes agree. */
static void
check_reply(const struct outcome *outcome, const char *const insides[],
	size_t count)
{
	const char *reply = outcome->reply;

	assert_non_null(reply);
	assert_true(strlen(reply) < 500);
	assert_memory_equal(reply,
		outcome->verdict == VERDICT_REJECT ? "550 5." : "451 4.", 6);
	for (const char *c = reply; *c != '\0'; c++)
		assert_in_range(*c, 32, 126);
	for (size_t k = 0; k < count; k++)
		assert_null(strstr(reply, insides[k]));
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
		if (outcome.verdict >= VERDICT_TEMPFAIL)
			check_reply(&outcome, insides, COUNT_OF(insides));
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
		cmocka_unit_test(everybody_has_one_way_in),
		cmocka_unit_test(
			too_many_recipients_are_refused_before_anybody_is_looked_up),
		cmocka_unit_test(
			every_recipient_of_a_refused_mail_is_reported_as_refused),
		cmocka_unit_test(the_log_line_names_every_rule_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
