/* Fields, and where a header ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "mime/mime.h"

/* The fields of a header as "name=value|", values as they stand. */
static const struct {
	const char *label;
	const char *header;
	const char *fields;
} headers[] = {
	{ "one field", "A: b\r\n", "A= b\r\n|" },
	{ "LF", "A: b\nC: d\n", "A= b\n|C= d\n|" },
	{ "fold", "A: b\r\n c\r\n\td\r\nE:f\r\n",
		"A= b\r\n c\r\n\td\r\n|E=f\r\n|" },
	{ "fold that is blank", "A: b\r\n \r\n c\r\n", "A= b\r\n \r\n c\r\n|" },
	{ "no line end", "A: b", "A= b|" },
	{ "no value", "A:\r\n", "A=\r\n|" },
	{ "blanks before the colon", "A \t: b\r\n", "A= b\r\n|" },
	{ "colon in the value", "A: b:c\r\n", "A= b:c\r\n|" },
	{ "mailbox line first", "From a@b Mon\r\nA: b\r\n", "A= b\r\n|" },
	{ "fold of nothing", " x\r\nA: b\r\n", "A= b\r\n|" },
	{ "no colon", "junk\r\nA: b\r\n", "A= b\r\n|" },
	{ "no name", ": x\r\nA: b\r\n", "A= b\r\n|" },
	{ "blank in the name", "A b: c\r\nD: e\r\n", "D= e\r\n|" },
	{ "8-bit in the name", "\xc4: c\r\nD: e\r\n", "D= e\r\n|" },
	{ "nothing", "", "" },
};

static void
fields_are_read_one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		struct span rest = span_string(headers[i].header);
		struct mime_field field;
		char text[256] = "";
		size_t len = 0;

		while (mime_field_next(&rest, &field) == 1)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%.*s=%.*s|", (int)field.name.len,
				(const char *)field.name.data,
				(int)field.value.len,
				(const char *)field.value.data);
		if (strcmp(text, headers[i].fields) != 0)
			fail_msg("%s: %s", headers[i].label, text);
		assert_int_equal(rest.len, 0);
	}
}

static void
a_field_is_found_by_name_in_any_case(void **state)
{
	struct span header = SPAN("Received: 1\r\nX-A: x\r\nRECEIVED : 2\r\n"
				  "Receive: 3\r\n");
	struct mime_field field;

	(void)state;
	assert_int_equal(mime_field_count(header, "received"), 2);
	assert_int_equal(mime_field_find(header, "received", 0, &field), 1);
	assert_true(span_is(span_trim(field.value), "1"));
	assert_int_equal(mime_field_find(header, "received", 1, &field), 1);
	assert_true(span_is(span_trim(field.value), "2"));
	assert_true(span_is(field.whole, "RECEIVED : 2\r\n"));
	assert_int_equal(mime_field_find(header, "received", 2, &field), 0);
	assert_int_equal(mime_field_find(header, "Receiv", 0, &field), 0);
	assert_int_equal(mime_field_count(header, "X-B"), 0);
}

static const struct {
	const char *label;
	const char *header;
	const char *separator;
	const char *body;
} entities[] = {
	{ "usual", "A: b\r\n", "\r\n", "text\r\n" },
	{ "LF", "A: b\n", "\n", "text\n" },
	{ "no fields", "", "\r\n", "text" },
	{ "no body", "A: b\r\n", "\r\n", "" },
	{ "header alone", "A: b\r\n", "", "" },
	{ "header without line end", "A: b", "", "" },
	{ "nothing", "", "", "" },
	{ "two blank lines", "A: b\r\n", "\r\n", "\r\ntext" },
	{ "blank fold is no blank line", "A: b\r\n \r\n c\r\n", "\r\n", "x" },
	{ "mailbox line", "From a@b Mon\r\nA: b\r\n", "\r\n", "x" },
	{ "no blank line", "A: b\r\n", "", "text\r\n\r\nmore" },
	{ "delimiter instead", "A: b\r\n", "", "--x\r\n" },
	{ "no header at all", "", "", "text\r\nA: b\r\n\r\n" },
	{ "mailbox line later", "A: b\r\n", "", "From a@b Mon\r\n" },
	{ "CR is no blank line", "A: b\r\n", "", "\r\r\ntext" },
	{ "8-bit name", "A: b\r\n", "", "\xc4: d\r\n\r\n" },
};

static void
an_entity_is_cut_where_its_header_ends(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(entities); i++) {
		struct mime_entity entity;
		char whole[256];

		snprintf(whole, sizeof(whole), "%s%s%s", entities[i].header,
			entities[i].separator, entities[i].body);
		mime_entity_split(span_string(whole), &entity);
		if (!span_is(entity.header, entities[i].header) ||
			!span_is(entity.separator, entities[i].separator) ||
			!span_is(entity.body, entities[i].body))
			fail_msg("%s", entities[i].label);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read_one_by_one),
		cmocka_unit_test(a_field_is_found_by_name_in_any_case),
		cmocka_unit_test(an_entity_is_cut_where_its_header_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
