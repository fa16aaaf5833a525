/*
 * Bytes: a span borrows them, a buf owns them, pieces are several spans that
 * stand for one run of bytes (so that a body of 25 MB need not be copied to
 * get a header in front of it).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"

struct span {
	const unsigned char *data; /* NULL: there is no such thing */
	size_t len;
};

/* A string literal, and a C string, as spans. */
#define SPAN(literal)                                                          \
	((struct span){ (const unsigned char *)(literal), sizeof(literal) - 1 })
struct span span_string(const char *text);
struct span span_of(const void *data, size_t len);

bool span_equal(struct span a, struct span b);
bool span_is(struct span a, const char *text);	      /* byte for byte */
bool span_is_nocase(struct span a, const char *text); /* ASCII */
bool span_starts_nocase(struct span a, const char *text);
bool span_ends_nocase(struct span a, const char *text);
/* Where needle first stands in a, or NULL. */
const unsigned char *span_find(struct span a, struct span needle);
bool span_is_ascii(struct span a);
/* Without blanks, tabs and line ends at both ends. */
struct span span_trim(struct span a);

/*
 * A buffer: zeroed or after buf_init it is empty.  It grows by itself up to
 * limit_bytes; adding more is ERROR_LIMIT, no memory is ERROR_SYSTEM.  Its
 * bytes are wiped when it is cleared or moves.
 */
struct buf {
	unsigned char *data;
	size_t len;
	size_t size;	    /* allocated */
	size_t limit_bytes; /* 0: BUF_LIMIT_DEFAULT */
};

#define BUF_LIMIT_DEFAULT ((size_t)1 << 30)

void buf_init(struct buf *buf, size_t limit_bytes);
void buf_clear(struct buf *buf);
/* Forget the bytes, keep the memory (the bytes are wiped). */
void buf_reset(struct buf *buf);
int buf_reserve(struct buf *buf, size_t more_bytes, struct error *err) MUST_USE;
int buf_add(struct buf *buf, const void *data, size_t len,
	struct error *err) MUST_USE;
int buf_add_span(struct buf *buf, struct span span, struct error *err) MUST_USE;
int buf_add_string(
	struct buf *buf, const char *text, struct error *err) MUST_USE;
int buf_add_format(struct buf *buf, struct error *err, const char *format,
	...) MUST_USE PRINTF_LIKE(3, 4);
struct span buf_span(const struct buf *buf);

enum { PIECES_MAX = 16 };

struct pieces {
	struct span item[PIECES_MAX];
	size_t count;
};

/* Empty spans are left out.  More than PIECES_MAX is a programmer's error. */
void pieces_add(struct pieces *pieces, struct span span);
void pieces_add_all(struct pieces *pieces, const struct pieces *more);
size_t pieces_len(const struct pieces *pieces);
int buf_add_pieces(struct buf *buf, const struct pieces *pieces,
	struct error *err) MUST_USE;

/*
 * Where bytes go that come bit by bit: put returns 0, or -1 with err filled.
 */
struct sink {
	int (*put)(void *self, struct span bytes, struct error *err);
	void *self;
};

int sink_put(
	const struct sink *sink, struct span bytes, struct error *err) MUST_USE;
/* A sink that appends to a buffer. */
struct sink buf_sink(struct buf *buf);

#endif
