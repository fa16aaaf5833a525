/* A contact (MS-OXOCNTC) becomes a card: vCard 3.0 (RFC 2426), which all read.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "tnef/calendar.h"

enum {
	NOT_NAMED = 0,
	NAMED = 1, /* of the set of addresses */

	BODY = 0x1000,
	NAME = 0x3001,
	COMPANY = 0x3a16,
	DEPARTMENT = 0x3a18,
	BIRTHDAY = 0x3a42,
	FILE_AS = 0x8005,
	MODIFIED = 0x3008,
	VALUES_MAX = 7,
};

/* A property by its id, or by its number in the set of addresses. */
struct source {
	uint16_t number; /* 0: none */
	uint8_t is_named;
};

#define ID(number)                                                             \
	{                                                                      \
		number, NOT_NAMED                                              \
	}
#define LID(number)                                                            \
	{                                                                      \
		number, NAMED                                                  \
	}

/* A line of values between semicolons; left out when all are empty. */
static const struct row {
	const char *name;
	struct source values[VALUES_MAX];
	unsigned count;
} rows[] = {
	{ "NICKNAME", { ID(0x3a4f) }, 1 },
	{ "ORG", { ID(COMPANY), ID(DEPARTMENT) }, 2 },
	{ "TITLE", { ID(0x3a17) }, 1 },
	{ "ROLE", { ID(0x3a46) }, 1 },
	{ "TEL;TYPE=WORK,VOICE", { ID(0x3a08) }, 1 },
	{ "TEL;TYPE=WORK,VOICE", { ID(0x3a1b) }, 1 },
	{ "TEL;TYPE=HOME,VOICE", { ID(0x3a09) }, 1 },
	{ "TEL;TYPE=HOME,VOICE", { ID(0x3a2f) }, 1 },
	{ "TEL;TYPE=CELL,VOICE", { ID(0x3a1c) }, 1 },
	{ "TEL;TYPE=CAR,VOICE", { ID(0x3a1e) }, 1 },
	{ "TEL;TYPE=PAGER", { ID(0x3a21) }, 1 },
	{ "TEL;TYPE=WORK,FAX", { ID(0x3a24) }, 1 },
	{ "TEL;TYPE=HOME,FAX", { ID(0x3a25) }, 1 },
	{ "TEL;TYPE=VOICE", { ID(0x3a1f) }, 1 },
	{ "TEL;TYPE=PREF,VOICE", { ID(0x3a1a) }, 1 },
	{ "ADR;TYPE=WORK",
		{ LID(0x804a), { 0 }, LID(0x8045), LID(0x8046), LID(0x8047),
			LID(0x8048), LID(0x8049) },
		7 },
	{ "ADR;TYPE=HOME",
		{ ID(0x3a5e), { 0 }, ID(0x3a5d), ID(0x3a59), ID(0x3a5c),
			ID(0x3a5b), ID(0x3a5a) },
		7 },
	{ "ADR;TYPE=POSTAL",
		{ ID(0x3a64), { 0 }, ID(0x3a63), ID(0x3a5f), ID(0x3a62),
			ID(0x3a61), ID(0x3a60) },
		7 },
};

/* Addresses of the Internet only: Exchange's own mean nothing elsewhere. */
static const struct {
	uint16_t address;
	uint16_t original; /* the same as the directory has it */
} emails[] = { { 0x8083, 0x8084 }, { 0x8093, 0x8094 }, { 0x80a3, 0x80a4 } };

static const struct source pages[] = { LID(0x802b), ID(0x3a51), ID(0x3a50) };

struct card {
	const struct tnef_message *message;
	const struct tnef_properties *properties;
	struct tnef_lines lines;
};

static char *
get(const struct card *card, struct source source)
{
	const struct tnef_properties *properties = card->properties;

	if (source.number == 0)
		return NULL;
	return tnef_get_text(properties,
		source.is_named ? tnef_find_number(properties, TNEF_SET_ADDRESS,
					  source.number)
				: tnef_find(properties, source.number));
}

static bool
add_row(struct card *card, const struct row *row)
{
	struct tnef_lines *lines = &card->lines;
	char *texts[VALUES_MAX];
	bool is_any = false;

	for (unsigned i = 0; i < row->count; i++) {
		texts[i] = get(card, row->values[i]);
		is_any |= texts[i] != NULL;
	}
	if (is_any)
		tnef_lines_add(lines, "%s:", row->name);
	for (unsigned i = 0; i < row->count; i++) {
		if (is_any && i != 0)
			tnef_lines_add(lines, ";");
		if (texts[i] != NULL)
			tnef_lines_add_text(lines, span_string(texts[i]));
		mem_free(texts[i]);
	}
	tnef_lines_end(lines);
	return is_any;
}

/* ---- who ---- */

static char *
get_email(const struct card *card, unsigned nth)
{
	char *address = get(card, (struct source)LID(emails[nth].address));

	if (address != NULL && strchr(address, '@') != NULL)
		return address;
	mem_free(address);
	address = get(card, (struct source)LID(emails[nth].original));
	if (address != NULL && strchr(address, '@') != NULL)
		return address;
	mem_free(address);
	return NULL;
}

/* The first of these is what the card is called: FN must be there. */
static char *
full_name(const struct card *card)
{
	static const struct source names[] = { ID(NAME), LID(FILE_AS),
		ID(COMPANY) };
	char *name = NULL;

	for (size_t i = 0; name == NULL && i < COUNT_OF(names); i++)
		name = get(card, names[i]);
	if (name == NULL)
		name = get_email(card, 0);
	return name != NULL ? name : mem_string(card->message->subject);
}

