/* Is it fit to be signed as it stands?  And new boundaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "mime/mime.h"

struct row {
	const char *label;
	struct span bytes;
};

#define ROW(label, literal)                                                    \
	{                                                                      \
		label,                                                         \
		{                                                              \
			(const unsigned char *)(literal), sizeof(literal) - 1  \
		}                                                              \
	}

static const struct row fit[] = {
	ROW("nothing", ""),
	ROW("text", "A: b\r\n\r\ntext\r\n"),
	ROW("no last line end", "A: b\r\n\r\ntext"),
	ROW("tab and blank inside", "a\tb c\r\n"),
	ROW("From later in the line",
		" From x\r\nFrom\r\nFromage\r\nfrom x\r\n"),
	ROW("7bit", "Content-Transfer-Encoding: 7BIT\r\n\r\nx"),
	ROW("base64", "content-transfer-encoding :\tbase64\r\n\r\nx"),
	ROW("control characters", "\x01\x7f\x1b\f\r\n"),
};

static const struct row unfit[] = {
	ROW("8-bit", "gr\xfc\xdf\r\n"),
	ROW("NUL", "a\0b\r\n"),
	ROW("bare CR", "a\rb\r\n"),
	ROW("CR at the end", "a\r"),
	ROW("CR before CRLF", "a\r\r\n"),
	ROW("bare LF", "a\nb\r\n"),
	ROW("LF at the start", "\na\r\n"),
	ROW("trailing blank", "a \r\n"),
	ROW("trailing tab", "a\t\r\n"),
	ROW("trailing blank without line end", "a "),
	ROW("a blank alone", " \r\n"),
	ROW("From", "a\r\nFrom b\r\n"),
	ROW("From at the very end", "From "),
	ROW("8bit label", "Content-Transfer-Encoding: 8bit\r\n\r\ntext\r\n"),
	ROW("binary label in a part",
		"--x\r\ncontent-transfer-encoding:binary\r\n\r\ntext\r\n"),
	ROW("folded label",
		"Content-Transfer-Encoding:\r\n 8bit\r\n\r\ntext\r\n"),
};

static void
what_no_mta_changes_is_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(fit); i++)
		if (!mime_is_fit(fit[i].bytes))
			fail_msg("%s", fit[i].label);
}

static void
what_an_mta_may_change_is_not_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unfit); i++)
		if (mime_is_fit(unfit[i].bytes))
			fail_msg("%s", unfit[i].label);
}

static void
a_bad_byte_is_seen_at_every_place(void **state)
{
	static const unsigned char bad[] = { 0, '\r', 0x80, 0xff };
	unsigned char line[42];

	(void)state;
	for (size_t len = 1; len <= 40; len++) {
		memset(line, 'x', sizeof(line));
		memcpy(line + len, "\r\n", 2);
		assert_true(mime_is_fit(span_of(line, len + 2)));
		for (size_t i = 0; i < len * COUNT_OF(bad); i++) {
			line[i / COUNT_OF(bad)] = bad[i % COUNT_OF(bad)];
			if (mime_is_fit(span_of(line, len + 2)))
				fail_msg("%zu of %zu", i, len);
			line[i / COUNT_OF(bad)] = 'x';
		}
	}
}

static void
every_other_byte_is_fit_at_every_place(void **state)
{
	unsigned char line[20];

	(void)state;
	for (int c = 1; c < 128; c++)
		for (size_t i = 1; c != '\r' && c != '\n' && i < 17; i++) {
			memcpy(line, "xxxxxxxxxxxxxxxxxx\r\n", 20);
			line[i] = (unsigned char)c;
			if (!mime_is_fit(span_of(line, 20)))
				fail_msg("%d at %zu", c, i);
		}
}

static void
lines_of_998_are_fit_and_999_are_not(void **state)
{
	char line[1002];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line + 998, "\r\n", 2);
	assert_true(mime_is_fit(span_of(line, 998)));
	assert_true(mime_is_fit(span_of(line, 1000)));
	memcpy(line + 998, "x\r\n", 3);
	assert_false(mime_is_fit(span_of(line, 999)));
	assert_false(mime_is_fit(span_of(line, 1001)));
}

static void
every_residue_has_words(void **state)
{
	(void)state;
	for (unsigned bit = 1; bit <= MIME_RESIDUE_OPAQUE; bit <<= 1)
		assert_true(strlen(mime_residue_text(bit)) > 10);
	assert_string_equal(mime_residue_text(0), "nothing");
}

static void
boundaries_differ_and_are_tokens_that_no_encoding_makes(void **state)
{
	struct pieces content = { 0 };
	char one[MIME_NEW_BOUNDARY_SIZE], two[MIME_NEW_BOUNDARY_SIZE];

	(void)state;
	pieces_add(&content, SPAN("text"));
	assert_int_equal(mime_new_boundary(&content, one, NULL), 0);
	assert_int_equal(mime_new_boundary(&content, two, NULL), 0);
	assert_string_not_equal(one, two);
	assert_true(strlen(one) >= 32 && strlen(one) <= 70);
	assert_non_null(strstr(one, "=_"));
	assert_int_equal(strspn(one, "-=_0123456789abcdef"), strlen(one));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_mta_changes_is_fit),
		cmocka_unit_test(what_an_mta_may_change_is_not_fit),
		cmocka_unit_test(a_bad_byte_is_seen_at_every_place),
		cmocka_unit_test(every_other_byte_is_fit_at_every_place),
		cmocka_unit_test(lines_of_998_are_fit_and_999_are_not),
		cmocka_unit_test(every_residue_has_words),
		cmocka_unit_test(
			boundaries_differ_and_are_tokens_that_no_encoding_makes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
