/* What a sender writes to have a mail protected, and what is left of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway_fixture.h"

#define FROM_ALICE "From: alice@example.com\nTo: bob@example.com\n"
#define BODY "\nHello\n"
#define RULE(condition)                                                        \
	"{ recipient = \"*@example.com\"; stores = \"all\";"                   \
	" otherwise = \"reject\"; " condition " }"
#define ENCRYPT(condition) "encrypt = ( " RULE(condition) " );"
#define WORD ENCRYPT("subject = \"[encrypt]\"; subject_remove = true;")
#define FIELD ENCRYPT("header = { name = \"X-Encrypt\"; value = \"yes\"; };")
#define SIGN(condition)                                                        \
	"sign = ( { sender = \"*@example.com\"; stores = \"all\"; " condition  \
	" } );"
#define X100                                                                   \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                   \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct trigger_case {
	const char *label, *rules, *client, *message;
	bool encrypted, signed_;
	const char *has, *has_not; /* of the result; NULL: not looked at */
} cases[] = {
	/* the Subject */
	{ "the word is there", WORD, "local",
		FROM_ALICE "Subject: [encrypt] Hello\n" BODY, true, false,
		"Subject: Hello\n", "[encrypt]" },
	{ "the word is not there", WORD, "local",
		FROM_ALICE "Subject: encrypt this\n" BODY, false, false,
		"Subject: encrypt this\n", NULL },
	{ "a word in the middle", WORD, "local",
		FROM_ALICE "Subject: Re: [ENCRYPT] Hello\n" BODY, true, false,
		"Subject: Re: Hello\n", NULL },
	{ "a word at the end", WORD, "local",
		FROM_ALICE "Subject: Hello [encrypt]\n" BODY, true, false,
		"Subject: Hello\n", NULL },
	{ "nothing but the word", WORD, "local",
		FROM_ALICE "Subject: [encrypt]\n" BODY, true, false, NULL,
		"[encrypt]" },
	{ "twice", WORD, "local",
		FROM_ALICE "Subject: [encrypt] a [encrypt] b\n" BODY, true,
		false, "Subject: a b\n", NULL },
	{ "one that remains of two", WORD, "local",
		FROM_ALICE "Subject: [enc[encrypt]rypt] a\n" BODY, true, false,
		"Subject: a\n", NULL },
	{ "two Subjects", WORD, "local",
		FROM_ALICE "Subject: a\nSubject: [encrypt] b\n" BODY, true,
		false, "Subject: a\nSubject: b\n", "[encrypt]" },
	{ "encoded", WORD, "local",
		FROM_ALICE "Subject: =?utf-8?Q?=5Bencrypt=5D_H=C3=A4?=\n" BODY,
		true, false, "Subject: =?utf-8?Q?H=C3=A4?=\n", NULL },
	{ "encoded in base64", WORD, "local",
		FROM_ALICE "Subject: =?utf-8?B?W2VuY3J5cHRdIEjDpA==?=\n" BODY,
		true, false, "Subject: =?utf-8?Q?H=C3=A4?=\n", NULL },
	{ "across two encoded words, folded", WORD, "local",
		FROM_ALICE "Subject: a =?iso-8859-1?Q?=E4_[enc?=\n"
			   " =?iso-8859-1?Q?rypt]_x?=\n" BODY,
		true, false, "Subject: a =?utf-8?Q?=C3=A4?= x\n", NULL },
	{ "folded", WORD, "local",
		FROM_ALICE "Subject: Hello\n [encrypt]\n\tworld\n" BODY, true,
		false, "Subject: Hello", "[encrypt]" },
	{ "a header in the encoded word", WORD, "local",
		FROM_ALICE "Subject: =?utf-8?Q?=5Bencrypt=5D_a=0D=0AX-Evil:_b?="
			   "\n" BODY,
		true, false, NULL, "\nX-Evil" },
	{ "a long one", WORD, "local",
		FROM_ALICE "Subject: [encrypt] " X100 " " X100 " x\n" BODY,
		true, false, "x\n x\n", "[encrypt]" },
	{ "letters beyond ASCII",
		ENCRYPT("subject = \"[verschl\xc3\xbcsseln]\";"), "local",
		FROM_ALICE
		"Subject: =?iso-8859-1?Q?=5Bverschl=FCsseln=5D_x?=\n" BODY,
		true, false,
		"Subject: =?iso-8859-1?Q?=5Bverschl=FCsseln=5D_x?=\n", NULL },
	{ "a pattern", ENCRYPT("subject = \"[enc*]\"; subject_remove = true;"),
		"local", FROM_ALICE "Subject: [encode it] x\n" BODY, true,
		false, "Subject: x\n", NULL },
	{ "a word that stays", ENCRYPT("subject = \"[encrypt]\";"), "local",
		FROM_ALICE "Subject: [encrypt] Hello\n" BODY, true, false,
		"Subject: [encrypt] Hello\n", NULL },
	/* who may */
	{ "a login", WORD, "login alice",
		FROM_ALICE "Subject: [encrypt] x\n" BODY, true, false,
		"Subject: x\n", NULL },
	{ "from outside", WORD, "192.0.2.1",
		FROM_ALICE "Subject: [encrypt] x\n" BODY, false, false,
		"Subject: [encrypt] x\n", NULL },
	{ "from outside, whom the rule names",
		ENCRYPT("subject = \"[encrypt]\"; clients = \"192.0.2.0/24\";"),
		"192.0.2.1", FROM_ALICE "Subject: [encrypt] x\n" BODY, true,
		false, NULL, NULL },
	/* fields */
	{ "the field is there", FIELD, "local",
		FROM_ALICE "X-Encrypt: yes\n" BODY, true, false, NULL,
		"X-Encrypt" },
	{ "in other letters", FIELD, "local",
		FROM_ALICE "x-encrypt:\n  YES\n" BODY, true, false, NULL,
		"x-encrypt" },
	{ "several", FIELD, "local",
		FROM_ALICE "X-Encrypt: no\nx-ENCRYPT: yes\n" BODY, true, false,
		NULL, "NCRYPT" },
	{ "another value: it is removed all the same", FIELD, "local",
		FROM_ALICE "X-Encrypt: no\n" BODY, false, false, NULL,
		"X-Encrypt" },
	{ "from outside it means nothing", FIELD, "192.0.2.1",
		FROM_ALICE "X-Encrypt: yes\n" BODY, false, false,
		"X-Encrypt: yes\n", NULL },
	{ "another rule was faster",
		"encrypt = ( " RULE("") ", " RULE(
			"header = { name = \"X-Encrypt\"; };") " );",
		"local", FROM_ALICE "X-Encrypt: yes\n" BODY, true, false, NULL,
		"X-Encrypt" },
	/* the mail */
	{ "an attachment", ENCRYPT("has_attachment = true;"), "local",
		FROM_ALICE "Content-Type: application/pdf\n" BODY, true, false,
		NULL, NULL },
	{ "none", ENCRYPT("has_attachment = true;"), "local", FROM_ALICE BODY,
		false, false, NULL, NULL },
	{ "none, where there may be none", ENCRYPT("has_attachment = false;"),
		"local", FROM_ALICE BODY, true, false, NULL, NULL },
	{ "large enough", ENCRYPT("size = { min = \"20\"; };"), "local",
		FROM_ALICE BODY, true, false, NULL, NULL },
	{ "too small", ENCRYPT("size = { min = \"1K\"; };"), "local",
		FROM_ALICE BODY, false, false, NULL, NULL },
	{ "small enough", ENCRYPT("size = { max = \"1K\"; };"), "local",
		FROM_ALICE BODY, true, false, NULL, NULL },
	{ "several conditions",
		ENCRYPT("subject = \"[encrypt]\"; has_attachment = true;"),
		"local", FROM_ALICE "Subject: [encrypt] x\n" BODY, false, false,
		NULL, NULL },
	/* signatures */
	{ "signed when the Subject says so",
		SIGN("subject = \"[sign]\"; subject_remove = true;"), "local",
		FROM_ALICE "Subject: [sign] x\n" BODY, false, true,
		"Subject: x\n", NULL },
	{ "not signed when it does not", SIGN("subject = \"[sign]\";"), "local",
		FROM_ALICE "Subject: x\n" BODY, false, false, NULL, NULL },
	{ "signed with what is encrypted",
		SIGN("sign = \"when-encrypting\";") WORD, "local",
		FROM_ALICE "Subject: [encrypt] x\n" BODY, true, true, NULL,
		NULL },
	{ "and nothing else", SIGN("sign = \"when-encrypting\";") WORD, "local",
		FROM_ALICE "Subject: x\n" BODY, false, false, NULL, NULL },
};

