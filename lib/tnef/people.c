#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "tnef/stream.h"

enum { ROLE_TO = 1, ROLE_CC = 2, ROLE_BCC = 3, FLAG_ORGANIZER = 2 };

static bool
is_full(const struct tnef_reader *reader, struct tnef_message *message)
{
	if (reader->people == 0)
		tnef_problem(
			message, true, "more people than the limit allows");
	return reader->people == 0;
}

/* Name and address are the person's from now on; neither: nobody. */
static struct tnef_person *
add_person(struct tnef_reader *reader, struct tnef_message *message,
	enum tnef_role role, char *name, char *address)
{
	struct tnef_person *person;

	if ((name == NULL && address == NULL) || is_full(reader, message)) {
		mem_free(name);
		mem_free(address);
		return NULL;
	}
	reader->people--;
	person = mem_alloc(sizeof(*person));
	person->role = role;
	person->name = name;
	person->address = address;
	list_add(&message->people, person);
	return person;
}

static bool
has_role(const struct tnef_message *message, enum tnef_role role)
{
	const struct tnef_person *person;

	LIST_FOREACH (person, &message->people)
		if (person->role == role)
			return true;
	return false;
}

/* ---- from properties ---- */

struct person_ids {
	uint16_t name;
	uint16_t smtp;
	uint16_t type;
	uint16_t address;
};

/* The SMTP address; that of an Exchange server is of no use outside. */
static char *
address_of(
	const struct tnef_properties *properties, const struct person_ids *ids)
{
	char *address =
		tnef_get_text(properties, tnef_find(properties, ids->smtp));
	char *type;

	if (address != NULL)
		return address;
	type = tnef_get_text(properties, tnef_find(properties, ids->type));
	if (type == NULL || strcasecmp(type, "SMTP") == 0)
		address = tnef_get_text(
			properties, tnef_find(properties, ids->address));
	mem_free(type);
	if (address != NULL && strchr(address, '@') == NULL) {
		mem_free(address);
		address = NULL;
	}
	return address;
}

static void
add_from(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties)
{
	static const struct person_ids from = { TNEF_FROM_NAME, TNEF_FROM_SMTP,
		TNEF_FROM_TYPE, TNEF_FROM_ADDRESS };
	static const struct person_ids sender = { TNEF_SENDER_NAME,
		TNEF_SENDER_SMTP, TNEF_SENDER_TYPE, TNEF_SENDER_ADDRESS };
	const struct tnef_person *first = add_person(reader, message, TNEF_FROM,
		tnef_get_text(properties, tnef_find(properties, from.name)),
		address_of(properties, &from));
	char *name =
		tnef_get_text(properties, tnef_find(properties, sender.name));
	char *address = address_of(properties, &sender);

	/* Who sends for himself is not said twice. */
	if (first != NULL &&
		(address == NULL || first->address == NULL ||
			strcasecmp(first->address, address) == 0)) {
		mem_free(name);
		mem_free(address);
		return;
	}
	add_person(reader, message, first == NULL ? TNEF_FROM : TNEF_SENDER,
		name, address);
}

static enum tnef_role
role_of(const struct tnef_properties *row)
{
	int64_t number = ROLE_TO;

	tnef_get_number(tnef_find(row, TNEF_PERSON_ROLE), &number);
	/* The upper bits say how delivery went. */
	switch (number & 0xf) {
	case ROLE_CC:
		return TNEF_CC;
	case ROLE_BCC:
		return TNEF_BCC;
	}
	return TNEF_TO;
}

static void
add_row(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *row)
{
	static const struct person_ids ids = { TNEF_DISPLAY_NAME,
		TNEF_SMTP_ADDRESS, TNEF_ADDRESS_TYPE, TNEF_ADDRESS };
	char *name = tnef_get_text(row, tnef_find(row, ids.name));
	struct tnef_person *person;
	int64_t number;

	if (name == NULL)
		name = tnef_get_text(row, tnef_find(row, TNEF_PERSON_NAME));
	person = add_person(
		reader, message, role_of(row), name, address_of(row, &ids));
	if (person == NULL)
		return;
	if (tnef_get_number(tnef_find(row, TNEF_PERSON_ANSWER), &number) &&
		number > 0 && number <= 5)
		person->answer = (unsigned)number;
	if (tnef_get_number(tnef_find(row, TNEF_PERSON_FLAGS), &number))
		person->is_organizer = (number & FLAG_ORGANIZER) != 0;
	/* A meeting has no blind copies: that role is for its rooms. */
	person->is_resource = person->role == TNEF_BCC &&
			      message->class != NULL &&
			      strstr(message->class, "IPM.Note") == NULL;
}

