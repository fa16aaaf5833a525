/* Content-Type and its parameters. */
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
	const char *value;
	const char *type;     /* "" when unreadable */
	const char *boundary; /* "" when there is none */
};

#define M "multipart/mixed"

static const struct row good[] = {
	{ "plain", " text/plain\r\n", "text/plain", "" },
	{ "any case", "MultiPart/MIXED; Boundary=aB", M, "aB" },
	{ "quoted", M "; boundary=\"a b\"", M, "a b" },
	{ "quoted pair", M "; boundary=\"a\\\"b\\\\c\"", M, "a\"b\\c" },
	{ "semicolon in quotes", M "; x=\";boundary=no\"; boundary=yes", M,
		"yes" },
	{ "comments", "(a(b)) multipart (\\)) / (c) mixed (d) ; boundary=x", M,
		"x" },
	{ "folded", M ";\r\n\tcharset=x;\r\n boundary=\"abc\"\r\n", M, "abc" },
	{ "second parameter", M "; a=b; boundary=c; d=e", M, "c" },
	{ "blanks around =", M "; boundary = x", M, "x" },
	{ "RFC 2231 value", M "; boundary*=us-ascii'en'a%20%3d", M, "a =" },
	{ "RFC 2231 without language", M "; boundary*=''a%2Fb", M, "a/b" },
	{ "RFC 2231 segments", M "; boundary*0=ab; boundary*1=\"c d\"", M,
		"abc d" },
	{ "RFC 2231 segments in any order", M "; boundary*1=b; boundary*0=a", M,
		"ab" },
	{ "RFC 2231 both",
		M "; boundary*0*=utf-8''%61; boundary*1=%62; boundary*2*=%63",
		M, "a%62c" },
};

static const struct row odd[] = {
	{ "trailing blanks are cut", M "; boundary=\"ab \t \"", M, "ab" },
	{ "unquoted with =", M "; boundary=----=_Part/1", M, "----=_Part/1" },
	{ "quotes without end", M "; boundary=\"abc", M, "abc" },
	{ "fold in quotes", M "; boundary=\"ab\r\n c\"", M, "ab c" },
	{ "the first wins", M "; boundary=a; boundary=b", M, "a" },
	{ "plain wins over RFC 2231", M "; boundary*=''a; boundary=b", M, "b" },
	{ "a segment is missing", M "; boundary*0=a; boundary*2=c", M, "a" },
	{ "first segment is missing", M "; boundary*1=a", M, "" },
	{ "no segment at all", M "; boundary*x=a; boundary*-1=b", M, "" },
	{ "segment numbers that are too large",
		M "; boundary*64=a; boundary*99999999999=a", M, "" },
	{ "broken %", M "; boundary*=''a%2g%", M, "a%2g%" },
	{ "one quote only", M "; boundary*=x'a", M, "a" },
	{ "empty parameters", M ";;; boundary=a;", M, "a" },
	{ "parameter without value", M "; boundary; boundary=a", M, "a" },
	{ "empty boundary", M "; boundary=\"\"", M, "" },
	{ "only blanks", M "; boundary=\"  \"", M, "" },
	{ "semicolon missing", M " boundary=a", M, "" },
	{ "another name", M "; xboundary=a; boundaryx=b", M, "" },
	{ "junk before the parameters", M " junk; boundary=a", M, "a" },
	{ "comment without end", M "; boundary=a (x; y", M, "a" },
};

static const struct row unreadable[] = {
	{ "empty", "", "", "" },
	{ "no subtype", "text", "", "" },
	{ "empty subtype", "text/", "", "" },
	{ "empty type", "/plain", "", "" },
	{ "8-bit", "t\xe4xt/plain", "", "" },
	{ "comment without end", "(text/plain", "", "" },
};

