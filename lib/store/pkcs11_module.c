/*
 * The library of a card or HSM is initialised once per process, whatever
 * stores use it, and a token that came back may be seen only after it was
 * initialised again.  So all stores on a module are opened together.
 */
#include <dlfcn.h>
#include <string.h>
#include <time.h>
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#include "base/clock.h"
#include "base/mem.h"
#include "store/pkcs11_module.h"

/* How long a key waits while its token is opened anew. */
enum { KEY_WAIT_MS = 8000 };

/* Never removed: a library cannot be loaded twice. */
static struct {
	pthread_mutex_t lock;
	struct token_module *first;
} modules = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- keys and look-ups ---- */

static int
clock_read_lock(pthread_rwlock_t *lock, const struct timespec *end)
{
	return pthread_rwlock_clockrdlock(lock, CLOCK_MONOTONIC, end);
}

/*
 * ThreadSanitizer sees the unlocking and not this way of locking, and would
 * take all that the lock protects for races.
 */
#ifdef __SANITIZE_THREAD__
static int
lock_to_read_until(pthread_rwlock_t *lock, const struct timespec *end)
{
	unsigned how = __tsan_mutex_read_lock | __tsan_mutex_try_lock;
	int why;

	__tsan_mutex_pre_lock(lock, how);
	why = clock_read_lock(lock, end);
	__tsan_mutex_post_lock(
		lock, how | (why != 0 ? __tsan_mutex_try_lock_failed : 0), 0);
	return why;
}
#else
#define lock_to_read_until clock_read_lock
#endif

int
module_enter(
	struct token_module *module, int64_t deadline_ms, struct error *err)
{
	struct timespec end = { deadline_ms / 1000,
		deadline_ms % 1000 * 1000000 };
	int why = deadline_ms == 0 ? pthread_rwlock_rdlock(&module->use)
				   : lock_to_read_until(&module->use, &end);

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

/* A token that is opened anew may take its time; a mail has its own. */
int
opening_enter(struct token_opening *opening)
{
	struct token_module *module = opening->module;

	if (module_enter(module, clock_monotonic_ms() + KEY_WAIT_MS, NULL) != 0)
		return -1;
	if (module->current == opening)
		return 0;
	pthread_rwlock_unlock(&module->use);
	return -1;
}

void
opening_leave(struct token_opening *opening, bool trouble)
{
	struct token_module *module = opening->module;

	if (trouble)
		keeper_wake(module, true, false);
	pthread_rwlock_unlock(&module->use);
}

void
opening_count(struct token_opening *opening, int change)
{
	atomic_fetch_add(&opening->keys, change);
}

/* ---- opening; the caller holds module->use for writing ---- */

void
module_end(struct token_module *module)
{
	struct token_opening *ended = module->current;

	if (ended == NULL)
		return;
	module->current = NULL;
	if (atomic_load(&ended->keys) == 0) {
		slots_free(ended->slots);
		mem_free(ended);
		return;
	}
	slots_end(ended->slots);
	ended->next = module->past;
	module->past = ended;
}

/* Only while the library is closed. */
static void
free_unused(struct token_module *module)
{
	struct token_opening **link = &module->past;

	while (*link != NULL) {
		struct token_opening *past = *link;

		if (atomic_load(&past->keys) != 0) {
			link = &past->next;
			continue;
		}
		*link = past->next;
		slots_free_ended(past->slots, module->path);
		mem_free(past);
	}
}

int
module_begin(struct token_module *module, struct error *err)
{
	struct token_slots *slots = NULL;
	struct token_opening *opening;

	free_unused(module);
	if (slots_open(module->path, &slots, err) != 0)
		return -1;
	opening = mem_alloc(sizeof(*opening));
	opening->module = module;
	opening->slots = slots;
	module->current = opening;
	return 0;
}

void
token_forget(struct token *token)
{
	struct cert *cert;

	LIST_FOREACH (cert, &token->store->holdings.certs)
		cert_retire(cert);
	holdings_clear(&token->store->holdings);
	if (token->state == TOKEN_UP)
		token->state = TOKEN_DOWN;
}

int
module_read(
	struct token_module *module, struct token *token, struct list *warnings)
{
	struct error why = { 0 };

	if (slots_read(module->current->slots, token, module->current, warnings,
		    &why) == 0) {
		token->state = TOKEN_UP;
		return 0;
	}
	token->why = why;
	token->state = why.kind == ERROR_SYSTEM ? TOKEN_DOWN : TOKEN_REFUSED;
	return -1;
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

void
module_drop_if_empty(struct token_module *module)
{
	struct token_opening *opening = module->current;

	if (opening == NULL || is_worth_keeping(module))
		return;
	module->current = NULL;
	slots_free(opening->slots);
	mem_free(opening);
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
	if (module->current != NULL || module_begin(module, &token->why) == 0)
		result = module_read(module, token, warnings);
	module_drop_if_empty(module);
	token_note_state(token);
	pthread_rwlock_unlock(&module->use);
	if (result != 0)
		*err = token->why;
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
	if (keeper_start(module, err) != 0)
		return -1;
	if (result != 0 && err->kind == ERROR_SYSTEM)
		keeper_wake(module, false, true);
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
		keeper_stop(module);
	pthread_rwlock_wrlock(&module->use);
	for (link = &module->tokens; *link != NULL && *link != token;)
		link = &(*link)->next;
	if (*link != NULL)
		*link = token->next;
	token_forget(token);
	if (module->tokens == NULL)
		module_end(module);
	pthread_rwlock_unlock(&module->use);
	token->module = NULL;
}
