/* Out and in again: what we protect we give back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway_fixture.h"

#define HEAD                                                                   \
	"From: alice@example.com\nTo: bob@example.com\nSubject: s\n"           \
	"MIME-Version: 1.0\n"
#define OUT(sign, encrypt)                                                     \
	"sign = ( { sender = \"alice@example.com\"; stores = \"all\"; " sign   \
	" } );\n"                                                              \
	"encrypt = ( { recipient = \"bob@example.com\"; stores = \"all\";"     \
	" trusted = false; otherwise = \"reject\"; " encrypt " } );\n"
#define ENCRYPT_ONLY                                                           \
	"encrypt = ( { recipient = \"bob@example.com\"; stores = \"all\";"     \
	" trusted = false; otherwise = \"reject\"; } );\n"
#define IN(more)                                                               \
	"inbound = ( { recipient = \"*@example.com\"; keys = \"all\"; " more   \
	" } );\n"

static const char *const bodies[] = {
	"Content-Type: text/plain\n\nHello\n",
	"Content-Type: text/plain\n\nno line end",
	"Content-Type: text/plain\n\n",
	"Content-Type: text/html; charset=us-ascii\n"
	"Content-Disposition: inline\nContent-Language: de\n\n<p>x</p>\n",
	"Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n"
	"Content-Type: text/plain\n\none\n--b\n\ntwo\n\n--b--\nepilogue\n",
	"Content-Type: application/octet-stream\n"
	"Content-Transfer-Encoding: base64\n\nAAEC\n",
	"Content-Type: message/rfc822\n\nFrom: x@y\nSubject: z\n\ninner\n",
	"Content-Type: text\n\nno subtype\n",
	"Content-Type: ;\n\nnothing that can be read\n",
	"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	"Content-Type: text/plain\n\nnever closed\n",
	"Content-Type: multipart/mixed; boundary=b\n\nno delimiter at all\n",
	"Content-Type: multipart/mixed\n\n--b\n\nno boundary\n--b--\n",
	"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	"Content-Type: multipart/alternative; boundary=b-b\n\n--b-b\n\none\n"
	"--b-b\n\n--b-b--\n--b\nContent-Type: text/calendar; method=REQUEST\n"
	"\nBEGIN:VCALENDAR\n--b--\n--b\n\nafter the end\n--b--\n",
	"Content-Type: text/plain; name*0*=utf-8''%C3%A4;\n\tname*1=\".txt\"\n"
	"Content-Description: =?utf-8?Q?=C3=A4?=\n a fold\n\nRFC 2231\n",
	"Content-Type: text/plain;\n boundary=none; charset=\"us-ascii\n\n"
	"a quote without end\n",
};

/* What has to be encoded anew on its way out; it stays so from then on. */
static const char *const encoded_anew[] = {
	"Content-Type: text/plain; format=flowed; delsp=yes\n\n"
	"From here, \n.and a dot \n>From there\n-- \nblanks at the end  "
	"\t\n\n\n",
	"Content-Type: text/plain; charset=utf-8\n"
	"Content-Transfer-Encoding: 8bit\n\nGr\xc3\xbc\xc3\x9f"
	"e\n",
	"Content-Type: text/plain; charset=utf-8\n\nunlabelled \xe4\n",
	"Content-Type: multipart/mixed; boundary=b\n"
	"Content-Transfer-Encoding: 8bit\n\npreamble\n--b\n"
	"Content-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n"
	"<p>\xc3\xa4</p>\n--b\nContent-Type: application/octet-stream\n"
	"Content-Transfer-Encoding: base64\n\nAAEC\n--b--\n",
	"Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
	"Subject: inner\nContent-Type: text/plain; charset=utf-8\n\n\xc3\xa4\n",
};

static const struct way {
	const char *label, *out, *in;
	enum inbound_verdict verdict;
	bool stripped; /* the original comes back, not the signed mail */
} ways[] = {
	{ "encrypted", ENCRYPT_ONLY, IN(""), INBOUND_NONE, true },
	{ "GCM", OUT("form = \"opaque\";", "cipher = \"aes-256-gcm\";"),
		IN("strip_signature = true;"), INBOUND_PASS, true },
	{ "OAEP", OUT("", "key_transport = \"oaep\";"),
		IN("strip_signature = true;"), INBOUND_PASS, true },
	{ "3DES", OUT("scheme = \"pss\";", "cipher = \"3des\";"),
		IN("strip_signature = true;"), INBOUND_PASS, true },
	{ "RC2", OUT("", "cipher = \"rc2-128\";"),
		IN("strip_signature = true; legacy = true;"), INBOUND_PASS,
		true },
	{ "the signature stays", OUT("", ""), IN(""), INBOUND_PASS, false },
};

