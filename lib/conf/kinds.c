/* Kinds of single values. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

const char *
row_label(const struct conf_row *row, char *space, size_t size)
{
	snprintf(space, size, "%s%s%s", row->where, row->where[0] ? "." : "",
		row->name);
	return space;
}

static void
wrong_kind(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row)
{
	char space[ROW_LABEL_SIZE];

	report_error(reader, setting, "%s must be %s",
		row_label(row, space, sizeof(space)), row->kind->name);
}

static void *
field(const struct conf_row *row, void *into)
{
	return (char *)into + row->offset;
}

/* The string, or NULL after the error has been reported. */
static const char *
text_of(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row)
{
	const char *text = config_setting_get_string(setting);
	char space[ROW_LABEL_SIZE];

	if (text == NULL) {
		wrong_kind(reader, setting, row);
		return NULL;
	}
	if (text[0] != '\0')
		return text;
	report_error(reader, setting, "%s is empty",
		row_label(row, space, sizeof(space)));
	return NULL;
}

static void
set_text(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char *text = text_of(reader, setting, row);
	char **out = field(row, into);

	if (text == NULL)
		return;
	mem_free(*out);
	*out = mem_string(text);
}

/* "" says something, too. */
static void
set_any_text(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char *text = config_setting_get_string(setting);
	char **out = field(row, into);

	if (text == NULL) {
		wrong_kind(reader, setting, row);
		return;
	}
	mem_free(*out);
	*out = mem_string(text);
}

static void
set_path(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char *text = text_of(reader, setting, row);
	char space[ROW_LABEL_SIZE];

	if (text != NULL && text[0] != '/')
		report_error(reader, setting,
			"%s: \"%s\" must be a whole path, from / on",
			row_label(row, space, sizeof(space)), text);
	else if (text != NULL)
		set_text(reader, setting, row, into);
}

static bool
is_whole_number(const config_setting_t *setting)
{
	int type = config_setting_type(setting);

	return type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
}

static void
set_number(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const struct conf_range *range = row->detail;
	char space[ROW_LABEL_SIZE];
	long long value;

	if (!is_whole_number(setting)) {
		wrong_kind(reader, setting, row);
		return;
	}
	value = config_setting_get_int64(setting);
	if (value < range->least || value > range->most)
		report_error(reader, setting, "%s must be from %u to %u",
			row_label(row, space, sizeof(space)), range->least,
			range->most);
	else
		*(unsigned *)field(row, into) = (unsigned)value;
}

/* "50M": digits and perhaps one of K M G (of 1024); -1 when it is none. */
int
parse_size(const char *text, unsigned long long *out)
{
	static const char units[] = "KMG";
	unsigned long long value = 0;
	const char *unit;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (value > SIZE_MAX >> 35)
			return -1;
		value = value * 10 + (unsigned long long)(*text - '0');
	}
	unit = *text != '\0' ? strchr(units, *text & ~('a' - 'A')) : NULL;
	if (unit != NULL && *unit != '\0') {
		value <<= 10 * (unit - units + 1);
		text++;
	}
	*out = value;
	return *text == '\0' ? 0 : -1;
}

static void
set_size(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	/* Below, no mail passes; above, lengths of CMS and MIME are at an
	 * end. */
	static const unsigned long long least = 1 << 16, most = 1ULL << 40;
	const char *text = config_setting_get_string(setting);
	unsigned long long value = 0;
	char space[ROW_LABEL_SIZE];

	row_label(row, space, sizeof(space));
	if (is_whole_number(setting) && config_setting_get_int64(setting) >= 0)
		value = (unsigned long long)config_setting_get_int64(setting);
	else if (text == NULL || parse_size(text, &value) != 0) {
		wrong_kind(reader, setting, row);
		return;
	}
	if (value < least || value > most)
		report_error(reader, setting,
			"%s must be from \"64K\" to \"1024G\"", space);
	else
		*(size_t *)field(row, into) = (size_t)value;
}

static void
set_yes_no(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		wrong_kind(reader, setting, row);
	else
		*(bool *)field(row, into) = config_setting_get_bool(setting);
}

static void
report_word(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, const char *text)
{
	char space[ROW_LABEL_SIZE], names[256] = "";
	const char *near = NULL;

	for (const struct conf_word *w = row->detail; w->name != NULL; w++) {
		size_t len = strlen(names);

		if (near == NULL && is_near(w->name, text))
			near = w->name;
		snprintf(names + len, sizeof(names) - len, "%s%s",
			len ? ", " : "", w->name);
	}
	report_error(reader, setting, "%s: \"%s\" is none of: %s%s%s%s",
		row_label(row, space, sizeof(space)), text, names,
		near ? " (did you mean \"" : "", near ? near : "",
		near ? "\"?)" : "");
}

static void
set_word(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char *text = text_of(reader, setting, row);
	const struct conf_word *word = row->detail;

	if (text == NULL)
		return;
	while (word->name != NULL && strcmp(word->name, text) != 0)
		word++;
	if (word->name == NULL)
		report_word(reader, setting, row, text);
	else
		*(int *)field(row, into) = word->value;
}

static void
set_mode(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	const char *text = config_setting_get_string(setting);
	char space[ROW_LABEL_SIZE];
	unsigned mode = 0;

	row_label(row, space, sizeof(space));
	if (text == NULL) {
		wrong_kind(reader, setting, row);
		return;
	}
	if (strlen(text) < 3 || strlen(text) > 4 ||
		text[strspn(text, "01234567")] != '\0' ||
		sscanf(text, "%o", &mode) != 1 || mode > 0777) {
		report_error(reader, setting,
			"%s: \"%s\" is no mode such as \"0660\"", space, text);
		return;
	}
	*(mode_t *)field(row, into) = (mode_t)mode;
}

const struct conf_kind kind_any_text = { "text in quotes", set_any_text, true };
const struct conf_kind kind_text = { "text in quotes", set_text, true };
const struct conf_kind kind_path = { "a path in quotes", set_path, true };
const struct conf_kind kind_number = { "a whole number", set_number, true };
const struct conf_kind kind_size = {
	"a size such as \"50M\" (K, M, G, or bytes)", set_size, true
};
const struct conf_kind kind_yes_no = { "true or false", set_yes_no, true };
const struct conf_kind kind_word = { "a word in quotes", set_word, true };
const struct conf_kind kind_mode = { "octal digits in quotes, such as \"0660\"",
	set_mode, true };
