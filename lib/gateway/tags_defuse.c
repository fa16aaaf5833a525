/*
 * Look-alikes of our tags that came with the mail lose their brackets, in
 * whatever encoding (RFC 2047) they stand, with whatever is invisible between
 * their letters.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/mem.h"
#include "gateway/internal.h"

static const char *const words[] = { "signed", "signature", "encrypted" };

/* ---- encoded words ---- */

struct word {
	const char *start, *end; /* "=?" to behind "?=" */
	const char *text, *text_end;
	bool base64;
	bool utf7; /* nobody writes it but to hide something */
};

/* Behind it no word ends; NULL: nowhere. */
static const char *
last_end_of_word(const char *subject)
{
	const char *last = NULL;

	while ((subject = strstr(subject, "?=")) != NULL)
		last = subject++;
	return last;
}

/* "utf-7", "unicode-1-1-utf-7", "csUTF7", with or without a language. */
static bool
is_utf7(const char *charset, const char *end)
{
	for (; charset < end; charset++)
		if (strncasecmp(charset, "utf-7", 5) == 0 ||
			strncasecmp(charset, "utf7", 4) == 0)
			return true;
	return false;
}

/* The encoded word that begins here. */
static bool
read_word(const char *at, const char *last, struct word *out)
{
	const char *encoding, *text, *end;

	if (at[0] != '=' || at[1] != '?' || last == NULL || at > last)
		return false;
	encoding = strchr(at + 2, '?');
	if (encoding == NULL || encoding[1] == '\0' || encoding[2] != '?')
		return false;
	text = encoding + 3;
	end = strstr(text, "?=");
	if (end == NULL || strchr("bBqQ", encoding[1]) == NULL)
		return false;
	*out = (struct word){ at, end + 2, text, end,
		tolower((unsigned char)encoding[1]) == 'b',
		is_utf7(at + 2, encoding) };
	return true;
}

static int
hex(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
decode_q(const struct word *word, struct buf *out)
{
	for (const char *at = word->text; at < word->text_end; at++) {
		char c = *at == '_' ? ' ' : *at;

		if (*at == '=' && at + 2 < word->text_end && hex(at[1]) >= 0 &&
			hex(at[2]) >= 0) {
			c = (char)(hex(at[1]) << 4 | hex(at[2]));
			at += 2;
		}
		if (buf_add(out, &c, 1, NULL) != 0)
			return;
	}
}

static void
decode_word(const struct word *word, struct buf *out)
{
	struct span text =
		span_of(word->text, (size_t)(word->text_end - word->text));

	if (!word->base64)
		decode_q(word, out);
	else if (base64_decode(text, out, NULL) != 0)
		(void)!buf_add_span(out, text, NULL);
}

/* ---- what a reader sees ---- */

enum { FULL_WIDTH_BYTES = 3 };

/* U+FF01 to U+FF5E, ASCII as wide as an ideograph, in UTF-8; or 0. */
static char
narrow(struct span bytes)
{
	const unsigned char *at = (const unsigned char *)bytes.data;
	unsigned c;

	if (bytes.len < FULL_WIDTH_BYTES || at[0] != 0xef ||
		(at[1] != 0xbc && at[1] != 0xbd) || (at[2] & 0xc0) != 0x80)
		return '\0';
	c = (at[1] & 1u) << 6 | (at[2] & 0x3fu);
	return c >= 1 && c <= 0x5e ? (char)(c + 0x20) : '\0';
}

/*
 * As far as ASCII goes: blanks, NULs and all that is not ASCII are left out,
 * for some of it has no width.  0: nothing is seen.
 */
static char
seen_at(struct span rest, size_t *len)
{
	char c = narrow(rest);

	*len = c != '\0' ? FULL_WIDTH_BYTES : 1;
	if (c == '\0')
		c = rest.data[0];
	return (char)(c > 0 && c < 127 ? tolower(c) : '\0');
}

/* Everything decoded, without blanks: also those between two words. */
static void
decode_all(const char *subject, struct buf *out)
{
	const char *last = last_end_of_word(subject);
	struct word word;
	size_t kept = 0;

	while (*subject != '\0') {
		if (read_word(subject, last, &word)) {
			decode_word(&word, out);
			subject = word.end;
		} else if (buf_add(out, subject++, 1, NULL) != 0) {
			break;
		}
	}
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->data[i] > 32)
			out->data[kept++] = out->data[i];
	out->len = kept;
}

