/*
 * The attributes of a stream, sorted: those that are lists of properties are
 * read, old ones that say what a property says become one, the others are kept
 * as they stand.
 */
#include <string.h>

#include "base/mem.h"
#include "tnef/stream.h"

enum {
	HEAD_BYTES = 6,	     /* the signature and a key nobody uses */
	GARBAGE_MAX = 16,    /* what some gateways leave behind the end */
	CODE_PAGE_MIN = 437, /* below there are none */
};

/* MS-OXTNEF 2.1.3.3: an old attribute and the property it stands for. */
static const struct legacy {
	uint16_t id;
	uint16_t type;
	uint16_t property;
	uint16_t property_type;
} legacies[] = {
	{ 0x0006, 3, 0x0060, TNEF_LEGACY_DATE }, /* attDateStart */
	{ 0x0007, 3, 0x0061, TNEF_LEGACY_DATE }, /* attDateEnd */
	{ 0x0008, 5, 0x0062, TNEF_INT32 },	 /* attAidOwner */
	{ 0x0009, 4, 0x0063, TNEF_INT16 },	 /* attRequestRes */
	{ 0x0006, 7, 0x004b, TNEF_STRING8 },	 /* attOriginalMessageClass */
	{ 0x0600, 7, 0x004b, TNEF_STRING8 },	 /* the same, elsewhere */
	{ 0x8004, 1, 0x0037, TNEF_STRING8 },	 /* attSubject */
	{ 0x8005, 3, 0x0039, TNEF_LEGACY_DATE }, /* attDateSent */
	{ 0x8006, 3, 0x0e06, TNEF_LEGACY_DATE }, /* attDateRecd */
	{ 0x8008, 7, 0x001a, TNEF_STRING8 },	 /* attMessageClass */
	{ 0x800c, 2, 0x1000, TNEF_STRING8 },	 /* attBody */
	{ 0x8020, 3, 0x3008, TNEF_LEGACY_DATE }, /* attDateModified */
	{ TNEF_ATT_ATTACH_MODIFIED, 3, 0x3008, TNEF_LEGACY_DATE },
};

static void
add_legacy(struct tnef_reader *reader, const struct tnef_attribute *attribute,
	struct tnef_properties *properties)
{
	for (size_t i = 0; i < COUNT_OF(legacies); i++) {
		const struct legacy *row = &legacies[i];
		struct tnef_property *added;

		if (row->id != attribute->id || row->type != attribute->type ||
			reader->properties == 0)
			continue;
		reader->properties--;
		added = tnef_properties_add(properties);
		added->id = row->property;
		added->type = row->property_type;
		added->is_legacy = true;
		added->count = 1;
		added->value = attribute->data;
	}
}

static void
take_code_page(struct span data, struct tnef_properties *properties)
{
	uint32_t code_page;

	/* UTF-16 cannot be meant: it is for 8-bit texts. */
	if (tnef_take_32(&data, &code_page) && code_page >= CODE_PAGE_MIN &&
		code_page != TNEF_UTF16 && code_page != TNEF_UTF16 + 1)
		properties->code_page = code_page;
}

static void
take_of_message(struct tnef_reader *reader,
	const struct tnef_attribute *attribute, struct tnef_raw *out,
	struct tnef_message *message)
{
	struct span data = attribute->data;

	switch (attribute->id) {
	case TNEF_ATT_PROPERTIES:
		tnef_properties_read(reader, &data, &out->properties, message);
		return;
	case TNEF_ATT_CODE_PAGE:
		take_code_page(data, &out->properties);
		return;
	case TNEF_ATT_PEOPLE:
		out->people = data;
		return;
	case TNEF_ATT_FROM:
		out->from = data;
		return;
	case TNEF_ATT_OWNER:
		out->owner = data;
		return;
	case TNEF_ATT_SENT_FOR:
		out->sent_for = data;
		return;
	case TNEF_ATT_PRIORITY:
		out->priority = data.len >= 2 ? tnef_read_16(data.data) : 0;
		return;
	}
	add_legacy(reader, attribute, &out->properties);
}

/*
 * Each file begins with its rendering.  Where that is missing, a second one of
 * what a file has but once begins the next.
 */
