/* Words in front of a Subject, for readers whose program shows no header. */
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

static const char tag_signed[] = "[signed]";
static const char tag_not_valid[] = "[signature not valid]";
static const char tag_encrypted[] = "[encrypted]";
static const char tag_not_vouched[] = "[encrypted, not authenticated]";

static const char *
tag_for_encryption(const struct inbound_report *report)
{
	const struct inbound_layer *layer;
	const char *tag = NULL;

	LIST_FOREACH (layer, &report->layers)
		if (layer->encrypted && layer->opened && tag != tag_not_vouched)
			tag = layer->vouched_for ? tag_encrypted
						 : tag_not_vouched;
	return tag;
}

static const char *
tag_for_signature(const struct work *work)
{
	const struct inbound_report *report = &work->outcome->inbound;
	const struct inbound_layer *layer;

	if (!work->inbound.verify)
		return NULL;
	if (report->verdict == INBOUND_PASS)
		return tag_signed;
	LIST_FOREACH (layer, &report->layers)
		if (!layer->encrypted && layer->verdict != INBOUND_NONE)
			return tag_not_valid;
	return NULL;
}

/* The first Subject with its look-alikes gone, or NULL. */
static struct edit *
first_subject(struct work *work)
{
	struct list *edits = &work->outcome->edits;
	const struct mail_field *field;
	struct edit *edit;

	LIST_FOREACH (edit, edits)
		if (strcasecmp(edit->name, "Subject") == 0 && edit->index == 1)
			return edit;
	LIST_FOREACH (field, &work->mail->fields)
		if (strcasecmp(field->name, "Subject") == 0) {
			edit = edit_add(edits, work->mail, EDIT_CHANGE,
				mem_string(field->name),
				mem_string(field->value));
			edit->index = 1;
			return edit;
		}
	return edit_add(edits, work->mail, EDIT_ADD, mem_string("Subject"),
		mem_string(""));
}

void
tags_set(struct work *work)
{
	const char *encrypted = tag_for_encryption(&work->outcome->inbound);
	const char *signature = tag_for_signature(work);
	struct edit *edit;
	char *value;

	if (!work->gateway->report.subject_tags ||
		(encrypted == NULL && signature == NULL))
		return;
	edit = first_subject(work);
	value = mem_printf(" %s%s%s%s%s", encrypted ? encrypted : "",
		encrypted && signature ? " " : "", signature ? signature : "",
		edit->value[0] == ' ' || edit->value[0] == '\t' ||
				edit->value[0] == '\n'
			? ""
			: " ",
		edit->value);
	mem_free(edit->value);
	edit->value = value;
}
