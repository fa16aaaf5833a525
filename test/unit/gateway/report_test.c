/* What only we may say, in every spelling; and how a verdict is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/internal.h"

#define ID "mx.example.com"

static const struct results_case {
	const char *label, *value;
	int answer;
	const char *rest; /* when answer is 1 */
} results[] = {
	/* ours, and nothing remains */
	{ "as we write it", " mx.example.com; smime=pass", 2, NULL },
	{ "other case", " MX.Example.Com; SMIME=Pass", 2, NULL },
	{ "quoted name", " \"mx.example.com\"; smime=pass", 2, NULL },
	{ "quoted pair in the name", " \"mx.\\example.com\"; smime=pass", 2,
		NULL },
	{ "version of the syntax", " mx.example.com 1; smime=pass", 2, NULL },
	{ "version of the method", " mx.example.com; smime/1=pass", 2, NULL },
	{ "comments", "(a)mx.example.com(b(c)\\));(d)smime(e)=(f)pass", 2,
		NULL },
	{ "a comment within the name", " mx.(x)example.com; smime=pass", 2,
		NULL },
	{ "a comment within the method", " mx.example.com; smi(x)me=pass", 2,
		NULL },
	{ "folded", "\n\tmx.example.com\n\t;\n smime\n =\n pass", 2, NULL },
	{ "quoted method", " mx.example.com; \"smime\"=pass", 2, NULL },
	{ "twice", " mx.example.com; smime=pass; smime=fail", 2, NULL },
	{ "no blanks at all", "mx.example.com;smime=pass", 2, NULL },
	{ "an open comment", " mx.example.com; smime=pass (x", 2, NULL },
	{ "an open quote", " mx.example.com; smime=pass reason=\"x", 2, NULL },
	{ "empty results beside it", " mx.example.com;; smime=pass;", 2, NULL },
	/* ours, and muddled */
	{ "a comment without end behind the name",
		" mx.example.com (x; smime=pass", 2, NULL },
	{ "a comment without end before the name",
		" (x mx.example.com; smime=pass", 2, NULL },
	{ "a quote without end", " \"mx.example.com; smime=pass", 2, NULL },
	{ "a quote without end behind the name",
		" mx.example.com \"; SMIME=pass", 2, NULL },
	{ "an open comment in another result",
		" mx.example.com; dkim=pass (x; smime=pass", 2, NULL },
	{ "a version that is none", " mx.example.com 1.0; smime=pass", 2,
		NULL },
	{ "no semicolon", " mx.example.com smime=pass", 2, NULL },
	{ "two versions", " mx.example.com 1 1; smime=pass", 2, NULL },
	{ "a comma for a semicolon", " mx.example.com, smime=pass", 2, NULL },
	{ "muddled, the method in two", " mx.example.com x; smi(y)me=pass", 2,
		NULL },
	/* ours, with others' results */
	{ "first of two", " mx.example.com; smime=pass; dkim=pass", 1,
		" mx.example.com; dkim=pass" },
	{ "last of two", " mx.example.com; dkim=pass; smime=pass", 1,
		" mx.example.com; dkim=pass" },
	{ "a semicolon in quotes",
		" mx.example.com; dkim=fail reason=\"a; b\"; smime=pass", 1,
		" mx.example.com; dkim=fail reason=\"a; b\"" },
	{ "a semicolon in a comment",
		" mx.example.com; smime=pass; spf=none (a; b)", 1,
		" mx.example.com; spf=none (a; b)" },
	/* left alone */
	{ "another server", " other.example; smime=pass", 0, NULL },
	{ "a longer name", " mx.example.com.evil.example; smime=pass", 0,
		NULL },
	{ "a shorter name", " example.com; smime=pass", 0, NULL },
	{ "other methods", " mx.example.com; dkim=pass; smimea=pass", 0, NULL },
	{ "in a comment", " mx.example.com; dkim=pass (smime=pass)", 0, NULL },
	{ "in quotes", " mx.example.com; dkim=fail reason=\"; smime=pass\"", 0,
		NULL },
	{ "muddled, of other methods", " mx.example.com x; dkim=pass (", 0,
		NULL },
	{ "another server's, muddled", " other.example 1.0; smime=pass (x", 0,
		NULL },
	{ "another last letter, muddled", " mx.example.co/ x; smime=pass", 0,
		NULL },
	{ "a longer name, muddled", " mx.example.com.evil x; smime=pass", 0,
		NULL },
	{ "no results", " mx.example.com; none", 0, NULL },
	{ "empty", "", 0, NULL },
};

