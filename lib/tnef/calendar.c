#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "tnef/calendar.h"

enum {
	SENSITIVITY = 0x0036, /* not named */
	BODY = 0x1000,
	REMINDER_MINUTES = 0x8501, /* these of the common set */
	REMINDER_TIME = 0x8502,
	REMINDER_SET = 0x8503,
	IS_PRIVATE = 0x8506,
	MINUTES_DEFAULT = 15,
	MINUTES_MAX = 525600, /* more stands for the default: 0x5ae980e1 */
	CATEGORIES_MAX = 100,
};

/* MS-OXCICAL 2.1.3.1.1.1. */
static const struct tnef_calendar_class classes[] = {
	{ "IPM.Schedule.Meeting.Request", "REQUEST", NULL, false },
	{ "IPM.Schedule.Meeting.Canceled", "CANCEL", NULL, false },
	{ "IPM.Schedule.Meeting.Resp.Pos", "REPLY", "ACCEPTED", false },
	{ "IPM.Schedule.Meeting.Resp.Neg", "REPLY", "DECLINED", false },
	{ "IPM.Schedule.Meeting.Resp.Tent", "REPLY", "TENTATIVE", false },
	{ "IPM.Appointment", "PUBLISH", NULL, false },
	{ "IPM.Task", "PUBLISH", NULL, true },
};

static const struct tnef_calendar_class *
find_class(const char *name)
{
	for (size_t i = 0; name != NULL && i < COUNT_OF(classes); i++) {
		size_t len = strlen(classes[i].name);

		if (strncasecmp(name, classes[i].name, len) == 0 &&
			(name[len] == '\0' || name[len] == '.'))
			return &classes[i];
	}
	return NULL;
}

static const struct tnef_property *
find(const struct tnef_calendar *calendar, uint32_t number)
{
	return tnef_find_number(calendar->properties, TNEF_SET_COMMON, number);
}

/* ---- what events and tasks share ---- */

static void
add_description(struct tnef_calendar *calendar)
{
	struct tnef_lines *lines = &calendar->lines;
	struct buf text;

	buf_init(&text, lines->out->limit_bytes);
	if (tnef_add_text(&text, calendar->properties,
		    tnef_find(calendar->properties, BODY), &lines->why) != 0)
		lines->is_failed = true;
	if (span_trim(buf_span(&text)).len != 0) {
		tnef_lines_add(lines, "DESCRIPTION:");
		tnef_lines_add_text(lines, span_trim(buf_span(&text)));
		tnef_lines_end(lines);
	}
	buf_clear(&text);
}

static void
add_class(struct tnef_calendar *calendar)
{
	static const char *const names[] = { "PUBLIC", "PRIVATE", "PRIVATE",
		"CONFIDENTIAL" };
	int64_t sensitivity = 0;

	tnef_get_number(
		tnef_find(calendar->properties, SENSITIVITY), &sensitivity);
	if (sensitivity == 0 && tnef_get_bool(find(calendar, IS_PRIVATE)))
		sensitivity = 2;
	if (sensitivity >= 0 && sensitivity < (int64_t)COUNT_OF(names))
		tnef_line(&calendar->lines, "CLASS:%s", names[sensitivity]);
}

static void
add_priority(struct tnef_calendar *calendar)
{
	static const unsigned priorities[] = { 9, 5, 1 };
	int importance = calendar->message->importance;

	if (importance >= 0 && importance < (int)COUNT_OF(priorities))
		tnef_line(&calendar->lines, "PRIORITY:%u",
			priorities[importance]);
}

void
tnef_lines_categories(
	struct tnef_lines *lines, const struct tnef_properties *properties)
{
	const struct tnef_property *all =
		tnef_find_text(properties, TNEF_SET_PUBLIC, "Keywords");
	struct tnef_property one;
	const char *before = "CATEGORIES:";

	if (all == NULL)
		return;
	for (unsigned i = 0; i < CATEGORIES_MAX; i++) {
		char *text;

		if (!tnef_get_value(all, i, &one))
			break;
		text = tnef_get_text(properties, &one);
		if (text == NULL)
			continue;
		tnef_lines_add(lines, "%s", before);
		tnef_lines_add_text(lines, span_string(text));
		before = ",";
		mem_free(text);
	}
	tnef_lines_end(lines);
}

void
tnef_calendar_common(struct tnef_calendar *calendar)
{
	tnef_line_text(&calendar->lines, "SUMMARY", calendar->message->subject);
	add_description(calendar);
	add_class(calendar);
	add_priority(calendar);
	tnef_lines_categories(&calendar->lines, calendar->properties);
}

