/*
 * TNEF streams made up, piece by piece.  Nothing here checks: what is wrong is
 * meant to be.
 */
#ifndef TEST_TNEF_FIXTURE_H
#define TEST_TNEF_FIXTURE_H

#include <stdint.h>

#include "tnef/tnef.h"

enum made_level { MADE_MESSAGE = 1, MADE_FILE = 2 };

/* Attributes, type and id in one. */
enum made_attribute {
	ATT_OWNER = 0x00060000,
	ATT_SENT_FOR = 0x00060001,
	ATT_FROM = 0x00008000,
	ATT_SUBJECT = 0x00018004,
	ATT_DATE_SENT = 0x00038005,
	ATT_CLASS = 0x00078008,
	ATT_BODY = 0x0002800c,
	ATT_PRIORITY = 0x0004800d,
	ATT_DATA = 0x0006800f,
	ATT_TITLE = 0x00018010,
	ATT_MODIFIED = 0x00038013,
	ATT_TRANSPORT_NAME = 0x00069001,
	ATT_RENDERING = 0x00069002,
	ATT_PROPERTIES = 0x00069003,
	ATT_PEOPLE = 0x00069004,
	ATT_ATTACHMENT = 0x00069005,
	ATT_CODE_PAGE = 0x00069007,
};

/* The signature and a key. */
void made_begin(struct buf *out);
void made_attribute(struct buf *out, enum made_level level,
	enum made_attribute attribute, struct span data);
void made_number(struct buf *out, unsigned bytes, uint64_t number);
/* Rendering of a file of that kind (1 a file, 2 an object), at -1. */
void made_rendering(struct buf *out, unsigned kind);

/* ---- properties ---- */

struct made_list {
	struct buf values;
	uint32_t count;
};

/* A tag (id, then type: 0x3701000d) and a value as it stands in the stream. */
void made_raw(struct made_list *list, uint32_t tag, struct span value);
void made_int(struct made_list *list, uint32_t tag, uint32_t number);
/* A count of one, a length, the bytes, and zeros up to four. */
void made_bytes(struct made_list *list, uint32_t tag, struct span bytes);
void made_text(struct made_list *list, uint32_t tag, const char *text);
/* ASCII as UTF-16LE. */
void made_unicode(struct made_list *list, uint32_t tag, const char *text);
void made_object(struct made_list *list, uint32_t tag,
	const unsigned char iid[16], struct span bytes);
/* A name: by number, or by text when that is not NULL. */
void made_named(struct made_list *list, uint32_t tag,
	const unsigned char set[16], uint32_t number, const char *text,
	struct span value);

/* Its count and its values; the list is empty afterwards. */
void made_list_end(struct made_list *list, struct buf *out);
/* The same as an attribute. */
void made_properties(
	struct buf *out, enum made_level level, struct made_list *list);

extern const unsigned char made_iid_message[16];
extern const unsigned char made_iid_storage[16];
extern const unsigned char made_set[16]; /* PSETID_Common */

/*
 * A message with everything: HTML, RTF, people, an old attachment, an inline
 * image, a message within, an object.
 */
void made_sample(struct buf *out);

/* Read it; fails the test when that is an error. */
struct tnef_message *made_read(struct span bytes);
/* The nth item of that kind, or the test fails. */
const struct tnef_item *made_item(
	const struct tnef_message *message, enum tnef_kind kind, size_t nth);

#endif
