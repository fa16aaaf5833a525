/* One group of settings, read by its rows. */
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

enum { NEAR_MAX_BYTES = 40 };

/* At most two letters changed, missing, too many, or one pair swapped. */
bool
is_near(const char *a, const char *b)
{
	unsigned char cost[NEAR_MAX_BYTES + 1][NEAR_MAX_BYTES + 1];
	size_t rows = strlen(a), columns = strlen(b);

	if (rows > NEAR_MAX_BYTES || columns > NEAR_MAX_BYTES)
		return false;
	for (size_t i = 0; i <= rows; i++)
		for (size_t k = 0; k <= columns; k++) {
			unsigned best = (unsigned)(i + k);

			if (i && k)
				best = cost[i - 1][k - 1] +
				       (a[i - 1] != b[k - 1]);
			if (i && cost[i - 1][k] + 1U < best)
				best = cost[i - 1][k] + 1U;
			if (k && cost[i][k - 1] + 1U < best)
				best = cost[i][k - 1] + 1U;
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
				a[i - 2] == b[k - 1] &&
				cost[i - 2][k - 2] + 1U < best)
				best = cost[i - 2][k - 2] + 1U;
			cost[i][k] = (unsigned char)best;
		}
	return cost[rows][columns] <= 2 && cost[rows][columns] < rows;
}

const struct conf_row *
row_find(const char *where, const char *name)
{
	size_t count;
	const struct conf_row *rows = conf_rows(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].where, where) == 0 &&
			strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

/* A misspelt name of this group, or a good one of another. */
static const struct conf_row *
guess_row(const char *where, const char *name)
{
	size_t count;
	const struct conf_row *rows = conf_rows(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].where, where) == 0 &&
			is_near(rows[i].name, name))
			return &rows[i];
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static void
report_unknown(struct reader *reader, const config_setting_t *setting,
	const char *where)
{
	const char *name = config_setting_name(setting);
	const struct conf_row *row = guess_row(where, name);
	const char *group = where[0] ? where : "the top level";

	if (row == NULL)
		report_error(reader, setting, "unknown setting \"%s\" in %s",
			name, group);
	else if (strcmp(row->where, where) == 0)
		report_error(reader, setting,
			"unknown setting \"%s\" in %s: did you mean \"%s\"?",
			name, group, row->name);
	else
		report_error(reader, setting,
			"unknown setting \"%s\" in %s: did you mean the one "
			"in %s?",
			name, group,
			row->where[0] ? row->where : "the top level");
}

/* The default goes the way of a setting that is written in the file. */
static void
set_default(struct reader *reader, const struct conf_row *row, void *into)
{
	char *text = mem_printf("%s = %s;", row->name, row->fallback);
	config_t config;

	config_init(&config);
	if (config_read_string(&config, text) == CONFIG_TRUE) {
		config_setting_t *setting = config_lookup(&config, row->name);

		setting->line = 0;
		row->kind->set(reader, setting, row, into);
	}
	config_destroy(&config);
	mem_free(text);
}

static void
read_member(struct reader *reader, const config_setting_t *setting,
	const char *where, void *into)
{
	const struct conf_row *row =
		row_find(where, config_setting_name(setting));
	size_t problems = reader->located.count;

	if (row == NULL) {
		report_unknown(reader, setting, where);
		return;
	}
	row->kind->set(reader, setting, row, into);
	/* So that a bad value has no further problems of its own. */
	if (row->kind->single && row->fallback != NULL &&
		reader->located.count != problems)
		set_default(reader, row, into);
}

static void
complete(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	if (setting != NULL &&
		config_setting_get_member(setting, row->name) != NULL)
		return;
	if (row->required)
		report_error(reader, setting, "%s has no \"%s\"", row->where,
			row->name);
	else if (row->fallback != NULL)
		set_default(reader, row, into);
}

void
group_read(struct reader *reader, const config_setting_t *setting,
	const char *where, void *into)
{
	size_t count;
	const struct conf_row *rows = conf_rows(&count);
	bool is_group = setting != NULL &&
			config_setting_type(setting) == CONFIG_TYPE_GROUP;
	int members = is_group ? config_setting_length(setting) : 0;

	if (setting != NULL && !is_group)
		report_error(
			reader, setting, "%s must be a group: { ... }", where);
	for (int i = 0; i < members; i++)
		read_member(reader,
			config_setting_get_elem(setting, (unsigned)i), where,
			into);
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].where, where) == 0)
			complete(reader, is_group ? setting : NULL, &rows[i],
				into);
}
