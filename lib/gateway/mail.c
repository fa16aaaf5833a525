#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/ask.h"

static void
field_free(void *item)
{
	struct mail_field *field = item;

	mem_free(field->name);
	mem_free(field->value);
	mem_free(field);
}

static void
path_free(void *item)
{
	struct mail_path *path = item;

	mem_free(path->path);
	mem_free(path->args);
	recipient_answer_free(path->answer);
	mem_free(path);
}

void
mail_init(struct mail *mail, size_t limit_bytes)
{
	*mail = (struct mail){ 0 };
	buf_init(&mail->entity, limit_bytes);
}

void
mail_clear(struct mail *mail)
{
	size_t limit_bytes = mail->entity.limit_bytes;

	mem_free(mail->queue_id);
	mem_free(mail->mta_name);
	client_clear(&mail->client);
	address_free(mail->mail_from);
	mem_free(mail->sender_args);
	list_clear(&mail->recipients, address_free);
	list_clear(&mail->paths, path_free);
	list_clear(&mail->fields, field_free);
	buf_clear(&mail->entity);
	mail_init(mail, limit_bytes);
}

void
mail_add_field(struct mail *mail, const char *name, const char *value)
{
	struct mail_field *field = mem_alloc(sizeof(*field));

	field->name = mem_string(name);
	field->value = mem_string(value);
	list_add(&mail->fields, field);
}

/*
 * "partner.example!bob" and "bob%partner.example": Postfix and others deliver
 * them to bob@partner.example, while no rule for that domain would match.
 */
static bool
hides_domain(const struct address *address)
{
	return strchr(address->key, '@') == NULL &&
	       strpbrk(address->key, "!%") != NULL;
}

int
mail_add_recipient(struct mail *mail, struct span path, struct error *err)
{
	struct address *address = NULL;
	struct mail_path *said;

	if (addr_parse_path(path, &address, err) != 0)
		return -1;
	if (hides_domain(address)) {
		error_set(err, ERROR_FORMAT,
			"<%s> has a domain that only the MTA would find",
			address->text);
		address_free(address);
		return -1;
	}
	said = mem_alloc(sizeof(*said));
	said->path = mem_string_n(path.data, path.len);
	list_add(&mail->recipients, address);
	list_add(&mail->paths, said);
	return 0;
}

void
mail_drop_recipient(struct mail *mail)
{
	if (mail->paths.count == 0)
		return;
	address_free(mail->recipients.item[--mail->recipients.count]);
	path_free(mail->paths.item[--mail->paths.count]);
}

static char *
join(char *const *args)
{
	char *text = mem_string(*args);

	for (; *args != NULL && args[1] != NULL; args++) {
		char *more = mem_printf("%s %s", text, args[1]);

		mem_free(text);
		text = more;
	}
	return text;
}

void
mail_set_recipient_args(struct mail *mail, char *const *args)
{
	struct mail_path *last;

	if (mail->paths.count == 0)
		return;
	last = mail->paths.item[mail->paths.count - 1];
	mem_free(last->args);
	last->args = join(args);
}

void
mail_set_sender_args(struct mail *mail, char *const *args)
{
	mem_free(mail->sender_args);
	mail->sender_args = join(args);
}

int
mail_set_sender(struct mail *mail, struct span path, struct error *err)
{
	struct address *address = NULL;

	if (addr_parse_path(path, &address, err) != 0)
		return -1;
	address_free(mail->mail_from);
	mail->mail_from = address;
	return 0;
}

/* Folds come as LF (or CRLF); in the entity every line ends in CRLF. */
static int
add_value(struct buf *out, const char *value, struct error *err)
{
	for (const char *c = value; *c != '\0'; c++) {
		if (c[0] == '\r' && c[1] == '\n')
			continue;
		if (*c == '\n' && buf_add(out, "\r", 1, err) != 0)
			return -1;
		if (buf_add(out, c, 1, err) != 0)
			return -1;
	}
	return buf_add(out, "\r\n", 2, err);
}

/* RFC 8551 3.1: every Content-* field belongs to the entity. */
static bool
belongs_to_entity(const char *name)
{
	return strncasecmp(name, "Content-", 8) == 0;
}

int
mail_begin_body(struct mail *mail, struct error *err)
{
	struct buf *out = &mail->entity;
	const struct mail_field *field;

	LIST_FOREACH (field, &mail->fields)
		if (belongs_to_entity(field->name) &&
			(buf_add_string(out, field->name, err) != 0 ||
				buf_add_string(out, ":", err) != 0 ||
				add_value(out, field->value, err) != 0))
			return -1;
	if (buf_add(out, "\r\n", 2, err) != 0)
		return -1;
	mail->body_offset = out->len;
	return 0;
}

int
mail_add_body(struct mail *mail, struct span bytes, struct error *err)
{
	return buf_add_span(&mail->entity, bytes, err);
}

/* The body of a file, with CRLF line ends as an MTA would hand it over. */
static int
add_text_body(struct mail *mail, struct span body, struct error *err)
{
	const unsigned char *end = body.data + body.len;
	const unsigned char *from = body.data;

	while (from < end) {
		const unsigned char *lf =
			memchr(from, '\n', (size_t)(end - from));
		const unsigned char *stop = lf == NULL ? end : lf;
		size_t len = (size_t)(stop - from);

		if (lf != NULL && len != 0 && from[len - 1] == '\r')
			len--;
		if (mail_add_body(mail, span_of(from, len), err) != 0)
			return -1;
		if (lf != NULL && mail_add_body(mail, SPAN("\r\n"), err) != 0)
			return -1;
		from = lf == NULL ? end : lf + 1;
	}
	return 0;
}

static void
add_parsed_field(struct mail *mail, const struct mime_field *field)
{
	struct span value = field->value;
	struct mail_field *copy = mem_alloc(sizeof(*copy));
	char *to;

	while (value.len != 0 && (value.data[value.len - 1] == '\n' ||
					 value.data[value.len - 1] == '\r'))
		value.len--;
	copy->name = mem_string_n(field->name.data, field->name.len);
	copy->value = to = mem_string_n(value.data, value.len);
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] != '\0' &&
			!(value.data[i] == '\r' && i + 1 < value.len &&
				value.data[i + 1] == '\n'))
			*to++ = (char)value.data[i];
	*to = '\0';
	list_add(&mail->fields, copy);
}

int
mail_from_message(struct mail *mail, struct span message, struct error *err)
{
	struct mime_entity parts;
	struct mime_field field;

	mime_entity_split(message, &parts);
	while (mime_field_next(&parts.header, &field) == 1)
		add_parsed_field(mail, &field);
	if (mail_begin_body(mail, err) != 0)
		return -1;
	return add_text_body(mail, parts.body, err);
}
