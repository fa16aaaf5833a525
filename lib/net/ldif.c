/*
 * What curl makes of an LDAP entry: "DN: ..." and, for each value, a line with
 * a tab, the attribute, and ": text" or ":: base64".
 */
#include <string.h>

#include "base/base64.h"
#include "net/internal.h"

static struct span
next_line(struct span *text)
{
	const unsigned char *end = memchr(text->data, '\n', text->len);
	size_t len = end ? (size_t)(end - text->data) : text->len;
	struct span line = { text->data, len };

	text->data += len + (end != NULL);
	text->len -= len + (end != NULL);
	return line;
}

int
ldif_first_value(struct span text, struct buf *out, struct error *err)
{
	while (text.len > 0) {
		struct span line = next_line(&text);
		const unsigned char *colon;
		struct span value;

		if (line.len == 0 || line.data[0] != '\t')
			continue;
		colon = memchr(line.data, ':', line.len);
		if (colon == NULL)
			continue;
		value = (struct span){ colon + 1,
			line.len - (size_t)(colon + 1 - line.data) };
		if (value.len > 0 && value.data[0] == ':')
			return base64_decode(
				span_trim((struct span){
					value.data + 1, value.len - 1 }),
				out, err);
		return buf_add_span(out, span_trim(value), err);
	}
	return error_set(err, ERROR_FORMAT,
		"the directory has no such entry, or no such attribute in it");
}
