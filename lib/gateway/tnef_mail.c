/*
 * What a winmail.dat holds, as mail: a body, with what it refers to, and what
 * stands beside it.
 */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "gateway/unpack.h"

enum { WORD_MAX_BYTES = 900 };

/* ---- leaves ---- */

static struct mime_node *
text_node(const struct tnef_item *item)
{
	const char *charset = item->charset;

	if (charset == NULL)
		charset =
			span_is_ascii(item->data) ? "us-ascii" : "unknown-8bit";
	return mime_text_new(item->type, charset, item->data);
}

/* METHOD stands in its type, too (RFC 6047 2.4). */
static struct mime_node *
calendar_node(const struct tnef_item *item)
{
	struct mime_node *node = mime_text_new("text/calendar",
		item->charset != NULL ? item->charset : "utf-8", item->data);

	mime_node_say(node, "method", item->method);
	return node;
}

/* ---- the fields of a message ---- */

static void
say_time(struct mime_node *node, time_t when)
{
	struct tm tm;
	char text[64];

	if (when != 0 && gmtime_r(&when, &tm) != NULL &&
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000",
			&tm) != 0)
		mime_node_say(node, "Date", text);
}

/* No word is too long for a line: it can be folded at blanks only. */
static bool
is_foldable(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (len > WORD_MAX_BYTES)
			return false;
		text += len + (text[len] == ' ');
	}
	return true;
}

/* Something in < >, as it has to be (RFC 5322 3.6.4). */
static void
say_id(struct mime_node *node, const char *name, const char *id)
{
	if (id != NULL && id[0] == '<' && strchr(id, '>') != NULL &&
		span_is_ascii(span_string(id)) && is_foldable(id))
		mime_node_say(node, name, id);
}

static void
say_fields(struct mime_node *node, const struct tnef_message *message)
{
	static const char *const fields[] = {
		[TNEF_FROM] = "From",
		[TNEF_SENDER] = "Sender",
		[TNEF_TO] = "To",
		[TNEF_CC] = "Cc",
		[TNEF_BCC] = "Bcc",
		[TNEF_REPLY_TO] = "Reply-To",
	};
	const struct tnef_person *person;

	LIST_FOREACH (person, &message->people)
		if (person->name != NULL || person->address != NULL)
			mime_node_say_mailbox(node, fields[person->role],
				person->name, person->address);
	mime_node_say(node, "Subject", message->subject);
	say_time(node, message->sent != 0 ? message->sent : message->received);
	say_id(node, "Message-ID", message->message_id);
	say_id(node, "In-Reply-To", message->in_reply_to);
	say_id(node, "References", message->references);
	if (message->importance != 1)
		mime_node_say(node, "Importance",
			message->importance == 0 ? "low" : "high");
}

static struct mime_node *
message_node(const struct tnef_item *item)
{
	struct mime_node *node =
		mime_message_new(tnef_mail_content(item->message));
	const char *name =
		item->name != NULL ? item->name : item->message->subject;
	char *file = mem_printf("%s.eml", name != NULL ? name : "message");

	say_fields(node, item->message);
	mime_node_attach(node, file);
	mem_free(file);
	return node;
}

/* ---- attachments ---- */

static struct mime_node *
file_node(const struct tnef_item *item)
{
	struct mime_node *node = mime_leaf_new(
		item->type != NULL ? item->type : "application/octet-stream",
		item->data);

	mime_node_attach(node, item->name);
	mime_node_set(&node->content_id, item->content_id);
	mime_node_set(&node->location, item->content_location);
	return node;
}

static struct mime_node *
item_node(const struct tnef_item *item)
{
	struct mime_node *node;

	switch (item->kind) {
	case TNEF_MESSAGE:
		if (item->message != NULL)
			return message_node(item);
		break;
	case TNEF_CALENDAR:
		node = calendar_node(item);
		mime_node_attach(
			node, item->name != NULL ? item->name : "calendar.ics");
		return node;
	case TNEF_CARD:
		node = mime_text_new("text/vcard",
			item->charset != NULL ? item->charset : "utf-8",
			item->data);
		mime_node_attach(
			node, item->name != NULL ? item->name : "contact.vcf");
		return node;
	case TNEF_BODY:
	case TNEF_ATTACHMENT:
		break;
	}
	return file_node(item);
}