static void
forged_results_are_found_in_every_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(results); i++) {
		const struct results_case *row = &results[i];
		char *rest = NULL;
		int answer = authres_without(row->value, ID, "smime", &rest);

		if (answer != row->answer ||
			(answer == 1 && strcmp(rest, row->rest) != 0))
			fail_msg("%s: %d, \"%s\"", row->label, answer,
				rest ? rest : "");
		mem_free(rest);
	}
}

static const struct subject_case {
	const char *label, *subject, *becomes; /* NULL: stays */
} subjects[] = {
	{ "ours", " [signed] x", " (signed) x" },
	{ "other case", " [SIGNED] x", " (SIGNED) x" },
	{ "blanks within", " [ signed ] x", " ( signed ) x" },
	{ "in the middle", " Re: [encrypted] x", " Re: (encrypted) x" },
	{ "another beside it", " [list] [signed]", " (list) (signed)" },
	{ "quoted-printable", " =?utf-8?Q?=5Bsigned=5d?= x",
		" =?utf-8?Q?=28signed=29?= x" },
	{ "half encoded", " [sig=?us-ascii?q?ned?=]",
		" (sig=?us-ascii?q?ned?=)" },
	{ "base64", " =?utf-8?B?W3NpZ25lZF0=?=", " =?utf-8?B?KHNpZ25lZCk=?=" },
	{ "letters encoded", " [=?utf-8?q?s=69gned?=]",
		" (=?utf-8?q?signed?=)" },
	{ "over two words", " =?utf-8?q?=5Bsig?= =?utf-8?q?ned=5D?=",
		" =?utf-8?q?=28sig?= =?utf-8?q?ned=29?=" },
	{ "folded", " [signature\n not valid]", " (signature\n not valid)" },
	{ "blanks and other letters in a word", " =?utf-8?q?[signed]_=C3=BC=?=",
		" =?utf-8?q?=28signed=29_=C3=BC=3D?=" },
	{ "a space without width", " [\xe2\x80\x8bsig\xe2\x80\x8bned]",
		" (\xe2\x80\x8bsig\xe2\x80\x8bned)" },
	{ "a space without width, encoded",
		" =?utf-8?Q?=5Bs=E2=80=8Bigned=5D?=",
		" =?utf-8?Q?=28s=E2=80=8Bigned=29?=" },
	{ "a soft hyphen of Latin-1", " =?iso-8859-1?q?[si=ADgned]?=",
		" =?iso-8859-1?q?=28si=ADgned=29?=" },
	{ "wide brackets", " \xef\xbc\xbbsigned\xef\xbc\xbd", " (signed)" },
	{ "wide brackets, base64",
		" =?utf-8?B?77y7c2lnbmVk77y9?=", " =?utf-8?B?KHNpZ25lZCk=?=" },
	{ "wide letters", " [\xef\xbd\x93\xef\xbc\xa9gned]",
		" (\xef\xbd\x93\xef\xbc\xa9gned)" },
	{ "a wide bracket in two words",
		" =?utf-8?q?=EF=BC?= =?utf-8?q?=BBsigned]?=", " (signed)" },
	{ "UTF-7", " =?utf-7?Q?+AFs-signed+AF0-?=",
		" =?us-ascii?q?=2BAFs=2Dsigned=2BAF0=2D?=" },
	{ "UTF-7 by another name", " =?csUnicode11UTF7*en?b?K0FGcy0=?=",
		" =?us-ascii?b?K0FGcy0=?=" },
	{ "UTF-16", " =?utf-16be?b?AFsAcwBpAGcAbgBlAGQAXQ==?=",
		" =?utf-16be?b?ACgAcwBpAGcAbgBlAGQAKQ==?=" },
	/* left alone */
	{ "other wide text", " \xef\xbc\xbblist\xef\xbc\xbd", NULL },
	{ "words without an end", " =?utf-8?q?x=?utf-8?q?x", NULL },
	{ "a list", " [list] x", NULL },
	{ "the word alone", " signed [x]", NULL },
	{ "no word at all", "", NULL },
	{ "broken word", " =?utf-8?q?[x", NULL },
};

