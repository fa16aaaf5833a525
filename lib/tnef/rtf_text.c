#include "tnef/rtf.h"

int
tnef_rtf_flush(struct rtf_text *text, struct error *err)
{
	if (text->high != 0) {
		text->high = 0;
		if (tnef_add_character(text->out, 0xfffd, err) != 0)
			return -1;
	}
	if (text->held.len == 0)
		return 0;
	if (tnef_convert(&text->converters, text->out, buf_span(&text->held),
		    text->held_page, err) != 0)
		return -1;
	text->held.len = 0;
	return 0;
}

/* A character of two bytes may be a \'xx and a letter: held together. */
int
tnef_rtf_put_bytes(struct rtf_text *text, struct span bytes, unsigned code_page,
	struct error *err)
{
	if ((text->held_page != code_page || text->high != 0) &&
		tnef_rtf_flush(text, err) != 0)
		return -1;
	text->held_page = code_page;
	return buf_add_span(&text->held, bytes, err);
}

int
tnef_rtf_put_character(
	struct rtf_text *text, unsigned long c, struct error *err)
{
	unsigned long high = text->high;

	if (high != 0 && c >= 0xdc00 && c <= 0xdfff) {
		text->high = 0;
		c = 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00);
	}
	if (tnef_rtf_flush(text, err) != 0)
		return -1;
	if (c >= 0xd800 && c <= 0xdbff) {
		text->high = c;
		return 0;
	}
	if (c < ' ' && c != '\t' && c != '\r' && c != '\n')
		return 0;
	return tnef_add_character(text->out, c, err);
}

int
tnef_rtf_put_break(struct rtf_text *text, struct error *err)
{
	struct buf *out = text->out;

	if (tnef_rtf_flush(text, err) != 0)
		return -1;
	while (text->is_tidy && out->len != 0 &&
		(out->data[out->len - 1] == ' ' ||
			out->data[out->len - 1] == '\t'))
		out->len--;
	return buf_add_string(out, "\r\n", err);
}
