#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tnef/calendar.h"

enum {
	SEQUENCE = 0x8201,
	BUSY = 0x8205,
	LOCATION = 0x8208,
	INTENDED = 0x8224,
	REPLACED = 0x8228,
	RECURRENCE_TIME = 0x000e, /* these two of the set of meetings */
	WHERE = 0x0002,
	BUSY_FREE = 0,
};

static const struct tnef_property *
find_meeting(const struct tnef_calendar *calendar, uint32_t number)
{
	return tnef_find_number(calendar->properties, TNEF_SET_MEETING, number);
}

static void
add_head(struct tnef_calendar *calendar)
{
	struct tnef_lines *lines = &calendar->lines;
	char text[TNEF_DATE_TEXT_SIZE];
	int64_t sequence;

	tnef_line(lines, "BEGIN:VEVENT");
	tnef_line_text(lines, "UID", calendar->uid);
	tnef_line(lines, "DTSTAMP:%sZ",
		tnef_date_text(calendar->stamp, false, text));
	if (tnef_get_number(
		    tnef_calendar_find(calendar, SEQUENCE), &sequence) &&
		sequence >= 0)
		tnef_line(lines, "SEQUENCE:%lld", (long long)sequence);
}

/*
 * Which of a series: by the time it replaces, by its day and the series' time
 * of the day (hour, minute and second, six bits each), or by its day.
 */
static void
add_instance(struct tnef_calendar *calendar)
{
	struct tnef_lines *lines = &calendar->lines;
	char text[TNEF_DATE_TEXT_SIZE];
	int64_t day, packed;
	time_t replaced;

	if (!tnef_calendar_instance(calendar->properties, &day))
		return;
	if (tnef_get_time(tnef_calendar_find(calendar, REPLACED), &replaced)) {
		tnef_calendar_time(calendar, "RECURRENCE-ID", replaced);
		return;
	}
	if (!calendar->is_all_day && calendar->has_zone &&
		tnef_get_number(
			find_meeting(calendar, RECURRENCE_TIME), &packed)) {
		day += (packed >> 12 & 0x1f) * 3600 +
		       (packed >> 6 & 0x3f) * 60 + (packed & 0x3f);
		tnef_calendar_time(calendar, "RECURRENCE-ID",
			tnef_zone_utc(&calendar->zone, day));
		return;
	}
	tnef_line(lines, "RECURRENCE-ID;VALUE=DATE:%s",
		tnef_date_text(day, true, text));
}

/* An all-day event ends on the day after: at least one. */
static void
add_times(struct tnef_calendar *calendar)
{
	int64_t end = calendar->end;

	if (calendar->has_start)
		tnef_calendar_time(calendar, "DTSTART", calendar->start);
	if (!calendar->has_start || !calendar->has_end || end < calendar->start)
		return;
	if (calendar->is_all_day && end < calendar->start + TNEF_DAY_SECONDS)
		end = calendar->start + TNEF_DAY_SECONDS;
	tnef_calendar_time(calendar, "DTEND", end);
}

static void
add_recurrence(struct tnef_calendar *calendar)
{
	const struct tnef_recur *recur = &calendar->recur;
	char until[TNEF_DATE_TEXT_SIZE];
	int64_t end = recur->end;

	if (!calendar->is_recurring)
		return;
	if (!calendar->is_all_day)
		end = tnef_zone_utc(&calendar->zone, end);
	tnef_date_text(end, calendar->is_all_day, until);
	if (!calendar->is_all_day)
		strcat(until, "Z");
	if (!tnef_recur_line(&calendar->lines, recur, until))
		tnef_problem(calendar->message, true,
			"a calendar has no words for how a meeting comes again "
			"(frequency %#x, pattern %u)",
			recur->frequency, recur->pattern);
	for (unsigned i = 0; i < recur->left_out_count; i++)
		tnef_calendar_local(calendar, "EXDATE", recur->left_out[i]);
}

