#include "base/base64.h"
#include "base/mem.h"
#include "mime/internal.h"

enum { DEPTH_DEFAULT = 20, PARTS_DEFAULT = 1000, DEPTH_HARD_MAX = 100 };

struct rewriter {
	struct mime_limits limits;
	struct buf *out;
	struct mime_rewrite *report;
	const unsigned char *end; /* of the whole entity */
	unsigned parts;
	struct error *err;
};

static int put_entity(
	struct rewriter *r, struct span bytes, bool digest, unsigned depth);

static int
put(struct rewriter *r, struct span bytes)
{
	return buf_add_span(r->out, bytes, r->err);
}

/* The encodings that say: these are the bytes themselves. */
static bool
is_identity(enum mime_encoding encoding)
{
	return encoding == ENCODING_7BIT || encoding == ENCODING_8BIT ||
	       encoding == ENCODING_BINARY;
}

/* ---- header and what is around parts ---- */

static int
put_header(struct rewriter *r, const struct mime_entity *entity,
	const struct mime_patch *patch)
{
	unsigned flaws = 0;

	r->report->scanned_bytes += entity->header.len;
	if (mime_put_header(r->out, entity->header, patch, &flaws, r->err))
		return -1;
	if (flaws & (FLAWS_BYTES | FLAW_LONG))
		r->report->residue |= MIME_RESIDUE_HEADER;
	return mime_put_lines(r->out, entity->separator, r->err);
}

/* Bytes that cannot be encoded: LF is repaired, the rest is residue. */
static int
put_around(struct rewriter *r, struct span bytes, enum mime_residue residue)
{
	struct mime_scan scan;

	mime_scan(bytes, &scan);
	r->report->scanned_bytes += bytes.len;
	if (scan.flaws & (FLAWS_BYTES | FLAW_LONG))
		r->report->residue |= residue;
	if (scan.flaws & FLAW_BARE_LF)
		return mime_put_lines(r->out, bytes, r->err);
	return put(r, bytes);
}

/* ---- leaves ---- */

enum action {
	ACTION_KEEP,
	ACTION_LINES,
	ACTION_TO_QUOTED,
	ACTION_TO_BASE64,
	ACTION_QUOTED_AGAIN,
	ACTION_BASE64_AGAIN,
};

/* Which flaws a body has to be changed for, under each encoding. */
static const unsigned flaws_of_encoding[] = {
	[ENCODING_7BIT] = FLAWS_ALL,
	[ENCODING_8BIT] = FLAWS_ALL,
	[ENCODING_BINARY] = FLAWS_ALL,
	[ENCODING_QUOTED] = FLAWS_UNSAFE | FLAW_FROM,
	[ENCODING_BASE64] = FLAWS_UNSAFE,
	[ENCODING_UNKNOWN] = FLAW_BARE_LF,
};

/* More than one byte in six with the eighth bit: base64 is shorter. */
enum { BASE64_SHORTER = 6 };

static enum action
choose_action(const struct mime_labels *labels, const struct mime_scan *scan,
	size_t len)
{
	enum mime_encoding encoding = labels->encoding;
	unsigned flaws = scan->flaws & flaws_of_encoding[encoding];
	const char *type = labels->type.type;
	bool text = type[0] == '\0' || strcmp(type, "text") == 0;

	if (flaws == 0)
		return ACTION_KEEP;
	if (flaws == FLAW_BARE_LF && encoding != ENCODING_BINARY &&
		(text || !is_identity(encoding)))
		return ACTION_LINES;
	if (encoding == ENCODING_QUOTED)
		return ACTION_QUOTED_AGAIN;
	if (encoding == ENCODING_BASE64)
		return ACTION_BASE64_AGAIN;
	if (!text || flaws & FLAW_NUL || scan->high > len / BASE64_SHORTER ||
		(flaws & FLAW_BARE_LF && encoding == ENCODING_BINARY))
		return ACTION_TO_BASE64;
	return ACTION_TO_QUOTED;
}

/*
 * A header in which nothing is a field, or that begins with a fold of
 * nothing, is read differently by different readers: a field added to it
 * could become text.
 */
static bool
is_odd_header(struct span header)
{
	struct mime_field field;

	if (header.len == 0)
		return false;
	return mime_is_blank(header.data[0]) ||
	       mime_field_next(&header, &field) == 0;
}

/* Room for the leaf and for all that comes behind it: no growth in steps. */
static int
reserve(struct rewriter *r, struct span body, size_t encoded_len)
{
	size_t behind = (size_t)(r->end - (body.data + body.len));

	return buf_reserve(r->out, encoded_len + behind, r->err);
}

static int
put_encoded(struct rewriter *r, struct span body, enum action action,
	const struct mime_scan *scan)
{
	size_t quoted_len = body.len + body.len / 32 + 2 * scan->high;
	bool last = body.data + body.len == r->end;

	switch (action) {
	case ACTION_KEEP:
		return put(r, body);
	case ACTION_LINES:
		return mime_put_lines(r->out, body, r->err);
	case ACTION_TO_QUOTED:
	case ACTION_QUOTED_AGAIN:
		if (reserve(r, body, quoted_len) != 0)
			return -1;
		return mime_put_quoted(
			r->out, body, action == ACTION_QUOTED_AGAIN, r->err);
	case ACTION_TO_BASE64:
		if (reserve(r, body, base64_len(body.len)) != 0 ||
			mime_put_base64(r->out, body, r->err) != 0)
			return -1;
		break;
	case ACTION_BASE64_AGAIN:
		if (mime_put_base64_again(r->out, body, r->err) != 0)
			return -1;
		break;
	}
	/* Elsewhere the line end before the delimiter is there already. */
	return last ? buf_add(r->out, "\r\n", 2, r->err) : 0;
}

