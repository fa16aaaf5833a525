#include "tnef_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

const unsigned char made_iid_message[16] = { 7, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0,
	0, 0, 0, 0, 0x46 };
const unsigned char made_iid_storage[16] = { 0xb, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0,
	0, 0, 0, 0, 0, 0x46 };
const unsigned char made_set[16] = { 8, 0x20, 6, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0,
	0, 0, 0, 0x46 };

static void
add(struct buf *out, const void *data, size_t len)
{
	if (buf_add(out, data, len, NULL) != 0)
		fail_msg("no memory");
}

void
made_number(struct buf *out, unsigned bytes, uint64_t number)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)(number >> 8 * i);

		add(out, &c, 1);
	}
}

void
made_begin(struct buf *out)
{
	made_number(out, 4, 0x223e9f78);
	made_number(out, 2, 1);
}

void
made_attribute(struct buf *out, enum made_level level,
	enum made_attribute attribute, struct span data)
{
	unsigned sum = 0;

	made_number(out, 1, level);
	made_number(out, 4, attribute);
	made_number(out, 4, data.len);
	add(out, data.data, data.len);
	for (size_t i = 0; i < data.len; i++)
		sum += data.data[i];
	made_number(out, 2, sum);
}

void
made_rendering(struct buf *out, unsigned kind)
{
	struct buf data = { 0 };

	made_number(&data, 2, kind);
	made_number(&data, 4, UINT32_MAX);
	made_number(&data, 8, 0);
	made_attribute(out, MADE_FILE, ATT_RENDERING, buf_span(&data));
	buf_clear(&data);
}

/* ---- properties ---- */

static void
add_tag(struct made_list *list, uint32_t tag)
{
	made_number(&list->values, 2, tag & 0xffff);
	made_number(&list->values, 2, tag >> 16);
	list->count++;
}

static void
add_sized(struct buf *out, struct span bytes)
{
	made_number(out, 4, bytes.len);
	add(out, bytes.data, bytes.len);
	made_number(out, (4 - bytes.len % 4) % 4, 0);
}

static void
add_wide(struct buf *out, const char *text)
{
	for (const char *at = text; *at != '\0'; at++)
		made_number(out, 2, (unsigned char)*at);
	made_number(out, 2, 0);
}

void
made_raw(struct made_list *list, uint32_t tag, struct span value)
{
	add_tag(list, tag);
	add(&list->values, value.data, value.len);
}

void
made_int(struct made_list *list, uint32_t tag, uint32_t number)
{
	add_tag(list, tag);
	made_number(&list->values, 4, number);
}

void
made_bytes(struct made_list *list, uint32_t tag, struct span bytes)
{
	add_tag(list, tag);
	made_number(&list->values, 4, 1);
	add_sized(&list->values, bytes);
}

void
made_text(struct made_list *list, uint32_t tag, const char *text)
{
	made_bytes(list, tag, span_of(text, strlen(text) + 1));
}

void
made_unicode(struct made_list *list, uint32_t tag, const char *text)
{
	struct buf wide = { 0 };

	add_wide(&wide, text);
	made_bytes(list, tag, buf_span(&wide));
	buf_clear(&wide);
}

void
made_object(struct made_list *list, uint32_t tag, const unsigned char iid[16],
	struct span bytes)
{
	struct buf object = { 0 };

	add(&object, iid, 16);
	add(&object, bytes.data, bytes.len);
	made_bytes(list, tag, buf_span(&object));
	buf_clear(&object);
}

void
made_named(struct made_list *list, uint32_t tag, const unsigned char set[16],
	uint32_t number, const char *text, struct span value)
{
	struct buf wide = { 0 };

	add_tag(list, tag);
	add(&list->values, set, 16);
	made_number(&list->values, 4, text != NULL);
	if (text == NULL) {
		made_number(&list->values, 4, number);
	} else {
		add_wide(&wide, text);
		add_sized(&list->values, buf_span(&wide));
	}
	add(&list->values, value.data, value.len);
	buf_clear(&wide);
}

void
made_list_end(struct made_list *list, struct buf *out)
{
	made_number(out, 4, list->count);
	add(out, list->values.data, list->values.len);
	buf_clear(&list->values);
	list->count = 0;
}

void
made_properties(struct buf *out, enum made_level level, struct made_list *list)
{
	struct buf data = { 0 };

	made_list_end(list, &data);
	made_attribute(out, level,
		level == MADE_MESSAGE ? ATT_PROPERTIES : ATT_ATTACHMENT,
		buf_span(&data));
	buf_clear(&data);
}

/* ---- read again ---- */

struct tnef_message *
made_read(struct span bytes)
{
	struct tnef_message *message = NULL;
	struct error err = { 0 };

	if (tnef_read(bytes, NULL, &message, &err) != 0)
		fail_msg("%s", err.text);
	return message;
}

const struct tnef_item *
made_item(const struct tnef_message *message, enum tnef_kind kind, size_t nth)
{
	const struct tnef_item *item;

	LIST_FOREACH (item, &message->items)
		if (item->kind == kind && nth-- == 0)
			return item;
	fail_msg("there is no such %s", tnef_kind_name(kind));
	return NULL;
}

