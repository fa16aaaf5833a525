/* Groups and settings of the top level. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/internal.h"

enum { LOGIN_MAP_MAX_BYTES = 16 << 20 };

void
each_group(struct reader *reader, const config_setting_t *setting,
	const char *where,
	void (*visit)(struct reader *reader, const config_setting_t *at))
{
	int count = config_setting_is_list(setting)
			    ? config_setting_length(setting)
			    : 0;

	if (!config_setting_is_list(setting))
		report_error(reader, setting,
			"%s must be a list of groups: ( { ... }, { ... } )",
			where);
	for (int i = 0; i < count; i++) {
		const config_setting_t *item =
			config_setting_get_elem(setting, (unsigned)i);

		if (config_setting_is_group(item))
			visit(reader, item);
		else
			report_error(reader, item,
				"%s must be a list of groups: ( { ... }, "
				"{ ... } )",
				where);
	}
}

static void
set_log(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	group_read(reader, setting, row->name, into);
}

static void
set_limits(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct limits_draft draft = { 0 };
	struct conf *conf = into;
	struct gateway_limits *limits = &conf->gateway->limits;

	group_read(reader, setting, row->name, &draft);
	conf->buffered_bytes = draft.buffered;
	conf->mails = draft.mails;
	limits->message_bytes = draft.message;
	limits->encrypt_recipients = draft.encrypt_recipients;
	limits->copies = draft.copies;
	limits->header_fields = draft.header_fields;
	limits->lookup_seconds = draft.lookup_seconds;
	limits->cms_layers = draft.cms_layers;
	limits->decrypt_failures = draft.decrypt_failures;
	limits->harvest_day = draft.harvest_day;
	limits->harvest_total = draft.harvest_total;
	limits->mime.depth = draft.mime_depth;
	limits->mime.parts = draft.mime_parts;
	limits->tnef = (struct tnef_limits){ .depth = draft.tnef_depth,
		.attachments = draft.tnef_attachments,
		.people = draft.tnef_people,
		.properties = draft.tnef_properties,
		.made_bytes = draft.tnef_unpacked,
		.ratio = draft.tnef_ratio };
	if (draft.buffered != 0 && draft.message > draft.buffered)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(setting, "message"),
			"limits.message is more than limits.buffered, so the "
			"largest mails could never be taken in");
}

/* A field's name (RFC 5322 3.6.8); ours are longer by what they say. */
static bool
can_begin_a_field(const char *text)
{
	enum { NAME_MAX_BYTES = 40 };

	for (const char *c = text; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '-')
			return false;
	return strlen(text) <= NAME_MAX_BYTES;
}

/* What every mail has cannot be told from a forgery. */
static bool
is_others_field(const char *text)
{
	return (strncasecmp(text, "X-", 2) != 0 || strlen(text) < 4) ||
	       text[strlen(text) - 1] == '-';
}

static void
set_report(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct report_settings *report = &reader->conf->gateway->report;
	unsigned at = line_of_member(setting, "headers");

	(void)into;
	group_read(reader, setting, row->name, report);
	if (report->headers == NULL)
		return;
	if (!can_begin_a_field(report->headers))
		report_at(reader, PROBLEM_ERROR, at,
			"report.headers begins the names of fields: up to 40 "
			"letters, digits and \"-\"");
	else if (is_others_field(report->headers))
		report_at(reader, PROBLEM_ERROR, at,
			"report.headers must begin with \"X-\" and not end "
			"with \"-\": every field whose name begins so is "
			"removed from incoming mail");
}

static void
set_leave_alone(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	group_read(reader, setting, row->name, &reader->conf->gateway->special);
}

static void
add_even_mandatory(struct reader *reader, const config_setting_t *at,
	const char *text, void *into)
{
	struct special_settings *special = into;
	int kind = special_from_name(text);

	if (kind < 0)
		report_error(reader, at,
			"even_mandatory: \"%s\" is none of the settings beside "
			"it",
			text);
	else
		special->even_mandatory[kind] = true;
}

static void
set_even_mandatory(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	each_text(reader, setting, row, into, add_even_mandatory);
}

static void
set_internal(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	kind_patterns.set(reader, setting, row, reader->conf->gateway);
}

static void
set_bcc(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	int share = 0;

	(void)into;
	kind_word.set(reader, setting, row, &share);
	reader->conf->gateway->share_bcc = share != 0;
}

static void
set_refuse_early(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	bool early = true;

	(void)into;
	kind_yes_no.set(reader, setting, row, &early);
	reader->conf->gateway->refuse_early = early;
}

static void
set_tnef_broken(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	int broken = TNEF_BROKEN_BESIDE;

	(void)into;
	kind_word.set(reader, setting, row, &broken);
	reader->conf->gateway->tnef_broken = (enum tnef_broken)broken;
}

/* The sentence begins with "PATH:LINE: ", which has its own place. */
static void
report_map(struct reader *reader, const config_setting_t *setting,
	const char *path, const char *text)
{
	size_t len = strlen(path);
	char *end = NULL;
	unsigned long line = 0;

	if (strncmp(text, path, len) == 0 && text[len] == ':')
		line = strtoul(text + len + 1, &end, 10);
	if (line != 0 && end[0] == ':' && end[1] == ' ')
		report_elsewhere(reader, line_of(setting), path, (unsigned)line,
			end + 2);
	else
		report_error(reader, setting, "login_map: %s", text);
}

static void
set_login_map(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	struct buf bytes = { 0 };
	struct error err = { 0 };
	char *path = NULL;

	(void)into;
	kind_path.set(reader, setting, row, &path);
	if (path != NULL && reader->load_stores &&
		(file_read(path, LOGIN_MAP_MAX_BYTES, &bytes, &err) != 0 ||
			login_map_parse(buf_span(&bytes), path,
				&reader->conf->gateway->logins, &err) != 0))
		report_map(reader, setting, path, err.text);
	buf_clear(&bytes);
	mem_free(path);
}

const struct conf_kind kind_log = { "a group", set_log, false };
const struct conf_kind kind_leave_alone = { "a group", set_leave_alone, false };
const struct conf_kind kind_even_mandatory = {
	"words in quotes, in [ ] when there are several", set_even_mandatory,
	false
};
const struct conf_kind kind_limits = { "a group", set_limits, false };
const struct conf_kind kind_internal = {
	"patterns in quotes, in [ ] when there are several", set_internal, false
};
const struct conf_kind kind_bcc = { "a word in quotes", set_bcc, false };
const struct conf_kind kind_refuse_early = { "true or false", set_refuse_early,
	true };
const struct conf_kind kind_tnef_broken = { "a word in quotes", set_tnef_broken,
	false };
const struct conf_kind kind_login_map = { "a path in quotes", set_login_map,
	false };
const struct conf_kind kind_report = { "a group", set_report, false };
