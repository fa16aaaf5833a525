#include <string.h>

#include "tnef/calendar.h"

enum { RESPONSE_REQUESTED = 0x0063 };

/* PidTagRecipientTrackStatus (MS-OXOCAL 2.2.4.10.2). */
static const char *const answers[] = {
	[2] = "TENTATIVE", [3] = "ACCEPTED", [4] = "DECLINED"
};

static const struct tnef_person *
find(const struct tnef_message *message, enum tnef_role role)
{
	const struct tnef_person *person;

	LIST_FOREACH (person, &message->people)
		if (person->role == role)
			return person;
	return NULL;
}

static const struct tnef_person *
find_organizer(const struct tnef_message *message)
{
	const struct tnef_person *person;

	LIST_FOREACH (person, &message->people)
		if (person->is_organizer)
			return person;
	return NULL;
}

/* Where a calendar says mailto:, an address of another kind is none. */
static bool
has_address(const struct tnef_person *person)
{
	return person != NULL && person->address != NULL &&
	       strchr(person->address, '@') != NULL &&
	       strpbrk(person->address, " \t<>\"") == NULL;
}

static void
end_person(struct tnef_calendar *calendar, const struct tnef_person *person)
{
	struct tnef_lines *lines = &calendar->lines;

	if (person->name != NULL) {
		tnef_lines_add(lines, ";CN=");
		tnef_lines_add_quoted(lines, person->name);
	}
	tnef_line(lines, ":mailto:%s", person->address);
}

static void
add_organizer(struct tnef_calendar *calendar, const struct tnef_person *person,
	const struct tnef_person *sender)
{
	struct tnef_lines *lines = &calendar->lines;

	if (!has_address(person)) {
		tnef_problem(calendar->message, false,
			"the organizer of a meeting has no address");
		return;
	}
	tnef_lines_add(lines, "ORGANIZER");
	if (has_address(sender) &&
		strcmp(sender->address, person->address) != 0)
		tnef_lines_add(
			lines, ";SENT-BY=\"mailto:%s\"", sender->address);
	end_person(calendar, person);
}

static const char *
role_of(const struct tnef_person *person)
{
	if (person->is_resource)
		return ";CUTYPE=RESOURCE;ROLE=NON-PARTICIPANT";
	return person->role == TNEF_CC ? ";ROLE=OPT-PARTICIPANT"
				       : ";ROLE=REQ-PARTICIPANT";
}

static void
add_attendee(struct tnef_calendar *calendar, const struct tnef_person *person,
	const char *answer, bool is_asked)
{
	struct tnef_lines *lines = &calendar->lines;

	if (!has_address(person)) {
		tnef_problem(calendar->message, true,
			"an attendee of a meeting has no address");
		return;
	}
	tnef_lines_add(lines, "ATTENDEE%s;PARTSTAT=%s%s", role_of(person),
		answer, is_asked ? ";RSVP=TRUE" : "");
	end_person(calendar, person);
}

/* An answer goes from the one who gives it to the organizer. */
static void
add_answer(struct tnef_calendar *calendar)
{
	const struct tnef_person *organizer = find_organizer(calendar->message);

	if (organizer == NULL)
		organizer = find(calendar->message, TNEF_TO);
	add_organizer(calendar, organizer, NULL);
	add_attendee(calendar, find(calendar->message, TNEF_FROM),
		calendar->class->answer, false);
}

static const char *
answer_of(const struct tnef_person *person)
{
	const char *answer = person->answer < COUNT_OF(answers)
				     ? answers[person->answer]
				     : NULL;

	return answer != NULL ? answer : "NEEDS-ACTION";
}

/* Blind copies stay blind; a room is written there, too, and is told. */
static bool
is_attendee(
	const struct tnef_person *person, const struct tnef_person *organizer)
{
	if (person == organizer || person->is_organizer)
		return false;
	return person->role == TNEF_TO || person->role == TNEF_CC ||
	       (person->role == TNEF_BCC && person->is_resource);
}

void
tnef_calendar_people(struct tnef_calendar *calendar)
{
	const struct tnef_message *message = calendar->message;
	const struct tnef_property *asked =
		tnef_find(calendar->properties, RESPONSE_REQUESTED);
	const struct tnef_person *organizer = find(message, TNEF_FROM), *person;
	bool is_request = strcmp(calendar->method, "REQUEST") == 0;

	if (calendar->class->answer != NULL) {
		add_answer(calendar);
		return;
	}
	if (organizer == NULL)
		organizer = find_organizer(message);
	/* What is published has no attendees (RFC 5546 3.2.1). */
	if (strcmp(calendar->method, "PUBLISH") == 0) {
		if (has_address(organizer))
			add_organizer(calendar, organizer, NULL);
		return;
	}
	add_organizer(calendar, organizer, find(message, TNEF_SENDER));
	LIST_FOREACH (person, &message->people)
		if (is_attendee(person, organizer))
			add_attendee(calendar, person, answer_of(person),
				is_request && (asked == NULL ||
						      tnef_get_bool(asked)));
}
