/* An attachment: its name, its type, its bytes or the message it is. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "tnef/stream.h"

enum method { /* MS-OXCMSG 2.2.2.9; 2, 3, 4 and 7 only point to a file */
	METHOD_NONE = 0,
	METHOD_VALUE = 1,
	METHOD_REFERENCE = 2,
	METHOD_REFERENCE_RESOLVE = 3,
	METHOD_REFERENCE_ONLY = 4,
	METHOD_MESSAGE = 5,
	METHOD_OLE = 6,
	METHOD_WEB_REFERENCE = 7,
};

enum { RENDERED_OLE = 2, FLAG_RENDERED_IN_BODY = 4, TYPE_MAX_BYTES = 127 };
enum { NAME_MAX_BYTES = 255, EXTENSION_MAX_BYTES = 16 };

static const unsigned char iid_message[16] = { 0x07, 0x03, 0x02, 0, 0, 0, 0, 0,
	0xc0, 0, 0, 0, 0, 0, 0, 0x46 };

/* ---- names ---- */

/* What stands behind the last separator of folders; NULL when nothing does. */
static char *
base_name(char *path)
{
	const char *name = path;
	char *out = NULL;

	for (const char *at = path; at != NULL && *at != '\0'; at++)
		if (*at == '/' || *at == '\\' || (*at == ':' && at == path + 1))
			name = at + 1;
	if (name != NULL && *name != '\0' && strcmp(name, ".") != 0 &&
		strcmp(name, "..") != 0)
		out = mem_string(name);
	mem_free(path);
	return out;
}

/* The names there may be, the best first. */
static char *
given_name(const struct tnef_raw_file *raw)
{
	static const uint16_t ids[] = { TNEF_ATTACH_LONG_NAME, TNEF_ATTACH_NAME,
		TNEF_ATTACH_TRANSPORT_NAME };
	const struct span old[] = { raw->transport_name, raw->title };
	const struct tnef_properties *properties = &raw->properties;
	char *name = NULL;

	for (size_t i = 0; name == NULL && i < COUNT_OF(ids); i++)
		name = base_name(tnef_get_text(
			properties, tnef_find(properties, ids[i])));
	for (size_t i = 0; name == NULL && i < COUNT_OF(old); i++)
		if (old[i].len > 0)
			name = base_name(
				tnef_one_line(old[i], properties->code_page));
	if (name == NULL)
		name = base_name(tnef_get_text(
			properties, tnef_find(properties, TNEF_DISPLAY_NAME)));
	return name;
}

/* ".doc", when the sender says something that can be one. */
static char *
given_extension(const struct tnef_properties *properties)
{
	char *text = tnef_get_text(
		properties, tnef_find(properties, TNEF_ATTACH_EXTENSION));
	size_t len = text != NULL ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && (i > 0 || *text != '.'))
			len = 0;
	if (len >= 2 && len <= EXTENSION_MAX_BYTES && *text == '.')
		return text;
	mem_free(text);
	return NULL;
}

static const char *
usual_extension(const struct tnef_item *item)
{
	static const char *const usual[][2] = {
		{ "image/jpeg", ".jpg" },
		{ "image/png", ".png" },
		{ "image/gif", ".gif" },
		{ "image/bmp", ".bmp" },
		{ "image/tiff", ".tif" },
		{ "text/plain", ".txt" },
		{ "text/html", ".html" },
		{ "text/calendar", ".ics" },
		{ "text/vcard", ".vcf" },
		{ "application/pdf", ".pdf" },
		{ "application/rtf", ".rtf" },
		{ "application/zip", ".zip" },
		{ "application/ms-tnef", ".dat" },
		{ "message/rfc822", ".eml" },
	};

	if (item->type != NULL)
		for (size_t i = 0; i < COUNT_OF(usual); i++)
			if (strcmp(item->type, usual[i][0]) == 0)
				return usual[i][1];
	return ".bin";
}

/* That of a message is its subject: nothing in it is a folder. */
static char *
message_name(const struct tnef_properties *properties)
{
	char *name = tnef_get_text(
		properties, tnef_find(properties, TNEF_DISPLAY_NAME));

	for (char *at = name; at != NULL && *at != '\0'; at++)
		if (*at == '/' || *at == '\\')
			*at = '_';
	return name;
}

