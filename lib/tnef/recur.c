#include <stdio.h>

#include "base/mem.h"
#include "tnef/recur.h"
#include "tnef/zone.h"

enum {
	DAILY = 0x200a,
	WEEKLY = 0x200b,
	MONTHLY = 0x200c,
	YEARLY = 0x200d,

	BY_DAY = 0,
	BY_WEEK = 1,
	BY_MONTH = 2,
	BY_MONTH_NTH = 3,
	BY_MONTH_END = 4,
	OTHER_CALENDAR = 8, /* above the last three: of the Hijri calendar */

	END_DATE = 0x2021,
	END_COUNT = 0x2022,

	NEW_SUBJECT = 0x0001,
	NEW_LOCATION = 0x0010,
	/* Overrides that are a number each, in the order they come. */
	NEW_NUMBERS = 0x01ee,

	LAST = 5,
	ALL_DAYS = 0x7f,
	DAY_MINUTES = 1440,
	VERSION = 0x3004,
};

/* ---- numbers, one after the other ---- */

struct reader {
	struct span rest;
	bool is_short;
};

static uint32_t
take(struct reader *reader, unsigned bytes)
{
	uint32_t value = 0;

	if (reader->rest.len < bytes) {
		reader->is_short = true;
		reader->rest.len = 0;
		return 0;
	}
	for (unsigned i = bytes; i-- > 0;)
		value = value << 8 | reader->rest.data[i];
	reader->rest =
		span_of(reader->rest.data + bytes, reader->rest.len - bytes);
	return value;
}

/* Minutes since 1601. */
static int64_t
minutes_to_seconds(uint32_t minutes)
{
	return (int64_t)minutes * 60 + tnef_date_seconds(1601, 1, 1);
}

/* ---- the pattern ---- */

static void
read_pattern(struct reader *reader, struct tnef_recur *out)
{
	switch (out->pattern & ~(unsigned)OTHER_CALENDAR) {
	case BY_WEEK:
		out->days = take(reader, 4) & ALL_DAYS;
		break;
	case BY_MONTH:
	case BY_MONTH_END:
		out->day = take(reader, 4);
		break;
	case BY_MONTH_NTH:
		out->days = take(reader, 4) & ALL_DAYS;
		out->nth = take(reader, 4);
		break;
	}
}

static int
read_left_out(struct reader *reader, struct tnef_recur *out, struct error *err)
{
	uint32_t count = take(reader, 4);

	if (count > TNEF_INSTANCES_MAX)
		return error_set(err, ERROR_LIMIT,
			"a recurrence leaves out more than %d days",
			TNEF_INSTANCES_MAX);
	out->left_out = mem_array(count + 1, sizeof(*out->left_out));
	for (uint32_t i = 0; i < count && !reader->is_short; i++)
		out->left_out[out->left_out_count++] =
			minutes_to_seconds(take(reader, 4));
	count = take(reader, 4); /* the days of moved ones: read below */
	for (uint32_t i = 0; i < count && !reader->is_short; i++)
		take(reader, 4);
	return 0;
}

/* ---- moved ones ---- */

static struct span
take_string(struct reader *reader)
{
	size_t len;
	struct span string;

	take(reader, 2); /* with a NUL that is not there */
	len = take(reader, 2);
	if (len > reader->rest.len) {
		reader->is_short = true;
		len = reader->rest.len;
	}
	string = span_of(reader->rest.data, len);
	reader->rest = span_of(reader->rest.data + len, reader->rest.len - len);
	return string;
}

static bool
read_exception(struct reader *reader, struct tnef_exception *out)
{
	unsigned flags;

	out->start = minutes_to_seconds(take(reader, 4));
	out->end = minutes_to_seconds(take(reader, 4));
	out->original = minutes_to_seconds(take(reader, 4));
	flags = take(reader, 2);
	for (unsigned bit = 1; bit <= flags && bit <= 0x200; bit <<= 1) {
		if (!(flags & bit))
			continue;
		if (bit == NEW_SUBJECT)
			out->subject = take_string(reader);
		else if (bit == NEW_LOCATION)
			out->location = take_string(reader);
		else if (bit & NEW_NUMBERS)
			take(reader, 4);
	}
	return !reader->is_short && out->end >= out->start;
}

