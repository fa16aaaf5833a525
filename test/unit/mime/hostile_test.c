/*
 * Messages made to hurt: limits hold, and the work stays in proportion to the
 * bytes.  Work is counted in bytes looked at, never in time.
 */
#include "../mime_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { DEPTH = 20, PARTS = 1000, MANY = 20000 };

static const struct mime_limits limits = { .depth = DEPTH, .parts = PARTS };

static void
add_repeated(struct buf *buf, const char *text, unsigned count)
{
	while (count-- != 0)
		assert_int_equal(buf_add_string(buf, text, NULL), 0);
}

/* count multiparts, one in the other, and a part in the last. */
static void
add_nested(struct buf *buf, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(buf_add_format(buf, NULL,
					 "Content-Type: multipart/mixed;"
					 " boundary=b%u\r\n\r\n--b%u\r\n",
					 i, i),
			0);
	add_repeated(buf, "\r\ntext \r\n", 1);
}

static void
add_nested_messages(struct buf *buf, unsigned count)
{
	add_repeated(buf, FWD "\r\n", count);
	add_repeated(buf, "\r\ntext \r\n", 1);
}

static void
add_parts(struct buf *buf, unsigned count)
{
	add_repeated(buf, MIXED "\r\n", 1);
	add_repeated(buf, "--x\r\n\r\na \r\n", count);
}

/* 0: done; else the kind of the error, and nothing was written. */
static enum error_kind
rewrite(struct buf *in, struct mime_rewrite *report)
{
	struct error err = { 0 };
	struct buf out = { 0 };

	assert_int_equal(buf_add_string(&out, "kept", NULL), 0);
	if (mime_make_fit(buf_span(in), &limits, &out, report, &err) != 0) {
		assert_true(span_is(buf_span(&out), "kept"));
		assert_true(strlen(err.text) > 10);
	} else {
		assert_int_equal(err.kind, ERROR_NONE);
	}
	if (report->scanned_bytes > (DEPTH + 3) * in->len)
		fail_msg("%zu for %zu bytes", report->scanned_bytes, in->len);
	buf_clear(&out);
	buf_clear(in);
	return err.kind;
}

static void
depth_has_a_limit(void **state)
{
	struct mime_rewrite report;
	struct buf in = { 0 };

	(void)state;
	add_nested(&in, DEPTH);
	assert_int_equal(rewrite(&in, &report), ERROR_NONE);
	assert_int_equal(report.changed, 1);
	add_nested(&in, DEPTH + 1);
	assert_int_equal(rewrite(&in, &report), ERROR_LIMIT);
	add_nested(&in, MANY);
	assert_int_equal(rewrite(&in, &report), ERROR_LIMIT);
}

static void
messages_in_messages_count_as_depth(void **state)
{
	struct mime_rewrite report;
	struct buf in = { 0 };

	(void)state;
	add_nested_messages(&in, DEPTH);
	assert_int_equal(rewrite(&in, &report), ERROR_NONE);
	assert_int_equal(report.changed, 1);
	add_nested_messages(&in, DEPTH + 1);
	assert_int_equal(rewrite(&in, &report), ERROR_LIMIT);
	add_nested_messages(&in, MANY);
	assert_int_equal(rewrite(&in, &report), ERROR_LIMIT);
}

