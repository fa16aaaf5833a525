/* Which bodies a message has: the best, and nothing twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "tnef/codepage.h"
#include "tnef/internal.h"
#include "tnef_fixture.h"

#define WRAPS_HTML                                                             \
	"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 {\\*\\htmltag <p>}H\\'e4}"
#define WRAPS_TEXT "{\\rtf1\\ansi\\ansicpg1252\\fromtext T\\par}"
#define WRITTEN "{\\rtf1\\ansi\\b R\\par}"

static const struct row {
	const char *label;
	const char *html; /* NULL: there is none */
	const char *text;
	const char *rtf;
	/* What comes of it; NULL: none. */
	const char *out_html;
	const char *out_text;
	const char *out_rtf;
	bool is_incomplete;
} rows[] = {
	{ "HTML", "<p>h", NULL, NULL, "<p>h", NULL, NULL, false },
	{ "HTML and text", "<p>h", "t", NULL, "<p>h", "t", NULL, false },
	{ "HTML and the same wrapped", "<p>h", NULL, WRAPS_HTML, "<p>h", NULL,
		NULL, false },
	{ "HTML and the same as RTF", "<p>h", "t", WRITTEN, "<p>h", "t", NULL,
		false },
	{ "HTML, wrapped", NULL, NULL, WRAPS_HTML, "<p>H\xc3\xa4", NULL, NULL,
		false },
	{ "HTML, wrapped, and text", NULL, "t", WRAPS_HTML, "<p>H\xc3\xa4", "t",
		NULL, false },
	{ "text, wrapped", NULL, NULL, WRAPS_TEXT, NULL, "T\r\n", NULL, false },
	{ "text, and the same wrapped", NULL, "t", WRAPS_TEXT, NULL, "t", NULL,
		false },
	{ "RTF alone", NULL, NULL, WRITTEN, NULL, "R\r\n", WRITTEN, false },
	{ "RTF and text", NULL, "t", WRITTEN, NULL, "t", WRITTEN, false },
	{ "RTF that says nothing", NULL, NULL, "{\\rtf1\\par}", NULL, NULL,
		"{\\rtf1\\par}", false },
	{ "no RTF at all", NULL, NULL, "hello", NULL, NULL, "hello", true },
	{ "wrapped HTML cut off", NULL, NULL,
		"{\\rtf1\\fromhtml1 {\\*\\htmltag <p>", "<p>", NULL, NULL,
		true },
	{ "text only", NULL, "t", NULL, NULL, "t", NULL, false },
	{ "nothing", NULL, NULL, NULL, NULL, NULL, NULL, false },
};

/* RTF as it is, behind a header that says so (MELA). */
static void
add_rtf(struct made_list *list, const char *rtf)
{
	struct buf packed = { 0 };

	made_number(&packed, 4, strlen(rtf) + 12);
	made_number(&packed, 4, strlen(rtf));
	made_number(&packed, 4, 0x414c454d);
	made_number(&packed, 4, 0);
	assert_int_equal(buf_add_string(&packed, rtf, NULL), 0);
	made_bytes(list, 0x10090102, buf_span(&packed));
	buf_clear(&packed);
}

static void
must_be(const struct row *row, const struct tnef_message *message,
	const char *type, const char *wanted)
{
	const struct tnef_item *body = tnef_message_body(message, type);

	if ((body != NULL) != (wanted != NULL))
		fail_msg("%s: %s %s", row->label, type,
			body != NULL ? "is there" : "is not there");
	if (body != NULL && !span_is(body->data, wanted))
		fail_msg("%s: %s: %.*s", row->label, type, (int)body->data.len,
			(const char *)body->data.data);
}

