/*
 * Meetings, tasks and contacts, made up, as calendars and cards.  Somebody
 * else's reader (python3-icalendar, python3-vobject) says what they mean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/walk.h"
#include "tnef/calendar.h"
#include "tnef_fixture.h"

enum {
	START = 1769508000, /* 2026-01-27 10:00 UTC */
	HOUR = 3600,
	ORGANIZER_FLAG = 2,
};

/* The system's: its packages are not another Python's. */
#define PYTHON "/usr/bin/python3"

#define APPOINTMENT TNEF_SET_APPOINTMENT
#define MEETING TNEF_SET_MEETING
#define COMMON TNEF_SET_COMMON
#define TASK TNEF_SET_TASK
#define ADDRESS TNEF_SET_ADDRESS

/* ---- properties ---- */

struct made {
	struct buf out;
	struct made_list list;
	struct buf people;
	unsigned people_count;
	unsigned next_id;
};

static uint32_t
new_tag(struct made *made, uint32_t type)
{
	return (0x8001 + made->next_id++) << 16 | type;
}

static void
add_fixed(struct made *made, const unsigned char *set, uint32_t number,
	uint32_t type, unsigned bytes, uint64_t value)
{
	struct buf raw = { 0 };

	made_number(&raw, bytes, value);
	if (set == NULL)
		made_raw(&made->list, number << 16 | type, buf_span(&raw));
	else
		made_named(&made->list, new_tag(made, type), set, number, NULL,
			buf_span(&raw));
	buf_clear(&raw);
}

static void
add_int(struct made *made, const unsigned char *set, uint32_t number,
	uint32_t value)
{
	add_fixed(made, set, number, TNEF_INT32, 4, value);
}

static void
add_true(struct made *made, const unsigned char *set, uint32_t number)
{
	add_fixed(made, set, number, TNEF_BOOLEAN, 4, 1);
}

static void
add_time(struct made *made, const unsigned char *set, uint32_t number,
	int64_t when)
{
	add_fixed(made, set, number, TNEF_SYSTIME, 8,
		(uint64_t)(when + 11644473600) * 10000000);
}

static void
add_sized(struct made *made, const unsigned char *set, uint32_t number,
	uint32_t type, struct span bytes)
{
	struct buf raw = { 0 };

	made_number(&raw, 4, 1);
	made_number(&raw, 4, bytes.len);
	assert_int_equal(buf_add_span(&raw, bytes, NULL), 0);
	made_number(&raw, (4 - bytes.len % 4) % 4, 0);
	if (set == NULL)
		made_raw(&made->list, number << 16 | type, buf_span(&raw));
	else
		made_named(&made->list, new_tag(made, type), set, number, NULL,
			buf_span(&raw));
	buf_clear(&raw);
}

static void
add_text(struct made *made, const unsigned char *set, uint32_t number,
	const char *text)
{
	add_sized(made, set, number, TNEF_STRING8,
		span_of(text, strlen(text) + 1));
}

static void
add_bytes(struct made *made, const unsigned char *set, uint32_t number,
	struct span bytes)
{
	add_sized(made, set, number, TNEF_BINARY, bytes);
}

static void
add_person(struct made *made, unsigned role, const char *name,
	const char *address, unsigned answer, unsigned flags)
{
	struct made_list row = { 0 };

	made_int(&row, 0x0c150003, role);
	made_text(&row, 0x3001001e, name);
	if (address != NULL)
		made_text(&row, 0x39fe001e, address);
	if (answer != 0)
		made_int(&row, 0x5fff0003, answer);
	if (flags != 0)
		made_int(&row, 0x5ffd0003, flags);
	made_list_end(&row, &made->people);
	made->people_count++;
}

/* ---- what most of them have ---- */

#define GLOBAL_HEAD "\x04\0\0\0\x82\0\xe0\0\x74\xc5\xb7\x10\x1a\x82\xe0\x08"
#define GLOBAL_REST "\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\0"
#define GLOBAL_ID GLOBAL_HEAD "\0\0\0\0" GLOBAL_REST "\4\0\0\0\xaa\xbb\xcc\xdd"
#define GLOBAL_DAY                                                             \
	GLOBAL_HEAD "\x07\xea\x01\x1b" GLOBAL_REST "\4\0\0\0\xaa\xbb\xcc\xdd"
#define GLOBAL_VCAL                                                            \
	GLOBAL_HEAD "\0\0\0\0" GLOBAL_REST                                     \
		    "\x1b\0\0\0vCal-Uid\1\0\0\0abc@example.com"
#define UID_LINES                                                              \
	"UID:040000008200E00074C5B7101A82E00800000000010203040506070800000000" \
	"0000000004000000AABBCCDD\r\n"

