#include "base/clock.h"

#include <stdatomic.h>

static _Atomic time_t fixed;

time_t
clock_now(void)
{
	time_t now = atomic_load(&fixed);

	return now != 0 ? now : time(NULL);
}

int64_t
clock_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
clock_set(time_t now)
{
	atomic_store(&fixed, now);
}

void
clock_format(time_t when, char text[CLOCK_TEXT_SIZE])
{
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
		strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
}
