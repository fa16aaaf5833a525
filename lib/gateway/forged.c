/* What only we may say is taken out of what came. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

enum { FORGED_MAX = 100 };

static const char authres[] = "Authentication-Results";

const char *
report_authserv_id(const struct work *work)
{
	const char *set = work->gateway->report.authserv_id;

	if (set != NULL && set[0] != '\0')
		return set;
	return work->mail->mta_name != NULL ? work->mail->mta_name
					    : "localhost";
}

static bool
has_edit(const struct list *edits, const char *name)
{
	const struct edit *edit;

	LIST_FOREACH (edit, edits)
		if (strcasecmp(edit->name, name) == 0)
			return true;
	return false;
}

/* Every name that begins as ours do. */
static void
remove_ours(struct work *work)
{
	const char *prefix = work->gateway->report.headers;
	struct list *edits = &work->outcome->edits;
	const struct mail_field *field;

	LIST_FOREACH (field, &work->mail->fields)
		if (strncasecmp(field->name, prefix, strlen(prefix)) == 0 &&
			!has_edit(edits, field->name))
			edit_add(edits, work->mail, EDIT_REMOVE,
				mem_string(field->name), NULL);
}

/* From the highest index down, as edits want it. */
static void
change_each(struct work *work, const char *name,
	int (*change)(const struct work *work, const char *value, char **out))
{
	const struct list *fields = &work->mail->fields;
	unsigned index = 0;

	for (size_t i = 0; i < fields->count; i++) {
		const struct mail_field *field = fields->item[i];

		index += strcasecmp(field->name, name) == 0;
	}
	for (size_t i = fields->count; i-- > 0;) {
		const struct mail_field *field = fields->item[i];
		char *value = NULL;

		if (strcasecmp(field->name, name) != 0)
			continue;
		if (change(work, field->value, &value) != 0)
			edit_add(&work->outcome->edits, work->mail, EDIT_CHANGE,
				mem_string(field->name), value)
				->index = index;
		index--;
	}
}

static int
without_smime(const struct work *work, const char *value, char **out)
{
	return authres_without(value, report_authserv_id(work), "smime", out);
}

static int
without_tags(const struct work *work, const char *value, char **out)
{
	(void)work;
	*out = tags_defuse(value);
	return *out != NULL;
}

/* Each would be a change that the MTA makes, one after the other. */
static bool
are_few(const struct work *work)
{
	const char *prefix = work->gateway->report.headers;
	const struct mail_field *field;
	unsigned count = 0;

	LIST_FOREACH (field, &work->mail->fields)
		count +=
			strncasecmp(field->name, prefix, strlen(prefix)) == 0 ||
			strcasecmp(field->name, authres) == 0 ||
			strcasecmp(field->name, "Subject") == 0;
	return count <= FORGED_MAX;
}

void
forged_remove(struct work *work)
{
	struct error err;

	if (!are_few(work)) {
		error_set(&err, ERROR_LIMIT,
			"more than %d fields that are ours to write",
			FORGED_MAX);
		work_fail(work, OTHERWISE_REJECT, &err,
			"6.0 This mail has too many fields that only this "
			"server may write");
		return;
	}
	remove_ours(work);
	change_each(work, authres, without_smime);
	if (work->gateway->report.subject_tags)
		change_each(work, "Subject", without_tags);
}
