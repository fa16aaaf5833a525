/* A winmail.dat in a whole message, without rules and without a daemon. */
#include <string.h>

#include "base/mem.h"
#include "gateway/unpack.h"

enum { DEPTH_MAX = 20, PARTS_MAX = 1000 };

/* ---- the one that is in it ---- */

static int find(struct span bytes, unsigned depth, unsigned *parts,
	struct buf *held, struct span *out, struct error *err) MUST_USE;

static int
find_in_parts(const struct mime_type *type, struct span body, unsigned depth,
	unsigned *parts, struct buf *held, struct span *out, struct error *err)
{
	struct span boundary = span_of(type->boundary, type->boundary_len);
	struct span rest = body, part;
	int found = 0;

	if (mime_parts_begin(&rest, boundary) != 1)
		return 0;
	while (found == 0 && mime_part_next(&rest, boundary, &part) == 1)
		found = find(part, depth + 1, parts, held, out, err);
	return found;
}

static int
find_in_leaf(const struct mime_entity *leaf, struct buf *held, struct span *out,
	struct error *err)
{
	struct error why = { 0 };

	if (!unpack_is_claimed(leaf))
		return 0;
	buf_clear(held);
	if (mime_content(leaf, held, out, &why) == 0)
		return tnef_is(*out);
	return why.kind == ERROR_SYSTEM
		       ? error_set(err, why.kind, "%s", why.text)
		       : 0;
}

static int
find(struct span bytes, unsigned depth, unsigned *parts, struct buf *held,
	struct span *out, struct error *err)
{
	struct mime_entity entity;
	struct mime_type type;

	if (depth > DEPTH_MAX || (*parts)++ >= PARTS_MAX)
		return 0;
	mime_entity_split(bytes, &entity);
	mime_type_of(entity.header, &type);
	if (type.boundary_len != 0 && strcmp(type.type, "multipart") == 0)
		return find_in_parts(
			&type, entity.body, depth, parts, held, out, err);
	if (mime_type_is(&type, "message/rfc822"))
		return find(entity.body, depth + 1, parts, held, out, err);
	return find_in_leaf(&entity, held, out, err);
}

int
gateway_find_tnef(struct span message, struct buf *held, struct span *out,
	struct error *err)
{
	unsigned parts = 0;

	return find(message, 0, &parts, held, out, err);
}

/* ---- the message without it ---- */

int
gateway_unpack_message(
	struct span message, struct buf *out, char **note, struct error *err)
{
	const struct gateway gateway = {
		.limits.mime = { .depth = DEPTH_MAX, .parts = PARTS_MAX },
	};
	struct outcome outcome;
	struct trace trace = { 0 };
	int result;

	outcome_init(&outcome);
	result = unpack_entity(&gateway, message, out, &outcome, &trace, err);
	*note = outcome.note;
	outcome.note = NULL;
	outcome_clear(&outcome);
	trace_clear(&trace);
	return result;
}
