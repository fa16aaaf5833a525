/* How an appointment comes again: PidLidAppointmentRecur (MS-OXOCAL 2.2.1.44)
 */
#ifndef TNEF_RECUR_H
#define TNEF_RECUR_H

#include <stdint.h>

#include "base/buf.h"
#include "tnef/lines.h"

/* Times are seconds since 1970 by the clock of the appointment's zone. */
struct tnef_exception {
	int64_t start;
	int64_t end;
	int64_t original;     /* the start it would have had */
	struct span subject;  /* 8-bit; data NULL: as all others */
	struct span location; /* likewise */
};

struct tnef_recur {
	unsigned frequency;
	unsigned pattern;
	unsigned period;
	unsigned day;  /* of the month */
	unsigned days; /* of the week: 1 Sunday, 2 Monday, 4 ... */
	unsigned nth;  /* 5: last */
	unsigned first_weekday;
	unsigned count; /* 0: not counted */
	bool has_end;
	int64_t end;   /* the last one's start */
	int64_t start; /* the first one's */
	int64_t length_seconds;
	int64_t *left_out; /* starts; owned */
	unsigned left_out_count;
	struct tnef_exception *exceptions; /* owned; spans borrow the bytes */
	unsigned exception_count;
	bool is_cut; /* some exceptions could not be read */
};

/*
 * FORMAT for what is no such thing, or is cut before its end; LIMIT for more
 * than TNEF_INSTANCES_MAX days left out or moved.  A task has no times and
 * ends earlier (is_task).
 */
enum { TNEF_INSTANCES_MAX = 1000 };
int tnef_recur_read(struct span bytes, bool is_task, struct tnef_recur *out,
	struct error *err) MUST_USE;
void tnef_recur_clear(struct tnef_recur *recur);

/*
 * The RRULE line; until is the text of UNTIL.  False, and no line, where
 * RFC 5545 has no words for the pattern (other calendars).
 */
bool tnef_recur_line(struct tnef_lines *lines, const struct tnef_recur *recur,
	const char *until);

#endif
