/* RTF read: groups, and the bytes and words in them. */
#include <string.h>

#include "base/mem.h"
#include "tnef/internal.h"
#include "tnef/rtf.h"

enum { HEADER_TOKENS = 10 }; /* \fromhtml is among them (MS-OXRTFEX 2.2.3.1) */

enum tnef_rtf_kind
tnef_rtf_kind(struct span rtf)
{
	struct rtf_token token;

	tnef_rtf_token(&rtf, &token);
	if (token.kind != RTF_OPEN)
		return TNEF_RTF_NONE;
	tnef_rtf_token(&rtf, &token);
	if (token.kind != RTF_WORD || !span_is(token.name, "rtf"))
		return TNEF_RTF_NONE;
	for (unsigned i = 2; i < HEADER_TOKENS; i++) {
		tnef_rtf_token(&rtf, &token);
		if (token.kind != RTF_OPEN && token.kind != RTF_WORD)
			break;
		if (span_is(token.name, "fromhtml"))
			return TNEF_RTF_HTML;
		if (span_is(token.name, "fromtext"))
			return TNEF_RTF_TEXT;
	}
	return TNEF_RTF_OTHER;
}

/* ---- text ---- */

struct rtf_state *
tnef_rtf_top(struct rtf *rtf)
{
	return &rtf->stack[rtf->depth - 1];
}

bool
tnef_rtf_is_shown(struct rtf *rtf)
{
	const struct rtf_state *state = tnef_rtf_top(rtf);

	if (rtf->as == TNEF_RTF_HTML)
		return !state->is_htmlrtf &&
		       (state->target == RTF_TEXT || state->target == RTF_TAG);
	return state->target == RTF_TEXT &&
	       (rtf->as == TNEF_RTF_TEXT || state->hidden == 0);
}

/* The signs of a symbol font: only where no font says what they are. */
static enum rtf_symbols
symbols_now(struct rtf *rtf)
{
	if (rtf->as != TNEF_RTF_OTHER)
		return RTF_NO_SYMBOLS;
	return rtf->fonts[tnef_rtf_top(rtf)->font].symbols;
}

int
tnef_rtf_show(struct rtf *rtf, unsigned long c, struct error *err)
{
	enum rtf_symbols symbols = symbols_now(rtf);
	unsigned symbol;

	if (!tnef_rtf_is_shown(rtf))
		return 0;
	if (symbols != RTF_NO_SYMBOLS && c >= 0xf000 && c <= 0xf0ff) {
		symbol = tnef_rtf_symbol(symbols, c & 0xff);
		c = symbol != 0 ? symbol : c & 0xff;
	}
	return tnef_rtf_put_character(&rtf->text, c, err);
}

static int
show_bytes(struct rtf *rtf, struct span bytes, struct error *err)
{
	const struct rtf_state *state = tnef_rtf_top(rtf);
	unsigned page = rtf->fonts[state->font].code_page;

	if (!tnef_rtf_is_shown(rtf))
		return 0;
	for (size_t i = 0; symbols_now(rtf) && i < bytes.len; i++)
		if (tnef_rtf_show(rtf, 0xf000u | bytes.data[i], err) != 0)
			return -1;
	if (symbols_now(rtf))
		return 0;
	if (page == 0 || state->target == RTF_TAG)
		page = rtf->default_page;
	return tnef_rtf_put_bytes(&rtf->text, bytes, page, err);
}

static int
take_bytes(struct rtf *rtf, const struct rtf_token *token, struct error *err)
{
	const struct rtf_state *state = tnef_rtf_top(rtf);
	struct rtf_font *font = &rtf->fonts[rtf->font];
	struct span bytes = token->name;
	size_t over = rtf->left_out < bytes.len ? rtf->left_out : bytes.len;

	rtf->left_out -= over;
	bytes = span_of(bytes.data + over, bytes.len - over);
	if (bytes.len == 0 || (token->is_hex && token->byte < ' '))
		return bytes.len == 0 ? 0
				      : tnef_rtf_show(rtf, token->byte, err);
	if (state->target == RTF_LINK)
		tnef_rtf_add_link(rtf, bytes);
	if (state->target == RTF_FONT_TABLE && font->symbols &&
		span_starts_nocase(bytes, "wingdings"))
		font->symbols = RTF_WINGDINGS;
	return show_bytes(rtf, bytes, err);
}

/* ---- symbols ---- */

