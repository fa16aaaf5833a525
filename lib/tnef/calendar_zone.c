#include <stdlib.h>

#include "tnef/calendar.h"

enum { RULES_BEGIN = 1970 };

static void
add_offset(struct tnef_calendar *calendar, const char *name, int64_t seconds)
{
	long minutes = labs((long)(seconds / 60));

	tnef_line(&calendar->lines, "%s:%c%02ld%02ld", name,
		seconds < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* One of a zone's two halves; without changes there is one that never ends. */
static void
add_half(struct tnef_calendar *calendar, const char *name,
	const struct tnef_change *change, int64_t from, int64_t to)
{
	static const char *const days[] = { "SU", "MO", "TU", "WE", "TH", "FR",
		"SA" };
	struct tnef_lines *lines = &calendar->lines;
	char text[TNEF_DATE_TEXT_SIZE];

	tnef_line(lines, "BEGIN:%s", name);
	tnef_line(lines, "DTSTART:%s",
		tnef_date_text(change->month != 0
				       ? tnef_change_in(change, RULES_BEGIN)
				       : 0,
			false, text));
	if (change->month != 0 && change->day != 0)
		tnef_line(lines, "RRULE:FREQ=YEARLY;BYMONTH=%u;BYMONTHDAY=%u",
			change->month, change->day);
	else if (change->month != 0)
		tnef_line(lines, "RRULE:FREQ=YEARLY;BYMONTH=%u;BYDAY=%d%s",
			change->month, change->nth == 5 ? -1 : (int)change->nth,
			days[change->weekday]);
	add_offset(calendar, "TZOFFSETFROM", from);
	add_offset(calendar, "TZOFFSETTO", to);
	tnef_line(lines, "END:%s", name);
}

void
tnef_calendar_zone(struct tnef_calendar *calendar)
{
	const struct tnef_zone *zone = &calendar->zone;

	if (!calendar->has_zone || !calendar->is_recurring)
		return;
	tnef_line(&calendar->lines, "BEGIN:VTIMEZONE");
	tnef_line_text(&calendar->lines, "TZID", zone->name);
	add_half(calendar, "STANDARD", &zone->to_standard,
		zone->daylight_seconds, zone->standard_seconds);
	if (zone->to_daylight.month != 0)
		add_half(calendar, "DAYLIGHT", &zone->to_daylight,
			zone->standard_seconds, zone->daylight_seconds);
	tnef_line(&calendar->lines, "END:VTIMEZONE");
}

void
tnef_calendar_local(
	struct tnef_calendar *calendar, const char *name, int64_t local)
{
	struct tnef_lines *lines = &calendar->lines;
	char text[TNEF_DATE_TEXT_SIZE];

	tnef_lines_add(lines, "%s", name);
	if (calendar->is_all_day) {
		tnef_lines_add(lines, ";VALUE=DATE");
	} else {
		tnef_lines_add(lines, ";TZID=");
		tnef_lines_add_quoted(lines, calendar->zone.name);
	}
	tnef_line(lines, ":%s",
		tnef_date_text(local, calendar->is_all_day, text));
}

/*
 * An all-day event begins at midnight somewhere: without a zone, at the
 * midnight that is nearest.
 */
static int64_t
local_day(const struct tnef_calendar *calendar, int64_t utc)
{
	if (calendar->has_zone)
		return tnef_zone_local(&calendar->zone, utc);
	return utc + TNEF_DAY_SECONDS / 2;
}

/* A time that comes again is meant by the clock on the wall. */
void
tnef_calendar_time(
	struct tnef_calendar *calendar, const char *name, int64_t utc)
{
	char text[TNEF_DATE_TEXT_SIZE];

	if (calendar->is_all_day)
		tnef_calendar_local(calendar, name, local_day(calendar, utc));
	else if (calendar->is_recurring && calendar->has_zone)
		tnef_calendar_local(
			calendar, name, tnef_zone_local(&calendar->zone, utc));
	else
		tnef_line(&calendar->lines, "%s:%sZ", name,
			tnef_date_text(utc, false, text));
}
