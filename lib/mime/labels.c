#include "mime/internal.h"

/* What stands in the field, and what it means here; the first row fits "". */
static const struct {
	const char *name;
	enum mime_encoding encoding;
} encodings[] = {
	{ "", ENCODING_7BIT },
	{ "7bit", ENCODING_7BIT },
	{ "7-bit", ENCODING_7BIT },
	{ "8bit", ENCODING_8BIT },
	{ "8-bit", ENCODING_8BIT },
	{ "binary", ENCODING_BINARY },
	{ "quoted-printable", ENCODING_QUOTED },
	{ "base64", ENCODING_BASE64 },
};

static enum mime_encoding
encoding_of(struct span value)
{
	struct span token = mime_token_next(&value);

	if (value.len != 0)
		return ENCODING_UNKNOWN;
	for (size_t i = 0; i < COUNT_OF(encodings); i++)
		if (span_is_nocase(token, encodings[i].name))
			return encodings[i].encoding;
	return ENCODING_UNKNOWN;
}

void
mime_labels_read(struct span header, struct mime_labels *out)
{
	struct span value = SPAN("text/plain");
	struct mime_field field;
	bool has_encoding = false;

	out->has_type = out->two_types = false;
	out->encoding = ENCODING_7BIT;
	while (mime_field_next(&header, &field)) {
		if (span_is_nocase(field.name, "Content-Type")) {
			if (!out->has_type)
				value = field.value;
			else if (!span_equal(span_trim(value),
					 span_trim(field.value)))
				out->two_types = true;
			out->has_type = true;
		} else if (!has_encoding &&
			   span_is_nocase(
				   field.name, "Content-Transfer-Encoding")) {
			out->encoding = encoding_of(field.value);
			has_encoding = true;
		}
	}
	if (mime_type_parse(value, &out->type) != 1)
		out->type.type[0] = '\0';
}