static void
add_meeting(struct made *made)
{
	add_text(made, NULL, 0x0037, "Plan; and, talk");
	add_bytes(
		made, MEETING, 0x23, span_of(GLOBAL_ID, sizeof(GLOBAL_ID) - 1));
	add_time(made, MEETING, 0x1a, START - 24 * HOUR);
	add_time(made, MEETING, 0x01, START - 12 * HOUR);
	add_int(made, APPOINTMENT, 0x8201, 3);
	add_time(made, APPOINTMENT, 0x820d, START);
	add_time(made, APPOINTMENT, 0x820e, START + HOUR);
	add_text(made, NULL, 0x0042, "Alice");
	add_text(made, NULL, 0x0064, "SMTP");
	add_text(made, NULL, 0x0065, "alice@example.com");
}

static void
add_invited(struct made *made)
{
	add_person(made, 1, "Alice", "alice@example.com", 0, ORGANIZER_FLAG);
	add_person(made, 1, "Bob \"B\"", "bob@example.com", 0, 0);
	add_person(made, 2, "Carol", "carol@example.com", 3, 0);
	add_person(made, 3, "Room 1", "room@example.com", 0, 0);
}

/* Berlin. */
static void
add_zone(struct made *made)
{
	static const char zone[48] = "\xc4\xff\xff\xff\0\0\0\0\xc4\xff\xff\xff"
				     "\0\0\0\0\x0a\0\0\0\5\0\3\0\0\0\0\0\0\0"
				     "\0\0\0\0\3\0\0\0\5\0\2\0\0\0\0\0\0";

	add_bytes(made, APPOINTMENT, 0x8233, span_of(zone, sizeof(zone)));
	add_text(made, APPOINTMENT, 0x8234, "(UTC+01:00) Berlin");
}

#define HEAD(method)                                                           \
	"BEGIN:VCALENDAR\r\nPRODID:-//smime-milter//TNEF//EN\r\n"              \
	"VERSION:2.0\r\nMETHOD:" method "\r\n"
#define EVENT(stamp)                                                           \
	"BEGIN:VEVENT\r\n" UID_LINES "DTSTAMP:" stamp "\r\nSEQUENCE:3\r\n"
#define TIMES "DTSTART:20260127T100000Z\r\nDTEND:20260127T110000Z\r\n"
#define TITLE "SUMMARY:Plan\\; and\\, talk\r\n"
#define ALICE "ORGANIZER;CN=\"Alice\":mailto:alice@example.com\r\n"
#define TAIL                                                                   \
	"X-MICROSOFT-CDO-ALLDAYEVENT:FALSE\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

static void
make_request(struct made *made)
{
	static const char words[] = "\2\0\0\0\4\0\0\0Red\0\6\0\0\0a,b c\0\0\0";

	add_meeting(made);
	add_invited(made);
	add_text(made, NULL, 0x1000, "Line one\r\n\r\nLine two; end\r\n");
	add_text(made, APPOINTMENT, 0x8208, "Room 1, left");
	add_int(made, APPOINTMENT, 0x8205, 1);
	add_int(made, APPOINTMENT, 0x8224, 2);
	add_true(made, COMMON, 0x8503);
	add_int(made, COMMON, 0x8501, 30);
	add_int(made, NULL, 0x0017, 2);
	add_int(made, NULL, 0x0036, 2);
	made_named(&made->list, new_tag(made, TNEF_STRING8 | 0x1000),
		TNEF_SET_PUBLIC, 0, "Keywords",
		span_of(words, sizeof(words) - 1));
}

static void
make_canceled(struct made *made)
{
	add_meeting(made);
	add_person(made, 1, "Bob", "bob@example.com", 0, 0);
}

static void
make_answer(struct made *made)
{
	add_meeting(made);
	add_person(made, 1, "Dan", "dan@example.com", 0, 0);
}

static void
make_proposal(struct made *made)
{
	make_answer(made);
	add_true(made, APPOINTMENT, 0x8257);
	add_time(made, APPOINTMENT, 0x8250, START + 2 * HOUR);
	add_time(made, APPOINTMENT, 0x8251, START + 3 * HOUR);
}

/* The first property of a number is the one that counts. */
static void
add_day(struct made *made, int64_t midnight)
{
	add_true(made, APPOINTMENT, 0x8215);
	add_time(made, APPOINTMENT, 0x820d, midnight);
	add_time(made, APPOINTMENT, 0x820e, midnight + 24 * HOUR);
	add_int(made, APPOINTMENT, 0x8205, 0);
	add_meeting(made);
}

static void
make_all_day(struct made *made)
{
	add_zone(made);
	add_day(made, 1782856800); /* 2026-07-01 in Berlin */
}