static void
look_alikes_of_the_tags_lose_their_brackets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(subjects); i++) {
		const struct subject_case *row = &subjects[i];
		char *text = tags_defuse(row->subject);

		if ((text == NULL) != (row->becomes == NULL) ||
			(text != NULL && strcmp(text, row->becomes) != 0))
			fail_msg("%s: \"%s\"", row->label, text ? text : "");
		mem_free(text);
	}
}

/* ---- the verdict ---- */

struct one_signer {
	bool there, known, verified, author, trusted;
	unsigned weak;
	enum error_kind why;
};

#define GOOD                                                                   \
	{                                                                      \
		true, true, true, true, true, 0, ERROR_NONE                    \
	}

static const struct verdict_case {
	const char *label;
	struct one_signer signers[2];
	bool no_author, weak_ok;
	enum inbound_verdict verdict;
	bool broken; /* bad_signature decides */
} verdicts[] = {
	{ "good", { GOOD }, false, false, INBOUND_PASS, false },
	{ "nobody", { { 0 } }, false, false, INBOUND_NONE, true },
	{ "weak", { { true, true, true, true, true, CMS_WEAK_KEY, 0 } }, false,
		false, INBOUND_POLICY, false },
	{ "weak, and allowed",
		{ { true, true, true, true, true, CMS_WEAK_DIGEST, 0 } }, false,
		true, INBOUND_PASS, false },
	{ "somebody else", { { true, true, true, false, true, 0, 0 } }, false,
		false, INBOUND_POLICY, false },
	{ "From is several", { { true, true, true, false, true, 0, 0 } }, true,
		false, INBOUND_POLICY, false },
	{ "not trusted", { { true, true, true, true, false, 0, ERROR_TRUST } },
		false, false, INBOUND_FAIL, false },
	{ "revocation cannot be told",
		{ { true, true, true, true, false, 0, ERROR_SYSTEM } }, false,
		false, INBOUND_TEMPERROR, false },
	{ "changed", { { true, true, false, true, true, 0, ERROR_CRYPTO } },
		false, false, INBOUND_FAIL, true },
	{ "no signed attributes",
		{ { true, true, false, true, true, 0, ERROR_FORMAT } }, false,
		false, INBOUND_FAIL, true },
	{ "unknown certificate",
		{ { true, false, false, false, false, 0, ERROR_NOKEY } }, false,
		false, INBOUND_PERMERROR, false },
	{ "an algorithm nobody knows",
		{ { true, true, false, true, true, 0, ERROR_CONFIG } }, false,
		false, INBOUND_NEUTRAL, false },
	{ "unknown certificate, and one that is changed",
		{ { true, false, false, false, false, 0, ERROR_NOKEY },
			{ true, true, false, true, true, 0, ERROR_CRYPTO } },
		false, false, INBOUND_PERMERROR, true },
	{ "unknown certificate of a changed mail",
		{ { true, false, false, false, false, 0, ERROR_CRYPTO } },
		false, false, INBOUND_FAIL, true },
	{ "good, and somebody else",
		{ { true, true, true, false, false, 0, ERROR_TRUST }, GOOD },
		false, false, INBOUND_PASS, false },
	{ "good, and one that is not",
		{ GOOD, { true, true, false, false, true, 0, ERROR_CRYPTO } },
		false, false, INBOUND_FAIL, true },
};

