#include "base/hex.h"
#include "mime/internal.h"

/* RFC 2231 3: more segments than this are left out. */
enum { SEGMENTS_MAX = 64 };

static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 32) : c;
}

static bool
is_space(unsigned char c)
{
	return mime_is_blank(c) || c == '\r' || c == '\n';
}

static void
skip(struct span *rest, size_t len)
{
	*rest = span_of(rest->data + len, rest->len - len);
}

void
mime_skip_comments(struct span *rest)
{
	size_t depth = 0;

	for (; rest->len != 0; skip(rest, 1)) {
		unsigned char c = rest->data[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth != 0)
			depth--;
		else if (c == '\\' && depth != 0 && rest->len > 1)
			skip(rest, 1);
		else if (depth == 0 && !is_space(c))
			return;
	}
}

/* RFC 2045 5.1 */
static bool
is_token(unsigned char c)
{
	return c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

struct span
mime_token_next(struct span *rest)
{
	struct span token;

	mime_skip_comments(rest);
	token = span_of(rest->data, 0);
	while (rest->len != 0 && is_token(rest->data[0])) {
		token.len++;
		skip(rest, 1);
	}
	mime_skip_comments(rest);
	return token;
}

/* ---- parameters ---- */

struct parameter {
	struct span name;
	struct span value; /* quotes and backslashes still in it */
	bool quoted;
};

static struct span
quoted_value(struct span *rest)
{
	struct span value;

	skip(rest, 1);
	value = span_of(rest->data, 0);
	while (rest->len != 0 && rest->data[0] != '"')
		skip(rest, rest->data[0] == '\\' && rest->len > 1 ? 2 : 1);
	value.len = (size_t)(rest->data - value.data);
	if (rest->len != 0)
		skip(rest, 1);
	return value;
}

/* More than a token may be: senders forget to quote '=' and '/'. */
static struct span
plain_value(struct span *rest)
{
	struct span value = span_of(rest->data, 0);

	while (rest->len != 0 && rest->data[0] != ';' &&
		!is_space(rest->data[0])) {
		value.len++;
		skip(rest, 1);
	}
	return value;
}

static bool
parameter_next(struct span *rest, struct parameter *out)
{
	while (rest->len != 0) {
		const unsigned char *semicolon;

		semicolon = memchr(rest->data, ';', rest->len);
		if (semicolon == NULL)
			return false;
		skip(rest, (size_t)(semicolon + 1 - rest->data));
		out->name = mime_token_next(rest);
		if (rest->len == 0 || rest->data[0] != '=')
			continue;
		skip(rest, 1);
		mime_skip_comments(rest);
		out->quoted = rest->len != 0 && rest->data[0] == '"';
		out->value =
			out->quoted ? quoted_value(rest) : plain_value(rest);
		return true;
	}
	return false;
}

/* The bytes of a value, one after the other; what is too much is counted. */
struct writer {
	unsigned char *out;
	size_t size;
	size_t len;
};

static void
write_byte(struct writer *writer, unsigned char c)
{
	if (writer->len < writer->size)
		writer->out[writer->len] = c;
	writer->len++;
}

static void
write_value(struct writer *writer, const struct parameter *parameter)
{
	struct span s = parameter->value;

	for (size_t i = 0; i < s.len; i++) {
		if (parameter->quoted && s.data[i] == '\\' && i + 1 < s.len)
			i++;
		if (s.data[i] != '\r' && s.data[i] != '\n')
			write_byte(writer, s.data[i]);
	}
}

/* charset'language' goes, %XX is decoded (RFC 2231 4). */
static void
write_extended(struct writer *writer, struct span s, bool first)
{
	for (int quotes = 0; first && quotes < 2; quotes++) {
		const unsigned char *quote = memchr(s.data, '\'', s.len);

		if (quote == NULL)
			break;
		s = mime_between(quote + 1, s.data + s.len);
	}
	for (size_t i = 0; i < s.len; i++) {
		int byte = -1;

		if (s.data[i] == '%' && s.len - i > 2)
			byte = hex_byte(s.data[i + 1], s.data[i + 2]);
		if (byte < 0) {
			write_byte(writer, s.data[i]);
			continue;
		}
		write_byte(writer, (unsigned char)byte);
		i += 2;
	}
}

/*
 * What is behind the name: "" plain, "*" extended, "*N" and "*N*" segments.
 * Returns the segment's number, -1 for none of these.
 */
static int
segment_number(struct span rest, bool *extended)
{
	int number = 0;

	*extended = rest.len != 0 && rest.data[rest.len - 1] == '*';
	if (rest.len == 1 && *extended)
		return 0;
	if (*extended)
		rest.len--;
	if (rest.len < 2 || rest.len > 4 || rest.data[0] != '*')
		return -1;
	for (size_t i = 1; i < rest.len; i++) {
		if (rest.data[i] < '0' || rest.data[i] > '9')
			return -1;
		number = number * 10 + (rest.data[i] - '0');
	}
	return number < SEGMENTS_MAX ? number : -1;
}

struct segment {
	struct parameter parameter;
	bool present;
	bool extended;
};

/* A plain parameter wins over an RFC 2231 one; the first over the second. */
static bool
parameter_get(struct span value, const char *name, struct writer *writer)
{
	struct segment segments[SEGMENTS_MAX] = { 0 };
	struct parameter parameter;
	size_t name_len = strlen(name);
	unsigned i = 0;

	while (parameter_next(&value, &parameter)) {
		struct span suffix = parameter.name;
		bool extended;
		int number;

		if (!span_starts_nocase(suffix, name))
			continue;
		skip(&suffix, name_len);
		if (suffix.len == 0) {
			write_value(writer, &parameter);
			return true;
		}
		number = segment_number(suffix, &extended);
		if (number >= 0 && !segments[number].present)
			segments[number] =
				(struct segment){ parameter, true, extended };
	}
	for (; i < SEGMENTS_MAX && segments[i].present; i++)
		if (segments[i].extended)
			write_extended(
				writer, segments[i].parameter.value, i == 0);
		else
			write_value(writer, &segments[i].parameter);
	return i != 0;
}

int
mime_type_parameter(
	const struct mime_type *type, const char *name, char *out, size_t size)
{
	struct writer writer = { (unsigned char *)out, size - 1, 0 };

	if (!parameter_get(type->value, name, &writer))
		return 0;
	out[writer.len < size - 1 ? writer.len : size - 1] = '\0';
	return 1;
}

/* Is a name over here: '=' or, for RFC 2231, '*' is next? */
static bool
ends_name(struct span rest)
{
	mime_skip_comments(&rest);
	return rest.len != 0 && (rest.data[0] == '=' || rest.data[0] == '*');
}

unsigned
mime_type_parameter_count(const struct mime_type *type, const char *name)
{
	const unsigned char *start = type->value.data;
	struct span rest = type->value;
	unsigned count = 0;

	for (; rest.len != 0; skip(&rest, 1)) {
		struct span after = rest;

		if (!span_starts_nocase(rest, name) ||
			(rest.data != start && is_token(rest.data[-1])))
			continue;
		skip(&after, strlen(name));
		count += ends_name(after);
	}
	return count;
}

/* ---- the type ---- */

static bool
copy_lower(char out[MIME_TOKEN_MAX], struct span token)
{
	if (token.len == 0 || token.len >= MIME_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < token.len; i++)
		out[i] = (char)lower(token.data[i]);
	out[token.len] = '\0';
	return true;
}

static void
read_boundary(struct mime_type *type)
{
	struct writer writer = { type->boundary, MIME_BOUNDARY_MAX, 0 };

	if (!parameter_get(type->value, "boundary", &writer) ||
		writer.len > MIME_BOUNDARY_MAX)
		return;
	while (writer.len != 0 && mime_is_blank(type->boundary[writer.len - 1]))
		writer.len--;
	type->boundary_len = writer.len;
}

int
mime_type_parse(struct span value, struct mime_type *out)
{
	struct span rest = value, type = mime_token_next(&rest), subtype;

	out->type[0] = out->subtype[0] = '\0';
	out->boundary_len = 0;
	out->value = value;
	if (rest.len == 0 || rest.data[0] != '/')
		return 0;
	skip(&rest, 1);
	subtype = mime_token_next(&rest);
	if (!copy_lower(out->type, type) ||
		!copy_lower(out->subtype, subtype)) {
		out->type[0] = out->subtype[0] = '\0';
		return 0;
	}
	out->value = rest;
	read_boundary(out);
	return 1;
}

void
mime_type_of(struct span header, struct mime_type *out)
{
	struct mime_field field;

	if (mime_field_find(header, "Content-Type", 0, &field) != 1)
		field.value = SPAN("text/plain");
	if (mime_type_parse(field.value, out) != 1)
		out->type[0] = '\0';
}

bool
mime_type_is(const struct mime_type *type, const char *name)
{
	size_t len = strlen(type->type);

	return len != 0 && strncmp(type->type, name, len) == 0 &&
	       name[len] == '/' && strcmp(type->subtype, name + len + 1) == 0;
}
