#include "base/mem.h"
#include "mime/internal.h"

enum { DEPTH_DEFAULT = 20, PARTS_DEFAULT = 1000, DEPTH_HARD_MAX = 100 };

static int put_entity(
	struct rewriter *r, struct span bytes, bool digest, unsigned depth);

/* ---- composites ---- */

enum kind {
	KIND_LEAF,
	KIND_MESSAGE,
	KIND_MULTIPART,
	KIND_PROTECTED, /* a signature depends on every byte */
	KIND_OPAQUE,	/* must not be encoded, and is not understood */
};

/* The first row that fits; RFC 6532 3.5 lets message/global be encoded. */
static const struct {
	const char *type; /* "x/" is all of x */
	enum kind kind;
} kinds[] = {
	{ "multipart/signed", KIND_PROTECTED },
	{ "multipart/encrypted", KIND_PROTECTED },
	{ "multipart/", KIND_MULTIPART },
	{ "message/rfc822", KIND_MESSAGE },
	{ "message/news", KIND_MESSAGE },
	{ "message/global", KIND_LEAF },
	{ "message/", KIND_OPAQUE },
};

static enum kind
kind_of_type(const struct mime_type *type)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		size_t len = strlen(kinds[i].type);

		if (kinds[i].type[len - 1] != '/') {
			if (mime_type_is(type, kinds[i].type))
				return kinds[i].kind;
		} else if (strlen(type->type) == len - 1 &&
			   strncmp(type->type, kinds[i].type, len - 1) == 0) {
			return kinds[i].kind;
		}
	}
	return KIND_LEAF;
}

static enum kind
kind_of(const struct mime_labels *labels, const struct mime_entity *entity,
	bool digest)
{
	enum kind kind = kind_of_type(&labels->type);

	if (labels->two_types)
		return KIND_OPAQUE;
	if (!labels->has_type && digest)
		kind = KIND_MESSAGE;
	if (kind == KIND_MESSAGE &&
		(labels->encoding == ENCODING_QUOTED ||
			labels->encoding == ENCODING_BASE64))
		return KIND_LEAF;
	if ((kind == KIND_MESSAGE || kind == KIND_MULTIPART) &&
		!mime_is_identity(labels->encoding))
		return KIND_OPAQUE;
	/* Fields given to the message inside would become ours. */
	if (kind == KIND_MESSAGE && entity->separator.len == 0 &&
		entity->body.len != 0)
		return KIND_OPAQUE;
	if (kind == KIND_MULTIPART && labels->type.boundary_len == 0)
		return KIND_OPAQUE;
	return kind;
}

static int
put_multipart(struct rewriter *r, struct span body,
	const struct mime_type *type, unsigned depth)
{
	struct span boundary = span_of(type->boundary, type->boundary_len);
	bool digest = mime_type_is(type, "multipart/digest"), in_part = false;
	const unsigned char *from = body.data; /* not written yet */
	struct span rest = body, part;

	r->report->scanned_bytes += body.len;
	while (rest.len != 0) {
		struct span line = mime_line_next(&rest);
		enum mime_delimiter kind = mime_delimiter_of(line, boundary);

		if (kind == MIME_DELIMITER_NONE)
			continue;
		if (in_part) {
			part = mime_part_before(from, line.data);
			if (put_entity(r, part, digest, depth + 1) != 0)
				return -1;
			from = part.data + part.len;
		}
		if (mime_rewrite_around(r, mime_between(from, rest.data),
			    MIME_RESIDUE_AROUND) != 0)
			return -1;
		from = rest.data;
		in_part = kind == MIME_DELIMITER_PART;
		if (!in_part)
			break;
	}
	part = mime_between(from, body.data + body.len);
	return in_part ? put_entity(r, part, digest, depth + 1)
		       : mime_rewrite_around(r, part, MIME_RESIDUE_AROUND);
}