/* Surname, given, middle, prefix, suffix; or all of it as one. */
static void
add_name(struct card *card, const char *full)
{
	static const struct row row = { "N",
		{ ID(0x3a11), ID(0x3a06), ID(0x3a44), ID(0x3a45), ID(0x3a05) },
		5 };

	if (!add_row(card, &row)) {
		tnef_lines_add(&card->lines, "N:");
		tnef_lines_add_text(&card->lines, span_string(full));
		tnef_line(&card->lines, ";;;;");
	}
	tnef_line_text(&card->lines, "FN", full);
}

/* ---- the rest ---- */

static void
add_emails(struct card *card)
{
	for (unsigned i = 0; i < COUNT_OF(emails); i++) {
		char *address = get_email(card, i);

		tnef_line_text(&card->lines, "EMAIL;TYPE=INTERNET", address);
		mem_free(address);
	}
}

/* A URL is no text: nothing in it is escaped (RFC 2426 3.6.8). */
static void
add_pages(struct card *card)
{
	char *seen = NULL;

	for (unsigned i = 0; i < COUNT_OF(pages); i++) {
		char *url = get(card, pages[i]);

		if (url != NULL && (seen == NULL || strcmp(url, seen) != 0))
			tnef_line(&card->lines, "URL:%s", url);
		mem_free(seen);
		seen = url;
	}
	mem_free(seen);
}

/*
 * Tenths of a microsecond since 1601: people are born before 1970, where
 * tnef_get_time() ends.  It is midnight somewhere: the day that is nearest.
 */
static void
add_birthday(struct card *card)
{
	static const uint64_t second = 10000000;
	static const uint64_t never = 0x0cb34557a3dd4000; /* 4501 */
	const struct tnef_property *property =
		tnef_find(card->properties, BIRTHDAY);
	struct span bytes = tnef_get_bytes(property);
	char text[TNEF_DATE_TEXT_SIZE];
	uint64_t ticks = 0;

	if (bytes.len < sizeof(ticks) || property->type != TNEF_SYSTIME)
		return;
	for (size_t i = sizeof(ticks); i-- > 0;)
		ticks = ticks << 8 | bytes.data[i];
	if (ticks == 0 || ticks >= never)
		return;
	tnef_line(&card->lines, "BDAY;VALUE=date:%s",
		tnef_date_text((int64_t)(ticks / second) +
				       tnef_date_seconds(1601, 1, 1) +
				       TNEF_DAY_SECONDS / 2,
			true, text));
}

static void
add_revision(struct card *card)
{
	char text[TNEF_DATE_TEXT_SIZE];
	time_t when;

	if (tnef_get_time(tnef_find(card->properties, MODIFIED), &when))
		tnef_line(&card->lines, "REV:%sZ",
			tnef_date_text(when, false, text));
}

static void
add_note(struct card *card)
{
	struct tnef_lines *lines = &card->lines;
	struct buf text;

	buf_init(&text, lines->out->limit_bytes);
	if (tnef_add_text(&text, card->properties,
		    tnef_find(card->properties, BODY), &lines->why) != 0)
		lines->is_failed = true;
	if (span_trim(buf_span(&text)).len != 0) {
		tnef_lines_add(lines, "NOTE:");
		tnef_lines_add_text(lines, span_trim(buf_span(&text)));
		tnef_lines_end(lines);
	}
	buf_clear(&text);
}

static int
compose(struct card *card, const char *name, struct buf *out, struct error *err)
{
	struct tnef_lines *lines = &card->lines;
	char *uid = tnef_calendar_uid(card->message, card->properties);

	lines->out = out;
	buf_init(&lines->line, out->limit_bytes);
	tnef_line(lines, "BEGIN:VCARD");
	tnef_line(lines, "VERSION:3.0");
	tnef_line(lines, "PRODID:-//smime-milter//TNEF//EN");
	tnef_line_text(lines, "UID", uid);
	add_name(card, name);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		add_row(card, &rows[i]);
	add_emails(card);
	add_pages(card);
	add_birthday(card);
	add_revision(card);
	tnef_lines_categories(lines, card->properties);
	add_note(card);
	tnef_line(lines, "END:VCARD");
	mem_free(uid);
	return tnef_lines_close(lines, err);
}

static bool
is_contact(const char *class)
{
	static const char contact[] = "IPM.Contact";
	size_t len = sizeof(contact) - 1;

	return class != NULL && strncasecmp(class, contact, len) == 0 &&
	       (class[len] == '\0' || class[len] == '.');
}

int
tnef_add_card(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties, struct error *err)
{
	struct card card = { .message = message, .properties = properties };
	struct tnef_item *item;
	struct error why = { 0 };
	struct buf made;
	char *name;
	int result = 0;

	if (!is_contact(message->class))
		return 0;
	tnef_made_begin(reader, &made);
	name = full_name(&card);
	if (name == NULL) {
		tnef_problem(message, true, "no card is made: it has no name");
	} else if (compose(&card, name, &made, &why) != 0) {
		result = tnef_trouble(message, "the card", &why, err);
	} else {
		item = tnef_item_new(TNEF_CARD, "text/vcard");
		item->name = mem_string("contact.vcf");
		tnef_item_add_first(reader, message, item, &made);
	}
	mem_free(name);
	buf_clear(&made);
	return result;
}
