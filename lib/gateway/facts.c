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
	facts->sender = (struct sender){
		.mail_from = mail->mail_from ? mail->mail_from : facts->nobody,
		.from = &facts->from,
		.single =
			from_fields == 1 && readable && facts->from.count == 1,
		.known = true,
	};
	return 0;
}

void
facts_clear(struct facts *facts)
{
	list_clear(&facts->from, address_free);
	list_clear(&facts->readers, address_free);
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
