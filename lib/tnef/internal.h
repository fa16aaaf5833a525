/* Between the files of tnef/ only. */
#ifndef TNEF_INTERNAL_H
#define TNEF_INTERNAL_H

#include <stdint.h>

#include "tnef/tnef.h"

/* ---- reading goes on: what all messages of one stream share ---- */

struct tnef_reader { /* how much of each may still come */
	unsigned depth;
	unsigned attachments;
	unsigned people;
	unsigned properties;
	size_t made_bytes;
};

/*
 * A buffer for something that is made (unpacked, converted, composed): begun,
 * it holds no more than may still be made, so that adding to it ends in LIMIT;
 * what it holds at its end counts.
 */
void tnef_made_begin(const struct tnef_reader *reader, struct buf *buf);
void tnef_made_end(struct tnef_reader *reader, const struct buf *buf);

/* ---- problems ---- */

/* Something is odd (is_lost false) or lost.  At most 100 are kept. */
void tnef_problem(struct tnef_message *message, bool is_lost,
	const char *format, ...) PRINTF_LIKE(3, 4);
/*
 * Something failed: SYSTEM is passed on (-1), all else is a problem (lost) of
 * the message, whose sentence begins with what: 0.
 */
int tnef_trouble(struct tnef_message *message, const char *what,
	const struct error *why, struct error *err) MUST_USE;

/* ---- items (item.c) ---- */

struct tnef_item *tnef_item_new(enum tnef_kind kind, const char *type);
void tnef_item_free(void *item);
/* The item's data from now on; *bytes is empty afterwards. */
void tnef_item_own(struct tnef_item *item, struct buf *bytes);

/* ---- properties (property.c; MS-OXCDATA 2.11) ---- */

enum tnef_type {
	TNEF_INT16 = 0x0002,
	TNEF_INT32 = 0x0003,
	TNEF_FLOAT = 0x0004,
	TNEF_DOUBLE = 0x0005,
	TNEF_CURRENCY = 0x0006,
	TNEF_APPTIME = 0x0007,
	TNEF_ERROR = 0x000a,
	TNEF_BOOLEAN = 0x000b,
	TNEF_OBJECT = 0x000d,
	TNEF_INT64 = 0x0014,
	TNEF_STRING8 = 0x001e,
	TNEF_UNICODE = 0x001f,
	TNEF_SYSTIME = 0x0040,
	TNEF_CLSID = 0x0048,
	TNEF_BINARY = 0x0102,
	TNEF_LEGACY_DATE = 0x7f01, /* ours: 14 bytes, of an old attribute */
};

struct tnef_property {
	uint16_t id;	/* 0x8000 and above: named */
	uint16_t type;	/* enum tnef_type, without the bit for many values */
	bool is_legacy; /* an old attribute: gives way to a MAPI property */
	bool is_multiple;
	unsigned count; /* values */
	/* Its name: a set (16 bytes, NULL: not named) and a number or a text.
	 */
	const unsigned char *set;
	uint32_t number;
	struct span text; /* UTF-16LE; data NULL: it is the number */
	/* One value (an object: after its IID), or all of them as they stand.
	 */
	struct span value;
	const unsigned char *iid; /* 16 bytes, of an object */
};

struct tnef_properties {
	struct tnef_property *item;
	unsigned count;
	unsigned size;
	unsigned code_page; /* of STRING8 */
};

/* By id, by set and number, by set and name in ASCII; NULL: not there. */
const struct tnef_property *tnef_find(
	const struct tnef_properties *properties, uint16_t id);
const struct tnef_property *tnef_find_number(
	const struct tnef_properties *properties, const unsigned char set[16],
	uint32_t number);
const struct tnef_property *tnef_find_text(
	const struct tnef_properties *properties, const unsigned char set[16],
	const char *text);

/*
 * What a property says; property NULL, or one of another type: false (NULL),
 * *out untouched.  Of many values these take the first.
 */
bool tnef_get_number(const struct tnef_property *property, int64_t *out);
bool tnef_get_double(const struct tnef_property *property, double *out);
bool tnef_get_bool(const struct tnef_property *property);
/* Seconds since 1970; a time of nothing (0, the year 4501) is false. */
bool tnef_get_time(const struct tnef_property *property, time_t *out);
/* Its bytes without the zeros that end a text; data NULL when there is none. */
struct span tnef_get_bytes(const struct tnef_property *property);
/* UTF-8 on one line, trimmed, cut at TNEF_TEXT_MAX; owned; never "". */
enum { TNEF_TEXT_MAX = 32768 };
char *tnef_get_text(const struct tnef_properties *properties,
	const struct tnef_property *property);
/* The same of any bytes. */
char *tnef_one_line(struct span bytes, unsigned code_page);
/* The same with its lines, for descriptions; up to what may be made. */
int tnef_add_text(struct buf *out, const struct tnef_properties *properties,
	const struct tnef_property *property, struct error *err) MUST_USE;
/* The nth of many values as a property with one; false past the last. */
bool tnef_get_value(const struct tnef_property *property, unsigned nth,
	struct tnef_property *out);
/* The code page a text property is in: 1200 for UTF-16LE. */
unsigned tnef_text_code_page(const struct tnef_properties *properties,
	const struct tnef_property *property);

/* ---- code pages (codepage.c) ---- */

enum { TNEF_UTF16 = 1200, TNEF_UTF8 = 65001, TNEF_WESTERN = 1252 };

/* "windows-1252"; NULL for one that has no name in MIME. */
const char *tnef_charset(unsigned code_page);
/*
 * Append text as UTF-8; what has no meaning in the code page becomes U+FFFD,
 * an unknown code page is taken as windows-1252.  LIMIT, SYSTEM.
 */
int tnef_add_utf8(struct buf *out, struct span text, unsigned code_page,
	struct error *err) MUST_USE;

/* ---- RTF ---- */

struct tnef_unpacked {
	bool is_sound; /* the checksum is right */
	bool is_whole; /* it is as long as it says */
};

/*
 * unpack.c: compressed RTF (MS-OXRTFCP), LZFu or MELA, appended to out.
 * FORMAT, LIMIT, SYSTEM.
 */
int tnef_unpack_rtf(struct span packed, struct buf *out,
	struct tnef_unpacked *how, struct error *err) MUST_USE;
/*
 * rtf.c: add what the RTF says to the bodies: the HTML or the text it
 * encapsulates (MS-OXRTFEX) where there is none yet; else itself as
 * application/rtf, and a readable text/plain where there is none.  *rtf is
 * empty afterwards.
 */
int tnef_add_rtf(struct tnef_reader *reader, struct tnef_message *message,
	struct buf *rtf, struct error *err) MUST_USE;

/* ---- what a message is besides a mail ---- */

/*
 * calendar.c, card.c: by the message's class, add a calendar or a card to its
 * items.  Its people and bodies have been read, its files come afterwards.
 */
int tnef_add_calendar(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties, struct error *err) MUST_USE;
int tnef_add_card(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties, struct error *err) MUST_USE;

#endif
