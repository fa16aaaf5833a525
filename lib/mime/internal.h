/* What the files of this folder share. */
#ifndef MIME_INTERNAL_H
#define MIME_INTERNAL_H

#include <string.h>

#include "mime/mime.h"

/* RFC 5322 2.1.1, without the line end. */
enum { MIME_LINE_MAX = 998 };

/* ---- lines ---- */

static inline bool
mime_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* The next line, its line end included; *rest must not be empty. */
static inline struct span
mime_line_next(struct span *rest)
{
	const unsigned char *lf = memchr(rest->data, '\n', rest->len);
	size_t len = lf == NULL ? rest->len : (size_t)(lf + 1 - rest->data);
	struct span line = span_of(rest->data, len);

	*rest = span_of(rest->data + len, rest->len - len);
	return line;
}

/* How many bytes of the line's end are CRLF or LF. */
static inline size_t
mime_line_end(struct span line)
{
	if (line.len == 0 || line.data[line.len - 1] != '\n')
		return 0;
	return line.len >= 2 && line.data[line.len - 2] == '\r' ? 2 : 1;
}

static inline struct span
mime_line_text(struct span line)
{
	return span_of(line.data, line.len - mime_line_end(line));
}

static inline struct span
mime_between(const unsigned char *from, const unsigned char *to)
{
	return span_of(from, (size_t)(to - from));
}

/* ---- what is wrong with bytes that shall be signed ---- */

enum mime_flaw {
	FLAW_8BIT = 1,
	FLAW_NUL = 2,
	FLAW_BARE_CR = 4,
	FLAW_BARE_LF = 8,
	FLAW_LONG = 16,
	FLAW_FROM = 32,
	FLAW_BLANK = 64, /* at the end of a line */
};
enum {
	FLAWS_BYTES = FLAW_8BIT | FLAW_NUL | FLAW_BARE_CR,
	FLAWS_UNSAFE = FLAWS_BYTES | FLAW_BARE_LF | FLAW_LONG,
	FLAWS_ALL = FLAWS_UNSAFE | FLAW_FROM | FLAW_BLANK,
};

struct mime_scan {
	unsigned flaws;
	size_t high; /* bytes with the eighth bit */
};

void mime_scan(struct span bytes, struct mime_scan *out);
unsigned mime_line_flaws(struct span line);

/* ---- labels ---- */

enum mime_encoding {
	ENCODING_7BIT,
	ENCODING_8BIT,
	ENCODING_BINARY,
	ENCODING_QUOTED,
	ENCODING_BASE64,
	ENCODING_UNKNOWN,
};

struct mime_labels {
	struct mime_type type;
	bool has_type;
	bool two_types; /* two Content-Type fields that differ */
	enum mime_encoding encoding;
};

void mime_labels_read(struct span header, struct mime_labels *out);
/* The next token after comments and blanks; empty when there is none. */
struct span mime_token_next(struct span *rest);
void mime_skip_comments(struct span *rest);

/* ---- writing ---- */

/* Bytes as they are, but LF becomes CRLF. */
int mime_put_lines(struct buf *out, struct span lines, struct error *err);
/*
 * Field lines: bare LF becomes CRLF, lines that are too long are folded, raw
 * UTF-8 becomes encoded words where that is allowed.  *flaws gets what is still
 * wrong with them.
 */
int mime_put_fields(struct buf *out, struct span fields, unsigned *flaws,
	struct error *err);

/* Raw UTF-8 in a field that is only text: as encoded words (RFC 2047). */
bool mime_is_encodable_field(const struct mime_field *field);
int mime_put_encoded_field(
	struct buf *out, const struct mime_field *field, struct error *err);

struct mime_patch {
	const char *encoding; /* NULL: leave the field as it is */
	const char *type;     /* NULL, or a Content-Type to be added */
};

int mime_put_header(struct buf *out, struct span header,
	const struct mime_patch *patch, unsigned *flaws, struct error *err);

/* Text as quoted-printable; coded: it is that already, and is repaired. */
int mime_put_quoted(
	struct buf *out, struct span text, bool coded, struct error *err);
/* Text that is new: no line of it is like the delimiter of a multipart. */
int mime_put_new_quoted(struct buf *out, struct span text, struct error *err);
/* Base64 without a last line end. */
int mime_put_base64(struct buf *out, struct span bytes, struct error *err);
/*
 * Does it say the same when wrapped anew and without foreign bytes?  Only
 * blanks are foreign; or what is left are whole groups of four, padded at the
 * end only: else decoders disagree about what it says.
 */
bool mime_is_base64(struct span text);
/* Base64 again, its alphabet wrapped anew, what is foreign to it left out. */
int mime_put_base64_again(struct buf *out, struct span text, struct error *err);

/* ---- new mail: the fields, by GMime ---- */

/* "Name <address>", one mailbox or group as in a field, not encoded; owned. */
char *mime_mailbox(const char *name, const char *address) MUST_USE;
/* Content-* of a node; encoding and boundary NULL: none. */
int mime_put_node_header(struct buf *out, const struct mime_node *node,
	const char *encoding, const char *boundary, struct error *err);
/* The fields of a message. */
int mime_put_node_texts(
	struct buf *out, const struct mime_node *node, struct error *err);

/* ---- one rewriting ---- */

struct rewriter {
	struct mime_limits limits;
	struct buf *out;
	struct mime_rewrite *report;
	const unsigned char *end; /* of the whole entity */
	unsigned parts;
	struct error *err;
};

/* The encodings that say: these are the bytes themselves. */
bool mime_is_identity(enum mime_encoding encoding);
/* Header and separator; what cannot be made fit is residue. */
int mime_rewrite_header(struct rewriter *r, const struct mime_entity *entity,
	const struct mime_patch *patch);
/* Bytes that cannot be encoded: LF is repaired, the rest is residue. */
int mime_rewrite_around(
	struct rewriter *r, struct span bytes, enum mime_residue residue);
int mime_rewrite_leaf(struct rewriter *r, const struct mime_entity *entity,
	const struct mime_labels *labels, unsigned depth);

#endif