/* A reminder is for who attends: not in what is answered or called off. */
void
tnef_calendar_alarm(struct tnef_calendar *calendar)
{
	struct tnef_lines *lines = &calendar->lines;
	char text[TNEF_DATE_TEXT_SIZE];
	int64_t minutes = MINUTES_DEFAULT;
	time_t when;

	if (!tnef_get_bool(find(calendar, REMINDER_SET)) ||
		(strcmp(calendar->method, "REQUEST") != 0 &&
			strcmp(calendar->method, "PUBLISH") != 0))
		return;
	tnef_get_number(find(calendar, REMINDER_MINUTES), &minutes);
	if (minutes < 0 || minutes > MINUTES_MAX)
		minutes = MINUTES_DEFAULT;
	tnef_line(lines, "BEGIN:VALARM");
	tnef_line(lines, "ACTION:DISPLAY");
	tnef_line(lines, "DESCRIPTION:Reminder");
	if (!calendar->class->is_task)
		tnef_line(lines, "TRIGGER:-PT%lldM", (long long)minutes);
	else if (tnef_get_time(find(calendar, REMINDER_TIME), &when))
		tnef_line(lines, "TRIGGER;VALUE=DATE-TIME:%sZ",
			tnef_date_text(when, false, text));
	else
		tnef_line(lines, "TRIGGER:PT0M");
	tnef_line(lines, "END:VALARM");
}

/* ---- the whole ---- */

/* What a calendar has to have is there. */
static bool
is_enough(struct tnef_calendar *calendar)
{
	bool needs_start = !calendar->class->is_task &&
			   calendar->class->answer == NULL &&
			   strcmp(calendar->method, "CANCEL") != 0;

	if (calendar->uid == NULL)
		tnef_problem(calendar->message, true,
			"no calendar is made: it has no identity");
	else if (needs_start && !calendar->has_start)
		tnef_problem(calendar->message, true,
			"no calendar is made: it has no start");
	else
		return true;
	return false;
}

static int
compose(struct tnef_calendar *calendar, struct buf *out, struct error *err)
{
	struct tnef_lines *lines = &calendar->lines;

	lines->out = out;
	buf_init(&lines->line, out->limit_bytes);
	tnef_line(lines, "BEGIN:VCALENDAR");
	tnef_line(lines, "PRODID:-//smime-milter//TNEF//EN");
	tnef_line(lines, "VERSION:2.0");
	tnef_line(lines, "METHOD:%s", calendar->method);
	tnef_calendar_zone(calendar);
	if (calendar->class->is_task)
		tnef_calendar_task(calendar);
	else
		tnef_calendar_event(calendar);
	tnef_line(lines, "END:VCALENDAR");
	return tnef_lines_close(lines, err);
}

void
tnef_item_add_first(struct tnef_reader *reader, struct tnef_message *message,
	struct tnef_item *item, struct buf *bytes)
{
	struct list *items = &message->items;

	item->is_made_up = true;
	item->charset = mem_string("utf-8");
	tnef_made_end(reader, bytes);
	tnef_item_own(item, bytes);
	list_add(items, item);
	memmove(items->item + 1, items->item,
		(items->count - 1) * sizeof(*items->item));
	items->item[0] = item;
}

/* A calendar, or a problem. */
static int
make(struct tnef_reader *reader, struct tnef_calendar *calendar,
	struct error *err)
{
	struct tnef_item *item;
	struct error why = { 0 };
	struct buf out;
	int result = 0;

	tnef_made_begin(reader, &out);
	if (compose(calendar, &out, &why) != 0) {
		result = tnef_trouble(
			calendar->message, "the calendar", &why, err);
		goto out;
	}
	item = tnef_item_new(TNEF_CALENDAR, "text/calendar");
	item->name = mem_string("calendar.ics");
	item->method = mem_string(calendar->method);
	tnef_item_add_first(reader, calendar->message, item, &out);
out:
	buf_clear(&out);
	return result;
}

int
tnef_add_calendar(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties, struct error *err)
{
	struct tnef_calendar calendar = { .message = message,
		.properties = properties,
		.class = find_class(message->class) };
	int result;

	if (calendar.class == NULL)
		return 0;
	result = tnef_calendar_read(&calendar, err);
	if (result == 0 && is_enough(&calendar))
		result = make(reader, &calendar, err);
	mem_free(calendar.uid);
	tnef_zone_clear(&calendar.zone);
	tnef_recur_clear(&calendar.recur);
	return result;
}
