#include "drain.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/leave.h"
#include "base/log.h"

/*
 * An accept() that ran while the socket was changed may still bring a session,
 * and an answer is on its way after its callback: some rounds, not one.
 */
enum { QUIET_ROUNDS = 5, FINISH_MS = 60 * 1000 };

int
drain_init(struct drain *drain, struct filter *filter,
	const struct adopted *adopted, struct error *err)
{
	*drain = (struct drain){ .filter = filter, .adopted = *adopted };
	return listener_address(adopted->descriptor, &drain->where, err);
}

/*
 * Never smfi_stop(): it would drop every session that stands between two
 * commands.
 */
static void
detach(struct drain *drain)
{
	if (drain->detached)
		return;
	drain->detached = true;
	trust_refresh_stop(drain->filter->conf->gateway->trust);
	dup2(drain->adopted.decoy, drain->adopted.descriptor);
}

void
drain_begin(struct drain *drain)
{
	if (drain->detached)
		return;
	detach(drain);
	drain->refuse_at_ms =
		clock_monotonic_ms() +
		(int64_t)drain->filter->conf->drain_seconds * 1000;
	drain->end_at_ms = drain->refuse_at_ms + FINISH_MS;
}

void
drain_stop(struct drain *drain)
{
	if (drain->stopping)
		return;
	detach(drain);
	drain->stopping = true;
	drain->refuse_at_ms = clock_monotonic_ms();
	drain->end_at_ms = drain->refuse_at_ms + FINISH_MS;
	drain->quiet = 0;
	atomic_store(&drain->filter->refusing, true);
}

static bool
anything_open(const struct drain *drain)
{
	if (drain->stopping)
		return atomic_load(&drain->filter->budget.tally->mails_begun) !=
		       0;
	return listener_count_accepted(&drain->where) != 0;
}

bool
drain_is_over(struct drain *drain)
{
	int64_t now = clock_monotonic_ms();

	if (!drain->detached)
		return false;
	if (now >= drain->refuse_at_ms)
		atomic_store(&drain->filter->refusing, true);
	drain->quiet = anything_open(drain) ? 0 : drain->quiet + 1;
	return drain->quiet >= QUIET_ROUNDS || now >= drain->end_at_ms;
}

/* Sessions that are open are no leaks, though they look like them. */
void
drain_exit(const struct drain *drain)
{
	unsigned open = listener_count_accepted(&drain->where);

	if (atomic_load(&drain->filter->budget.tally->mails_begun) != 0)
		log_warning("%u sessions were cut, a mail unfinished in some",
			open);
	else
		log_debug("worker ends, %u idle sessions closed", open);
	if (open == 0)
		leave(EXIT_SUCCESS);
	_exit(EXIT_SUCCESS);
}
