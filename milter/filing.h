/*
 * A certificate, perhaps with its key, that the authority's user hands over for
 * a managed store.  The parent, which is root, reads nothing of it: a process
 * of its own does, as `user` and sealed like a worker, takes over the
 * connection, answers and ends.
 */
#ifndef MILTER_FILING_H
#define MILTER_FILING_H

#include "parent.h"

/* By its name, of the type managed; CONFIG with a sentence: there is none. */
int filing_find_store(const struct conf *conf, const char *name,
	const char **out, struct error *err) MUST_USE;
/*
 * fd is the connection, which is to be closed here then; words are what came
 * behind "file": BYTES ADDRESS STORE.  SYSTEM when too many are under way.
 */
int filing_start(struct parent *parent, int fd, const char *words,
	struct error *err) MUST_USE;
/* Its process, if it was one, has ended. */
void filing_ended(struct parent *parent, pid_t pid);

#endif
