/* What time is it?  The only place that asks the system. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Seconds since 1970, UTC. */
time_t clock_now(void);
/* Milliseconds that never run backwards, from an arbitrary start. */
int64_t clock_monotonic_ms(void);
/* Tests: from now on clock_now() says this; 0 gives the real time back. */
void clock_set(time_t now);

enum { CLOCK_TEXT_SIZE = 32 };
/* RFC 3339, UTC: 2026-01-31T12:00:00Z */
void clock_format(time_t when, char text[CLOCK_TEXT_SIZE]);

#endif
