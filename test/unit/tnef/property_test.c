/* Properties of every type, with one value and many, with and without name. */
#include "../tnef_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tnef/stream.h"

/* The list as the reader sees it; bytes hold it. */
static void
read_list(struct made_list *list, struct buf *bytes,
	struct tnef_properties *out, bool expected)
{
	struct tnef_reader reader = { .properties = 1000 };
	struct tnef_message message = { 0 };
	struct span rest;

	made_list_end(list, bytes);
	rest = buf_span(bytes);
	out->code_page = TNEF_WESTERN;
	assert_int_equal(
		tnef_properties_read(&reader, &rest, out, &message), expected);
	assert_int_equal(message.is_incomplete, !expected);
	if (expected)
		assert_int_equal(rest.len, 0);
	list_clear(&message.problems, mem_free);
}

/* ---- one value each, read again as number, double, time or text ---- */

static const struct {
	const char *label;
	uint32_t tag;
	struct span value;
	int64_t number; /* -99: it is none */
	time_t time;
	const char *text;
} ones[] = {
#define V(literal)                                                             \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
	{ "16 bits", 0x60000002, V("\xfe\xff\0\0"), -2, 0, NULL },
	{ "32 bits", 0x60000003, V("\1\0\0\x80"), INT32_MIN + 1, 0, NULL },
	{ "float", 0x60000004, V("\0\0\x80\x3f"), -99, 0, NULL },
	{ "double", 0x60000005, V("\0\0\0\0\0\0\xf8\x3f"), -99, 0, NULL },
	{ "money", 0x60000006, V("\x10\x27\0\0\0\0\0\0"), 10000, 0, NULL },
	{ "application time", 0x60000007, V("\0\0\0\0\0\0\0\0"), -99, 0, NULL },
	{ "error", 0x6000000a, V("\5\1\4\x80"), -99, 0, NULL },
	{ "yes", 0x6000000b, V("\1\0\xff\xff"), 1, 0, NULL },
	{ "no", 0x6000000b, V("\0\0\1\0"), 0, 0, NULL },
	{ "64 bits", 0x60000014, V("\1\0\0\0\1\0\0\0"), 4294967297, 0, NULL },
	{ "time", 0x60000040, V("\0\x80\x3e\xd5\xde\xb1\x9d\1"), -99, 0, NULL },
	{ "a second later", 0x60000040, V("\x80\x16\xd7\xd5\xde\xb1\x9d\1"),
		-99, 1, NULL },
	{ "no time", 0x60000040, V("\0\0\0\0\0\0\0\0"), -99, 0, NULL },
	{ "never", 0x60000040, V("\0\x40\xdd\xa3\x57\x45\xb3\x0c"), -99, 0,
		NULL },
	{ "class id", 0x60000048, V("0123456789abcdef"), -99, 0, NULL },
	{ "nothing", 0x60000001, V(""), -99, 0, NULL },
	{ "8-bit", 0x6000001e, V("\1\0\0\0\2\0\0\0\xe9\0\0\0"), -99, 0,
		"\xc3\xa9" },
	{ "8-bit without its zero", 0x6000001e, V("\1\0\0\0\4\0\0\0abcd"), -99,
		0, "abcd" },
	{ "UTF-16", 0x6000001f, V("\1\0\0\0\4\0\0\0\xac\x20\0\0"), -99, 0,
		"\xe2\x82\xac" },
	{ "UTF-16 of an odd length", 0x6000001f, V("\1\0\0\0\3\0\0\0a\0b\0"),
		-99, 0, "a" },
	{ "empty text", 0x6000001e, V("\1\0\0\0\1\0\0\0\0\0\0\0"), -99, 0,
		NULL },
	{ "blank text", 0x6000001e, V("\1\0\0\0\3\0\0\0 \t\n\0"), -99, 0,
		NULL },
	{ "text with lines", 0x6000001e, V("\1\0\0\0\4\0\0\0a\r\nb"), -99, 0,
		"a  b" },
	{ "bytes", 0x60000102, V("\1\0\0\0\2\0\0\0ab\0\0"), -99, 0, NULL },
	{ "bytes that end early", 0x60000102, V("\1\0\0\0\2\0\0\0ab"), -99, 0,
		NULL },
	{ "no value at all", 0x60000102, V("\0\0\0\0"), -99, 0, NULL },
};

