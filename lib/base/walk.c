/*
 * Every file below a folder, in the order of the names, so that two starts
 * see the same store.  Links are followed; a folder is entered once.
 */
#include "base/walk.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { DEPTH_MAX = 16, FOLDERS_MAX = 10000, FILES_MAX = 200000 };

/* Left behind by editors and packages, or read by somebody else. */
static const char *const skipped_ends[] = { "~", ".bak", ".orig", ".old",
	".swp", ".tmp", ".dpkg-old", ".dpkg-new", ".dpkg-dist", ".rpmnew",
	".rpmsave", ".pass", ".password" };

struct visited {
	dev_t device;
	ino_t inode;
};

struct state {
	const struct walk *walk;
	struct visited skip; /* a file to leave out, however it is spelt */
	struct visited *visited;
	size_t folders;
	size_t files;
};

static void
warn(const struct state *state, const char *path, const char *words)
{
	list_add(state->walk->warnings,
		mem_printf("%s: %s: %s", state->walk->source, path, words));
}

static const char *
cannot(char *out, size_t size, const char *verb)
{
	char space[1024];
	struct passwd entry, *found = NULL;
	int why = errno;

	if (getpwuid_r(geteuid(), &entry, space, sizeof(space), &found) != 0)
		found = NULL;
	snprintf(out, size, "user %s cannot %s it: %s",
		found ? found->pw_name : "(without a name)", verb,
		strerror(why));
	return out;
}

static int
is_wanted(const struct dirent *entry)
{
	struct span name = span_string(entry->d_name);

	if (name.data[0] == '.' || name.data[0] == '#')
		return 0;
	for (size_t i = 0; i < COUNT_OF(skipped_ends); i++)
		if (span_ends_nocase(name, skipped_ends[i]))
			return 0;
	return 1;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	/* Not alphasort(): the locale must not change the order. */
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool
is_same(const struct visited *one, const struct stat *st)
{
	return one->device == st->st_dev && one->inode == st->st_ino;
}

static bool
enter_once(struct state *state, const struct stat *st)
{
	for (size_t i = 0; i < state->folders; i++)
		if (is_same(&state->visited[i], st))
			return false;
	state->visited = mem_grow(
		state->visited, state->folders + 1, sizeof(*state->visited));
	state->visited[state->folders++] =
		(struct visited){ st->st_dev, st->st_ino };
	return true;
}

static int walk_below(
	struct state *state, const char *path, int depth, struct error *err);

static int
walk_entry(struct state *state, const char *path, int depth, struct error *err)
{
	char words[200];
	struct stat st;

	if (stat(path, &st) != 0) {
		warn(state, path, cannot(words, sizeof(words), "examine"));
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		if (!enter_once(state, &st))
			return 0;
		if (depth >= DEPTH_MAX || state->folders > FOLDERS_MAX) {
			warn(state, path, "too deep, or one folder too many");
			return 0;
		}
		return walk_below(state, path, depth + 1, err);
	}
	if (!S_ISREG(st.st_mode)) {
		warn(state, path, "is not a file");
		return 0;
	}
	if (is_same(&state->skip, &st))
		return 0;
	if (++state->files > FILES_MAX)
		return error_set(err, ERROR_LIMIT, "%s: more than %d files",
			path, FILES_MAX);
	return state->walk->file(state->walk->self, path, &st, err);
}

/* Only of the topmost folder it is an error that it cannot be read. */
static int
walk_below(struct state *state, const char *path, int depth, struct error *err)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_wanted, by_name), result = 0;
	char words[200];

	if (count < 0) {
		cannot(words, sizeof(words), "open");
		if (depth == 0)
			return error_set(
				err, ERROR_CONFIG, "%s: %s", path, words);
		warn(state, path, words);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		char *below = mem_printf("%s/%s", path, entries[i]->d_name);

		if (result == 0)
			result = walk_entry(state, below, depth, err);
		mem_free(below);
		free(entries[i]);
	}
	free(entries);
	return result;
}

int
walk_folder(const struct walk *walk, const char *path, struct error *err)
{
	struct state state = { .walk = walk };
	struct stat st;
	int result;

	if (walk->skip != NULL && stat(walk->skip, &st) == 0)
		state.skip = (struct visited){ st.st_dev, st.st_ino };
	if (stat(path, &st) == 0)
		enter_once(&state, &st);
	result = walk_below(&state, path, 0, err);
	mem_free(state.visited);
	return result;
}
