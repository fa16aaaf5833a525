/* What a worker gives up before it looks at the first mail. */
#ifndef MILTER_SANDBOX_H
#define MILTER_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct identity {
	char *name; /* NULL: we are not root and stay who we are */
	uid_t uid;  /* (uid_t)-1 then */
	gid_t gid;
};

/* Who the workers shall be; CONFIG when there is no such user, or it is root.
 */
int sandbox_find_user(
	const char *user, struct identity *out, struct error *err) MUST_USE;
void identity_clear(struct identity *identity);

/* How the memory of short mails is kept; before the first of them. */
void sandbox_tune_memory(void);
/* Become `identity` for good, take no privileges again, leave no core file. */
int sandbox_drop_root(
	const struct identity *identity, struct error *err) MUST_USE;
/*
 * Lose the system calls that no mail filter needs.  Where the system has no
 * means for it, *missing is a sentence that says so.
 */
int sandbox_seal(const char **missing, struct error *err) MUST_USE;

#endif
