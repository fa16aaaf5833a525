#include "base/mem.h"
#include "tnef/internal.h"

static const char *const kind_names[] = {
	[TNEF_BODY] = "body",
	[TNEF_ATTACHMENT] = "attachment",
	[TNEF_MESSAGE] = "message",
	[TNEF_CALENDAR] = "calendar",
	[TNEF_CARD] = "card",
};

const char *
tnef_kind_name(enum tnef_kind kind)
{
	return kind_names[kind];
}

struct tnef_item *
tnef_item_new(enum tnef_kind kind, const char *type)
{
	struct tnef_item *item = mem_alloc(sizeof(*item));

	item->kind = kind;
	item->type = mem_string(type);
	item->position = -1;
	return item;
}

void
tnef_item_own(struct tnef_item *item, struct buf *bytes)
{
	buf_clear(&item->owned);
	item->owned = *bytes;
	item->data = buf_span(&item->owned);
	buf_init(bytes, bytes->limit_bytes);
}

void
tnef_item_free(void *self)
{
	struct tnef_item *item = self;

	if (item == NULL)
		return;
	mem_free(item->name);
	mem_free(item->type);
	mem_free(item->charset);
	mem_free(item->method);
	mem_free(item->content_id);
	mem_free(item->content_location);
	buf_clear(&item->owned);
	tnef_message_free(item->message);
	mem_free(item);
}
