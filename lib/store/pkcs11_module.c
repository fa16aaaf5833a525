/*
 * The library of a card or HSM is initialised once per process, whatever
 * stores use it, and a token that came back may be seen only after it was
 * initialised again.  So all stores on a module are opened together, and a
 * thread looks after them.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "store/pkcs11.h"

/* Between two attempts, at first and at most. */
enum { WAIT_FIRST_MS = 1000, WAIT_MAX_MS = 60000 };

/*
 * Between two initialisations.  Keys point here for as long as they live, so
 * it is kept when keys came of it; then it is a few KB.
 */
struct token_opening {
	struct token_opening *next; /* older */
	struct token_module *module;
	struct token_slots *slots;
};

struct token_module {
	struct token_module *next;
	char *path;
	/* Read: keys and holdings are used.  Write: all is opened anew. */
	pthread_rwlock_t use;
	struct token_opening *current; /* NULL: closed; under use */
	struct token_opening *past;
	struct token *tokens; /* under use */

	bool keeping;
	pthread_t keeper;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	bool stop;
	bool trouble; /* a key did not work */
	bool missing; /* a token is not there */
	int64_t tried_ms;
	int64_t wait_ms;
};

/* Never removed: a library cannot be loaded twice. */
static struct {
	pthread_mutex_t lock;
	struct token_module *first;
} modules = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- keys and look-ups ---- */

int
module_enter(
	struct token_module *module, int64_t deadline_ms, struct error *err)
{
	struct timespec end = { deadline_ms / 1000,
		deadline_ms % 1000 * 1000000 };
	int why = deadline_ms == 0 ? pthread_rwlock_rdlock(&module->use)
				   : pthread_rwlock_clockrdlock(&module->use,
					     CLOCK_MONOTONIC, &end);

	if (why == 0)
		return 0;
	return error_set(
		err, ERROR_SYSTEM, "a token of %s is busy", module->path);
}

void
module_leave(struct token_module *module)
{
	pthread_rwlock_unlock(&module->use);
}

int
opening_enter(struct token_opening *opening)
{
	struct token_module *module = opening->module;

	pthread_rwlock_rdlock(&module->use);
	if (module->current == opening)
		return 0;
	pthread_rwlock_unlock(&module->use);
	return -1;
}

void
opening_leave(struct token_opening *opening, bool trouble)
{
	struct token_module *module = opening->module;

	pthread_rwlock_unlock(&module->use);
	if (!trouble)
		return;
	pthread_mutex_lock(&module->lock);
	module->trouble = true;
	pthread_cond_signal(&module->changed);
	pthread_mutex_unlock(&module->lock);
}

/* ---- opening; the caller holds module->use for writing ---- */

static void
end_current(struct token_module *module)
{
	struct token_opening *ended = module->current;

	if (ended == NULL)
		return;
	module->current = NULL;
	slots_end(ended->slots);
	ended->next = module->past;
	module->past = ended;
}

static int
begin_new(struct token_module *module, struct error *err)
{
	struct token_slots *slots = NULL;
	struct token_opening *opening;

	if (slots_open(module->path, &slots, err) != 0)
		return -1;
	opening = mem_alloc(sizeof(*opening));
	opening->module = module;
	opening->slots = slots;
	module->current = opening;
	return 0;
}

/* Keys in use are dead now, whoever still has one. */
static void
forget(struct token *token)
{
	struct cert *cert;

	LIST_FOREACH (cert, &token->store->holdings.certs)
		cert_retire(cert);
	holdings_clear(&token->store->holdings);
	if (token->state == TOKEN_UP)
		token->state = TOKEN_DOWN;
}

static int
read_one(struct token_module *module, struct token *token,
	struct list *warnings, struct error *err)
{
	struct error why = { 0 };

	if (slots_read(module->current->slots, token, module->current, warnings,
		    &why) == 0) {
		token->state = TOKEN_UP;
		return 0;
	}
	token->why = why;
	token->state = why.kind == ERROR_SYSTEM ? TOKEN_DOWN : TOKEN_REFUSED;
	return error_set(err, why.kind, "%s", why.text);
}

static bool
is_worth_keeping(const struct token_module *module)
{
	const struct token *token;

	for (token = module->tokens; token != NULL; token = token->next)
		if (token->state == TOKEN_UP)
			return true;
	return false;
}

/* Of an opening without keys nothing is left over. */
static void
drop_if_empty(struct token_module *module)
{
	struct token_opening *opening = module->current;

	if (opening == NULL || is_worth_keeping(module))
		return;
	module->current = NULL;
	slots_free(opening->slots);
	mem_free(opening);
}