static int
take_symbol(struct rtf *rtf, const struct rtf_token *token, struct error *err)
{
	bool is_html = rtf->as == TNEF_RTF_HTML;
	struct rtf_token bytes = *token;

	if (rtf->left_out != 0) {
		rtf->left_out--;
		return 0;
	}
	switch (token->name.data[0]) {
	case '\\':
	case '{':
	case '}':
		bytes.kind = RTF_BYTES;
		return take_bytes(rtf, &bytes, err);
	case '~':
		return tnef_rtf_show(rtf, 0xa0, err);
	case '_':
		return tnef_rtf_show(rtf, is_html ? 0xad : 0x2011, err);
	case '-':
		return is_html ? tnef_rtf_show(rtf, 0xad, err) : 0;
	case '\t':
		return tnef_rtf_show(rtf, '\t', err);
	case '\r':
	case '\n':
		return tnef_rtf_is_shown(rtf)
			       ? tnef_rtf_put_break(&rtf->text, err)
			       : 0;
	}
	return 0;
}

/* ---- groups ---- */

static int
open_group(struct rtf *rtf, struct error *err)
{
	struct rtf_state *state;

	if (rtf->depth == RTF_DEPTH_MAX)
		return error_set(err, ERROR_LIMIT,
			"RTF has more than %d groups in each other",
			RTF_DEPTH_MAX);
	rtf->left_out = 0;
	rtf->depth++;
	state = tnef_rtf_top(rtf);
	*state = state[-1];
	state->is_note = state->is_field = false;
	return 0;
}

static int
close_group(struct rtf *rtf, struct error *err)
{
	rtf->left_out = 0;
	if (tnef_rtf_top(rtf)->is_note && tnef_rtf_show(rtf, ']', err) != 0)
		return -1;
	if (tnef_rtf_top(rtf)->is_field && tnef_rtf_end_field(rtf, err) != 0)
		return -1;
	rtf->depth--;
	return 0;
}

static int
take_word(struct rtf *rtf, const struct rtf_token *token, struct error *err)
{
	bool is_replaced = rtf->left_out != 0;

	if (is_replaced)
		rtf->left_out--;
	return tnef_rtf_word(rtf, token, is_replaced, err);
}

static int
take(struct rtf *rtf, const struct rtf_token *token, struct error *err)
{
	switch (token->kind) {
	case RTF_END:
		break;
	case RTF_OPEN:
		return open_group(rtf, err);
	case RTF_CLOSE:
		return close_group(rtf, err);
	case RTF_WORD:
		return take_word(rtf, token, err);
	case RTF_SYMBOL:
		return take_symbol(rtf, token, err);
	case RTF_BYTES:
		return take_bytes(rtf, token, err);
	}
	return 0;
}

/* To the end of the group that everything is in. */
static int
take_all(struct rtf *rtf, struct span *rest, struct error *err)
{
	struct rtf_token token;

	do {
		tnef_rtf_token(rest, &token);
		if (take(rtf, &token, err) != 0)
			return -1;
		rtf->is_starred =
			token.kind == RTF_SYMBOL && token.name.data[0] == '*';
	} while (token.kind != RTF_END && rtf->depth > 1);
	return tnef_rtf_flush(&rtf->text, err);
}

/* ---- all of it ---- */

/* One line end at the end of a text, whatever there was. */
static int
trim_end(struct buf *out, size_t start, struct error *err)
{
	while (out->len > start && strchr(" \t\r\n", out->data[out->len - 1]))
		out->len--;
	return out->len > start ? buf_add_string(out, "\r\n", err) : 0;
}

static struct rtf *
new_reader(enum tnef_rtf_kind as, struct buf *out)
{
	struct rtf *rtf = mem_alloc(sizeof(*rtf));

	rtf->as = as;
	rtf->depth = 1;
	rtf->default_page = TNEF_WESTERN;
	rtf->stack[0].fallback = 1;
	rtf->text.out = out;
	rtf->text.is_tidy = as == TNEF_RTF_OTHER;
	return rtf;
}

int
tnef_rtf_write(struct span bytes, enum tnef_rtf_kind as, struct buf *out,
	struct tnef_rtf_report *report, struct error *err)
{
	struct rtf *rtf = new_reader(as, out);
	size_t start = out->len;
	struct rtf_token token;
	int result = take_all(rtf, &bytes, err);

	if (result == 0 && as == TNEF_RTF_OTHER)
		result = trim_end(out, start, err);
	report->is_cut = rtf->depth > 1;
	do
		tnef_rtf_token(&bytes, &token);
	while (token.kind == RTF_CLOSE);
	report->is_more = token.kind != RTF_END;
	report->bad_bytes = rtf->text.converters.bad_bytes;
	report->unknown_page = rtf->text.converters.unknown;
	tnef_converters_clear(&rtf->text.converters);
	buf_clear(&rtf->text.held);
	mem_free(rtf);
	return result;
}