/* The body is copied to the last byte; LF in it is as bad as the rest. */
static int
put_protected(struct rewriter *r, struct span body)
{
	struct mime_scan scan;

	r->report->scanned_bytes += body.len;
	mime_scan(body, &scan);
	if (scan.flaws & FLAWS_UNSAFE)
		r->report->residue |= MIME_RESIDUE_SIGNED;
	return buf_add_span(r->out, body, r->err);
}

static int
put_composite_body(struct rewriter *r, struct span body,
	const struct mime_labels *labels, enum kind kind, unsigned depth)
{
	switch (kind) {
	case KIND_LEAF:
		break; /* has been dealt with */
	case KIND_MESSAGE:
		return put_entity(r, body, false, depth + 1);
	case KIND_MULTIPART:
		return put_multipart(r, body, &labels->type, depth);
	case KIND_PROTECTED:
		return put_protected(r, body);
	case KIND_OPAQUE:
		return mime_rewrite_around(r, body, MIME_RESIDUE_OPAQUE);
	}
	return 0;
}

/* What is inside did not become 7-bit after all: the label says so again. */
static void
restore_label(struct span written)
{
	struct mime_field field;

	if (mime_field_find(written, "Content-Transfer-Encoding", 0, &field) &&
		span_is_nocase(span_trim(field.value), "7bit"))
		*(unsigned char *)span_trim(field.value).data = '8';
}

static int
put_composite(struct rewriter *r, const struct mime_entity *entity,
	const struct mime_labels *labels, enum kind kind, unsigned depth)
{
	bool relabel = labels->encoding == ENCODING_8BIT ||
		       labels->encoding == ENCODING_BINARY;
	struct mime_patch patch = { .encoding = relabel ? "7bit" : NULL };
	size_t start = r->out->len, header_len;
	unsigned residue;

	if (mime_rewrite_header(r, entity, &patch) != 0)
		return -1;
	header_len = r->out->len - start;
	residue = r->report->residue;
	r->report->residue = 0;
	if (put_composite_body(r, entity->body, labels, kind, depth) != 0)
		return -1;
	if (relabel && r->report->residue != 0)
		restore_label(span_of(r->out->data + start, header_len));
	r->report->residue |= residue;
	return 0;
}

static int
put_entity(struct rewriter *r, struct span bytes, bool digest, unsigned depth)
{
	struct mime_entity entity;
	struct mime_labels labels;
	enum kind kind;

	if (depth > r->limits.depth)
		return error_set(r->err, ERROR_LIMIT,
			"parts are nested deeper than mime_depth = %u",
			r->limits.depth);
	if (++r->parts > r->limits.parts)
		return error_set(r->err, ERROR_LIMIT,
			"more parts than mime_parts = %u", r->limits.parts);
	r->report->scanned_bytes += bytes.len == 0 ? 0 : 1;
	mime_entity_split(bytes, &entity);
	mime_labels_read(entity.header, &labels);
	kind = kind_of(&labels, &entity, digest);
	if (kind == KIND_LEAF)
		return mime_rewrite_leaf(r, &entity, &labels, depth);
	return put_composite(r, &entity, &labels, kind, depth);
}

int
mime_make_fit(struct span entity, const struct mime_limits *limits,
	struct buf *out, struct mime_rewrite *report, struct error *err)
{
	struct rewriter r = { .limits = { DEPTH_DEFAULT, PARTS_DEFAULT },
		.out = out,
		.report = report,
		.err = err };
	size_t start = out->len;

	*report = (struct mime_rewrite){ 0 };
	if (entity.data == NULL)
		entity = SPAN("");
	r.end = entity.data + entity.len;
	if (limits != NULL)
		r.limits = *limits;
	if (r.limits.depth > DEPTH_HARD_MAX)
		r.limits.depth = DEPTH_HARD_MAX;
	if (buf_reserve(out, entity.len + entity.len / 64 + 512, err) != 0)
		return -1;
	if (put_entity(&r, entity, false, 0) == 0)
		return 0;
	mem_wipe(out->data + start, out->len - start);
	out->len = start;
	return -1;
}
