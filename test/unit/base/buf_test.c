#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void
bytes_come_back_as_they_were_added(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		unsigned char c = (unsigned char)(i * 7);

		assert_int_equal(buf_add(&buf, &c, 1, NULL), 0);
	}
	assert_int_equal(buf.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], (unsigned char)(i * 7));
	buf_clear(&buf);
	assert_null(buf.data);
}

static void
a_buffer_grows_past_a_megabyte_unharmed(void **state)
{
	struct buf buf = { 0 };
	char chunk[65535];

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_add(&buf, chunk, sizeof(chunk), NULL), 0);
	assert_int_equal(buf.len, 100 * sizeof(chunk));
	for (size_t i = 0; i < buf.len; i++)
		assert_int_equal(buf.data[i], 'x');
	buf_clear(&buf);
}

static void
the_limit_is_exact_and_survives_clear(void **state)
{
	struct error err = { 0 };
	struct buf buf;

	(void)state;
	buf_init(&buf, 10);
	assert_int_equal(buf_add_string(&buf, "0123456789", &err), 0);
	assert_int_equal(buf_add(&buf, "x", 1, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(buf.len, 10);
	assert_int_equal(buf_add(&buf, "", 0, NULL), 0);
	buf_clear(&buf);
	assert_int_equal(buf_reserve(&buf, 11, &err), -1);
	assert_int_equal(buf_reserve(&buf, SIZE_MAX, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&buf);
}

static void
reset_forgets_the_bytes_and_keeps_the_memory(void **state)
{
	struct buf buf = { 0 };
	const unsigned char *data;

	(void)state;
	assert_int_equal(buf_add_string(&buf, "secret", NULL), 0);
	data = buf.data;
	buf_reset(&buf);
	assert_int_equal(buf.len, 0);
	assert_ptr_equal(buf.data, data);
	assert_int_equal(buf.data[0], 0);
	buf_clear(&buf);
}

static void
formats_have_no_length_of_their_own(void **state)
{
	struct buf buf = { 0 };
	char word[5001];

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(buf_add_format(&buf, NULL, "%s-%d", word, 42), 0);
	assert_int_equal(buf.len, 5003);
	assert_memory_equal(buf.data + 5000, "-42", 3);
	buf_clear(&buf);
}

static void
spans_compare_find_and_trim(void **state)
{
	struct span text = SPAN("Content-Type: text/plain");

	(void)state;
	assert_true(span_is(SPAN("a"), "a"));
	assert_false(span_is(SPAN("a"), "A"));
	assert_true(span_is_nocase(SPAN("MIME"), "mime"));
	assert_false(span_is_nocase(SPAN("MIME"), "mim"));
	assert_true(span_starts_nocase(text, "content-"));
	assert_false(span_starts_nocase(SPAN("con"), "content-"));
	assert_true(span_ends_nocase(text, "/PLAIN"));
	assert_false(span_ends_nocase(text, "/plainer"));
	assert_ptr_equal(span_find(text, SPAN("text")), text.data + 14);
	assert_null(span_find(text, SPAN("html")));
	assert_null(span_find(text, SPAN("")));
	assert_null(span_find(SPAN("te"), SPAN("text")));
	assert_true(span_is(span_trim(SPAN(" \t\r\n x y \r\n")), "x y"));
	assert_int_equal(span_trim(SPAN("   ")).len, 0);
	assert_true(span_equal(span_of(NULL, 0), SPAN("")));
	assert_null(span_string(NULL).data);
}

static void
pieces_stand_for_one_run_of_bytes(void **state)
{
	struct pieces pieces = { 0 }, more = { 0 };
	struct buf buf = { 0 };

	(void)state;
	pieces_add(&pieces, SPAN("one "));
	pieces_add(&pieces, SPAN(""));
	pieces_add(&more, SPAN("two "));
	pieces_add(&more, SPAN("three"));
	pieces_add_all(&pieces, &more);
	assert_int_equal(pieces.count, 3);
	assert_int_equal(pieces_len(&pieces), 13);
	assert_int_equal(buf_add_pieces(&buf, &pieces, NULL), 0);
	assert_true(span_is(buf_span(&buf), "one two three"));
	buf_clear(&buf);
	buf_init(&buf, 12);
	assert_int_equal(buf_add_pieces(&buf, &pieces, NULL), -1);
	assert_int_equal(buf.len, 0);
	buf_clear(&buf);
}

static void
a_sink_appends_to_its_buffer(void **state)
{
	struct buf buf = { .limit_bytes = 4 };
	struct sink sink = buf_sink(&buf);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(sink_put(&sink, SPAN("abc"), &err), 0);
	assert_int_equal(sink_put(&sink, SPAN("de"), &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_true(span_is(buf_span(&buf), "abc"));
	buf_clear(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_back_as_they_were_added),
		cmocka_unit_test(a_buffer_grows_past_a_megabyte_unharmed),
		cmocka_unit_test(the_limit_is_exact_and_survives_clear),
		cmocka_unit_test(reset_forgets_the_bytes_and_keeps_the_memory),
		cmocka_unit_test(formats_have_no_length_of_their_own),
		cmocka_unit_test(spans_compare_find_and_trim),
		cmocka_unit_test(pieces_stand_for_one_run_of_bytes),
		cmocka_unit_test(a_sink_appends_to_its_buffer),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