static void
the_best_body_is_taken_and_nothing_twice(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct made_list list = { 0 };
		struct tnef_message *message;
		struct buf bytes = { 0 };

		made_begin(&bytes);
		if (row->html != NULL)
			made_bytes(&list, 0x10130102, span_string(row->html));
		if (row->text != NULL)
			made_text(&list, 0x1000001e, row->text);
		if (row->rtf != NULL)
			add_rtf(&list, row->rtf);
		made_properties(&bytes, MADE_MESSAGE, &list);
		message = made_read(buf_span(&bytes));
		must_be(row, message, "text/html", row->out_html);
		must_be(row, message, "text/plain", row->out_text);
		must_be(row, message, "application/rtf", row->out_rtf);
		if (message->is_incomplete != row->is_incomplete)
			fail_msg("%s: incomplete %d", row->label,
				message->is_incomplete);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

/* ---- code pages ---- */

/* A constant span. */
#define S(literal)                                                             \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}

static const struct {
	unsigned code_page;
	struct span text;
	const char *utf8;
	const char *mime; /* NULL: mail has no name for it */
} pages[] = {
	{ 1252, S("\x80\xe4"), "\xe2\x82\xac\xc3\xa4", "windows-1252" },
	{ 1251, S("\xcf"), "\xd0\x9f", "windows-1251" },
	{ 1255, S("\xe0"), "\xd7\x90", "windows-1255" },
	{ 1255, S("\xe0\xff\xe1"), "\xd7\x90\xef\xbf\xbd\xd7\x91",
		"windows-1255" },
	{ 874, S("\xa1"), "\xe0\xb8\x81", "windows-874" },
	{ 932, S("\x82\xa0"), "\xe3\x81\x82", "shift_jis" },
	{ 936, S("\xb0\xa1"), "\xe5\x95\x8a", "gbk" },
	{ 949, S("\xb0\xa1"), "\xea\xb0\x80", "ks_c_5601-1987" },
	{ 950, S("\xa4\x40"), "\xe4\xb8\x80", "big5" },
	{ 1361, S("\x88\x61"), "\xea\xb0\x80", NULL },
	{ 1200, S("a\0\xac\x20"), "a\xe2\x82\xac", "utf-16le" },
	{ 1200,
		S("a\0\0\xd8"
		  "b\0"),
		"a\xef\xbf\xbd"
		"b",
		"utf-16le" },
	{ 10000, S("\x8a"), "\xc3\xa4", "macintosh" },
	{ 20127, S("a\xe4"), "a\xef\xbf\xbd", "us-ascii" },
	{ 20866, S("\xc1"), "\xd0\xb0", "koi8-r" },
	{ 28605, S("\xa4"), "\xe2\x82\xac", "iso-8859-15" },
	{ 50220, S("\x1b$B$\"\x1b(B"), "\xe3\x81\x82", "iso-2022-jp" },
	{ 50220, S("\x1b$B\xff$\"\x1b(B"), "\xef\xbf\xbd\xe3\x81\x82",
		"iso-2022-jp" },
	{ 51932, S("\xa4\xa2"), "\xe3\x81\x82", "euc-jp" },
	{ 54936, S("\x81\x30\x81\x30"), "\xc2\x80", "gb18030" },
	{ 65000, S("+AOQ-"), "\xc3\xa4", "utf-7" },
	{ 65001, S("\xc3\xa4\xff"), "\xc3\xa4\xef\xbf\xbd", "utf-8" },
	{ 4711, S("\xe4"), "\xc3\xa4", NULL },
};

static void
code_pages_become_utf8(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(pages); i++) {
		const char *mime = tnef_charset(pages[i].code_page);
		struct buf out = { 0 };

		assert_int_equal(tnef_add_utf8(&out, pages[i].text,
					 pages[i].code_page, NULL),
			0);
		if (!span_is(buf_span(&out), pages[i].utf8) ||
			(mime != NULL) != (pages[i].mime != NULL) ||
			(mime != NULL && strcmp(mime, pages[i].mime) != 0))
			fail_msg("%u: %.*s", pages[i].code_page, (int)out.len,
				(const char *)out.data);
		buf_clear(&out);
	}
}

static void
converted_text_has_a_limit(void **state UNUSED)
{
	struct error err = { 0 };
	struct buf out;

	buf_init(&out, 3);
	assert_int_equal(tnef_add_utf8(&out, SPAN("\xe4\xe4"), 1252, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_body_is_taken_and_nothing_twice),
		cmocka_unit_test(code_pages_become_utf8),
		cmocka_unit_test(converted_text_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
