/*
 * The words of RTF that matter here (RTF 1.9.1), and those of the HTML and
 * text it may wrap (MS-OXRTFEX 2.1.3).
 */
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "tnef/rtf.h"

enum { FALLBACK_MAX = 1000 };

/* value is the row's, number the token's (0: none). */
#define ACT(name)                                                              \
	static int name(struct rtf *rtf, unsigned value UNUSED,                \
		const struct rtf_token *token UNUSED,                          \
		struct error *err UNUSED)

/* ---- what a group is ---- */

static void
set_target(struct rtf *rtf, enum rtf_target target)
{
	struct rtf_state *state = tnef_rtf_top(rtf);

	/* Nothing within what is no text is text. */
	if (state->target == RTF_TEXT)
		state->target = target;
}

ACT(do_target)
{
	set_target(rtf, value);
	return 0;
}

ACT(do_tag)
{
	set_target(rtf, rtf->as == TNEF_RTF_HTML ? RTF_TAG : RTF_NOTHING);
	return 0;
}

/* The mark before a list's item: HTML has its own. */
ACT(do_list)
{
	if (rtf->as == TNEF_RTF_HTML)
		set_target(rtf, RTF_NOTHING);
	return 0;
}

ACT(do_field)
{
	return tnef_rtf_begin_field(rtf, err);
}

ACT(do_field_code)
{
	bool is_ours =
		rtf->field_depth != 0 && rtf->depth == rtf->field_depth + 1;

	set_target(rtf, is_ours ? RTF_LINK : RTF_NOTHING);
	return 0;
}

ACT(do_note)
{
	if (rtf->as != TNEF_RTF_OTHER || !tnef_rtf_is_shown(rtf))
		return 0;
	tnef_rtf_top(rtf)->is_note = true;
	return tnef_rtf_show(rtf, '[', err);
}

/* ---- text ---- */

ACT(do_character)
{
	return tnef_rtf_show(rtf, value, err);
}

ACT(do_line_end)
{
	return tnef_rtf_is_shown(rtf) ? tnef_rtf_put_break(&rtf->text, err) : 0;
}

ACT(do_cell)
{
	return rtf->as == TNEF_RTF_OTHER ? tnef_rtf_show(rtf, '\t', err) : 0;
}

ACT(do_row)
{
	return rtf->as == TNEF_RTF_OTHER ? do_line_end(rtf, 0, token, err) : 0;
}

/* Negative above 32767; outside the basic plane in two halves. */
ACT(do_unicode)
{
	long c = token->number < 0 ? token->number + 0x10000 : token->number;
	char ascii = (char)c;

	if (!token->has_number)
		return 0;
	rtf->left_out = tnef_rtf_top(rtf)->fallback;
	if (tnef_rtf_top(rtf)->target == RTF_LINK && c >= ' ' && c < 0x7f)
		tnef_rtf_add_link(rtf, span_of(&ascii, 1));
	return tnef_rtf_show(rtf, c < 0 ? 0xfffd : (unsigned long)c, err);
}

ACT(do_fallback)
{
	long count = token->has_number ? token->number : 1;

	if (count >= 0 && count <= FALLBACK_MAX)
		tnef_rtf_top(rtf)->fallback = (unsigned)count;
	return 0;
}

static bool
is_on(const struct rtf_token *token)
{
	return !token->has_number || token->number != 0;
}

ACT(do_hide)
{
	struct rtf_state *state = tnef_rtf_top(rtf);

	state->hidden = (state->hidden & ~value) | (is_on(token) ? value : 0);
	return 0;
}

ACT(do_htmlrtf)
{
	tnef_rtf_top(rtf)->is_htmlrtf = is_on(token);
	return 0;
}

/* ---- fonts and code pages ---- */

static long
font_number(const struct rtf_token *token)
{
	return token->number >= 0 && token->number < RTF_FONTS_MAX
		       ? token->number
		       : 0;
}

static bool
is_font_table(struct rtf *rtf)
{
	return tnef_rtf_top(rtf)->target == RTF_FONT_TABLE;
}

ACT(do_font)
{
	if (is_font_table(rtf))
		rtf->font = font_number(token);
	else
		tnef_rtf_top(rtf)->font = font_number(token);
	return 0;
}

ACT(do_font_charset)
{
	struct rtf_font *font = &rtf->fonts[rtf->font];

	if (!is_font_table(rtf))
		return 0;
	font->code_page = (uint16_t)tnef_rtf_charset_page(token->number);
	font->symbols = token->number == 2 ? RTF_SYMBOLS : RTF_NO_SYMBOLS;
	return 0;
}

ACT(do_font_page)
{
	if (is_font_table(rtf) && token->number > 0 &&
		token->number <= UINT16_MAX)
		rtf->fonts[rtf->font].code_page = (uint16_t)token->number;
	return 0;
}

ACT(do_default_font)
{
	rtf->default_font = font_number(token);
	tnef_rtf_top(rtf)->font = rtf->default_font;
	return 0;
}

ACT(do_default_page)
{
	if (value != 0)
		rtf->default_page = value;
	else if (token->number > 0 && token->number <= UINT16_MAX)
		rtf->default_page = (unsigned)token->number;
	return 0;
}

ACT(do_plain)
{
	tnef_rtf_top(rtf)->font = rtf->default_font;
	tnef_rtf_top(rtf)->hidden &= ~(unsigned)RTF_HIDDEN_TEXT;
	return 0;
}

/* ---- the table, sorted by name ---- */

