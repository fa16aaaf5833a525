/* A winmail.dat recognised, decoded and read. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/unpack.h"

/* More of them in one mail stay as they are. */
enum { WINMAILS_MAX = 16, NAME_SIZE = 256 };

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

bool
unpack_is_claimed(const struct mime_entity *entity)
{
	struct mime_type type;

	mime_type_of(entity->header, &type);
	return mime_type_is(&type, "application/ms-tnef") ||
	       mime_type_is(&type, "application/vnd.ms-tnef") ||
	       names_winmail(entity->header);
}

/* ---- reading it ---- */

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

/* One that was cut off at the right place holds nothing, and is not wrong. */
static bool
is_nothing(const struct tnef_message *message)
{
	return message->class == NULL && message->bodies.count == 0 &&
	       message->items.count == 0;
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

int
unpack_read(struct unpacking *u, const struct mime_entity *part,
	struct tnef_message **out)
{
	struct buf *held = mem_alloc(sizeof(*held));
	struct error err = { 0 };
	struct span content;

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
	if (!(*out)->is_incomplete && !is_nothing(*out))
		return 0;
	remember_why(u, *out, NULL);
	if (is_nothing(*out) || u->gateway->tnef_broken == TNEF_BROKEN_INSTEAD)
		*out = NULL;
	return 0;
}
