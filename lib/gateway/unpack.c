/*
 * winmail.dat becomes ordinary MIME before it is signed or encrypted.  Only
 * entities that have such a part are built anew; all other parts stay byte for
 * byte, and a part inside of a signature is never looked at.
 */
#include <string.h>

#include "base/mem.h"
#include "gateway/unpack.h"

static int rebuild(struct unpacking *u, struct span bytes, unsigned depth,
	struct mime_node **out);

/* ---- header fields ---- */

/* What speaks of the bytes that are no more there. */
static bool
is_about_content(struct span name)
{
	static const char *const names[] = { "Content-Type",
		"Content-Transfer-Encoding", "Content-Disposition",
		"Content-Description", "Content-ID", "Content-Location",
		"Content-MD5", "Content-Length" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (span_is_nocase(name, names[i]))
			return true;
	return false;
}

/* The fields of one sort, one after the other. */
static void
add_fields(struct mime_node *to, struct span header, bool about_content)
{
	struct mime_field field;

	while (mime_field_next(&header, &field) == 1)
		if (is_about_content(field.name) == about_content)
			mime_node_add(to, mime_verbatim_new(field.whole));
}

/* A root that is built anew keeps every other field it had. */
static struct mime_node *
with_fields(const struct mime_entity *entity, struct mime_node *content)
{
	struct mime_node *all = mime_sequence_new();

	add_fields(all, entity->header, false);
	mime_node_add(all, content);
	return all;
}

/* The original as a part, when it was the root of a message before. */
static struct mime_node *
original(const struct mime_entity *entity)
{
	struct mime_node *all = mime_sequence_new();

	add_fields(all, entity->header, true);
	mime_node_add(all, mime_verbatim_new(SPAN("\r\n")));
	mime_node_add(all, mime_verbatim_new(entity->body));
	return all;
}

/* ---- one that stands alone ---- */

static struct mime_node *
unpack_alone(
	const struct tnef_message *message, const struct mime_entity *entity)
{
	struct mime_node *mixed = mime_multipart_new("mixed");

	mime_node_add(mixed, tnef_mail_content(message));
	if (message->is_incomplete)
		mime_node_add(mixed, original(entity));
	return with_fields(entity, mime_node_unwrap(mixed));
}

static int
rebuild_leaf(struct unpacking *u, const struct mime_entity *entity,
	struct mime_node **out)
{
	struct tnef_message *message;

	if (!unpack_is_claimed(entity))
		return 0;
	if (unpack_read(u, entity, &message) != 0)
		return -1;
	if (message != NULL)
		*out = unpack_alone(message, entity);
	return 0;
}

/* ---- one among other parts ---- */

static void
part_free(void *item)
{
	struct part *part = item;

	mime_node_free(part->node);
	mem_free(part);
}

static int
look_at_part(struct unpacking *u, struct part *part, unsigned depth, bool mixed)
{
	mime_entity_split(part->bytes, &part->entity);
	if (mixed && unpack_is_claimed(&part->entity))
		return unpack_read(u, &part->entity, &part->message);
	return rebuild(u, part->bytes, depth + 1, &part->node);
}

/* There are too many: they all stay as they are. */
static void
keep_all(struct unpacking *u, struct list *parts)
{
	if (u->kept++ == 0)
		error_set(&u->why, ERROR_LIMIT,
			"the mail has more parts than the limit allows");
	list_clear(parts, part_free);
}

static int
read_parts(struct unpacking *u, struct span body, const struct mime_type *type,
	unsigned depth, struct list *parts)
{
	struct span boundary = span_of(type->boundary, type->boundary_len);
	bool mixed = mime_type_is(type, "multipart/mixed");
	struct span rest = body, bytes;

	if (mime_parts_begin(&rest, boundary) != 1)
		return 0;
	while (mime_part_next(&rest, boundary, &bytes) == 1) {
		struct part *part;

		if (parts->count == u->gateway->limits.mime.parts) {
			keep_all(u, parts);
			return 0;
		}
		part = mem_alloc(sizeof(*part));

		part->bytes = bytes;
		list_add(parts, part);
		if (look_at_part(u, part, depth, mixed) != 0)
			return -1;
	}
	return 0;
}

struct mime_node *
unpack_take_node(struct part *part)
{
	struct mime_node *node = part->node;

	part->node = NULL;
	return node != NULL ? node : mime_verbatim_new(part->bytes);
}

/* Everything around the parts stays, and the parts that did not change. */
static struct mime_node *
splice(struct span bytes, const struct list *parts)
{
	struct mime_node *all = mime_sequence_new();
	const unsigned char *from = bytes.data;
	struct part *part;

	LIST_FOREACH (part, parts) {
		if (part->node == NULL)
			continue;
		mime_node_add(all, mime_verbatim_new(span_of(from,
					   (size_t)(part->bytes.data - from))));
		mime_node_add(all, unpack_take_node(part));
		from = part->bytes.data + part->bytes.len;
	}
	mime_node_add(all, mime_verbatim_new(span_of(from,
				   (size_t)(bytes.data + bytes.len - from))));
	return all;
}

static int
rebuild_multipart(struct unpacking *u, struct span bytes,
	const struct mime_entity *entity, const struct mime_type *type,
	unsigned depth, struct mime_node **out)
{
	struct list parts = { 0 };
	const struct part *part, *first = NULL;
	bool changed = false;
	int result = read_parts(u, entity->body, type, depth, &parts);

	LIST_FOREACH (part, &parts) {
		if (first == NULL && part->message != NULL)
			first = part;
		changed = changed || part->node != NULL;
	}
	if (result == 0 && first != NULL)
		*out = with_fields(entity, unpack_merge(&parts, first));
	else if (result == 0 && changed)
		*out = splice(bytes, &parts);
	list_clear(&parts, part_free);
	return result;
}

static int
rebuild_message(struct unpacking *u, const struct mime_entity *entity,
	struct span bytes, unsigned depth, struct mime_node **out)
{
	struct mime_node *inside = NULL;
	size_t around = bytes.len - entity->body.len;

	if (rebuild(u, entity->body, depth + 1, &inside) != 0)
		return -1;
	if (inside == NULL)
		return 0;
	*out = mime_sequence_new();
	mime_node_add(*out, mime_verbatim_new(span_of(bytes.data, around)));
	mime_node_add(*out, inside);
	return 0;
}

/* *out stays NULL when nothing changes. */
static int
rebuild(struct unpacking *u, struct span bytes, unsigned depth,
	struct mime_node **out)
{
	const struct mime_limits *limits = &u->gateway->limits.mime;
	struct mime_entity entity;
	struct mime_type type;

	if (depth > limits->depth || u->parts++ >= limits->parts)
		return 0;
	mime_entity_split(bytes, &entity);
	if (mime_field_count(entity.header, "Content-Type") > 1 ||
		entity.separator.len == 0)
		return 0;
	mime_type_of(entity.header, &type);
	if (mime_type_is(&type, "multipart/signed") ||
		mime_type_is(&type, "multipart/encrypted"))
		return 0;
	if (strcmp(type.type, "multipart") != 0 &&
		!mime_type_is(&type, "message/rfc822"))
		return rebuild_leaf(u, &entity, out);
	if (!mime_is_not_encoded(entity.header))
		return 0;
	if (type.boundary_len != 0)
		return rebuild_multipart(u, bytes, &entity, &type, depth, out);
	return strcmp(type.type, "message") == 0
		       ? rebuild_message(u, &entity, bytes, depth, out)
		       : 0;
}

/* ---- the mail ---- */

static void
message_free(void *item)
{
	tnef_message_free(item);
}

static void
buf_free(void *item)
{
	buf_clear(item);
	mem_free(item);
}

static void
note_kept(struct unpacking *u, struct outcome *outcome)
{
	char *old = outcome->note;

	outcome->note = mem_printf("%s%swinmail.dat kept: %s",
		old != NULL ? old : "", old != NULL ? "; " : "", u->why.text);
	mem_free(old);
}

int
unpack_entity(const struct gateway *gateway, struct span entity,
	struct buf *out, struct outcome *outcome, struct trace *trace,
	struct error *err)
{
	struct unpacking u = { .gateway = gateway,
		.trace = trace,
		.limit_bytes = out->limit_bytes,
		.limits = gateway->limits.tnef,
		.err = err };
	struct mime_node *root = NULL;
	struct error why = { 0 };
	int result = rebuild(&u, entity, 0, &root);

	if (result == 0 && root != NULL && mime_compose(root, out, &why) != 0) {
		buf_clear(out);
		if (why.kind == ERROR_SYSTEM)
			result = error_set(err, why.kind, "%s", why.text);
		else if (u.kept++ == 0)
			u.why = why;
	}
	if (result == 0 && u.kept != 0)
		note_kept(&u, outcome);
	mime_node_free(root);
	list_clear(&u.messages, message_free);
	list_clear(&u.contents, buf_free);
	return result;
}
