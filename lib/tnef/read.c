#include "base/mem.h"
#include "tnef/stream.h"

enum { DEPTH_DEFAULT = 10, DEPTH_MAX = 50 };
enum { ATTACHMENTS_DEFAULT = 1000, PEOPLE_DEFAULT = 5000 };
enum { PROPERTIES_DEFAULT = 100000, RATIO_DEFAULT = 16 };
/* A small one may make this much in any case. */
enum { MADE_ALWAYS_BYTES = 64 << 10, MADE_DEFAULT_BYTES = 64 << 20 };

static const unsigned char signature[] = { 0x78, 0x9f, 0x3e, 0x22 };

bool
tnef_is(struct span bytes)
{
	return bytes.len >= sizeof(signature) &&
	       span_equal(span_of(bytes.data, sizeof(signature)),
		       span_of(signature, sizeof(signature)));
}

static unsigned
or_default(unsigned limit, unsigned otherwise)
{
	return limit != 0 ? limit : otherwise;
}

static void
reader_init(struct tnef_reader *reader, const struct tnef_limits *limits,
	size_t given_bytes)
{
	size_t ratio = or_default(limits->ratio, RATIO_DEFAULT);
	size_t by_ratio = MADE_ALWAYS_BYTES;

	*reader = (struct tnef_reader){
		.depth = or_default(limits->depth, DEPTH_DEFAULT),
		.attachments =
			or_default(limits->attachments, ATTACHMENTS_DEFAULT),
		.people = or_default(limits->people, PEOPLE_DEFAULT),
		.properties =
			or_default(limits->properties, PROPERTIES_DEFAULT),
		.made_bytes = limits->made_bytes != 0 ? limits->made_bytes
						      : MADE_DEFAULT_BYTES,
	};
	if (reader->depth > DEPTH_MAX)
		reader->depth = DEPTH_MAX;
	if (given_bytes < reader->made_bytes / ratio)
		by_ratio += given_bytes * ratio;
	else
		by_ratio = reader->made_bytes;
	if (by_ratio < reader->made_bytes)
		reader->made_bytes = by_ratio;
}

/* Everything but the files; the calendar comes to stand before these. */
static int
read_self(struct tnef_reader *reader, const struct tnef_raw *raw,
	struct tnef_message *message, struct error *err)
{
	tnef_message_describe(message, raw);
	tnef_add_people(reader, message, raw);
	if (tnef_add_bodies(reader, message, &raw->properties, err) != 0)
		return -1;
	if (tnef_add_calendar(reader, message, &raw->properties, err) != 0)
		return -1;
	return tnef_add_card(reader, message, &raw->properties, err);
}

int
tnef_read_message(struct tnef_reader *reader, struct span bytes,
	unsigned code_page, struct tnef_message *message, struct error *err)
{
	const struct tnef_raw_file *file;
	struct tnef_raw raw = { .properties.code_page = code_page };
	int result = -1;

	tnef_collect(reader, bytes, &raw, message);
	if (read_self(reader, &raw, message, err) != 0)
		goto out;
	LIST_FOREACH (file, &raw.files)
		if (tnef_add_file(reader, message, file, file_i + 1, err) != 0)
			goto out;
	tnef_find_inline(message);
	result = 0;
out:
	tnef_raw_clear(&raw);
	return result;
}

int
tnef_read(struct span bytes, const struct tnef_limits *limits,
	struct tnef_message **out, struct error *err)
{
	static const struct tnef_limits none;
	struct tnef_reader reader;
	struct tnef_message *message;

	if (!tnef_is(bytes))
		return error_set(err, ERROR_FORMAT,
			"no TNEF: it does not begin with its signature");
	reader_init(&reader, limits != NULL ? limits : &none, bytes.len);
	message = mem_alloc(sizeof(*message));
	if (tnef_read_message(&reader, bytes, TNEF_WESTERN, message, err) !=
		0) {
		tnef_message_free(message);
		return -1;
	}
	*out = message;
	return 0;
}
