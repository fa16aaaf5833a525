/* What do properties say? */
#include <string.h>

#include "base/mem.h"
#include "tnef/stream.h"

enum { GUID_BYTES = 16 };

/* ---- which one ---- */

/* A MAPI property goes before an old attribute that says the same. */
static const struct tnef_property *
better(const struct tnef_property *old, const struct tnef_property *new)
{
	return old == NULL || (old->is_legacy && !new->is_legacy) ? new : old;
}

const struct tnef_property *
tnef_find(const struct tnef_properties *properties, uint16_t id)
{
	const struct tnef_property *found = NULL;

	for (unsigned i = 0; i < properties->count; i++)
		if (properties->item[i].id == id)
			found = better(found, &properties->item[i]);
	return found;
}

static bool
is_in_set(const struct tnef_property *property, const unsigned char *set)
{
	return property->set != NULL &&
	       memcmp(property->set, set, GUID_BYTES) == 0;
}

const struct tnef_property *
tnef_find_number(const struct tnef_properties *properties,
	const unsigned char set[GUID_BYTES], uint32_t number)
{
	for (unsigned i = 0; i < properties->count; i++) {
		const struct tnef_property *property = &properties->item[i];

		if (is_in_set(property, set) && property->text.data == NULL &&
			property->number == number)
			return property;
	}
	return NULL;
}

