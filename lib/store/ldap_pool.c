/*
 * Connections to one directory, shared by all threads.  A thread of its own
 * dials (names are resolved, addresses tried one after the other, and nobody
 * can say how long that takes), so that who waits can give up in time; what
 * comes late serves the next one.  No lock is held while the network is
 * waited for.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/ldap_pool.h"

enum {
	IDLE_MS = 60000,   /* then a firewall may have forgotten it */
	FAREWELL_MS = 1000 /* to threads that still dial, at the end */
};

struct ldap_pool *
ldap_pool_new(struct ldap_plan *plan)
{
	struct ldap_pool *pool = mem_alloc(sizeof(*pool));
	pthread_condattr_t attributes;

	pool->plan = *plan;
	*plan = (struct ldap_plan){ 0 };
	pool->references = 1;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return pool;
}

const struct ldap_plan *
ldap_pool_plan(const struct ldap_pool *pool)
{
	return &pool->plan;
}

void
ldap_pool_release(struct ldap_pool *pool)
{
	bool last = --pool->references == 0;

	pthread_mutex_unlock(&pool->lock);
	if (!last)
		return;
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	ldap_plan_clear(&pool->plan);
	mem_free(pool);
}

/* ---- connections that wait; with the lock ---- */

void
ldap_pool_put_idle(struct ldap_pool *pool, struct ldap *ld)
{
	pool->idle[pool->idle_count++] =
		(struct idle){ ld, clock_monotonic_ms() };
}

/* The oldest stand first. */
static void
remove_idle(struct ldap_pool *pool, bool all, struct afterwards *after)
{
	int64_t now = clock_monotonic_ms();
	size_t old = 0;

	while (old < pool->idle_count && after->count < CONNECTIONS_MAX &&
		(all || now - pool->idle[old].since_ms > IDLE_MS)) {
		after->ld[after->count++] = pool->idle[old].ld;
		old++;
	}
	memmove(pool->idle, pool->idle + old,
		(pool->idle_count - old) * sizeof(pool->idle[0]));
	pool->idle_count -= old;
	pool->open -= old;
}

/* ---- taking and giving ---- */

/* While it is down one dials for all; a password is tried once at a time. */
static bool
may_dial(const struct ldap_pool *pool, int64_t now)
{
	bool one = pool->down || pool->plan.password != NULL;

	if (now < pool->dial_after_ms ||
		pool->open + pool->dialling >= CONNECTIONS_MAX)
		return false;
	return pool->dialling < (one ? 1 : pool->waiting);
}

/* Nothing will be given back, and nobody may dial now. */
static bool
is_hopeless(const struct ldap_pool *pool, int64_t now, unsigned failures)
{
	if (!pool->down && pool->open != 0)
		return false;
	return now < pool->dial_after_ms ||
	       (pool->down && pool->failures != failures);
}

static int
refuse_to_wait(
	struct ldap_pool *pool, struct afterwards *after, struct error *err)
{
	ldap_pool_note_down(pool, after);
	return error_set(err, ERROR_SYSTEM, "%s", pool->why.text);
}

static void
wait_until(struct ldap_pool *pool, int64_t deadline_ms)
{
	const struct timespec at = { deadline_ms / 1000,
		deadline_ms % 1000 * 1000000 };

	pthread_cond_timedwait(&pool->changed, &pool->lock, &at);
}

/*
 * What the mail leaves of the time is its own affair, the plan's is a fault;
 * but not when all connections have work.
 */
static int
give_up(struct ldap_pool *pool, bool is_fault, struct afterwards *after,
	struct error *err)
{
	struct error why = { 0 };

