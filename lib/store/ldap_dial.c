/*
 * How connections to a directory come to be, and what is said of those that
 * do not.
 */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/ldap_pool.h"

enum {
	BACK_OFF_MS = 2000,   /* nobody waits again for what just failed */
	LOCKED_OUT_MS = 60000 /* refused passwords can lock an account */
};

void
ldap_pool_finish(const struct afterwards *after)
{
	for (size_t i = 0; i < after->count; i++)
		ldap_connection_close(after->ld[i]);
	if (after->words != NULL)
		event(after->kind, "%s", after->words);
	mem_free(after->words);
}

/* ---- what is wrong; with the lock ---- */

static void
say(struct ldap_pool *pool, struct afterwards *after, enum event_kind kind,
	const char *what, const char *more)
{
	if (!pool->announce)
		return;
	mem_free(after->words);
	after->words =
		mem_printf("store %s: %s%s", pool->plan.store, what, more);
	after->kind = kind;
}

/* An old connection that serves says nothing about the password of today. */
void
ldap_pool_note_up(
	struct ldap_pool *pool, bool dialled, struct afterwards *after)
{
	if (pool->down || (dialled && pool->refused))
		say(pool, after, EVENT_INFO, "the directory answers again", "");
	pool->down = false;
	if (!dialled)
		return;
	pool->refused = false;
	pool->dial_after_ms = 0;
}

void
ldap_pool_note_down(struct ldap_pool *pool, struct afterwards *after)
{
	if (pool->down)
		return;
	say(pool, after, EVENT_WARNING, pool->why.text,
		"; mails that need it have to wait");
	if (!pool->refused)
		pool->since = clock_now();
	pool->down = true;
}

void
ldap_pool_note_failure(struct ldap_pool *pool, const struct error *why,
	bool is_silent, struct afterwards *after)
{
	bool refused = why->kind == ERROR_CONFIG;
	int64_t next =
		clock_monotonic_ms() + (refused ? LOCKED_OUT_MS : BACK_OFF_MS);

	pool->failures++;
	pool->why = *why;
	if (pool->dial_after_ms < next)
		pool->dial_after_ms = next;
	if (refused && !pool->refused) {
		say(pool, after, EVENT_WARNING, why->text,
			"; only connections made before go on");
		if (!pool->down)
			pool->since = clock_now();
		pool->refused = true;
	}
	if (is_silent || pool->open == 0)
		ldap_pool_note_down(pool, after);
}

/* ---- dialling ---- */

/* A refused password ends it: the others would count it, too. */
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
		if (i == 0 || one.kind == ERROR_CONFIG)
			why = one;
		if (one.kind == ERROR_CONFIG)
			break;
	}
	*err = why;
	return -1;
}

/* The log hears of it before any mail does. */
static void *
dial(void *arg)
{
	struct ldap_pool *pool = arg;
	struct afterwards after = { .count = 0 };
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
		ldap_pool_note_failure(pool, &err, false, &after);
	} else if (pool->closed) {
		after.ld[after.count++] = ld;
	} else {
		pool->good_uri = at;
		pool->open++;
		ldap_pool_put_idle(pool, ld);
		ldap_pool_note_up(pool, true, &after);
	}
	pthread_mutex_unlock(&pool->lock);
	ldap_pool_finish(&after);
	pthread_mutex_lock(&pool->lock);
	pthread_cond_broadcast(&pool->changed);
	ldap_pool_release(pool);
	return NULL;
}

int
ldap_pool_start_dialling(struct ldap_pool *pool, struct error *err)
{
	if (thread_start(dial, pool, NULL, err) != 0)
		return -1;
	pool->dialling++;
	pool->references++;
	return 0;
}
