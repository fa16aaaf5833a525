/* Tables of people, as office programs and administrators write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "ca_fixture.h"

static void
tables_are_read_as_they_are_written(void **state)
{
	static const struct {
		const char *label, *text;
		size_t rows;
		const char *address, *name; /* of the last row */
	} cases[] = {
		{ "plain", "address,name\na@b.example,Alice\n", 1,
			"a@b.example", "Alice" },
		{ "no line end", "address,name\na@b.example,Alice", 1,
			"a@b.example", "Alice" },
		{ "semicolons and CRLF",
			"name;address\r\nAlice;a@b.example\r\n", 1,
			"a@b.example", "Alice" },
		{ "a mark of UTF-8",
			"\xef\xbb\xbf"
			"address\na@b.example\n",
			1, "a@b.example", NULL },
		{ "quotes", "address,name\na@b.example,\"Adams, Alice\"\n", 1,
			"a@b.example", "Adams, Alice" },
		{ "quotes in quotes",
			"address,name\na@b.example,\"A \"\"x\"\" B\"\n", 1,
			"a@b.example", "A \"x\" B" },
		{ "a line end in quotes",
			"address,name\na@b.example,\"A\nB\"\nc@d.example,\n", 2,
			"c@d.example", NULL },
		{ "blanks and empty lines",
			"Address , NAME\n\n a@b.example , Alice \n\n", 1,
			"a@b.example", "Alice" },
		{ "columns of others", "x,address,y\n1,a@b.example,2\n", 1,
			"a@b.example", NULL },
		{ "a short line", "address,name\na@b.example\n", 1,
			"a@b.example", NULL },
		{ "nobody", "address\n", 0, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct list rows = { 0 };
		struct error err = { 0 };
		const struct ca_row *last;

		if (ca_read_table(span_string(cases[i].text), "x.csv", &rows,
			    &err) != 0)
			fail_msg("%s: %s", cases[i].label, err.text);
		if (rows.count != cases[i].rows)
			fail_msg("%s: %zu rows", cases[i].label, rows.count);
		last = rows.count ? rows.item[rows.count - 1] : NULL;
		if (last != NULL)
			assert_string_equal(
				last->value[CA_ADDRESS], cases[i].address);
		if (last != NULL && cases[i].name == NULL)
			assert_null(last->value[CA_NAME]);
		if (last != NULL && cases[i].name != NULL)
			assert_string_equal(
				last->value[CA_NAME], cases[i].name);
		list_clear(&rows, ca_row_free);
	}
}

static void
tables_that_are_none_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *label;
		struct span text;
		const char *says;
	} cases[] = {
		{ "nothing", { NULL, 0 }, "x.csv:1: " },
		{ "no address", { (const void *)"name\nx\n", 7 }, "x.csv:1: " },
		{ "an empty address",
			{ (const void *)"address,name\na@b.example,\n,x\n",
				30 },
			"x.csv:3: there is no address" },
		{ "behind quotes",
			{ (const void *)"address,name\na@b,\"x\"y\n", 22 },
			"x.csv:2: something" },
		{ "a NUL", { (const void *)"address\na\0b\n", 12 },
			"x.csv:2: holds a NUL" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct list rows = { 0 };
		struct error err = { 0 };

		if (ca_read_table(cases[i].text, "x.csv", &rows, &err) == 0)
			fail_msg("%s: was read", cases[i].label);
		assert_says(cases[i].label, err.text, cases[i].says);
		assert_int_equal(err.kind, ERROR_FORMAT);
		list_clear(&rows, ca_row_free);
	}
}

static void
the_first_word_of_a_line_is_an_address(void **state)
{
	struct list words = { 0 };

	(void)state;
	ca_read_addresses(
		SPAN("# people\na@b.example  x\n\r\n  c@d.example\r\n#e\n"),
		&words);
	assert_int_equal(words.count, 2);
	assert_string_equal(words.item[0], "a@b.example");
	assert_string_equal(words.item[1], "c@d.example");
	list_clear(&words, mem_free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_read_as_they_are_written),
		cmocka_unit_test(
			tables_that_are_none_are_refused_with_their_line),
		cmocka_unit_test(the_first_word_of_a_line_is_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
