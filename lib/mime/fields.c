/* GMime's part in new mail: header fields, folded and encoded. */
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "mime/internal.h"

/* No name of a file and no line for a person is longer. */
enum { NAME_MAX_BYTES = 255, FIELD_MAX_BYTES = 32768 };

void
mime_compose_init(void)
{
	g_mime_init();
}

/* On one line, UTF-8 that is so, not longer than that; owned. */
static char *
clean(const char *text, size_t most)
{
	char *valid = g_utf8_make_valid(text, -1), *copy;
	size_t len = strlen(valid);

	while (len > most)
		len = (size_t)(g_utf8_find_prev_char(valid, valid + len) -
			       valid);
	copy = mem_string_n(valid, len);
	for (char *c = copy; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	g_free(valid);
	return copy;
}

char *
mime_mailbox(const char *name, const char *address)
{
	char *words = clean(name != NULL ? name : "", NAME_MAX_BYTES);
	InternetAddress *mailbox;
	char *text, *copy;

	if (address != NULL)
		mailbox = internet_address_mailbox_new(
			words[0] != '\0' ? words : NULL, address);
	else
		mailbox = internet_address_group_new(words);
	text = internet_address_to_string(mailbox, NULL, FALSE);
	copy = clean(text, FIELD_MAX_BYTES);
	g_free(text);
	g_object_unref(mailbox);
	mem_free(words);
	return copy;
}

static void
set_parameter(GMimeParamList *list, const char *name, const char *value)
{
	char *copy = clean(value, NAME_MAX_BYTES);
	GMimeParam *param;

	g_mime_param_list_set_parameter(list, name, copy);
	param = g_mime_param_list_get_parameter(list, name);
	if (param != NULL) {
		g_mime_param_set_charset(param, "utf-8");
		g_mime_param_set_encoding_method(
			param, GMIME_PARAM_ENCODING_METHOD_RFC2231);
	}
	mem_free(copy);
}

/* RFC 2387 3.1: what the root of a multipart/related is. */
static void
set_root_type(GMimeParamList *list, const struct mime_node *node)
{
	const struct mime_node *root = node->children.item[0];
	char name[2 * MIME_TOKEN_MAX];
	struct mime_entity entity;
	struct mime_type type;

	if (root->type != NULL) {
		g_mime_param_list_set_parameter(list, "type", root->type);
		return;
	}
	mime_entity_split(root->data, &entity);
	mime_type_of(entity.header, &type);
	snprintf(name, sizeof(name), "%s/%s", type.type, type.subtype);
	if (type.type[0] != '\0')
		g_mime_param_list_set_parameter(list, "type", name);
}

static GMimeContentType *
content_type(const struct mime_node *node, const char *boundary)
{
	struct mime_type type;
	GMimeContentType *made;
	GMimeParamList *list;
	const struct mime_text *text;

	if (mime_type_parse(span_string(node->type), &type) != 1 ||
		(node->kind == MIME_LEAF &&
			(strcmp(type.type, "multipart") == 0 ||
				strcmp(type.type, "message") == 0)))
		(void)!mime_type_parse(SPAN("application/octet-stream"), &type);
	made = g_mime_content_type_new(type.type, type.subtype);
	list = g_mime_content_type_get_parameters(made);
	if (node->kind == MIME_LEAF)
		LIST_FOREACH (text, &node->texts)
			set_parameter(list, text->name, text->value);
	if (node->kind == MIME_LEAF && node->file_name != NULL)
		set_parameter(list, "name", node->file_name);
	if (mime_type_is(&type, "multipart/related") &&
		node->children.count != 0)
		set_root_type(list, node);
	if (boundary != NULL)
		g_mime_param_list_set_parameter(list, "boundary", boundary);
	return made;
}

static void
set_disposition(GMimeObject *object, const struct mime_node *node)
{
	static const char *const names[] = { NULL, "inline", "attachment" };
	GMimeContentDisposition *made;

	if (node->disposition == MIME_NO_DISPOSITION)
		return;
	made = g_mime_content_disposition_new();
	g_mime_content_disposition_set_disposition(
		made, names[node->disposition]);
	if (node->file_name != NULL)
		set_parameter(g_mime_content_disposition_get_parameters(made),
			"filename", node->file_name);
	g_mime_object_set_content_disposition(object, made);
	g_object_unref(made);
}

/* Takes object over. */
static int
put_object(struct buf *out, GMimeObject *object, struct error *err)
{
	GMimeFormatOptions *options = g_mime_format_options_new();
	char *text;
	int result;

	g_mime_format_options_set_newline_format(
		options, GMIME_NEWLINE_FORMAT_DOS);
	text = g_mime_object_get_headers(object, options);
	result = mime_put_lines(out, span_string(text), err);
	g_free(text);
	g_mime_format_options_free(options);
	g_object_unref(object);
	return result;
}

int
mime_put_node_header(struct buf *out, const struct mime_node *node,
	const char *encoding, const char *boundary, struct error *err)
{
	GMimeContentType *type = content_type(node, boundary);
	GMimeObject *object = GMIME_OBJECT(g_mime_part_new());
	char *text;

	g_mime_object_set_content_type(object, type);
	g_object_unref(type);
	if (encoding != NULL)
		g_mime_object_set_header(
			object, "Content-Transfer-Encoding", encoding, NULL);
	if (node->content_id != NULL) {
		text = clean(node->content_id, NAME_MAX_BYTES);
		g_mime_object_set_content_id(object, text);
		mem_free(text);
	}
	if (node->description != NULL) {
		text = clean(node->description, NAME_MAX_BYTES);
		g_mime_object_set_header(
			object, "Content-Description", text, "utf-8");
		mem_free(text);
	}
	set_disposition(object, node);
	return put_object(out, object, err);
}

int
mime_put_node_texts(
	struct buf *out, const struct mime_node *node, struct error *err)
{
	GMimeObject *object = GMIME_OBJECT(g_mime_message_new(FALSE));
	const struct mime_text *text;

	LIST_FOREACH (text, &node->texts) {
		char *copy = clean(text->value, FIELD_MAX_BYTES);

		g_mime_object_append_header(object, text->name, copy, "utf-8");
		mem_free(copy);
	}
	return put_object(out, object, err);
}
