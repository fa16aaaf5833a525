/*
 * A message as spans of its raw bytes: fields, parts and their types; and the
 * byte-preserving rewriter that makes an entity fit for signing.
 *
 * Nothing here builds a tree that is printed again: bytes that need no change
 * stay the bytes they are.  Lines may end in CRLF or LF on input.
 */
#ifndef MIME_MIME_H
#define MIME_MIME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "mime/compose.h"

/* ---- fields (RFC 5322 2.2) ---- */

struct mime_field {
	struct span name;
	struct span value; /* after the colon, folds and line end included */
	struct span whole; /* name to line end */
};

/*
 * The next field of a header; *rest starts as the header and shrinks.
 * Returns 1, or 0 at the end (a line that is no field is skipped).
 */
int mime_field_next(struct span *rest, struct mime_field *field) MUST_USE;
/* The nth (from 0) field of that name, case-insensitively: 1 or 0. */
int mime_field_find(struct span header, const char *name, unsigned nth,
	struct mime_field *field) MUST_USE;
unsigned mime_field_count(struct span header, const char *name);

/* ---- entities ---- */

/*
 * Where an entity's header ends and its body begins.  A line that is no field
 * ends the header too, when the blank line is missing.
 */
struct mime_entity {
	struct span header;    /* fields with their line ends, no blank line */
	struct span separator; /* the blank line, or empty */
	struct span body;
};

void mime_entity_split(struct span entity, struct mime_entity *out);

/* ---- Content-Type (RFC 2045 5.1, RFC 2231) ---- */

enum { MIME_BOUNDARY_MAX = 1000, MIME_TOKEN_MAX = 128 };

struct mime_type {
	char type[MIME_TOKEN_MAX];    /* lower case; "" when unreadable */
	char subtype[MIME_TOKEN_MAX]; /* lower case */
	unsigned char boundary[MIME_BOUNDARY_MAX]; /* trailing blanks cut */
	size_t boundary_len;			   /* 0: none */
	struct span value;			   /* for mime_type_parameter */
};

/* Always fills *out; returns 1 when it was readable, 0 when not. */
int mime_type_parse(struct span value, struct mime_type *out);
/* The entity's type: text/plain when it has no Content-Type. */
void mime_type_of(struct span header, struct mime_type *out);
bool mime_type_is(const struct mime_type *type, const char *name);
/*
 * A parameter, unquoted, RFC 2231 continuations joined and %XX decoded, cut
 * to size - 1.  1 when present, 0 when not.  name is lower case.
 */
int mime_type_parameter(
	const struct mime_type *type, const char *name, char *out, size_t size);
/*
 * How many parameters some reader may take for that one: segments, extended
 * ones, and what stands in quotes or comments count too.  Above 1 readers may
 * differ in its value.
 */
unsigned mime_type_parameter_count(
	const struct mime_type *type, const char *name);

/* ---- making it fit for signing (RFC 8551 3.1.2, 3.1.3) ---- */

struct mime_limits {
	unsigned depth; /* nested parts; default 20, never more than 100 */
	unsigned parts; /* in one message; default 1000 */
};

enum mime_residue { /* what the rewriter could not make 7-bit safe */
	MIME_RESIDUE_HEADER = 1,   /* 8-bit in a part's header */
	MIME_RESIDUE_AROUND = 2,   /* in a preamble or epilogue */
	MIME_RESIDUE_SIGNED = 4,   /* inside an existing signature */
	MIME_RESIDUE_ENCODING = 8, /* an unknown transfer encoding */
	MIME_RESIDUE_OPAQUE = 16,  /* message/partial and the like */
};

struct mime_rewrite {
	unsigned residue; /* enum mime_residue, or-ed: 0 is fit */
	unsigned leaves;
	unsigned changed;     /* leaves whose bytes or label changed */
	size_t scanned_bytes; /* work done: at most (depth + 3) x the entity */
};

/*
 * Is every byte already fit to be signed as it stands?  7-bit, lines of at
 * most 998, CRLF only, no NUL, no bare CR or LF, no trailing blank, no line
 * that starts with "From ", no line that looks like a label of 8bit or binary
 * (an MTA whose next hop lacks 8BITMIME converts what is so labelled, and so
 * breaks a signature over it), and a final CRLF or not: all answered in one
 * pass over the bytes, without parsing.  An entity for which this is true
 * needs no mime_make_fit().  The reverse does not hold: what mime_make_fit()
 * gives with no residue may be signed, though blanks at the ends of lines in
 * a header, a preamble or a signature inside it make this say false.
 */
bool mime_is_fit(struct span entity);
/*
 * The same entity with its offending leaves re-encoded (quoted-printable or
 * base64), their Content-Transfer-Encoding patched, composites relabelled
 * 7bit; every other byte verbatim.  Never inside multipart/signed or
 * multipart/encrypted.  An entity with 8-bit bytes and no Content-Type gets
 * text/plain; charset=unknown-8bit.  Bare LF becomes CRLF in header fields,
 * delimiters and 7-bit text; header lines over 998 are folded at blanks; raw
 * UTF-8 in a part's Subject, Comments or Content-Description becomes encoded
 * words (RFC 2047).  Nothing is dropped: preamble, epilogue, odd delimiters
 * stay.  What readers take in different ways (broken base64, two types) is
 * left as it is, residue when it is not fit.  out (which may hold something
 * before) gets the whole entity; *report says what remains.  limits NULL: the
 * defaults.  LIMIT when a limit is met, SYSTEM without memory; then nothing
 * was added to out.
 */
int mime_make_fit(struct span entity, const struct mime_limits *limits,
	struct buf *out, struct mime_rewrite *report,
	struct error *err) MUST_USE;

/* What a residue means, as a clause for a sentence: "8-bit in a header". */
const char *mime_residue_text(unsigned residue);

/*
 * Text of a From, Subject or other field decoded from RFC 2047 is not needed
 * for matching and therefore not here.
 */

/*
 * A new boundary (random, 7-bit, never in the pieces: RFC 2046 5.1.1).
 */
enum { MIME_NEW_BOUNDARY_SIZE = 48 };
int mime_new_boundary(const struct pieces *content,
	char out[MIME_NEW_BOUNDARY_SIZE], struct error *err) MUST_USE;

#endif