static void
one_value_of_each_type_is_read(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(ones); i++) {
		struct tnef_properties properties = { 0 };
		const struct tnef_property *property;
		struct made_list list = { 0 };
		struct buf bytes = { 0 };
		int64_t number = -99;
		time_t time = 0;
		char *text;

		print_message("%s\n", ones[i].label);
		made_raw(&list, ones[i].tag, ones[i].value);
		read_list(&list, &bytes, &properties, true);
		property = tnef_find(&properties, 0x6000);
		assert_non_null(property);
		tnef_get_number(property, &number);
		assert_int_equal(number, ones[i].number);
		assert_int_equal(tnef_get_time(property, &time),
			ones[i].time != 0 ||
				strcmp(ones[i].label, "time") == 0);
		assert_int_equal(time, ones[i].time);
		text = tnef_get_text(&properties, property);
		if (ones[i].text == NULL)
			assert_null(text);
		else
			assert_string_equal(text, ones[i].text);
		mem_free(text);
		mem_free(properties.item);
		buf_clear(&bytes);
	}
}

static void
a_double_is_read(void **state UNUSED)
{
	struct tnef_properties properties = { 0 };
	struct made_list list = { 0 };
	struct buf bytes = { 0 };
	double number = 0;

	made_raw(&list, 0x60000005, SPAN("\0\0\0\0\0\0\xf8\x3f"));
	read_list(&list, &bytes, &properties, true);
	assert_true(tnef_get_double(tnef_find(&properties, 0x6000), &number));
	assert_true(number > 1.49 && number < 1.51);
	assert_false(tnef_get_double(NULL, &number));
	mem_free(properties.item);
	buf_clear(&bytes);
}

/* ---- many values ---- */

static const struct {
	const char *label;
	uint32_t tag;
	struct span value;
	unsigned count;
	const char *second; /* bytes of the second one */
	size_t second_len;
} many[] = {
	{ "16 bits", 0x60001002, V("\2\0\0\0\1\0\0\0\2\0\0\0"), 2, "\2\0\0\0",
		4 },
	{ "32 bits", 0x60001003, V("\2\0\0\0\1\0\0\0\2\0\0\0"), 2, "\2\0\0\0",
		4 },
	{ "64 bits", 0x60001014, V("\1\0\0\0\1\0\0\0\2\0\0\0"), 1, NULL, 0 },
	{ "8-bit", 0x6000101e, V("\2\0\0\0\2\0\0\0a\0\0\0\3\0\0\0bc\0\0"), 2,
		"bc\0", 3 },
	{ "UTF-16", 0x6000101f, V("\2\0\0\0\2\0\0\0a\0\0\0\4\0\0\0b\0c\0"), 2,
		"b\0c\0", 4 },
	{ "bytes", 0x60001102, V("\3\0\0\0\0\0\0\0\1\0\0\0x\0\0\0\0\0\0\0"), 3,
		"x", 1 },
	{ "class ids", 0x60001048,
		V("\2\0\0\0"
		  "0123456789abcdefghijklmnopqrstuv"),
		2, "ghijklmnopqrstuv", 16 },
	{ "none", 0x60001003, V("\0\0\0\0"), 0, NULL, 0 },
	{ "two of what has one", 0x60000102,
		V("\2\0\0\0\1\0\0\0a\0\0\0\1\0\0\0b\0\0\0"), 2, "b", 1 },
};

static void
many_values_are_read_one_by_one(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(many); i++) {
		struct tnef_properties properties = { 0 };
		const struct tnef_property *property;
		struct made_list list = { 0 };
		struct tnef_property value;
		struct buf bytes = { 0 };

		print_message("%s\n", many[i].label);
		made_raw(&list, many[i].tag, many[i].value);
		read_list(&list, &bytes, &properties, true);
		property = tnef_find(&properties, 0x6000);
		assert_int_equal(property->count, many[i].count);
		assert_int_equal(tnef_get_value(property, 1, &value),
			many[i].second != NULL);
		if (many[i].second != NULL) {
			assert_int_equal(value.value.len, many[i].second_len);
			assert_memory_equal(value.value.data, many[i].second,
				many[i].second_len);
		}
		assert_false(tnef_get_value(property, many[i].count, &value));
		mem_free(properties.item);
		buf_clear(&bytes);
	}
}