static char *
seen(const char *subject)
{
	struct buf decoded = { 0 };
	struct span rest;
	char *text, *to;
	size_t len;

	decode_all(subject, &decoded);
	to = text = mem_alloc(decoded.len + 1);
	for (rest = buf_span(&decoded); rest.len != 0;
		rest = span_of(rest.data + len, rest.len - len)) {
		char c = seen_at(rest, &len);

		if (c != '\0')
			*to++ = c;
	}
	*to = '\0';
	buf_clear(&decoded);
	return text;
}

static bool
has_utf7(const char *subject)
{
	const char *last = last_end_of_word(subject);
	struct word word;

	for (; *subject != '\0'; subject++)
		if (read_word(subject, last, &word)) {
			if (word.utf7)
				return true;
			subject = word.end - 1;
		}
	return false;
}

/* "[", and one of our words right behind it. */
static bool
has_tag(const char *subject)
{
	char *text = seen(subject);
	bool has = false;

	for (const char *at = text; (at = strchr(at, '[')) != NULL; at++)
		for (size_t i = 0; i < COUNT_OF(words); i++)
			has = has ||
			      strncmp(at + 1, words[i], strlen(words[i])) == 0;
	mem_free(text);
	return has;
}

/* ---- without brackets ---- */

static char
rounded(char c)
{
	return (char)(c == '[' ? '(' : c == ']' ? ')' : c);
}

/* Wide brackets become narrow ones. */
static void
add_rounded(struct span bytes, struct buf *out)
{
	while (bytes.len != 0) {
		char wide = narrow(bytes);
		bool bracket = wide == '[' || wide == ']';
		char c = rounded(bracket ? wide : bytes.data[0]);
		size_t len = bracket ? FULL_WIDTH_BYTES : 1;

		if (buf_add(out, &c, 1, NULL) != 0)
			return;
		bytes = span_of(bytes.data + len, bytes.len - len);
	}
}

static void
encode_base64(struct span bytes, struct buf *out)
{
	struct buf text = { 0 };
	struct base64 encoder;

	base64_init(&encoder, &text);
	if (base64_put(&encoder, bytes, NULL) == 0 &&
		base64_end(&encoder, NULL) == 0)
		for (size_t i = 0; i < text.len; i++)
			if (text.data[i] > 32 &&
				buf_add(out, &text.data[i], 1, NULL) != 0)
				break;
	buf_clear(&text);
}

static void
encode_q(struct span bytes, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.data[i];
		char code[] = { '=', digits[c >> 4], digits[c & 15] };
		bool plain = c < 0x80 && isalnum(c);

		if (c == ' ')
			code[0] = '_';
		else if (plain)
			code[0] = (char)c;
		if (buf_add(out, code, plain || c == ' ' ? 1 : sizeof(code),
			    NULL) != 0)
			return;
	}
}

/* UTF-7 is shown as it is written. */
static void
defuse_word(const struct word *word, struct buf *out)
{
	struct buf bytes = { 0 }, round = { 0 };
	char *start = word->utf7 ? mem_printf("=?us-ascii?%c?",
					   word->base64 ? 'b' : 'q')
				 : mem_string_n(word->start,
					   (size_t)(word->text - word->start));

	decode_word(word, &bytes);
	add_rounded(buf_span(&bytes), &round);
	if (buf_add_string(out, start, NULL) == 0) {
		if (word->base64)
			encode_base64(buf_span(&round), out);
		else
			encode_q(buf_span(&round), out);
		(void)!buf_add_string(out, "?=", NULL);
	}
	buf_clear(&bytes);
	buf_clear(&round);
	mem_free(start);
}

static char *
defuse_all(const char *subject)
{
	const char *last = last_end_of_word(subject), *plain = subject;
	struct buf out = { 0 };
	struct word word;
	char *text;

	while (*subject != '\0') {
		if (!read_word(subject, last, &word)) {
			subject++;
			continue;
		}
		add_rounded(span_of(plain, (size_t)(subject - plain)), &out);
		defuse_word(&word, &out);
		plain = subject = word.end;
	}
	add_rounded(span_of(plain, (size_t)(subject - plain)), &out);
	text = mem_string_n(out.data, out.len);
	buf_clear(&out);
	return text;
}

char *
tags_defuse(const char *subject)
{
	char *text, *bare;

	if (!has_tag(subject) && !has_utf7(subject))
		return NULL;
	text = defuse_all(subject);
	if (!has_tag(text))
		return text;
	/* A bracket cut in two by words: what is seen of it remains. */
	bare = seen(text);
	mem_free(text);
	for (char *c = bare; *c != '\0'; c++)
		*c = rounded(*c);
	text = mem_printf(" %s", bare);
	mem_free(bare);
	return text;
}
