/* What makes a rule apply to some mails of a sender and not to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "rule/rule.h"

static const struct find_case {
	const char *pattern, *text, *found; /* NULL: it is not there */
} finds[] = {
	{ "[encrypt]", "[encrypt] x", "[encrypt]" },
	{ "[encrypt]", "Re: [Encrypt] x", "[Encrypt]" },
	{ "[ENCRYPT]", "x [encrypt]", "[encrypt]" },
	{ "[encrypt]", "[encryp] x", NULL },
	{ "[encrypt]", "", NULL },
	{ "e", "e", "e" },
	{ "[enc*]", "a [encode now] b]", "[encode now]" },
	{ "[enc*]", "[enc", NULL },
	{ "[e?c]",
		"[\xc3\xa4] [e\xc3\xa4"
		"c]",
		"[e\xc3\xa4"
		"c]" },
	{ "a*b*c", "xaybzc", "aybzc" },
	{ "ab", "aab", "ab" },
	{ "*x", "aax", "aax" },
	{ "x*", "axb", "x" },
	{ "\xc3\xbc", "\xc3\xbc", "\xc3\xbc" },
	{ "\xc3\xbc", "\xc3\x9c", NULL }, /* another case, not of ASCII */
	{ "?", "", NULL },
};

static void
a_word_is_found_wherever_it_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(finds); i++) {
		const struct find_case *c = &finds[i];
		struct span found = text_find(c->pattern, c->text);

		if (c->found == NULL ? found.len != 0
				     : !span_is(found, c->found))
			fail_msg("%s in %s: [%.*s]", c->pattern, c->text,
				(int)found.len, found.data);
	}
}

static const struct whole_case {
	const char *pattern, *text;
	bool matches;
} wholes[] = {
	{ "yes", "yes", true },
	{ "yes", "YES", true },
	{ "yes", "yes, please", false },
	{ "yes*", "yes, please", true },
	{ "*", "", true },
	{ "*", "x", true },
	{ "", "", true },
	{ "?", "\xc3\xa4", true },
	{ "?", "", false },
	{ "*a*b", "xaxbxb", true },
	{ "*a*b", "xaxbx", false },
};

static void
a_value_matches_as_a_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wholes); i++)
		if (text_matches(wholes[i].pattern, wholes[i].text) !=
			wholes[i].matches)
			fail_msg(
				"%s and %s", wholes[i].pattern, wholes[i].text);
}

static void
a_hostile_text_costs_no_more_than_its_length(void **state)
{
	enum { LEN = 65536 };
	char *text = mem_alloc(LEN + 1);

	(void)state;
	memset(text, 'a', LEN);
	assert_int_equal(text_find("a*a*a*a*b", text).len, 0);
	assert_int_equal(text_find("aaaaaaaaaaaaaaab", text).len, 0);
	assert_false(text_matches("*a*a*a*a*b", text));
	mem_free(text);
}

/* ---- rules ---- */

struct mail_case {
	const char *label;
	struct trigger trigger; /* texts are literals here */
	const char *subject, *priority;
	size_t bytes;
	bool attachment, login;
	int at_header, at_end;
};

#define SUBJECT                                                                \
	{                                                                      \
		.subject = (char *)"[encrypt]"                                 \
	}
#define HEADER(value)                                                          \
	{                                                                      \
		.header = (char *)"X-Priority", .header_value = (char *)value  \
	}
#define LARGE                                                                  \
	{                                                                      \
		.min_bytes = 1000                                              \
	}
