/* Multiparts taken apart. */
#include "mime/internal.h"

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

int
mime_parts_begin(struct span *rest, struct span boundary)
{
	while (rest->len != 0) {
		struct span line = mime_line_next(rest);
		enum mime_delimiter kind = mime_delimiter_of(line, boundary);

		if (kind != MIME_DELIMITER_NONE)
			return kind == MIME_DELIMITER_PART;
	}
	return 0;
}

int
mime_part_next(struct span *rest, struct span boundary, struct span *part)
{
	const unsigned char *from = rest->data;

	if (rest->data == NULL)
		return 0;
	while (rest->len != 0) {
		struct span line = mime_line_next(rest);
		enum mime_delimiter kind = mime_delimiter_of(line, boundary);

		if (kind == MIME_DELIMITER_NONE)
			continue;
		*part = mime_part_before(from, line.data);
		if (kind == MIME_DELIMITER_CLOSE)
			*rest = span_of(NULL, 0);
		return 1;
	}
	*part = mime_between(from, rest->data);
	*rest = span_of(NULL, 0);
	return 1;
}
