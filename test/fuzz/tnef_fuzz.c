/*
 * Any bytes as a winmail.dat, with small limits: texts are texts, bytes stand
 * in what was given or are owned, no limit is passed, and what is not there
 * has a problem that says so.
 */
#include <stdint.h>
#include <string.h>

#include "must.h"
#include "tnef/tnef.h"

enum { DEPTH = 4, ATTACHMENTS = 20, PEOPLE = 50, PROPERTIES = 2000 };
enum { MADE_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes that follow this one in UTF-8; -1: none begins so. */
static int
following(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c < 0xc2 || c > 0xf4)
		return -1;
	return c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
}

static void
must_be_utf8(const char *text)
{
	while (*text != '\0') {
		int more = following((unsigned char)*text++);

		MUST(more >= 0);
		while (more-- > 0)
			MUST(((unsigned char)*text++ & 0xc0) == 0x80);
	}
}

static void
must_be_line(const char *text)
{
	if (text == NULL)
		return;
	MUST(text[0] != '\0');
	must_be_utf8(text);
	for (const char *at = text; *at != '\0'; at++)
		MUST((unsigned char)*at >= ' ' && *at != 0x7f);
}

static void
must_be_of(struct span given, const struct tnef_item *item)
{
	if (item->owned.data != NULL) {
		MUST(item->data.data == item->owned.data);
		MUST(item->data.len == item->owned.len);
	} else if (item->data.len > 0) {
		MUST(item->data.data >= given.data &&
			item->data.data + item->data.len <=
				given.data + given.len);
	}
}

struct counts {
	size_t attachments;
	size_t people;
	size_t made_bytes;
};

static void look_at(struct span given, const struct tnef_message *message,
	unsigned depth, struct counts *counts);

static void
look_at_item(struct span given, const struct tnef_item *item, unsigned depth,
	struct counts *counts)
{
	must_be_line(item->name);
	must_be_line(item->type);
	must_be_line(item->charset);
	must_be_line(item->content_id);
	must_be_line(item->content_location);
	must_be_of(given, item);
	counts->made_bytes += item->owned.len;
	if (item->name != NULL && item->kind == TNEF_ATTACHMENT)
		MUST(strpbrk(item->name, "/\\") == NULL);
	MUST((item->kind == TNEF_MESSAGE) == (item->message != NULL));
	if (item->message != NULL)
		look_at(given, item->message, depth + 1, counts);
}

static void
look_at(struct span given, const struct tnef_message *message, unsigned depth,
	struct counts *counts)
{
	const struct tnef_person *person;
	const struct tnef_item *item;
	const char *problem;

	MUST(depth <= DEPTH);
	must_be_line(message->class);
	must_be_line(message->subject);
	must_be_line(message->message_id);
	LIST_FOREACH (person, &message->people) {
		MUST(person->name != NULL || person->address != NULL);
		must_be_line(person->name);
		must_be_line(person->address);
	}
	LIST_FOREACH (item, &message->bodies) {
		MUST(item->kind == TNEF_BODY && item->type != NULL);
		MUST(tnef_message_body(message, item->type) == item);
		look_at_item(given, item, depth, counts);
	}
	LIST_FOREACH (item, &message->items) {
		counts->attachments += item->kind == TNEF_ATTACHMENT ||
				       item->kind == TNEF_MESSAGE;
		look_at_item(given, item, depth, counts);
	}
	LIST_FOREACH (problem, &message->problems)
		must_be_line(problem);
	MUST(!message->is_incomplete || message->problems.count > 0);
	counts->people += message->people.count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct tnef_limits limits = { .depth = DEPTH,
		.attachments = ATTACHMENTS,
		.people = PEOPLE,
		.properties = PROPERTIES,
		.made_bytes = MADE_BYTES };
	struct tnef_message *message = NULL;
	struct span given = span_of(data, size);
	struct counts counts = { 0 };
	struct error err = { 0 };

	if (tnef_read(given, &limits, &message, &err) != 0) {
		MUST(err.kind == ERROR_FORMAT && !tnef_is(given));
		return 0;
	}
	look_at(given, message, 1, &counts);
	MUST(counts.attachments <= ATTACHMENTS && counts.people <= PEOPLE);
	MUST(counts.made_bytes <= MADE_BYTES);
	tnef_message_free(message);
	return 0;
}
