/*
 * Any bytes through the rewriter: what comes out without residue is fit to be
 * signed, and rewriting it again changes nothing.
 */
#include <stdint.h>
#include <string.h>

#include "mime/mime.h"
#include "must.h"

enum { LINE_MAX_BYTES = 998, LIMIT_BYTES = 1 << 26 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Slowly and without the library: nothing that a next hop would change. */
static void
must_be_safe(struct span s)
{
	size_t line = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = s.data[i];

		MUST(c != 0 && c < 128);
		if (c == '\r') {
			MUST(i + 1 < s.len && s.data[i + 1] == '\n');
			i++;
			line = 0;
			continue;
		}
		MUST(c != '\n');
		MUST(++line <= LINE_MAX_BYTES);
	}
}

static void
look_at(struct span s)
{
	struct mime_entity entity;
	struct mime_field field;
	struct mime_type type;
	struct span rest;
	char value[64];

	mime_entity_split(s, &entity);
	MUST(entity.header.len + entity.separator.len + entity.body.len ==
		s.len);
	rest = entity.header;
	while (mime_field_next(&rest, &field) == 1)
		MUST(field.whole.len > field.name.len + field.value.len);
	mime_type_of(entity.header, &type);
	if (mime_type_parameter(&type, "name", value, sizeof(value)) == 1)
		MUST(memchr(value, '\0', sizeof(value)) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mime_limits limits = { .depth = 20, .parts = 1000 };
	struct mime_rewrite report, again;
	struct span in = span_of(data, size);
	struct buf once, twice;
	struct error err;

	buf_init(&once, LIMIT_BYTES);
	buf_init(&twice, LIMIT_BYTES);
	look_at(in);
	if (mime_make_fit(in, &limits, &once, &report, &err) == 0) {
		MUST(mime_make_fit(buf_span(&once), &limits, &twice, &again,
			     &err) == 0);
		MUST(span_equal(buf_span(&once), buf_span(&twice)));
		MUST(again.residue == report.residue && again.changed == 0);
		MUST(report.scanned_bytes <= (limits.depth + 3) * size);
		if (report.residue == 0)
			must_be_safe(buf_span(&once));
		if (mime_is_fit(in))
			MUST(report.changed == 0 && report.residue == 0 &&
				span_equal(in, buf_span(&once)));
	} else {
		MUST(once.len == 0 && err.kind == ERROR_LIMIT);
	}
	buf_clear(&once);
	buf_clear(&twice);
	return 0;
}
