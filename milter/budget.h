/*
 * How much a worker takes on at once: mails, bytes, and threads that work.
 * Whatever is taken is given back on every way a mail or session can end.
 */
#ifndef MILTER_BUDGET_H
#define MILTER_BUDGET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concerns.h"

/*
 * What one worker holds now.  In memory shared with the parent, who adds the
 * workers up, and forgets a dead one's with its memory.
 */
struct tally {
	_Atomic int64_t sessions;
	_Atomic int64_t mails_begun;   /* from MAIL to the answer at the end */
	_Atomic int64_t mails_in_work; /* those whose body is wanted */
	_Atomic int64_t bytes;
	struct concerns concerns;
};

struct budget {
	struct tally *tally;
	int64_t mails_max;
	int64_t bytes_max;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	unsigned working;
	unsigned working_max;
};

void budget_init(struct budget *budget, struct tally *tally, unsigned mails_max,
	size_t bytes_max);

/* false: the limit is reached, and nothing was taken. */
bool budget_take_mail(struct budget *budget);
void budget_return_mail(struct budget *budget);
bool budget_take_bytes(struct budget *budget, size_t bytes);
void budget_return_bytes(struct budget *budget, size_t bytes);

/*
 * Wait for one of the working threads' places; false when keep_working said
 * no before there was one.
 */
bool budget_begin_work(
	struct budget *budget, int (*keep_working)(void *), void *arg);
void budget_end_work(struct budget *budget);

#endif
