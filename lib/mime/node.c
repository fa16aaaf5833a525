/* The tree of new mail: made, filled, freed. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mime/internal.h"

static struct mime_node *
node_new(enum mime_node_kind kind, const char *type)
{
	struct mime_node *node = mem_alloc(sizeof(*node));

	node->kind = kind;
	node->type = mem_string(type);
	return node;
}

struct mime_node *
mime_leaf_new(const char *type, struct span data)
{
	struct mime_node *node = node_new(MIME_LEAF, type);

	node->data = data;
	return node;
}

struct mime_node *
mime_text_new(const char *type, const char *charset, struct span data)
{
	struct mime_node *node = mime_leaf_new(type, data);

	node->text = true;
	mime_node_say(node, "charset", charset != NULL ? charset : "us-ascii");
	return node;
}

struct mime_node *
mime_multipart_new(const char *subtype)
{
	struct mime_node *node = node_new(MIME_MULTIPART, NULL);

	node->type = mem_printf("multipart/%s", subtype);
	return node;
}

struct mime_node *
mime_message_new(struct mime_node *content)
{
	struct mime_node *node = node_new(MIME_MESSAGE, "message/rfc822");

	mime_node_add(node, content);
	return node;
}

struct mime_node *
mime_verbatim_new(struct span bytes)
{
	struct mime_node *node = node_new(MIME_VERBATIM, NULL);

	node->data = bytes;
	return node;
}

struct mime_node *
mime_sequence_new(void)
{
	return node_new(MIME_SEQUENCE, NULL);
}

static void
text_free(void *item)
{
	struct mime_text *text = item;

	mem_free(text->name);
	mem_free(text->value);
	mem_free(text);
}

void
mime_node_free(void *item)
{
	struct mime_node *node = item;

	if (node == NULL)
		return;
	mem_free(node->type);
	mem_free(node->file_name);
	mem_free(node->content_id);
	mem_free(node->description);
	list_clear(&node->texts, text_free);
	list_clear(&node->children, mime_node_free);
	mem_free(node);
}

void
mime_node_add(struct mime_node *node, struct mime_node *child)
{
	if (child != NULL)
		list_add(&node->children, child);
}

void
mime_node_set(char **where, const char *value)
{
	char *copy = mem_string(value);

	mem_free(*where);
	*where = copy;
}

void
mime_node_attach(struct mime_node *node, const char *file_name)
{
	node->disposition = MIME_ATTACHMENT;
	mime_node_set(&node->file_name, file_name);
}

static struct mime_text *
find_text(const struct mime_node *node, const char *name)
{
	struct mime_text *text;

	LIST_FOREACH (text, &node->texts)
		if (strcasecmp(text->name, name) == 0)
			return text;
	return NULL;
}

void
mime_node_say(struct mime_node *node, const char *name, const char *value)
{
	struct mime_text *text;

	if (value == NULL)
		return;
	text = mem_alloc(sizeof(*text));
	text->name = mem_string(name);
	text->value = mem_string(value);
	list_add(&node->texts, text);
}

void
mime_node_say_mailbox(struct mime_node *node, const char *field,
	const char *name, const char *address)
{
	struct mime_text *text = find_text(node, field);
	char *mailbox = mime_mailbox(name, address), *longer;

	if (text == NULL) {
		mime_node_say(node, field, mailbox);
	} else {
		longer = mem_printf("%s, %s", text->value, mailbox);
		mem_free(text->value);
		text->value = longer;
	}
	mem_free(mailbox);
}
