/* Between the files that unpack a winmail.dat. */
#ifndef GATEWAY_UNPACK_H
#define GATEWAY_UNPACK_H

#include "gateway/internal.h"

struct unpacking {
	const struct gateway *gateway;
	size_t limit_bytes;   /* of what is decoded */
	struct list messages; /* struct tnef_message *: nodes borrow of them */
	struct list contents; /* struct buf *: and they of these */
	struct tnef_limits limits;
	unsigned parts;	  /* looked at */
	unsigned kept;	  /* originals, for something is lost */
	struct error why; /* why the first of them */
	struct trace *trace;
	struct error *err;
};

/* A part of a multipart. */
struct part {
	struct span bytes;
	struct mime_entity entity;
	struct mime_node *node; /* NULL: stays as it is */
	struct tnef_message *message;
};

/* Its node, or itself as it stands; for the caller. */
struct mime_node *unpack_take_node(struct part *part) MUST_USE;

/* ---- unpack_read.c ---- */

/* Is it a winmail.dat, by what its header says? */
bool unpack_is_claimed(const struct mime_entity *entity);
/* The message, which is u's; NULL: it stays as it is.  -1: not now. */
int unpack_read(struct unpacking *u, const struct mime_entity *part,
	struct tnef_message **out) MUST_USE;

/* ---- unpack_merge.c ---- */

/* What parts become of which `first` is the first one with a message. */
struct mime_node *unpack_merge(
	const struct list *parts, const struct part *first) MUST_USE;

/* ---- tnef_mail.c: what a winmail.dat holds, as mail ---- */

/* The body that the message has beside its winmail.dat. */
struct own_body {
	enum { OWN_NONE, OWN_PLAIN, OWN_RICH } kind;
	struct mime_node *node; /* taken over by tnef_mail_body() */
	bool is_empty;		/* of a plain one: blanks alone */
	bool is_ascii;
	bool has_calendar; /* one is in the message already */
};

/* The better of both bodies; NULL when there is none. */
struct mime_node *tnef_mail_body(
	const struct tnef_message *message, struct own_body *own) MUST_USE;
/* Everything else, as children of a node. */
void tnef_mail_items(const struct tnef_message *message,
	const struct own_body *own, struct mime_node *into);
/* What was gathered as one node: an empty text when that is nothing. */
struct mime_node *tnef_mail_whole(struct mime_node *mixed) MUST_USE;
/* Both, as one node. */
struct mime_node *tnef_mail_content(
	const struct tnef_message *message) MUST_USE;

/* ---- unpack.c ---- */

/*
 * The entity with what its winmail.dat hold, in out; nothing is added when it
 * has none, or none that can be unpacked.  A note in the outcome says which
 * originals are kept, and why.  SYSTEM is the only error.
 */
int unpack_entity(const struct gateway *gateway, struct span entity,
	struct buf *out, struct outcome *outcome, struct trace *trace,
	struct error *err) MUST_USE;

#endif