/* ---- a whole one ---- */

/* RTF as it is, behind a header that says so (MELA). */
static void
add_rtf(struct made_list *list)
{
	struct span rtf = SPAN("{\\rtf1\\ansi\\ansicpg1252 Hello \\b you}");
	struct buf packed = { 0 };

	made_number(&packed, 4, rtf.len + 12);
	made_number(&packed, 4, rtf.len);
	made_number(&packed, 4, 0x414c454d);
	made_number(&packed, 4, 0);
	add(&packed, rtf.data, rtf.len);
	made_bytes(list, 0x10090102, buf_span(&packed));
	buf_clear(&packed);
}

static void
add_people(struct buf *out)
{
	struct made_list row = { 0 };
	struct buf table = { 0 };

	made_number(&table, 4, 2);
	made_int(&row, 0x0c150003, 1);
	made_unicode(&row, 0x3001001f, "Bob");
	made_text(&row, 0x3002001e, "SMTP");
	made_text(&row, 0x3003001e, "bob@example.com");
	made_list_end(&row, &table);
	made_int(&row, 0x0c150003, 2);
	made_text(&row, 0x3001001e, "Carol");
	made_text(&row, 0x39fe001e, "carol@example.com");
	made_int(&row, 0x5fff0003, 3);
	made_list_end(&row, &table);
	made_attribute(out, MADE_MESSAGE, ATT_PEOPLE, buf_span(&table));
	buf_clear(&table);
}

static void
add_files(struct buf *out)
{
	struct made_list list = { 0 };
	struct buf inner = { 0 };

	made_rendering(out, 1);
	made_attribute(out, MADE_FILE, ATT_DATA, SPAN("old bytes"));
	made_attribute(out, MADE_FILE, ATT_TITLE, SPAN("OLD~1.TXT"));
	made_unicode(&list, 0x3707001f, "old name.txt");
	made_text(&list, 0x370e001e, "Text/Plain");
	made_properties(out, MADE_FILE, &list);

	made_rendering(out, 1);
	made_bytes(&list, 0x37010102, SPAN("\x89PNG"));
	made_text(&list, 0x370e001e, "image/png");
	made_text(&list, 0x3712001e, "<pic@example.com>");
	made_properties(out, MADE_FILE, &list);

	made_rendering(out, 1);
	made_attribute(out, MADE_FILE, ATT_DATA, SPAN("A message is here."));
	made_begin(&inner);
	made_attribute(&inner, MADE_MESSAGE, ATT_SUBJECT, SPAN("Within"));
	made_attribute(&inner, MADE_MESSAGE, ATT_BODY, SPAN("inner text"));
	made_rendering(&inner, 1);
	made_attribute(&inner, MADE_FILE, ATT_DATA, SPAN("inner bytes"));
	made_attribute(&inner, MADE_FILE, ATT_TITLE, SPAN("inner.txt"));
	made_int(&list, 0x37050003, 5);
	made_text(&list, 0x3001001e, "Within");
	made_object(&list, 0x3701000d, made_iid_message, buf_span(&inner));
	made_properties(out, MADE_FILE, &list);
	buf_clear(&inner);

	made_rendering(out, 2);
	made_attribute(out, MADE_FILE, ATT_TITLE, SPAN("A Drawing"));
	made_int(&list, 0x37050003, 6);
	made_object(&list, 0x3701000d, made_iid_storage, SPAN("\xd0\xcf\x11"));
	made_properties(out, MADE_FILE, &list);
}

void
made_sample(struct buf *out)
{
	struct made_list list = { 0 };

	made_begin(out);
	made_attribute(
		out, MADE_MESSAGE, ATT_CODE_PAGE, SPAN("\xe4\x04\0\0\0\0\0\0"));
	made_attribute(
		out, MADE_MESSAGE, ATT_CLASS, SPAN("IPM.Microsoft Mail.Note"));
	made_attribute(out, MADE_MESSAGE, ATT_SUBJECT, SPAN("Old"));
	made_attribute(out, MADE_MESSAGE, ATT_DATE_SENT,
		SPAN("\xea\x07\1\0\x02\0\x03\0\x04\0\x05\0\0\0"));
	made_attribute(out, MADE_MESSAGE, ATT_PRIORITY, SPAN("\1\0"));
	made_unicode(&list, 0x0037001f, "A Subject");
	made_text(&list, 0x0042001e, "Alice");
	made_text(&list, 0x0064001e, "SMTP");
	made_text(&list, 0x0065001e, "alice@example.com");
	made_text(&list, 0x1035001e, "<1@example.com>");
	made_bytes(
		&list, 0x10130102, SPAN("<img src=\"cid:pic@example.com\">"));
	made_int(&list, 0x3fde0003, 65001);
	add_rtf(&list);
	made_named(&list, 0x8001001e, made_set, 0x8554, NULL,
		SPAN("\1\0\0\0\5\0\0\0"
		     "16.0\0\0\0\0"));
	made_properties(out, MADE_MESSAGE, &list);
	add_people(out);
	add_files(out);
}