static void
try_row(const struct row *row)
{
	struct mime_type type;
	char name[2 * MIME_TOKEN_MAX + 2];
	int result = mime_type_parse(span_string(row->value), &type);

	snprintf(name, sizeof(name), "%s%s%s", type.type,
		type.type[0] ? "/" : "", type.subtype);
	if (strcmp(name, row->type) != 0 || result != (row->type[0] != '\0'))
		fail_msg("%s: %d %s", row->label, result, name);
	if (!span_is(span_of(type.boundary, type.boundary_len), row->boundary))
		fail_msg("%s: boundary %.*s", row->label,
			(int)type.boundary_len, (const char *)type.boundary);
	assert_int_equal(mime_type_is(&type, "text/plain"),
		strcmp(row->type, "text/plain") == 0);
}

static void
types_and_boundaries_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		try_row(&good[i]);
}

static void
odd_types_are_read_as_mail_readers_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		try_row(&odd[i]);
}

static void
an_unreadable_type_is_no_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unreadable); i++)
		try_row(&unreadable[i]);
}

static void
names_and_boundaries_have_limits(void **state)
{
	char value[2 * MIME_BOUNDARY_MAX];
	struct mime_type type;

	(void)state;
	snprintf(value, sizeof(value), "text/%0*d", MIME_TOKEN_MAX - 1, 0);
	assert_int_equal(mime_type_parse(span_string(value), &type), 1);
	snprintf(value, sizeof(value), "text/%0*d", MIME_TOKEN_MAX, 0);
	assert_int_equal(mime_type_parse(span_string(value), &type), 0);
	snprintf(value, sizeof(value), M "; boundary=%0*d", MIME_BOUNDARY_MAX,
		0);
	assert_int_equal(mime_type_parse(span_string(value), &type), 1);
	assert_int_equal(type.boundary_len, MIME_BOUNDARY_MAX);
	snprintf(value, sizeof(value), M "; boundary=%0*d",
		MIME_BOUNDARY_MAX + 1, 0);
	assert_int_equal(mime_type_parse(span_string(value), &type), 1);
	assert_int_equal(type.boundary_len, 0);
}

static void
parameters_are_unquoted_and_cut(void **state)
{
	struct mime_type type;
	char text[6];

	(void)state;
	assert_int_equal(
		mime_type_parse(SPAN("a/b; Name=\"12\\34567\"; n="), &type), 1);
	assert_int_equal(
		mime_type_parameter(&type, "name", text, sizeof(text)), 1);
	assert_string_equal(text, "12345");
	assert_int_equal(
		mime_type_parameter(&type, "n", text, sizeof(text)), 1);
	assert_string_equal(text, "");
	assert_int_equal(
		mime_type_parameter(&type, "x", text, sizeof(text)), 0);
}

static void
the_parameters_of_any_field_can_be_asked(void **state)
{
	struct mime_type type = { .value = SPAN(" attachment;\r\n"
						" filename=a.p7m\r\n") };
	char text[32];

	(void)state;
	assert_int_equal(
		mime_type_parameter(&type, "filename", text, sizeof(text)), 1);
	assert_string_equal(text, "a.p7m");
}

static void
an_entity_without_type_is_text(void **state)
{
	struct mime_type type;

	(void)state;
	mime_type_of(SPAN("Subject: x\r\n"), &type);
	assert_true(mime_type_is(&type, "text/plain"));
	mime_type_of(SPAN("content-TYPE :multipart/Signed;\r\n boundary=s\r\n"),
		&type);
	assert_true(mime_type_is(&type, "multipart/signed"));
	assert_false(mime_type_is(&type, "multipart/sign"));
	assert_false(mime_type_is(&type, "multipart"));
	mime_type_of(SPAN("Content-Type: nonsense\r\n"), &type);
	assert_false(mime_type_is(&type, "text/plain"));
	assert_false(mime_type_is(&type, "/"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_and_boundaries_are_read),
		cmocka_unit_test(odd_types_are_read_as_mail_readers_do),
		cmocka_unit_test(an_unreadable_type_is_no_type),
		cmocka_unit_test(names_and_boundaries_have_limits),
		cmocka_unit_test(parameters_are_unquoted_and_cut),
		cmocka_unit_test(the_parameters_of_any_field_can_be_asked),
		cmocka_unit_test(an_entity_without_type_is_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