static void
drop_cr(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++)
		if (*text != '\r')
			*to++ = *text;
	*to = '\0';
}

static void
run_case(const struct trigger_case *c)
{
	struct conf *conf = fixture_conf(c->rules);
	struct fixture_mail from = { c->client, "alice@example.com",
		"bob@example.com", c->message };
	struct outcome outcome;
	struct mail mail;
	char *result;

	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	if (!gateway_wants_body(conf->gateway, &mail, NULL) &&
		(c->encrypted || c->signed_ || c->has_not != NULL))
		fail_msg("%s: the body is not asked for", c->label);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	result = fixture_result(&outcome, &mail);
	drop_cr(result);
	if (outcome.verdict != VERDICT_ACCEPT ||
		outcome.encrypted != c->encrypted ||
		outcome.signed_ != c->signed_)
		fail_msg("%s: %s, encrypted %d, signed %d: %s", c->label,
			verdict_name(outcome.verdict), outcome.encrypted,
			outcome.signed_, outcome.error.text);
	if (c->has != NULL && strstr(result, c->has) == NULL)
		fail_msg("%s: %s", c->label, result);
	if (c->has_not != NULL && strstr(result, c->has_not) != NULL)
		fail_msg("%s: %s", c->label, result);
	mem_free(result);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
a_sender_says_what_is_protected(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run_case(&cases[i]);
}

static const struct wants_case {
	const char *label, *rules, *client, *message;
	bool wanted;
} wants[] = {
	{ "a size is not known before the end",
		ENCRYPT("size = { min = \"1M\"; };"), "local", FROM_ALICE,
		true },
	{ "nor is an attachment", SIGN("has_attachment = true;"), "local",
		FROM_ALICE, true },
	{ "a Subject is", ENCRYPT("subject = \"[encrypt]\";"), "local",
		FROM_ALICE, false },
	{ "a size for others", ENCRYPT("size = { min = \"1M\"; };"),
		"192.0.2.1", FROM_ALICE, false },
	{ "only with a Subject that is not there",
		ENCRYPT("subject = \"x\"; size = { min = \"1M\"; };"), "local",
		FROM_ALICE, false },
	{ "a field to be removed", FIELD, "local", FROM_ALICE "X-Encrypt: no\n",
		true },
	{ "signed with what is encrypted: nothing is",
		SIGN("sign = \"when-encrypting\";"), "local", FROM_ALICE,
		false },
};

static void
the_body_is_asked_for_when_it_may_matter(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wants); i++) {
		const struct wants_case *c = &wants[i];
		struct conf *conf = fixture_conf(c->rules);
		struct fixture_mail from = { c->client, "alice@example.com",
			"bob@example.com", c->message };
		struct mail mail;

		fixture_mail(&mail, &from);
		if (gateway_wants_body(conf->gateway, &mail, NULL) != c->wanted)
			fail_msg("%s", c->label);
		mail_clear(&mail);
		conf_free(conf);
	}
}

