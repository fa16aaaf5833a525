#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

/* From here on growth moves pages (mremap), not bytes: nothing to wipe. */
enum { LARGE_BYTES = 1 << 20, SMALL_BYTES = 256 };

struct span
span_of(const void *data, size_t len)
{
	return (struct span){ data, len };
}

struct span
span_string(const char *text)
{
	return span_of(text, text == NULL ? 0 : strlen(text));
}

bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

bool
span_is(struct span a, const char *text)
{
	return span_equal(a, span_string(text));
}

bool
span_is_nocase(struct span a, const char *text)
{
	return a.len == strlen(text) && span_starts_nocase(a, text);
}

static bool
same_nocase(const unsigned char *a, const char *b, size_t len)
{
	return len == 0 || strncasecmp((const char *)a, b, len) == 0;
}

bool
span_starts_nocase(struct span a, const char *text)
{
	size_t len = strlen(text);

	return a.len >= len && same_nocase(a.data, text, len);
}

bool
span_ends_nocase(struct span a, const char *text)
{
	size_t len = strlen(text);

	return a.len >= len && same_nocase(a.data + a.len - len, text, len);
}

const unsigned char *
span_find(struct span a, struct span needle)
{
	if (needle.len == 0 || a.len < needle.len)
		return NULL;
	return memmem(a.data, a.len, needle.data, needle.len);
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
span_is_ascii(struct span a)
{
	for (size_t i = 0; i < a.len; i++)
		if (a.data[i] >= 0x80)
			return false;
	return true;
}

struct span
span_trim(struct span a)
{
	while (a.len != 0 && is_blank(a.data[0])) {
		a.data++;
		a.len--;
	}
	while (a.len != 0 && is_blank(a.data[a.len - 1]))
		a.len--;
	return a;
}

void
buf_init(struct buf *buf, size_t limit_bytes)
{
	*buf = (struct buf){ .limit_bytes = limit_bytes };
}

void
buf_clear(struct buf *buf)
{
	size_t limit_bytes = buf->limit_bytes;

	mem_wipe(buf->data, buf->len);
	free(buf->data);
	buf_init(buf, limit_bytes);
}

void
buf_reset(struct buf *buf)
{
	mem_wipe(buf->data, buf->len);
	buf->len = 0;
}

static int
resize(struct buf *buf, size_t size, struct error *err)
{
	unsigned char *data;

	if (buf->size >= LARGE_BYTES)
		data = realloc(buf->data, size);
	else
		data = malloc(size);
	if (data == NULL)
		return error_set(
			err, ERROR_SYSTEM, "no memory for %zu bytes", size);
	if (buf->size < LARGE_BYTES && buf->data != NULL) {
		memcpy(data, buf->data, buf->len);
		mem_wipe(buf->data, buf->len);
		free(buf->data);
	}
	buf->data = data;
	buf->size = size;
	return 0;
}

int
buf_reserve(struct buf *buf, size_t more_bytes, struct error *err)
{
	size_t limit = buf->limit_bytes ? buf->limit_bytes : BUF_LIMIT_DEFAULT;
	size_t size;

	if (more_bytes > limit || buf->len > limit - more_bytes)
		return error_set(err, ERROR_LIMIT,
			"more than the limit of %zu bytes", limit);
	if (buf->len + more_bytes <= buf->size)
		return 0;
	size = buf->len + more_bytes;
	if (buf->size != 0 && size < buf->size + buf->size / 2)
		size = buf->size + buf->size / 2;
	if (size < SMALL_BYTES)
		size = SMALL_BYTES;
	return resize(buf, size, err);
}

int
buf_add(struct buf *buf, const void *data, size_t len, struct error *err)
{
	if (len == 0)
		return 0;
	if (buf_reserve(buf, len, err) != 0)
		return -1;
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	return 0;
}

int
buf_add_span(struct buf *buf, struct span span, struct error *err)
{
	return buf_add(buf, span.data, span.len, err);
}

int
buf_add_string(struct buf *buf, const char *text, struct error *err)
{
	return buf_add(buf, text, strlen(text), err);
}

int
buf_add_format(struct buf *buf, struct error *err, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return error_set(err, ERROR_SYSTEM, "text cannot be formatted");
	if (buf_reserve(buf, (size_t)len + 1, err) != 0)
		return -1;
	va_start(args, format);
	vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
	return 0;
}

struct span
buf_span(const struct buf *buf)
{
	return span_of(buf->data, buf->len);
}

void
pieces_add(struct pieces *pieces, struct span span)
{
	if (span.len == 0)
		return;
	if (pieces->count == PIECES_MAX)
		abort();
	pieces->item[pieces->count++] = span;
}

void
pieces_add_all(struct pieces *pieces, const struct pieces *more)
{
	for (size_t i = 0; i < more->count; i++)
		pieces_add(pieces, more->item[i]);
}

size_t
pieces_len(const struct pieces *pieces)
{
	size_t len = 0;

	for (size_t i = 0; i < pieces->count; i++)
		len += pieces->item[i].len;
	return len;
}

int
buf_add_pieces(struct buf *buf, const struct pieces *pieces, struct error *err)
{
	if (buf_reserve(buf, pieces_len(pieces), err) != 0)
		return -1;
	for (size_t i = 0; i < pieces->count; i++)
		if (buf_add_span(buf, pieces->item[i], err) != 0)
			return -1;
	return 0;
}

int
sink_put(const struct sink *sink, struct span bytes, struct error *err)
{
	return sink->put(sink->self, bytes, err);
}

static int
put_into_buf(void *self, struct span bytes, struct error *err)
{
	return buf_add_span(self, bytes, err);
}

struct sink
buf_sink(struct buf *buf)
{
	return (struct sink){ put_into_buf, buf };
}
