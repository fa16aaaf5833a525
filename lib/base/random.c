#include "base/random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int
random_bytes(void *out, size_t len, struct error *err)
{
	unsigned char *next = out;

	while (len != 0) {
		ssize_t got = getrandom(next, len, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return error_set(err, ERROR_SYSTEM,
				"no random bytes: %s", strerror(errno));
		next += got;
		len -= (size_t)got;
	}
	return 0;
}

int
random_hex(char *out, size_t len, struct error *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[32];

	if (random_bytes(raw, len / 2, err) != 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		out[i] = digits[raw[i / 2] >> (i % 2 ? 0 : 4) & 15];
	out[len] = '\0';
	return 0;
}