/* ---- names ---- */

static void
named_properties_are_found_by_set_and_number_or_text(void **state UNUSED)
{
	static const unsigned char other[16] = { 1 };
	struct tnef_properties properties = { 0 };
	struct made_list list = { 0 };
	struct buf bytes = { 0 };
	int64_t number = 0;

	made_named(&list, 0x80010003, made_set, 0x8554, NULL, SPAN("\1\0\0\0"));
	made_named(
		&list, 0x80020003, made_set, 0, "Keywords", SPAN("\2\0\0\0"));
	made_named(&list, 0x80030003, other, 0x8554, NULL, SPAN("\3\0\0\0"));
	read_list(&list, &bytes, &properties, true);
	assert_int_equal(properties.count, 3);
	assert_true(tnef_get_number(
		tnef_find_number(&properties, made_set, 0x8554), &number));
	assert_int_equal(number, 1);
	assert_true(tnef_get_number(
		tnef_find_text(&properties, made_set, "Keywords"), &number));
	assert_int_equal(number, 2);
	assert_true(tnef_get_number(
		tnef_find_number(&properties, other, 0x8554), &number));
	assert_int_equal(number, 3);
	assert_null(tnef_find_number(&properties, made_set, 1));
	assert_null(tnef_find_number(&properties, made_set, 0));
	assert_null(tnef_find_text(&properties, made_set, "Keyword"));
	assert_null(tnef_find_text(&properties, other, "Keywords"));
	mem_free(properties.item);
	buf_clear(&bytes);
}

/* ---- what cannot be read ends the list, and what was read stays ---- */

static const struct {
	const char *label;
	uint32_t tag;
	struct span value;
} bad[] = {
	{ "an unknown type", 0x600000fd, V("\1\0\0\0") },
	{ "type 0", 0x60000000, V("\1\0\0\0") },
	{ "too short for a number", 0x60000003, V("\1\0\0") },
	{ "too short for a class id", 0x60000048, V("0123456789abcde") },
	{ "no count", 0x60000102, V("\1\0\0") },
	{ "no length", 0x60000102, V("\1\0\0\0") },
	{ "a length of 4 GB", 0x60000102,
		V("\1\0\0\0\xff\xff\xff\xff"
		  "ab\0\0") },
	{ "a length that wraps when filled up", 0x60000102,
		V("\1\0\0\0\xfd\xff\xff\xff"
		  "ab\0\0") },
	{ "a length one too long", 0x60000102, V("\1\0\0\0\5\0\0\0abcd") },
	{ "4 G numbers", 0x60001003, V("\xff\xff\xff\xff\1\0\0\0") },
	{ "1 G long numbers: wraps in 32 bits", 0x60001014,
		V("\0\0\0\x20\1\0\0\0") },
	{ "4 G texts", 0x6000101e, V("\xff\xff\xff\xff\0\0\0\0\0\0\0\0") },
	{ "a name cut off", 0x80000003, V("0123456789abcdef\0\0\0\0") },
	{ "a name of an unknown kind", 0x80000003,
		V("0123456789abcdef\2\0\0\0\1\0\0\0\1\0\0\0") },
	{ "a name of 4 GB", 0x80000003,
		V("0123456789abcdef\1\0\0\0\xff\xff\xff\xff"
		  "a\0\0\0\1\0\0\0") },
};

static void
what_cannot_be_read_costs_nothing_before_it(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct tnef_properties properties = { 0 };
		struct made_list list = { 0 };
		struct buf bytes = { 0 };

		print_message("%s\n", bad[i].label);
		made_int(&list, 0x60010003, 7);
		made_raw(&list, bad[i].tag, bad[i].value);
		read_list(&list, &bytes, &properties, false);
		assert_int_equal(properties.count, 1);
		assert_non_null(tnef_find(&properties, 0x6001));
		mem_free(properties.item);
		buf_clear(&bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_value_of_each_type_is_read),
		cmocka_unit_test(a_double_is_read),
		cmocka_unit_test(many_values_are_read_one_by_one),
		cmocka_unit_test(
			named_properties_are_found_by_set_and_number_or_text),
		cmocka_unit_test(what_cannot_be_read_costs_nothing_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