static void
tell(const struct token *token)
{
	const char *name = token->store->name;

	switch (token->state) {
	case TOKEN_UP:
		event(EVENT_INFO, "store %s: the token was opened again", name);
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
	int begun = begin_new(module, &err);

	for (token = module->tokens; token != NULL; token = token->next) {
		if (begun != 0)
			token->why = err;
		else if (token->state != TOKEN_REFUSED)
			(void)!read_one(module, token, &warnings, NULL);
		tell(token);
	}
	list_clear(&warnings, mem_free);
}

/* How long to wait before the next attempt, 0: all is well. */
static int64_t
open_anew(struct token_module *module, int64_t wait_ms)
{
	struct token *token;
	bool missing = false, some = false;

	pthread_rwlock_wrlock(&module->use);
	for (token = module->tokens; token != NULL; token = token->next) {
		token->before = token->state;
		forget(token);
	}
	end_current(module);
	read_all(module);
	drop_if_empty(module);
	for (token = module->tokens; token != NULL; token = token->next) {
		missing = missing || token->state == TOKEN_DOWN;
		some = some || token->state == TOKEN_UP;
	}
	pthread_rwlock_unlock(&module->use);
	if (!missing)
		return 0;
	/* Each attempt disturbs those that are there. */
	return some ? WAIT_MAX_MS : wait_ms;
}

/* ---- the thread that looks after them ---- */

static void
wait_until(struct token_module *module, int64_t when_ms)
{
	struct timespec when = { when_ms / 1000, when_ms % 1000 * 1000000 };

	while (!module->stop && clock_monotonic_ms() < when_ms)
		pthread_cond_timedwait(&module->changed, &module->lock, &when);
}

static int64_t
longer(int64_t wait_ms)
{
	if (wait_ms < WAIT_FIRST_MS)
		return WAIT_FIRST_MS;
	return wait_ms < WAIT_MAX_MS / 2 ? 2 * wait_ms : WAIT_MAX_MS;
}

/* A token that was well for long is tried at once, a shaky one later. */
static int64_t
next_attempt(const struct token_module *module)
{
	int64_t now = clock_monotonic_ms();

	if (!module->missing && now - module->tried_ms > WAIT_MAX_MS)
		return now;
	return module->tried_ms + module->wait_ms;
}

static void *
keep(void *p)
{
	struct token_module *module = p;

	pthread_mutex_lock(&module->lock);
	while (!module->stop) {
		int64_t wait_ms;

		if (!module->trouble && !module->missing) {
			pthread_cond_wait(&module->changed, &module->lock);
			continue;
		}
		wait_until(module, next_attempt(module));
		if (module->stop)
			break;
		module->trouble = false;
		pthread_mutex_unlock(&module->lock);
		wait_ms = open_anew(module, longer(module->wait_ms));
		pthread_mutex_lock(&module->lock);
		module->missing = wait_ms != 0;
		module->wait_ms =
			wait_ms != 0 ? wait_ms : longer(module->wait_ms);
		module->tried_ms = clock_monotonic_ms();
	}
	pthread_mutex_unlock(&module->lock);
	return NULL;
}

static int
start_keeper(struct token_module *module, struct error *err)
{
	int why;

	if (module->keeping)
		return 0;
	module->stop = module->trouble = module->missing = false;
	module->wait_ms = 0;
	module->tried_ms = clock_monotonic_ms() - WAIT_MAX_MS;
	why = pthread_create(&module->keeper, NULL, keep, module);
	if (why != 0)
		return error_set(err, ERROR_SYSTEM, "cannot start a thread: %s",
			strerror(why));
	module->keeping = true;
	return 0;
}

static void
stop_keeper(struct token_module *module)
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

/* ---- stores come and go: at start and at the end, in one thread ---- */

/* The library stays loaded: keys that were read keep pointers into it. */
static int
check_library(const char *path, struct error *err)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		return error_set(err, ERROR_CONFIG,
			"module cannot be loaded: %s", dlerror());
	if (dlsym(library, "C_GetFunctionList") != NULL)
		return 0;
	dlclose(library);
	return error_set(err, ERROR_CONFIG,
		"module %s: this is no PKCS #11 library", path);
}

static struct token_module *
make_module(const char *path)
{
	struct token_module *module = mem_alloc(sizeof(*module));
	pthread_rwlockattr_t writer_first;
	pthread_condattr_t monotonic;

	module->path = mem_string(path);
	pthread_rwlockattr_init(&writer_first);
	pthread_rwlockattr_setkind_np(
		&writer_first, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&module->use, &writer_first);
	pthread_rwlockattr_destroy(&writer_first);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&module->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&module->lock, NULL);
	return module;
}

static int
find_module(const char *path, struct token_module **out, struct error *err)
{
	struct token_module *module;
	int result = 0;

	pthread_mutex_lock(&modules.lock);
	for (module = modules.first; module != NULL; module = module->next)
		if (strcmp(module->path, path) == 0)
			break;
	if (module == NULL && (result = check_library(path, err)) == 0) {
		module = make_module(path);
		module->next = modules.first;
		modules.first = module;
	}
	pthread_mutex_unlock(&modules.lock);
	*out = module;
	return result;
}

static int
read_first(struct token_module *module, struct token *token,
	struct list *warnings, struct error *err)
{
	int result = -1;

	pthread_rwlock_wrlock(&module->use);
	token->next = module->tokens;
	module->tokens = token;
	if (module->current != NULL || begin_new(module, &token->why) == 0)
		result = read_one(module, token, warnings, NULL);
	drop_if_empty(module);
	pthread_rwlock_unlock(&module->use);
	if (result != 0)
		error_set(err, token->why.kind, "%s", token->why.text);
	return result;
}

int
module_add(struct token *token, struct list *warnings, struct error *err)
{
	const char *path = token->module_path;
	struct token_module *module;
	int result;

	if (find_module(path, &module, err) != 0)
		return -1;
	token->module = module;
	result = read_first(module, token, warnings, err);
	if (start_keeper(module, err) != 0)
		return -1;
	pthread_mutex_lock(&module->lock);
	if (result != 0 && token->state == TOKEN_DOWN)
		module->missing = true;
	pthread_cond_signal(&module->changed);
	pthread_mutex_unlock(&module->lock);
	return result;
}

void
module_remove(struct token *token)
{
	struct token_module *module = token->module;
	struct token **link;

	if (module == NULL)
		return;
	if (module->tokens == token && token->next == NULL)
		stop_keeper(module);
	pthread_rwlock_wrlock(&module->use);
	for (link = &module->tokens; *link != NULL && *link != token;)
		link = &(*link)->next;
	if (*link != NULL)
		*link = token->next;
	forget(token);
	if (module->tokens == NULL)
		end_current(module);
	pthread_rwlock_unlock(&module->use);
	token->module = NULL;
}