static const struct word {
	const char *name;
	int (*act)(struct rtf *rtf, unsigned value,
		const struct rtf_token *token, struct error *err);
	unsigned value;
} words[] = {
	{ "annotation", do_target, RTF_NOTHING },
	{ "ansi", do_default_page, 1252 },
	{ "ansicpg", do_default_page, 0 },
	{ "author", do_target, RTF_NOTHING },
	{ "bullet", do_character, 0x2022 },
	{ "cell", do_cell, 0 },
	{ "colortbl", do_target, RTF_NOTHING },
	{ "column", do_line_end, 0 },
	{ "cpg", do_font_page, 0 },
	{ "deff", do_default_font, 0 },
	{ "deleted", do_hide, RTF_DELETED_TEXT },
	{ "doccomm", do_target, RTF_NOTHING },
	{ "emdash", do_character, 0x2014 },
	{ "emspace", do_character, 0x2003 },
	{ "endash", do_character, 0x2013 },
	{ "enspace", do_character, 0x2002 },
	{ "f", do_font, 0 },
	{ "falt", do_target, RTF_NOTHING },
	{ "fcharset", do_font_charset, 0 },
	{ "field", do_field, 0 },
	{ "filetbl", do_target, RTF_NOTHING },
	{ "fldinst", do_field_code, 0 },
	{ "fontemb", do_target, RTF_NOTHING },
	{ "fontfile", do_target, RTF_NOTHING },
	{ "fonttbl", do_target, RTF_FONT_TABLE },
	{ "footer", do_target, RTF_NOTHING },
	{ "footerf", do_target, RTF_NOTHING },
	{ "footerl", do_target, RTF_NOTHING },
	{ "footerr", do_target, RTF_NOTHING },
	{ "footnote", do_note, 0 },
	{ "header", do_target, RTF_NOTHING },
	{ "headerf", do_target, RTF_NOTHING },
	{ "headerl", do_target, RTF_NOTHING },
	{ "headerr", do_target, RTF_NOTHING },
	{ "htmlrtf", do_htmlrtf, 0 },
	{ "htmltag", do_tag, 0 },
	{ "info", do_target, RTF_NOTHING },
	{ "keywords", do_target, RTF_NOTHING },
	{ "ldblquote", do_character, 0x201c },
	{ "line", do_line_end, 0 },
	{ "listtext", do_list, 0 },
	{ "lquote", do_character, 0x2018 },
	{ "ltrmark", do_character, 0x200e },
	{ "mac", do_default_page, 10000 },
	{ "mhtmltag", do_target, RTF_NOTHING },
	{ "nestcell", do_cell, 0 },
	{ "nestrow", do_row, 0 },
	{ "nesttableprops", do_target, RTF_NOTHING },
	{ "nonesttables", do_target, RTF_NOTHING },
	{ "nonshppict", do_target, RTF_NOTHING },
	{ "objdata", do_target, RTF_NOTHING },
	{ "operator", do_target, RTF_NOTHING },
	{ "page", do_line_end, 0 },
	{ "panose", do_target, RTF_NOTHING },
	{ "par", do_line_end, 0 },
	{ "pc", do_default_page, 437 },
	{ "pca", do_default_page, 850 },
	{ "picprop", do_target, RTF_NOTHING },
	{ "pict", do_target, RTF_NOTHING },
	{ "plain", do_plain, 0 },
	{ "pntext", do_list, 0 },
	{ "pntxta", do_target, RTF_NOTHING },
	{ "pntxtb", do_target, RTF_NOTHING },
	{ "private", do_target, RTF_NOTHING },
	{ "qmspace", do_character, 0x2005 },
	{ "rdblquote", do_character, 0x201d },
	{ "revtbl", do_target, RTF_NOTHING },
	{ "row", do_row, 0 },
	{ "rquote", do_character, 0x2019 },
	{ "rtlmark", do_character, 0x200f },
	{ "rxe", do_target, RTF_NOTHING },
	{ "sect", do_line_end, 0 },
	{ "shpinst", do_target, RTF_TEXT },
	{ "shprslt", do_target, RTF_NOTHING },
	{ "sn", do_target, RTF_NOTHING },
	{ "softline", do_line_end, 0 },
	{ "stylesheet", do_target, RTF_NOTHING },
	{ "sv", do_target, RTF_NOTHING },
	{ "tab", do_character, '\t' },
	{ "tc", do_target, RTF_NOTHING },
	{ "tcn", do_target, RTF_NOTHING },
	{ "template", do_target, RTF_NOTHING },
	{ "title", do_target, RTF_NOTHING },
	{ "u", do_unicode, 0 },
	{ "uc", do_fallback, 0 },
	{ "v", do_hide, RTF_HIDDEN_TEXT },
	{ "xe", do_target, RTF_NOTHING },
	{ "zwbo", do_character, 0x200b },
	{ "zwj", do_character, 0x200d },
	{ "zwnbo", do_character, 0x2060 },
	{ "zwnj", do_character, 0x200c },
};

static int
compare(const void *key, const void *row)
{
	const struct span *name = key;
	const struct word *word = row;
	int order = strncmp((const char *)name->data, word->name, name->len);

	return order != 0 ? order : -(word->name[name->len] != '\0');
}

int
tnef_rtf_word(struct rtf *rtf, const struct rtf_token *token, bool is_replaced,
	struct error *err)
{
	const struct word *word = bsearch(&token->name, words, COUNT_OF(words),
		sizeof(words[0]), compare);

	if (word == NULL) {
		if (rtf->is_starred)
			set_target(rtf, RTF_NOTHING);
		return 0;
	}
	if (is_replaced &&
		(word->act == do_character || word->act == do_line_end))
		return 0;
	return word->act(rtf, word->value, token, err);
}
