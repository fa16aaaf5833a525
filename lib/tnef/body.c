#include "base/mem.h"
#include "tnef/stream.h"

/* A body in bytes of that code page, which has a name: nothing is copied. */
static bool
borrow_body(struct tnef_message *message, const char *type, struct span bytes,
	unsigned code_page)
{
	const char *charset = tnef_charset(code_page);
	struct tnef_item *item;

	if (charset == NULL || code_page == TNEF_UTF16 ||
		code_page == TNEF_UTF16 + 1)
		return false;
	item = tnef_item_new(TNEF_BODY, type);
	item->charset = mem_string(charset);
	item->data = bytes;
	list_add(&message->bodies, item);
	return true;
}

static int
convert_body(struct tnef_reader *reader, struct tnef_message *message,
	const char *type, struct span bytes, unsigned code_page,
	struct error *err)
{
	struct error why = { 0 };
	struct tnef_item *item;
	struct buf made;
	int result = 0;

	tnef_made_begin(reader, &made);
	if (tnef_add_utf8(&made, bytes, code_page, &why) != 0) {
		result = tnef_trouble(message, "a body", &why, err);
	} else {
		tnef_made_end(reader, &made);
		item = tnef_item_new(TNEF_BODY, type);
		item->charset = mem_string("utf-8");
		tnef_item_own(item, &made);
		list_add(&message->bodies, item);
	}
	buf_clear(&made);
	return result;
}

/* A text in 8 bits stays as it is, one in UTF-16 becomes UTF-8: RFC 2781 4. */
static int
add_body(struct tnef_reader *reader, struct tnef_message *message,
	const char *type, const struct tnef_property *property,
	unsigned code_page, struct error *err)
{
	struct span bytes = tnef_get_bytes(property);

	if (bytes.len == 0)
		return 0;
	if (property->type == TNEF_UNICODE)
		code_page = TNEF_UTF16;
	else if (borrow_body(message, type, bytes, code_page))
		return 0;
	return convert_body(reader, message, type, bytes, code_page, err);
}

static int
add_rtf(struct tnef_reader *reader, struct tnef_message *message,
	struct span packed, struct error *err)
{
	struct error why = { 0 };
	struct tnef_unpacked how;
	struct buf rtf;
	int result;

	tnef_made_begin(reader, &rtf);
	if (tnef_unpack_rtf(packed, &rtf, &how, &why) != 0) {
		result = tnef_trouble(message, "the RTF body", &why, err);
		goto out;
	}
	if (!how.is_sound)
		tnef_problem(message, false,
			"the checksum of the RTF body is wrong");
	if (!how.is_whole)
		tnef_problem(message, true, "the RTF body is cut off");
	tnef_made_end(reader, &rtf);
	result = tnef_add_rtf(reader, message, &rtf, err);
out:
	buf_clear(&rtf);
	return result;
}

/* HTML is in the code page of the Internet, text in that of 8-bit texts. */
int
tnef_add_bodies(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties, struct error *err)
{
	const struct tnef_property *html =
		tnef_find(properties, TNEF_BODY_HTML);
	const struct tnef_property *text =
		tnef_find(properties, TNEF_BODY_TEXT);
	struct span packed =
		tnef_get_bytes(tnef_find(properties, TNEF_RTF_COMPRESSED));
	unsigned html_code_page = properties->code_page;
	int64_t number;

	if (tnef_get_number(
		    tnef_find(properties, TNEF_INTERNET_CODE_PAGE), &number) &&
		number > 0 && number <= 65535)
		html_code_page = (unsigned)number;
	if (add_body(reader, message, "text/html", html, html_code_page, err) !=
			0 ||
		add_body(reader, message, "text/plain", text,
			properties->code_page, err) != 0)
		return -1;
	return packed.len == 0 ? 0 : add_rtf(reader, message, packed, err);
}
