#include "base/mem.h"
#include "tnef/internal.h"

static void
free_person(void *self)
{
	struct tnef_person *person = self;

	mem_free(person->name);
	mem_free(person->address);
	mem_free(person);
}

void
tnef_message_free(struct tnef_message *message)
{
	if (message == NULL)
		return;
	mem_free(message->class);
	mem_free(message->subject);
	mem_free(message->message_id);
	mem_free(message->in_reply_to);
	mem_free(message->references);
	list_clear(&message->people, free_person);
	list_clear(&message->bodies, tnef_item_free);
	list_clear(&message->items, tnef_item_free);
	list_clear(&message->problems, mem_free);
	mem_free(message);
}

const struct tnef_item *
tnef_message_body(const struct tnef_message *message, const char *type)
{
	const struct tnef_item *item;

	LIST_FOREACH (item, &message->bodies)
		if (span_is_nocase(span_string(item->type), type))
			return item;
	return NULL;
}