static void
make_day_without_zone(struct made *made)
{
	add_day(made, 1782928800); /* 2026-07-02 in Dhaka */
}

static void
make_one_of_many(struct made *made)
{
	make_canceled(made);
	add_bytes(made, MEETING, 0x03,
		span_of(GLOBAL_DAY, sizeof(GLOBAL_DAY) - 1));
	add_time(made, APPOINTMENT, 0x8228, START);
}

static void
make_one_by_day(struct made *made)
{
	make_canceled(made);
	add_zone(made);
	add_bytes(made, MEETING, 0x03,
		span_of(GLOBAL_DAY, sizeof(GLOBAL_DAY) - 1));
	add_int(made, MEETING, 0x0e, 11 << 12);
}

/* Mondays at 11 in Berlin, the second left out, the third at 12. */
static void
add_series(struct made *made)
{
	enum { MONDAY = 223564320 }; /* 2026-01-26, in minutes */
	static const uint32_t days[] = { MONDAY + 10080, MONDAY + 20160 };
	struct buf recur = { 0 };

	made_number(&recur, 8, UINT64_C(0x0001200b30043004));
	made_number(&recur, 2, 0);
	made_number(&recur, 4, 0);
	made_number(&recur, 4, 1);
	made_number(&recur, 4, 0);
	made_number(&recur, 4, 2);
	made_number(&recur, 4, 0x2021);
	made_number(&recur, 4, 12);
	made_number(&recur, 4, 1);
	made_number(&recur, 4, 2);
	made_number(&recur, 4, days[0]);
	made_number(&recur, 4, days[1]);
	made_number(&recur, 4, 1);
	made_number(&recur, 4, days[1]);
	made_number(&recur, 4, MONDAY);
	made_number(&recur, 4, MONDAY + 12 * 10080);
	made_number(&recur, 4, 0x3006);
	made_number(&recur, 4, 0x3009);
	made_number(&recur, 4, 660);
	made_number(&recur, 4, 720);
	made_number(&recur, 2, 1);
	made_number(&recur, 4, days[1] + 720);
	made_number(&recur, 4, days[1] + 780);
	made_number(&recur, 4, days[1] + 660);
	made_number(&recur, 2, 0);
	add_bytes(made, APPOINTMENT, 0x8216, buf_span(&recur));
	buf_clear(&recur);
}

static void
make_series(struct made *made)
{
	add_zone(made);
	add_series(made);
	add_time(made, APPOINTMENT, 0x820d, START - 24 * HOUR);
	add_time(made, APPOINTMENT, 0x820e, START - 23 * HOUR);
	add_meeting(made);
	add_person(made, 1, "Bob", "bob@example.com", 0, 0);
}

static void
make_task(struct made *made)
{
	uint64_t half;
	double part = 0.5;

	memcpy(&half, &part, sizeof(half));
	add_text(made, NULL, 0x0037, "Write");
	add_bytes(made, NULL, 0x300b, SPAN("\x01\xab"));
	add_time(made, NULL, 0x3008, START);
	add_time(made, TASK, 0x8104, 1769472000);
	add_time(made, TASK, 0x8105, 1769558400);
	add_int(made, TASK, 0x8101, 1);
	add_fixed(made, TASK, 0x8102, TNEF_DOUBLE, 8, half);
	add_true(made, COMMON, 0x8503);
	add_time(made, COMMON, 0x8502, START);
}

static void
make_contact(struct made *made)
{
	add_text(made, NULL, 0x3001, "Dr. Eva M\xfcller, Jr.");
	add_text(made, NULL, 0x3a06, "Eva");
	add_text(made, NULL, 0x3a11, "M\xfcller");
	add_text(made, NULL, 0x3a45, "Dr.");
	add_text(made, NULL, 0x3a16, "A; B");
	add_text(made, NULL, 0x3a18, "C");
	add_text(made, NULL, 0x3a08, "+49 30 1");
	add_text(made, NULL, 0x3a1c, "+49 170 1");
	add_text(made, ADDRESS, 0x8045, "Street 1");
	add_text(made, ADDRESS, 0x8046, "Berlin");
	add_text(made, ADDRESS, 0x8083, "/o=Org/cn=eva");
	add_text(made, ADDRESS, 0x8084, "eva@example.com");
	add_text(made, ADDRESS, 0x8093, "eva@home.example");
	add_text(made, ADDRESS, 0x802b, "http://example.com/?a=1,2");
	add_time(made, NULL, 0x3a42, -315619200 - HOUR);
	add_text(made, NULL, 0x1000, "A note");
	add_bytes(made, NULL, 0x300b, SPAN("\x01\xab"));
}