static bool
begins_file(const struct tnef_attribute *attribute,
	const struct tnef_raw_file *last)
{
	if (last == NULL)
		return true;
	switch (attribute->id) {
	case TNEF_ATT_RENDERING:
		return true;
	case TNEF_ATT_ATTACH_DATA:
		return last->data.data != NULL;
	case TNEF_ATT_ATTACH_TITLE:
		return last->title.data != NULL;
	case TNEF_ATT_ATTACHMENT:
		return last->has_list;
	}
	return false;
}

static void
take_of_file(struct tnef_reader *reader, const struct tnef_attribute *attribute,
	struct tnef_raw_file *out, struct tnef_message *message)
{
	struct span data = attribute->data;

	switch (attribute->id) {
	case TNEF_ATT_RENDERING:
		out->rendering = data;
		return;
	case TNEF_ATT_ATTACH_DATA:
		out->data = data;
		return;
	case TNEF_ATT_ATTACH_TITLE:
		out->title = data;
		return;
	case TNEF_ATT_TRANSPORT_NAME:
		out->transport_name = data;
		return;
	case TNEF_ATT_ATTACHMENT:
		out->has_list = true;
		tnef_properties_read(reader, &data, &out->properties, message);
		return;
	}
	add_legacy(reader, attribute, &out->properties);
}

/* The file an attribute is of, or NULL: there may be no more of them. */
static struct tnef_raw_file *
file_of(struct tnef_reader *reader, const struct tnef_attribute *attribute,
	struct tnef_raw *out, struct tnef_message *message)
{
	struct list *files = &out->files;
	struct tnef_raw_file *file =
		files->count > 0 ? files->item[files->count - 1] : NULL;

	if (out->is_full || !begins_file(attribute, file))
		return out->is_full ? NULL : file;
	if (reader->attachments == 0) {
		out->is_full = true;
		tnef_problem(message, true,
			"more attachments than the limit allows");
		return NULL;
	}
	reader->attachments--;
	file = mem_alloc(sizeof(*file));
	list_add(files, file);
	return file;
}

static void
take_attribute(struct tnef_reader *reader,
	const struct tnef_attribute *attribute, struct tnef_raw *out,
	struct tnef_message *message)
{
	struct tnef_raw_file *file;

	if (!attribute->is_sound)
		tnef_problem(message, false,
			"the checksum of attribute 0x%04x%04x is wrong",
			attribute->type, attribute->id);
	if (attribute->level == TNEF_LEVEL_MESSAGE) {
		take_of_message(reader, attribute, out, message);
		return;
	}
	file = file_of(reader, attribute, out, message);
	if (file != NULL)
		take_of_file(reader, attribute, file, message);
}

/* What stands behind the last attribute: garbage, or another one cut off? */
static void
report_rest(struct span rest, bool is_all, struct tnef_message *message)
{
	bool is_cut = is_all || rest.len > GARBAGE_MAX ||
		      (rest.len > 0 &&
			      (rest.data[0] == TNEF_LEVEL_MESSAGE ||
				      rest.data[0] == TNEF_LEVEL_ATTACHMENT));

	tnef_problem(message, is_cut, "the last %zu bytes are no attribute%s",
		rest.len, is_cut ? ", or it is cut off" : "");
}

void
tnef_collect(struct tnef_reader *reader, struct span bytes,
	struct tnef_raw *out, struct tnef_message *message)
{
	struct tnef_attribute attribute;
	struct tnef_raw_file *file;
	struct span rest = bytes;
	struct span head;
	int more = 0;

	if (tnef_take(&rest, HEAD_BYTES, &head))
		while ((more = tnef_attribute_next(&rest, &attribute)) == 1)
			take_attribute(reader, &attribute, out, message);
	else
		more = -1;
	if (more == -1)
		report_rest(rest, bytes.len - rest.len <= HEAD_BYTES, message);
	LIST_FOREACH (file, &out->files)
		file->properties.code_page = out->properties.code_page;
}

static void
free_file(void *self)
{
	struct tnef_raw_file *file = self;

	mem_free(file->properties.item);
	mem_free(file);
}

void
tnef_raw_clear(struct tnef_raw *raw)
{
	mem_free(raw->properties.item);
	list_clear(&raw->files, free_file);
}
