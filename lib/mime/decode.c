/* Transfer encodings taken off (RFC 2045 6). */
#include "base/base64.h"
#include "base/hex.h"
#include "mime/internal.h"

/*
 * What a '=' stands for: the bytes it takes, 0 when it is broken.  One that is
 * cut off at the end stands for nothing.
 */
static size_t
read_escape(struct span rest, int *c)
{
	*c = -1;
	if (rest.len == 1)
		return 1;
	if (rest.data[1] == '\n')
		return 2;
	if (rest.len == 2)
		return 2;
	if (rest.data[1] == '\r' && rest.data[2] == '\n')
		return 3;
	*c = hex_byte(rest.data[1], rest.data[2]);
	return *c < 0 ? 0 : 3;
}

int
mime_decode_quoted(struct span text, struct buf *out, struct error *err)
{
	while (text.len != 0) {
		size_t take = 1;
		int c = text.data[0];
		unsigned char byte;

		if (c == '=')
			take = read_escape(text, &c);
		if (take == 0)
			return error_set(
				err, ERROR_FORMAT, "broken quoted-printable");
		byte = (unsigned char)c;
		if (c >= 0 && buf_add(out, &byte, 1, err) != 0)
			return -1;
		text = span_of(text.data + take, text.len - take);
	}
	return 0;
}

bool
mime_is_not_encoded(struct span header)
{
	struct mime_labels labels;

	mime_labels_read(header, &labels);
	return mime_is_identity(labels.encoding);
}

int
mime_content(const struct mime_entity *leaf, struct buf *held,
	struct span *content, struct error *err)
{
	struct mime_labels labels;
	int result = -1;

	mime_labels_read(leaf->header, &labels);
	switch (labels.encoding) {
	case ENCODING_7BIT:
	case ENCODING_8BIT:
	case ENCODING_BINARY:
		*content = leaf->body;
		return 0;
	case ENCODING_QUOTED:
		result = mime_decode_quoted(leaf->body, held, err);
		break;
	case ENCODING_BASE64:
		result = buf_reserve(held, leaf->body.len / 4 * 3 + 3, err);
		if (result == 0)
			result = base64_decode(leaf->body, held, err);
		break;
	case ENCODING_UNKNOWN:
		return error_set(err, ERROR_FORMAT,
			"its transfer encoding is not known");
	}
	*content = buf_span(held);
	return result;
}