static const char *const new_encoding[] = {
	[ACTION_KEEP] = "7bit",
	[ACTION_LINES] = "7bit",
	[ACTION_TO_QUOTED] = "quoted-printable",
	[ACTION_TO_BASE64] = "base64",
	[ACTION_QUOTED_AGAIN] = NULL,
	[ACTION_BASE64_AGAIN] = NULL,
};

static struct mime_patch
patch_for(const struct mime_labels *labels, enum action action,
	const struct mime_scan *scan, unsigned depth)
{
	struct mime_patch patch = { .encoding = new_encoding[action] };
	bool relabel = labels->encoding == ENCODING_8BIT ||
		       labels->encoding == ENCODING_BINARY;

	if ((action == ACTION_KEEP || action == ACTION_LINES) && !relabel)
		patch.encoding = NULL;
	if (depth == 0 && !labels->has_type && scan->flaws & FLAW_8BIT)
		patch.type = "text/plain; charset=unknown-8bit";
	return patch;
}

static int
put_leaf(struct rewriter *r, const struct mime_entity *entity,
	const struct mime_labels *labels, unsigned depth)
{
	enum action action;
	struct mime_scan scan;
	struct mime_patch patch;

	r->report->leaves++;
	r->report->scanned_bytes += entity->body.len;
	mime_scan(entity->body, &scan);
	action = choose_action(labels, &scan, entity->body.len);
	patch = patch_for(labels, action, &scan, depth);
	if (patch.encoding != NULL && is_odd_header(entity->header)) {
		r->report->residue |= MIME_RESIDUE_HEADER;
		return put(r, entity->header) || put(r, entity->separator) ||
				       put(r, entity->body)
			       ? -1
			       : 0;
	}
	if (action != ACTION_KEEP || patch.encoding != NULL)
		r->report->changed++;
	if (labels->encoding == ENCODING_UNKNOWN &&
		scan.flaws & (FLAWS_BYTES | FLAW_LONG))
		r->report->residue |= MIME_RESIDUE_ENCODING;
	if (put_header(r, entity, &patch) != 0)
		return -1;
	if (patch.encoding != NULL && entity->separator.len == 0 &&
		buf_add(r->out, "\r\n", 2, r->err) != 0)
		return -1;
	return put_encoded(r, entity->body, action, &scan);
}

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
kind_of(const struct mime_labels *labels, bool digest)
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
		!is_identity(labels->encoding))
		return KIND_OPAQUE;
	if (kind == KIND_MULTIPART && labels->type.boundary_len == 0)
		return KIND_OPAQUE;
	return kind;
}

enum delimiter { DELIMITER_NONE, DELIMITER_PART, DELIMITER_CLOSE };

static enum delimiter
delimiter_of(struct span line, struct span boundary)
{
	enum delimiter kind = DELIMITER_PART;
	size_t at = boundary.len + 2;

	if (line.len < at || line.data[0] != '-' || line.data[1] != '-' ||
		memcmp(line.data + 2, boundary.data, boundary.len) != 0)
		return DELIMITER_NONE;
	line = mime_line_text(line);
	if (line.len >= at + 2 && memcmp(line.data + at, "--", 2) == 0) {
		kind = DELIMITER_CLOSE;
		at += 2;
	}
	while (at < line.len && mime_is_blank(line.data[at]))
		at++;
	return at == line.len ? kind : DELIMITER_NONE;
}

/* The line end before a delimiter is the delimiter's (RFC 2046 5.1.1). */
static struct span
part_before(const unsigned char *part, const unsigned char *delimiter)
{
	struct span bytes = mime_between(part, delimiter);

	bytes.len -= mime_line_end(bytes);
	return bytes;
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
		enum delimiter kind = delimiter_of(line, boundary);

		if (kind == DELIMITER_NONE)
			continue;
		if (in_part) {
			part = part_before(from, line.data);
			if (put_entity(r, part, digest, depth + 1) != 0)
				return -1;
			from = part.data + part.len;
		}
		if (put_around(r, mime_between(from, rest.data),
			    MIME_RESIDUE_AROUND) != 0)
			return -1;
		from = rest.data;
		in_part = kind == DELIMITER_PART;
		if (!in_part)
			break;
	}
	part = mime_between(from, body.data + body.len);
	return in_part ? put_entity(r, part, digest, depth + 1)
		       : put_around(r, part, MIME_RESIDUE_AROUND);
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
	return put(r, body);
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
		return put_around(r, body, MIME_RESIDUE_OPAQUE);
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
	unsigned residue = r->report->residue;

	if (put_header(r, entity, &patch) != 0)
		return -1;
	header_len = r->out->len - start;
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
	kind = kind_of(&labels, digest);
	if (kind == KIND_LEAF)
		return put_leaf(r, &entity, &labels, depth);
	return put_composite(r, &entity, &labels, kind, depth);
}

int
mime_make_fit(struct span entity, const struct mime_limits *limits,
	struct buf *out, struct mime_rewrite *report, struct error *err)
{
	struct rewriter r = { .limits = { DEPTH_DEFAULT, PARTS_DEFAULT },
		.out = out,
		.report = report,
		.end = entity.data + entity.len,
		.err = err };
	size_t start = out->len;

	*report = (struct mime_rewrite){ 0 };
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
