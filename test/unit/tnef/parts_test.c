/* What calendars are made of: lines, days, zones, recurrences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "tnef/lines.h"
#include "tnef/recur.h"
#include "tnef/zone.h"
#include "tnef_fixture.h"

/* ---- lines ---- */

static const struct {
	const char *text;
	const char *line;
} texts[] = {
	{ "plain", "X:plain\r\n" },
	{ "a;b,c\\d\ne\r\nf", "X:a\\;b\\,c\\\\d\\ne\\nf\r\n" },
	{ "tab\tbell\x07", "X:tab\tbell\r\n" },
	{ "", "" },
	{ "0123456789012345678901234567890123456789012345678901234567890123456"
	  "789012",
		"X:012345678901234567890123456789012345678901234567890123456789"
		"0123456789012\r\n" },
	{ "0123456789012345678901234567890123456789012345678901234567890123456"
	  "7890123",
		"X:012345678901234567890123456789012345678901234567890123456789"
		"0123456789012\r\n 3\r\n" },
	/* never within a character */
	{ "012345678901234567890123456789012345678901234567890123456789012345"
	  "678901\xe2\x82\xac",
		"X:012345678901234567890123456789012345678901234567890123456789"
		"012345678901\r\n \xe2\x82\xac\r\n" },
};

static void
lines_are_escaped_and_folded(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct buf out = { 0 };
		struct tnef_lines lines = { .out = &out };

		tnef_line_text(&lines, "X", texts[i].text);
		assert_int_equal(tnef_lines_close(&lines, NULL), 0);
		if (!span_is(buf_span(&out), texts[i].line))
			fail_msg("%s: %.*s", texts[i].text, (int)out.len,
				(const char *)out.data);
		buf_clear(&out);
	}
}

/* An exception's subject may be one of no bytes, which is nowhere. */
static void
a_text_of_nothing_is_nothing(void **state UNUSED)
{
	struct buf out = { 0 };
	struct tnef_lines lines = { .out = &out };

	tnef_lines_add(&lines, "X:");
	tnef_lines_add_text(&lines, span_of(NULL, 0));
	tnef_lines_end(&lines);
	assert_int_equal(tnef_lines_close(&lines, NULL), 0);
	assert_true(span_is(buf_span(&out), "X:\r\n"));
	buf_clear(&out);
}

static void
a_parameter_cannot_end_its_quotes(void **state UNUSED)
{
	struct buf out = { 0 };
	struct tnef_lines lines = { .out = &out };

	tnef_lines_add(&lines, "X;CN=");
	tnef_lines_add_quoted(&lines, "a\":;,\r\nb");
	tnef_line(&lines, ":v");
	assert_int_equal(tnef_lines_close(&lines, NULL), 0);
	assert_true(span_is(buf_span(&out), "X;CN=\"a':;,b\":v\r\n"));
	buf_clear(&out);
}