/* ---- the body ---- */

static bool
is_rich(const struct tnef_message *message, const struct own_body *own)
{
	return own->kind == OWN_RICH ||
	       tnef_message_body(message, "text/html") != NULL;
}

static bool
is_part_of_body(const struct tnef_item *item,
	const struct tnef_message *message, const struct own_body *own)
{
	if (item->kind == TNEF_CALENDAR)
		return item->method != NULL;
	return item->kind == TNEF_ATTACHMENT && item->is_inline &&
	       (item->content_id != NULL || item->content_location != NULL) &&
	       is_rich(message, own);
}

/* HTML together with the images it shows (RFC 2387). */
static struct mime_node *
with_images(struct mime_node *html, const struct tnef_message *message,
	const struct own_body *own)
{
	struct mime_node *related = mime_multipart_new("related"), *image;
	const struct tnef_item *item;

	mime_node_add(related, html);
	LIST_FOREACH (item, &message->items) {
		if (item->kind != TNEF_ATTACHMENT ||
			!is_part_of_body(item, message, own))
			continue;
		image = file_node(item);
		image->disposition = MIME_INLINE;
		mime_node_add(related, image);
	}
	return mime_node_unwrap(related);
}

/*
 * The text that came beside it is as good, unless it could not hold what the
 * other one says.
 */
static struct mime_node *
plain_node(const struct tnef_message *message, struct own_body *own)
{
	const struct tnef_item *text = tnef_message_body(message, "text/plain");
	struct mime_node *node = NULL;

	if (own->kind == OWN_PLAIN)
		node = own->node;
	if (text == NULL ||
		(node != NULL && !own->is_empty &&
			!(own->is_ascii && !span_is_ascii(text->data))))
		return node;
	mime_node_free(node);
	return text_node(text);
}

static struct mime_node *
rich_node(const struct tnef_message *message, struct own_body *own)
{
	const struct tnef_item *html = tnef_message_body(message, "text/html");

	if (own->kind == OWN_RICH)
		return with_images(own->node, message, own);
	return html == NULL ? NULL : with_images(text_node(html), message, own);
}

struct mime_node *
tnef_mail_body(const struct tnef_message *message, struct own_body *own)
{
	struct mime_node *all = mime_multipart_new("alternative");
	const struct tnef_item *item;

	if (own->kind != OWN_RICH)
		mime_node_add(all, plain_node(message, own));
	mime_node_add(all, rich_node(message, own));
	LIST_FOREACH (item, &message->items)
		if (item->kind == TNEF_CALENDAR && !own->has_calendar &&
			is_part_of_body(item, message, own))
			mime_node_add(all, calendar_node(item));
	return mime_node_unwrap(all);
}

void
tnef_mail_items(const struct tnef_message *message, const struct own_body *own,
	struct mime_node *into)
{
	const struct tnef_item *item;
	const struct tnef_item *rtf =
		tnef_message_body(message, "application/rtf");
	struct mime_node *node;

	if (rtf != NULL && !is_rich(message, own)) {
		node = file_node(rtf);
		mime_node_attach(node, "message.rtf");
		mime_node_add(into, node);
	}
	LIST_FOREACH (item, &message->items)
		if (!is_part_of_body(item, message, own))
			mime_node_add(into, item_node(item));
}

struct mime_node *
tnef_mail_whole(struct mime_node *mixed)
{
	if (mixed->children.count == 0)
		mime_node_add(
			mixed, mime_text_new("text/plain", NULL, SPAN("")));
	return mime_node_unwrap(mixed);
}

struct mime_node *
tnef_mail_content(const struct tnef_message *message)
{
	struct mime_node *mixed = mime_multipart_new("mixed");
	struct own_body none = { 0 };

	mime_node_add(mixed, tnef_mail_body(message, &none));
	tnef_mail_items(message, &none, mixed);
	return tnef_mail_whole(mixed);
}

int
gateway_tnef_mail(
	const struct tnef_message *message, struct buf *out, struct error *err)
{
	struct mime_node *node = mime_message_new(tnef_mail_content(message));
	int result;

	say_fields(node, message);
	result = mime_compose_message(node, out, err);
	mime_node_free(node);
	return result;
}
