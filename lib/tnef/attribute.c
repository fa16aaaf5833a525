#include "tnef/stream.h"

/* Bytes of an attribute without its data: level, id, type, length, checksum. */
enum { FRAME_BYTES = 1 + 2 + 2 + 4 + 2 };

/* The sum of all bytes (MS-OXTNEF 2.1.3.2). */
static uint16_t
checksum(struct span data)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < data.len; i++)
		sum += data.data[i];
	return (uint16_t)sum;
}

int
tnef_attribute_next(struct span *rest, struct tnef_attribute *out)
{
	struct span bytes = *rest;
	struct span level;
	uint32_t len;
	uint16_t sum;

	if (rest->len == 0)
		return 0;
	if (rest->len < FRAME_BYTES || !tnef_take(&bytes, 1, &level) ||
		!tnef_take_16(&bytes, &out->id) ||
		!tnef_take_16(&bytes, &out->type) ||
		!tnef_take_32(&bytes, &len))
		return -1;
	out->level = level.data[0];
	if ((out->level != TNEF_LEVEL_MESSAGE &&
		    out->level != TNEF_LEVEL_ATTACHMENT) ||
		!tnef_take(&bytes, len, &out->data) ||
		!tnef_take_16(&bytes, &sum))
		return -1;
	out->is_sound = sum == checksum(out->data);
	*rest = bytes;
	return 1;
}
