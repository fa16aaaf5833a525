/* A chapter of mime.h: what an entity is made of. */
#ifndef MIME_PARTS_H
#define MIME_PARTS_H

#include <stdbool.h>

#include "base/buf.h"

struct mime_entity;

/*
 * The parts of a multipart's body (RFC 2046 5.1.1), without the line ends that
 * are their delimiters'.  mime_parts_begin() leaves the preamble behind; *rest
 * starts as the body and shrinks.  A last delimiter need not be there.  1 with
 * a part, or 0.
 */
int mime_parts_begin(struct span *rest, struct span boundary) MUST_USE;
int mime_part_next(
	struct span *rest, struct span boundary, struct span *part) MUST_USE;

/* Is its encoding 7bit, 8bit or binary, or not said? */
bool mime_is_not_encoded(struct span header);
/*
 * The content of a leaf: its body, or that decoded into held.  FORMAT when it
 * is not what its encoding says, or the encoding is none that is known.
 */
int mime_content(const struct mime_entity *leaf, struct buf *held,
	struct span *content, struct error *err) MUST_USE;
/* Quoted-printable (RFC 2045 6.7), appended; FORMAT. */
int mime_decode_quoted(
	struct span text, struct buf *out, struct error *err) MUST_USE;

#endif
