/* Problems with the place where they stand. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/internal.h"

enum { PROBLEM_TEXT_SIZE = 1024 };

void
problem_free(void *problem)
{
	struct problem *p = problem;

	if (p == NULL)
		return;
	mem_free(p->file);
	mem_free(p->text);
	mem_free(p);
}

char *
problem_format(const struct problem *problem)
{
	if (problem->file == NULL)
		return mem_string(problem->text);
	if (problem->line == 0)
		return mem_printf("%s: %s", problem->file, problem->text);
	return mem_printf(
		"%s:%u: %s", problem->file, problem->line, problem->text);
}

unsigned
line_of(const config_setting_t *setting)
{
	return setting != NULL ? config_setting_source_line(setting) : 0;
}

unsigned
line_of_member(const config_setting_t *group, const char *name)
{
	const config_setting_t *member =
		group != NULL ? config_setting_get_member(group, name) : NULL;

	return line_of(member != NULL ? member : group);
}

static void
add(struct reader *reader, unsigned at, struct problem *problem)
{
	struct located *located = mem_alloc(sizeof(*located));

	located->problem = problem;
	located->at = at;
	list_add(&reader->located, located);
}

void
report_elsewhere(struct reader *reader, unsigned at, const char *file,
	unsigned line, const char *text)
{
	struct problem *problem = mem_alloc(sizeof(*problem));

	problem->kind = PROBLEM_ERROR;
	problem->file = mem_string(file);
	problem->line = line;
	problem->text = mem_string(text);
	add(reader, at, problem);
}

void
report_at(struct reader *reader, enum problem_kind kind, unsigned at,
	const char *format, ...)
{
	struct problem *problem = mem_alloc(sizeof(*problem));
	struct source_line where = source_where(&reader->source, at);
	char text[PROBLEM_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	problem->kind = kind;
	problem->file =
		mem_string(where.file ? where.file : reader->conf->path);
	problem->line = where.line;
	problem->text = mem_string(text);
	add(reader, at, problem);
}

bool
has_error(const struct reader *reader)
{
	const struct located *located;

	LIST_FOREACH (located, &reader->located)
		if (located->problem->kind == PROBLEM_ERROR)
			return true;
	return false;
}

/* Stable, since each problem was also added in some good order. */
static void
sort(struct list *list)
{
	for (size_t i = 1; i < list->count; i++) {
		struct located *one = list->item[i];
		size_t k = i;

		for (; k > 0; k--) {
			struct located *before = list->item[k - 1];

			if (before->at <= one->at)
				break;
			list->item[k] = before;
		}
		list->item[k] = one;
	}
}

bool
report_end(struct reader *reader, struct list *problems)
{
	struct located *located;
	bool error = false;

	sort(&reader->located);
	LIST_FOREACH (located, &reader->located) {
		error = error || located->problem->kind == PROBLEM_ERROR;
		list_add(problems, located->problem);
	}
	list_clear(&reader->located, mem_free);
	return error;
}
