#include <string.h>

#include "tnef/stream.h"

/* References in one HTML body that are looked at; more are rare. */
enum { REFERENCES_MAX = 5000, REFERENCE_MAX_BYTES = 1000 };

/* The reference up to what ends it in an attribute of HTML. */
static struct span
reference_at(struct span html, const unsigned char *at)
{
	size_t left = html.len - (size_t)(at - html.data);
	size_t len = 0;

	while (len < left && len < REFERENCE_MAX_BYTES &&
		strchr("\"'<>) \t\r\n", at[len]) == NULL)
		len++;
	return span_of(at, len);
}

static void
mark(struct tnef_message *message, struct span reference)
{
	struct tnef_item *item;

	LIST_FOREACH (item, &message->items)
		if (item->content_id != NULL &&
			span_is_nocase(reference, item->content_id))
			item->is_inline = true;
}

void
tnef_find_inline(struct tnef_message *message)
{
	const struct tnef_item *body = tnef_message_body(message, "text/html");
	const struct span cid = SPAN("cid:");
	const unsigned char *at;
	struct span rest;

	if (body == NULL)
		return;
	rest = body->data;
	for (unsigned i = 0; i < REFERENCES_MAX; i++) {
		at = span_find(rest, cid);
		if (at == NULL)
			return;
		at += cid.len;
		rest.len -= (size_t)(at - rest.data);
		rest.data = at;
		mark(message, reference_at(rest, at));
	}
}
