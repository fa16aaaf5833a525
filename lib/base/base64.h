/*
 * Base64 of bytes that come bit by bit, in lines of 76 characters and CRLF
 * (RFC 2045, 6.8): the form in which CMS travels in mail.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

enum { BASE64_LINE_BYTES = 57 }; /* 57 bytes are 76 characters */

struct base64 {
	struct buf *out;
	unsigned char held[BASE64_LINE_BYTES];
	size_t held_len;
};

void base64_init(struct base64 *encoder, struct buf *out);
int base64_put(
	struct base64 *encoder, struct span bytes, struct error *err) MUST_USE;
/* The last, shorter line; every line ends in CRLF. */
int base64_end(struct base64 *encoder, struct error *err) MUST_USE;
/* How many characters len bytes become, line ends included. */
size_t base64_len(size_t len);
/* The encoder as a sink, for what writes its bytes piece by piece. */
struct sink base64_sink(struct base64 *encoder);

/*
 * Decode; blanks and line ends are skipped, anything else that is not of the
 * alphabet, or broken padding, is ERROR_FORMAT.
 */
int base64_decode(
	struct span text, struct buf *out, struct error *err) MUST_USE;

#endif
