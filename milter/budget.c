#include "budget.h"

#include <time.h>
#include <unistd.h>

/*
 * Look-ups wait without using a processor: there are more places than
 * processors, so that a few slow mails do not hold up the fast ones.
 */
enum { PLACES_BESIDE_PROCESSORS = 14, ASK_AGAIN_MS = 200 };

void
budget_init(struct budget *budget, struct tally *tally, unsigned mails_max,
	size_t bytes_max)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	*budget = (struct budget){ .tally = tally,
		.mails_max = mails_max,
		.bytes_max = (int64_t)bytes_max,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.freed = PTHREAD_COND_INITIALIZER,
		.working_max = PLACES_BESIDE_PROCESSORS +
			       (processors > 0 ? (unsigned)processors : 1) };
}

static bool
take(_Atomic int64_t *held, int64_t amount, int64_t max)
{
	if (atomic_fetch_add(held, amount) + amount <= max)
		return true;
	atomic_fetch_sub(held, amount);
	return false;
}

bool
budget_take_mail(struct budget *budget)
{
	return take(&budget->tally->mails_in_work, 1, budget->mails_max);
}

void
budget_return_mail(struct budget *budget)
{
	atomic_fetch_sub(&budget->tally->mails_in_work, 1);
}

bool
budget_take_bytes(struct budget *budget, size_t bytes)
{
	return take(&budget->tally->bytes, (int64_t)bytes, budget->bytes_max);
}

void
budget_return_bytes(struct budget *budget, size_t bytes)
{
	atomic_fetch_sub(&budget->tally->bytes, (int64_t)bytes);
}

static void
wait_a_little(struct budget *budget)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ASK_AGAIN_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&budget->freed, &budget->lock, &until);
}

bool
budget_begin_work(struct budget *budget, int (*keep_working)(void *), void *arg)
{
	bool go_on = true;

	pthread_mutex_lock(&budget->lock);
	while (go_on && budget->working >= budget->working_max) {
		wait_a_little(budget);
		go_on = keep_working(arg) == 1;
	}
	if (go_on)
		budget->working++;
	pthread_mutex_unlock(&budget->lock);
	return go_on;
}

void
budget_end_work(struct budget *budget)
{
	pthread_mutex_lock(&budget->lock);
	budget->working--;
	pthread_cond_signal(&budget->freed);
	pthread_mutex_unlock(&budget->lock);
}
