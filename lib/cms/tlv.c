#include "cms/internal.h"

enum { LENGTH_BYTES_MAX = 8, TAG_NUMBER = 0x1f };

struct header {
	unsigned char tag;
	size_t len;	/* header only */
	size_t content; /* 0 when indefinite */
	bool indefinite;
};

/* 1, or 0 when it is malformed or does not fit into what is there. */
static int
read_header(struct span at, unsigned *work, struct header *out)
{
	size_t bytes, content = 0;

	if (at.len < 2 || (*work)++ >= CMS_ELEMENTS_MAX ||
		(at.data[0] & TAG_NUMBER) == TAG_NUMBER)
		return 0;
	*out = (struct header){ .tag = at.data[0], .len = 2 };
	if (at.data[1] == 0x80) {
		out->indefinite = true;
		return (out->tag & CONSTRUCTED) != 0;
	}
	if (at.data[1] < 0x80) {
		out->content = at.data[1];
		return out->content <= at.len - 2;
	}
	bytes = at.data[1] & 0x7f;
	if (bytes > LENGTH_BYTES_MAX || bytes > at.len - 2)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		content = content << 8 | at.data[2 + i];
	out->len += bytes;
	out->content = content;
	return content <= at.len - out->len;
}

static bool
is_end(struct span at)
{
	return at.len >= 2 && at.data[0] == 0 && at.data[1] == 0;
}

static struct span
skip(struct span at, size_t len)
{
	return span_of(at.data + len, at.len - len);
}

/*
 * Where the content of an indefinite length ends: before the end-of-contents
 * that belongs to it.  What has a definite length is jumped over whole, so a
 * counter is enough and nothing recurses.
 */
static int
find_end(struct span at, unsigned *work, size_t *len)
{
	const unsigned char *start = at.data;
	struct header header;
	unsigned open = 1;

	for (;;) {
		if (is_end(at)) {
			if (--open == 0) {
				*len = (size_t)(at.data - start);
				return 1;
			}
			at = skip(at, 2);
			continue;
		}
		if (!read_header(at, work, &header))
			return 0;
		if (header.indefinite && ++open > CMS_DEPTH_MAX)
			return 0;
		at = skip(at, header.len + header.content);
	}
}

int
tlv_next(struct tlv_reader *reader, struct tlv *tlv)
{
	struct span at = reader->rest;
	struct header header;
	size_t len;

	if (at.len == 0)
		return 0;
	if (!read_header(at, reader->work, &header))
		return -1;
	len = header.content;
	if (header.indefinite &&
		!find_end(skip(at, header.len), reader->work, &len))
		return -1;
	tlv->tag = header.tag;
	tlv->content = span_of(at.data + header.len, len);
	len += header.len + (header.indefinite ? 2 : 0);
	tlv->whole = span_of(at.data, len);
	reader->rest = skip(at, len);
	return 1;
}

int
tlv_take(struct tlv_reader *reader, unsigned char tag, struct tlv *tlv)
{
	if (reader->rest.len == 0 || reader->rest.data[0] != tag)
		return 0;
	return tlv_next(reader, tlv);
}

struct tlv_reader
tlv_inside(const struct tlv_reader *reader, const struct tlv *tlv)
{
	return (struct tlv_reader){ tlv->content, reader->work };
}

bool
tlv_need(struct tlv_reader *reader, unsigned char tag, struct tlv *tlv)
{
	return tlv_take(reader, tag, tlv) == 1 && tlv->content.len != 0;
}

bool
tlv_at_end(const struct tlv_reader *reader)
{
	return reader->rest.len == 0;
}

/* ---- OCTET STRINGs, which BER may cut into pieces ---- */

void
octets_begin(struct octets *octets, const struct tlv_reader *reader,
	const struct tlv *tlv)
{
	*octets = (struct octets){ .whole = span_of(NULL, 0) };
	octets->level[0] = tlv_inside(reader, tlv);
	if ((tlv->tag & CONSTRUCTED) != 0)
		return;
	octets->whole = tlv->content;
	octets->level[0].rest.len = 0;
}

int
octets_next(struct octets *octets, struct span *out)
{
	struct tlv piece;
	int got;

	if (octets->whole.data != NULL) {
		*out = octets->whole;
		octets->whole = span_of(NULL, 0);
		return 1;
	}
	for (;;) {
		got = tlv_next(&octets->level[octets->depth], &piece);
		if (got == -1)
			return -1;
		if (got == 0 && octets->depth == 0)
			return 0;
		if (got == 0) {
			octets->depth--;
			continue;
		}
		if (piece.tag == DER_OCTETS) {
			*out = piece.content;
			return 1;
		}
		if (piece.tag != (DER_OCTETS | CONSTRUCTED) ||
			octets->depth + 1 == OCTETS_DEPTH_MAX)
			return -1;
		octets->level[octets->depth + 1] =
			tlv_inside(&octets->level[octets->depth], &piece);
		octets->depth++;
	}
}

int
octets_count(
	const struct tlv_reader *reader, const struct tlv *tlv, size_t *count)
{
	struct octets octets;
	struct span piece;
	int got;

	*count = 0;
	octets_begin(&octets, reader, tlv);
	while ((got = octets_next(&octets, &piece)) == 1)
		*count += piece.len;
	return got == 0;
}