static bool
is_named(const struct tnef_property *property, const char *text)
{
	struct span name = property->text;
	size_t len = strlen(text);

	if (name.data == NULL)
		return false;
	while (name.len >= 2 && tnef_read_16(name.data + name.len - 2) == 0)
		name.len -= 2;
	if (name.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (tnef_read_16(name.data + 2 * i) != (unsigned char)text[i])
			return false;
	return true;
}

const struct tnef_property *
tnef_find_text(const struct tnef_properties *properties,
	const unsigned char set[GUID_BYTES], const char *text)
{
	for (unsigned i = 0; i < properties->count; i++)
		if (is_in_set(&properties->item[i], set) &&
			is_named(&properties->item[i], text))
			return &properties->item[i];
	return NULL;
}

/* ---- one value of it ---- */

bool
tnef_get_value(const struct tnef_property *property, unsigned nth,
	struct tnef_property *out)
{
	struct span rest = property->value;
	struct span value = { NULL, 0 };
	uint32_t len;

	if (nth >= property->count)
		return false;
	*out = *property;
	if (!property->is_multiple)
		return true;
	out->is_multiple = false;
	out->count = 1;
	if (property->type != TNEF_STRING8 && property->type != TNEF_UNICODE &&
		property->type != TNEF_BINARY &&
		property->type != TNEF_OBJECT) {
		size_t width = property->value.len / property->count;

		out->value = span_of(property->value.data + width * nth, width);
		return true;
	}
	for (unsigned i = 0; i <= nth; i++)
		if (!tnef_take_32(&rest, &len) ||
			!tnef_take_padded(&rest, len, &value))
			return false;
	out->value = value;
	return true;
}

/* The first value, when there is one of at least so many bytes. */
static bool
first(const struct tnef_property *property, size_t bytes,
	struct tnef_property *out)
{
	return property != NULL && tnef_get_value(property, 0, out) &&
	       out->value.len >= bytes;
}

/* ---- numbers and times ---- */

bool
tnef_get_number(const struct tnef_property *property, int64_t *out)
{
	struct tnef_property value;

	if (!first(property, 2, &value))
		return false;
	if (value.type == TNEF_INT16)
		*out = (int16_t)tnef_read_16(value.value.data);
	else if (value.type == TNEF_BOOLEAN)
		*out = tnef_read_16(value.value.data) != 0;
	else if (value.type == TNEF_INT32 && value.value.len >= 4)
		*out = (int32_t)tnef_read_32(value.value.data);
	else if ((value.type == TNEF_INT64 || value.type == TNEF_CURRENCY) &&
		 value.value.len >= 8)
		*out = (int64_t)tnef_read_64(value.value.data);
	else
		return false;
	return true;
}

bool
tnef_get_double(const struct tnef_property *property, double *out)
{
	struct tnef_property value;
	uint64_t bits;

	if (!first(property, sizeof(bits), &value) || value.type != TNEF_DOUBLE)
		return false;
	bits = tnef_read_64(value.value.data);
	memcpy(out, &bits, sizeof(bits));
	return true;
}

bool
tnef_get_bool(const struct tnef_property *property)
{
	int64_t number;

	return tnef_get_number(property, &number) && number != 0;
}

/* Seven numbers of two bytes: year to second, and the day of the week. */
static bool
legacy_time(struct span date, time_t *out)
{
	struct tm tm = {
		.tm_year = tnef_read_16(date.data) - 1900,
		.tm_mon = tnef_read_16(date.data + 2) - 1,
		.tm_mday = tnef_read_16(date.data + 4),
		.tm_hour = tnef_read_16(date.data + 6),
		.tm_min = tnef_read_16(date.data + 8),
		.tm_sec = tnef_read_16(date.data + 10),
	};

	if (tm.tm_year < 70 || tm.tm_year > 2600 || tm.tm_mon < 0 ||
		tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	*out = timegm(&tm);
	return true;
}

bool
tnef_get_time(const struct tnef_property *property, time_t *out)
{
	/* Tenths of a microsecond since 1601, and the year 4501 in these. */
	static const uint64_t second = 10000000;
	static const uint64_t from_1601_to_1970 = 11644473600;
	static const uint64_t never = 0x0cb34557a3dd4000;
	struct tnef_property value;
	uint64_t ticks;

	if (first(property, 12, &value) && value.type == TNEF_LEGACY_DATE)
		return legacy_time(value.value, out);
	if (!first(property, 8, &value) || value.type != TNEF_SYSTIME)
		return false;
	ticks = tnef_read_64(value.value.data);
	if (ticks / second < from_1601_to_1970 || ticks >= never)
		return false;
	*out = (time_t)(ticks / second - from_1601_to_1970);
	return true;
}

/* ---- bytes and texts ---- */

struct span
tnef_get_bytes(const struct tnef_property *property)
{
	struct tnef_property value;
	struct span bytes;

	if (!first(property, 0, &value))
		return (struct span){ NULL, 0 };
	bytes = value.value;
	if (value.type == TNEF_STRING8)
		while (bytes.len > 0 && bytes.data[bytes.len - 1] == '\0')
			bytes.len--;
	if (value.type == TNEF_UNICODE) {
		bytes.len &= ~(size_t)1;
		while (bytes.len > 0 &&
			tnef_read_16(bytes.data + bytes.len - 2) == 0)
			bytes.len -= 2;
	}
	return bytes;
}

unsigned
tnef_text_code_page(const struct tnef_properties *properties,
	const struct tnef_property *property)
{
	return property->type == TNEF_UNICODE ? (unsigned)TNEF_UTF16
					      : properties->code_page;
}

static bool
is_text(const struct tnef_property *property)
{
	return property != NULL && (property->type == TNEF_STRING8 ||
					   property->type == TNEF_UNICODE);
}

int
tnef_add_text(struct buf *out, const struct tnef_properties *properties,
	const struct tnef_property *property, struct error *err)
{
	if (!is_text(property))
		return 0;
	return tnef_add_utf8(out, tnef_get_bytes(property),
		tnef_text_code_page(properties, property), err);
}

char *
tnef_get_text(const struct tnef_properties *properties,
	const struct tnef_property *property)
{
	if (!is_text(property))
		return NULL;
	return tnef_one_line(tnef_get_bytes(property),
		tnef_text_code_page(properties, property));
}

/* Those of ASCII and, in UTF-8, U+0080 to U+009F: terminals obey them, too. */
static void
blank_controls(unsigned char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
		if (i + 1 < len && text[i] == 0xc2 && text[i + 1] < 0xa0)
			text[i] = text[i + 1] = ' ';
	}
}

char *
tnef_one_line(struct span bytes, unsigned code_page)
{
	struct buf line = { 0 };
	struct span text;
	char *out = NULL;

	if (bytes.len > TNEF_TEXT_MAX)
		bytes.len = TNEF_TEXT_MAX;
	if (tnef_add_utf8(&line, bytes, code_page, NULL) == 0) {
		text = buf_span(&line);
		if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
			text.len = strnlen((const char *)text.data, text.len);
		blank_controls(line.data, text.len);
		text = span_trim(text);
		if (text.len > 0)
			out = mem_string_n(text.data, text.len);
	}
	buf_clear(&line);
	return out;
}