static void
add_table(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_raw *raw)
{
	struct span rest = raw->people;
	struct tnef_properties row;
	uint32_t count = 0;
	bool more = true;

	if (rest.len > 0 && !tnef_take_32(&rest, &count))
		tnef_problem(message, true, "the table of people is cut off");
	while (count-- > 0 && more && !is_full(reader, message)) {
		row = (struct tnef_properties){
			.code_page = raw->properties.code_page,
		};
		more = tnef_properties_read(reader, &rest, &row, message);
		if (more)
			add_row(reader, message, &row);
		mem_free(row.item);
	}
}

/* ---- from names in a row: "A; B" ---- */

static void
add_names(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_properties *properties, uint16_t id,
	enum tnef_role role)
{
	char *names = tnef_get_text(properties, tnef_find(properties, id));
	char *rest = names;
	const char *name;

	while (names != NULL && (name = strsep(&rest, ";")) != NULL) {
		struct span text = span_trim(span_string(name));
		char *copy = mem_string_n(text.data, text.len);
		bool is_address =
			strchr(copy, '@') != NULL && strchr(copy, ' ') == NULL;

		if (text.len == 0)
			mem_free(copy);
		else if (add_person(reader, message, role,
				 is_address ? NULL : copy,
				 is_address ? copy : NULL) == NULL)
			break;
	}
	mem_free(names);
}

/* ---- from old attributes ---- */

static char *
address_after_type(struct span bytes, unsigned code_page)
{
	static const char smtp[] = "SMTP:";

	if (span_starts_nocase(bytes, smtp)) {
		bytes.data += sizeof(smtp) - 1;
		bytes.len -= sizeof(smtp) - 1;
	}
	if (bytes.len == 0 || memchr(bytes.data, '@', bytes.len) == NULL)
		return NULL;
	return tnef_one_line(bytes, code_page);
}

/* attFrom: an id, the length of it all, and of name and address behind. */
static void
add_triple(struct tnef_reader *reader, struct tnef_message *message,
	struct span bytes)
{
	uint16_t id, all, name_len, address_len;
	struct span name, address;

	if (!tnef_take_16(&bytes, &id) || !tnef_take_16(&bytes, &all) ||
		!tnef_take_16(&bytes, &name_len) ||
		!tnef_take_16(&bytes, &address_len) ||
		!tnef_take(&bytes, name_len, &name) ||
		!tnef_take(&bytes, address_len, &address))
		return;
	add_person(reader, message, TNEF_FROM,
		tnef_one_line(name, message->code_page),
		address_after_type(address, message->code_page));
}

/* attOwner, attSentFor: each with its length before it. */
static void
add_pair(struct tnef_reader *reader, struct tnef_message *message,
	struct span bytes)
{
	struct span name, address;
	uint16_t len;

	if (!tnef_take_16(&bytes, &len) || !tnef_take(&bytes, len, &name) ||
		!tnef_take_16(&bytes, &len) ||
		!tnef_take(&bytes, len, &address))
		return;
	add_person(reader, message, TNEF_FROM,
		tnef_one_line(name, message->code_page),
		address_after_type(address, message->code_page));
}

/* The owner of an answer to a meeting is whom it goes to. */
static bool
is_answer(const struct tnef_message *message)
{
	return message->class != NULL &&
	       strstr(message->class, "Meeting.Resp") != NULL;
}

void
tnef_add_people(struct tnef_reader *reader, struct tnef_message *message,
	const struct tnef_raw *raw)
{
	const struct tnef_properties *properties = &raw->properties;

	add_from(reader, message, properties);
	if (!has_role(message, TNEF_FROM))
		add_pair(reader, message, raw->sent_for);
	if (!has_role(message, TNEF_FROM))
		add_triple(reader, message, raw->from);
	if (!has_role(message, TNEF_FROM) && !is_answer(message))
		add_pair(reader, message, raw->owner);
	add_names(reader, message, properties, TNEF_REPLY_NAMES, TNEF_REPLY_TO);
	if (raw->people.len > 0) {
		add_table(reader, message, raw);
		return;
	}
	add_names(reader, message, properties, TNEF_DISPLAY_TO, TNEF_TO);
	add_names(reader, message, properties, TNEF_DISPLAY_CC, TNEF_CC);
	add_names(reader, message, properties, TNEF_DISPLAY_BCC, TNEF_BCC);
}
