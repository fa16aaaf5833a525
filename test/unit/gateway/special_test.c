/* Mails that S/MIME does no good, and rules that are kept all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway_fixture.h"

#define FROM "From: alice@example.com\nTo: bob@example.com\n"
#define BODY "\nHello\n"
#define SIGN_AS(more)                                                          \
	"sign = ( { sender = \"*@example.com\"; stores = \"all\"; " more " } " \
	");"
#define ENCRYPT_AS(mode)                                                       \
	"encrypt = ( { recipient = \"*@example.com\"; stores = \"all\";"       \
	" mode = \"" mode "\"; } );"
#define BOTH SIGN_AS("") ENCRYPT_AS("allow")
#define STRICT SIGN_AS("mode = \"mandatory\";") ENCRYPT_AS("mandatory")
#define LEAVE(x) "leave_alone = { " x " };"
#define REPORT                                                                 \
	FROM "Content-Type: multipart/report; boundary=b; "                    \
	     "report-type=x\n\n--b\n\n"                                        \
	     "x\n--b--\n"
#define PARTIAL FROM "Content-Type: message/partial; id=x; number=1\n\nx\n"
#define INVITATION                                                             \
	FROM "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nx\n"   \
	     "--b\nContent-Type: text/calendar; method=REQUEST\n\nx\n--b--\n"
#define ANSWER FROM "Auto-Submitted: Auto-Replied (vacation); x=y\n" BODY
#define POST FROM "List-Id: <x.example.com>\n" BODY
#define BULK FROM "Precedence: bulk\n" BODY

enum { CLEAR = 0, SIGNED = 1, ENCRYPTED = 2 };

static const struct special_case {
	const char *label, *rules, *mail_from, *message;
	enum verdict verdict;
	int did;
	const char *note; /* NULL: none */
} cases[] = {
	{ "any other mail", BOTH, "alice@example.com", FROM BODY,
		VERDICT_ACCEPT, SIGNED | ENCRYPTED, NULL },
	/* reports */
	{ "from <>", BOTH, "", FROM BODY, VERDICT_ACCEPT, CLEAR,
		"left alone: a delivery report" },
	{ "multipart/report", BOTH, "alice@example.com", REPORT, VERDICT_ACCEPT,
		CLEAR, "left alone: a delivery report" },
	{ "a report is protected where the setting says so",
		BOTH LEAVE("reports = \"protect\";"), "alice@example.com",
		REPORT, VERDICT_ACCEPT, SIGNED | ENCRYPTED, NULL },
	{ "and signed where it says that", BOTH LEAVE("reports = \"sign\";"),
		"alice@example.com", REPORT, VERDICT_ACCEPT, SIGNED,
		"left alone: a delivery report" },
	{ "a rule that must be kept is kept", STRICT, "alice@example.com",
		REPORT, VERDICT_ACCEPT, SIGNED | ENCRYPTED, NULL },
	{ "from <>, too", STRICT, "", FROM BODY, VERDICT_ACCEPT, ENCRYPTED,
		NULL },
	{ "unless the administrator says so",
		STRICT LEAVE("even_mandatory = \"reports\";"),
		"alice@example.com", REPORT, VERDICT_ACCEPT, CLEAR,
		"left alone: a delivery report" },
	{ "of another kind", STRICT LEAVE("even_mandatory = \"calendar\";"),
		"alice@example.com", REPORT, VERDICT_ACCEPT, SIGNED | ENCRYPTED,
		NULL },
	{ "two types: nobody knows which", BOTH, "alice@example.com",
		FROM "Content-Type: multipart/report; boundary=b\n"
		     "Content-Type: text/plain\n\n--b--\n",
		VERDICT_ACCEPT, ENCRYPTED, NULL },
	/* fragments */
	{ "a fragment is refused", BOTH, "alice@example.com", PARTIAL,
		VERDICT_REJECT, CLEAR, NULL },
	{ "by a sign rule alone", SIGN_AS(""), "alice@example.com", PARTIAL,
		VERDICT_REJECT, CLEAR, NULL },
	{ "where no rule is, it passes", "encrypt = ( );", "alice@example.com",
		PARTIAL, VERDICT_ACCEPT, CLEAR, NULL },
	{ "a fragment passes", BOTH LEAVE("partial = \"pass\";"),
		"alice@example.com", PARTIAL, VERDICT_ACCEPT, CLEAR,
		"left alone: a part of a mail" },
	{ "but not by a rule that must be kept",
		STRICT LEAVE("partial = \"pass\";"), "alice@example.com",
		PARTIAL, VERDICT_REJECT, CLEAR, NULL },
	{ "unless the administrator says so, too",
		STRICT LEAVE(
			"partial = \"pass\"; even_mandatory = \"partial\";"),
		"alice@example.com", PARTIAL, VERDICT_ACCEPT, CLEAR,
		"left alone: a part of a mail" },
	/* invitations */
	{ "an invitation is signed", BOTH, "alice@example.com", INVITATION,
		VERDICT_ACCEPT, SIGNED, "left alone: an invitation" },
	{ "detached, whatever the rule says", SIGN_AS("form = \"opaque\";"),
		"alice@example.com", INVITATION, VERDICT_ACCEPT, SIGNED,
		"signed detached: an invitation" },
	{ "an invitation is skipped", BOTH LEAVE("calendar = \"skip\";"),
		"alice@example.com", INVITATION, VERDICT_ACCEPT, CLEAR,
		"left alone: an invitation" },
	{ "an invitation is protected", BOTH LEAVE("calendar = \"protect\";"),
		"alice@example.com", INVITATION, VERDICT_ACCEPT,
		SIGNED | ENCRYPTED, NULL },
	{ "a mandatory rule encrypts it", STRICT, "alice@example.com",
		INVITATION, VERDICT_ACCEPT, SIGNED | ENCRYPTED, NULL },
	/* answers, lists, bulk */
	{ "an answer is a mail", BOTH, "alice@example.com", ANSWER,
		VERDICT_ACCEPT, SIGNED | ENCRYPTED, NULL },
	{ "an answer is skipped", BOTH LEAVE("answers = \"skip\";"),
		"alice@example.com", ANSWER, VERDICT_ACCEPT, CLEAR,
		"left alone: an automatic answer" },
	{ "an answer by a mandatory rule", STRICT LEAVE("answers = \"skip\";"),
		"alice@example.com", ANSWER, VERDICT_ACCEPT, SIGNED | ENCRYPTED,
		NULL },
	{ "no answer", BOTH LEAVE("answers = \"skip\";"), "alice@example.com",
		FROM "Auto-Submitted: no\n" BODY, VERDICT_ACCEPT,
		SIGNED | ENCRYPTED, NULL },
	{ "a post is signed detached", SIGN_AS("form = \"opaque\";"),
		"alice@example.com", POST, VERDICT_ACCEPT, SIGNED,
		"signed detached: a post of a list" },
	{ "a post is signed opaque", SIGN_AS("") LEAVE("lists = \"opaque\";"),
		"alice@example.com", POST, VERDICT_ACCEPT, SIGNED,
		"signed opaque: a post of a list" },
	{ "a post is skipped", BOTH LEAVE("lists = \"skip\";"),
		"alice@example.com", POST, VERDICT_ACCEPT, CLEAR,
		"left alone: a post of a list" },
	{ "bulk is a mail", BOTH, "alice@example.com", BULK, VERDICT_ACCEPT,
		SIGNED | ENCRYPTED, NULL },
	{ "bulk is signed only", BOTH LEAVE("bulk = \"sign\";"),
		"alice@example.com", BULK, VERDICT_ACCEPT, SIGNED,
		"left alone: bulk or automatic mail" },
};

