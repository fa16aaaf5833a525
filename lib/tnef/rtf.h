/* RTF, taken apart: between the rtf*.c files, and for their tests. */
#ifndef TNEF_RTF_H
#define TNEF_RTF_H

#include <stdint.h>

#include "base/buf.h"
#include "tnef/codepage.h"

enum tnef_rtf_kind {
	TNEF_RTF_NONE,	/* no RTF at all */
	TNEF_RTF_HTML,	/* wrapped around HTML (MS-OXRTFEX 2.1.3.1) */
	TNEF_RTF_TEXT,	/* wrapped around plain text */
	TNEF_RTF_OTHER, /* written as RTF */
};

enum tnef_rtf_kind tnef_rtf_kind(struct span rtf);

struct tnef_rtf_report {
	size_t bad_bytes;      /* without a meaning in their code page */
	unsigned unknown_page; /* a code page that is not known; 0: none */
	bool is_cut;	       /* it ends within a group */
	bool is_more;	       /* text behind its last group: not read */
};

/*
 * Append what the RTF wraps or says, as UTF-8 with CRLF: HTML for
 * TNEF_RTF_HTML, text for the others.  Time and memory grow with the bytes
 * given.  LIMIT (groups in groups, size of out), SYSTEM.
 */
int tnef_rtf_write(struct span rtf, enum tnef_rtf_kind as, struct buf *out,
	struct tnef_rtf_report *report, struct error *err) MUST_USE;

/* ---- tokens (rtf_token.c) ---- */

enum rtf_token_kind {
	RTF_END,
	RTF_OPEN,
	RTF_CLOSE,
	RTF_WORD,   /* name, maybe a number */
	RTF_SYMBOL, /* name is one byte that is no letter */
	RTF_BYTES,  /* name: text as it stands, or one \'xx */
};

struct rtf_token {
	enum rtf_token_kind kind;
	struct span name;
	bool is_hex; /* the bytes are a \'xx */
	bool has_number;
	long number;	    /* cut to 32 bits */
	unsigned char byte; /* behind name when it is a \'xx */
};

/* Takes the next token off rest; \bin's bytes are passed over. */
void tnef_rtf_token(struct span *rest, struct rtf_token *token);

/* ---- fonts (rtf_font.c) ---- */

enum { RTF_FONTS_MAX = 32768 };

enum rtf_symbols { RTF_NO_SYMBOLS, RTF_SYMBOLS, RTF_WINGDINGS };

struct rtf_font {
	uint16_t code_page; /* 0: the document's */
	uint8_t symbols;    /* enum rtf_symbols */
};

/* The code page of \fcharsetN; 0: the document's. */
unsigned tnef_rtf_charset_page(long charset);
/* What a byte shows in such a font; 0: the ASCII character it is. */
unsigned tnef_rtf_symbol(enum rtf_symbols symbols, unsigned char byte);

/* ---- the text that comes out (rtf_text.c) ---- */

struct rtf_text {
	struct buf *out;
	struct tnef_converters converters;
	struct buf held; /* bytes of one code page, not converted yet */
	unsigned held_page;
	unsigned long high; /* half of a pair of \u; 0: none */
	bool is_tidy;	    /* no blanks before a line's end */
};

int tnef_rtf_put_bytes(struct rtf_text *text, struct span bytes,
	unsigned code_page, struct error *err) MUST_USE;
/* A character, or half of one outside the basic plane. */
int tnef_rtf_put_character(
	struct rtf_text *text, unsigned long c, struct error *err) MUST_USE;
int tnef_rtf_put_break(struct rtf_text *text, struct error *err) MUST_USE;
/* Everything held goes to out. */
int tnef_rtf_flush(struct rtf_text *text, struct error *err) MUST_USE;

/* ---- the reader (rtf_read.c) ---- */

enum {
	RTF_DEPTH_MAX = 1000, /* groups in groups */
	RTF_LINK_MAX = 2048,  /* a field's code; longer ones are left out */
};

enum rtf_target { RTF_TEXT, RTF_NOTHING, RTF_TAG, RTF_FONT_TABLE, RTF_LINK };

/* What a group inherits and forgets at its end. */
struct rtf_state {
	enum rtf_target target;
	long font;
	unsigned fallback; /* \ucN */
	unsigned hidden;   /* enum rtf_hidden */
	bool is_htmlrtf;
	bool is_note; /* these two are not inherited */
	bool is_field;
};

enum rtf_hidden { RTF_HIDDEN_TEXT = 1, RTF_DELETED_TEXT = 2 };

struct rtf {
	enum tnef_rtf_kind as;
	struct rtf_state stack[RTF_DEPTH_MAX];
	unsigned depth;
	bool is_starred; /* \* was the last token */
	size_t left_out; /* still to come of what a \uN stands for */
	unsigned default_page;
	long default_font;
	struct rtf_font fonts[RTF_FONTS_MAX];
	long font; /* the one that the font table describes */
	struct rtf_text text;
	/* The outermost field: its code, and where what it shows begins. */
	unsigned field_depth; /* 0: none */
	size_t field_start;
	char link[RTF_LINK_MAX];
	size_t link_len;
};

struct rtf_state *tnef_rtf_top(struct rtf *rtf);
bool tnef_rtf_is_shown(struct rtf *rtf);
int tnef_rtf_show(
	struct rtf *rtf, unsigned long character, struct error *err) MUST_USE;

/* ---- fields (rtf_field.c) ---- */

int tnef_rtf_begin_field(struct rtf *rtf, struct error *err) MUST_USE;
void tnef_rtf_add_link(struct rtf *rtf, struct span bytes);
int tnef_rtf_end_field(struct rtf *rtf, struct error *err) MUST_USE;

/* ---- words (rtf_word.c) ---- */

/*
 * Do what the word says.  A word that is not known means nothing; behind \*
 * its group is no text.  is_replaced: it stands for a \uN that was shown.
 */
int tnef_rtf_word(struct rtf *rtf, const struct rtf_token *token,
	bool is_replaced, struct error *err) MUST_USE;

#endif
