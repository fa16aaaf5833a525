#include "cms/der.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 2 + sizeof(size_t) };

static size_t
put_header(unsigned char out[HEADER_MAX], unsigned char tag, size_t len)
{
	size_t bytes = 0;

	out[0] = tag;
	if (len < 128) {
		out[1] = (unsigned char)len;
		return 2;
	}
	for (size_t rest = len; rest != 0; rest >>= 8)
		bytes++;
	out[1] = (unsigned char)(0x80 | bytes);
	for (size_t i = 0; i < bytes; i++)
		out[2 + i] = (unsigned char)(len >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}

size_t
der_len(size_t len)
{
	unsigned char header[HEADER_MAX];

	return put_header(header, 0, len) + len;
}

void
der_add(struct der *der, struct span bytes)
{
	if (der->failed == 0)
		der->failed = buf_add_span(der->buf, bytes, der->err);
}

void
der_header(struct der *der, unsigned char tag, size_t len)
{
	unsigned char header[HEADER_MAX];
	size_t header_len = put_header(header, tag, len);

	der_add(der, span_of(header, header_len));
}

void
der_element(struct der *der, unsigned char tag, struct span content)
{
	der_header(der, tag, content.len);
	der_add(der, content);
}

size_t
der_open(struct der *der)
{
	return der->buf->len;
}

void
der_close(struct der *der, unsigned char tag, size_t opened)
{
	unsigned char header[HEADER_MAX], *at;
	size_t len = der->buf->len - opened;
	size_t header_len = put_header(header, tag, len);

	der_add(der, span_of(header, header_len)); /* makes the room */
	if (der->failed != 0)
		return;
	at = der->buf->data + opened;
	memmove(at + header_len, at, len);
	memcpy(at, header, header_len);
}

/* Two elements can not be each other's beginning, so bytes decide. */
static int
compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;

	return memcmp(x->data, y->data, len);
}

void
der_set_of(struct der *der, unsigned char tag, struct span *item, size_t count)
{
	size_t opened = der_open(der);

	qsort(item, count, sizeof(*item), compare);
	for (size_t i = 0; i < count; i++)
		der_add(der, item[i]);
	der_close(der, tag, opened);
}
