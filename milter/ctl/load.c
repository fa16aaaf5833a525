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

int
ctl_load(const struct request *request, struct conf **out, int *code)
{
	struct list problems = { 0 };
	int result = conf_load(request->conf_path, true, out, &problems);

	*code = CTL_YES;
	if (result != 0) {
		ctl_print_problems(&problems, NULL, NULL);
		ctl_hint_at_rights(&problems);
		*code = CTL_TROUBLE;
	}
	list_clear(&problems, problem_free);
	return result;
}