/* In a request the sender's own status stands beside "tentative". */
static void
add_busy(struct tnef_calendar *calendar)
{
	static const char *const names[] = { "FREE", "TENTATIVE", "BUSY", "OOF",
		"WORKINGELSEWHERE" };
	struct tnef_lines *lines = &calendar->lines;
	int64_t busy = -1, intended = -1;

	tnef_get_number(tnef_calendar_find(calendar, BUSY), &busy);
	tnef_get_number(tnef_calendar_find(calendar, INTENDED), &intended);
	if (intended < 0 || intended >= (int64_t)COUNT_OF(names))
		intended = busy;
	if (busy >= 0 && busy < (int64_t)COUNT_OF(names))
		tnef_line(lines, "X-MICROSOFT-CDO-BUSYSTATUS:%s", names[busy]);
	if (intended < 0 || intended >= (int64_t)COUNT_OF(names))
		return;
	if (intended != busy)
		tnef_line(lines, "X-MICROSOFT-CDO-INTENDEDSTATUS:%s",
			names[intended]);
	tnef_line(lines, "TRANSP:%s",
		intended == BUSY_FREE ? "TRANSPARENT" : "OPAQUE");
}

static void
add_details(struct tnef_calendar *calendar)
{
	struct tnef_lines *lines = &calendar->lines;
	const struct tnef_property *location =
		tnef_calendar_find(calendar, LOCATION);

	if (location == NULL)
		location = find_meeting(calendar, WHERE);
	tnef_calendar_text(calendar, "LOCATION", location);
	if (strcmp(calendar->method, "CANCEL") == 0)
		tnef_line(lines, "STATUS:CANCELLED");
	else if (strcmp(calendar->method, "REQUEST") == 0)
		tnef_line(lines, "STATUS:CONFIRMED");
	add_busy(calendar);
	tnef_line(lines, "X-MICROSOFT-CDO-ALLDAYEVENT:%s",
		calendar->is_all_day ? "TRUE" : "FALSE");
}

/* ---- those of a series that are not where they would be ---- */

static void
add_exception_text(struct tnef_calendar *calendar, const char *name,
	struct span text, const char *otherwise)
{
	struct error err = { 0 };
	struct buf utf8;

	if (text.data == NULL) {
		tnef_line_text(&calendar->lines, name, otherwise);
		return;
	}
	buf_init(&utf8, TNEF_TEXT_MAX * 4);
	if (tnef_add_utf8(&utf8, text, calendar->properties->code_page, &err) ==
		0) {
		tnef_lines_add(&calendar->lines, "%s:", name);
		tnef_lines_add_text(&calendar->lines, buf_span(&utf8));
		tnef_lines_end(&calendar->lines);
	}
	buf_clear(&utf8);
}

static void
add_exception(struct tnef_calendar *calendar,
	const struct tnef_exception *exception, const char *location)
{
	add_head(calendar);
	tnef_calendar_local(calendar, "RECURRENCE-ID", exception->original);
	tnef_calendar_local(calendar, "DTSTART", exception->start);
	tnef_calendar_local(calendar, "DTEND", exception->end);
	add_exception_text(calendar, "SUMMARY", exception->subject,
		calendar->message->subject);
	add_exception_text(calendar, "LOCATION", exception->location, location);
	tnef_calendar_people(calendar);
	tnef_line(&calendar->lines, "END:VEVENT");
}

void
tnef_calendar_event(struct tnef_calendar *calendar)
{
	char *location = tnef_get_text(
		calendar->properties, tnef_calendar_find(calendar, LOCATION));

	add_head(calendar);
	add_instance(calendar);
	add_times(calendar);
	add_recurrence(calendar);
	tnef_calendar_common(calendar);
	tnef_calendar_people(calendar);
	add_details(calendar);
	tnef_calendar_alarm(calendar);
	tnef_line(&calendar->lines, "END:VEVENT");
	for (unsigned i = 0; i < calendar->recur.exception_count &&
			     !calendar->lines.is_failed;
		i++)
		add_exception(
			calendar, &calendar->recur.exceptions[i], location);
	mem_free(location);
}