static const struct mail_case mails[] = {
	{ "no trigger", { 0 }, "x", "y", 1, false, false, 1, 1 },
	{ "the word is there", SUBJECT, "[encrypt] x", NULL, 1, false, true, 1,
		1 },
	{ "another Subject", SUBJECT, "x", NULL, 1, false, true, 0, 0 },
	{ "no Subject", SUBJECT, NULL, NULL, 1, false, true, 0, 0 },
	{ "somebody from outside writes it", SUBJECT, "[encrypt] x", NULL, 1,
		false, false, 0, 0 },
	{ "the field is there", HEADER("1*"), "x", "1 (high)", 1, false, true,
		1, 1 },
	{ "the field says something else", HEADER("1*"), "x", "2", 1, false,
		true, 0, 0 },
	{ "no such field", HEADER("*"), "x", NULL, 1, false, true, 0, 0 },
	{ "large", LARGE, "x", NULL, 1000, false, true, -1, 1 },
	{ "not large", LARGE, "x", NULL, 999, false, true, -1, 0 },
	{ "large, from outside", LARGE, "x", NULL, 1000, false, false, 0, 0 },
	{ "small",
		{
			.max_bytes = 1000,
		},
		"x", NULL, 1000, false, true, -1, 1 },
	{ "not small",
		{
			.max_bytes = 1000,
		},
		"x", NULL, 1001, false, true, -1, 0 },
	{ "an attachment",
		{
			.attachment = ATTACHMENT_SOME,
		},
		"x", NULL, 1, true, true, -1, 1 },
	{ "an attachment too many",
		{
			.attachment = ATTACHMENT_NONE,
		},
		"x", NULL, 1, true, true, -1, 0 },
	{ "all together",
		{
			.subject = (char *)"a",
			.min_bytes = 5,
			.attachment = ATTACHMENT_SOME,
		},
		"a", NULL, 5, true, true, -1, 1 },
	{ "all but the Subject",
		{
			.subject = (char *)"a",
			.min_bytes = 5,
			.attachment = ATTACHMENT_SOME,
		},
		"b", NULL, 5, true, true, 0, 0 },
};

static void
add_field(struct content *content, struct content_field *field,
	const char *name, const char *text)
{
	*field = (struct content_field){ name, (char *)text };
	if (text != NULL)
		list_add(&content->fields, field);
}

static int
match(const struct mail_case *mail, const struct content *content)
{
	struct rule rule = { .name = (char *)"r", .trigger = mail->trigger };
	struct client client = { .login = (char *)(mail->login ? "ann" : "") };
	struct address *address = NULL;
	struct sender sender;
	int sign, encrypt;

	assert_int_equal(addr_parse("a@b", &address, NULL), 0);
	sender = (struct sender){ address, NULL, false, false };
	sign = rule_match_sign(&rule, &sender, &client, content, NULL);
	encrypt = rule_match_conditions(&rule, &sender, &client, content, NULL);
	address_free(address);
	if (sign != encrypt)
		fail_msg("%s: sign %d, encrypt %d", mail->label, sign, encrypt);
	return sign;
}

static void
a_trigger_is_a_condition(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		const struct mail_case *mail = &mails[i];
		struct content_field fields[2];
		struct content content = { .bytes = mail->bytes,
			.has_attachment = mail->attachment };
		int before = match(mail, &content), header, end;

		add_field(&content, &fields[0], "SUBJECT", mail->subject);
		add_field(&content, &fields[1], "x-priority", mail->priority);
		content.header_known = true;
		header = match(mail, &content);
		content.body_known = true;
		end = match(mail, &content);
		if (header != mail->at_header || end != mail->at_end)
			fail_msg("%s: %d %d", mail->label, header, end);
		/* What is not known yet is never "no". */
		if (before == 0 && end != 0)
			fail_msg("%s: no at RCPT", mail->label);
		if (before == 1 && end != 1)
			fail_msg("%s: yes at RCPT", mail->label);
		list_clear(&content.fields, NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_found_wherever_it_stands),
		cmocka_unit_test(a_value_matches_as_a_whole),
		cmocka_unit_test(a_hostile_text_costs_no_more_than_its_length),
		cmocka_unit_test(a_trigger_is_a_condition),
	};

	return cmocka_run_group_tests_name("rule/trigger", tests, NULL, NULL);
}
