/* Between the files of tnef/ that read the stream. */
#ifndef TNEF_STREAM_H
#define TNEF_STREAM_H

#include "tnef/internal.h"

/* ---- take.c: little-endian things from the front of *rest ---- */

/* false: there is not so much; *rest is untouched then. */
bool tnef_take(struct span *rest, size_t len, struct span *out);
/* The same, and the bytes that fill it up to four; at the end none need be. */
bool tnef_take_padded(struct span *rest, size_t len, struct span *out);
bool tnef_take_16(struct span *rest, uint16_t *out);
bool tnef_take_32(struct span *rest, uint32_t *out);
uint16_t tnef_read_16(const unsigned char *at);
uint32_t tnef_read_32(const unsigned char *at);
uint64_t tnef_read_64(const unsigned char *at);

/* ---- attribute.c (MS-OXTNEF 2.1.3) ---- */

enum tnef_level { TNEF_LEVEL_MESSAGE = 1, TNEF_LEVEL_ATTACHMENT = 2 };

enum tnef_attribute_id {
	TNEF_ATT_OWNER = 0x0000,
	TNEF_ATT_SENT_FOR = 0x0001,
	TNEF_ATT_FROM = 0x8000,
	TNEF_ATT_PRIORITY = 0x800d,
	TNEF_ATT_ATTACH_DATA = 0x800f,
	TNEF_ATT_ATTACH_TITLE = 0x8010,
	TNEF_ATT_ATTACH_MODIFIED = 0x8013,
	TNEF_ATT_TRANSPORT_NAME = 0x9001,
	TNEF_ATT_RENDERING = 0x9002,
	TNEF_ATT_PROPERTIES = 0x9003,
	TNEF_ATT_PEOPLE = 0x9004,
	TNEF_ATT_ATTACHMENT = 0x9005,
	TNEF_ATT_CODE_PAGE = 0x9007,
};

struct tnef_attribute {
	unsigned level;
	uint16_t id;
	uint16_t type;
	struct span data;
	bool is_sound; /* its checksum is right */
};

/* 1; 0 at the end; -1: no attribute begins here, or it does not end. */
int tnef_attribute_next(struct span *rest, struct tnef_attribute *out) MUST_USE;

/* ---- property_list.c ---- */

/* MS-OXPROPS, without their types. */
enum tnef_property_id {
	TNEF_IMPORTANCE = 0x0017,
	TNEF_MESSAGE_CLASS = 0x001a,
	TNEF_SUBJECT = 0x0037,
	TNEF_SUBMIT_TIME = 0x0039,
	TNEF_SUBJECT_PREFIX = 0x003d,
	TNEF_FROM_NAME = 0x0042, /* SentRepresenting */
	TNEF_FROM_TYPE = 0x0064,
	TNEF_FROM_ADDRESS = 0x0065,
	TNEF_FROM_SMTP = 0x5d02,
	TNEF_REPLY_NAMES = 0x0050,
	TNEF_PERSON_ROLE = 0x0c15,
	TNEF_SENDER_NAME = 0x0c1a,
	TNEF_SENDER_TYPE = 0x0c1e,
	TNEF_SENDER_ADDRESS = 0x0c1f,
	TNEF_SENDER_SMTP = 0x5d01,
	TNEF_DISPLAY_BCC = 0x0e02,
	TNEF_DISPLAY_CC = 0x0e03,
	TNEF_DISPLAY_TO = 0x0e04,
	TNEF_DELIVERY_TIME = 0x0e06,
	TNEF_NORMALIZED_SUBJECT = 0x0e1d,
	TNEF_BODY_TEXT = 0x1000,
	TNEF_REPORT_TEXT = 0x1001,
	TNEF_RTF_COMPRESSED = 0x1009,
	TNEF_BODY_HTML = 0x1013,
	TNEF_INTERNET_MESSAGE_ID = 0x1035,
	TNEF_REFERENCES = 0x1039,
	TNEF_IN_REPLY_TO = 0x1042,
	TNEF_DISPLAY_NAME = 0x3001,
	TNEF_ADDRESS_TYPE = 0x3002,
	TNEF_ADDRESS = 0x3003,
	TNEF_MODIFIED = 0x3008,
	TNEF_ATTACH_DATA = 0x3701,
	TNEF_ATTACH_EXTENSION = 0x3703,
	TNEF_ATTACH_NAME = 0x3704,
	TNEF_ATTACH_METHOD = 0x3705,
	TNEF_ATTACH_LONG_NAME = 0x3707,
	TNEF_ATTACH_POSITION = 0x370b,
	TNEF_ATTACH_TRANSPORT_NAME = 0x370c,
	TNEF_ATTACH_TYPE = 0x370e,
	TNEF_ATTACH_CONTENT_ID = 0x3712,
	TNEF_ATTACH_LOCATION = 0x3713,
	TNEF_ATTACH_FLAGS = 0x3714,
	TNEF_ATTACH_CHARSET = 0x371b,
	TNEF_SMTP_ADDRESS = 0x39fe,
	TNEF_INTERNET_CODE_PAGE = 0x3fde,
	TNEF_PERSON_NAME = 0x5ff6,
	TNEF_PERSON_FLAGS = 0x5ffd,
	TNEF_PERSON_ANSWER = 0x5fff,
	TNEF_ATTACH_HIDDEN = 0x7ffe,
};

/*
 * Append a counted list of properties from *rest.  false: it could not be
 * read to its end, which is a problem of the message.
 */
bool tnef_properties_read(struct tnef_reader *reader, struct span *rest,
	struct tnef_properties *out, struct tnef_message *message);
struct tnef_property *tnef_properties_add(struct tnef_properties *properties);

/* ---- collect.c: what a stream holds, before anything is made of it ---- */

struct tnef_raw_file {
	struct span rendering;
	struct span data;
	struct span title;
	struct span transport_name;
	bool has_list; /* of MAPI properties */
	struct tnef_properties properties;
};

struct tnef_raw {
	struct tnef_properties properties;
	struct span people; /* a table; below, names and addresses */
	struct span from;
	struct span owner;
	struct span sent_for;
	unsigned priority; /* 0: none */
	struct list files; /* struct tnef_raw_file * */
	bool is_full;	   /* there were more */
};

void tnef_collect(struct tnef_reader *reader, struct span bytes,
	struct tnef_raw *out, struct tnef_message *message);
void tnef_raw_clear(struct tnef_raw *raw);

/* ---- and what is made of it ---- */

/*
 * read.c: the message in bytes, which is a TNEF.  code_page: of 8-bit texts
 * when it does not say.  SYSTEM is the only error.
 */
int tnef_read_message(struct tnef_reader *reader, struct span bytes,
	unsigned code_page, struct tnef_message *message,
	struct error *err) MUST_USE;
/* message.c: its class, subject, dates, ids. */
void tnef_message_describe(
	struct tnef_message *message, const struct tnef_raw *raw);
/* people.c */
void tnef_add_people(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_raw *raw);
/* body.c; SYSTEM */
int tnef_add_bodies(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties, struct error *err) MUST_USE;
/* file.c; the number is for a made-up name; SYSTEM */
int tnef_add_file(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_raw_file *raw, size_t number,
	struct error *err) MUST_USE;
/* inline.c: which attachments does the HTML show? */
void tnef_find_inline(struct tnef_message *message);

#endif
