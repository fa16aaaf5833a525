/*
 * EFAIL: with CBC whoever changes a ciphertext chooses bytes of the plaintext
 * and gets blocks of garbage between them.  A header of a signed or encrypted
 * entity needs few fields and no strange bytes, so that garbage shows.
 */
#include <string.h>
#include <strings.h>

#include "smime/internal.h"

enum { HEADER_MAX_BYTES = 65536 };

/* How many bytes of UTF-8 stand there, 0: it is none. */
static size_t
utf8_len(struct span at)
{
	unsigned char first = at.data[0];
	size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (first < 0xc2 || first > 0xf4 || len > at.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at.data[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static bool
is_text(struct span header)
{
	for (size_t i = 0; i < header.len;) {
		unsigned char c = header.data[i];
		size_t len = 1;

		if (c >= 0x80)
			len = utf8_len(
				span_of(header.data + i, header.len - i));
		else if (c == '\r')
			len = i + 1 < header.len && header.data[i + 1] == '\n';
		else if ((c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
			len = 0;
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

/*
 * RFC 9788 2.1.1, and before it the "protected-headers" of others: the fields
 * of the message stand inside, too.
 */
static bool
has_protected_fields(const struct mime_type *type)
{
	char value[MIME_TOKEN_MAX];

	return mime_type_parameter(type, "hp", value, sizeof(value)) == 1 ||
	       mime_type_parameter(
		       type, "protected-headers", value, sizeof(value)) == 1;
}

static bool
is_content_field(struct span name)
{
	return (span_starts_nocase(name, "Content-") && name.len > 8) ||
	       span_is_nocase(name, "MIME-Version");
}

static int
refuse(struct error *err, const char *why)
{
	return error_set(err, ERROR_FORMAT, "what was decrypted %s", why);
}

int
smime_check_plaintext(struct span entity, struct error *err)
{
	struct mime_entity parts;
	struct mime_field field;
	struct mime_type type;
	struct span rest, counted;
	size_t fields_len = 0;
	bool all_fields;

	mime_entity_split(entity, &parts);
	if (mime_field_count(parts.header, "Content-Type") > 1)
		return refuse(err, "has two Content-Types");
	/* Without any it is text (RFC 2045 5.2), but never without a field. */
	if (parts.header.len == 0 ||
		(parts.separator.len == 0 && parts.body.len != 0))
		return refuse(err, "is no MIME entity");
	if (parts.header.len > HEADER_MAX_BYTES || !is_text(parts.header))
		return refuse(err, "has bytes in its header that belong in "
				   "none");
	/*
	 * One that cannot be read is text, too; real senders write "text".
	 * That lets nothing in: whoever chooses the bytes of the type could
	 * write a good one, and garbage beside them shows by its bytes.
	 */
	mime_type_of(parts.header, &type);
	all_fields = type.type[0] != '\0' && has_protected_fields(&type);
	rest = parts.header;
	counted = rest;
	while (mime_field_next(&rest, &field) == 1) {
		if (field.whole.data != counted.data + fields_len)
			return refuse(err, "has a line in its header that is "
					   "no field");
		fields_len += field.whole.len;
		if (!all_fields && !is_content_field(field.name))
			return refuse(err, "has a field in its header that "
					   "belongs to a message");
	}
	if (fields_len != parts.header.len)
		return refuse(err, "has a line in its header that is no field");
	return 0;
}
