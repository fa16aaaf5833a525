/* Kinds that are arrays of strings; a single string will do. */
#include "base/mem.h"
#include "conf/internal.h"

void
each_text(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into,
	void (*visit)(struct reader *reader, const config_setting_t *at,
		const char *text, void *into))
{
	const char *text = config_setting_get_string(setting);
	char label[ROW_LABEL_SIZE];
	int count = 0;

	row_label(row, label, sizeof(label));
	if (text == NULL && !config_setting_is_array(setting) &&
		!config_setting_is_list(setting)) {
		report_error(reader, setting, "%s must be %s", label,
			row->kind->name);
		return;
	}
	if (text == NULL)
		count = config_setting_length(setting);
	for (int i = text != NULL ? -1 : 0; i < count; i++) {
		const config_setting_t *item =
			text != NULL
				? setting
				: config_setting_get_elem(setting, (unsigned)i);
		const char *one = config_setting_get_string(item);

		if (one == NULL)
			report_error(reader, item,
				"%s: here stand strings in "
				"quotes only",
				label);
		else if (one[0] == '\0')
			report_error(
				reader, item, "%s: an empty string", label);
		else
			visit(reader, item, one, into);
	}
}

/* An empty list would be a rule for nobody; leaving it out is meant. */
static bool
has_items(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row)
{
	char label[ROW_LABEL_SIZE];

	if (!config_setting_is_aggregate(setting) ||
		config_setting_length(setting) != 0)
		return true;
	report_error(reader, setting, "%s is an empty list",
		row_label(row, label, sizeof(label)));
	return false;
}

static void
add_text(struct reader *reader, const config_setting_t *at, const char *text,
	void *into)
{
	(void)reader;
	(void)at;
	list_add(into, mem_string(text));
}

static void
set_texts(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	if (has_items(reader, setting, row))
		each_text(reader, setting, row, (char *)into + row->offset,
			add_text);
}

static void
add_path(struct reader *reader, const config_setting_t *at, const char *text,
	void *into)
{
	if (text[0] == '/')
		list_add(into, mem_string(text));
	else
		report_error(reader, at,
			"\"%s\" must be a whole path, from / on", text);
}

/* Empty is fine here: no anchors, no intermediates. */
static void
set_paths(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	each_text(reader, setting, row, (char *)into + row->offset, add_path);
}

static void
add_pattern(struct reader *reader, const config_setting_t *at, const char *text,
	void *into)
{
	struct pattern *pattern = NULL;
	struct error err = { 0 };

	if (pattern_new(text, &pattern, &err) != 0)
		report_error(reader, at, "%s", err.text);
	else
		list_add(into, pattern);
}

static void
set_patterns(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	if (has_items(reader, setting, row))
		each_text(reader, setting, row, (char *)into + row->offset,
			add_pattern);
}

static void
add_client(struct reader *reader, const config_setting_t *at, const char *text,
	void *into)
{
	struct client_condition *condition = NULL;
	struct error err = { 0 };

	if (client_condition_new(text, &condition, &err) != 0)
		report_error(reader, at, "%s", err.text);
	else
		list_add(into, condition);
}

static void
set_clients(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	if (has_items(reader, setting, row))
		each_text(reader, setting, row, (char *)into + row->offset,
			add_client);
}

const struct conf_kind kind_texts = {
	"strings in quotes, in [ ] when there are several", set_texts, false
};
const struct conf_kind kind_paths = {
	"paths in quotes, in [ ] when there are several", set_paths, false
};
const struct conf_kind kind_patterns = {
	"patterns in quotes, in [ ] when there are several", set_patterns, false
};
const struct conf_kind kind_clients = {
	"clients in quotes, in [ ] when there are several", set_clients, false
};
