#include "base/mem.h"
#include "tnef/stream.h"

/* MS-OXTNEF 2.1.3.3.2: what old mail programs call a class. */
static const struct {
	const char *old;
	const char *class;
} classes[] = {
	{ "IPM.Microsoft Mail.Note", "IPM.Note" },
	{ "IPM.Microsoft Mail.Read Receipt", "Report.IPM.Note.IPNRN" },
	{ "IPM.Microsoft Mail.Non-Delivery", "Report.IPM.Note.NDR" },
	{ "IPM.Microsoft Schedule.MtgReq", "IPM.Schedule.Meeting.Request" },
	{ "IPM.Microsoft Schedule.MtgRespP", "IPM.Schedule.Meeting.Resp.Pos" },
	{ "IPM.Microsoft Schedule.MtgRespN", "IPM.Schedule.Meeting.Resp.Neg" },
	{ "IPM.Microsoft Schedule.MtgRespA", "IPM.Schedule.Meeting.Resp.Tent" },
	{ "IPM.Microsoft Schedule.MtgCncl", "IPM.Schedule.Meeting.Canceled" },
};

static char *
class_of(const struct tnef_properties *properties)
{
	char *class = tnef_get_text(
		properties, tnef_find(properties, TNEF_MESSAGE_CLASS));

	for (size_t i = 0; class != NULL && i < COUNT_OF(classes); i++)
		if (span_is_nocase(span_string(class), classes[i].old)) {
			mem_free(class);
			class = mem_string(classes[i].class);
		}
	return class;
}

/* Where the subject itself is missing, its two halves may be there. */
static char *
subject_of(const struct tnef_properties *properties)
{
	char *subject =
		tnef_get_text(properties, tnef_find(properties, TNEF_SUBJECT));
	char *prefix;
	char *rest;

	if (subject != NULL)
		return subject;
	rest = tnef_get_text(
		properties, tnef_find(properties, TNEF_NORMALIZED_SUBJECT));
	if (rest == NULL)
		return NULL;
	prefix = tnef_get_text(
		properties, tnef_find(properties, TNEF_SUBJECT_PREFIX));
	subject = prefix != NULL ? mem_printf("%s %s", prefix, rest)
				 : mem_string(rest);
	mem_free(prefix);
	mem_free(rest);
	return subject;
}

/* The old attribute counts 1, 2, 3 from high to low. */
static int
importance_of(const struct tnef_raw *raw)
{
	int64_t number;

	if (tnef_get_number(
		    tnef_find(&raw->properties, TNEF_IMPORTANCE), &number) &&
		number >= 0 && number <= 2)
		return (int)number;
	return raw->priority >= 1 && raw->priority <= 3 ? 3 - (int)raw->priority
							: 1;
}

void
tnef_message_describe(struct tnef_message *message, const struct tnef_raw *raw)
{
	const struct tnef_properties *properties = &raw->properties;
	const struct {
		char **text;
		uint16_t id;
	} texts[] = {
		{ &message->message_id, TNEF_INTERNET_MESSAGE_ID },
		{ &message->in_reply_to, TNEF_IN_REPLY_TO },
		{ &message->references, TNEF_REFERENCES },
	};

	message->code_page = properties->code_page;
	message->class = class_of(properties);
	message->subject = subject_of(properties);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i].text = tnef_get_text(
			properties, tnef_find(properties, texts[i].id));
	tnef_get_time(tnef_find(properties, TNEF_SUBMIT_TIME), &message->sent);
	tnef_get_time(
		tnef_find(properties, TNEF_DELIVERY_TIME), &message->received);
	message->importance = importance_of(raw);
}

static void
free_person(void *self)
{
	struct tnef_person *person = self;

	mem_free(person->name);
	mem_free(person->address);
	mem_free(person);
}

void
tnef_message_free(struct tnef_message *message)
{
	if (message == NULL)
		return;
	mem_free(message->class);
	mem_free(message->subject);
	mem_free(message->message_id);
	mem_free(message->in_reply_to);
	mem_free(message->references);
	list_clear(&message->people, free_person);
	list_clear(&message->bodies, tnef_item_free);
	list_clear(&message->items, tnef_item_free);
	list_clear(&message->problems, mem_free);
	mem_free(message);
}

const struct tnef_item *
tnef_message_body(const struct tnef_message *message, const char *type)
{
	const struct tnef_item *item;

	LIST_FOREACH (item, &message->bodies)
		if (span_is_nocase(span_string(item->type), type))
			return item;
	return NULL;
}