static char *
through(const char *rules, const char *message, struct outcome *outcome)
{
	struct conf *conf = fixture_conf(rules);
	struct fixture_mail from = { "login alice", "alice@example.com",
		"bob@example.com", message };
	struct mail mail;
	char *result;

	fixture_mail(&mail, &from);
	outcome_init(outcome);
	gateway_process(conf->gateway, &mail, NULL, outcome);
	assert_int_equal(outcome->verdict, VERDICT_ACCEPT);
	result = fixture_result(outcome, &mail);
	outcome->sign.rule = NULL;
	mail_clear(&mail);
	conf_free(conf);
	return result;
}

/* Header fields and their order aside: Content-* and the body. */
static void
assert_same(const char *label, const char *got, const char *message)
{
	const char *body = strstr(got, "\r\n\r\n");
	struct buf want = { 0 };
	const char *blank = strstr(message, "\n\n");

	for (const char *c = blank; *c != '\0'; c++)
		if ((*c == '\n' && buf_add(&want, "\r", 1, NULL) != 0) ||
			buf_add(&want, c, 1, NULL) != 0)
			fail();
	if (body == NULL || strlen(body) != want.len ||
		memcmp(body, want.data, want.len) != 0)
		fail_msg("%s: the body is\n%s", label, got);
	buf_clear(&want);
	for (const char *c = strstr(message, "Content-");
		c != NULL && c < blank; c = strstr(c + 1, "Content-")) {
		char *field = mem_string_n(c, strcspn(c, "\n"));

		if (strstr(got, field) == NULL)
			fail_msg("%s: no %s in\n%s", label, field, got);
		mem_free(field);
	}
}

static void
assert_nothing_dangles(const char *label, const struct outcome *outcome)
{
	const struct inbound_layer *layer;

	LIST_FOREACH (layer, &outcome->inbound.layers)
		if (layer->parts.content.data != NULL ||
			layer->parts.line_end.data != NULL)
			fail_msg("%s: points into what was given back", label);
}

static void
outbound_then_inbound_gives_the_original_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		for (size_t j = 0; j < COUNT_OF(bodies); j++) {
			const struct way *way = &ways[i];
			char *message = mem_printf(HEAD "%s", bodies[j]);
			struct outcome out, in;
			char *sent = through(way->out, message, &out);
			char *got = through(way->in, sent, &in);

			assert_true(out.encrypted);
			if (in.inbound.verdict != way->verdict ||
				!in.inbound.decrypted ||
				!in.headers_only_bounce)
				fail_msg("%s: %s, %s", way->label,
					inbound_verdict_name(
						in.inbound.verdict),
					in.error.text);
			if (way->stripped) {
				assert_same(way->label, got, message);
				assert_nothing_dangles(way->label, &in);
			} else {
				assert_non_null(strstr(
					got, "Content-Type: multipart/signed"));
			}
			outcome_clear(&out);
			outcome_clear(&in);
			mem_free(got);
			mem_free(sent);
			mem_free(message);
		}
}

static const struct held {
	const char *label, *out, *in, *recipients;
	const char *why; /* in the log */
} held[] = {
	{ "old ciphers without legacy", OUT("", "cipher = \"rc2-128\";"),
		IN(""), "bob@example.com", "cannot be decrypted" },
	{ "a recipient without a rule", OUT("", ""), IN(""),
		"bob@example.com x@example.net", NULL },
	{ "a recipient without a key", OUT("", ""), IN(""),
		"bob@example.com alice@example.com", "no key for" },
	{ "a stranger alone", OUT("", ""), IN(""), "alice@example.com",
		"no key for" },
	{ "nobody has keys", OUT("", ""),
		"inbound = ( { recipient = \"*@example.com\"; } );",
		"bob@example.com", NULL },
};

static void
what_stays_closed_is_not_touched(void **state)
{
	char *message = mem_printf(HEAD "%s", bodies[0]);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(held); i++) {
		const struct held *row = &held[i];
		struct conf *conf = fixture_conf(row->in);
		struct outcome out, in;
		char *sent = through(row->out, message, &out), *got;
		struct fixture_mail from = { "192.0.2.1", "x@example.net",
			row->recipients, sent };
		struct mail mail;

		fixture_mail(&mail, &from);
		outcome_init(&in);
		gateway_process(conf->gateway, &mail, NULL, &in);
		got = fixture_result(&in, &mail);
		if (in.body_changed || in.headers_only_bounce ||
			in.verdict != VERDICT_ACCEPT ||
			strstr(got, strstr(sent, "\r\n\r\n")) == NULL)
			fail_msg("%s: changed", row->label);
		if (row->why != NULL && strstr(in.error.text, row->why) == NULL)
			fail_msg("%s: %s", row->label, in.error.text);
		outcome_clear(&out);
		outcome_clear(&in);
		mem_free(got);
		mem_free(sent);
		mail_clear(&mail);
		conf_free(conf);
	}
	mem_free(message);
}