static void
a_verdict_needs_every_signer_and_the_author(void **state)
{
	struct address author = { (char *)"a@b", (char *)"a@b" };
	void *items[] = { &author };
	struct cert cert = { .references = 1 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
		const struct verdict_case *row = &verdicts[i];
		struct work work = { .facts.from = { items, 1, 1 },
			.facts.sender.single = !row->no_author,
			.inbound.weak_ok = row->weak_ok };
		struct cms_signer_report reports[2] = { 0 };
		struct inbound_signer signers[2] = { 0 };
		struct inbound_layer layer = { 0 };

		for (size_t j = 0; j < 2; j++) {
			const struct one_signer *from = &row->signers[j];

			if (!from->there)
				break;
			reports[j].cert = from->known ? &cert : NULL;
			reports[j].verified = from->verified;
			reports[j].weak = from->weak;
			reports[j].why.kind = signers[j].why.kind = from->why;
			signers[j].cms = &reports[j];
			signers[j].trusted = from->trusted;
			signers[j].is_author = from->author;
			list_add(&layer.signers, &signers[j]);
		}
		verdict_of_layer(&work, &layer);
		if (layer.verdict != row->verdict ||
			verdict_is_broken(&layer) != row->broken)
			fail_msg("%s: %s, broken %d", row->label,
				inbound_verdict_name(layer.verdict),
				verdict_is_broken(&layer));
		list_clear(&layer.signers, NULL);
	}
}

/* ---- the report ---- */

enum { KILOBYTES = 20000 };

static void
the_verdict_is_told_however_long_its_reason_is(void **state)
{
	struct gateway gateway = { .report.authserv_id = (char *)ID };
	struct mail mail = { 0 };
	struct outcome outcome;
	struct work work = { .gateway = &gateway,
		.mail = &mail,
		.outcome = &outcome,
		.inbound.verify = true };
	const struct edit *edit;

	(void)state;
	outcome_init(&outcome);
	outcome.inbound.verdict = INBOUND_FAIL;
	/* A plain word, as a serial number is. */
	outcome.inbound.why = mem_alloc(KILOBYTES + 1);
	memset(outcome.inbound.why, 'a', KILOBYTES);
	report_write(&work, NULL);
	assert_int_equal(outcome.edits.count, 1);
	edit = outcome.edits.item[0];
	assert_string_equal(edit->name, "Authentication-Results");
	assert_non_null(strstr(edit->value, "smime=fail\n\treason=aaa"));
	assert_in_range(strlen(edit->value), 100, 998);
	outcome_clear(&outcome);
}

/* ---- counts ---- */

static void
failures_are_forgotten_after_an_hour(void **state)
{
	struct gateway_counts *counts = counts_new();
	struct client one = { .family = 2, .ip = { .s6_addr = { 1 } } };
	struct client other = { .family = 2, .ip = { .s6_addr = { 2 } } };

	(void)state;
	clock_set(1000000);
	for (int i = 0; i < 3; i++) {
		assert_false(counts_client_is_barred(counts, &one, 3));
		counts_client_failed(counts, &one);
	}
	assert_true(counts_client_is_barred(counts, &one, 3));
	assert_false(counts_client_is_barred(counts, &other, 3));
	clock_set(1000000 + 3600);
	assert_false(counts_client_is_barred(counts, &one, 3));
	counts_client_failed(counts, &one);
	assert_false(counts_client_is_barred(counts, &one, 3));
	clock_set(0);
	counts_free(counts);
}

static struct client
client_at(const char *address)
{
	struct client client = { .family = AF_INET6 };

	assert_int_equal(inet_pton(AF_INET6, address, &client.ip), 1);
	return client;
}

static const struct neighbours {
	const char *label, *one, *other;
	bool same;
} neighbours[] = {
	{ "one /64", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true },
	{ "the next /64", "2001:db8:0:1::1", "2001:db8:0:2::1", false },
	{ "IPv4, mapped", "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
	{ "the same IPv4", "::ffff:192.0.2.1", "::ffff:192.0.2.1", true },
};

static void
failures_are_counted_by_network(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(neighbours); i++) {
		const struct neighbours *row = &neighbours[i];
		struct gateway_counts *counts = counts_new();
		struct client one = client_at(row->one);
		struct client other = client_at(row->other);

		counts_client_failed(counts, &one);
		assert_true(counts_client_is_barred(counts, &one, 1));
		if (counts_client_is_barred(counts, &other, 1) != row->same)
			fail_msg("%s", row->label);
		counts_free(counts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_results_are_found_in_every_spelling),
		cmocka_unit_test(look_alikes_of_the_tags_lose_their_brackets),
		cmocka_unit_test(a_verdict_needs_every_signer_and_the_author),
		cmocka_unit_test(
			the_verdict_is_told_however_long_its_reason_is),
		cmocka_unit_test(failures_are_forgotten_after_an_hour),
		cmocka_unit_test(failures_are_counted_by_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
