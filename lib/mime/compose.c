/* New mail from a tree: structure and content. */
#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "mime/internal.h"

static int put_node(
	struct buf *out, const struct mime_node *node, struct error *err);

/* ---- leaves ---- */

/* More than one byte in six with the eighth bit: base64 is shorter. */
enum { BASE64_SHORTER = 6 };

/* What some reader may take for the delimiter of a multipart around it. */
static bool
has_delimiter(struct span text)
{
	while (text.len != 0) {
		struct span line = mime_line_next(&text);

		if (line.len >= 2 && memcmp(line.data, "--", 2) == 0)
			return true;
	}
	return false;
}

static enum mime_encoding
choose_encoding(const struct mime_node *node)
{
	struct mime_scan scan;

	if (!node->text)
		return ENCODING_BASE64;
	mime_scan(node->data, &scan);
	if (scan.flaws & FLAW_NUL ||
		scan.high > node->data.len / BASE64_SHORTER)
		return ENCODING_BASE64;
	if ((scan.flaws & ~(unsigned)FLAW_BARE_LF) == 0 &&
		!has_delimiter(node->data))
		return ENCODING_7BIT;
	return ENCODING_QUOTED;
}

static int
put_leaf(struct buf *out, const struct mime_node *node, struct error *err)
{
	enum mime_encoding encoding = choose_encoding(node);
	const char *name = encoding == ENCODING_7BIT	 ? "7bit"
			   : encoding == ENCODING_QUOTED ? "quoted-printable"
							 : "base64";

	if (mime_put_node_header(out, node, name, NULL, err) != 0 ||
		buf_add(out, "\r\n", 2, err) != 0)
		return -1;
	if (encoding == ENCODING_7BIT)
		return mime_put_lines(out, node->data, err);
	if (encoding == ENCODING_QUOTED)
		return mime_put_new_quoted(out, node->data, err);
	return mime_put_base64(out, node->data, err);
}

/* ---- composites ---- */

static int
put_multipart(struct buf *out, const struct mime_node *node, struct error *err)
{
	static const struct pieces nothing;
	char boundary[MIME_NEW_BOUNDARY_SIZE];
	const struct mime_node *child;

	/* Of 128 random bits: nothing that is here already knows it. */
	if (mime_new_boundary(&nothing, boundary, err) != 0 ||
		mime_put_node_header(out, node, NULL, boundary, err) != 0)
		return -1;
	LIST_FOREACH (child, &node->children)
		if (buf_add_format(out, err, "\r\n--%s\r\n", boundary) != 0 ||
			put_node(out, child, err) != 0)
			return -1;
	return buf_add_format(out, err, "\r\n--%s--\r\n", boundary);
}

static int
put_mail(struct buf *out, const struct mime_node *node, struct error *err)
{
	const struct mime_node *child;

	if (mime_put_node_texts(out, node, err) != 0 ||
		buf_add_string(out, "MIME-Version: 1.0\r\n", err) != 0)
		return -1;
	LIST_FOREACH (child, &node->children)
		if (put_node(out, child, err) != 0)
			return -1;
	return 0;
}

static int
put_message(struct buf *out, const struct mime_node *node, struct error *err)
{
	if (mime_put_node_header(out, node, NULL, NULL, err) != 0 ||
		buf_add(out, "\r\n", 2, err) != 0)
		return -1;
	return put_mail(out, node, err);
}

static int
put_sequence(struct buf *out, const struct mime_node *node, struct error *err)
{
	const struct mime_node *child;

	LIST_FOREACH (child, &node->children)
		if (put_node(out, child, err) != 0)
			return -1;
	return 0;
}

static int
put_node(struct buf *out, const struct mime_node *node, struct error *err)
{
	if (buf_add_span(out, node->fields, err) != 0)
		return -1;
	switch (node->kind) {
	case MIME_LEAF:
		return put_leaf(out, node, err);
	case MIME_MULTIPART:
		return put_multipart(out, node, err);
	case MIME_MESSAGE:
		return put_message(out, node, err);
	case MIME_VERBATIM:
		return buf_add_span(out, node->data, err);
	case MIME_SEQUENCE:
		return put_sequence(out, node, err);
	}
	return 0;
}

/* ---- all of it ---- */

/* Header, delimiters. */
enum { AROUND_BYTES = 1024 };

/* About how long it will be: large results do not grow in steps. */
static size_t
expected_len(const struct mime_node *node)
{
	size_t len = AROUND_BYTES + node->fields.len;
	const struct mime_node *child;

	if (node->kind == MIME_LEAF && !node->text)
		len += base64_len(node->data.len);
	else
		len += node->data.len;
	LIST_FOREACH (child, &node->children)
		len += expected_len(child);
	return len;
}

static int
compose(const struct mime_node *root,
	int (*put)(struct buf *out, const struct mime_node *node,
		struct error *err),
	struct buf *out, struct error *err)
{
	if (buf_reserve(out, expected_len(root), err) != 0 ||
		put(out, root, err) != 0)
		return -1;
	if (out->len != 0 && out->data[out->len - 1] != '\n')
		return buf_add(out, "\r\n", 2, err);
	return 0;
}

int
mime_compose(const struct mime_node *root, struct buf *out, struct error *err)
{
	return compose(root, put_node, out, err);
}

int
mime_compose_mail(
	const struct mime_node *message, struct buf *out, struct error *err)
{
	return compose(message, put_mail, out, err);
}
