/*
 * The table of a rule: one address or domain a line, with settings that differ
 * from those of the rule.
 *
 *	# name                  settings
 *	partner.example         cipher=aes-256-gcm
 *	bob@partner.example     mode=none
 */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/table.h"

enum {
	TABLE_MAX_BYTES = 64 << 20,
	PROBLEMS_MAX = 100, /* that are told of one table */
	WORDS_MAX = 20,	    /* in a line */
};

/* ---- lines ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/*
 * Words with blanks between them, up to a '#' that begins one; blanks in
 * quotes belong to the word.  Quotes around a value are taken off.
 */
static size_t
split(char *line, char **words)
{
	size_t count = 0;

	for (;;) {
		bool quoted = false;

		while (is_blank(*line))
			line++;
		if (*line == '\0' || *line == '#' || count == WORDS_MAX)
			return count;
		words[count++] = line;
		for (; *line != '\0' && (quoted || !is_blank(*line)); line++) {
			if (*line == '\\' && quoted && line[1] != '\0')
				line++;
			else if (*line == '"')
				quoted = !quoted;
		}
		if (*line != '\0')
			*line++ = '\0';
	}
}

static void
unquote(char *word)
{
	char *value = strstr(word, "=\"");
	size_t len;

	if (value == NULL || strchr(word, '=') != value)
		return;
	len = strlen(value);
	if (len < 3 || value[len - 1] != '"')
		return;
	value[len - 1] = '\0';
	memmove(value + 1, value + 2, len - 2);
}

static bool
names_a_certificate(const char *word)
{
	return strncmp(word, "certificate=", 12) == 0 &&
	       strcmp(word, "certificate=address") != 0;
}

/*
 * A line that is bad and left out keeps its name, with what the rule itself
 * says: who was to be protected in some way is not left without.
 */
static void
read_line(struct table_reader *t, char *line)
{
	char *words[WORDS_MAX];
	size_t count = split(line, words);
	struct error err = { 0 };
	void *value = t->whole;

	if (count == 0)
		return;
	if (count == WORDS_MAX)
		table_report(t, "too many settings");
	for (size_t i = 1; i < count; i++) {
		unquote(words[i]);
		if (names_a_certificate(words[i]) &&
			!table_name_is_address(words[0]))
			table_report(t, "an explicit certificate is for an "
					"exact address, and not for a domain");
	}
	if (count > 1)
		value = table_variant(t, words + 1, count - 1);
	if (table_add(t->made->table, words[0],
		    value != NULL ? value : t->whole, &err) != 0)
		table_report(t, err.text);
}

static void
read_lines(struct table_reader *t, struct span text)
{
	const struct list *located = &t->reader->located;

	for (; text.len != 0 && located->count - t->start < PROBLEMS_MAX;
		t->line++) {
		const unsigned char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		char *line = mem_string_n(text.data, len);

		if (strlen(line) != len)
			table_report(t, "a NUL in the line");
		else
			read_line(t, line);
		mem_free(line);
		len += end != NULL;
		text = span_of(text.data + len, text.len - len);
	}
	if (text.len != 0)
		report_at(t->reader, PROBLEM_ERROR,
			line_of_member(t->draft->at, "table"),
			"table: too many bad lines; those below line %u of %s "
			"were not read",
			t->line - 1, t->draft->table);
}

void
table_read(struct reader *reader, const struct rule_draft *draft,
	struct rule *made, void *whole, struct list *variants)
{
	struct table_reader t = { .reader = reader,
		.draft = draft,
		.made = made,
		.whole = whole,
		.variants = variants,
		.line = 1,
		.start = reader->located.count };
	struct buf text = { 0 };
	struct error err = { 0 };

	if (draft->table == NULL)
		return;
	made->table = table_new();
	if (!reader->load_stores)
		return;
	buf_init(&text, TABLE_MAX_BYTES);
	if (file_read(draft->table, TABLE_MAX_BYTES, &text, &err) != 0)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "table"), "table: %s",
			err.text);
	else
		read_lines(&t, buf_span(&text));
	if (text.len != 0 && table_count(made->table) == 0)
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "table"),
			"table: %s names nobody", draft->table);
	buf_clear(&text);
	table_forget(&t);
}