/* A moved one's own day is among those left out: it is not left out. */
static void
cover(struct tnef_recur *recur, struct tnef_exception *exception)
{
	for (unsigned i = 0; i < recur->left_out_count; i++) {
		int64_t away = exception->original - recur->left_out[i];

		if (away < 0 || away >= TNEF_DAY_SECONDS)
			continue;
		recur->left_out[i] = recur->left_out[--recur->left_out_count];
		return;
	}
}

static int
read_exceptions(
	struct reader *reader, struct tnef_recur *out, struct error *err)
{
	unsigned count = take(reader, 2);

	out->is_cut = reader->is_short;
	if (count > TNEF_INSTANCES_MAX)
		return error_set(err, ERROR_LIMIT,
			"a recurrence moves more than %d days",
			TNEF_INSTANCES_MAX);
	out->exceptions = mem_array(count + 1, sizeof(*out->exceptions));
	for (unsigned i = 0; i < count; i++) {
		struct tnef_exception *exception = &out->exceptions[i];

		if (!read_exception(reader, exception)) {
			out->is_cut = true;
			return 0;
		}
		out->exception_count++;
		cover(out, exception);
	}
	return 0;
}

/* The parts with times, which a task does not have. */
static int
read_times(struct reader *reader, struct tnef_recur *out, struct error *err)
{
	uint32_t from, to;

	take(reader, 4);
	take(reader, 4);
	from = take(reader, 4);
	to = take(reader, 4);
	if (reader->is_short || from >= 2 * DAY_MINUTES || to < from)
		return error_set(err, ERROR_FORMAT,
			"a recurrence has no times of the day");
	out->start += (int64_t)from * 60;
	out->end += (int64_t)from * 60;
	out->length_seconds = (int64_t)(to - from) * 60;
	for (unsigned i = 0; i < out->left_out_count; i++)
		out->left_out[i] += (int64_t)from * 60;
	return read_exceptions(reader, out, err);
}

int
tnef_recur_read(struct span bytes, bool is_task, struct tnef_recur *out,
	struct error *err)
{
	struct reader reader = { bytes, false };
	unsigned version, end_type, count, calendar;

	*out = (struct tnef_recur){ 0 };
	version = take(&reader, 2);
	take(&reader, 2);
	out->frequency = take(&reader, 2);
	out->pattern = take(&reader, 2);
	calendar = take(&reader, 2);
	take(&reader, 4);
	out->period = take(&reader, 4);
	take(&reader, 4);
	read_pattern(&reader, out);
	end_type = take(&reader, 4);
	count = take(&reader, 4);
	out->first_weekday = take(&reader, 4) % 7;
	if (read_left_out(&reader, out, err) != 0)
		goto fail;
	out->start = minutes_to_seconds(take(&reader, 4));
	out->end = minutes_to_seconds(take(&reader, 4));
	out->has_end = end_type == END_DATE;
	out->count = end_type == END_COUNT ? count : 0;
	if (calendar > 1) /* not the Gregorian one: no pattern of ours */
		out->pattern = UINT16_MAX;
	if (version != VERSION || reader.is_short) {
		error_set(err, ERROR_FORMAT, "a recurrence cannot be read");
		goto fail;
	}
	if (!is_task && read_times(&reader, out, err) != 0)
		goto fail;
	return 0;
fail:
	tnef_recur_clear(out);
	return -1;
}

void
tnef_recur_clear(struct tnef_recur *recur)
{
	mem_free(recur->left_out);
	mem_free(recur->exceptions);
	*recur = (struct tnef_recur){ 0 };
}

/* ---- as a rule ---- */

static const char *const day_names[] = { "SU", "MO", "TU", "WE", "TH", "FR",
	"SA" };

