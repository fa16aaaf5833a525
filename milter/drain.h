/* How a worker ends: it accepts no more, and serves what it has. */
#ifndef MILTER_DRAIN_H
#define MILTER_DRAIN_H

#include "adopt.h"
#include "filter.h"

struct drain {
	struct filter *filter;
	struct adopted adopted;
	struct address_of where;
	bool detached;
	bool stopping;	      /* mails are finished, sessions are not */
	int64_t refuse_at_ms; /* from then on a new mail gets 451 */
	int64_t end_at_ms;    /* whatever is still open then */
	unsigned quiet;	      /* rounds in a row without anything open */
};

int drain_init(struct drain *drain, struct filter *filter,
	const struct adopted *adopted, struct error *err) MUST_USE;
/* Serve the sessions to their end, at most drain_seconds and a bit. */
void drain_begin(struct drain *drain);
/* Finish the mails that have begun, at most a minute. */
void drain_stop(struct drain *drain);
/* Called every DRAIN_ROUND_MS: true when the process may end. */
bool drain_is_over(struct drain *drain);
/* End it; sessions that are still open are cut. */
void drain_exit(const struct drain *drain) __attribute__((noreturn));

enum { DRAIN_ROUND_MS = 50 };

#endif
