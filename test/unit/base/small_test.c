/* The small ones: clock, error, list, mem, random, trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/trace.h"

static void
the_clock_can_be_set_for_tests(void **state)
{
	char text[CLOCK_TEXT_SIZE];

	(void)state;
	clock_set(1769860800);
	assert_int_equal(clock_now(), 1769860800);
	clock_format(clock_now(), text);
	assert_string_equal(text, "2026-01-31T12:00:00Z");
	clock_set(0);
	assert_true(clock_now() != 1769860800);
	assert_true(clock_monotonic_ms() <= clock_monotonic_ms());
}

static void
an_error_is_printable_and_cut(void **state)
{
	struct error err = { 0 };
	char word[1000];

	(void)state;
	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_int_equal(error_set(&err, ERROR_FORMAT, "a\nb\033%s", word), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_memory_equal(err.text, "a?b?www", 7);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_int_equal(error_set(NULL, ERROR_LIMIT, "nobody asks"), -1);
}

static void
a_prefix_goes_in_front(void **state)
{
	struct error err = { 0 };

	(void)state;
	error_set(&err, ERROR_NOKEY, "no key");
	assert_int_equal(error_prefix(&err, "%s: ", "store staff"), -1);
	assert_string_equal(err.text, "store staff: no key");
	assert_int_equal(err.kind, ERROR_NOKEY);
	assert_int_equal(error_prefix(NULL, "x"), -1);
}

static void
every_error_kind_has_a_word(void **state)
{
	(void)state;
	for (int kind = ERROR_NONE; kind <= ERROR_CRYPTO; kind++)
		assert_non_null(error_kind_name((enum error_kind)kind));
	assert_string_equal(error_kind_name(ERROR_NOKEY), "nokey");
}

static void
a_list_keeps_the_order_and_frees_its_items(void **state)
{
	struct list list = { 0 };
	char *word;
	size_t seen = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		list_add(&list, mem_printf("%d", i));
	LIST_FOREACH (word, &list)
		assert_int_equal(atoi(word), (int)seen++);
	assert_int_equal(seen, 100);
	list_clear(&list, mem_free);
	assert_int_equal(list.count, 0);
	assert_null(list.item);
}

static void
memory_is_zeroed_and_strings_are_copied(void **state)
{
	unsigned char *bytes = mem_alloc(64);
	char *copy = mem_string_n("abcdef", 3);
	char *secret = mem_string("secret");

	(void)state;
	for (int i = 0; i < 64; i++)
		assert_int_equal(bytes[i], 0);
	assert_string_equal(copy, "abc");
	assert_null(mem_string(NULL));
	mem_wipe(secret, 6);
	assert_int_equal(secret[0], 0);
	mem_free_secret(secret);
	mem_free_secret(NULL);
	mem_free(copy);
	mem_free(bytes);
}

static void
random_bytes_differ(void **state)
{
	char one[33], two[33];

	(void)state;
	assert_int_equal(random_hex(one, 32, NULL), 0);
	assert_int_equal(random_hex(two, 32, NULL), 0);
	assert_int_equal(strlen(one), 32);
	assert_string_not_equal(one, two);
	for (int i = 0; i < 32; i++)
		assert_true(isxdigit((unsigned char)one[i]));
}

static void
two_hex_digits_are_a_byte(void **state)
{
	char text[5];

	(void)state;
	assert_int_equal(hex_byte('0', '0'), 0);
	assert_int_equal(hex_byte('f', 'F'), 255);
	assert_int_equal(hex_byte('4', 'a'), 0x4a);
	for (int c = 0; c < 256; c++) {
		int is = isxdigit(c) ? 1 : 0;

		assert_int_equal(hex_byte((unsigned char)c, '1') >= 0, is);
		assert_int_equal(hex_byte('1', (unsigned char)c) >= 0, is);
	}
	hex_write(text, SPAN("\x0f\xa0"));
	assert_string_equal(text, "0fa0");
}

static void
a_trace_keeps_printable_lines(void **state)
{
	struct trace trace = { 0 };

	(void)state;
	trace_add(NULL, "nobody listens");
	trace_add(&trace, "rule %s\nforged", "one");
	assert_int_equal(trace.lines.count, 1);
	assert_string_equal(trace.lines.item[0], "rule one?forged");
	trace_clear(&trace);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clock_can_be_set_for_tests),
		cmocka_unit_test(an_error_is_printable_and_cut),
		cmocka_unit_test(a_prefix_goes_in_front),
		cmocka_unit_test(every_error_kind_has_a_word),
		cmocka_unit_test(a_list_keeps_the_order_and_frees_its_items),
		cmocka_unit_test(memory_is_zeroed_and_strings_are_copied),
		cmocka_unit_test(random_bytes_differ),
		cmocka_unit_test(two_hex_digits_are_a_byte),
		cmocka_unit_test(a_trace_keeps_printable_lines),
	};

	return cmocka_run_group_tests_name("base/small", tests, NULL, NULL);
}
