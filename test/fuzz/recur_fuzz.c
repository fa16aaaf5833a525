/*
 * Any bytes as a recurrence and as a time zone: what is read stays within its
 * limits, and a zone's clock never runs further from UTC than a day.
 */
#include <stdint.h>
#include <string.h>

#include "must.h"
#include "tnef/recur.h"
#include "tnef/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
recurrence(struct span in, bool is_task)
{
	struct buf out = { 0 };
	struct tnef_lines lines = { .out = &out };
	struct tnef_recur recur;
	struct error err = { 0 };
	char text[TNEF_DATE_TEXT_SIZE];

	if (tnef_recur_read(in, is_task, &recur, &err) != 0) {
		MUST(err.kind == ERROR_FORMAT || err.kind == ERROR_LIMIT);
		MUST(recur.left_out == NULL && recur.exceptions == NULL);
		return;
	}
	MUST(recur.left_out_count <= TNEF_INSTANCES_MAX);
	MUST(recur.exception_count <= TNEF_INSTANCES_MAX);
	MUST(recur.length_seconds >= 0);
	for (unsigned i = 0; i < recur.exception_count; i++)
		MUST(recur.exceptions[i].end >= recur.exceptions[i].start);
	if (tnef_recur_line(
		    &lines, &recur, tnef_date_text(recur.end, true, text)))
		MUST(out.len > 2 &&
			strncmp((char *)out.data, "RRULE:FREQ=", 11) == 0);
	else
		MUST(out.len == 0);
	MUST(tnef_lines_close(&lines, &err) == 0);
	tnef_recur_clear(&recur);
	buf_clear(&out);
}

static void
clock_of(const struct tnef_zone *zone)
{
	static const int64_t times[] = { INT32_MIN, 0, 951782400, 1769508000,
		INT32_MAX, 253402300799, -11644473600 };

	for (size_t i = 0; i < COUNT_OF(times); i++) {
		int64_t local = tnef_zone_local(zone, times[i]);
		int64_t utc = tnef_zone_utc(zone, times[i]);

		MUST(llabs(local - times[i]) < TNEF_DAY_SECONDS);
		MUST(llabs(utc - times[i]) < TNEF_DAY_SECONDS);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	struct tnef_zone zone = { 0 };

	recurrence(in, false);
	recurrence(in, true);
	if (tnef_zone_struct(in, &zone) == 1)
		clock_of(&zone);
	tnef_zone_clear(&zone);
	if (tnef_zone_definition(in, &zone) == 1)
		clock_of(&zone);
	tnef_zone_clear(&zone);
	return 0;
}
