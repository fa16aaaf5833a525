#include "base/base64.h"
#include "mime/internal.h"

static int
put(struct rewriter *r, struct span bytes)
{
	return buf_add_span(r->out, bytes, r->err);
}

/* The encodings that say: these are the bytes themselves. */
bool
mime_is_identity(enum mime_encoding encoding)
{
	return encoding == ENCODING_7BIT || encoding == ENCODING_8BIT ||
	       encoding == ENCODING_BINARY;
}

/* ---- header and what is around parts ---- */

int
mime_rewrite_header(struct rewriter *r, const struct mime_entity *entity,
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
int
mime_rewrite_around(
	struct rewriter *r, struct span bytes, enum mime_residue residue)
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

static bool
is_text(const struct mime_type *type)
{
	return type->type[0] == '\0' || strcmp(type->type, "text") == 0;
}

/*
 * What bytes that stand for themselves become.  At the end of all, behind a
 * last delimiter that closes nothing, readers disagree whether the line end
 * is content: quoted-printable leaves it where it is.
 */
static enum action
choose_encoding(const struct mime_labels *labels, const struct mime_scan *scan,
	size_t len, bool open_end)
{
	bool binary = labels->encoding == ENCODING_BINARY;

	if (!is_text(&labels->type) ||
		(scan->flaws & FLAW_BARE_LF &&
			(binary || scan->flaws & FLAW_NUL)))
		return ACTION_TO_BASE64;
	if (open_end)
		return ACTION_TO_QUOTED;
	return scan->flaws & FLAW_NUL || scan->high > len / BASE64_SHORTER
		       ? ACTION_TO_BASE64
		       : ACTION_TO_QUOTED;
}

static enum action
choose_action(const struct mime_labels *labels, const struct mime_scan *scan,
	struct span body, bool open_end)
{
	enum mime_encoding encoding = labels->encoding;
	unsigned flaws = scan->flaws & flaws_of_encoding[encoding];

	if (flaws == 0)
		return ACTION_KEEP;
	if (flaws == FLAW_BARE_LF && encoding != ENCODING_BINARY &&
		(is_text(&labels->type) || !mime_is_identity(encoding)))
		return ACTION_LINES;
	if (encoding == ENCODING_QUOTED)
		return ACTION_QUOTED_AGAIN;
	if (encoding == ENCODING_BASE64)
		return mime_is_base64(body) ? ACTION_BASE64_AGAIN : ACTION_KEEP;
	return choose_encoding(labels, scan, body.len, open_end);
}

/*
 * A line in it is no field: some readers take it for the first line of the
 * body, and a field added behind it for text.
 */
static bool
is_odd_header(struct span header)
{
	struct span rest = header;
	struct mime_field field;
	size_t len = 0;

	if (header.len == 0)
		return false;
	if (span_starts_nocase(header, "From "))
		header.len -= mime_line_next(&rest).len;
	while (mime_field_next(&rest, &field) == 1)
		len += field.whole.len;
	return len == 0 || len != header.len;
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

/* Are the bytes of the body encoded in another way? */
static bool
is_changed(enum action action)
{
	return action != ACTION_KEEP && action != ACTION_LINES;
}

static struct mime_patch
patch_for(const struct mime_labels *labels, enum action action,
	const struct mime_scan *scan, unsigned depth)
{
	struct mime_patch patch = { .encoding = new_encoding[action] };
	bool relabel = labels->encoding == ENCODING_8BIT ||
		       labels->encoding == ENCODING_BINARY;

	if (!is_changed(action) && !relabel)
		patch.encoding = NULL;
	if (depth == 0 && !labels->has_type && is_changed(action) &&
		action != ACTION_BASE64_AGAIN && scan->flaws & FLAW_8BIT)
		patch.type = "text/plain; charset=unknown-8bit";
	return patch;
}

int
mime_rewrite_leaf(struct rewriter *r, const struct mime_entity *entity,
	const struct mime_labels *labels, unsigned depth)
{
	enum action action;
	struct mime_scan scan;
	struct mime_patch patch;
	const unsigned char *body_end = entity->body.data + entity->body.len;
	bool separate; /* the body may no longer look like no field */

	r->report->leaves++;
	r->report->scanned_bytes += entity->body.len;
	mime_scan(entity->body, &scan);
	action = choose_action(
		labels, &scan, entity->body, depth != 0 && body_end == r->end);
	patch = patch_for(labels, action, &scan, depth);
	separate = is_changed(action);
	if (separate && is_odd_header(entity->header)) {
		r->report->residue |= MIME_RESIDUE_HEADER;
		return put(r, entity->header) || put(r, entity->separator) ||
				       put(r, entity->body)
			       ? -1
			       : 0;
	}
	if (action != ACTION_KEEP || patch.encoding != NULL)
		r->report->changed++;
	if (!is_changed(action) && !mime_is_identity(labels->encoding) &&
		labels->encoding != ENCODING_QUOTED &&
		scan.flaws & (FLAWS_BYTES | FLAW_LONG))
		r->report->residue |= MIME_RESIDUE_ENCODING;
	if (mime_rewrite_header(r, entity, &patch) != 0)
		return -1;
	if (separate && entity->separator.len == 0 &&
		buf_add(r->out, "\r\n", 2, r->err) != 0)
		return -1;
	return put_encoded(r, entity->body, action, &scan);
}
