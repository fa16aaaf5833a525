/* What a mail says about itself, as far as rules ask. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

/* All header fields together; each one has ADDR_LIST_MAX besides. */
enum { READERS_MAX = 20000 };

/* Fields whose mailboxes know of one another (RFC 5322 3.6.3, 3.6.6). */
static const char *const reader_fields[] = { "To", "Cc", "Resent-To",
	"Resent-Cc" };

static bool
names_readers(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(reader_fields); i++)
		if (strcasecmp(name, reader_fields[i]) == 0)
			return true;
	return false;
}

/*
 * "To: Mueller, Bob <bob@...>": where a field cannot be read as a whole, its
 * pieces between commas are.  Nothing hangs on it but who counts as
 * a Bcc recipient.
 */
static void
add_readers(struct list *readers, struct span value)
{
	if (addr_parse_mailboxes(value, readers, NULL) == 0)
		return;
	while (value.len != 0 && readers->count < READERS_MAX) {
		const unsigned char *comma = memchr(value.data, ',', value.len);
		struct span piece = value;

		if (comma != NULL)
			piece.len = (size_t)(comma - value.data);
		/* A piece that cannot be read makes nobody a reader. */
		(void)!addr_parse_mailboxes(piece, readers, NULL);
		if (comma != NULL)
			piece.len++;
		value.data += piece.len;
		value.len -= piece.len;
	}
}

int
facts_gather(struct facts *facts, const struct mail *mail, struct error *err)
{
	const struct mail_field *field;
	unsigned from_fields = 0;
	bool readable = true;

	*facts = (struct facts){ 0 };
	LIST_FOREACH (field, &mail->fields) {
		struct span value = span_string(field->value);

		if (strcasecmp(field->name, "From") == 0) {
			from_fields++;
			if (addr_parse_mailboxes(value, &facts->from, NULL))
				readable = false;
		} else if (names_readers(field->name)) {
			add_readers(&facts->readers, value);
		} else if (strcasecmp(field->name, "Content-Type") == 0) {
			facts->content_types++;
		}
	}
	if (mail->mail_from == NULL &&
		addr_parse_path(SPAN(""), &facts->nobody, err) != 0)
		return -1;
	facts->client = &mail->client;
	facts->sender = (struct sender){
		.mail_from = mail->mail_from ? mail->mail_from : facts->nobody,
		.from = &facts->from,
		.single =
			from_fields == 1 && readable && facts->from.count == 1,
		.known = true,
	};
	return 0;
}

/* ---- what triggers ask for ---- */

static bool
asks_for(const struct trigger *trigger, const char *name)
{
	return (trigger->subject != NULL && strcasecmp(name, "Subject") == 0) ||
	       (trigger->header != NULL &&
		       strcasecmp(name, trigger->header) == 0);
}

static bool
is_asked_for(const struct gateway *gateway, const char *name)
{
	const struct encrypt_rule *encrypt;
	const struct sign_rule *sign;

	LIST_FOREACH (encrypt, &gateway->encrypt_rules)
		if (asks_for(&encrypt->rule.trigger, name))
			return true;
	LIST_FOREACH (sign, &gateway->sign_rules)
		if (asks_for(&sign->rule.trigger, name))
			return true;
	return false;
}

static void
add_field(struct content *content, const struct mail_field *field)
{
	struct content_field *one = mem_alloc(sizeof(*one));

	one->name = field->name;
	one->text = mime_text_decode(field->value);
	list_add(&content->fields, one);
}

static size_t
size_of(const struct mail *mail)
{
	const struct mail_field *field;
	size_t bytes = mail->entity.len;

	/* Of what was too large to be taken in, nobody knows how large. */
	if (mail->failure.kind == ERROR_LIMIT)
		return SIZE_MAX;
	LIST_FOREACH (field, &mail->fields)
		if (!span_starts_nocase(span_string(field->name), "Content-"))
			bytes += strlen(field->name) + strlen(field->value) +
				 sizeof(":\r\n") - 1;
	return bytes;
}

void
facts_read_content(struct facts *facts, const struct gateway *gateway,
	const struct mail *mail, bool whole)
{
	struct content *content = &facts->content;
	const struct mail_field *field;
	struct mime_survey survey;

	content->header_known = true;
	LIST_FOREACH (field, &mail->fields)
		if (is_asked_for(gateway, field->name))
			add_field(content, field);
	content->body_known = whole;
	if (!whole)
		return;
	mime_survey(buf_span(&mail->entity), &gateway->limits.mime, &survey);
	facts->invitation = survey.invitation;
	content->bytes = size_of(mail);
	content->has_attachment = survey.attachment;
	content->attachment_unknown = mail->failure.kind != ERROR_NONE;
}

static void
content_field_free(void *item)
{
	struct content_field *field = item;

	mem_free(field->text);
	mem_free(field);
}

static void
content_clear(struct content *content)
{
	list_clear(&content->fields, content_field_free);
}

void
facts_clear(struct facts *facts)
{
	list_clear(&facts->from, address_free);
	list_clear(&facts->readers, address_free);
	content_clear(&facts->content);
	mem_free(facts->conditions);
	facts->conditions = NULL;
	address_free(facts->nobody);
	facts->nobody = NULL;
}

const struct address *
facts_author(const struct facts *facts)
{
	return facts->sender.single ? facts->from.item[0] : NULL;
}

bool
facts_is_reader(const struct facts *facts, const struct address *address)
{
	const struct address *reader;

	LIST_FOREACH (reader, &facts->readers)
		if (addr_equal(reader, address))
			return true;
	return false;
}
