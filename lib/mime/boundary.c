#include <stdio.h>

#include "base/random.h"
#include "mime/internal.h"

/*
 * '=' and '_' side by side occur in neither quoted-printable nor base64
 * (RFC 2046 5.1.1).
 */
static const char prefix[] = "----=_";
enum { RANDOM_LEN = 32, TRIES = 8 };

/* Does it stand where one piece ends and the next ones begin? */
static bool
is_across(const struct pieces *content, size_t first, struct span boundary)
{
	unsigned char seam[2 * MIME_NEW_BOUNDARY_SIZE];
	struct span piece = content->item[first];
	size_t len =
		boundary.len - 1 < piece.len ? boundary.len - 1 : piece.len;
	size_t size = len + boundary.len - 1;

	memcpy(seam, piece.data + piece.len - len, len);
	for (size_t i = first + 1; i < content->count && len < size; i++) {
		size_t more = content->item[i].len;

		if (more > size - len)
			more = size - len;
		memcpy(seam + len, content->item[i].data, more);
		len += more;
	}
	return span_find(span_of(seam, len), boundary) != NULL;
}

static bool
is_in(const struct pieces *content, struct span boundary)
{
	for (size_t i = 0; i < content->count; i++)
		if (span_find(content->item[i], boundary) != NULL ||
			is_across(content, i, boundary))
			return true;
	return false;
}

int
mime_new_boundary(const struct pieces *content,
	char out[MIME_NEW_BOUNDARY_SIZE], struct error *err)
{
	char random[RANDOM_LEN + 1];

	for (int i = 0; i < TRIES; i++) {
		if (random_hex(random, RANDOM_LEN, err) != 0)
			return -1;
		snprintf(out, MIME_NEW_BOUNDARY_SIZE, "%s%s", prefix, random);
		if (!is_in(content, span_string(out)))
			return 0;
	}
	return error_set(err, ERROR_SYSTEM,
		"no boundary found that the mail does not contain");
}

enum mime_delimiter
mime_delimiter_of(struct span line, struct span boundary)
{
	enum mime_delimiter kind = MIME_DELIMITER_PART;
	size_t at = boundary.len + 2;

	if (line.len < at || line.data[0] != '-' || line.data[1] != '-' ||
		memcmp(line.data + 2, boundary.data, boundary.len) != 0)
		return MIME_DELIMITER_NONE;
	line = mime_line_text(line);
	if (line.len >= at + 2 && memcmp(line.data + at, "--", 2) == 0) {
		kind = MIME_DELIMITER_CLOSE;
		at += 2;
	}
	while (at < line.len && mime_is_blank(line.data[at]))
		at++;
	return at == line.len ? kind : MIME_DELIMITER_NONE;
}

struct span
mime_part_before(const unsigned char *part, const unsigned char *delimiter)
{
	struct span bytes = mime_between(part, delimiter);

	bytes.len -= mime_line_end(bytes);
	return bytes;
}
