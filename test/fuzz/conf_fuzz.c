/*
 * Configuration files that somebody fell asleep over: every answer is either
 * a configuration or at least one error, and each problem has words.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* libconfig 1.5 loses the string it has read before a syntax error. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static void
load(const char *path)
{
	struct conf *conf = NULL;
	struct list problems = { 0 };
	const struct problem *problem;
	unsigned errors = 0;
	int result = conf_load(path, false, &conf, &problems);

	LIST_FOREACH (problem, &problems) {
		errors += problem->kind == PROBLEM_ERROR;
		if (problem->text == NULL || problem->text[0] == '\0')
			abort();
		mem_free(problem_format(problem));
	}
	if ((result == 0) != (errors == 0) || (result == 0) != (conf != NULL))
		abort();
	conf_free(conf);
	list_clear(&problems, problem_free);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	int fd = memfd_create("conf", 0);
	char *path;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	path = mem_printf("/proc/self/fd/%d", fd);
	load(path);
	mem_free(path);
	close(fd);
	return 0;
}
