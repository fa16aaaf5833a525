#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"

static void
encode(struct span bytes, size_t step, struct buf *out)
{
	struct base64 encoder;

	base64_init(&encoder, out);
	for (size_t at = 0; at < bytes.len; at += step) {
		size_t len = bytes.len - at < step ? bytes.len - at : step;

		assert_int_equal(base64_put(&encoder,
					 span_of(bytes.data + at, len), NULL),
			0);
	}
	assert_int_equal(base64_end(&encoder, NULL), 0);
}

static void
openssl_agrees_at_every_length_and_step(void **state)
{
	unsigned char raw[300], expected[500];
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(i * 31 + 7);
	for (size_t len = 0; len <= sizeof(raw); len++) {
		EVP_EncodeBlock(expected, raw, (int)len);
		encode(span_of(raw, len), 1 + len % 70, &out);
		assert_int_equal(out.len, base64_len(len));
		for (size_t i = 0, k = 0; i < out.len; i++)
			if (out.data[i] != '\r' && out.data[i] != '\n')
				assert_int_equal(out.data[i], expected[k++]);
		buf_clear(&out);
	}
}

static void
lines_have_76_characters_and_end_in_crlf(void **state)
{
	unsigned char raw[58] = { 0 };
	struct buf out = { 0 };

	(void)state;
	encode(span_of(raw, 58), 58, &out);
	assert_int_equal(out.len, 76 + 2 + 4 + 2);
	assert_memory_equal(out.data + 76, "\r\nAA==\r\n", 8);
	buf_clear(&out);
}

static void
what_was_encoded_comes_back(void **state)
{
	unsigned char raw[1000];
	struct buf text = { 0 }, back = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(i * i);
	encode(span_of(raw, sizeof(raw)), 13, &text);
	assert_int_equal(base64_decode(buf_span(&text), &back, NULL), 0);
	assert_true(span_equal(buf_span(&back), span_of(raw, sizeof(raw))));
	buf_clear(&text);
	buf_clear(&back);
}

static void
decoding_takes_blanks_and_refuses_the_rest(void **state)
{
	static const struct {
		const char *label, *text, *bytes; /* NULL: refused */
	} cases[] = {
		{ "nothing", "", "" },
		{ "plain", "YWJj", "abc" },
		{ "one pad", "YWI=", "ab" },
		{ "two pads", "YQ==", "a" },
		{ "blanks anywhere", " Y W\tJ\r\nj \n", "abc" },
		{ "foreign character", "YW-j", NULL },
		{ "pad in front", "=YWJ", NULL },
		{ "pad in the middle", "YQ==YWJj", NULL },
		{ "three pads", "Y===", NULL },
		{ "cut", "YWJ", NULL },
		{ "control character", "YW\001j", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };
		struct buf out = { 0 };
		int result =
			base64_decode(span_string(cases[i].text), &out, &err);

		if ((result == 0) != (cases[i].bytes != NULL))
			fail_msg("%s", cases[i].label);
		if (result == 0)
			assert_true(span_is(buf_span(&out), cases[i].bytes));
		else
			assert_int_equal(err.kind, ERROR_FORMAT);
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_agrees_at_every_length_and_step),
		cmocka_unit_test(lines_have_76_characters_and_end_in_crlf),
		cmocka_unit_test(what_was_encoded_comes_back),
		cmocka_unit_test(decoding_takes_blanks_and_refuses_the_rest),
	};

	return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
