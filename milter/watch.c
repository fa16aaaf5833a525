#include "watch.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/*
 * Sendmail waits 10 s between packets, or 60 s where our advice was followed:
 * well below the shorter.
 */
enum { TELL_EVERY_MS = 4000, TELL_TICK_MS = 500 };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* first job came, or a telling ended */
	struct watch_job *jobs;
} watch = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL };

void
watch_enter(struct watch_job *job, SMFICTX *ctx)
{
	int64_t now = clock_monotonic_ms();

	*job = (struct watch_job){ .ctx = ctx, .told_ms = now };
	pthread_mutex_lock(&watch.lock);
	job->next = watch.jobs;
	watch.jobs = job;
	if (job->next == NULL)
		pthread_cond_broadcast(&watch.changed);
	pthread_mutex_unlock(&watch.lock);
}

void
watch_be_quiet(struct watch_job *job)
{
	pthread_mutex_lock(&watch.lock);
	job->quiet = true;
	while (job->telling)
		pthread_cond_wait(&watch.changed, &watch.lock);
	pthread_mutex_unlock(&watch.lock);
}

void
watch_leave(struct watch_job *job)
{
	struct watch_job **link = &watch.jobs;

	watch_be_quiet(job);
	pthread_mutex_lock(&watch.lock);
	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	pthread_mutex_unlock(&watch.lock);
}

int
watch_keep_working(void *arg)
{
	struct watch_job *job = arg;

	return !atomic_load(&job->given_up);
}

static void
sleep_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static void
lock_when_busy(void)
{
	pthread_mutex_lock(&watch.lock);
	while (watch.jobs == NULL)
		pthread_cond_wait(&watch.changed, &watch.lock);
}

static struct watch_job *
find_untold(void)
{
	int64_t now = clock_monotonic_ms();

	for (struct watch_job *job = watch.jobs; job != NULL; job = job->next)
		if (!job->quiet && !atomic_load(&job->given_up) &&
			now - job->told_ms >= TELL_EVERY_MS)
			return job;
	return NULL;
}

/* Sending may wait for the MTA: without the lock, on a thread of its own. */
static void *
keep_telling(void *arg)
{
	struct watch_job *job;

	for (;;) {
		lock_when_busy();
		while ((job = find_untold()) != NULL) {
			job->telling = true;
			pthread_mutex_unlock(&watch.lock);
			if (smfi_progress(job->ctx) != MI_SUCCESS)
				atomic_store(&job->given_up, true);
			pthread_mutex_lock(&watch.lock);
			job->told_ms = clock_monotonic_ms();
			job->telling = false;
			pthread_cond_broadcast(&watch.changed);
		}
		pthread_mutex_unlock(&watch.lock);
		sleep_ms(TELL_TICK_MS);
	}
	return arg;
}

int
watch_start(struct error *err)
{
	pthread_t thread;
	int why = pthread_create(&thread, NULL, keep_telling, NULL);

	if (why != 0)
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s",
			strerror(why));
	pthread_detach(thread);
	return 0;
}
