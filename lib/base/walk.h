/* Every file below a folder. */
#ifndef BASE_WALK_H
#define BASE_WALK_H

#include <sys/stat.h>

#include "base/error.h"
#include "base/list.h"

/* path and source are borrowed; -1 ends the walk. */
struct walk {
	int (*file)(void *self, const char *path, const struct stat *st,
		struct error *err);
	void *self;
	const char *skip;      /* a file to leave out, or NULL */
	struct list *warnings; /* char * */
	const char *source;    /* words in front of warnings */
};

/*
 * In the order of the names, hidden files and what editors and packages leave
 * behind not among them.  CONFIG when the folder itself cannot be read, LIMIT
 * for too many files; what else cannot be read is a warning.
 */
int walk_folder(
	const struct walk *walk, const char *path, struct error *err) MUST_USE;

#endif
