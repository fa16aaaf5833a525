/*
 * What an administrator should look at though mail flows: certificates that
 * end soon, revocation lists that are stale.  The worker finds it out, in a
 * thread of its own; the parent shows it in the status.
 */
#ifndef MILTER_CONCERNS_H
#define MILTER_CONCERNS_H

#include <stdatomic.h>
#include <stdint.h>

#include "conf/conf.h"

enum { CONCERNS_BYTES = 16 * 1024 };

/*
 * In memory that both share.  Two texts in turn, lines that end with LF:
 * nothing a worker writes there can make the parent wait or read too far.
 */
struct concerns {
	_Atomic unsigned turn;
	char text[2][CONCERNS_BYTES];
};

/* The worker's thread; it lives as long as the process. */
struct concerns_watch {
	const struct gateway *gateway;
	const struct list *authorities; /* struct ca_settings * */
	struct concerns *out;
	_Atomic int64_t *warned_at; /* shared by all workers */
};
int concerns_start(
	const struct concerns_watch *watch, struct error *err) MUST_USE;

/* The parent: char * per line, no control characters. */
void concerns_read(const struct concerns *concerns, struct list *lines);

#endif
