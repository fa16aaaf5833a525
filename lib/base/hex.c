#include "base/hex.h"

static int
digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
hex_byte(unsigned char high, unsigned char low)
{
	int first = digit(high), second = digit(low);

	return first < 0 || second < 0 ? -1 : first * 16 + second;
}

void
hex_write(char *out, struct span bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.len; i++) {
		*out++ = digits[bytes.data[i] >> 4];
		*out++ = digits[bytes.data[i] & 15];
	}
	*out = '\0';
}
