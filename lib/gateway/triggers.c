/*
 * What a sender wrote for the rules alone is taken out of the mail: fields
 * that are triggers, and words in the Subject.  It does not matter whether the
 * rule came to be the one of the mail, or what became of it.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

/* More words in one Subject than that are left where they are. */
enum { REMOVALS_MAX = 100 };

/* A rule that removes something, for somebody of this mail. */
static bool
counts(const struct rule *rule, const struct facts *facts,
	const struct list *recipients)
{
	const struct trigger *trigger = &rule->trigger;
	const struct address *recipient;

	if (trigger->header == NULL && !trigger->subject_remove)
		return false;
	if (!rule_trigger_counts(rule, recipients == NULL ? rule->table : NULL,
		    &facts->sender, facts->client))
		return false;
	if (recipients == NULL)
		return true;
	LIST_FOREACH (recipient, recipients)
		if (rule_match_recipient(rule, recipient, NULL) == 1)
			return true;
	return false;
}

/* The triggers that do; struct trigger *, borrowed. */
static void
find_triggers(const struct gateway *gateway, const struct facts *facts,
	const struct mail *mail, struct list *out)
{
	const struct encrypt_rule *encrypt;
	const struct sign_rule *sign;

	LIST_FOREACH (encrypt, &gateway->encrypt_rules)
		if (counts(&encrypt->rule, facts, &mail->recipients))
			list_add(out, (void *)&encrypt->rule.trigger);
	LIST_FOREACH (sign, &gateway->sign_rules)
		if (counts(&sign->rule, facts, NULL))
			list_add(out, (void *)&sign->rule.trigger);
}

/* ---- fields ---- */

static bool
is_trigger(const struct list *triggers, const char *name)
{
	const struct trigger *trigger;

	LIST_FOREACH (trigger, triggers)
		if (trigger->header != NULL &&
			strcasecmp(trigger->header, name) == 0)
			return true;
	return false;
}

static void
remove_fields(struct work *work, const struct list *triggers)
{
	struct list *edits = &work->outcome->edits;
	const struct mail_field *field;

	LIST_FOREACH (field, &work->mail->fields)
		if (is_trigger(triggers, field->name) &&
			edit_find(edits, field->name, 0) == NULL)
			edit_add(edits, work->mail, EDIT_REMOVE,
				mem_string(field->name), NULL);
}

/* ---- the Subject ---- */

/* Without what was found, and without a second blank where it stood. */
static void
cut(char *text, struct span found)
{
	char *from = text + ((const char *)found.data - text);
	char *behind = from + found.len;

	if (from == text || from[-1] == ' ')
		behind += strspn(behind, " ");
	if (*behind == '\0')
		while (from > text && from[-1] == ' ')
			from--;
	memmove(from, behind, strlen(behind) + 1);
}

/* Removing one word may make another: again, until none is left. */
static bool
remove_words(char *text, const struct list *triggers)
{
	const struct trigger *trigger;
	unsigned removed = 0;

	LIST_FOREACH (trigger, triggers) {
		struct span found;

		if (!trigger->subject_remove)
			continue;
		while (removed < REMOVALS_MAX &&
			(found = text_find(trigger->subject, text)).len != 0) {
			cut(text, found);
			removed++;
		}
	}
	return removed != 0;
}

/* The Subject as it is by now: another step may have changed it. */
static const char *
subject_value(const struct list *edits, const struct mail_field *field,
	unsigned index)
{
	const struct edit *edit = edit_find(edits, field->name, index);

	if (edit == NULL)
		return field->value;
	return edit->value;
}

static void
set_subject(struct work *work, const struct mail_field *field, unsigned index,
	const char *text)
{
	struct list *edits = &work->outcome->edits;
	struct edit *edit = edit_find(edits, field->name, index);
	char *value = mime_text_encode("Subject", text);

	if (value == NULL)
		return;
	if (edit == NULL) {
		edit = edit_add(edits, work->mail, EDIT_CHANGE,
			mem_string(field->name), NULL);
		edit->index = index;
	}
	mem_free(edit->value);
	edit->value = value;
}

static void
remove_from_subjects(struct work *work, const struct list *triggers)
{
	const struct mail_field *field;
	unsigned index = 0;

	LIST_FOREACH (field, &work->mail->fields) {
		const char *value;
		char *text;

		if (strcasecmp(field->name, "Subject") != 0)
			continue;
		value = subject_value(&work->outcome->edits, field, ++index);
		/* It goes as a whole, or cannot be read as one. */
		if (value == NULL || strlen(value) > MIME_TEXT_MAX)
			continue;
		text = mime_text_decode(value);
		if (remove_words(text, triggers))
			set_subject(work, field, index, text);
		mem_free(text);
	}
}

bool
triggers_found(const struct gateway *gateway, const struct facts *facts,
	const struct mail *mail)
{
	const struct content_field *field;
	const struct trigger *trigger;
	struct list triggers = { 0 };
	bool found = false;

	find_triggers(gateway, facts, mail, &triggers);
	LIST_FOREACH (field, &facts->content.fields) {
		found = found || is_trigger(&triggers, field->name);
		LIST_FOREACH (trigger, &triggers)
			found = found ||
				(trigger->subject_remove &&
					strcasecmp(field->name, "Subject") ==
						0 &&
					text_find(trigger->subject, field->text)
							.len != 0);
	}
	list_clear(&triggers, NULL);
	return found;
}

void
step_triggers(struct work *work)
{
	struct list triggers = { 0 };

	find_triggers(work->gateway, &work->facts, work->mail, &triggers);
	if (triggers.count != 0) {
		remove_fields(work, &triggers);
		remove_from_subjects(work, &triggers);
	}
	list_clear(&triggers, NULL);
}