static const struct row {
	const char *label;
	const char *class;
	void (*make)(struct made *made);
	enum tnef_kind kind;
	const char *out;
} rows[] = {
	{ "a request", "IPM.Schedule.Meeting.Request", make_request,
		TNEF_CALENDAR,
		HEAD("REQUEST") EVENT("20260126T100000Z") TIMES TITLE
		"DESCRIPTION:Line one\\n\\nLine two\\; end\r\n"
		"CLASS:PRIVATE\r\nPRIORITY:1\r\nCATEGORIES:Red,a\\,b "
		"c\r\n" ALICE
		"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;"
		"RSVP=TRUE;CN=\"Bob 'B'\":mailto:bob@example.com\r\n"
		"ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE;"
		"CN=\"Carol\":mailto:carol@example.com\r\n"
		"ATTENDEE;CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT;PARTSTAT=NEEDS-"
		"ACTION;RSVP=TRUE;CN=\"Room "
		"1\":mailto:room@example.com\r\n"
		"LOCATION:Room 1\\, left\r\nSTATUS:CONFIRMED\r\n"
		"X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\r\n"
		"X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY\r\nTRANSP:OPAQUE\r\n"
		"X-MICROSOFT-CDO-ALLDAYEVENT:FALSE\r\n"
		"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\n"
		"TRIGGER:-PT30M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
		"END:VCALENDAR\r\n" },
	{ "called off", "IPM.Schedule.Meeting.Canceled", make_canceled,
		TNEF_CALENDAR,
		HEAD("CANCEL") EVENT("20260126T100000Z") TIMES TITLE
		"CLASS:PUBLIC\r\nPRIORITY:5\r\n" ALICE
		"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;CN=\"Bob\""
		":mailto:bob@example.com\r\nSTATUS:CANCELLED\r\n" TAIL },
	{ "accepted", "IPM.Schedule.Meeting.Resp.Pos", make_answer,
		TNEF_CALENDAR,
		HEAD("REPLY") EVENT("20260126T220000Z") TIMES TITLE
		"CLASS:PUBLIC\r\nPRIORITY:5\r\n"
		"ORGANIZER;CN=\"Dan\":mailto:dan@example.com\r\n"
		"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=\"Alice\":"
		"mailto:alice@example.com\r\n" TAIL },
	{ "another time proposed", "IPM.Schedule.Meeting.Resp.Tent",
		make_proposal, TNEF_CALENDAR,
		HEAD("COUNTER") EVENT(
			"20260126T220000Z") "DTSTART:20260127T120000Z\r\nDTEND:"
					    "20260127T130000Z\r\n" TITLE
					    "CLASS:PUBLIC\r\nPRIORITY:5\r\n"
					    "ORGANIZER;CN=\"Dan\":mailto:dan@"
					    "example.com\r\n"
					    "ATTENDEE;ROLE=REQ-PARTICIPANT;"
					    "PARTSTAT=TENTATIVE;CN=\"Alice\":"
					    "mailto:alice@ex"
					    "ample.com\r\n" TAIL },
	{ "a day in summer", "IPM.Appointment", make_all_day, TNEF_CALENDAR,
		HEAD("PUBLISH") EVENT(
			"20260126T100000Z") "DTSTART;VALUE=DATE:20260701\r\n"
					    "DTEND;VALUE=DATE:"
					    "20260702\r\n" TITLE
					    "CLASS:PUBLIC\r\nPRIORITY:"
					    "5\r\n" ALICE
					    "X-MICROSOFT-CDO-BUSYSTATUS:"
					    "FREE\r\nTRANSP:TRANSPARENT\r\n"
					    "X-MICROSOFT-CDO-ALLDAYEVENT:"
					    "TRUE\r\nEND:VEVENT\r\n"
					    "END:VCALENDAR\r\n" },
	{ "a day without a zone", "IPM.Appointment", make_day_without_zone,
		TNEF_CALENDAR,
		HEAD("PUBLISH") EVENT(
			"20260126T100000Z") "DTSTART;VALUE=DATE:20260702\r\n"
					    "DTEND;VALUE=DATE:"
					    "20260703\r\n" TITLE
					    "CLASS:PUBLIC\r\nPRIORITY:"
					    "5\r\n" ALICE
					    "X-MICROSOFT-CDO-BUSYSTATUS:"
					    "FREE\r\nTRANSP:TRANSPARENT\r\n"
					    "X-MICROSOFT-CDO-ALLDAYEVENT:"
					    "TRUE\r\nEND:VEVENT\r\n"
					    "END:VCALENDAR\r\n" },
	{ "one of a series", "IPM.Schedule.Meeting.Canceled", make_one_of_many,
		TNEF_CALENDAR,
		HEAD("CANCEL") EVENT(
			"20260126T100000Z") "RECURRENCE-ID:"
					    "20260127T100000Z\r\n" TIMES TITLE
					    "CLASS:PUBLIC\r\nPRIORITY:"
					    "5\r\n" ALICE
					    "ATTENDEE;ROLE=REQ-PARTICIPANT;"
					    "PARTSTAT=NEEDS-ACTION;CN=\"Bob\""
					    ":mailto:bob@exa"
					    "mple.com\r\nSTATUS:"
					    "CANCELLED\r\n" TAIL },
	{ "one of a series by its day", "IPM.Schedule.Meeting.Canceled",
		make_one_by_day, TNEF_CALENDAR,
		HEAD("CANCEL") EVENT(
			"20260126T100000Z") "RECURRENCE-ID:"
					    "20260127T100000Z\r\n" TIMES TITLE
					    "CLASS:PUBLIC\r\nPRIORITY:"
					    "5\r\n" ALICE
					    "ATTENDEE;ROLE=REQ-PARTICIPANT;"
					    "PARTSTAT=NEEDS-ACTION;CN=\"Bob\""
					    ":mailto:bob@exa"
					    "mple.com\r\nSTATUS:"
					    "CANCELLED\r\n" TAIL },
	{ "a series", "IPM.Schedule.Meeting.Request", make_series,
		TNEF_CALENDAR,
		HEAD("REQUEST") "BEGIN:VTIMEZONE\r\nTZID:(UTC+01:00) "
				"Berlin\r\n"
				"BEGIN:STANDARD\r\nDTSTART:"
				"19701025T030000\r\n"
				"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"
				"TZOFFSETFROM:+0200\r\nTZOFFSETTO:+"
				"0100\r\nEND:STANDARD\r\n"
				"BEGIN:DAYLIGHT\r\nDTSTART:"
				"19700329T020000\r\n"
				"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n"
				"TZOFFSETFROM:+0100\r\nTZOFFSETTO:+"
				"0200\r\nEND:DAYLIGHT\r\n"
				"END:VTIMEZONE\r\n" EVENT(
					"20260126T100000Z") "DTSTART;TZID="
							    "\"(UTC+01:00) "
							    "Berlin\":"
							    "20260126T110000"
							    "\r\n"
							    "DTEND;TZID=\"("
							    "UTC+01:00) "
							    "Berlin\":"
							    "20260126T120000"
							    "\r\n"
							    "RRULE:FREQ="
							    "WEEKLY;UNTIL="
							    "20260420T090000"
							    "Z;BYDAY=MO\r\n"
							    "EXDATE;TZID=\"("
							    "UTC+01:00) "
							    "Berlin\":"
							    "20260202T110000"
							    "\r\n" TITLE
							    "CLASS:"
							    "PUBLIC\r\nPRIOR"
							    "ITY:5\r\n" ALICE
							    "ATTENDEE;ROLE="
							    "REQ-"
							    "PARTICIPANT;"
							    "PARTSTAT=NEEDS-"
							    "ACTION;RSVP="
							    "TRUE;"
							    "CN=\"Bob\":"
							    "mailt"
							    "o:bob@example."
							    "com\r\nSTATUS:"
							    "CONFIRMED\r\n"
							    "X-MICROSOFT-"
							    "CDO-"
							    "ALLDAYEVENT:"
							    "FALSE\r\nEND:"
							    "VEVENT\r"
							    "\n" EVENT(
								    "2026012"
								    "6T10000"
								    "0Z") "R"
									  "E"
									  "C"
									  "U"
									  "R"
									  "R"
									  "E"
									  "N"
									  "C"
									  "E"
									  "-"
									  "I"
									  "D"
									  ";"
									  "T"
									  "Z"
									  "I"
									  "D"
									  "="
									  "\"("
									  "UTC+"
									  "01:"
									  "00) "
									  "Berl"
									  "in\""
									  ":202"
									  "6020"
									  "9T11"
									  "0000"
									  "\r\n"
									  "D"
									  "T"
									  "S"
									  "T"
									  "A"
									  "R"
									  "T"
									  ";"
									  "T"
									  "Z"
									  "I"
									  "D"
									  "="
									  "\"("
									  "UTC+"
									  "01:"
									  "00) "
									  "Berl"
									  "in\""
									  ":202"
									  "6020"
									  "9T12"
									  "0000"
									  "\r\n"
									  "D"
									  "T"
									  "E"
									  "N"
									  "D"
									  ";"
									  "T"
									  "Z"
									  "I"
									  "D"
									  "="
									  "\"("
									  "UTC+"
									  "01:"
									  "00) "
									  "Berl"
									  "in\""
									  ":202"
									  "6020"
									  "9T13"
									  "0000"
									  "\r"
									  "\n" TITLE
										  ALICE
									  "A"
									  "T"
									  "T"
									  "E"
									  "N"
									  "D"
									  "E"
									  "E"
									  ";"
									  "R"
									  "O"
									  "L"
									  "E"
									  "="
									  "R"
									  "E"
									  "Q"
									  "-"
									  "P"
									  "A"
									  "R"
									  "T"
									  "I"
									  "C"
									  "I"
									  "P"
									  "A"
									  "N"
									  "T"
									  ";"
									  "P"
									  "A"
									  "R"
									  "T"
									  "S"
									  "T"
									  "A"
									  "T"
									  "="
									  "N"
									  "E"
									  "E"
									  "D"
									  "S"
									  "-"
									  "A"
									  "C"
									  "T"
									  "I"
									  "O"
									  "N"
									  ";"
									  "R"
									  "S"
									  "V"
									  "P"
									  "="
									  "T"
									  "R"
									  "U"
									  "E"
									  ";"
									  "C"
									  "N"
									  "="
									  "\"Bo"
									  "b\":"
									  "mail"
									  "to:"
									  "bob@"
									  "exam"
									  "ple."
									  "com"
									  "\r\n"
									  "E"
									  "N"
									  "D"
									  ":"
									  "V"
									  "E"
									  "V"
									  "E"
									  "N"
									  "T"
									  "\r\n"
									  "END:"
									  "VCAL"
									  "ENDA"
									  "R\r"
									  "\n" },
	{ "a task", "IPM.Task", make_task, TNEF_CALENDAR,
		HEAD("PUBLISH") "BEGIN:VTODO\r\nUID:01AB\r\nDTSTAMP:"
				"20260127T100000Z\r\n"
				"DTSTART;VALUE=DATE:20260127\r\nDUE;VALUE=DATE:"
				"20260128\r\n"
				"STATUS:IN-PROCESS\r\nPERCENT-COMPLETE:"
				"50\r\nSUMMARY:Write\r\n"
				"CLASS:PUBLIC\r\nPRIORITY:5\r\nBEGIN:VALARM\r\n"
				"ACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\n"
				"TRIGGER;VALUE=DATE-TIME:"
				"20260127T100000Z\r\nEND:VALARM\r\n"
				"END:VTODO\r\nEND:VCALENDAR\r\n" },
	{ "a contact", "IPM.Contact", make_contact, TNEF_CARD,
		"BEGIN:VCARD\r\nVERSION:3.0\r\n"
		"PRODID:-//smime-milter//TNEF//EN\r\nUID:01AB\r\n"
		"N:M\xc3\xbcller;Eva;;Dr.;\r\n"
		"FN:Dr. Eva M\xc3\xbcller\\, Jr.\r\nORG:A\\; B;C\r\n"
		"TEL;TYPE=WORK,VOICE:+49 30 1\r\n"
		"TEL;TYPE=CELL,VOICE:+49 170 1\r\n"
		"ADR;TYPE=WORK:;;Street 1;Berlin;;;\r\n"
		"EMAIL;TYPE=INTERNET:eva@example.com\r\n"
		"EMAIL;TYPE=INTERNET:eva@home.example\r\n"
		"URL:http://example.com/?a=1,2\r\nBDAY;VALUE=date:19600101\r\n"
		"NOTE:A note\r\nEND:VCARD\r\n" },
};

