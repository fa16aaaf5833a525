/* A meeting, an appointment or a task becomes RFC 5545: between its files. */
#ifndef TNEF_CALENDAR_H
#define TNEF_CALENDAR_H

#include "tnef/internal.h"
#include "tnef/lines.h"
#include "tnef/recur.h"
#include "tnef/zone.h"

/* Sets of named properties (MS-OXPROPS 1.3.2). */
#define TNEF_SET(first)                                                        \
	((const unsigned char *)(first "\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"))
#define TNEF_SET_APPOINTMENT TNEF_SET("\x02\x20\x06")
#define TNEF_SET_TASK TNEF_SET("\x03\x20\x06")
#define TNEF_SET_ADDRESS TNEF_SET("\x04\x20\x06")
#define TNEF_SET_COMMON TNEF_SET("\x08\x20\x06")
#define TNEF_SET_PUBLIC TNEF_SET("\x29\x03\x02")
#define TNEF_SET_MEETING                                                       \
	((const unsigned char *)"\x90\xda\xd8\x6e\x0b\x45\x10\x1b\x98\xda\0"   \
				"\xaa\0\x3f\x13\x05")

struct tnef_calendar_class {
	const char *name;   /* and those below it: NAME.* */
	const char *method; /* RFC 5546 */
	const char *answer; /* of a REPLY: PARTSTAT */
	bool is_task;
};

struct tnef_calendar {
	struct tnef_message *message;
	const struct tnef_properties *properties;
	const struct tnef_calendar_class *class;
	const char *method; /* the class's, or COUNTER */
	struct tnef_lines lines;
	char *uid;
	time_t stamp;
	/* Of an event: UTC, and in its zone where that matters. */
	bool has_start;
	bool has_end;
	bool is_all_day;
	int64_t start;
	int64_t end;
	struct tnef_zone zone;
	bool has_zone;
	bool is_recurring;
	struct tnef_recur recur;
};

/* calendar_read.c: what the properties say. */
int tnef_calendar_read(
	struct tnef_calendar *calendar, struct error *err) MUST_USE;
/* A text property as a line; nothing when it is not there. */
void tnef_calendar_text(struct tnef_calendar *calendar, const char *name,
	const struct tnef_property *property);

/* calendar_uid.c: an id that is the same in all mails about a meeting. */
char *tnef_calendar_uid(
	const struct tnef_message *message, const struct tnef_properties *from);
/* The day of the one instance that a mail is about; false: all of them. */
bool tnef_calendar_instance(
	const struct tnef_properties *properties, int64_t *day);

/* calendar_zone.c */
void tnef_calendar_zone(struct tnef_calendar *calendar);
/* NAME with the time that this is in UTC; by the clock of the zone. */
void tnef_calendar_time(
	struct tnef_calendar *calendar, const char *name, int64_t utc);
void tnef_calendar_local(
	struct tnef_calendar *calendar, const char *name, int64_t local);

/* calendar_people.c: ORGANIZER and ATTENDEE. */
void tnef_calendar_people(struct tnef_calendar *calendar);

/* What events and tasks share: SUMMARY, CLASS, PRIORITY, ... */
void tnef_calendar_common(struct tnef_calendar *calendar);
void tnef_calendar_alarm(struct tnef_calendar *calendar);
void tnef_calendar_event(struct tnef_calendar *calendar);
void tnef_calendar_task(struct tnef_calendar *calendar);

/* ---- with cards ---- */

/* A CATEGORIES line; nothing when there are none. */
void tnef_lines_categories(
	struct tnef_lines *lines, const struct tnef_properties *properties);
/* With bytes made here, in front of all others; *bytes is empty afterwards. */
void tnef_item_add_first(struct tnef_reader *reader,
	struct tnef_message *message, struct tnef_item *item,
	struct buf *bytes);

/* Of the set that appointments have. */
const struct tnef_property *tnef_calendar_find(
	const struct tnef_calendar *calendar, uint32_t number);

#endif