/* Of a rule that says none a directory may say another mode. */
static void
a_directory_is_asked_of_a_rule_that_says_none(void **state)
{
	struct conf *conf = fixture_conf(
		"encrypt = ( { recipient = \"*@*\"; mode = \"none\"; } );");
	struct encrypt_rule *rule = conf->gateway->encrypt_rules.item[0];
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com", FROM_ALICE };
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	assert_false(gateway_wants_body(conf->gateway, &mail, NULL));
	rule->mode_from.store = conf->gateway->stores.item[0];
	assert_true(gateway_wants_body(conf->gateway, &mail, NULL));
	mail_clear(&mail);
	conf_free(conf);
}

/* Nobody knows then which rules it calls for. */
static void
a_body_that_had_no_room_is_tried_again(void **state)
{
	struct conf *conf = fixture_conf(ENCRYPT("size = { min = \"1M\"; };"));
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com", FROM_ALICE };
	struct outcome outcome;
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	error_set(&mail.failure, ERROR_SYSTEM, "too many mails at once");
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	assert_int_equal(outcome.verdict, VERDICT_TEMPFAIL);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

/* A rule that must be kept is not passed by because nobody knows. */
static void
a_mail_that_is_too_large_may_have_attachments_or_none(void **state)
{
	static const char *const rules[] = { ENCRYPT("has_attachment = false;"),
		ENCRYPT("has_attachment = true;") };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		struct conf *conf = fixture_conf(rules[i]);
		struct fixture_mail from = { "local", "alice@example.com",
			"bob@example.com", FROM_ALICE };
		struct outcome outcome;
		struct mail mail;

		fixture_mail(&mail, &from);
		error_set(&mail.failure, ERROR_LIMIT, "too large");
		outcome_init(&outcome);
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		assert_int_equal(outcome.verdict, VERDICT_REJECT);
		outcome_clear(&outcome);
		mail_clear(&mail);
		conf_free(conf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sender_says_what_is_protected),
		cmocka_unit_test(the_body_is_asked_for_when_it_may_matter),
		cmocka_unit_test(a_directory_is_asked_of_a_rule_that_says_none),
		cmocka_unit_test(a_body_that_had_no_room_is_tried_again),
		cmocka_unit_test(
			a_mail_that_is_too_large_may_have_attachments_or_none),
	};

	return cmocka_run_group_tests_name(
		"gateway/triggers", tests, NULL, NULL);
}
