/*
 * Connections to one directory, shared by all threads.  A thread of its own
 * dials (names are resolved, addresses tried one after the other, and nobody
 * can say how long that takes), so that who waits can give up in time; what
 * comes late serves the next one.  No lock is held while the network is
 * waited for.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "store/ldap_internal.h"

enum {
	CONNECTIONS_MAX = 32,
	IDLE_MS = 60000,       /* then a firewall may have forgotten it */
	BACK_OFF_MS = 2000,    /* nobody waits again for what just failed */
	LOCKED_OUT_MS = 60000, /* refused passwords can lock an account */
	FAREWELL_MS = 1000     /* to threads that still dial, at the end */
};

struct idle {
	struct ldap *ld;
	int64_t since_ms;
};

struct ldap_pool {
	struct ldap_plan plan;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned references; /* the store, and each dialling thread */
	bool closed;
	struct idle idle[CONNECTIONS_MAX];
	size_t idle_count;
	size_t open; /* idle or taken */
	size_t dialling;
	size_t waiting;
	size_t good_uri;     /* which answered last: tried first */
	unsigned failures;   /* so far */
	bool down, announce; /* and the log may hear of it */
	int64_t back_off_until_ms;
	struct error why; /* of the last failure */
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

/* With the lock, which is gone afterwards. */
static void
release(struct ldap_pool *pool)
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

/* What is to be closed once the lock is free. */
struct refuse {
	struct ldap *ld[CONNECTIONS_MAX];
	size_t count;
};

static void
close_all(const struct refuse *refuse)
{
	for (size_t i = 0; i < refuse->count; i++)
		ldap_connection_close(refuse->ld[i]);
}

static void
put_idle(struct ldap_pool *pool, struct ldap *ld)
{
	pool->idle[pool->idle_count++] =
		(struct idle){ ld, clock_monotonic_ms() };
}

/* The oldest stand first. */
static void
remove_idle(struct ldap_pool *pool, bool all, struct refuse *refuse)
{
	int64_t now = clock_monotonic_ms();
	size_t old = 0;

	while (old < pool->idle_count && refuse->count < CONNECTIONS_MAX &&
		(all || now - pool->idle[old].since_ms > IDLE_MS)) {
		refuse->ld[refuse->count++] = pool->idle[old].ld;
		old++;
	}
	memmove(pool->idle, pool->idle + old,
		(pool->idle_count - old) * sizeof(pool->idle[0]));
	pool->idle_count -= old;
	pool->open -= old;
}

static void
note_up(struct ldap_pool *pool)
{
	if (pool->down && pool->announce)
		event(EVENT_INFO, "store %s: the directory answers again",
			pool->plan.store);
	pool->down = false;
	pool->back_off_until_ms = 0;
}

static void
note_down(struct ldap_pool *pool, const struct error *why)
{
	if (!pool->down && pool->announce)
		event(EVENT_WARNING,
			"store %s: %s; mails that need it have to wait",
			pool->plan.store, why->text);
	pool->down = true;
	pool->failures++;
	pool->why = *why;
	pool->back_off_until_ms =
		clock_monotonic_ms() +
		(why->kind == ERROR_CONFIG ? LOCKED_OUT_MS : BACK_OFF_MS);
}

/* ---- dialling ---- */

static int
try_each_server(struct ldap_pool *pool, size_t *at, struct ldap **out,
	struct error *err)
{
	const struct ldap_plan *plan = &pool->plan;
	size_t count = plan->uris.count, first = *at;
	int each_ms = plan->timeout_ms / (int)count;
	struct error why = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct error one = { 0 };

		*at = (first + i) % count;
		if (ldap_connection_open(plan, plan->uris.item[*at],
			    each_ms < 1000 ? 1000 : each_ms, out, &one) == 0)
			return 0;
		if (i == 0)
			why = one;
	}
	*err = why;
	return -1;
}

static void *
dial(void *arg)
{
	struct ldap_pool *pool = arg;
	struct refuse refuse = { .count = 0 };
	struct ldap *ld = NULL;
	struct error err = { 0 };
	size_t at;
	int result;

	pthread_mutex_lock(&pool->lock);
	at = pool->good_uri;
	pthread_mutex_unlock(&pool->lock);
	result = try_each_server(pool, &at, &ld, &err);
	pthread_mutex_lock(&pool->lock);
	pool->dialling--;
	if (result != 0) {
		note_down(pool, &err);
	} else if (pool->closed) {
		refuse.ld[refuse.count++] = ld;
	} else {
		pool->good_uri = at;
		pool->open++;
		put_idle(pool, ld);
		note_up(pool);
	}
	pthread_cond_broadcast(&pool->changed);
	release(pool);
	close_all(&refuse);
	return NULL;
}

