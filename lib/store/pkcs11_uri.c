/* The address of a token and of what is on it (RFC 7512). */
#include <stddef.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "store/pkcs11.h"

#define SCHEME "pkcs11:"

enum { VALUE_MAX_BYTES = 256 };

/* Where a value goes; types and PINs are looked at beside that. */
static const struct attribute {
	const char *name;
	bool query;
	size_t offset; /* of a char * in struct token_uri */
} attributes[] = {
	{ "token", false, offsetof(struct token_uri, token) },
	{ "manufacturer", false, offsetof(struct token_uri, manufacturer) },
	{ "model", false, offsetof(struct token_uri, model) },
	{ "serial", false, offsetof(struct token_uri, serial) },
	{ "slot-id", false, offsetof(struct token_uri, slot) },
	{ "object", false, offsetof(struct token_uri, object) },
	{ "type", false, offsetof(struct token_uri, type) },
	{ "module-path", true, offsetof(struct token_uri, module) },
};

struct value {
	unsigned char bytes[VALUE_MAX_BYTES];
	size_t len;
};

static int
decode(struct span text, struct value *out, struct error *err)
{
	out->len = 0;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = text.data[i];

		if (byte == '%') {
			int escaped = i + 2 < text.len
					      ? hex_byte(text.data[i + 1],
							text.data[i + 2])
					      : -1;

			if (escaped < 0)
				return error_set(err, ERROR_CONFIG,
					"uri: %% without two hex digits");
			byte = (unsigned char)escaped;
			i += 2;
		}
		if (out->len == sizeof(out->bytes))
			return error_set(err, ERROR_CONFIG,
				"uri: a value of more than %d bytes",
				VALUE_MAX_BYTES);
		out->bytes[out->len++] = byte;
	}
	return 0;
}

static int
take_id(struct token_uri *uri, const struct value *value, struct error *err)
{
	if (uri->has_id)
		return error_set(err, ERROR_CONFIG, "uri: id stands twice");
	if (value->len > sizeof(uri->id))
		return error_set(err, ERROR_CONFIG,
			"uri: an id of more than %d bytes", TOKEN_ID_BYTES);
	memcpy(uri->id, value->bytes, value->len);
	uri->id_len = value->len;
	uri->has_id = true;
	return 0;
}

static int
take_text(struct token_uri *uri, const struct attribute *attribute,
	const struct value *value, struct error *err)
{
	char **place = (char **)(void *)((char *)uri + attribute->offset);

	if (*place != NULL)
		return error_set(err, ERROR_CONFIG, "uri: %s stands twice",
			attribute->name);
	if (memchr(value->bytes, '\0', value->len) != NULL)
		return error_set(
			err, ERROR_CONFIG, "uri: a NUL in %s", attribute->name);
	*place = mem_string_n(value->bytes, value->len);
	return 0;
}

static int
take(struct token_uri *uri, bool query, struct span name,
	const struct value *value, struct error *err)
{
	if (!query && span_is(name, "id"))
		return take_id(uri, value, err);
	if (query &&
		(span_is(name, "pin-value") || span_is(name, "pin-source")))
		return error_set(err, ERROR_CONFIG,
			"uri: the PIN stands in a file of its own, which "
			"password_file names");
	for (size_t i = 0; i < COUNT_OF(attributes); i++)
		if (attributes[i].query == query &&
			span_is(name, attributes[i].name))
			return take_text(uri, &attributes[i], value, err);
	return error_set(err, ERROR_CONFIG, "uri: there is no \"%.*s\" here",
		(int)(name.len < 40 ? name.len : 40), (const char *)name.data);
}

static int
parse_pairs(
	struct token_uri *uri, struct span text, bool query, struct error *err)
{
	const char separator = query ? '&' : ';';

	while (text.len != 0) {
		const unsigned char *end =
			memchr(text.data, separator, text.len);
		size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
		const unsigned char *equals = memchr(text.data, '=', len);
		struct value value;
		size_t name_len;

		if (equals == NULL)
			return error_set(
				err, ERROR_CONFIG, "uri: a part without \"=\"");
		name_len = (size_t)(equals - text.data);
		if (decode(span_of(equals + 1, len - name_len - 1), &value,
			    err) != 0 ||
			take(uri, query, span_of(text.data, name_len), &value,
				err) != 0)
			return -1;
		len += end != NULL;
		text = span_of(text.data + len, text.len - len);
	}
	return 0;
}

static int
check_type(const struct token_uri *uri, struct error *err)
{
	if (uri->type == NULL || strcmp(uri->type, "cert") == 0 ||
		strcmp(uri->type, "private") == 0)
		return 0;
	return error_set(
		err, ERROR_CONFIG, "uri: type is none of: cert, private");
}

int
token_uri_parse(const char *text, struct token_uri *out, struct error *err)
{
	struct token_uri uri = { 0 };
	const char *path = text + sizeof(SCHEME) - 1, *query;
	size_t path_len;

	if (strncmp(text, SCHEME, sizeof(SCHEME) - 1) != 0)
		return error_set(err, ERROR_CONFIG,
			"uri: it begins with \"pkcs11:\", such as "
			"\"pkcs11:token=mail\"");
	query = strchr(path, '?');
	path_len = query != NULL ? (size_t)(query - path) : strlen(path);
	if (parse_pairs(&uri, span_of(path, path_len), false, err) != 0 ||
		(query != NULL && parse_pairs(&uri, span_string(query + 1),
					  true, err) != 0) ||
		check_type(&uri, err) != 0) {
		token_uri_clear(&uri);
		return -1;
	}
	uri.text = mem_string(text);
	*out = uri;
	return 0;
}

void
token_uri_clear(struct token_uri *uri)
{
	for (size_t i = 0; i < COUNT_OF(attributes); i++)
		mem_free(
			*(char **)(void *)((char *)uri + attributes[i].offset));
	mem_free(uri->text);
	*uri = (struct token_uri){ 0 };
}

bool
token_uri_picks(const struct token_uri *uri, const char *label,
	const unsigned char *id, size_t id_len)
{
	if (uri->object != NULL &&
		(label == NULL || strcmp(uri->object, label) != 0))
		return false;
	return !uri->has_id ||
	       (uri->id_len == id_len && memcmp(uri->id, id, id_len) == 0);
}
