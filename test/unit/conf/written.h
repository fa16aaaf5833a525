/* A folder of configuration files for one test, gone when it ends. */
#ifndef TEST_CONF_WRITTEN_H
#define TEST_CONF_WRITTEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "conf/conf.h"

struct written {
	char folder[64];
	char path[96]; /* of the main file */
	struct conf *conf;
	struct list problems;
};

static inline void
written_begin(struct written *w)
{
	*w = (struct written){ 0 };
	strcpy(w->folder, "/tmp/smime-milter-conf-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof(w->path), "%s/main.conf", w->folder);
}

static inline void
written_file(const struct written *w, const char *name, const char *text)
{
	char path[128];
	struct error err = { 0 };

	snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	if (file_write_atomic(path, span_string(text), 0600, &err) != 0)
		fail_msg("%s", err.text);
}

static inline void
written_forget(struct written *w)
{
	list_clear(&w->problems, problem_free);
	conf_free(w->conf);
	w->conf = NULL;
}

static inline int
written_load(struct written *w, const char *text, bool stores)
{
	written_forget(w);
	written_file(w, "main.conf", text);
	return conf_load(w->path, stores, &w->conf, &w->problems);
}

static inline void
written_end(struct written *w)
{
	DIR *folder = opendir(w->folder);
	struct dirent *entry;

	written_forget(w);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char path[400];

		snprintf(path, sizeof(path), "%s/%s", w->folder, entry->d_name);
		if (entry->d_name[0] != '.')
			remove(path);
	}
	closedir(folder);
	rmdir(w->folder);
}

/* All problems, a line each, without the folder. */
static inline char *
written_problems(const struct written *w)
{
	const struct problem *problem;
	char *all = mem_string("");

	LIST_FOREACH (problem, &w->problems) {
		char *line = problem_format(problem);
		char *more = mem_printf("%s%s %s\n", all,
			problem->kind == PROBLEM_ERROR ? "E" : "W", line);

		mem_free(line);
		mem_free(all);
		all = more;
	}
	return all;
}

#endif
