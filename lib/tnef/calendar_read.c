#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tnef/calendar.h"

enum {
	START = 0x820d,
	END = 0x820e,
	ALL_DAY = 0x8215,
	RECUR = 0x8216,
	ZONE_STRUCT = 0x8233,
	ZONE_TEXT = 0x8234,
	PROPOSED_START = 0x8250,
	PROPOSED_END = 0x8251,
	IS_PROPOSAL = 0x8257,
	ZONE_START = 0x825e,
	ZONE_RECUR = 0x8260,
	ATTENDEE_STAMP = 0x0001, /* of the set of meetings */
	OWNER_STAMP = 0x001a,
	COMMON_START = 0x8516, /* of the common set */
	COMMON_END = 0x8517,
	START_DATE = 0x0060, /* not named */
	END_DATE = 0x0061,
	MODIFIED = 0x3008,
};

const struct tnef_property *
tnef_calendar_find(const struct tnef_calendar *calendar, uint32_t number)
{
	return tnef_find_number(
		calendar->properties, TNEF_SET_APPOINTMENT, number);
}

static bool
get_time(const struct tnef_property *property, int64_t *out)
{
	time_t when;

	if (!tnef_get_time(property, &when))
		return false;
	*out = when;
	return true;
}

/* By the appointment, by what all items have, by the oldest form. */
static bool
read_time(const struct tnef_calendar *calendar, uint32_t number,
	uint32_t common, uint16_t id, int64_t *out)
{
	return get_time(tnef_calendar_find(calendar, number), out) ||
	       get_time(tnef_find_number(
				calendar->properties, TNEF_SET_COMMON, common),
		       out) ||
	       get_time(tnef_find(calendar->properties, id), out);
}

static void
read_times(struct tnef_calendar *calendar)
{
	bool is_proposal =
		calendar->class->answer != NULL &&
		tnef_get_bool(tnef_calendar_find(calendar, IS_PROPOSAL));

	calendar->has_start = read_time(
		calendar, START, COMMON_START, START_DATE, &calendar->start);
	calendar->has_end =
		read_time(calendar, END, COMMON_END, END_DATE, &calendar->end);
	calendar->is_all_day =
		tnef_get_bool(tnef_calendar_find(calendar, ALL_DAY));
	if (!is_proposal ||
		!get_time(tnef_calendar_find(calendar, PROPOSED_START),
			&calendar->start) ||
		!get_time(tnef_calendar_find(calendar, PROPOSED_END),
			&calendar->end))
		return;
	calendar->method = "COUNTER"; /* RFC 5546 3.2.7 */
	calendar->has_start = calendar->has_end = true;
}

static void
read_stamp(struct tnef_calendar *calendar)
{
	const struct tnef_properties *properties = calendar->properties;
	bool is_answer = calendar->class->answer != NULL;

	if (tnef_get_time(tnef_find_number(properties, TNEF_SET_MEETING,
				  is_answer ? ATTENDEE_STAMP : OWNER_STAMP),
		    &calendar->stamp))
		return;
	calendar->stamp = calendar->message->sent;
	if (calendar->stamp == 0 &&
		!tnef_get_time(
			tnef_find(properties, MODIFIED), &calendar->stamp))
		calendar->stamp = clock_now();
}

/* What comes again has a zone for that; else the start's. */
static void
read_zone(struct tnef_calendar *calendar)
{
	struct tnef_zone *zone = &calendar->zone;
	const struct tnef_property *recur =
		tnef_calendar_find(calendar, ZONE_RECUR);
	const struct tnef_property *start =
		tnef_calendar_find(calendar, ZONE_START);
	const struct tnef_property *old =
		tnef_calendar_find(calendar, ZONE_STRUCT);

	calendar->has_zone =
		tnef_zone_definition(tnef_get_bytes(recur), zone) == 1 ||
		tnef_zone_struct(tnef_get_bytes(old), zone) == 1 ||
		tnef_zone_definition(tnef_get_bytes(start), zone) == 1;
	if (zone->name == NULL || *zone->name == '\0') {
		mem_free(zone->name);
		zone->name = tnef_get_text(calendar->properties,
			tnef_calendar_find(calendar, ZONE_TEXT));
	}
	if (zone->name == NULL)
		zone->name = mem_string("Customized Time Zone");
}

/*
 * Without a zone, the first instance says how far its clock is from UTC; it
 * is never a day.
 */
static void
guess_zone(struct tnef_calendar *calendar)
{
	int64_t offset = calendar->recur.start - calendar->start;

	if (calendar->has_zone || !calendar->has_start ||
		offset <= -TNEF_DAY_SECONDS || offset >= TNEF_DAY_SECONDS)
		return;
	calendar->has_zone = true;
	calendar->zone.standard_seconds = offset;
	calendar->zone.daylight_seconds = offset;
	tnef_problem(calendar->message, false,
		"a meeting that comes again has no time zone: the first "
		"one's distance from UTC is taken for all");
}

static int
read_recurrence(struct tnef_calendar *calendar, struct error *err)
{
	struct span bytes = tnef_get_bytes(tnef_calendar_find(calendar, RECUR));
	struct error why = { 0 };

	if (bytes.len == 0)
		return 0;
	if (tnef_recur_read(bytes, false, &calendar->recur, &why) != 0)
		return tnef_trouble(
			calendar->message, "the calendar", &why, err);
	calendar->is_recurring = true;
	guess_zone(calendar);
	if (!calendar->has_start) {
		calendar->start =
			tnef_zone_utc(&calendar->zone, calendar->recur.start);
		calendar->end =
			calendar->start + calendar->recur.length_seconds;
		calendar->has_start = calendar->has_end = true;
	}
	if (calendar->recur.is_cut)
		tnef_problem(calendar->message, true,
			"the exceptions of a meeting that comes again cannot "
			"be read");
	return 0;
}

int
tnef_calendar_read(struct tnef_calendar *calendar, struct error *err)
{
	calendar->method = calendar->class->method;
	calendar->uid =
		tnef_calendar_uid(calendar->message, calendar->properties);
	read_stamp(calendar);
	if (calendar->class->is_task)
		return 0;
	read_times(calendar);
	read_zone(calendar);
	return read_recurrence(calendar, err);
}

void
tnef_calendar_text(struct tnef_calendar *calendar, const char *name,
	const struct tnef_property *property)
{
	char *text = tnef_get_text(calendar->properties, property);

	tnef_line_text(&calendar->lines, name, text);
	mem_free(text);
}
