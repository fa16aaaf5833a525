/*
 * Lists of properties (MS-OXTNEF 2.1.3.4): a count, and for each a tag, a name
 * when its id is above 0x8000, and its value or a count and values.
 */
#include "base/mem.h"
#include "tnef/stream.h"

enum { MANY_VALUES = 0x1000, NAMED = 0x8000, NOTHING = 1, GUID_BYTES = 16 };

static const struct width {
	uint16_t type;
	unsigned bytes; /* in the stream: small ones fill four */
} widths[] = {
	{ TNEF_INT16, 4 },
	{ TNEF_INT32, 4 },
	{ TNEF_FLOAT, 4 },
	{ TNEF_DOUBLE, 8 },
	{ TNEF_CURRENCY, 8 },
	{ TNEF_APPTIME, 8 },
	{ TNEF_ERROR, 4 },
	{ TNEF_BOOLEAN, 4 },
	{ TNEF_INT64, 8 },
	{ TNEF_SYSTIME, 8 },
	{ TNEF_CLSID, GUID_BYTES },
};

/* Bytes of a value; 0 when it says its length itself; -1: unknown type. */
static int
width_of(uint16_t type)
{
	if (type == TNEF_STRING8 || type == TNEF_UNICODE ||
		type == TNEF_BINARY || type == TNEF_OBJECT)
		return 0;
	for (size_t i = 0; i < COUNT_OF(widths); i++)
		if (widths[i].type == type)
			return (int)widths[i].bytes;
	return -1;
}

static bool
take_name(struct span *rest, struct tnef_property *out)
{
	struct span set;
	uint32_t kind;
	uint32_t len;

	if (!tnef_take(rest, GUID_BYTES, &set) || !tnef_take_32(rest, &kind))
		return false;
	out->set = set.data;
	if (kind == 0)
		return tnef_take_32(rest, &out->number);
	return kind == 1 && tnef_take_32(rest, &len) &&
	       tnef_take_padded(rest, len, &out->text);
}

static bool
take_sized(struct span *rest, struct span *out)
{
	uint32_t len;

	return tnef_take_32(rest, &len) && tnef_take_padded(rest, len, out);
}

/* Values of any length: *out is all of them with their lengths. */
static bool
take_all_sized(struct span *rest, uint32_t count, struct span *out)
{
	struct span start = *rest;
	struct span value;

	for (uint32_t i = 0; i < count; i++)
		if (!take_sized(rest, &value))
			return false;
	*out = span_of(start.data, start.len - rest->len);
	return true;
}

/* An object begins with the interface it is read by. */
static void
split_object(struct tnef_property *property)
{
	struct span iid;

	if (property->type == TNEF_OBJECT &&
		tnef_take(&property->value, GUID_BYTES, &iid))
		property->iid = iid.data;
}

static bool
take_value(struct span *rest, struct tnef_property *out)
{
	int width = width_of(out->type);
	uint32_t count = 1;

	if (width < 0)
		return false;
	if ((out->is_multiple || width == 0) && !tnef_take_32(rest, &count))
		return false;
	out->count = count;
	if (width > 0)
		return count <= rest->len / (unsigned)width &&
		       tnef_take(rest, (size_t)width * count, &out->value);
	/* A single value has a count too, and no say in what it is. */
	if (out->is_multiple || count != 1) {
		out->is_multiple = true;
		return take_all_sized(rest, count, &out->value);
	}
	if (!take_sized(rest, &out->value))
		return false;
	split_object(out);
	return true;
}

static bool
take_property(struct span *rest, struct tnef_property *out)
{
	uint16_t type;

	if (!tnef_take_16(rest, &type) || !tnef_take_16(rest, &out->id))
		return false;
	out->type = type & (uint16_t)~MANY_VALUES;
	out->is_multiple = (type & MANY_VALUES) != 0;
	if (out->id >= NAMED && !take_name(rest, out))
		return false;
	return out->type == NOTHING || take_value(rest, out);
}

struct tnef_property *
tnef_properties_add(struct tnef_properties *properties)
{
	struct tnef_property *added;

	if (properties->count == properties->size) {
		properties->size = properties->size ? properties->size * 2 : 32;
		properties->item = mem_grow(properties->item, properties->size,
			sizeof(*properties->item));
	}
	added = &properties->item[properties->count++];
	*added = (struct tnef_property){ 0 };
	return added;
}

bool
tnef_properties_read(struct tnef_reader *reader, struct span *rest,
	struct tnef_properties *out, struct tnef_message *message)
{
	struct tnef_property property;
	uint32_t count;

	if (!tnef_take_32(rest, &count)) {
		tnef_problem(message, true, "a list of properties is cut off");
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		property = (struct tnef_property){ 0 };
		if (!take_property(rest, &property)) {
			tnef_problem(message, true,
				"property %u of %u (0x%04x%04x) cannot be read",
				i + 1, count, property.id, property.type);
			return false;
		}
		if (reader->properties == 0) {
			tnef_problem(message, true,
				"more properties than the limit allows");
			return false;
		}
		reader->properties--;
		*tnef_properties_add(out) = property;
	}
	return true;
}
