/*
 * Folders that belong to the service's user, also where root makes them.  Who
 * has taken that user over can put a link in the way of every path below his
 * folder; so root goes there with that user's rights alone, and a link leads
 * it nowhere.
 */
#ifndef BASE_OWNED_H
#define BASE_OWNED_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/error.h"

struct owned_was {
	bool switched;
	uid_t user;
	gid_t group;
};

/*
 * As root: files are read and written (by this thread alone) with the rights
 * of whoever owns the first folder on the way from top down to path that is
 * not root's; links are not followed to find him.  What is made then belongs
 * to him without another step, also where a file server takes no orders from
 * root.  Whoever is not root stays who he is.  SYSTEM when top cannot be seen.
 */
int owned_become(const char *top, const char *path, struct owned_was *was,
	struct error *err) MUST_USE;
void owned_become_self(const struct owned_was *was);

/*
 * Make the topmost folder (`state`), if it is not there; the one above it is
 * root's.  As root it is given to user (NULL: kept).  CONFIG.
 */
int owned_make_top(const char *path, const char *user, mode_t mode,
	struct error *err) MUST_USE;
/*
 * Make what is missing of path, which begins with "top/", as owned_become()
 * says; top is there.  What is there already is left as it is.  CONFIG when it
 * cannot be made, SYSTEM when top cannot be seen.
 */
int owned_make_below(const char *top, const char *path, mode_t mode,
	struct error *err) MUST_USE;

#endif
