/* The configuration, and every problem with it, as sentences. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl.h"

static void
print_problem(
	const struct problem *problem, const char *path, const char *instead)
{
	struct problem shown = *problem;
	char *line;

	if (path != NULL && shown.file != NULL && strcmp(shown.file, path) == 0)
		shown.file = (char *)instead;
	line = problem_format(&shown);
	fprintf(stderr, "%s%s\n",
		shown.kind == PROBLEM_WARNING ? "warning: " : "", line);
	mem_free(line);
}

void
ctl_print_problems(
	const struct list *problems, const char *path, const char *instead)
{
	const struct problem *problem;

	fflush(stdout);
	LIST_FOREACH (problem, problems)
		print_problem(problem, path, instead);
}

bool
ctl_has_errors(const struct list *problems)
{
	const struct problem *problem;

	LIST_FOREACH (problem, problems)
		if (problem->kind == PROBLEM_ERROR)
			return true;
	return false;
}

void
ctl_hint_at_rights(const struct list *problems)
{
	const struct problem *problem;

	if (geteuid() == 0)
		return;
	LIST_FOREACH (problem, problems) {
		if (strstr(problem->text, strerror(EACCES)) == NULL)
			continue;
		ctl_complain("the daemon reads its files as root, before it "
			     "gives up root; you are not root, so this may be "
			     "your rights and not the daemon's");
		return;
	}
}

/* Tokens and connections: what the daemon opens after its files. */
static int
start(struct conf *conf)
{
	struct list warnings = { 0 };
	struct error err = { 0 };
	const char *text;
	int result = gateway_start(conf->gateway, &warnings, &err);

	LIST_FOREACH (text, &warnings)
		ctl_complain("%s", text);
	list_clear(&warnings, mem_free);
	return result == 0 ? CTL_YES : ctl_trouble(&err);
}

static int
load(const struct request *request, bool stores, struct conf **out, int *code)
{
	struct list problems = { 0 };
	int result = conf_load(request->conf_path, stores, out, &problems);

	*code = CTL_YES;
	if (result != 0) {
		ctl_print_problems(&problems, NULL, NULL);
		ctl_hint_at_rights(&problems);
		*code = CTL_TROUBLE;
	}
	list_clear(&problems, problem_free);
	if (result == 0 && stores)
		*code = start(*out);
	if (*code == CTL_YES)
		return 0;
	conf_free(*out);
	*out = NULL;
	return -1;
}

int
ctl_load(const struct request *request, struct conf **out, int *code)
{
	return load(request, true, out, code);
}

int
ctl_load_settings(const struct request *request, struct conf **out, int *code)
{
	return load(request, false, out, code);
}
