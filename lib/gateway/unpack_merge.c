/* A multipart with a winmail.dat: its parts, and what was in it. */
#include <string.h>
#include <strings.h>

#include "gateway/unpack.h"

/* ---- the body beside it ---- */

/* Could its text hold what it should? */
static void
judge_plain(const struct part *part, const struct mime_type *type,
	struct own_body *own)
{
	struct buf held = { 0 };
	struct span text;
	char charset[MIME_TOKEN_MAX] = "us-ascii";

	(void)!mime_type_parameter(type, "charset", charset, sizeof(charset));
	if (mime_content(&part->entity, &held, &text, NULL) == 0) {
		own->is_empty = span_trim(text).len == 0;
		own->is_ascii = strcasecmp(charset, "us-ascii") == 0 &&
				span_is_ascii(text);
	}
	buf_clear(&held);
}

static bool
is_attached(struct span header)
{
	struct mime_field field;

	return mime_field_find(header, "Content-Disposition", 0, &field) == 1 &&
	       !span_starts_nocase(span_trim(field.value), "inline");
}

/* Is it what a reader shows first?  Fills own but for its node. */
static bool
is_body(const struct part *part, struct own_body *own)
{
	struct mime_type type;

	mime_type_of(part->entity.header, &type);
	if (part->message != NULL || is_attached(part->entity.header) ||
		unpack_is_claimed(&part->entity))
		return false;
	own->kind = OWN_RICH;
	if (mime_type_is(&type, "text/plain")) {
		own->kind = OWN_PLAIN;
		judge_plain(part, &type, own);
	} else if (!mime_type_is(&type, "text/html") &&
		   !mime_type_is(&type, "multipart/alternative") &&
		   !mime_type_is(&type, "multipart/related")) {
		own->kind = OWN_NONE;
	}
	return own->kind != OWN_NONE;
}

/* The part itself, or one of an alternative's. */
static bool
is_calendar(struct span bytes, bool alternative)
{
	struct mime_entity entity;
	struct mime_type type;
	struct span boundary, rest, child;

	mime_entity_split(bytes, &entity);
	mime_type_of(entity.header, &type);
	if (mime_type_is(&type, "text/calendar"))
		return true;
	if (!alternative || !mime_type_is(&type, "multipart/alternative"))
		return false;
	boundary = span_of(type.boundary, type.boundary_len);
	rest = entity.body;
	if (mime_parts_begin(&rest, boundary) == 1)
		while (mime_part_next(&rest, boundary, &child) == 1)
			if (is_calendar(child, false))
				return true;
	return false;
}

/* ---- all parts together again ---- */

/* The part that takes the body of the winmail.dat in, or NULL. */
static struct part *
find_body(const struct list *parts, struct own_body *own)
{
	struct part *part, *found = NULL;

	LIST_FOREACH (part, parts) {
		if (found == NULL && is_body(part, own))
			found = part;
		own->has_calendar =
			own->has_calendar || is_calendar(part->bytes, true);
	}
	return found;
}

/* What stands in the place of a winmail.dat; its body perhaps elsewhere. */
static void
add_unpacked(struct mime_node *mixed, const struct part *part,
	const struct own_body *own, bool has_body)
{
	if (has_body)
		tnef_mail_items(part->message, own, mixed);
	else
		mime_node_add(mixed, tnef_mail_content(part->message));
	if (part->message->is_incomplete)
		mime_node_add(mixed, mime_verbatim_new(part->bytes));
}

/* One part without an end of its header: it cannot be the whole mail. */
static bool
is_header_alone(const struct mime_node *mixed)
{
	const struct mime_node *child =
		mixed->children.count == 1 ? mixed->children.item[0] : NULL;
	struct mime_entity entity;

	if (child == NULL || child->kind != MIME_VERBATIM)
		return false;
	mime_entity_split(child->data, &entity);
	return entity.separator.len == 0;
}

/* The body of the first one joins that of the mail. */
struct mime_node *
unpack_merge(const struct list *parts, const struct part *first)
{
	struct mime_node *mixed = mime_multipart_new("mixed");
	struct own_body own = { 0 };
	struct part *part, *body = find_body(parts, &own);

	if (body != NULL)
		own.node = unpack_take_node(body);
	else
		mime_node_add(mixed, tnef_mail_body(first->message, &own));
	LIST_FOREACH (part, parts) {
		if (part == body)
			mime_node_add(
				mixed, tnef_mail_body(first->message, &own));
		else if (part->message != NULL)
			add_unpacked(mixed, part, &own, part == first);
		else
			mime_node_add(mixed, unpack_take_node(part));
	}
	return is_header_alone(mixed) ? mixed : tnef_mail_whole(mixed);
}