	error_set(&why, ERROR_SYSTEM, "no connection to the directory in time");
	if (is_fault && pool->open == 0)
		ldap_pool_note_failure(pool, &why, true, after);
	*err = why;
	return -1;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* With the lock; a place in the row of those who wait is taken. */
static int
wait_for_connection(struct ldap_pool *pool, int64_t deadline_ms,
	struct afterwards *after, struct ldap **out, struct error *err)
{
	int64_t patience_ms = clock_monotonic_ms() + pool->plan.timeout_ms;
	int64_t end_ms = earlier(deadline_ms, patience_ms), next_ms;
	unsigned failures = pool->failures;
	bool prober = false;

	for (;;) {
		int64_t now = clock_monotonic_ms();

		remove_idle(pool, false, after);
		if (pool->idle_count != 0) {
			*out = pool->idle[--pool->idle_count].ld;
			return 0;
		}
		if (is_hopeless(pool, now, failures))
			return refuse_to_wait(pool, after, err);
		if (now >= end_ms)
			return give_up(pool, now < deadline_ms, after, err);
		if (may_dial(pool, now)) {
			if (ldap_pool_start_dialling(pool, err) != 0 &&
				pool->open == 0)
				return -1;
			prober = true;
		} else if (pool->down && !prober) {
			return refuse_to_wait(pool, after, err);
		}
		next_ms = pool->dial_after_ms;
		wait_until(pool,
			now < next_ms ? earlier(end_ms, next_ms) : end_ms);
	}
}

int
ldap_pool_take(struct ldap_pool *pool, int64_t deadline_ms, struct ldap **out,
	struct error *err)
{
	struct afterwards after = { .count = 0 };
	int result;

	pthread_mutex_lock(&pool->lock);
	pool->waiting++;
	result = wait_for_connection(pool, deadline_ms, &after, out, err);
	pool->waiting--;
	pthread_mutex_unlock(&pool->lock);
	ldap_pool_finish(&after);
	return result;
}

void
ldap_pool_give(struct ldap_pool *pool, struct ldap *ld)
{
	struct afterwards after = { .count = 0 };

	pthread_mutex_lock(&pool->lock);
	ldap_pool_put_idle(pool, ld);
	ldap_pool_note_up(pool, false, &after);
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	ldap_pool_finish(&after);
}

void
ldap_pool_drop(struct ldap_pool *pool, struct ldap *ld)
{
	struct afterwards after = { .count = 0 };

	pthread_mutex_lock(&pool->lock);
	pool->open--;
	remove_idle(pool, true, &after);
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	ldap_pool_finish(&after);
	ldap_connection_close(ld);
}

void
ldap_pool_is_down(struct ldap_pool *pool, const struct error *why)
{
	struct afterwards after = { .count = 0 };

	pthread_mutex_lock(&pool->lock);
	ldap_pool_note_failure(pool, why, true, &after);
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	ldap_pool_finish(&after);
}

/* A refused password is left to the mails: each attempt counts. */
void
ldap_pool_concern(struct ldap_pool *pool, struct list *lines)
{
	char date[CLOCK_TEXT_SIZE];

	pthread_mutex_lock(&pool->lock);
	if (pool->down || pool->refused) {
		clock_format(pool->since, date);
		list_add(
			lines, mem_printf("store %s: since %s: %s",
				       pool->plan.store, date, pool->why.text));
	}
	if (pool->down && !pool->refused &&
		may_dial(pool, clock_monotonic_ms()))
		(void)!ldap_pool_start_dialling(pool, NULL);
	pthread_mutex_unlock(&pool->lock);
}

void
ldap_pool_announce(struct ldap_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->announce = true;
	pthread_mutex_unlock(&pool->lock);
}

void
ldap_pool_free(struct ldap_pool *pool)
{
	struct afterwards after = { .count = 0 };
	int64_t end;

	if (pool == NULL)
		return;
	end = clock_monotonic_ms() + FAREWELL_MS;
	pthread_mutex_lock(&pool->lock);
	pool->closed = true;
	while (pool->dialling != 0 && clock_monotonic_ms() < end)
		wait_until(pool, end);
	remove_idle(pool, true, &after);
	ldap_pool_release(pool);
	ldap_pool_finish(&after);
}
