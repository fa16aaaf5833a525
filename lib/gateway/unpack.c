/*
 * winmail.dat becomes ordinary MIME before it is signed or encrypted.  Only
 * entities that have such a part are built anew; all other parts stay byte for
 * byte, and a part inside of a signature is never looked at.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

/* More of them in one mail stay as they are. */
enum { WINMAILS_MAX = 16, NAME_SIZE = 256 };

struct unpacking {
	const struct gateway *gateway;
	size_t limit_bytes;   /* of what is decoded */
	struct list messages; /* struct tnef_message *: nodes borrow of them */
	struct list contents; /* struct buf *: and they of these */
	struct tnef_limits limits;
	unsigned parts;	  /* looked at */
	unsigned kept;	  /* originals, for something is lost */
	struct error why; /* why the first of them */
	struct trace *trace;
	struct error *err;
};

static int rebuild(struct unpacking *u, struct span bytes, unsigned depth,
	struct mime_node **out);

/* ---- is it one? ---- */

static bool
names_winmail(struct span header)
{
	struct mime_field field;
	struct mime_type type;
	char name[NAME_SIZE];

	mime_type_of(header, &type);
	if (mime_type_parameter(&type, "name", name, sizeof(name)) == 1 &&
		strcasecmp(name, "winmail.dat") == 0)
		return true;
	if (mime_field_find(header, "Content-Disposition", 0, &field) != 1)
		return false;
	type = (struct mime_type){ .value = field.value };
	return mime_type_parameter(&type, "filename", name, sizeof(name)) ==
		       1 &&
	       strcasecmp(name, "winmail.dat") == 0;
}

static bool
claims_tnef(const struct mime_entity *entity)
{
	struct mime_type type;

	mime_type_of(entity->header, &type);
	return mime_type_is(&type, "application/ms-tnef") ||
	       mime_type_is(&type, "application/vnd.ms-tnef") ||
	       names_winmail(entity->header);
}

/* ---- reading it ---- */

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

/* What has been made for one is no more there for the next one. */
static void
count_made(struct unpacking *u, const struct list *items)
{
	const struct tnef_item *item;

	LIST_FOREACH (item, items) {
		size_t left = u->limits.made_bytes, made = item->owned.len;

		u->limits.made_bytes = made < left ? left - made : 1;
		if (item->message == NULL)
			continue;
		count_made(u, &item->message->bodies);
		count_made(u, &item->message->items);
	}
}

static void
trace_message(struct unpacking *u, const struct tnef_message *message)
{
	const char *problem;

	trace_add(u->trace, "winmail.dat: bodies: %zu, other items: %zu%s",
		message->bodies.count, message->items.count,
		message->is_incomplete ? ", something is lost" : "");
	LIST_FOREACH (problem, &message->problems)
		trace_add(u->trace, "winmail.dat: %s", problem);
}

static void
remember_why(struct unpacking *u, const struct tnef_message *message,
	const struct error *err)
{
	if (u->kept++ != 0)
		return;
	if (message == NULL)
		u->why = *err;
	else
		error_set(&u->why, ERROR_FORMAT, "%s",
			message->problems.count != 0
				? (const char *)message->problems.item[0]
				: "something in it cannot be read");
}

/* The message, which is u's; NULL: it stays as it is.  -1: not now. */
static int
read_part(struct unpacking *u, const struct mime_entity *part,
	struct tnef_message **out)
{
	struct buf *held = mem_alloc(sizeof(*held));
	struct error err = { 0 };
	struct span content;
	bool incomplete;

	*out = NULL;
	buf_init(held, u->limit_bytes);
	list_add(&u->contents, held);
	if (u->messages.count == WINMAILS_MAX)
		error_set(&err, ERROR_LIMIT, "more than %d winmail.dat",
			WINMAILS_MAX);
	else if (mime_content(part, held, &content, &err) == 0 &&
		 tnef_read(content, &u->limits, out, &err) == 0)
		list_add(&u->messages, *out);
	if (*out == NULL) {
		buf_clear(held);
		if (err.kind == ERROR_SYSTEM)
			return error_set(u->err, err.kind, "%s", err.text);
		remember_why(u, NULL, &err);
		return 0;
	}
	trace_message(u, *out);
	count_made(u, &(*out)->bodies);
	count_made(u, &(*out)->items);
	incomplete = (*out)->is_incomplete;
	if (incomplete)
		remember_why(u, *out, NULL);
	if (incomplete && u->gateway->tnef_broken == TNEF_BROKEN_INSTEAD)
		*out = NULL;
	return 0;
}

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

	if (!claims_tnef(entity))
		return 0;
	if (read_part(u, entity, &message) != 0)
		return -1;
	if (message != NULL)
		*out = unpack_alone(message, entity);
	return 0;
}

/* ---- one among other parts ---- */

struct part {
	struct span bytes;
	struct mime_entity entity;
	struct mime_node *node; /* NULL: stays as it is */
	struct tnef_message *message;
};

static void
part_free(void *item)
{
	struct part *part = item;

	mime_node_free(part->node);
	mem_free(part);
}

static struct mime_node *
take_node(struct part *part)
{
	struct mime_node *node = part->node;

	part->node = NULL;
	return node != NULL ? node : mime_verbatim_new(part->bytes);
}

static int
look_at_part(struct unpacking *u, struct part *part, unsigned depth, bool mixed)
{
	mime_entity_split(part->bytes, &part->entity);
	if (mixed && claims_tnef(&part->entity))
		return read_part(u, &part->entity, &part->message);
	return rebuild(u, part->bytes, depth + 1, &part->node);
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
		struct part *part = mem_alloc(sizeof(*part));

		part->bytes = bytes;
		list_add(parts, part);
		if (look_at_part(u, part, depth, mixed) != 0)
			return -1;
	}
	return 0;
}

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
		own->is_ascii = strcasecmp(charset, "us-ascii") == 0;
		for (size_t i = 0; i < text.len; i++)
			own->is_ascii = own->is_ascii && text.data[i] < 0x80;
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
		claims_tnef(&part->entity))
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

/* The body of the first one joins that of the mail. */
static struct mime_node *
merge(const struct list *parts, const struct part *first)
{
	struct mime_node *mixed = mime_multipart_new("mixed");
	struct own_body own = { 0 };
	struct part *part, *body = find_body(parts, &own);

	if (body != NULL)
		own.node = take_node(body);
	else
		mime_node_add(mixed, tnef_mail_body(first->message, &own));
	LIST_FOREACH (part, parts) {
		if (part == body)
			mime_node_add(
				mixed, tnef_mail_body(first->message, &own));
		else if (part->message != NULL)
			add_unpacked(mixed, part, &own, part == first);
		else
			mime_node_add(mixed, take_node(part));
	}
	return mime_node_unwrap(mixed);
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
		mime_node_add(all, take_node(part));
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
		*out = with_fields(entity, merge(&parts, first));
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
