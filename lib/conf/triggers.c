/* What of a mail makes a rule apply: settings of sign and encrypt rules. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "conf/internal.h"

/* Both multiply the work that a sender can make. */
enum { PATTERN_MAX_BYTES = 256 };

/* Without these a mail is another one, or none; Subject has a setting. */
static const char *const kept_fields[] = { "From", "Sender", "Reply-To", "To",
	"Cc", "Date", "Message-ID", "In-Reply-To", "References", "Subject",
	"MIME-Version", "Received", "Return-Path", "DKIM-Signature" };

static void
set_text(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char *text = config_setting_get_string(setting);
	char label[ROW_LABEL_SIZE];

	if (text != NULL && strlen(text) > PATTERN_MAX_BYTES)
		report_error(reader, setting, "%s is longer than %d bytes",
			row_label(row, label, sizeof(label)),
			PATTERN_MAX_BYTES);
	else
		kind_text.set(reader, setting, row, into);
}

/* RFC 5322 3.6.8 */
static bool
is_field_name(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == ':')
			return false;
	return name[0] != '\0';
}

static bool
is_kept(const char *name)
{
	if (strncasecmp(name, "Content-", 8) == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(kept_fields); i++)
		if (strcasecmp(kept_fields[i], name) == 0)
			return true;
	return false;
}

static void
set_header(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct trigger *trigger = (void *)((char *)into + row->offset);
	unsigned at = line_of_member(setting, "name");

	group_read(reader, setting, row->name, trigger);
	if (trigger->header == NULL)
		return;
	if (!is_field_name(trigger->header))
		report_at(reader, PROBLEM_ERROR, at,
			"header.name: \"%.60s\" is no name of a field",
			trigger->header);
	else if (is_kept(trigger->header))
		report_at(reader, PROBLEM_ERROR, at,
			"header.name: the field is removed before the mail "
			"leaves, and no mail can do without %s",
			trigger->header);
}

static void
set_size(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct trigger *trigger = (void *)((char *)into + row->offset);

	group_read(reader, setting, row->name, trigger);
	if (trigger->max_bytes != 0 && trigger->min_bytes > trigger->max_bytes)
		report_error(reader, setting,
			"size: min is more than max, so that no mail has it");
}

static void
set_bytes(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char *text = config_setting_get_string(setting);
	char label[ROW_LABEL_SIZE];
	unsigned long long bytes = 0;
	int type = config_setting_type(setting);

	row_label(row, label, sizeof(label));
	if (type == CONFIG_TYPE_INT && config_setting_get_int(setting) > 0)
		bytes = (unsigned long long)config_setting_get_int(setting);
	else if (text == NULL || parse_size(text, &bytes) != 0)
		report_error(reader, setting, "%s must be %s", label,
			row->kind->name);
	else if (bytes == 0)
		report_error(reader, setting, "%s is nothing", label);
	*(size_t *)((char *)into + row->offset) = (size_t)bytes;
}

static void
set_attachment(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	int *attachment = (int *)((char *)into + row->offset);
	char label[ROW_LABEL_SIZE];

	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		report_error(reader, setting, "%s must be %s",
			row_label(row, label, sizeof(label)), row->kind->name);
	else if (config_setting_get_bool(setting))
		*attachment = ATTACHMENT_SOME;
	else
		*attachment = ATTACHMENT_NONE;
}

void
check_trigger(struct reader *reader, const struct rule_draft *draft)
{
	const struct trigger *trigger = &draft->made->trigger;

	if (trigger->subject_remove && trigger->subject == NULL)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "subject_remove"),
			"subject_remove needs a subject to be removed");
	if (trigger->subject != NULL &&
		trigger->subject[strspn(trigger->subject, "*? ")] == '\0')
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "subject"),
			"subject: \"%s\" stands in every Subject",
			trigger->subject);
}

const struct conf_kind kind_trigger_text = { "text in quotes", set_text, true };
const struct conf_kind kind_trigger_header = { "a group", set_header, false };
const struct conf_kind kind_trigger_size = { "a group", set_size, false };
const struct conf_kind kind_trigger_bytes = {
	"a size such as \"10M\" (K, M, G, or bytes)", set_bytes, true
};
const struct conf_kind kind_trigger_attachment = { "true or false",
	set_attachment, true };
