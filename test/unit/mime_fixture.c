#include "mime_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
add(struct buf *out, const void *bytes, size_t len)
{
	assert_int_equal(buf_add(out, bytes, len, NULL), 0);
}

static void
add_text(struct buf *out, const char *text)
{
	add(out, text, strlen(text));
}

bool
is_safe(struct span bytes)
{
	size_t column = 0;

	for (size_t i = 0; i < bytes.len; i++) {
		bool end = bytes.data[i] == '\r' && i + 1 < bytes.len &&
			   bytes.data[i + 1] == '\n';

		column = end ? 0 : column + 1;
		i += end;
		if (!end && (strchr("\r\n", bytes.data[i]) != NULL ||
				    bytes.data[i] > 126 || column > 998))
			return false;
	}
	return true;
}

/* A header's fields, unfolded, each with LF behind it, as a C string. */
static char *
unfold(struct span header)
{
	char *text = calloc(1, header.len + 2), *to = text;

	assert_non_null(text);
	for (size_t i = 0; i < header.len; i++) {
		if (header.data[i] == '\r')
			continue;
		if (header.data[i] == '\n' && i + 1 < header.len &&
			strchr(" \t", header.data[i + 1]) != NULL)
			continue;
		*to++ = (char)header.data[i];
	}
	if (to != text && to[-1] != '\n')
		*to = '\n';
	return text;
}

/* The value of the first field of that name, up to LF; "" when none. */
static const char *
value_of(const char *fields, const char *name)
{
	while (*fields != '\0') {
		size_t len = strlen(name);

		if (strncasecmp(fields, name, len) == 0 &&
			fields[len + strspn(fields + len, " \t")] == ':')
			return strchr(fields, ':') + 1;
		fields = strchr(fields, '\n') + 1;
	}
	return "";
}

static bool
says(const char *value, const char *word)
{
	size_t len = strlen(word);

	for (; *value != '\0' && *value != '\n'; value++)
		if (strncasecmp(value, word, len) == 0)
			return true;
	return false;
}

static void
tell_fields(const char *fields, struct buf *out)
{
	while (*fields != '\0') {
		const char *end = strchr(fields, '\n') + 1;

		if (strncasecmp(fields, "Content-Transfer-Encoding", 25) != 0)
			add(out, fields, (size_t)(end - fields));
		fields = end;
	}
}

static int
digit(unsigned char c)
{
	const char *digits = "0123456789ABCDEF";
	const char *at =
		c == '\0' ? NULL : strchr(digits, c & 64 ? c & ~32 : c);

	return at == NULL ? -1 : (int)(at - digits);
}

static void
decode_quoted(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = s.data[i];

		if (c == '=' && i + 2 < s.len && digit(s.data[i + 1]) >= 0 &&
			digit(s.data[i + 2]) >= 0) {
			c = (unsigned char)(digit(s.data[i + 1]) * 16 +
					    digit(s.data[i + 2]));
			i += 2;
		} else if (c == '=' && i + 2 < s.len && s.data[i + 1] == '\r' &&
			   s.data[i + 2] == '\n') {
			i += 2;
			continue;
		}
		add(out, &c, 1);
	}
}

static void
decode_base64(struct span s, struct buf *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
				       "klmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < s.len && s.data[i] != '='; i++) {
		const char *at = memchr(alphabet, s.data[i], 64);

		if (at == NULL)
			continue;
		bits = bits << 6 | (unsigned)(at - alphabet);
		count += 6;
		if (count >= 8) {
			unsigned char c = (unsigned char)(bits >> (count -= 8));

			add(out, &c, 1);
		}
	}
}

static void
tell_leaf(const char *fields, struct span body, struct buf *out)
{
	const char *encoding = value_of(fields, "Content-Transfer-Encoding");

	add_text(out, "[leaf ");
	if (says(encoding, "base64"))
		decode_base64(body, out);
	else if (says(encoding, "quoted-printable"))
		decode_quoted(body, out);
	else
		add(out, body.data, body.len);
	add_text(out, "]\n");
}

/* boundary="..." or boundary=...; the tests write no other. */
static bool
find_boundary(const char *type, char out[128])
{
	while (*type != '\0' && *type != '\n' &&
		strncasecmp(type, "boundary=", 9) != 0)
		type++;
	if (*type == '\0' || *type == '\n')
		return false;
	type += 9;
	snprintf(out, 128, "--%.*s",
		(int)strcspn(type + (*type == '"'), "\"; \n"),
		type + (*type == '"'));
	return true;
}

