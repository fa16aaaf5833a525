/*
 * winmail.dat read: the bytes of a TNEF stream (MS-OXTNEF) become a message
 * with bodies, attachments and people.  No MIME is made here.
 *
 * What cannot be read is a problem, not an error: a sentence in the message,
 * and the rest is read on.  Bodies and attachments borrow the bytes that were
 * handed in wherever these can be used as they stand, so these have to live as
 * long as the message.
 */
#ifndef TNEF_TNEF_H
#define TNEF_TNEF_H

#include <stdbool.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"

struct tnef_limits {	      /* 0: the default */
	unsigned depth;	      /* messages within messages; 10, at most 50 */
	unsigned attachments; /* in all messages together; 1000 */
	unsigned people;      /* likewise; 5000 */
	unsigned properties;  /* likewise; 100000 */
	size_t made_bytes;    /* unpacked, converted, composed; 64 MB */
	unsigned ratio;	      /* such bytes for each one given; 16 */
};

enum tnef_kind {
	TNEF_BODY,	 /* text/html, text/plain or application/rtf */
	TNEF_ATTACHMENT, /* a file; an OLE object */
	TNEF_MESSAGE,	 /* a message within the message */
	TNEF_CALENDAR,	 /* made from properties: text/calendar */
	TNEF_CARD,	 /* likewise: text/vcard */
};

/* Texts (char *) are UTF-8 without control characters; NULL: not given. */
struct tnef_item {
	enum tnef_kind kind;
	char *name; /* of a file, without folders; a message's is its subject */
	char *type; /* lower case type/subtype; NULL when none sane is given */
	char *charset;	  /* of data, when it is text; NULL: unknown */
	char *method;	  /* of a calendar: REQUEST, CANCEL, ... */
	char *content_id; /* without <> */
	char *content_location;
	bool is_inline;	  /* the HTML body refers to it */
	bool is_hidden;	  /* not shown among the attachments */
	bool is_made_up;  /* the name is not the sender's */
	long position;	  /* in the text; -1: none */
	time_t modified;  /* 0: unknown */
	struct span data; /* borrowed, or owned's bytes */
	struct buf owned;
	/*
	 * A message that was read.  One that could not be has kind ATTACHMENT,
	 * type application/ms-tnef and its bytes as data.
	 */
	struct tnef_message *message;
};

enum tnef_role {
	TNEF_FROM,   /* who it is from (SENT_REPRESENTING) */
	TNEF_SENDER, /* who sent it for him, when that is somebody else */
	TNEF_TO,
	TNEF_CC,
	TNEF_BCC,
	TNEF_REPLY_TO,
};

struct tnef_person {
	enum tnef_role role;
	char *name;
	char *address; /* SMTP, when there is one */
	/* Of a meeting (PidTagRecipientTrackStatus): 0 none, 1 organizer,
	 * 2 tentative, 3 accepted, 4 declined, 5 not answered. */
	unsigned answer;
	bool is_organizer;
	bool is_resource; /* a room; its role is BCC */
};

struct tnef_message {
	char *class;	    /* as MAPI has it: IPM.Note */
	unsigned code_page; /* of its 8-bit texts */
	char *subject;
	struct list people; /* struct tnef_person *, in the order given */
	time_t sent;	    /* 0: not given */
	time_t received;
	char *message_id; /* with <>, as in the field */
	char *in_reply_to;
	char *references;
	int importance;	    /* 0 low, 1 normal, 2 high */
	struct list bodies; /* struct tnef_item *, one of a type */
	struct list items;  /* struct tnef_item *: everything else */
	/*
	 * char *: sentences as in an error, about this message and those in
	 * it.  is_incomplete: something is lost, so the original is to be kept.
	 */
	struct list problems;
	bool is_incomplete;
};

/* Does it begin as a TNEF stream does? */
bool tnef_is(struct span bytes);

/*
 * Read bytes.  limits NULL: the defaults.  *out is the caller's, who gives it
 * to tnef_message_free().  FORMAT when it is no TNEF at all, SYSTEM without
 * memory; all else is a message with problems.
 */
int tnef_read(struct span bytes, const struct tnef_limits *limits,
	struct tnef_message **out, struct error *err) MUST_USE;
void tnef_message_free(struct tnef_message *message); /* NULL is fine */

/* The body of that type, or NULL. */
const struct tnef_item *tnef_message_body(
	const struct tnef_message *message, const char *type);
/* "body", "attachment", "message", "calendar", "card" */
const char *tnef_kind_name(enum tnef_kind kind);

#endif
