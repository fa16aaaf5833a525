/* Places in the file system that the parent makes: folders, the pid file. */
#ifndef MILTER_PLACE_H
#define MILTER_PLACE_H

#include "base/error.h"

/*
 * Make the folders above path that are missing, 0755: an MTA that is chrooted
 * or refuses group-writable folders must be able to reach what is in them.
 */
int place_make_parents(const char *path, struct error *err) MUST_USE;

/*
 * Lock the pid file and write our number into it.  CONFIG, naming the other
 * process, when it is locked already.  The lock is no longer ours in a child.
 */
int place_lock_pid_file(const char *path, int *fd, struct error *err) MUST_USE;

#endif