/* The next line that is a delimiter, from data on; NULL: none. */
static const unsigned char *
find_delimiter(struct span s, const char *delimiter, bool *close,
	const unsigned char **behind)
{
	size_t len = strlen(delimiter);
	const unsigned char *p = s.data, *end = s.data + s.len, *q;

	while (p != NULL && p < end) {
		const unsigned char *lf = memchr(p, '\n', (size_t)(end - p));

		*behind = lf == NULL ? end : lf + 1;
		q = p + len;
		if ((size_t)(*behind - p) >= len &&
			memcmp(p, delimiter, len) == 0) {
			*close = *behind - q >= 2 && memcmp(q, "--", 2) == 0;
			q += *close ? 2 : 0;
			while (q < *behind && strchr(" \t\r\n", *q) != NULL)
				q++;
			if (q == *behind)
				return p;
		}
		p = lf == NULL ? NULL : lf + 1;
	}
	return NULL;
}

static void tell_entity(struct span entity, bool digest, struct buf *out);

static void
tell_parts(
	struct span body, const char *delimiter, bool digest, struct buf *out)
{
	const unsigned char *at, *behind, *end = body.data + body.len;
	bool in_part = false, close = false;

	while (!close &&
		(at = find_delimiter(body, delimiter, &close, &behind))) {
		size_t len = (size_t)(at - body.data);

		add_text(out, in_part ? "[part\n" : "[before ");
		if (in_part)
			tell_entity(span_of(body.data, len < 2 ? 0 : len - 2),
				digest, out);
		else
			add(out, body.data, len);
		add_text(out, "]\n");
		add(out, at, (size_t)(behind - at));
		body = span_of(behind, (size_t)(end - behind));
		in_part = true;
	}
	add_text(out, "[behind ");
	if (in_part && !close)
		tell_entity(body, digest, out);
	else
		add(out, body.data, body.len);
	add_text(out, "]\n");
}

static void
tell_entity(struct span message, bool digest, struct buf *out)
{
	const unsigned char *blank = span_find(message, SPAN("\r\n\r\n"));
	struct span header = message, body = span_of("", 0);
	char *fields, delimiter[128];
	const char *type;

	if (message.len >= 2 && memcmp(message.data, "\r\n", 2) == 0)
		blank = message.data - 2;
	if (blank != NULL) {
		header = span_of(
			message.data, (size_t)(blank + 2 - message.data));
		body = span_of(blank + 4, message.len - header.len - 2);
	}
	fields = unfold(header);
	type = value_of(fields, "Content-Type");
	tell_fields(fields, out);
	if (says(type, "multipart/signed"))
		add(out, body.data, body.len);
	else if (says(type, "multipart/") && find_boundary(type, delimiter))
		tell_parts(body, delimiter, says(type, "digest"), out);
	else if (!says(value_of(fields, "Content-Transfer-Encoding"),
			 "base64") &&
		 (says(type, "message/rfc822") || (digest && *type == '\0')))
		tell_entity(body, false, out);
	else
		tell_leaf(fields, body, out);
	free(fields);
}

void
tell_message(struct span message, struct buf *out)
{
	tell_entity(message, false, out);
}

/* ---- rows ---- */

void
make_fit_or_fail(struct span in, struct buf *out, struct mime_rewrite *report)
{
	struct error err = { 0 };

	if (mime_make_fit(in, NULL, out, report, &err) != 0)
		fail_msg("%s", err.text);
}

void
says_the_same(const struct rewrite_row *row, struct span after)
{
	struct buf a = { 0 }, b = { 0 };

	tell_message(row->in, &a);
	tell_message(after, &b);
	if (!span_equal(buf_span(&a), buf_span(&b)))
		fail_msg("%s:\n%.*s\nthen:\n%.*s", row->label, (int)a.len,
			(const char *)a.data, (int)b.len, (const char *)b.data);
	buf_clear(&a);
	buf_clear(&b);
}

static void
try_row(const struct rewrite_row *row)
{
	struct span wanted = row->out.data == NULL ? row->in : row->out;
	struct mime_rewrite report;
	struct buf out = { 0 }, again = { 0 };

	make_fit_or_fail(row->in, &out, &report);
	if (!span_equal(buf_span(&out), wanted))
		fail_msg("%s:\n%.*s", row->label, (int)out.len,
			(const char *)out.data);
	if (report.residue != row->residue)
		fail_msg("%s: residue %u", row->label, report.residue);
	if ((report.residue == 0) != is_safe(buf_span(&out)))
		fail_msg("%s: residue and bytes disagree", row->label);
	make_fit_or_fail(buf_span(&out), &again, &report);
	if (!span_equal(buf_span(&out), buf_span(&again)) || report.changed)
		fail_msg("%s: changes when rewritten again", row->label);
	buf_clear(&out);
	buf_clear(&again);
}

void
try_rewrites(const struct rewrite_row *rows, size_t count, bool tell)
{
	for (size_t i = 0; i < count; i++) {
		try_row(&rows[i]);
		if (tell && rows[i].out.data != NULL)
			says_the_same(&rows[i], rows[i].out);
	}
}
