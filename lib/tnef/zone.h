/* Days, times and the time zones of Windows. */
#ifndef TNEF_ZONE_H
#define TNEF_ZONE_H

#include <stdint.h>
#include <time.h>

#include "base/buf.h"

enum { TNEF_DAY_SECONDS = 86400 };

struct tnef_date {
	int year;
	unsigned month; /* from 1 */
	unsigned day;	/* from 1 */
	unsigned hour, minute, second;
	unsigned weekday; /* 0: Sunday */
};

/* Seconds since 1970, without any zone. */
void tnef_date_of(int64_t seconds, struct tnef_date *out);
int64_t tnef_date_seconds(int year, unsigned month, unsigned day);
/* 20260131T120000, without Z; is_day: 20260131 */
enum { TNEF_DATE_TEXT_SIZE = 32 };
const char *tnef_date_text(
	int64_t seconds, bool is_day, char text[TNEF_DATE_TEXT_SIZE]);

/* When clocks change, each year: the nth (5: last) weekday of a month. */
struct tnef_change {
	unsigned month; /* 0: never */
	unsigned weekday;
	unsigned nth;
	unsigned day;	  /* of the month, instead of nth weekday; 0: not so */
	unsigned seconds; /* of that day, by the clock before */
};

struct tnef_zone {
	char *name;		  /* owned */
	int64_t standard_seconds; /* east of UTC */
	int64_t daylight_seconds;
	struct tnef_change to_standard;
	struct tnef_change to_daylight;
};

/* 48 bytes of PidLidTimeZoneStruct: 1; 0 when they are not. */
int tnef_zone_struct(struct span bytes, struct tnef_zone *out);
/* PidLidAppointmentTimeZoneDefinition... (MS-OXOCAL 2.2.1.41), likewise. */
int tnef_zone_definition(struct span bytes, struct tnef_zone *out);
void tnef_zone_clear(struct tnef_zone *zone);

int64_t tnef_zone_local(const struct tnef_zone *zone, int64_t utc);
int64_t tnef_zone_utc(const struct tnef_zone *zone, int64_t local);
/* When the clock changes in that year, by the clock before. */
int64_t tnef_change_in(const struct tnef_change *change, int year);

#endif
