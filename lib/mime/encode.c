#include "base/base64.h"
#include "mime/internal.h"

/* ---- quoted-printable (RFC 2045 6.7) ---- */

enum { QUOTED_LINE = 76, UNIT_MAX = 3, LINE_ROOM = 4 * QUOTED_LINE };

static const char hex[] = "0123456789ABCDEF";

static inline bool
is_plain(unsigned char c)
{
	return (c >= ' ' && c <= '~' && c != '=') || c == '\t';
}

static bool
is_hex(unsigned char c)
{
	return c != '\0' && strchr("0123456789ABCDEFabcdef", c) != NULL;
}

struct quoter {
	struct buf *out;
	bool coded;
	bool fresh;    /* nobody has set delimiters for it yet */
	bool broken;   /* by a soft line break of ours; or fresh */
	size_t tail;   /* bytes that follow on the line and are no text */
	size_t line;   /* how long a line may be that needs no soft break */
	size_t column; /* of the line that is being written */
	struct error *err;
};

static void
write_bytes(struct quoter *q, const unsigned char *bytes, size_t len)
{
	memcpy(q->out->data + q->out->len, bytes, len);
	q->out->len += len;
	q->column += len;
}

static void
write_hex(struct quoter *q, unsigned char c)
{
	unsigned char text[UNIT_MAX] = { '=', (unsigned char)hex[c >> 4],
		(unsigned char)hex[c & 15] };

	write_bytes(q, text, sizeof(text));
}

/* Every written line begins with room for it. */
static int
write_break(struct quoter *q, const char *text)
{
	write_bytes(q, (const unsigned char *)text, strlen(text));
	q->column = 0;
	return buf_reserve(q->out, LINE_ROOM, q->err);
}

/*
 * What MTAs or MIME parsers would take for something else where a line
 * begins: "From ", a single dot, and a delimiter that only our own break has
 * put at the start of a line.
 */
static bool
is_trap(const struct quoter *q, struct span rest)
{
	if (rest.data[0] == 'F')
		return rest.len + q->tail >= 5 &&
		       memcmp(rest.data, "From ", 5) == 0;
	if (rest.data[0] == '.')
		return rest.len == 1;
	return rest.data[0] == '-' && q->broken && rest.len > 1 &&
	       rest.data[1] == '-';
}

/*
 * How many bytes stay as they are and together: =XX, or a lone '=' that is
 * broken for all and must not become something else.  0: encode one byte.
 */
static size_t
coded_unit(const struct quoter *q, struct span rest)
{
	if (!q->coded || rest.data[0] != '=' || rest.len < 2)
		return 0;
	if (rest.len > 2 && is_hex(rest.data[1]) && is_hex(rest.data[2]))
		return 3;
	return is_plain(rest.data[1]) || rest.data[1] == '=' ? 2 : 0;
}

/* The next run of plain bytes that fits on the line. */
static size_t
plain_run(const struct quoter *q, struct span rest)
{
	size_t room = QUOTED_LINE - 1 - q->column, run = 0;

	if (q->column + rest.len <= q->line)
		room = rest.len;
	while (run < room && is_plain(rest.data[run]))
		run++;
	return run;
}

static int
write_text(struct quoter *q, struct span rest)
{
	size_t take, width;

	while (rest.len != 0) {
		bool trap = q->column == 0 && is_trap(q, rest);

		take = trap ? 0 : plain_run(q, rest);
		width = take;
		if (take == 0 && !trap)
			take = width = coded_unit(q, rest);
		if (take == 0)
			width = 3;
		if (q->column + width > QUOTED_LINE - 1 &&
			(take == 0 || take < rest.len ||
				q->column + width > q->line)) {
			q->broken = true;
			if (write_break(q, "=\r\n") != 0)
				return -1;
			continue;
		}
		if (take == 0)
			write_hex(q, rest.data[0]);
		else
			write_bytes(q, rest.data, take);
		take += take == 0;
		rest = span_of(rest.data + take, rest.len - take);
	}
	return 0;
}

/* Blanks at the end of a line, and a '=' before them, are not content. */
static size_t
tail_len(const struct quoter *q, struct span text)
{
	size_t len = 0;

	while (len < text.len && mime_is_blank(text.data[text.len - len - 1]))
		len++;
	if (!q->coded)
		return len != 0;
	return len < text.len && text.data[text.len - len - 1] == '=' ? len + 1
								      : len;
}

static int
write_tail(struct quoter *q, struct span tail)
{
	if (tail.len == 0)
		return 0;
	if (!q->coded) {
		if (q->column + 3 > QUOTED_LINE && write_break(q, "=\r\n") != 0)
			return -1;
		write_hex(q, tail.data[0]);
		return 0;
	}
	if (q->column + tail.len > MIME_LINE_MAX)
		tail.len = tail.data[0] == '=';
	if (buf_reserve(q->out, tail.len + LINE_ROOM, q->err) != 0)
		return -1;
	write_bytes(q, tail.data, tail.len);
	return 0;
}

static int
put_quoted(struct quoter q, struct span text)
{
	if (buf_reserve(q.out, LINE_ROOM, q.err) != 0)
		return -1;
	while (text.len != 0) {
		struct span whole = mime_line_next(&text);
		struct span line = mime_line_text(whole), tail;
		size_t len = tail_len(&q, line);

		tail = span_of(line.data + line.len - len, len);
		line.len -= len;
		q.broken = q.fresh;
		q.tail = len;
		q.line = len == 0 ? QUOTED_LINE : QUOTED_LINE - 1;
		if (write_text(&q, line) != 0 || write_tail(&q, tail) != 0)
			return -1;
		if (whole.len != line.len + tail.len &&
			write_break(&q, "\r\n") != 0)
			return -1;
	}
	return 0;
}

int
mime_put_quoted(
	struct buf *out, struct span text, bool coded, struct error *err)
{
	return put_quoted(
		(struct quoter){ out, .coded = coded, .err = err }, text);
}

int
mime_put_new_quoted(struct buf *out, struct span text, struct error *err)
{
	return put_quoted(
		(struct quoter){ out, .fresh = true, .err = err }, text);
}

/* ---- base64 (RFC 2045 6.8) ---- */

int
mime_put_base64(struct buf *out, struct span bytes, struct error *err)
{
	struct base64 encoder;

	base64_init(&encoder, out);
	if (base64_put(&encoder, bytes, err) != 0 ||
		base64_end(&encoder, err) != 0)
		return -1;
	if (bytes.len != 0)
		out->len -= 2;
	return 0;
}

static bool
is_base64(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

bool
mime_is_base64(struct span text)
{
	size_t count = 0, padding = 0;
	bool foreign = false, broken = false;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.data[i];

		if (!is_base64(c)) {
			foreign |= !mime_is_blank(c) && c != '\r' && c != '\n';
			continue;
		}
		count++;
		broken |= padding != 0 && c != '=';
		padding += c == '=';
	}
	return !foreign || (!broken && count % 4 == 0 && padding <= 2);
}

int
mime_put_base64_again(struct buf *out, struct span text, struct error *err)
{
	unsigned char line[QUOTED_LINE];
	size_t len = 0;
	bool first = true;

	for (size_t i = 0; i <= text.len; i++) {
		bool end = i == text.len;

		if (end ? len == 0 : !is_base64(text.data[i]))
			continue;
		if (end || len == sizeof(line)) {
			if (!first && buf_add(out, "\r\n", 2, err) != 0)
				return -1;
			if (buf_add(out, line, len, err) != 0)
				return -1;
			first = false;
			len = 0;
		}
		if (!end)
			line[len++] = text.data[i];
	}
	return 0;
}
