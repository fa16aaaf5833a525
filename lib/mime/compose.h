/*
 * A chapter of mime.h: new mail.  A tree says what it is made of; composing
 * writes it, 7-bit, CRLF, lines of at most 998 bytes.  GMime writes the fields
 * (folds, RFC 2047, RFC 2231), and bytes go straight into the result.
 */
#ifndef MIME_COMPOSE_H
#define MIME_COMPOSE_H

#include "base/buf.h"
#include "base/list.h"

enum mime_node_kind {
	MIME_LEAF,
	MIME_MULTIPART, /* of children; a boundary of its own */
	MIME_MESSAGE,	/* message/rfc822: texts as its fields, one child */
	MIME_VERBATIM,	/* an entity, or a piece of one, as it stands */
	MIME_SEQUENCE,	/* children one after the other, nothing between */
};

enum mime_disposition {
	MIME_NO_DISPOSITION,
	MIME_INLINE,
	MIME_ATTACHMENT,
};

/* A field of a message, or a parameter of a Content-Type. */
struct mime_text {
	char *name;
	char *value; /* UTF-8, not encoded */
};

/* Strings and children are the node's own; bytes are borrowed. */
struct mime_node {
	enum mime_node_kind kind;
	char *type; /* "text/html", "multipart/mixed" */
	struct span data;
	bool text;	   /* lines, whose ends are no content: else base64 */
	char *file_name;   /* UTF-8; or NULL */
	char *content_id;  /* without < >; or NULL */
	char *description; /* UTF-8; or NULL */
	enum mime_disposition disposition;
	struct span fields; /* lines that stand first in its header, or none */
	struct list texts;  /* struct mime_text * */
	struct list children; /* struct mime_node * */
};

/*
 * Once in a process, before others compose and while it has one thread; more
 * often does no harm.
 */
void mime_compose_init(void);

/* A type that is none becomes application/octet-stream. */
struct mime_node *mime_leaf_new(const char *type, struct span data) MUST_USE;
/* Lines of text; charset "utf-8" and the like, or NULL for US-ASCII. */
struct mime_node *mime_text_new(
	const char *type, const char *charset, struct span data) MUST_USE;
/* subtype: "mixed", "related"; type= of RFC 2387 is written by itself. */
struct mime_node *mime_multipart_new(const char *subtype) MUST_USE;
struct mime_node *mime_message_new(struct mime_node *content) MUST_USE;
struct mime_node *mime_verbatim_new(struct span bytes) MUST_USE;
struct mime_node *mime_sequence_new(void) MUST_USE;
void mime_node_free(void *node); /* NULL is fine */
/* Takes child over; NULL adds nothing. */
void mime_node_add(struct mime_node *node, struct mime_node *child);
/* An attachment, with a name or without (NULL). */
void mime_node_attach(struct mime_node *node, const char *file_name);
/* Replace what it was; value may be NULL. */
void mime_node_set(char **where, const char *value);
/* A parameter of a leaf (method=), a field of a message (Subject). */
void mime_node_say(struct mime_node *node, const char *name, const char *value);
/*
 * One more mailbox in a message's From, To and the like.  Without an address
 * the name stands as an empty group (RFC 6854).
 */
void mime_node_say_mailbox(struct mime_node *node, const char *field,
	const char *name, const char *address);

/*
 * The tree as an entity: its Content-* fields, the blank line, the body.
 * LIMIT when out is full, SYSTEM without memory; what was added to out is
 * of no use then.
 */
int mime_compose(const struct mime_node *root, struct buf *out,
	struct error *err) MUST_USE;
/* A message as a mail to be sent: its fields, then its content. */
int mime_compose_mail(const struct mime_node *message, struct buf *out,
	struct error *err) MUST_USE;

#endif