static void
lines_that_do_not_fit_are_a_limit(void **state UNUSED)
{
	struct error err = { 0 };
	struct buf out;
	struct tnef_lines lines = { .out = &out };

	buf_init(&out, 10);
	tnef_line(&lines, "X:0123456789");
	tnef_line(&lines, "Y:1");
	assert_int_equal(tnef_lines_close(&lines, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(out.len <= 10, true);
	buf_clear(&out);
}

/* ---- days ---- */

static void
every_day_is_the_one_the_c_library_knows(void **state UNUSED)
{
	for (int64_t day = -141427; day < 2932897; day += 97) {
		int64_t seconds = day * TNEF_DAY_SECONDS + day % 86400;
		struct tnef_date date;
		time_t when = seconds;
		struct tm tm;

		tnef_date_of(seconds, &date);
		gmtime_r(&when, &tm);
		assert_int_equal(date.year, tm.tm_year + 1900);
		assert_int_equal(date.month, tm.tm_mon + 1);
		assert_int_equal(date.day, tm.tm_mday);
		assert_int_equal(date.weekday, tm.tm_wday);
		assert_int_equal(date.second, tm.tm_sec);
		assert_int_equal(
			tnef_date_seconds(date.year, date.month, date.day) +
				date.hour * 3600 + date.minute * 60 +
				date.second,
			seconds);
	}
}

/* ---- zones ---- */

static void
add_change(struct buf *out, unsigned year, unsigned month, unsigned weekday,
	unsigned nth, unsigned hour)
{
	const unsigned fields[] = { year, month, weekday, nth, hour, 0, 0, 0 };

	for (size_t i = 0; i < COUNT_OF(fields); i++)
		made_number(out, 2, fields[i]);
}

static void
make_zone(struct buf *out, int bias, bool has_summer, unsigned to_standard,
	unsigned to_daylight)
{
	made_number(out, 4, (uint32_t)bias);
	made_number(out, 4, 0);
	made_number(out, 4, (uint32_t)-60);
	made_number(out, 2, 0);
	add_change(out, 0, has_summer ? to_standard : 0, 0, 5, 3);
	made_number(out, 2, 0);
	add_change(out, 0, has_summer ? to_daylight : 0, 0, 5, 2);
}

/* UTC, the clock on the wall; 2026. */
static const struct {
	const char *label;
	int bias;
	bool has_summer;
	unsigned to_standard, to_daylight;
	int64_t utc;
	int64_t hours;
} clocks[] = {
	{ "Berlin in January", -60, true, 10, 3, 1768478400, 1 },
	{ "Berlin in July", -60, true, 10, 3, 1784116800, 2 },
	{ "Berlin, a second before summer", -60, true, 10, 3, 1774745999, 1 },
	{ "Berlin in summer", -60, true, 10, 3, 1774746000, 2 },
	{ "Berlin, a second before winter", -60, true, 10, 3, 1792889999, 2 },
	{ "Berlin in winter", -60, true, 10, 3, 1792890000, 1 },
	{ "the south in January", -600, true, 4, 10, 1768478400, 11 },
	{ "the south in July", -600, true, 4, 10, 1784116800, 10 },
	{ "without a summer", 300, false, 0, 0, 1784116800, -5 },
};

static void
zones_tell_the_clock_on_the_wall(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(clocks); i++) {
		struct tnef_zone zone = { 0 };
		struct buf bytes = { 0 };
		int64_t local;

		make_zone(&bytes, clocks[i].bias, clocks[i].has_summer,
			clocks[i].to_standard, clocks[i].to_daylight);
		assert_int_equal(tnef_zone_struct(buf_span(&bytes), &zone), 1);
		local = tnef_zone_local(&zone, clocks[i].utc);
		if (local != clocks[i].utc + clocks[i].hours * 3600)
			fail_msg("%s: %lld", clocks[i].label,
				(long long)(local - clocks[i].utc));
		/* An hour that comes twice has two times in UTC. */
		local = tnef_zone_utc(&zone, local) - clocks[i].utc;
		if (local != 0 && local != -3600)
			fail_msg("%s: not back", clocks[i].label);
		tnef_zone_clear(&zone);
		buf_clear(&bytes);
	}
}

static void
make_definition(struct buf *out, unsigned rules, unsigned now)
{
	made_number(out, 1, 2);
	made_number(out, 1, 1);
	made_number(out, 2, 6 + 2 * 3);
	made_number(out, 2, 2);
	made_number(out, 2, 3);
	made_number(out, 6, 0x0043004200410000 >> 16);
	made_number(out, 2, rules);
	for (unsigned i = 0; i < rules; i++) {
		made_number(out, 2, 0x0102);
		made_number(out, 2, 62);
		made_number(out, 2, i == now ? 2 : 0);
		made_number(out, 2, 1601);
		made_number(out, 8, 0);
		made_number(out, 6, 0);
		made_number(out, 4, (uint32_t)-60 * (i + 1));
		made_number(out, 4, 0);
		made_number(out, 4, 0);
		add_change(out, 0, 0, 0, 0, 0);
		add_change(out, 0, 0, 0, 0, 0);
	}
}

static void
of_many_rules_the_one_that_holds_now_is_taken(void **state UNUSED)
{
	struct tnef_zone zone = { 0 };
	struct buf bytes = { 0 };

	make_definition(&bytes, 3, 1);
	assert_int_equal(tnef_zone_definition(buf_span(&bytes), &zone), 1);
	assert_string_equal(zone.name, "ABC");
	assert_int_equal(zone.standard_seconds, 7200);
	tnef_zone_clear(&zone);
	buf_reset(&bytes);
	make_definition(&bytes, 2, 9);
	assert_int_equal(tnef_zone_definition(buf_span(&bytes), &zone), 1);
	assert_int_equal(zone.standard_seconds, 7200);
	tnef_zone_clear(&zone);
	buf_clear(&bytes);
}

static void
a_zone_that_is_cut_off_or_absurd_is_none(void **state UNUSED)
{
	struct tnef_zone zone = { 0 };
	struct buf bytes = { 0 };

	make_definition(&bytes, 1, 0);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(
			tnef_zone_definition(span_of(bytes.data, len), &zone),
			0);
	buf_reset(&bytes);
	make_zone(&bytes, -60, true, 10, 3);
	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(
			tnef_zone_struct(span_of(bytes.data, len), &zone), 0);
	buf_reset(&bytes);
	make_zone(&bytes, 1440, true, 10, 3);
	assert_int_equal(tnef_zone_struct(buf_span(&bytes), &zone), 0);
	buf_reset(&bytes);
	make_zone(&bytes, 0, true, 13, 3);
	assert_int_equal(tnef_zone_struct(buf_span(&bytes), &zone), 0);
	assert_int_equal(zone.to_standard.month, 0);
	assert_int_equal(zone.standard_seconds, 0);
	tnef_zone_clear(&zone);
	buf_clear(&bytes);
}

/* ---- recurrences ---- */

enum { MIDNIGHT_2026_01_05 = 223534080 }; /* minutes since 1601: a Monday */

struct pattern {
	const char *label;
	unsigned frequency, pattern, period;
	unsigned specific[2];
	unsigned end_type, count;
	const char *line; /* NULL: there are no words for it */
};

static const struct pattern patterns[] = {
	{ "each day", 0x200a, 0, 1440, { 0 }, 0x2023, 10,
		"RRULE:FREQ=DAILY\r\n" },
	{ "every third day, ten times", 0x200a, 0, 4320, { 0 }, 0x2022, 10,
		"RRULE:FREQ=DAILY;INTERVAL=3;COUNT=10\r\n" },
	{ "working days", 0x200a, 1, 1, { 0x3e }, 0x2021, 10,
		"RRULE:FREQ=WEEKLY;UNTIL=END;BYDAY=MO,TU,WE,TH,FR\r\n" },
	{ "each week", 0x200b, 1, 1, { 2 }, 0xffffffff, 10,
		"RRULE:FREQ=WEEKLY;BYDAY=MO\r\n" },
	{ "every other week", 0x200b, 1, 2, { 0x41 }, 0x2023, 0,
		"RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,SA;WKST=MO\r\n" },
	{ "a day of the month", 0x200c, 2, 1, { 5 }, 0x2023, 0,
		"RRULE:FREQ=MONTHLY;BYMONTHDAY=5\r\n" },
	{ "the 30th, or the last day", 0x200c, 2, 1, { 30 }, 0x2023, 0,
		"RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1\r\n" },
	{ "the 29th, or the last day", 0x200c, 2, 1, { 29 }, 0x2023, 0,
		"RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1\r\n" },
	{ "the last day", 0x200c, 4, 2, { 31 }, 0x2023, 0,
		"RRULE:FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1\r\n" },
	{ "the second Tuesday", 0x200c, 3, 1, { 4, 2 }, 0x2023, 0,
		"RRULE:FREQ=MONTHLY;BYDAY=2TU\r\n" },
	{ "the last working day", 0x200c, 3, 1, { 0x3e, 5 }, 0x2023, 0,
		"RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1\r\n" },
	{ "a day of the year", 0x200d, 2, 12, { 5 }, 0x2023, 0,
		"RRULE:FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=5\r\n" },
	{ "a weekday of the year, every second", 0x200d, 3, 24, { 2, 1 },
		0x2023, 0,
		"RRULE:FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=1MO\r\n" },
	{ "of the Hijri calendar", 0x200c, 10, 1, { 5 }, 0x2023, 0, NULL },
	{ "part of a day", 0x200a, 0, 700, { 0 }, 0x2023, 0, NULL },
	{ "never", 0x200a, 0, 0, { 0 }, 0x2023, 0, NULL },
	{ "no day of the week", 0x200b, 1, 1, { 0 }, 0x2023, 0, NULL },
	{ "the sixth Monday", 0x200c, 3, 1, { 2, 6 }, 0x2023, 0, NULL },
	{ "the 32nd", 0x200c, 2, 1, { 32 }, 0x2023, 0, NULL },
	{ "of half a year", 0x200d, 2, 7, { 5 }, 0x2023, 0, NULL },
	{ "by minutes", 0x2009, 0, 1440, { 0 }, 0x2023, 0, NULL },
};

static void
make_pattern(struct buf *out, const struct pattern *row, unsigned left_out)
{
	made_number(out, 4, 0x30043004);
	made_number(out, 2, row->frequency);
	made_number(out, 2, row->pattern);
	made_number(out, 2, 0);
	made_number(out, 4, 0);
	made_number(out, 4, row->period);
	made_number(out, 4, 0);
	if (row->pattern != 0)
		made_number(out, 4, row->specific[0]);
	if (row->pattern == 3)
		made_number(out, 4, row->specific[1]);
	made_number(out, 4, row->end_type);
	made_number(out, 4, row->count);
	made_number(out, 4, 1);
	made_number(out, 4, left_out);
	for (unsigned i = 0; i < left_out; i++)
		made_number(out, 4, MIDNIGHT_2026_01_05 + 1440 * (i + 1));
	made_number(out, 4, left_out != 0);
	if (left_out != 0)
		made_number(out, 4, MIDNIGHT_2026_01_05 + 1440);
	made_number(out, 4, MIDNIGHT_2026_01_05);
	made_number(out, 4, MIDNIGHT_2026_01_05 + 14400);
}

/* At ten for half an hour; the first day left out is moved, with a name. */
static void
make_times(struct buf *out, bool has_exception)
{
	made_number(out, 4, 0x3006);
	made_number(out, 4, 0x3009);
	made_number(out, 4, 600);
	made_number(out, 4, 630);
	made_number(out, 2, has_exception);
	if (!has_exception)
		return;
	made_number(out, 4, MIDNIGHT_2026_01_05 + 1440 + 660);
	made_number(out, 4, MIDNIGHT_2026_01_05 + 1440 + 720);
	made_number(out, 4, MIDNIGHT_2026_01_05 + 1440 + 600);
	made_number(out, 2, 0x1 | 0x4 | 0x10 | 0x200);
	made_number(out, 2, 4);
	made_number(out, 2, 3);
	made_number(out, 3, 0x77654e);
	made_number(out, 4, 15);
	made_number(out, 2, 2);
	made_number(out, 2, 1);
	made_number(out, 1, 'R');
}

static void
patterns_become_rules(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(patterns); i++) {
		struct buf bytes = { 0 }, out = { 0 };
		struct tnef_lines lines = { .out = &out };
		struct tnef_recur recur;
		struct error err = { 0 };
		bool has_line;

		make_pattern(&bytes, &patterns[i], 0);
		make_times(&bytes, false);
		if (tnef_recur_read(buf_span(&bytes), false, &recur, &err) != 0)
			fail_msg("%s: %s", patterns[i].label, err.text);
		has_line = tnef_recur_line(&lines, &recur, "END");
		assert_int_equal(tnef_lines_close(&lines, &err), 0);
		if (has_line != (patterns[i].line != NULL) ||
			(has_line &&
				!span_is(buf_span(&out), patterns[i].line)))
			fail_msg("%s: %.*s", patterns[i].label, (int)out.len,
				(const char *)out.data);
		tnef_recur_clear(&recur);
		buf_clear(&bytes);
		buf_clear(&out);
	}
}

