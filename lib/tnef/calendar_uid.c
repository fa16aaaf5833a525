#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tnef/calendar.h"

/* PidLidGlobalObjectId (MS-OXOCAL 2.2.1.27). */
enum {
	CLEAN_GLOBAL_ID = 0x0023,
	GLOBAL_ID = 0x0003,
	DAY_AT = 16,
	DAY_BYTES = 4,
	DATA_AT = 40, /* behind its length */
	GLOBAL_ID_MAX_BYTES = 4096,
	SEARCH_KEY = 0x300b,
	OWNER_ID = 0x0062,
	START = 0x820d, /* of the set of appointments */
	START_DATE = 0x0060,
};

static const char vcal_uid[] =
	"vCal-Uid\1\0\0\0"; /* MS-OXCICAL 2.1.3.1.1.20.26 */

static struct span
global_id(const struct tnef_properties *properties, uint32_t number)
{
	struct span id = tnef_get_bytes(
		tnef_find_number(properties, TNEF_SET_MEETING, number));

	if (id.len < DATA_AT || id.len > GLOBAL_ID_MAX_BYTES)
		return span_of(NULL, 0);
	return id;
}

static char *
hex(struct span bytes, size_t zeros_at, size_t zeros)
{
	char *text = mem_alloc(2 * bytes.len + 1);

	for (size_t i = 0; i < bytes.len; i++)
		snprintf(text + 2 * i, 3, "%02X",
			i - zeros_at < zeros ? 0 : bytes.data[i]);
	return text;
}

/* An id that came from elsewhere, as it was there; NULL: it is ours. */
static char *
foreign_id(struct span id)
{
	struct span data = span_of(id.data + DATA_AT, id.len - DATA_AT);
	size_t mark = sizeof(vcal_uid) - 1, len = 0;

	if (data.len <= mark || memcmp(data.data, vcal_uid, mark) != 0)
		return NULL;
	data = span_of(data.data + mark, data.len - mark);
	while (len < data.len && data.data[len] > ' ' && data.data[len] < 0x7f)
		len++;
	if (len == 0 || (len < data.len && data.data[len] != '\0'))
		return NULL;
	return mem_string_n(data.data, len);
}

/*
 * An appointment that never was a meeting may have none: what it is called and
 * when it is tell it from others, and are the same in a copy (FNV-1a).
 */
static char *
made_id(const struct tnef_message *message, const struct tnef_properties *from)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	const char *subject = message->subject != NULL ? message->subject : "";
	time_t start;

	if (!tnef_get_time(tnef_find_number(from, TNEF_SET_APPOINTMENT, START),
		    &start) &&
		!tnef_get_time(tnef_find(from, START_DATE), &start))
		return NULL;
	for (; *subject != '\0'; subject++)
		hash = (hash ^ (unsigned char)*subject) *
		       UINT64_C(0x100000001b3);
	return mem_printf("%llu-%016llx", (unsigned long long)start,
		(unsigned long long)hash);
}

char *
tnef_calendar_uid(
	const struct tnef_message *message, const struct tnef_properties *from)
{
	struct span id = global_id(from, CLEAN_GLOBAL_ID), key;
	char *uid;
	int64_t number;

	if (id.data == NULL)
		id = global_id(from, GLOBAL_ID);
	if (id.data != NULL) {
		uid = foreign_id(id);
		return uid != NULL ? uid : hex(id, DAY_AT, DAY_BYTES);
	}
	key = tnef_get_bytes(tnef_find(from, SEARCH_KEY));
	if (key.len != 0 && key.len <= GLOBAL_ID_MAX_BYTES)
		return hex(key, 0, 0);
	if (message->message_id != NULL)
		return mem_string(message->message_id);
	if (tnef_get_number(tnef_find(from, OWNER_ID), &number))
		return mem_printf("%lld-%lld", (long long)number,
			(long long)message->sent);
	return made_id(message, from);
}

bool
tnef_calendar_instance(const struct tnef_properties *properties, int64_t *day)
{
	struct span id = global_id(properties, GLOBAL_ID);
	const unsigned char *p;

	if (id.data == NULL)
		return false;
	p = id.data + DAY_AT;
	if (p[2] < 1 || p[2] > 12 || p[3] < 1 || p[3] > 31)
		return false;
	*day = tnef_date_seconds(p[0] << 8 | p[1], p[2], p[3]);
	return true;
}
