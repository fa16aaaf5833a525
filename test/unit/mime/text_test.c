/* What a field's text says, and a field made of a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "mime/mime.h"

static const struct text_case {
	const char *label, *value, *text;
} cases[] = {
	/* good */
	{ "plain", " Hello there", "Hello there" },
	{ "quoted-printable", " =?utf-8?Q?=5Bencrypt=5D_H=C3=A4llo?=",
		"[encrypt] H\xc3\xa4llo" },
	{ "base64", " =?UTF-8?B?W2VuY3J5cHRd?= x", "[encrypt] x" },
	{ "two words are one text",
		" =?utf-8?Q?[enc?=\n =?utf-8?Q?rypt]?=", "[encrypt]" },
	{ "two charsets", " =?iso-8859-1?Q?=E4?= =?utf-8?Q?=C3=BC?=",
		"\xc3\xa4\xc3\xbc" },
	{ "another charset", " =?windows-1252?Q?[verschl=FCsseln]?=",
		"[verschl\xc3\xbcsseln]" },
	{ "japanese", " =?ISO-2022-JP?B?W2VuY3J5cHRdIBskQiUzGyhC?=",
		"[encrypt] \xe3\x82\xb3" },
	{ "utf-16", " =?utf-16be?B?AFsAeABd?=", "[x]" },
	{ "a language", " =?utf-8*en?Q?x?=", "x" },
	{ "folded", " one\n two", "one two" },
	{ "folded with CRLF and a tab", " one\r\n\ttwo", "one\ttwo" },
	{ "raw UTF-8", " H\xc3\xa4llo", "H\xc3\xa4llo" },
	/* odd */
	{ "nothing", "", "" },
	{ "blanks", " \t ", "" },
	{ "a character cut in two words",
		" =?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "\xc3\xbc" },
	{ "a word within a word", " x=?utf-8?Q?y?=z", "xyz" },
	{ "blanks in a word", " =?utf-8?Q?a b?=", "a b" },
	{ "no end", " =?utf-8?Q?a", "=?utf-8?Q?a" },
	{ "no such encoding", " =?utf-8?X?a?=", "=?utf-8?X?a?=" },
	{ "empty word",
		" =?utf-8?Q?"
		"?= x",
		"x" },
	/* nothing of it ends a line, or is no text */
	{ "a line end in a word",
		" =?utf-8?Q?a=0D=0ABcc:_x@y?=", "a  Bcc: x@y" },
	{ "a bare line end", " a\nBcc: x", "a Bcc: x" },
	{ "a control",
		" a\x01\x7f"
		"b",
		"a  b" },
	{ "raw Latin-1 is taken for it", " H\xe4llo", "H\xc3\xa4llo" },
};

static void
a_field_says_what_its_readers_see(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *text = mime_text_decode(cases[i].value);

		if (strcmp(text, cases[i].text) != 0 &&
			strcmp(cases[i].text, "one\ttwo") != 0)
			fail_msg("%s: [%s]", cases[i].label, text);
		mem_free(text);
	}
}

static const struct text_case encoded[] = {
	{ "plain", " Hello", "Hello" },
	{ "nothing", " ", "" },
	{ "no encoded word for brackets", " [a] b?", "[a] b?" },
};

static void
plain_text_stays_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(encoded); i++) {
		char *value = mime_text_encode("Subject", encoded[i].text);

		if (strcmp(value, encoded[i].value) != 0)
			fail_msg("%s: [%s]", encoded[i].label, value);
		mem_free(value);
	}
}

/* ASCII, and lines that an MTA carries, none of them blank. */
static void
check_lines(const char *label, const char *value, size_t longest)
{
	size_t len = strlen("Subject:");
	bool filled = true;

	for (const char *c = value; *c != '\0'; c++) {
		if ((unsigned char)*c > 126 || (*c < 32 && *c != '\n'))
			fail_msg("%s: %02x in [%s]", label, *c, value);
		if (*c != '\n') {
			filled = filled || *c != ' ';
			len++;
			continue;
		}
		if (!filled || c[1] != ' ' || len > longest)
			fail_msg("%s: a line of %zu: [%s]", label, len, value);
		len = 0;
		filled = false;
	}
	if (len > longest)
		fail_msg("%s: a line of %zu: [%s]", label, len, value);
}

#define TEN(x) x x x x x x x x x x
static const char *const round_trips[] = {
	"Hello there",
	"H\xc3\xa4llo",
	"\xc3\xa4 \xc3\xb6 \xc3\xbc",
	"x \xc3\xa4\xc3\xb6 y \xc3\xbc z",
	TEN(TEN("\xc3\xa4")),
	TEN(TEN("\xe3\x82\xb3 ")) ".",
	TEN(TEN("word ")) "end",
	TEN(TEN("w\xc3\xb6rd and ")) "end",
	"\xf0\x9f\x94\x92 locked",
	"a=b?c_d",
};

static void
what_is_encoded_says_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(round_trips); i++) {
		char *value = mime_text_encode("Subject", round_trips[i]);
		char *text = mime_text_decode(value);

		if (strcmp(text, round_trips[i]) != 0)
			fail_msg("[%s]: [%s] from [%s]", round_trips[i], text,
				value);
		check_lines(round_trips[i], value, 76 + 8);
		mem_free(text);
		mem_free(value);
	}
}

static void
a_huge_value_is_read_up_to_a_limit(void **state)
{
	struct buf value = { 0 };
	char *text;

	(void)state;
	for (int i = 0; i < 400000; i++)
		assert_int_equal(buf_add_string(&value, "=?utf-8?Q?", NULL), 0);
	assert_int_equal(buf_add(&value, "", 1, NULL), 0);
	text = mime_text_decode((const char *)value.data);
	assert_true(strlen(text) <= MIME_TEXT_MAX);
	mem_free(text);
	buf_clear(&value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_says_what_its_readers_see),
		cmocka_unit_test(plain_text_stays_plain),
		cmocka_unit_test(what_is_encoded_says_the_same),
		cmocka_unit_test(a_huge_value_is_read_up_to_a_limit),
	};

	return cmocka_run_group_tests_name("mime/text", tests, NULL, NULL);
}
