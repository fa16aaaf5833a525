/* Messages as Outlook and Exchange write them, and as others do. */
#include "../tnef_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void
assert_bytes(struct span bytes, const char *text)
{
	assert_int_equal(bytes.len, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.len);
}

static void
assert_sound(const struct tnef_message *message)
{
	if (message->problems.count > 0)
		fail_msg("%s", (char *)message->problems.item[0]);
	assert_false(message->is_incomplete);
}

static void
what_does_not_begin_as_tnef_is_none(void **state UNUSED)
{
	const struct span cases[] = { { NULL, 0 }, SPAN(""), SPAN("x"),
		SPAN("\x78\x9f\x3e"), SPAN("\x22\x3e\x9f\x78\1\0"),
		SPAN("%PDF-1.3 and more") };
	struct tnef_message *message = NULL;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };

		assert_false(tnef_is(cases[i]));
		assert_int_equal(tnef_read(cases[i], NULL, &message, &err), -1);
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_null(message);
	}
}

static void
a_message_says_what_it_is(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_sample(&bytes);
	assert_true(tnef_is(buf_span(&bytes)));
	message = made_read(buf_span(&bytes));
	assert_sound(message);
	assert_string_equal(message->class, "IPM.Note");
	assert_string_equal(message->subject, "A Subject");
	assert_string_equal(message->message_id, "<1@example.com>");
	assert_int_equal(message->code_page, 1252);
	assert_int_equal(message->sent, 1767323045); /* 2026-01-02T03:04:05Z */
	assert_int_equal(message->importance, 2);
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
people_have_names_addresses_and_answers(void **state UNUSED)
{
	static const struct {
		enum tnef_role role;
		const char *name;
		const char *address;
		unsigned answer;
	} expected[] = {
		{ TNEF_FROM, "Alice", "alice@example.com", 0 },
		{ TNEF_TO, "Bob", "bob@example.com", 0 },
		{ TNEF_CC, "Carol", "carol@example.com", 3 },
	};
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_sample(&bytes);
	message = made_read(buf_span(&bytes));
	assert_int_equal(message->people.count, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(expected); i++) {
		const struct tnef_person *person = message->people.item[i];

		assert_int_equal(person->role, expected[i].role);
		assert_string_equal(person->name, expected[i].name);
		assert_string_equal(person->address, expected[i].address);
		assert_int_equal(person->answer, expected[i].answer);
	}
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
attachments_come_whole_and_are_not_copied(void **state UNUSED)
{
	struct buf bytes = { 0 };
	const struct tnef_item *old, *image;
	struct tnef_message *message;

	made_sample(&bytes);
	message = made_read(buf_span(&bytes));
	old = made_item(message, TNEF_ATTACHMENT, 0);
	assert_string_equal(old->name, "old name.txt");
	assert_string_equal(old->type, "text/plain");
	assert_bytes(old->data, "old bytes");
	assert_true(old->data.data > bytes.data &&
		    old->data.data < bytes.data + bytes.len);
	assert_false(old->is_inline);
	image = made_item(message, TNEF_ATTACHMENT, 1);
	assert_string_equal(image->name, "attachment-2.png");
	assert_true(image->is_made_up);
	assert_string_equal(image->content_id, "pic@example.com");
	assert_true(image->is_inline);
	assert_bytes(image->data, "\x89PNG");
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
a_message_within_is_read_from_its_object(void **state UNUSED)
{
	struct buf bytes = { 0 };
	const struct tnef_item *item;
	struct tnef_message *message;

	made_sample(&bytes);
	message = made_read(buf_span(&bytes));
	item = made_item(message, TNEF_MESSAGE, 0);
	assert_string_equal(item->name, "Within");
	assert_non_null(item->message);
	assert_string_equal(item->message->subject, "Within");
	assert_bytes(tnef_message_body(item->message, "text/plain")->data,
		"inner text");
	assert_bytes(made_item(item->message, TNEF_ATTACHMENT, 0)->data,
		"inner bytes");
	tnef_message_free(message);
	buf_clear(&bytes);
}

static const struct {
	const char *label;
	uint32_t method;
	const unsigned char *iid;
	bool is_tnef;
	bool is_message;
} inners[] = {
	{ "method and interface", 5, made_iid_message, true, true },
	{ "the method alone", 5, made_iid_storage, true, true },
	{ "the interface alone", 1, made_iid_message, true, true },
	{ "neither", 1, made_iid_storage, true, false },
	{ "no TNEF", 5, made_iid_message, false, false },
};

static void
what_cannot_be_read_as_a_message_is_an_attachment(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(inners); i++) {
		struct made_list list = { 0 };
		struct buf bytes = { 0 };
		struct buf inner = { 0 };
		const struct tnef_item *item;
		struct tnef_message *message;

		print_message("%s\n", inners[i].label);
		made_begin(&inner);
		made_begin(&bytes);
		made_rendering(&bytes, 1);
		made_attribute(&bytes, MADE_FILE, ATT_DATA, SPAN("a word"));
		made_int(&list, 0x37050003, inners[i].method);
		made_text(&list, 0x3001001e, "Re: a/b");
		made_text(&list, 0x370e001e, "message/rfc822");
		made_object(&list, 0x3701000d, inners[i].iid,
			inners[i].is_tnef ? buf_span(&inner) : SPAN("what?"));
		made_properties(&bytes, MADE_FILE, &list);
		message = made_read(buf_span(&bytes));
		item = message->items.item[0];
		assert_int_equal(
			item->kind == TNEF_MESSAGE, inners[i].is_message);
		assert_string_equal(
			item->name, inners[i].is_message ? "Re: a_b" : "b");
		assert_int_equal(message->is_incomplete, !inners[i].is_tnef);
		if (!inners[i].is_tnef) {
			assert_null(item->type);
			assert_bytes(item->data, "what?");
		}
		tnef_message_free(message);
		buf_clear(&bytes);
		buf_clear(&inner);
	}
}

static void
an_object_comes_without_its_interface(void **state UNUSED)
{
	struct buf bytes = { 0 };
	const struct tnef_item *item;
	struct tnef_message *message;

	made_sample(&bytes);
	message = made_read(buf_span(&bytes));
	item = made_item(message, TNEF_ATTACHMENT, 2);
	assert_string_equal(item->name, "A Drawing");
	assert_bytes(item->data, "\xd0\xcf\x11");
	tnef_message_free(message);
	buf_clear(&bytes);
}

/* ---- names ---- */

struct names {
	const char *label;
	const char *long_name;
	const char *short_name;
	const char *title;
	const char *display;
	const char *type;
	const char *extension;
	const char *name;
};

static const struct names names[] = {
	{ "long before short", "A long name.doc", "ALONG~1.DOC", "t.doc",
		.name = "A long name.doc" },
	{ "short before title", NULL, "SHORT.DOC", "t.doc",
		.name = "SHORT.DOC" },
	{ "title before display", NULL, NULL, "t.doc", "shown",
		.name = "t.doc" },
	{ "display", .display = "shown", .name = "shown" },
	{ "an empty title counts for none", .title = "", .display = "shown.doc",
		.name = "shown.doc" },
	{ "no folders", "C:\\Temp\\..\\a.doc", .name = "a.doc" },
	{ "no folders of Unix", "../../etc/passwd", .name = "passwd" },
	{ "no drive", "C:a.doc", .name = "a.doc" },
	{ "only a folder: the next one", "a/b/", "B.DOC", .name = "B.DOC" },
	{ "only dots", "..", NULL, "x\\.", .name = "attachment-1.bin" },
	{ "no line ends", "a\r\nb.doc", .name = "a  b.doc" },
	{ "none at all", .name = "attachment-1.bin" },
	{ "none but a type", .type = "image/jpeg", .name = "attachment-1.jpg" },
	{ "none but an extension", .type = "image/jpeg", .extension = ".JPEG",
		.name = "attachment-1.JPEG" },
	{ "an extension that is none", .extension = "./../x",
		.name = "attachment-1.bin" },
};

static void
add_text(struct made_list *list, uint32_t tag, const char *text)
{
	if (text != NULL)
		made_text(list, tag, text);
}

static void
files_have_the_best_name_there_is(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct names *row = &names[i];
		struct made_list list = { 0 };
		struct buf bytes = { 0 };
		struct tnef_message *message;

		made_begin(&bytes);
		made_rendering(&bytes, 1);
		if (row->title != NULL)
			made_attribute(&bytes, MADE_FILE, ATT_TITLE,
				span_string(row->title));
		add_text(&list, 0x3707001e, row->long_name);
		add_text(&list, 0x3704001e, row->short_name);
		add_text(&list, 0x3001001e, row->display);
		add_text(&list, 0x370e001e, row->type);
		add_text(&list, 0x3703001e, row->extension);
		made_properties(&bytes, MADE_FILE, &list);
		message = made_read(buf_span(&bytes));
		print_message("%s\n", row->label);
		assert_string_equal(
			made_item(message, TNEF_ATTACHMENT, 0)->name,
			row->name);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

/* ---- types and ids ---- */

static const struct {
	const char *given;
	const char *type; /* NULL: none */
} types[] = {
	{ "image/png", "image/png" },
	{ "Text/HTML", "text/html" },
	{ "text/plain; charset=utf-8", "text/plain" },
	{ "application/vnd.ms-excel.sheet.macroEnabled.12",
		"application/vnd.ms-excel.sheet.macroenabled.12" },
	{ "message/rfc822", "message/rfc822" },
	{ "multipart/mixed", NULL },
	{ "image", NULL },
	{ "/png", NULL },
	{ "image/", NULL },
	{ "image/png/x", NULL },
	{ "image/p\"ng", NULL },
	{ "image/png\r\nX: y", "image/png" },
	{ "", NULL },
};

static const struct {
	const char *given;
	const char *id;
} ids[] = {
	{ "a@b", "a@b" },
	{ "<a@b>", "a@b" },
	{ "a", "a" },
	{ "a b", NULL },
	{ "<>", NULL },
	{ "a>b<", NULL },
};

static struct tnef_message *
read_file_with(uint32_t tag, const char *text, struct buf *bytes)
{
	struct made_list list = { 0 };

	made_begin(bytes);
	made_rendering(bytes, 1);
	made_text(&list, tag, text);
	made_properties(bytes, MADE_FILE, &list);
	return made_read(buf_span(bytes));
}

static void
types_and_ids_are_taken_when_they_are_sane(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(types) + COUNT_OF(ids); i++) {
		bool is_type = i < COUNT_OF(types);
		size_t n = is_type ? i : i - COUNT_OF(types);
		const char *given = is_type ? types[n].given : ids[n].given;
		const char *want = is_type ? types[n].type : ids[n].id;
		struct buf bytes = { 0 };
		struct tnef_message *message = read_file_with(
			is_type ? 0x370e001e : 0x3712001e, given, &bytes);
		const struct tnef_item *item =
			made_item(message, TNEF_ATTACHMENT, 0);
		const char *got = is_type ? item->type : item->content_id;

		print_message("%s\n", given);
		if (want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, want);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

/* ---- old attributes, and in an odd order ---- */

static void
old_attributes_alone_are_enough(void **state UNUSED)
{
	struct buf bytes = { 0 };
	const struct tnef_person *from;
	struct tnef_message *message;

	made_begin(&bytes);
	made_attribute(&bytes, MADE_MESSAGE, ATT_SUBJECT, SPAN("Old"));
	made_attribute(&bytes, MADE_MESSAGE, ATT_FROM,
		SPAN("\4\0\x25\0\6\0\x17\0"
		     "Alice\0SMTP:alice@example.com\0"));
	made_attribute(&bytes, MADE_MESSAGE, ATT_BODY, SPAN("Hello\0"));
	made_attribute(&bytes, MADE_MESSAGE, ATT_CLASS,
		SPAN("IPM.Microsoft Mail.Read Receipt\0"));
	message = made_read(buf_span(&bytes));
	assert_sound(message);
	assert_string_equal(message->subject, "Old");
	assert_string_equal(message->class, "Report.IPM.Note.IPNRN");
	assert_bytes(tnef_message_body(message, "text/plain")->data, "Hello");
	assert_int_equal(message->people.count, 1);
	from = message->people.item[0];
	assert_int_equal(from->role, TNEF_FROM);
	assert_string_equal(from->name, "Alice");
	assert_string_equal(from->address, "alice@example.com");
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
files_without_their_beginning_are_told_apart(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_begin(&bytes);
	made_attribute(&bytes, MADE_FILE, ATT_DATA, SPAN("one"));
	made_attribute(&bytes, MADE_FILE, ATT_TITLE, SPAN("1.txt"));
	made_attribute(&bytes, MADE_FILE, ATT_DATA, SPAN("two"));
	made_attribute(&bytes, MADE_FILE, ATT_TITLE, SPAN("2.txt"));
	made_attribute(&bytes, MADE_FILE, ATT_TITLE, SPAN("1.txt"));
	made_attribute(&bytes, MADE_FILE, ATT_DATA, SPAN("three"));
	message = made_read(buf_span(&bytes));
	assert_int_equal(message->items.count, 3);
	assert_bytes(made_item(message, TNEF_ATTACHMENT, 0)->data, "one");
	assert_bytes(made_item(message, TNEF_ATTACHMENT, 1)->data, "two");
	assert_bytes(made_item(message, TNEF_ATTACHMENT, 2)->data, "three");
	assert_string_equal(
		made_item(message, TNEF_ATTACHMENT, 2)->name, "1.txt");
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
an_empty_file_is_one(void **state UNUSED)
{
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_begin(&bytes);
	made_rendering(&bytes, 1);
	made_attribute(&bytes, MADE_FILE, ATT_DATA, SPAN(""));
	made_attribute(&bytes, MADE_FILE, ATT_TITLE, SPAN("CONFIG.SYS"));
	message = made_read(buf_span(&bytes));
	assert_sound(message);
	assert_int_equal(made_item(message, TNEF_ATTACHMENT, 0)->data.len, 0);
	tnef_message_free(message);
	buf_clear(&bytes);
}

/* ---- 8-bit texts ---- */

static void
texts_are_in_the_code_page_of_the_message(void **state UNUSED)
{
	static const struct {
		const char *page;
		const char *subject;
	} pages[] = {
		{ "\xe4\4\0\0\0\0\0\0", "\xc3\xa9" }, /* 1252 */
		{ "\xe3\4\0\0\0\0\0\0", "\xd0\xb9" }, /* 1251 */
		{ "\0\0\0\0\0\0\0\0", "\xc3\xa9" },   /* none */
		{ "\xb0\4\0\0\0\0\0\0", "\xc3\xa9" }, /* 1200: for 8 bits? */
		{ "\xff\xff\xff\xff\0\0\0\0", "\xc3\xa9" }, /* no such one */
	};

	for (size_t i = 0; i < COUNT_OF(pages); i++) {
		struct buf bytes = { 0 };
		struct tnef_message *message;

		made_begin(&bytes);
		made_attribute(&bytes, MADE_MESSAGE, ATT_SUBJECT, SPAN("\xe9"));
		made_attribute(&bytes, MADE_MESSAGE, ATT_CODE_PAGE,
			span_of(pages[i].page, 8));
		message = made_read(buf_span(&bytes));
		assert_string_equal(message->subject, pages[i].subject);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

/* U+009B begins a command where a terminal shows it. */
static void
no_text_has_control_characters(void **state UNUSED)
{
	static const unsigned char utf8[8] = { 0xe9, 0xfd };
	struct buf bytes = { 0 };
	struct tnef_message *message;

	made_begin(&bytes);
	made_attribute(&bytes, MADE_MESSAGE, ATT_SUBJECT,
		SPAN("a\033[m\x7f\xc2\x9b"
		     "b\xc2\xa0\xc3\x9b\r\n"));
	made_attribute(&bytes, MADE_MESSAGE, ATT_CODE_PAGE,
		span_of(utf8, sizeof(utf8)));
	message = made_read(buf_span(&bytes));
	assert_string_equal(message->subject, "a [m   b\xc2\xa0\xc3\x9b");
	tnef_message_free(message);
	buf_clear(&bytes);
}

/* By an old attribute and by a property: one would be lost. */
static void
two_contents_of_one_file_are_a_loss(void **state UNUSED)
{
	static const struct {
		const char *property;
		bool is_lost;
	} cases[] = { { "old", false }, { "new", true }, { "", false } };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct made_list list = { 0 };
		struct buf bytes = { 0 };
		struct tnef_message *message;

		made_begin(&bytes);
		made_rendering(&bytes, 1);
		made_attribute(&bytes, MADE_FILE, ATT_DATA, SPAN("old"));
		made_bytes(&list, 0x37010102, span_string(cases[i].property));
		made_properties(&bytes, MADE_FILE, &list);
		message = made_read(buf_span(&bytes));
		assert_bytes(
			made_item(message, TNEF_ATTACHMENT, 0)->data, "old");
		assert_int_equal(message->is_incomplete, cases[i].is_lost);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_begin_as_tnef_is_none),
		cmocka_unit_test(a_message_says_what_it_is),
		cmocka_unit_test(people_have_names_addresses_and_answers),
		cmocka_unit_test(attachments_come_whole_and_are_not_copied),
		cmocka_unit_test(a_message_within_is_read_from_its_object),
		cmocka_unit_test(
			what_cannot_be_read_as_a_message_is_an_attachment),
		cmocka_unit_test(an_object_comes_without_its_interface),
		cmocka_unit_test(files_have_the_best_name_there_is),
		cmocka_unit_test(types_and_ids_are_taken_when_they_are_sane),
		cmocka_unit_test(old_attributes_alone_are_enough),
		cmocka_unit_test(files_without_their_beginning_are_told_apart),
		cmocka_unit_test(an_empty_file_is_one),
		cmocka_unit_test(texts_are_in_the_code_page_of_the_message),
		cmocka_unit_test(no_text_has_control_characters),
		cmocka_unit_test(two_contents_of_one_file_are_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
