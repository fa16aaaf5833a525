/* Tables of people: CSV (RFC 4180), as office programs write it. */
#include <string.h>

#include "base/mem.h"
#include "ca/internal.h"

enum { FIELDS_MAX = 64 };

static const char *const columns[CA_COLUMNS] = { "address", "name",
	"organisation", "given_name", "surname", "template", "who", "days",
	"telephone", "upn" };

struct table {
	struct span rest;
	unsigned line; /* that begins with rest */
	char separator;
	const char *source;
	char *field[FIELDS_MAX]; /* of the line just read */
	size_t fields;
	int column[FIELDS_MAX]; /* an enum ca_column, or -1 */
};

void
ca_row_free(void *p)
{
	struct ca_row *row = p;

	if (row == NULL)
		return;
	for (size_t i = 0; i < CA_COLUMNS; i++)
		mem_free(row->value[i]);
	mem_free(row);
}

static void
clear_fields(struct table *table)
{
	for (size_t i = 0; i < table->fields; i++)
		mem_free(table->field[i]);
	table->fields = 0;
}

static int
refuse(const struct table *table, const char *why, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "%s:%u: %s", table->source,
		table->line, why);
}

/* The next character, or -1; what ends a line is '\n'. */
static int
next(struct table *table)
{
	int c;

	if (table->rest.len == 0)
		return -1;
	c = *table->rest.data;
	table->rest = span_of(table->rest.data + 1, table->rest.len - 1);
	if (c == '\r' && table->rest.len != 0 && *table->rest.data == '\n')
		return next(table);
	return c;
}

static bool
is_next(const struct table *table, char c)
{
	return table->rest.len != 0 && *table->rest.data == (unsigned char)c;
}

/* One field; *end is what stands behind it. */
static int
read_field(struct table *table, struct buf *out, int *end, struct error *err)
{
	bool quoted = is_next(table, '"');
	int c;

	if (quoted)
		(void)next(table);
	while ((c = next(table)) >= 0) {
		char byte = (char)c;

		if (quoted && c == '"' && !is_next(table, '"')) {
			c = next(table);
			break;
		}
		if (quoted && c == '"')
			(void)next(table);
		if (!quoted && (c == table->separator || c == '\n'))
			break;
		if (c == '\0')
			return refuse(table, "holds a NUL", err);
		if (buf_add(out, &byte, 1, err) != 0)
			return -1;
	}
	*end = c;
	if (quoted && c >= 0 && c != table->separator && c != '\n')
		return refuse(
			table, "something stands behind a quoted field", err);
	return 0;
}

/* 1, 0 at the end, -1. */
static int
read_line(struct table *table, struct error *err)
{
	int end = table->separator, result = 1;

	clear_fields(table);
	if (table->rest.len == 0)
		return 0;
	while (result == 1 && end == table->separator) {
		struct buf field = { 0 };

		if (table->fields == FIELDS_MAX)
			result = refuse(table, "too many fields", err);
		else if (read_field(table, &field, &end, err) != 0)
			result = -1;
		else {
			struct span text = span_trim(buf_span(&field));

			table->field[table->fields++] =
				mem_string_n(text.data, text.len);
		}
		buf_clear(&field);
	}
	return result;
}

static int
read_head(struct table *table, struct error *err)
{
	bool has_address = false;
	int got = read_line(table, err);

	if (got < 0)
		return -1;
	for (size_t i = 0; i < table->fields; i++) {
		table->column[i] = -1;
		for (int c = 0; c < CA_COLUMNS; c++)
			if (span_is_nocase(
				    span_string(table->field[i]), columns[c]))
				table->column[i] = c;
		has_address |= table->column[i] == CA_ADDRESS;
	}
	if (has_address)
		return 0;
	return refuse(table,
		"the first line names the columns, and one of "
		"them is \"address\"",
		err);
}

static int
take_row(struct table *table, struct list *rows, struct error *err)
{
	struct ca_row *row;

	if (table->fields == 1 && table->field[0][0] == '\0')
		return 0; /* an empty line */
	row = mem_alloc(sizeof(*row));
	row->line = table->line;
	list_add(rows, row);
	for (size_t i = 0; i < table->fields; i++) {
		int column = table->column[i];

		if (column < 0 || table->field[i][0] == '\0')
			continue;
		mem_free(row->value[column]);
		row->value[column] = table->field[i];
		table->field[i] = NULL;
	}
	return row->value[CA_ADDRESS] != NULL
		       ? 0
		       : refuse(table, "there is no address", err);
}

/* What stands more often in the first line. */
static char
guess_separator(struct span text)
{
	int balance = 0;

	for (size_t i = 0; i < text.len && text.data[i] != '\n'; i++)
		balance += (text.data[i] == ';') - (text.data[i] == ',');
	return balance > 0 ? ';' : ',';
}

int
ca_read_table(struct span text, const char *source, struct list *rows,
	struct error *err)
{
	static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };
	struct table table = { .rest = text, .line = 1, .source = source };
	const unsigned char *start;
	int result;

	if (text.len >= sizeof(mark) &&
		memcmp(text.data, mark, sizeof(mark)) == 0)
		table.rest = span_of(
			text.data + sizeof(mark), text.len - sizeof(mark));
	for (size_t i = 0; i < FIELDS_MAX; i++)
		table.column[i] = -1;
	table.separator = guess_separator(table.rest);
	start = table.rest.data;
	result = read_head(&table, err);
	while (result == 0) {
		for (; start < table.rest.data; start++)
			table.line += *start == '\n';
		result = read_line(&table, err);
		if (result <= 0)
			break;
		result = take_row(&table, rows, err);
	}
	clear_fields(&table);
	return result;
}

void
ca_read_addresses(struct span text, struct list *out)
{
	char *copy = mem_string_n(text.data, text.len), *rest = NULL;

	for (char *line = strtok_r(copy, "\r\n", &rest); line != NULL;
		line = strtok_r(NULL, "\r\n", &rest)) {
		char *in = NULL;
		char *word = strtok_r(line, " \t", &in);

		if (word != NULL && word[0] != '#')
			list_add(out, mem_string(word));
	}
	mem_free(copy);
}
