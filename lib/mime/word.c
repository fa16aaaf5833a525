#include "mime/internal.h"

/*
 * Encoded words (RFC 2047) for what forwarded mail often has: raw UTF-8 in
 * its Subject.  Only UTF-8, for which RFC 6532 says what the bytes mean; and
 * only in fields that are text and nothing else.
 */
enum {
	WORD_MAX = 75,
	FIELD_MAX = 800, /* lines stay far below the limit */
};

static const char *const text_fields[] = { "Subject", "Comments",
	"Content-Description", "Thread-Topic" };
static const char word_begin[] = "=?utf-8?Q?", word_end[] = "?=";

static bool
is_text_field(struct span name)
{
	for (size_t i = 0; i < COUNT_OF(text_fields); i++)
		if (span_is_nocase(name, text_fields[i]))
			return true;
	return false;
}

/* How many bytes the UTF-8 character at the start of s has; 0: it is none. */
static size_t
character_len(struct span s)
{
	unsigned char c = s.data[0];
	size_t len = c < 0x80	? 1
		     : c < 0xc2 ? 0
		     : c < 0xe0 ? 2
		     : c < 0xf0 ? 3
				: 4;

	if (c > 0xf4 || len == 0 || len > s.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s.data[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && s.data[1] < 0xa0) ||
		(c == 0xed && s.data[1] > 0x9f) ||
		(c == 0xf0 && s.data[1] < 0x90) ||
		(c == 0xf4 && s.data[1] > 0x8f))
		return 0;
	return len;
}

static bool
is_utf8(struct span s)
{
	while (s.len != 0) {
		size_t len = character_len(s);

		if (len == 0)
			return false;
		s = span_of(s.data + len, s.len - len);
	}
	return true;
}

/* From the first word with an 8-bit byte to the last. */
static struct span
words_to_encode(struct span value)
{
	const unsigned char *from = value.data, *to = value.data + value.len;

	while (from < to && *from < 0x80)
		from++;
	while (to > from && to[-1] < 0x80)
		to--;
	if (from == to)
		return span_of(from, 0);
	while (from > value.data && from[-1] > ' ')
		from--;
	while (to<value.data + value.len && * to> ' ')
		to++;
	return mime_between(from, to);
}

bool
mime_is_encodable_field(const struct mime_field *field)
{
	struct mime_scan scan;

	if (!is_text_field(field->name) || field->whole.len > FIELD_MAX)
		return false;
	mime_scan(field->whole, &scan);
	return scan.flaws & FLAW_8BIT &&
	       !(scan.flaws & (FLAW_NUL | FLAW_BARE_CR)) &&
	       span_find(field->value, SPAN("=?")) == NULL &&
	       is_utf8(field->value);
}

static size_t
write_character(unsigned char *out, const unsigned char *c, size_t len)
{
	static const char hex[] = "0123456789ABCDEF", plain[] = "!*+-/";
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		bool alnum = (c[i] >= '0' && c[i] <= '9') ||
			     ((c[i] | 32) >= 'a' && (c[i] | 32) <= 'z');

		if (alnum || (c[i] < 0x80 && strchr(plain, c[i]) != NULL)) {
			out[at++] = c[i];
			continue;
		}
		out[at++] = '=';
		out[at++] = (unsigned char)hex[c[i] >> 4];
		out[at++] = (unsigned char)hex[c[i] & 15];
	}
	return at;
}

/* Several words when one is too long: what is between them is not content. */
static int
put_words(struct buf *out, struct span text, struct error *err)
{
	const size_t room =
		WORD_MAX - (sizeof(word_begin) - 1) - (sizeof(word_end) - 1);
	unsigned char encoded[12];
	size_t used = 0;

	if (buf_add_string(out, word_begin, err) != 0)
		return -1;
	while (text.len != 0) {
		size_t take = character_len(text), len = 0;

		if (text.data[0] != '\r' && text.data[0] != '\n')
			len = write_character(encoded, text.data, take);
		if (used + len > room) {
			if (buf_add_string(out, "?=\r\n =?utf-8?Q?", err) != 0)
				return -1;
			used = 0;
		}
		if (buf_add(out, encoded, len, err) != 0)
			return -1;
		used += len;
		text = span_of(text.data + take, text.len - take);
	}
	return buf_add_string(out, word_end, err);
}

int
mime_put_encoded_text(struct buf *out, struct span text, struct error *err)
{
	struct span words = words_to_encode(text);
	const unsigned char *end = text.data + text.len;

	if (span_find(text, SPAN("=?")) != NULL)
		words = text; /* it is none, and shall not become one */
	if (words.len == 0)
		return buf_add_span(out, text, err);
	if (buf_add_span(out, mime_between(text.data, words.data), err) != 0 ||
		put_words(out, words, err) != 0)
		return -1;
	return buf_add_span(
		out, mime_between(words.data + words.len, end), err);
}

int
mime_put_encoded_field(
	struct buf *out, const struct mime_field *field, struct error *err)
{
	struct span words = words_to_encode(field->value);
	const unsigned char *behind = words.data + words.len;

	if (mime_put_lines(out, mime_between(field->whole.data, words.data),
		    err) != 0 ||
		put_words(out, words, err) != 0)
		return -1;
	return mime_put_lines(out,
		mime_between(behind, field->whole.data + field->whole.len),
		err);
}
