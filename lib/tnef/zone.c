#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tnef/internal.h"
#include "tnef/zone.h"

enum {
	STRUCT_BYTES = 48,
	RULE_BYTES = 66,
	RULES_MAX = 1024, /* MS-OXOCAL 2.2.1.41 */
	RULE_NOW = 2,	  /* TZRULE_FLAG_EFFECTIVE_TZREG */
	SYSTEMTIME_BYTES = 16,
	LAST = 5,
};

static unsigned
get16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static int32_t
get32(const unsigned char *p)
{
	return (int32_t)(get16(p) | (uint32_t)get16(p + 2) << 16);
}

/* ---- days (the proleptic Gregorian calendar) ---- */

static int64_t
days_before_year(int64_t year)
{
	int64_t y = year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400;
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
month_days(int64_t year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

int64_t
tnef_date_seconds(int year, unsigned month, unsigned day)
{
	int64_t days = days_before_year(year) - days_before_year(1970);

	for (unsigned m = 1; m < month; m++)
		days += month_days(year, m);
	return (days + day - 1) * TNEF_DAY_SECONDS;
}

/* Times stay between the years 1 and 9999: what is beyond is their edge. */
static int64_t
within_calendar(int64_t seconds)
{
	int64_t first = tnef_date_seconds(1, 1, 1);
	int64_t last = tnef_date_seconds(10000, 1, 1) - 1;

	return seconds < first ? first : seconds > last ? last : seconds;
}

void
tnef_date_of(int64_t seconds, struct tnef_date *out)
{
	int64_t since, days, year;
	unsigned month = 1;

	since = within_calendar(seconds) - tnef_date_seconds(1, 1, 1);
	days = since / TNEF_DAY_SECONDS;
	since %= TNEF_DAY_SECONDS;
	out->weekday = (unsigned)((days + 1) % 7); /* 0001-01-01: Monday */
	year = days / 366 + 1;
	while (days_before_year(year + 1) <= days)
		year++;
	days -= days_before_year(year);
	while (days >= month_days(year, month))
		days -= month_days(year, month++);
	out->year = (int)year;
	out->month = month;
	out->day = (unsigned)days + 1;
	out->hour = (unsigned)(since / 3600);
	out->minute = (unsigned)(since / 60 % 60);
	out->second = (unsigned)(since % 60);
}

const char *
tnef_date_text(int64_t seconds, bool is_day, char text[TNEF_DATE_TEXT_SIZE])
{
	struct tnef_date date;
	int len;

	tnef_date_of(seconds, &date);
	len = snprintf(text, TNEF_DATE_TEXT_SIZE, "%04u%02u%02u",
		(unsigned)date.year % 10000, date.month % 100, date.day % 100);
	if (!is_day)
		snprintf(text + len, (size_t)(TNEF_DATE_TEXT_SIZE - len),
			"T%02u%02u%02u", date.hour % 100, date.minute % 100,
			date.second % 100);
	return text;
}

/* ---- zones ---- */

/* A SYSTEMTIME: with a year it is a date, without the nth weekday. */
static bool
read_change(const unsigned char *p, struct tnef_change *out)
{
	unsigned hour = get16(p + 8), minute = get16(p + 10);
	unsigned second = get16(p + 12), day = get16(p + 6);

	*out = (struct tnef_change){ .month = get16(p + 2) };
	if (out->month == 0)
		return true;
	out->weekday = get16(p + 4);
	if (get16(p) != 0)
		out->day = day;
	else
		out->nth = day;
	out->seconds = hour * 3600 + minute * 60 + second;
	return out->month <= 12 && out->weekday < 7 && hour < 24 &&
	       minute < 60 && second < 60 && day >= 1 &&
	       day <= (get16(p) != 0 ? 31 : LAST);
}

/* All of it or, where something is absurd, nothing. */
static int
read_zone(const unsigned char *bias, const unsigned char *standard,
	const unsigned char *daylight, struct tnef_zone *out)
{
	static const int64_t day_minutes = 1440;
	int64_t minutes = get32(bias);
	int64_t in_winter = minutes + get32(bias + 4);
	int64_t in_summer = minutes + get32(bias + 8);
	struct tnef_zone zone = { .name = out->name,
		.standard_seconds = -in_winter * 60,
		.daylight_seconds = -in_summer * 60 };

	if (in_winter <= -day_minutes || in_winter >= day_minutes ||
		in_summer <= -day_minutes || in_summer >= day_minutes ||
		!read_change(standard, &zone.to_standard) ||
		!read_change(daylight, &zone.to_daylight))
		return 0;
	if (zone.to_standard.month == 0 || zone.to_daylight.month == 0) {
		zone.to_standard.month = zone.to_daylight.month = 0;
		zone.daylight_seconds = zone.standard_seconds;
	}
	*out = zone;
	return 1;
}

int
tnef_zone_struct(struct span bytes, struct tnef_zone *out)
{
	if (bytes.len < STRUCT_BYTES)
		return 0;
	return read_zone(bytes.data, bytes.data + 14, bytes.data + 32, out);
}

/* The rule that holds now, or else the last one. */
static const unsigned char *
find_rule(struct span rules, unsigned count)
{
	const unsigned char *found = NULL;

	if (count > RULES_MAX)
		return NULL;
	for (unsigned i = 0; i < count && rules.len >= RULE_BYTES; i++) {
		size_t len = (size_t)get16(rules.data + 2) + 4;

		if (len < RULE_BYTES || len > rules.len)
			len = RULE_BYTES;
		found = rules.data;
		if (get16(found + 4) & RULE_NOW)
			return found;
		rules = span_of(rules.data + len, rules.len - len);
	}
	return found;
}

int
tnef_zone_definition(struct span bytes, struct tnef_zone *out)
{
	const unsigned char *rule;
	size_t name_len, header;
	struct buf name;
	struct error err;

	if (bytes.len < 10)
		return 0;
	name_len = (size_t)get16(bytes.data + 6) * 2;
	header = 8 + name_len + 2;
	if (header > bytes.len)
		return 0;
	rule = find_rule(span_of(bytes.data + header, bytes.len - header),
		get16(bytes.data + header - 2));
	if (rule == NULL || !read_zone(rule + 22, rule + 34, rule + 50, out))
		return 0;
	buf_init(&name, 0);
	if (out->name == NULL && name_len != 0 &&
		tnef_add_utf8(&name, span_of(bytes.data + 8, name_len),
			TNEF_UTF16, &err) == 0)
		out->name = mem_string_n(name.data, name.len);
	buf_clear(&name);
	return 1;
}

void
tnef_zone_clear(struct tnef_zone *zone)
{
	mem_free(zone->name);
	*zone = (struct tnef_zone){ 0 };
}

int64_t
tnef_change_in(const struct tnef_change *change, int year)
{
	unsigned days = month_days(year, change->month), day;
	struct tnef_date first;
	int64_t month = tnef_date_seconds(year, change->month, 1);

	if (change->day != 0) {
		day = change->day < days ? change->day : days;
	} else {
		tnef_date_of(month, &first);
		day = 1 + (change->weekday + 7 - first.weekday) % 7 +
		      (change->nth - 1) * 7;
		while (day > days)
			day -= 7;
	}
	return month + (int64_t)(day - 1) * TNEF_DAY_SECONDS + change->seconds;
}

static int64_t
offset_at(const struct tnef_zone *zone, int64_t utc)
{
	struct tnef_date date;
	int64_t summer, winter;
	bool is_summer;

	if (zone->to_standard.month == 0)
		return zone->standard_seconds;
	tnef_date_of(utc + zone->standard_seconds, &date);
	summer = tnef_change_in(&zone->to_daylight, date.year) -
		 zone->standard_seconds;
	winter = tnef_change_in(&zone->to_standard, date.year) -
		 zone->daylight_seconds;
	if (summer < winter)
		is_summer = utc >= summer && utc < winter;
	else /* the southern half */
		is_summer = utc >= summer || utc < winter;
	return is_summer ? zone->daylight_seconds : zone->standard_seconds;
}

int64_t
tnef_zone_local(const struct tnef_zone *zone, int64_t utc)
{
	return utc + offset_at(zone, utc);
}

int64_t
tnef_zone_utc(const struct tnef_zone *zone, int64_t local)
{
	int64_t utc = local - zone->daylight_seconds;

	return offset_at(zone, utc) == zone->daylight_seconds
		       ? utc
		       : local - zone->standard_seconds;
}
