#include "tnef/calendar.h"

enum {
	STATUS = 0x8101,
	PERCENT = 0x8102,
	START = 0x8104,
	DUE = 0x8105,
	COMPLETED = 0x810f,
	RECUR = 0x8116,
};

/* PidLidTaskStatus; waiting and deferred ones need action as well. */
static const char *const statuses[] = { "NEEDS-ACTION", "IN-PROCESS",
	"COMPLETED", "NEEDS-ACTION", "NEEDS-ACTION" };

static const struct tnef_property *
find(const struct tnef_calendar *calendar, uint32_t number)
{
	return tnef_find_number(calendar->properties, TNEF_SET_TASK, number);
}

/* A day, kept as its midnight without a zone. */
static bool
add_day(struct tnef_calendar *calendar, const char *name, uint32_t number)
{
	char text[TNEF_DATE_TEXT_SIZE];
	time_t when;

	if (!tnef_get_time(find(calendar, number), &when))
		return false;
	tnef_line(&calendar->lines, "%s;VALUE=DATE:%s", name,
		tnef_date_text(when, true, text));
	return true;
}

static void
add_progress(struct tnef_calendar *calendar)
{
	struct tnef_lines *lines = &calendar->lines;
	char text[TNEF_DATE_TEXT_SIZE];
	int64_t status;
	double part;
	time_t when;

	if (tnef_get_number(find(calendar, STATUS), &status) && status >= 0 &&
		status < (int64_t)COUNT_OF(statuses))
		tnef_line(lines, "STATUS:%s", statuses[status]);
	if (tnef_get_double(find(calendar, PERCENT), &part) && part >= 0 &&
		part <= 1)
		tnef_line(
			lines, "PERCENT-COMPLETE:%d", (int)(part * 100 + 0.5));
	if (tnef_get_time(find(calendar, COMPLETED), &when))
		tnef_line(lines, "COMPLETED:%sZ",
			tnef_date_text(when, false, text));
}

static void
add_recurrence(struct tnef_calendar *calendar, bool has_start)
{
	struct span bytes = tnef_get_bytes(find(calendar, RECUR));
	struct tnef_recur recur;
	struct error why = { 0 };
	char until[TNEF_DATE_TEXT_SIZE];

	if (bytes.len == 0)
		return;
	if (tnef_recur_read(bytes, true, &recur, &why) != 0) {
		tnef_problem(calendar->message, true, "the task: %s", why.text);
		return;
	}
	tnef_date_text(recur.end, true, until);
	if (!has_start)
		tnef_line(&calendar->lines, "DTSTART;VALUE=DATE:%s",
			tnef_date_text(recur.start, true,
				(char[TNEF_DATE_TEXT_SIZE]){ 0 }));
	if (!tnef_recur_line(&calendar->lines, &recur, until))
		tnef_problem(calendar->message, true,
			"a calendar has no words for how a task comes again");
	tnef_recur_clear(&recur);
}

void
tnef_calendar_task(struct tnef_calendar *calendar)
{
	struct tnef_lines *lines = &calendar->lines;
	char text[TNEF_DATE_TEXT_SIZE];
	bool has_start;

	tnef_line(lines, "BEGIN:VTODO");
	tnef_line_text(lines, "UID", calendar->uid);
	tnef_line(lines, "DTSTAMP:%sZ",
		tnef_date_text(calendar->stamp, false, text));
	has_start = add_day(calendar, "DTSTART", START);
	add_day(calendar, "DUE", DUE);
	add_recurrence(calendar, has_start);
	add_progress(calendar);
	tnef_calendar_common(calendar);
	tnef_calendar_people(calendar);
	tnef_calendar_alarm(calendar);
	tnef_line(lines, "END:VTODO");
}