static void
run_case(const struct special_case *c)
{
	struct conf *conf = fixture_conf(c->rules);
	struct fixture_mail from = { "local", c->mail_from, "bob@example.com",
		c->message };
	struct outcome outcome;
	struct mail mail;
	int did;

	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	did = (outcome.signed_ ? SIGNED : 0) |
	      (outcome.encrypted ? ENCRYPTED : 0);
	if (outcome.verdict != c->verdict ||
		(c->verdict == VERDICT_ACCEPT && did != c->did))
		fail_msg("%s: %s, did %d: %s, %s", c->label,
			verdict_name(outcome.verdict), did, outcome.error.text,
			outcome.sign.why);
	if ((c->note == NULL) != (outcome.note == NULL) ||
		(c->note != NULL && strcmp(c->note, outcome.note) != 0))
		fail_msg("%s: note %s", c->label, outcome.note);
	if (c->verdict == VERDICT_REJECT)
		assert_int_equal(outcome.error.kind, ERROR_FORMAT);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

static void
what_cannot_bear_protection_is_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		run_case(&cases[i]);
}

/* Two recipients, one of them by a rule that must be kept. */
static void
one_mandatory_rule_is_enough(void **state)
{
	static const char rules[] =
		"encrypt = ( { recipient = \"bob@*\"; stores = \"all\"; "
		"mode = \"allow\"; }, { recipient = \"alice@*\"; stores = "
		"\"all\"; mode = \"mandatory\"; } );"
		"leave_alone = { answers = \"skip\"; };";
	struct conf *conf = fixture_conf(rules);
	struct fixture_mail from = { "local", "alice@example.com",
		"bob@example.com alice@example.com",
		"To: bob@example.com, alice@example.com\n" ANSWER };
	struct outcome outcome;
	struct mail mail;

	(void)state;
	fixture_mail(&mail, &from);
	outcome_init(&outcome);
	gateway_process(conf->gateway, &mail, NULL, &outcome);
	assert_true(outcome.encrypted);
	outcome_clear(&outcome);
	mail_clear(&mail);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_bear_protection_is_left_alone),
		cmocka_unit_test(one_mandatory_rule_is_enough),
	};

	return cmocka_run_group_tests_name(
		"gateway/special", tests, NULL, NULL);
}
