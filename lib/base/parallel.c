#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

enum { THREADS_MAX = 8 };

struct crew {
	size_t count, step;
	_Atomic size_t next;
	void (*work)(void *self, size_t first, size_t end);
	void *self;
};

static void *
run(void *p)
{
	struct crew *crew = p;
	size_t first;

	while ((first = atomic_fetch_add(&crew->next, crew->step)) <
		crew->count) {
		size_t left = crew->count - first;

		crew->work(crew->self, first,
			first + (left < crew->step ? left : crew->step));
	}
	return NULL;
}

static size_t
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return CPU_COUNT(&set) < THREADS_MAX ? (size_t)CPU_COUNT(&set)
					     : THREADS_MAX;
}

void
parallel_run(size_t count, size_t step,
	void (*work)(void *self, size_t first, size_t end), void *self)
{
	struct crew crew = {
		.count = count, .step = step, .work = work, .self = self
	};
	size_t wanted = (count + step - 1) / step, made = 0;
	pthread_t threads[THREADS_MAX];
	sigset_t all, before;

	if (wanted > processors())
		wanted = processors();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* This thread is one of them. */
	while (made + 1 < wanted &&
		pthread_create(&threads[made], NULL, run, &crew) == 0)
		made++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	run(&crew);
	while (made > 0)
		pthread_join(threads[--made], NULL);
}