/* Signals are for the main thread. */
static int
start_dialling(struct ldap_pool *pool, struct error *err)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int why;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	why = pthread_create(&thread, &attributes, dial, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (why != 0)
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s",
			strerror(why));
	pool->dialling++;
	pool->references++;
	return 0;
}

/* ---- taking and giving ---- */

/* While it is down one dials for all. */
static bool
may_dial(const struct ldap_pool *pool)
{
	if (pool->open + pool->dialling >= CONNECTIONS_MAX)
		return false;
	return pool->dialling < (pool->down ? 1 : pool->waiting);
}

static int
refuse_to_wait(const struct ldap_pool *pool, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "%s", pool->why.text);
}

static void
wait_until(struct ldap_pool *pool, int64_t deadline_ms)
{
	const struct timespec at = { deadline_ms / 1000,
		deadline_ms % 1000 * 1000000 };

	pthread_cond_timedwait(&pool->changed, &pool->lock, &at);
}

/* What the mail leaves of the time is its own affair, the plan's is a fault. */
static int
give_up(struct ldap_pool *pool, bool is_fault, struct error *err)
{
	struct error why = { 0 };

	error_set(&why, ERROR_SYSTEM, "no connection to the directory in time");
	if (is_fault)
		note_down(pool, &why);
	*err = why;
	return -1;
}

/* With the lock; a place in the row of those who wait is taken. */
static int
wait_for_connection(struct ldap_pool *pool, int64_t deadline_ms,
	struct refuse *refuse, struct ldap **out, struct error *err)
{
	int64_t patience_ms = clock_monotonic_ms() + pool->plan.timeout_ms;
	unsigned failures = pool->failures;
	bool prober = false;

	for (;;) {
		int64_t now = clock_monotonic_ms();

		remove_idle(pool, false, refuse);
		if (pool->idle_count != 0) {
			*out = pool->idle[--pool->idle_count].ld;
			return 0;
		}
		if (pool->failures != failures || now < pool->back_off_until_ms)
			return refuse_to_wait(pool, err);
		if (now >= deadline_ms || now >= patience_ms)
			return give_up(pool, now < deadline_ms, err);
		if (may_dial(pool)) {
			if (start_dialling(pool, err) != 0)
				return -1;
			prober = true;
		} else if (pool->down && !prober) {
			return refuse_to_wait(pool, err);
		}
		wait_until(pool,
			deadline_ms < patience_ms ? deadline_ms : patience_ms);
	}
}

int
ldap_pool_take(struct ldap_pool *pool, int64_t deadline_ms, struct ldap **out,
	struct error *err)
{
	struct refuse refuse = { .count = 0 };
	int result;

	pthread_mutex_lock(&pool->lock);
	pool->waiting++;
	result = wait_for_connection(pool, deadline_ms, &refuse, out, err);
	pool->waiting--;
	pthread_mutex_unlock(&pool->lock);
	close_all(&refuse);
	return result;
}

void
ldap_pool_give(struct ldap_pool *pool, struct ldap *ld)
{
	pthread_mutex_lock(&pool->lock);
	put_idle(pool, ld);
	note_up(pool);
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

void
ldap_pool_drop(struct ldap_pool *pool, struct ldap *ld)
{
	struct refuse refuse = { .count = 0 };

	pthread_mutex_lock(&pool->lock);
	pool->open--;
	remove_idle(pool, true, &refuse);
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	close_all(&refuse);
	ldap_connection_close(ld);
}

void
ldap_pool_is_down(struct ldap_pool *pool, const struct error *why)
{
	pthread_mutex_lock(&pool->lock);
	note_down(pool, why);
	pthread_cond_broadcast(&pool->changed);
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
	struct refuse refuse = { .count = 0 };
	int64_t end;

	if (pool == NULL)
		return;
	end = clock_monotonic_ms() + FAREWELL_MS;
	pthread_mutex_lock(&pool->lock);
	pool->closed = true;
	while (pool->dialling != 0 && clock_monotonic_ms() < end)
		wait_until(pool, end);
	remove_idle(pool, true, &refuse);
	release(pool);
	close_all(&refuse);
}