/* The stream of a message of that class; made is empty afterwards. */
static void
finish(struct made *made, const char *class, struct buf *out)
{
	struct buf table = { 0 };

	made_begin(out);
	made_attribute(
		out, MADE_MESSAGE, ATT_CODE_PAGE, SPAN("\xe4\x04\0\0\0\0\0\0"));
	made_attribute(out, MADE_MESSAGE, ATT_CLASS,
		span_of(class, strlen(class) + 1));
	made_properties(out, MADE_MESSAGE, &made->list);
	if (made->people_count != 0) {
		made_number(&table, 4, made->people_count);
		assert_int_equal(
			buf_add_span(&table, buf_span(&made->people), NULL), 0);
		made_attribute(out, MADE_MESSAGE, ATT_PEOPLE, buf_span(&table));
	}
	buf_clear(&table);
	buf_clear(&made->people);
}

static struct tnef_message *
read_row(const char *class, void (*make)(struct made *made), struct buf *bytes)
{
	struct made made = { 0 };

	make(&made);
	finish(&made, class, bytes);
	return made_read(buf_span(bytes));
}

/* Folding is tested on its own. */
static void
unfold(struct span folded, struct buf *out)
{
	for (size_t i = 0; i < folded.len; i++) {
		struct span rest = span_of(folded.data + i, folded.len - i);

		if (span_starts_nocase(rest, "\r\n "))
			i += 2;
		else
			assert_int_equal(buf_add(out, rest.data, 1, NULL), 0);
	}
}

