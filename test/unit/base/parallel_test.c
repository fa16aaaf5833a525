/* Work that is spread over threads is done once each, and signals are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/parallel.h"

struct counting {
	_Atomic unsigned *done;
	size_t step;
	pthread_t caller;
	_Atomic int wrong;
};

static void
count(void *p, size_t first, size_t end)
{
	struct counting *self = p;
	sigset_t blocked;

	if (end <= first || end - first > self->step)
		atomic_fetch_add(&self->wrong, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	if (!pthread_equal(pthread_self(), self->caller) &&
		!sigismember(&blocked, SIGTERM))
		atomic_fetch_add(&self->wrong, 1);
	for (size_t i = first; i < end; i++)
		atomic_fetch_add(&self->done[i], 1);
}

static void
every_number_is_worked_on_once(void **state UNUSED)
{
	static const struct {
		size_t count, step;
	} rows[] = { { 0, 1 }, { 1, 1 }, { 1, 100 }, { 7, 3 }, { 8, 8 },
		{ 9, 8 }, { 1000, 1 }, { 100000, 128 } };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct counting self = { .step = rows[i].step,
			.caller = pthread_self() };

		self.done = mem_array(rows[i].count + 1, sizeof(*self.done));
		parallel_run(rows[i].count, rows[i].step, count, &self);
		for (size_t j = 0; j <= rows[i].count; j++)
			assert_int_equal(self.done[j], j < rows[i].count);
		assert_int_equal(self.wrong, 0);
		mem_free((void *)self.done);
	}
}

static void
signals_are_as_before(void **state UNUSED)
{
	struct counting self = { .step = 1, .caller = pthread_self() };
	_Atomic unsigned done[64] = { 0 };
	sigset_t set, before, after;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &set, &before);
	self.done = done;
	parallel_run(COUNT_OF(done), 1, count, &self);
	pthread_sigmask(SIG_SETMASK, &before, &after);
	assert_true(sigismember(&after, SIGUSR1));
	assert_false(sigismember(&after, SIGTERM));
	assert_int_equal(self.wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_worked_on_once),
		cmocka_unit_test(signals_are_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
