#include "base/base64.h"

#include <string.h>

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_init(struct base64 *encoder, struct buf *out)
{
	*encoder = (struct base64){ .out = out };
}

size_t
base64_len(size_t len)
{
	size_t rest = len % BASE64_LINE_BYTES;

	return len / BASE64_LINE_BYTES * 78 +
	       (rest != 0 ? (rest + 2) / 3 * 4 + 2 : 0);
}

static unsigned char *
put_triple(unsigned char *to, const unsigned char *p)
{
	unsigned long bits = (unsigned long)p[0] << 16 | p[1] << 8 | p[2];

	to[0] = (unsigned char)alphabet[bits >> 18];
	to[1] = (unsigned char)alphabet[bits >> 12 & 63];
	to[2] = (unsigned char)alphabet[bits >> 6 & 63];
	to[3] = (unsigned char)alphabet[bits & 63];
	return to + 4;
}

static unsigned char *
put_line(unsigned char *to, const unsigned char *p, size_t len)
{
	for (; len >= 3; len -= 3, p += 3)
		to = put_triple(to, p);
	if (len != 0) {
		unsigned char last[3] = { p[0], len == 2 ? p[1] : 0, 0 };

		to = put_triple(to, last);
		to[-1] = '=';
		if (len == 1)
			to[-2] = '=';
	}
	*to++ = '\r';
	*to++ = '\n';
	return to;
}

/* Complete the held line; returns what is left of bytes. */
static struct span
fill_held(struct base64 *encoder, struct span bytes)
{
	size_t take = BASE64_LINE_BYTES - encoder->held_len;

	if (take > bytes.len)
		take = bytes.len;
	memcpy(encoder->held + encoder->held_len, bytes.data, take);
	encoder->held_len += take;
	return span_of(bytes.data + take, bytes.len - take);
}

int
base64_put(struct base64 *encoder, struct span bytes, struct error *err)
{
	struct buf *out = encoder->out;
	unsigned char *to;

	if (bytes.len == 0)
		return 0;
	if (buf_reserve(out, base64_len(bytes.len + encoder->held_len), err))
		return -1;
	to = out->data + out->len;
	if (encoder->held_len != 0) {
		bytes = fill_held(encoder, bytes);
		if (encoder->held_len < BASE64_LINE_BYTES)
			return 0;
		to = put_line(to, encoder->held, BASE64_LINE_BYTES);
		encoder->held_len = 0;
	}
	while (bytes.len >= BASE64_LINE_BYTES) {
		to = put_line(to, bytes.data, BASE64_LINE_BYTES);
		bytes.data += BASE64_LINE_BYTES;
		bytes.len -= BASE64_LINE_BYTES;
	}
	out->len = (size_t)(to - out->data);
	if (bytes.len != 0)
		fill_held(encoder, bytes);
	return 0;
}

int
base64_end(struct base64 *encoder, struct error *err)
{
	struct buf *out = encoder->out;
	unsigned char *to;

	if (encoder->held_len == 0)
		return 0;
	if (buf_reserve(out, base64_len(encoder->held_len), err) != 0)
		return -1;
	to = put_line(out->data + out->len, encoder->held, encoder->held_len);
	out->len = (size_t)(to - out->data);
	encoder->held_len = 0;
	return 0;
}

static int
put_into_base64(void *self, struct span bytes, struct error *err)
{
	return base64_put(self, bytes, err);
}

struct sink
base64_sink(struct base64 *encoder)
{
	return (struct sink){ put_into_base64, encoder };
}

/*
 * What each byte stands for, plus one; 0: nothing.  A mail of 25 MB is decoded
 * with it, so there is no search for each byte.
 */
static const unsigned char values[256] = {
	['A'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16,
	17,
	18,
	19,
	20,
	21,
	22,
	23,
	24,
	25,
	26,
	['a'] = 27,
	28,
	29,
	30,
	31,
	32,
	33,
	34,
	35,
	36,
	37,
	38,
	39,
	40,
	41,
	42,
	43,
	44,
	45,
	46,
	47,
	48,
	49,
	50,
	51,
	52,
	['0'] = 53,
	54,
	55,
	56,
	57,
	58,
	59,
	60,
	61,
	62,
	['+'] = 63,
	['/'] = 64,
};

static int
value_of(unsigned char c)
{
	return (int)values[c] - 1;
}

int
base64_decode(struct span text, struct buf *out, struct error *err)
{
	unsigned long bits = 0;
	unsigned count = 0, padding = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.data[i];
		int value = value_of(c);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '=' && count >= 2) {
			padding++;
			value = 0;
		} else if (value < 0 || padding != 0) {
			return error_set(err, ERROR_FORMAT, "broken base64");
		}
		bits = bits << 6 | (unsigned long)value;
		if (++count < 4)
			continue;
		unsigned char three[3] = { (unsigned char)(bits >> 16),
			(unsigned char)(bits >> 8), (unsigned char)bits };
		if (padding > 2 || buf_add(out, three, 3 - padding, err) != 0)
			return padding > 2 ? error_set(err, ERROR_FORMAT,
						     "broken base64")
					   : -1;
		bits = count = 0;
	}
	return count == 0 ? 0 : error_set(err, ERROR_FORMAT, "broken base64");
}