static void
days_left_out_and_moved_are_told_apart(void **state UNUSED)
{
	int64_t day = tnef_date_seconds(2026, 1, 6);
	struct tnef_recur recur;
	struct error err = { 0 };
	struct buf bytes = { 0 };

	make_pattern(&bytes, &patterns[0], 3);
	make_times(&bytes, true);
	assert_int_equal(
		tnef_recur_read(buf_span(&bytes), false, &recur, &err), 0);
	assert_int_equal(recur.start, day - 86400 + 36000);
	assert_int_equal(recur.length_seconds, 1800);
	assert_int_equal(recur.left_out_count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_true(recur.left_out[i] == day + 86400 + 36000 ||
			    recur.left_out[i] == day + 2 * 86400 + 36000);
	assert_int_equal(recur.exception_count, 1);
	assert_int_equal(recur.exceptions[0].start, day + 39600);
	assert_int_equal(recur.exceptions[0].original, day + 36000);
	assert_true(span_is(recur.exceptions[0].subject, "New"));
	assert_true(span_is(recur.exceptions[0].location, "R"));
	tnef_recur_clear(&recur);
	buf_clear(&bytes);
}

static void
a_recurrence_cut_off_anywhere_is_an_error_or_said(void **state UNUSED)
{
	struct buf bytes = { 0 };

	make_pattern(&bytes, &patterns[9], 3);
	make_times(&bytes, true);
	for (size_t len = 0; len < bytes.len; len++) {
		struct tnef_recur recur;
		struct error err = { 0 };
		unsigned char *copy = mem_alloc(len + 1);

		memcpy(copy, bytes.data, len);
		if (tnef_recur_read(span_of(copy, len), false, &recur, &err) !=
			0)
			assert_int_equal(err.kind, ERROR_FORMAT);
		else
			assert_true(recur.is_cut);
		tnef_recur_clear(&recur);
		mem_free(copy);
	}
	buf_clear(&bytes);
}

static void
days_left_out_have_a_limit(void **state UNUSED)
{
	struct tnef_recur recur;
	struct error err = { 0 };
	struct buf bytes = { 0 };

	make_pattern(&bytes, &patterns[0], TNEF_INSTANCES_MAX + 1);
	assert_int_equal(
		tnef_recur_read(buf_span(&bytes), true, &recur, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_escaped_and_folded),
		cmocka_unit_test(a_text_of_nothing_is_nothing),
		cmocka_unit_test(a_parameter_cannot_end_its_quotes),
		cmocka_unit_test(lines_that_do_not_fit_are_a_limit),
		cmocka_unit_test(every_day_is_the_one_the_c_library_knows),
		cmocka_unit_test(zones_tell_the_clock_on_the_wall),
		cmocka_unit_test(of_many_rules_the_one_that_holds_now_is_taken),
		cmocka_unit_test(a_zone_that_is_cut_off_or_absurd_is_none),
		cmocka_unit_test(patterns_become_rules),
		cmocka_unit_test(days_left_out_and_moved_are_told_apart),
		cmocka_unit_test(
			a_recurrence_cut_off_anywhere_is_an_error_or_said),
		cmocka_unit_test(days_left_out_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
