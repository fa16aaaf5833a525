#include "tnef/stream.h"

bool
tnef_take(struct span *rest, size_t len, struct span *out)
{
	if (len > rest->len)
		return false;
	*out = span_of(rest->data, len);
	rest->data += len;
	rest->len -= len;
	return true;
}

bool
tnef_take_padded(struct span *rest, size_t len, struct span *out)
{
	size_t padding = (4 - len % 4) % 4;

	if (!tnef_take(rest, len, out))
		return false;
	if (padding > rest->len)
		padding = rest->len;
	rest->data += padding;
	rest->len -= padding;
	return true;
}

uint16_t
tnef_read_16(const unsigned char *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t
tnef_read_32(const unsigned char *at)
{
	return tnef_read_16(at) | (uint32_t)tnef_read_16(at + 2) << 16;
}

uint64_t
tnef_read_64(const unsigned char *at)
{
	return tnef_read_32(at) | (uint64_t)tnef_read_32(at + 4) << 32;
}

bool
tnef_take_16(struct span *rest, uint16_t *out)
{
	struct span bytes;

	if (!tnef_take(rest, 2, &bytes))
		return false;
	*out = tnef_read_16(bytes.data);
	return true;
}

bool
tnef_take_32(struct span *rest, uint32_t *out)
{
	struct span bytes;

	if (!tnef_take(rest, 4, &bytes))
		return false;
	*out = tnef_read_32(bytes.data);
	return true;
}