static void
an_administrator_cannot_ask_for_endless_depth(void **state)
{
	struct mime_limits wide = { .depth = 1000000, .parts = 1000000 };
	struct mime_rewrite report;
	struct buf in = { 0 }, out = { 0 };
	struct error err = { 0 };

	(void)state;
	add_nested_messages(&in, MANY);
	assert_int_equal(
		mime_make_fit(buf_span(&in), &wide, &out, &report, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&in);
	buf_clear(&out);
}

static void
parts_have_a_limit(void **state)
{
	struct mime_rewrite report;
	struct buf in = { 0 };

	(void)state;
	add_parts(&in, PARTS - 1);
	assert_int_equal(rewrite(&in, &report), ERROR_NONE);
	assert_int_equal(report.leaves, PARTS - 1);
	add_parts(&in, PARTS);
	assert_int_equal(rewrite(&in, &report), ERROR_LIMIT);
	add_parts(&in, MANY);
	assert_int_equal(rewrite(&in, &report), ERROR_LIMIT);
}

static void
the_result_has_the_limit_of_its_buffer(void **state)
{
	struct mime_rewrite report;
	struct error err = { 0 };
	struct buf out;

	(void)state;
	buf_init(&out, 1024);
	assert_int_equal(mime_make_fit(SPAN("\r\n" X1000 X200), NULL, &out,
				 &report, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
}

/* What is repeated MANY times behind a header. */
static const struct {
	const char *label;
	const char *header;
	const char *repeated;
} shapes[] = {
	{ "preamble", MIXED "\r\n", "--y\r\n" },
	{ "delimiters that are not", MIXED "\r\n", "--xx\r\n" },
	{ "dashes", MIXED "\r\n", "--" },
	{ "epilogue", MIXED "\r\n--x--\r\n", "--x\r\n" },
	{ "a huge field", "Content-Type: multipart/mixed; x=\"", "\\\" ; a=" },
	{ "parameters", "Content-Type: multipart/mixed", "; boundary*1=a" },
	{ "open comments", "Content-Type: text/plain;", "(" },
	{ "comments", "Content-Type: text/plain;", "()" },
	{ "comments and parameters", "Content-Type: text/plain;", "(;a=b" },
	{ "many types", "X: y\r\n", "Content-Type: text/plain\r\n" },
	{ "many labels", "X: y\r\n", BIT8 },
	{ "many folds", "X: y\r\n", " \r\n" },
	{ "fields", "", "A:\r\n" },
	{ "blanks in one long field", "X: y", " " },
	{ "words in one long field", "X: y", " z" },
	{ "blanks at an end", "\r\n", " " },
	{ "blanks in quoted-printable", QP "\r\n" UE, " " },
	{ "equals in quoted-printable", QP "\r\n" UE, "=" },
	{ "CR", "\r\n", "\r" },
	{ "LF", "\r\n", "\n" },
	{ "8-bit", "\r\n", UE },
	{ "From", "\r\n", "From " },
	{ "base64 of nothing", B64 "\r\n", UE "\r\n" },
};

static void
work_is_in_proportion_whatever_is_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(shapes); i++) {
		struct mime_rewrite report, again;
		struct buf in = { 0 }, out = { 0 }, twice = { 0 };

		add_repeated(&in, shapes[i].header, 1);
		add_repeated(&in, shapes[i].repeated, MANY);
		add_repeated(&in, "\r\n\r\n" UE, 1);
		make_fit_or_fail(buf_span(&in), &out, &report);
		if (report.scanned_bytes > 4 * in.len)
			fail_msg("%s: %zu for %zu", shapes[i].label,
				report.scanned_bytes, in.len);
		if (out.len > 4 * in.len)
			fail_msg("%s: %zu of %zu", shapes[i].label, out.len,
				in.len);
		if (report.residue == 0 && !is_safe(buf_span(&out)))
			fail_msg("%s: not safe", shapes[i].label);
		make_fit_or_fail(buf_span(&out), &twice, &again);
		if (!span_equal(buf_span(&out), buf_span(&twice)))
			fail_msg("%s: changes again", shapes[i].label);
		buf_clear(&in);
		buf_clear(&out);
		buf_clear(&twice);
	}
}

static void
nesting_multiplies_work_by_its_depth_and_no_more(void **state)
{
	struct mime_rewrite report;
	struct buf in = { 0 };

	(void)state;
	add_nested(&in, DEPTH);
	add_repeated(&in, "--b\r\n--b1\r --b2x\r\n", MANY);
	assert_int_equal(rewrite(&in, &report), ERROR_NONE);
}

static void
growth_is_reserved_once(void **state)
{
	struct mime_rewrite report;
	struct buf in = { 0 }, out = { 0 };

	(void)state;
	add_repeated(&in, BINARY "\r\n", 1);
	add_repeated(&in, X40 UE "\r\n", 20 * MANY);
	make_fit_or_fail(buf_span(&in), &out, &report);
	assert_true(out.size <= in.len * 16 / 10);
	buf_clear(&in);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(messages_in_messages_count_as_depth),
		cmocka_unit_test(an_administrator_cannot_ask_for_endless_depth),
		cmocka_unit_test(parts_have_a_limit),
		cmocka_unit_test(the_result_has_the_limit_of_its_buffer),
		cmocka_unit_test(work_is_in_proportion_whatever_is_repeated),
		cmocka_unit_test(
			nesting_multiplies_work_by_its_depth_and_no_more),
		cmocka_unit_test(growth_is_reserved_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