static void
add_days(struct tnef_lines *lines, unsigned days, int nth)
{
	const char *before = ";BYDAY=";

	for (unsigned i = 0; i < 7; i++) {
		if (!(days & 1u << i))
			continue;
		tnef_lines_add(lines, "%s", before);
		if (nth != 0)
			tnef_lines_add(lines, "%d", nth);
		tnef_lines_add(lines, "%s", day_names[i]);
		before = ",";
	}
}

static bool
is_one_day(unsigned days)
{
	return (days & (days - 1)) == 0;
}

/* Outlook takes a month's last day where the day is too late for it. */
static void
add_month_day(struct tnef_lines *lines, const struct tnef_recur *recur)
{
	if (recur->pattern == BY_MONTH_END || recur->day >= 31)
		tnef_lines_add(lines, ";BYMONTHDAY=-1");
	else if (recur->day == 30)
		tnef_lines_add(lines, ";BYMONTHDAY=28,29,30;BYSETPOS=-1");
	else if (recur->day == 29)
		tnef_lines_add(lines, ";BYMONTHDAY=28,29;BYSETPOS=-1");
	else
		tnef_lines_add(lines, ";BYMONTHDAY=%u", recur->day);
}

static void
add_nth_day(struct tnef_lines *lines, const struct tnef_recur *recur)
{
	int nth = recur->nth == LAST ? -1 : (int)recur->nth;

	add_days(lines, recur->days, is_one_day(recur->days) ? nth : 0);
	if (!is_one_day(recur->days))
		tnef_lines_add(lines, ";BYSETPOS=%d", nth);
}

/* FREQ and INTERVAL; NULL: not one of ours. */
static const char *
frequency(const struct tnef_recur *recur, unsigned *interval)
{
	*interval = recur->period;
	switch (recur->pattern) {
	case BY_DAY:
		*interval = recur->period / DAY_MINUTES;
		return recur->frequency == DAILY &&
				       recur->period % DAY_MINUTES == 0
			       ? "DAILY"
			       : NULL;
	case BY_WEEK:
		/* "Every working day" is daily, by the days of a week. */
		if (recur->frequency == DAILY)
			*interval = 1;
		return recur->days != 0 && (recur->frequency == WEEKLY ||
						   recur->frequency == DAILY)
			       ? "WEEKLY"
			       : NULL;
	case BY_MONTH_NTH:
		if (recur->days == 0 || recur->nth < 1 || recur->nth > LAST)
			return NULL;
		break;
	case BY_MONTH:
	case BY_MONTH_END:
		if (recur->day < 1 || recur->day > 31)
			return NULL;
		break;
	default:
		return NULL;
	}
	if (recur->frequency == MONTHLY)
		return "MONTHLY";
	*interval = recur->period / 12;
	return recur->frequency == YEARLY && recur->period % 12 == 0 ? "YEARLY"
								     : NULL;
}

bool
tnef_recur_line(struct tnef_lines *lines, const struct tnef_recur *recur,
	const char *until)
{
	struct tnef_date start;
	unsigned interval;
	const char *freq = frequency(recur, &interval);

	if (freq == NULL || interval == 0)
		return false;
	tnef_lines_add(lines, "RRULE:FREQ=%s", freq);
	if (interval > 1)
		tnef_lines_add(lines, ";INTERVAL=%u", interval);
	if (recur->count != 0)
		tnef_lines_add(lines, ";COUNT=%u", recur->count);
	else if (recur->has_end)
		tnef_lines_add(lines, ";UNTIL=%s", until);
	tnef_date_of(recur->start, &start);
	if (freq[0] == 'Y')
		tnef_lines_add(lines, ";BYMONTH=%u", start.month);
	if (recur->pattern == BY_WEEK) {
		add_days(lines, recur->days, 0);
		if (interval > 1)
			tnef_lines_add(lines, ";WKST=%s",
				day_names[recur->first_weekday]);
	} else if (recur->pattern == BY_MONTH_NTH) {
		add_nth_day(lines, recur);
	} else if (recur->pattern != BY_DAY) {
		add_month_day(lines, recur);
	}
	tnef_lines_end(lines);
	return true;
}