static void
what_outlook_keeps_in_properties_is_said(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf bytes = { 0 }, lines = { 0 };
		struct tnef_message *message =
			read_row(rows[i].class, rows[i].make, &bytes);
		const struct tnef_item *item =
			made_item(message, rows[i].kind, 0);
		const char *problem;

		LIST_FOREACH (problem, &message->problems)
			fail_msg("%s: %s", rows[i].label, problem);
		unfold(item->data, &lines);
		if (!span_is(buf_span(&lines), rows[i].out))
			fail_msg("%s:\n%.*s", rows[i].label, (int)lines.len,
				(const char *)lines.data);
		buf_clear(&lines);
		assert_string_equal(item->charset, "utf-8");
		if (rows[i].kind == TNEF_CALENDAR)
			assert_true(item->method != NULL &&
				    strstr(rows[i].out, item->method) != NULL);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

/* ---- what is odd, and what is missing ---- */

static void
make_no_start(struct made *made)
{
	add_bytes(
		made, MEETING, 0x23, span_of(GLOBAL_ID, sizeof(GLOBAL_ID) - 1));
}

static void
make_no_identity(struct made *made)
{
	add_text(made, NULL, 0x0037, "Without");
}

static void
make_no_name(struct made *made)
{
	add_text(made, NULL, 0x3a08, "1");
}

static void
make_unknown_pattern(struct made *made)
{
	add_bytes(made, APPOINTMENT, 0x8216,
		SPAN("\x04\x30\x04\x30\x0c\x20\x0a\0\1\0\0\0\0\0\1\0\0\0\0\0\0"
		     "\0\5\0\0\0\x23\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\6\x30\0\0\x09\x30\0\0\0\0\0\0\0\0\0\0"
		     "\0\0"));
	add_meeting(made);
}

static void
make_broken_pattern(struct made *made)
{
	add_bytes(made, APPOINTMENT, 0x8216, SPAN("\x04\x30\x04\x30"));
	add_meeting(made);
}

static void
make_person_without_address(struct made *made)
{
	add_meeting(made);
	add_person(made, 1, "Nobody", NULL, 0, 0);
}

static const struct {
	const char *label;
	const char *class;
	void (*make)(struct made *made);
	bool is_made;
	const char *problem;
} lacking[] = {
	{ "no start", "IPM.Schedule.Meeting.Request", make_no_start, false,
		"no calendar is made: it has no start" },
	{ "no start, called off", "IPM.Schedule.Meeting.Canceled",
		make_no_start, true, NULL },
	{ "no identity", "IPM.Task", make_no_identity, false,
		"no calendar is made: it has no identity" },
	{ "no name", "IPM.Contact", make_no_name, false,
		"no card is made: it has no name" },
	{ "a pattern without words", "IPM.Appointment", make_unknown_pattern,
		true, "a calendar has no words" },
	{ "a pattern cut off", "IPM.Appointment", make_broken_pattern, true,
		"the calendar: a recurrence cannot be read" },
	{ "an attendee without address", "IPM.Schedule.Meeting.Request",
		make_person_without_address, true,
		"an attendee of a meeting has no address" },
	{ "another class", "IPM.Note", make_request, false, NULL },
	{ "a class that only begins so", "IPM.AppointmentX", make_request,
		false, NULL },
	{ "a class below it", "IPM.Appointment.Ours", make_answer, true, NULL },
};

static bool
has_problem(const struct tnef_message *message, const char *begin)
{
	const char *problem;

	LIST_FOREACH (problem, &message->problems)
		if (strncmp(problem, begin, strlen(begin)) == 0)
			return true;
	return false;
}

static void
what_is_lacking_is_said_and_keeps_the_original(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(lacking); i++) {
		struct buf bytes = { 0 };
		struct tnef_message *message =
			read_row(lacking[i].class, lacking[i].make, &bytes);
		const struct tnef_item *item;
		bool is_made = false;

		LIST_FOREACH (item, &message->items)
			is_made |= item->kind == TNEF_CALENDAR ||
				   item->kind == TNEF_CARD;
		if (is_made != lacking[i].is_made)
			fail_msg("%s: made %d", lacking[i].label, is_made);
		if (lacking[i].problem != NULL &&
			(!message->is_incomplete ||
				!has_problem(message, lacking[i].problem)))
			fail_msg("%s: not said", lacking[i].label);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

static void
an_identity_from_elsewhere_stays_as_it_was(void **state UNUSED)
{
	struct made made = { 0 };
	struct buf bytes = { 0 };
	struct tnef_message *message;

	add_bytes(&made, MEETING, 0x23,
		span_of(GLOBAL_VCAL, sizeof(GLOBAL_VCAL)));
	add_time(&made, APPOINTMENT, 0x820d, START);
	finish(&made, "IPM.Appointment", &bytes);
	message = made_read(buf_span(&bytes));
	assert_non_null(span_find(made_item(message, TNEF_CALENDAR, 0)->data,
		SPAN("\r\nUID:abc@example.com\r\n")));
	tnef_message_free(message);
	buf_clear(&bytes);
}

static void
an_appointment_without_identity_gets_the_same_one_each_time(void **state UNUSED)
{
	char *uid[3];

	for (size_t i = 0; i < COUNT_OF(uid); i++) {
		struct tnef_property start = { .id = 0x0060,
			.type = TNEF_SYSTIME,
			.count = 1,
			.value = SPAN("\0\x80\x3e\xd5\xde\xb1\x9d\1") };
		struct tnef_properties properties = { .item = &start,
			.count = 1 };
		struct tnef_message message = { .subject = i < 2 ? (char *)"A"
								 : NULL };

		uid[i] = tnef_calendar_uid(&message, &properties);
		assert_non_null(uid[i]);
	}
	assert_string_equal(uid[0], uid[1]);
	assert_string_not_equal(uid[0], uid[2]);
	for (size_t i = 0; i < COUNT_OF(uid); i++)
		mem_free(uid[i]);
}

/* ---- somebody else's reader ---- */

static void
ask_judge(const struct row *row, struct span bytes)
{
	FILE *judge = popen(PYTHON " -B test/unit/tnef/judge.py", "w");

	assert_non_null(judge);
	fprintf(judge, "%s\n", row->label);
	assert_int_equal(fwrite(bytes.data, 1, bytes.len, judge), bytes.len);
	if (pclose(judge) != 0)
		fail_msg("%s", row->label);
}

static void
skip_without_judge(void)
{
	if (system(PYTHON " -c 'import icalendar, vobject, dateutil' "
			  "2>/dev/null") != 0) {
		print_message("python3-icalendar or python3-vobject is not "
			      "here\n");
		skip();
	}
}

static void
others_read_the_same(void **state UNUSED)
{
	skip_without_judge();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf bytes = { 0 };
		struct tnef_message *message =
			read_row(rows[i].class, rows[i].make, &bytes);

		ask_judge(&rows[i], made_item(message, rows[i].kind, 0)->data);
		tnef_message_free(message);
		buf_clear(&bytes);
	}
}

/* ---- real ones ---- */

struct found {
	unsigned calendars;
};

static int
judge_file(void *self, const char *path, const struct stat *st UNUSED,
	struct error *err UNUSED)
{
	struct found *found = self;
	const struct row row = { .label = "a real one" };
	const struct tnef_item *item;
	struct tnef_message *message;
	struct buf bytes = { 0 };

	if (file_read(path, 1 << 26, &bytes, NULL) == 0 &&
		tnef_is(buf_span(&bytes))) {
		message = made_read(buf_span(&bytes));
		LIST_FOREACH (item, &message->items)
			if (item->kind == TNEF_CALENDAR) {
				ask_judge(&row, item->data);
				found->calendars++;
			}
		tnef_message_free(message);
	}
	buf_clear(&bytes);
	return 0;
}

static void
real_calendars_are_read_by_others(void **state UNUSED)
{
	static const char *const corpora[] = { "tnef-mimekit",
		"tnef-verdammelt/files/datafiles" };
	const char *folder = getenv("SMIME_CORPORA");
	struct found found = { 0 };
	const struct walk walk = { .file = judge_file, .self = &found };

	skip_without_judge();
	for (size_t i = 0; folder != NULL && i < COUNT_OF(corpora); i++) {
		char *path = mem_printf("%s/%s", folder, corpora[i]);

		if (walk_folder(&walk, path, NULL) != 0)
			print_message("%s is not here\n", path);
		mem_free(path);
	}
	if (found.calendars == 0)
		skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_outlook_keeps_in_properties_is_said),
		cmocka_unit_test(
			what_is_lacking_is_said_and_keeps_the_original),
		cmocka_unit_test(an_identity_from_elsewhere_stays_as_it_was),
		cmocka_unit_test(
			an_appointment_without_identity_gets_the_same_one_each_time),
		cmocka_unit_test(others_read_the_same),
		cmocka_unit_test(real_calendars_are_read_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