/* A mail that came in protected is not signed by whoever it is said to be. */
static void
what_came_in_protected_is_not_signed_again(void **state)
{
	char *message = mem_printf(HEAD "%s", bodies[0]);
	struct outcome out, in;
	char *sent, *got;

	(void)state;
	sent = through(ENCRYPT_ONLY, message, &out);
	got = through(IN("") "sign = ( { sender = \"*@example.com\";"
			     " stores = \"all\"; } );\n",
		sent, &in);
	assert_true(in.inbound.decrypted);
	assert_false(in.signed_);
	assert_null(strstr(got, "multipart/signed"));
	outcome_clear(&out);
	outcome_clear(&in);
	mem_free(got);
	mem_free(sent);
	mem_free(message);
}

enum { MANY_RECIPIENTS = 200, FEW_QUESTIONS = 20 };

static int
count_question(void *arg)
{
	++*(int *)arg;
	return 1;
}

/* As work is in proportion to the times the MTA is asked whether to go on. */
static void
keys_that_open_for_everybody_are_tried_once(void **state)
{
	struct conf *conf = fixture_conf(IN("keys_for = \"any\";"));
	char *message = mem_printf(HEAD "%s", bodies[0]), *sent;
	struct fixture_mail from = { "192.0.2.1", "x@example.net",
		"bob@example.com", NULL };
	struct outcome out, in;
	struct mail mail;
	int asked = 0;
	struct gateway_run run = { .keep_working = count_question,
		.arg = &asked };

	(void)state;
	from.message = sent = through(ENCRYPT_ONLY, message, &out);
	fixture_mail(&mail, &from);
	for (int i = 0; i < MANY_RECIPIENTS; i++) {
		char *one = mem_printf("u%d@example.com", i);

		assert_int_equal(
			mail_add_recipient(&mail, span_string(one), NULL), 0);
		mem_free(one);
	}
	outcome_init(&in);
	gateway_process(conf->gateway, &mail, &run, &in);
	if (!in.inbound.decrypted)
		fail_msg("%s", in.error.text);
	assert_in_range(asked, 2, FEW_QUESTIONS);
	outcome_clear(&out);
	outcome_clear(&in);
	mail_clear(&mail);
	mem_free(sent);
	mem_free(message);
	conf_free(conf);
}

static char *
with_lf(const char *text)
{
	char *copy = mem_string(text), *to = copy;

	for (; *text != '\0'; text++)
		if (*text != '\r')
			*to++ = *text;
	*to = '\0';
	return copy;
}

/* Content-* fields and body of a result as a mail to be sent. */
static char *
next_mail(const char *result)
{
	char *lf = with_lf(result), *fields = mem_string("");
	const char *blank = strstr(lf, "\n\n"), *c = lf;
	char *next;

	while ((c = strstr(c, "\nContent-")) != NULL && c < blank) {
		size_t len = strcspn(++c, "\n");

		while (c[len] != '\0' &&
			(c[len + 1] == ' ' || c[len + 1] == '\t'))
			len += 1 + strcspn(c + len + 1, "\n");
		next = mem_printf("%s%.*s\n", fields, (int)len, c);
		mem_free(fields);
		fields = next;
	}
	next = mem_printf(HEAD "%s%s", fields, blank + 1);
	mem_free(fields);
	mem_free(lf);
	return next;
}

static char *
out_and_in(const char *message)
{
	struct outcome out, in;
	char *sent = through(OUT("", ""), message, &out);
	char *got = through(IN("strip_signature = true;"), sent, &in);
	char *next = next_mail(got);

	assert_true(out.encrypted && in.inbound.stripped);
	assert_int_equal(in.inbound.verdict, INBOUND_PASS);
	outcome_clear(&out);
	outcome_clear(&in);
	mem_free(sent);
	mem_free(got);
	return next;
}

static void
what_was_encoded_anew_comes_back_as_it_was_signed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(encoded_anew); i++) {
		char *message = mem_printf(HEAD "%s", encoded_anew[i]);
		char *once = out_and_in(message), *twice = out_and_in(once);

		assert_string_not_equal(once, message);
		assert_string_equal(once, twice);
		for (const char *c = once; *c != '\0'; c++)
			assert_true((unsigned char)*c < 0x80);
		mem_free(twice);
		mem_free(once);
		mem_free(message);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outbound_then_inbound_gives_the_original_back),
		cmocka_unit_test(
			what_was_encoded_anew_comes_back_as_it_was_signed),
		cmocka_unit_test(what_stays_closed_is_not_touched),
		cmocka_unit_test(what_came_in_protected_is_not_signed_again),
		cmocka_unit_test(keys_that_open_for_everybody_are_tried_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
