/* Tokens that are not there are looked for until they are back. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/pkcs11_module.h"

/*
 * Between two attempts, at first and at most.  While other tokens of the
 * module are there each attempt disturbs them, so it is made more rarely.
 */
enum { WAIT_FIRST_MS = 1000, WAIT_MAX_MS = 60000 };
enum { WAIT_SOME_FIRST_MS = WAIT_MAX_MS, WAIT_SOME_MAX_MS = 3600 * 1000 };

static void
tell(const struct token *token)
{
	const char *name = token->store->name;

	switch (token->state) {
	case TOKEN_UP:
		if (token->before != TOKEN_UP)
			event(EVENT_INFO,
				"store %s: the token was opened again", name);
		break;
	case TOKEN_DOWN:
		if (token->before != TOKEN_DOWN)
			event(EVENT_ERROR,
				"store %s: %s; mails that need it wait until "
				"it is back",
				name, token->why.text);
		break;
	case TOKEN_REFUSED:
		if (token->before != TOKEN_REFUSED)
			event(EVENT_ERROR,
				"store %s: %s; only a reload tries again", name,
				token->why.text);
		break;
	}
}

static void
read_all(struct token_module *module)
{
	/* Words about certificates were said when they were first read. */
	struct list warnings = { 0 };
	struct error err = { 0 };
	struct token *token;
	int begun = module_begin(module, &err);

	for (token = module->tokens; token != NULL; token = token->next) {
		if (begun != 0)
			token->why = err;
		else if (token->state != TOKEN_REFUSED)
			(void)!module_read(module, token, &warnings);
		token_note_state(token);
		tell(token);
	}
	list_clear(&warnings, mem_free);
}

static int64_t
longer(int64_t wait_ms, bool some)
{
	int64_t first = some ? WAIT_SOME_FIRST_MS : WAIT_FIRST_MS;
	int64_t most = some ? WAIT_SOME_MAX_MS : WAIT_MAX_MS;

	if (wait_ms < first)
		return first;
	return wait_ms < most / 2 ? 2 * wait_ms : most;
}

/* Is a token missing still?  *some: others are there. */
static bool
open_anew(struct token_module *module, bool *some)
{
	struct token *token;
	bool missing = false;

	*some = false;
	pthread_rwlock_wrlock(&module->use);
	/* Whatever went wrong so far did so before this. */
	pthread_mutex_lock(&module->lock);
	module->trouble = false;
	pthread_mutex_unlock(&module->lock);
	for (token = module->tokens; token != NULL; token = token->next) {
		token->before = token->state;
		token_forget(token);
	}
	module_end(module);
	read_all(module);
	module_drop_if_empty(module);
	for (token = module->tokens; token != NULL; token = token->next) {
		missing = missing || token->state == TOKEN_DOWN;
		*some = *some || token->state == TOKEN_UP;
	}
	pthread_rwlock_unlock(&module->use);
	return missing;
}

/* ---- the thread ---- */

/*
 * A token that was well for long is tried at once, a shaky one later.  One
 * that goes does not wait for as long as one that has been missing for hours.
 */
static int64_t
next_attempt(struct token_module *module)
{
	int64_t since_ms = clock_monotonic_ms() - module->tried_ms;

	if (module->trouble && since_ms > WAIT_MAX_MS)
		module->wait_ms = 0;
	if (module->trouble && module->wait_ms > WAIT_MAX_MS)
		module->wait_ms = WAIT_MAX_MS;
	return module->tried_ms + module->wait_ms;
}

static void
wait_for_attempt(struct token_module *module)
{
	int64_t when_ms;

	while (!module->stop &&
		clock_monotonic_ms() < (when_ms = next_attempt(module))) {
		struct timespec when = { when_ms / 1000,
			when_ms % 1000 * 1000000 };

		pthread_cond_timedwait(&module->changed, &module->lock, &when);
	}
}

static void *
keep(void *p)
{
	struct token_module *module = p;

	pthread_mutex_lock(&module->lock);
	while (!module->stop) {
		bool missing, some;

		if (!module->trouble && !module->missing) {
			pthread_cond_wait(&module->changed, &module->lock);
			continue;
		}
		wait_for_attempt(module);
		if (module->stop)
			break;
		pthread_mutex_unlock(&module->lock);
		missing = open_anew(module, &some);
		pthread_mutex_lock(&module->lock);
		module->missing = missing;
		module->wait_ms = longer(module->wait_ms, missing && some);
		module->tried_ms = clock_monotonic_ms();
	}
	pthread_mutex_unlock(&module->lock);
	return NULL;
}

int
keeper_start(struct token_module *module, struct error *err)
{
	if (module->keeping)
		return 0;
	module->stop = module->trouble = module->missing = false;
	module->wait_ms = 0;
	module->tried_ms = clock_monotonic_ms() - WAIT_MAX_MS;
	if (thread_start(keep, module, &module->keeper, err) != 0)
		return -1;
	module->keeping = true;
	return 0;
}

void
keeper_stop(struct token_module *module)
{
	if (!module->keeping)
		return;
	pthread_mutex_lock(&module->lock);
	module->stop = true;
	pthread_cond_signal(&module->changed);
	pthread_mutex_unlock(&module->lock);
	pthread_join(module->keeper, NULL);
	module->keeping = false;
}

void
keeper_wake(struct token_module *module, bool trouble, bool missing)
{
	pthread_mutex_lock(&module->lock);
	if (missing && !module->missing) {
		module->tried_ms = clock_monotonic_ms();
		module->wait_ms = WAIT_FIRST_MS;
	}
	module->trouble = module->trouble || trouble;
	module->missing = module->missing || missing;
	pthread_cond_signal(&module->changed);
	pthread_mutex_unlock(&module->lock);
}