static void
name_file(
	struct tnef_item *item, const struct tnef_raw_file *raw, size_t number)
{
	char *extension;

	item->name = item->kind == TNEF_MESSAGE ? message_name(&raw->properties)
						: given_name(raw);
	if (item->name != NULL || item->kind == TNEF_MESSAGE)
		return;
	extension = given_extension(&raw->properties);
	item->name = mem_printf("attachment-%zu%s", number,
		extension != NULL ? extension : usual_extension(item));
	item->is_made_up = true;
	mem_free(extension);
}

/* ---- types ---- */

static bool
is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
			strchr("!#$&-^_.+", text[i]) == NULL)
			return false;
	return len > 0;
}

/* type/subtype in lower case (RFC 6838 4.2), no multipart, or NULL. */
static char *
sane_type(char *text)
{
	size_t len = text != NULL ? strcspn(text, "; ") : 0;
	size_t slash = text != NULL ? strcspn(text, "/") : 0;

	if (len == 0 || len > TYPE_MAX_BYTES || slash >= len ||
		!is_token(text, slash) ||
		!is_token(text + slash + 1, len - slash - 1) ||
		span_starts_nocase(span_string(text), "multipart/")) {
		mem_free(text);
		return NULL;
	}
	text[len] = '\0';
	for (size_t i = 0; i < len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	return text;
}

static char *
charset_of(const struct tnef_properties *properties)
{
	char *text = tnef_get_text(
		properties, tnef_find(properties, TNEF_ATTACH_CHARSET));

	if (text != NULL && is_token(text, strlen(text)) &&
		strlen(text) <= TYPE_MAX_BYTES)
		return text;
	mem_free(text);
	return NULL;
}

/* A Content-ID without <>; one with blanks would be none. */
static char *
content_id_of(const struct tnef_properties *properties)
{
	char *text = tnef_get_text(
		properties, tnef_find(properties, TNEF_ATTACH_CONTENT_ID));
	struct span id;
	char *out = NULL;

	if (text == NULL)
		return NULL;
	id = span_string(text);
	if (id.len >= 2 && id.data[0] == '<' && id.data[id.len - 1] == '>')
		id = span_of(id.data + 1, id.len - 2);
	if (id.len > 0 && id.len <= NAME_MAX_BYTES &&
		memchr(id.data, ' ', id.len) == NULL &&
		memchr(id.data, '<', id.len) == NULL &&
		memchr(id.data, '>', id.len) == NULL)
		out = mem_string_n(id.data, id.len);
	mem_free(text);
	return out;
}

static long
position_of(const struct tnef_raw_file *raw)
{
	int64_t number = -1;

	if (raw->rendering.len >= 6)
		number = (int32_t)tnef_read_32(raw->rendering.data + 2);
	tnef_get_number(
		tnef_find(&raw->properties, TNEF_ATTACH_POSITION), &number);
	return number < 0 ? -1 : (long)number;
}

/* ---- bytes ---- */

static enum method
method_of(const struct tnef_raw_file *raw)
{
	int64_t number;

	if (tnef_get_number(
		    tnef_find(&raw->properties, TNEF_ATTACH_METHOD), &number) &&
		number > METHOD_NONE && number <= METHOD_WEB_REFERENCE)
		return (enum method)number;
	return raw->rendering.len >= 2 &&
			       tnef_read_16(raw->rendering.data) == RENDERED_OLE
		       ? METHOD_OLE
		       : METHOD_VALUE;
}

/* Beside an object the old attribute holds but a word that there is one. */
static struct span
data_of(const struct tnef_raw_file *raw, const struct tnef_property *property)
{
	struct span bytes = tnef_get_bytes(property);
	bool is_object = property != NULL && property->type == TNEF_OBJECT;

	if ((is_object && bytes.len > 0) || raw->data.len == 0)
		return bytes.data != NULL ? bytes : raw->data;
	return raw->data;
}

/* Both are there, and only one of them can be handed over. */
static bool
is_ambiguous(
	const struct tnef_raw_file *raw, const struct tnef_property *property)
{
	struct span bytes = tnef_get_bytes(property);

	return property != NULL && property->type == TNEF_BINARY &&
	       bytes.len > 0 && raw->data.len > 0 &&
	       !span_equal(bytes, raw->data);
}

static bool
is_message(const struct tnef_property *property, struct span bytes,
	enum method method)
{
	return tnef_is(bytes) &&
	       (method == METHOD_MESSAGE ||
		       (property != NULL && property->iid != NULL &&
			       memcmp(property->iid, iid_message,
				       sizeof(iid_message)) == 0));
}

static void
take_problems(struct tnef_message *message, const struct tnef_message *inner)
{
	const char *problem;

	LIST_FOREACH (problem, &inner->problems)
		tnef_problem(
			message, false, "in a message within: %s", problem);
	message->is_incomplete |= inner->is_incomplete;
}

static int
read_inner(struct tnef_reader *reader, struct tnef_message *message,
	struct tnef_item *item, struct error *err)
{
	if (reader->depth <= 1) {
		item->type = mem_string("application/ms-tnef");
		tnef_problem(message, true,
			"messages within messages deeper than the limit "
			"allows");
		return 0;
	}
	item->kind = TNEF_MESSAGE;
	item->message = mem_alloc(sizeof(*item->message));
	reader->depth--;
	if (tnef_read_message(reader, item->data, message->code_page,
		    item->message, err) != 0)
		return -1;
	reader->depth++;
	take_problems(message, item->message);
	return 0;
}

/* No bytes where there should be some? */
static void
check_data(struct tnef_message *message, const struct tnef_item *item,
	enum method method)
{
	switch (method) {
	case METHOD_OLE:
		if (item->data.len == 0)
			tnef_problem(message, true, "an object is missing");
		break;
	case METHOD_NONE:
	case METHOD_VALUE:
	case METHOD_MESSAGE:
		break;
	case METHOD_REFERENCE:
	case METHOD_REFERENCE_RESOLVE:
	case METHOD_REFERENCE_ONLY:
	case METHOD_WEB_REFERENCE:
		if (item->data.len == 0)
			tnef_problem(message, true,
				"an attachment is only a reference to a file");
	}
}

static int
fill(struct tnef_reader *reader, struct tnef_message *message,
	struct tnef_item *item, const struct tnef_raw_file *raw,
	struct error *err)
{
	const struct tnef_properties *properties = &raw->properties;
	const struct tnef_property *property =
		tnef_find(properties, TNEF_ATTACH_DATA);
	enum method method = method_of(raw);
	int64_t flags = 0;

	item->data = data_of(raw, property);
	if (is_message(property, item->data, method)) {
		if (read_inner(reader, message, item, err) != 0)
			return -1;
	} else if (method == METHOD_MESSAGE) {
		tnef_problem(message, true, "a message within cannot be read");
	} else {
		item->type = sane_type(tnef_get_text(
			properties, tnef_find(properties, TNEF_ATTACH_TYPE)));
		item->charset = charset_of(properties);
	}
	check_data(message, item, method);
	if (is_ambiguous(raw, property))
		tnef_problem(message, true,
			"an attachment is there twice and not the same");
	item->content_id = content_id_of(properties);
	item->content_location = tnef_get_text(
		properties, tnef_find(properties, TNEF_ATTACH_LOCATION));
	tnef_get_number(tnef_find(properties, TNEF_ATTACH_FLAGS), &flags);
	item->is_inline = (flags & FLAG_RENDERED_IN_BODY) != 0;
	item->is_hidden =
		tnef_get_bool(tnef_find(properties, TNEF_ATTACH_HIDDEN));
	item->position = position_of(raw);
	tnef_get_time(tnef_find(properties, TNEF_MODIFIED), &item->modified);
	return 0;
}

int
tnef_add_file(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_raw_file *raw, size_t number, struct error *err)
{
	struct tnef_item *item = tnef_item_new(TNEF_ATTACHMENT, NULL);

	if (fill(reader, message, item, raw, err) != 0) {
		tnef_item_free(item);
		return -1;
	}
	name_file(item, raw, number);
	list_add(&message->items, item);
	return 0;
}
