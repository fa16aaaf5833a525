/* RTF: the HTML or text it wraps, and what it says itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tnef/rtf.h"

struct row {
	const char *label;
	const char *rtf;
	const char *out;
};

static void
try_rows(const struct row *rows, size_t count, enum tnef_rtf_kind as,
	const char *head)
{
	for (size_t i = 0; i < count; i++) {
		struct tnef_rtf_report report = { 0 };
		struct error err = { 0 };
		struct buf rtf = { 0 }, out = { 0 };

		assert_int_equal(
			buf_add_format(&rtf, &err, "%s%s}", head, rows[i].rtf),
			0);
		if (tnef_rtf_kind(buf_span(&rtf)) != as)
			fail_msg("%s: of another kind", rows[i].label);
		if (tnef_rtf_write(buf_span(&rtf), as, &out, &report, &err) !=
			0)
			fail_msg("%s: %s", rows[i].label, err.text);
		if (!span_is(buf_span(&out), rows[i].out))
			fail_msg("%s: %.*s", rows[i].label, (int)out.len,
				(const char *)out.data);
		if (report.is_cut || report.is_more || report.bad_bytes != 0 ||
			report.unknown_page != 0)
			fail_msg("%s: reported", rows[i].label);
		buf_clear(&rtf);
		buf_clear(&out);
	}
}

#define FONTS                                                                  \
	"{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}"                           \
	"{\\f1\\fnil\\fcharset204{\\*\\panose 020b}Arial Cyr;}"                \
	"{\\f2\\fnil\\fcharset2 Symbol;}{\\f3\\fnil\\fcharset2 Wingdings;}"    \
	"{\\f4\\fnil\\fcharset128 MS Gothic;}{\\f5\\fnil\\cpg1253 Greek;}"     \
	"{\\f6 Plain;}}"                                                       \
	"{\\colortbl;\\red0\\green0\\blue255;}{\\stylesheet{\\s0 Normal;}}"
#define HTML_HEAD "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0" FONTS
#define TEXT_HEAD "{\\rtf1\\ansi\\ansicpg1251\\fromtext \\deff6" FONTS
#define RTF_HEAD "{\\rtf1\\ansi\\ansicpg1252\\deff0" FONTS

static const struct row html[] = {
	{ "tags and text",
		"{\\*\\htmltag19 <html>}{\\*\\htmltag64 <p>}a "
		"b{\\*\\htmltag72 </p>}",
		"<html><p>a b</p>" },
	{ "what stands for a tag in RTF is left out",
		"{\\*\\htmltag84 <b>}\\htmlrtf {\\b \\htmlrtf0 bold"
		"{\\*\\htmltag92 </b>}\\htmlrtf }\\htmlrtf0 x",
		"<b>bold</b>x" },
	{ "and comes back at the end of its group", "a{\\htmlrtf b}c", "ac" },
	{ "a tag in what is left out", "\\htmlrtf1 {\\*\\htmltag84 <i>}x", "" },
	{ "the tag with a rewritten link",
		"{\\*\\htmltag84 <a href=\"cid:1\">}{\\*\\mhtmltag84 <a "
		"href=\"x\">}",
		"<a href=\"cid:1\">" },
	{ "a tag without a number", "{\\*\\htmltag <br>}", "<br>" },
	{ "a tag that begins with a digit", "{\\*\\htmltag84 1}", "1" },
	{ "lines and tabs", "{\\*\\htmltag4 \\par }a\\line b\\tab c\\\r\n\\par",
		"\r\na\r\nb\tc\r\n\r\n" },
	{ "line ends of the RTF are nothing", "a\r\n\r\nb\nc", "abc" },
	{ "escapes", "{\\*\\htmltag84 a\\{b\\}c\\\\d}\\{\\}\\\\",
		"a{b}c\\d{}\\" },
	{ "bytes by the font", "\\f1 \\'cf\\f0 \\'e9{\\f5 \\'e1}",
		"\xd0\x9f\xc3\xa9\xce\xb1" },
	{ "a font set where nothing is shown", "\\htmlrtf \\f1\\htmlrtf0 \\'cf",
		"\xd0\x9f" },
	{ "bytes in tags by the document",
		"\\f1{\\*\\htmltag84 <img alt=\"\\'e9\">}\\'cf",
		"<img alt=\"\xc3\xa9\">\xd0\x9f" },
	{ "two bytes, the second a letter", "\\f4 \\'83A\\'82\\'a0",
		"\xe3\x82\xa2\xe3\x81\x82" },
	{ "characters by number", "\\u8364?\\u246\\'f6\\uc0\\u223 x",
		"\xe2\x82\xac\xc3\xb6\xc3\x9fx" },
	{ "with two bytes for one character", "\\uc2\\u12354\\'82\\'a0x",
		"\xe3\x81\x82x" },
	{ "how many bytes is a matter of the group", "{\\uc0\\u228 x}\\u228 xy",
		"\xc3\xa4x\xc3\xa4y" },
	{ "a pair for one character", "\\u-10179?\\u-8704?",
		"\xf0\x9f\x98\x80" },
	{ "half a pair", "\\u-10179?x\\u-8704?", "\xef\xbf\xbdx\xef\xbf\xbd" },
	{ "signs",
		"a\\~b\\_c\\-d\\lquote\\rquote\\ldblquote\\rdblquote"
		"\\bullet\\endash\\emdash",
		"a\xc2\xa0"
		"b\xc2\xad"
		"c\xc2\xad"
		"d\xe2\x80\x98\xe2\x80\x99"
		"\xe2\x80\x9c\xe2\x80\x9d\xe2\x80\xa2\xe2\x80\x93\xe2\x80"
		"\x94" },
	{ "a mark before a list's item", "{\\pntext\\'b7\\tab}x", "x" },
	{ "unknown groups", "{\\*\\unknown x{y}}z{\\unknown a}", "za" },
	{ "a picture", "{\\pict\\bin4 }{{}x}y{\\*\\shppict{\\pict 00}}", "y" },
	{ "hidden text is HTML's own matter", "{\\v x}", "x" },
	{ "a symbol font is HTML's own matter", "{\\f3 J}", "J" },
};

static const struct row text[] = {
	{ "lines", "\\pard\\plain a\\par b\\line c\\par\\par d",
		"a\r\nb\r\nc\r\n\r\nd" },
	{ "blanks at the end of lines stay", "a  \\par\\tab b", "a  \r\n\tb" },
	{ "bytes by the document", "\\'cf", "\xd0\x9f" },
	{ "bytes by the font", "\\f5\\'e1", "\xce\xb1" },
	{ "<tags> are text", "<b>", "<b>" },
	{ "raw 8-bit", "\xcf", "\xd0\x9f" },
};

static const struct row readable[] = {
	{ "paragraphs", "\\pard a\\par\\pard b\\par\\par", "a\r\nb\r\n" },
	{ "nothing", "\\pard\\par  \\par", "" },
	{ "a table",
		"\\trowd\\cellx1\\cellx2\\intbl a\\cell b\\cell\\row "
		"\\trowd\\intbl c\\cell d\\cell\\row e",
		"a\tb\r\nc\td\r\ne\r\n" },
	{ "a table in a table",
		"a{x\\nestcell y\\nestcell{\\nonesttables z\\par}"
		"{\\*\\nesttableprops\\trowd\\nestrow}}\\cell\\row",
		"ax\ty\r\n" },
	{ "a list", "{\\pntext\\f2\\'b7\\tab}a\\par{\\listtext 2.\\tab}b",
		"\xe2\x80\xa2\ta\r\n2.\tb\r\n" },
	{ "faces and arrows of AutoCorrect",
		"{\\f3 J}{\\f3\\'e0}{\\f3\\u-4022 ?}",
		"\xe2\x98\xba\xe2\x86\x92\xe2\x98\xba\r\n" },
	{ "a link",
		"{\\field{\\*\\fldinst{HYPERLINK \"http://a.example/x\" }}"
		"{\\fldrslt{\\ul here}}}.",
		"here <http://a.example/x>.\r\n" },
	{ "a link that shows where it leads",
		"{\\field{\\*\\fldinst HYPERLINK http://a.example}"
		"{\\fldrslt http://a.example/}}",
		"http://a.example/\r\n" },
	{ "an address",
		"{\\field{\\*\\fldinst HYPERLINK "
		"\"mailto:a@b.example\"}{\\fldrslt a@b.example}}",
		"a@b.example\r\n" },
	{ "a link within the text",
		"{\\field{\\*\\fldinst HYPERLINK \\\\l \"x\"}{\\fldrslt y}}",
		"y\r\n" },
	{ "another field", "{\\field{\\*\\fldinst PAGE}{\\fldrslt 7}}",
		"7\r\n" },
	{ "a field in a field",
		"{\\field{\\*\\fldinst HYPERLINK "
		"\"http://a.example\"}{\\fldrslt "
		"a{\\field{\\*\\fldinst HYPERLINK "
		"\"http://b.example\"}{\\fldrslt b}}}}",
		"ab <http://a.example>\r\n" },
	{ "hidden and deleted text", "a{\\v b}c\\v d\\v0 e{\\deleted f}",
		"ace\r\n" },
	{ "\\plain shows again", "{\\v a\\plain b}", "b\r\n" },
	{ "a footnote", "a{\\footnote b}c", "a[b]c\r\n" },
	{ "headers and the author are left out",
		"{\\info{\\author A}{\\title T}}{\\header H}{\\footerl F}x",
		"x\r\n" },
	{ "an object shows its result",
		"{\\object\\objemb{\\*\\objclass X}{\\*\\objdata "
		"0102}{\\result "
		"r}}",
		"r\r\n" },
	{ "text in a shape, once",
		"{\\shp{\\*\\shpinst{\\sp{\\sn n}{\\sv 1}}{\\shptxt t}}"
		"{\\shprslt t}}",
		"t\r\n" },
	{ "soft and hard hyphens", "a\\-b\\_c",
		"ab\xe2\x80\x91"
		"c\r\n" },
	{ "HTML in it is no HTML", "{\\*\\htmltag64 <p>}a\\htmlrtf b",
		"ab\r\n" },
	{ "an old Macintosh", "\\mac\\f6\\'8a", "\xc3\xa4\r\n" },
	{ "numbers that are too large",
		"\\f99999999999\\uc-7\\uc99999\\u99999999999?\\fs-2147483649 x",
		"\xef\xbf\xbdx\r\n" },
	{ "a NUL and other controls",
		"a\\'00b\\u7?\x01\x1f"
		"c",
		"abc\r\n" },
};

static void
wrapped_html_comes_out_as_it_was(void **state UNUSED)
{
	try_rows(html, COUNT_OF(html), TNEF_RTF_HTML, HTML_HEAD);
}

static void
wrapped_text_comes_out_as_it_was(void **state UNUSED)
{
	try_rows(text, COUNT_OF(text), TNEF_RTF_TEXT, TEXT_HEAD);
}

static void
other_rtf_becomes_readable_text(void **state UNUSED)
{
	try_rows(readable, COUNT_OF(readable), TNEF_RTF_OTHER, RTF_HEAD);
}

static const struct {
	const char *rtf;
	enum tnef_rtf_kind kind;
} kinds[] = {
	{ "{\\rtf1\\ansi\\fromhtml1 x}", TNEF_RTF_HTML },
	{ "{\\rtf\\fromtext}", TNEF_RTF_TEXT },
	{ "\r\n{\\rtf1 x\\fromhtml1}", TNEF_RTF_OTHER },
	{ "{\\rtf1\\a\\b\\c\\d\\e\\f\\g\\h\\fromhtml1}", TNEF_RTF_OTHER },
	{ "{\\rtf1", TNEF_RTF_OTHER },
	{ "{\\rtfx}", TNEF_RTF_NONE },
	{ "{}", TNEF_RTF_NONE },
	{ "rtf1", TNEF_RTF_NONE },
	{ "", TNEF_RTF_NONE },
};

static void
a_header_says_what_rtf_wraps(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (tnef_rtf_kind(span_string(kinds[i].rtf)) != kinds[i].kind)
			fail_msg("%s", kinds[i].rtf);
}

static const struct {
	const char *rtf;
	const char *out;
	struct tnef_rtf_report report;
} broken[] = {
	{ "{\\rtf1 a{b", "ab\r\n", { .is_cut = true } },
	{ "{\\rtf1 a", "a\r\n", { .is_cut = true } },
	{ "{\\rtf1 a\\", "a\r\n", { .is_cut = true } },
	{ "{\\rtf1 a\\'", "a\r\n", { .is_cut = true } },
	{ "{\\rtf1 a\\'e}", "ae\r\n", { 0 } },
	{ "{\\rtf1 a\\'zz}", "azz\r\n", { 0 } },
	{ "{\\rtf1 a{\\bin2147483647 }b}", "a\r\n", { .is_cut = true } },
	{ "{\\rtf1 a\\bin-5 b}", "ab\r\n", { 0 } },
	{ "{\\rtf1 a}}b}", "a\r\n", { .is_more = true } },
	{ "{\\rtf1 a}}\r\n", "a\r\n", { 0 } },
	{ "{\\rtf1 a} b", "a\r\n", { .is_more = true } },
	{ "{\\rtf1 a\\'81}", "a\xef\xbf\xbd\r\n", { .bad_bytes = 1 } },
	{ "{\\rtf1\\ansicpg4711 \\'e4}", "\xc3\xa4\r\n",
		{ .unknown_page = 4711 } },
};

static void
broken_rtf_is_read_as_far_as_it_goes(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(broken); i++) {
		struct tnef_rtf_report report = { 0 };
		struct error err = { 0 };
		struct buf out = { 0 };

		assert_int_equal(tnef_rtf_write(span_string(broken[i].rtf),
					 TNEF_RTF_OTHER, &out, &report, &err),
			0);
		if (!span_is(buf_span(&out), broken[i].out) ||
			report.is_cut != broken[i].report.is_cut ||
			report.is_more != broken[i].report.is_more ||
			report.bad_bytes != broken[i].report.bad_bytes ||
			report.unknown_page != broken[i].report.unknown_page)
			fail_msg("%s: %.*s", broken[i].rtf, (int)out.len,
				(const char *)out.data);
		buf_clear(&out);
	}
}

static void
groups_within_groups_have_a_limit(void **state UNUSED)
{
	struct tnef_rtf_report report = { 0 };
	struct error err = { 0 };
	struct buf rtf = { 0 }, out = { 0 };

	assert_int_equal(buf_add_string(&rtf, "{\\rtf1 ", &err), 0);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(buf_add_string(&rtf, "{", &err), 0);
	assert_int_equal(tnef_rtf_write(buf_span(&rtf), TNEF_RTF_OTHER, &out,
				 &report, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&rtf);
	buf_clear(&out);
}

static void
what_comes_out_has_a_limit(void **state UNUSED)
{
	struct tnef_rtf_report report = { 0 };
	struct error err = { 0 };
	struct buf out;

	buf_init(&out, 8);
	assert_int_equal(tnef_rtf_write(SPAN("{\\rtf1 0123456789}"),
				 TNEF_RTF_OTHER, &out, &report, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrapped_html_comes_out_as_it_was),
		cmocka_unit_test(wrapped_text_comes_out_as_it_was),
		cmocka_unit_test(other_rtf_becomes_readable_text),
		cmocka_unit_test(a_header_says_what_rtf_wraps),
		cmocka_unit_test(broken_rtf_is_read_as_far_as_it_goes),
		cmocka_unit_test(groups_within_groups_have_a_limit),
		cmocka_unit_test(what_comes_out_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
