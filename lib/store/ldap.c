/*
 * A directory: LDAP, or Active Directory.  What it said is kept for a while;
 * what it could not say now is SYSTEM and never "there is none".
 */
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "store/ldap_internal.h"

/* Twice an address of the greatest length in a long filter, escaped. */
enum { FILTER_MAX_BYTES = 256 * 1024 };

struct ldap_store {
	struct ldap_pool *pool;
	struct ldap_cache *cache, *words;
};

int
ldap_store_open(struct store *store, const struct store_settings *settings,
	struct list *warnings, struct error *err)
{
	struct ldap_store *own = mem_alloc(sizeof(*own));
	struct ldap_plan plan = { 0 };

	ldap_connection_prepare();
	store->own = own;
	own->cache = ldap_cache_new(
		settings->cache_seconds, settings->negative_cache_seconds);
	own->words = ldap_cache_new_words(
		settings->cache_seconds, settings->negative_cache_seconds);
	if (ldap_plan_make(settings, &plan, warnings, err) != 0) {
		ldap_plan_clear(&plan);
		return -1;
	}
	own->pool = ldap_pool_new(&plan);
	return 0;
}

void
ldap_store_close(struct store *store)
{
	struct ldap_store *own = store->own;

	if (own == NULL)
		return;
	ldap_pool_free(own->pool);
	ldap_cache_free(own->cache);
	ldap_cache_free(own->words);
	mem_free(own);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is asked: an address, or (NULL) whether the base is there. */
struct inquiry {
	struct ldap_pool *pool;
	const char *filter;
	int64_t deadline_ms;
	struct ldap_answer *answer;
};

static enum ldap_search_end
search_once(const struct inquiry *inquiry, struct error *err)
{
	int timeout_ms = ldap_pool_plan(inquiry->pool)->timeout_ms;
	enum ldap_search_end end;
	struct ldap *ld = NULL;
	int64_t until;

	if (ldap_pool_take(inquiry->pool, inquiry->deadline_ms, &ld, err) != 0)
		return LDAP_SEARCH_FAILED;
	until = clock_monotonic_ms() + timeout_ms;
	until = earlier(inquiry->deadline_ms, until);
	if (inquiry->filter != NULL)
		end = ldap_search_address(
			ld, inquiry->filter, until, inquiry->answer, err);
	else
		end = ldap_search_base(ld, until, inquiry->answer, err);
	if (end == LDAP_SEARCH_DONE || end == LDAP_SEARCH_FAILED)
		ldap_pool_give(inquiry->pool, ld);
	else
		ldap_pool_drop(inquiry->pool, ld);
	/* Not when it was we who had no time left. */
	if (end == LDAP_SEARCH_LATE && until < inquiry->deadline_ms)
		ldap_pool_is_down(inquiry->pool, err);
	return end;
}

/* A server that was started anew has forgotten the connections that wait. */
static int
search(const struct inquiry *inquiry, struct error *err)
{
	enum ldap_search_end end = search_once(inquiry, err);

	if (end == LDAP_SEARCH_LOST) {
		ldap_answer_clear(inquiry->answer);
		end = search_once(inquiry, err);
		if (end == LDAP_SEARCH_LOST)
			ldap_pool_is_down(inquiry->pool, err);
	}
	return end == LDAP_SEARCH_DONE ? 0 : -1;
}

static int64_t
final_deadline(const struct ldap_pool *pool, int64_t deadline_ms)
{
	if (deadline_ms != 0)
		return deadline_ms;
	return clock_monotonic_ms() + 2 * ldap_pool_plan(pool)->timeout_ms + 1;
}

int
ldap_store_start(
	struct store *store, struct list *warnings, struct error *err UNUSED)
{
	struct ldap_store *own = store->own;
	struct ldap_answer answer;
	struct error why = { 0 };
	const struct inquiry inquiry = { own->pool, NULL,
		final_deadline(own->pool, 0), &answer };

	ldap_answer_init(&answer, ldap_pool_plan(own->pool));
	if (search(&inquiry, &why) != 0)
		list_add(warnings,
			mem_printf("store %s: %s; mails that need it have to "
				   "wait",
				store->name, why.text));
	ldap_answer_clear(&answer);
	ldap_pool_announce(own->pool);
	return 0;
}

static int
ask(struct ldap_store *own, const struct address *address, int64_t deadline_ms,
	struct ldap_answer *answer, struct error *err)
{
	const struct ldap_plan *plan = ldap_pool_plan(own->pool);
	struct inquiry inquiry = { own->pool, NULL,
		final_deadline(own->pool, deadline_ms), answer };
	struct buf filter = { 0 };
	const char *words;
	int result = -1;

	buf_init(&filter, FILTER_MAX_BYTES);
	if (ldap_filter_make(plan->filter, address, &filter, err) != 0 ||
		buf_add(&filter, "", 1, err) != 0)
		goto out;
	inquiry.filter = (const char *)filter.data;
	if (search(&inquiry, err) != 0)
		goto out;
	LIST_FOREACH (words, &answer->warnings)
		event(EVENT_WARNING, "%s", words);
	result = 0;
out:
	buf_clear(&filter);
	return result;
}

int
ldap_store_find(struct store *store, const struct address *address,
	const struct cert_selector *selector UNUSED, int64_t deadline_ms,
	struct list *out, struct error *err)
{
	struct ldap_store *own = store->own;
	struct ldap_answer answer;
	struct cert *cert;
	int result = -1;

	if (address == NULL || strchr(address->key, '@') == NULL)
		return 0;
	if (ldap_cache_find(
		    own->cache, address->key, clock_monotonic_ms(), out))
		return 0;
	ldap_answer_init(&answer, ldap_pool_plan(own->pool));
	if (ask(own, address, deadline_ms, &answer, err) != 0) {
		error_prefix(err, "store %s: ", store->name);
		goto out;
	}
	ldap_cache_keep(
		own->cache, address->key, clock_monotonic_ms(), &answer.certs);
	LIST_FOREACH (cert, &answer.certs)
		list_add(out, cert_ref(cert));
	result = 0;
out:
	ldap_answer_clear(&answer);
	return result;
}

int
ldap_store_find_words(struct store *store, const struct address *address,
	const char *attribute, int64_t deadline_ms, struct list *out,
	struct error *err)
{
	struct ldap_store *own = store->own;
	struct ldap_answer answer;
	int result = -1;
	char *word, *key;

	if (strchr(address->key, '@') == NULL)
		return 0;
	key = mem_printf("%s %s", attribute, address->key);
	if (ldap_cache_find(own->words, key, clock_monotonic_ms(), out)) {
		mem_free(key);
		return 0;
	}
	ldap_answer_init(&answer, ldap_pool_plan(own->pool));
	answer.attribute = attribute;
	if (ask(own, address, deadline_ms, &answer, err) != 0) {
		error_prefix(err, "store %s: ", store->name);
		goto out;
	}
	ldap_cache_keep(own->words, key, clock_monotonic_ms(), &answer.words);
	LIST_FOREACH (word, &answer.words)
		list_add(out, mem_string(word));
	result = 0;
out:
	ldap_answer_clear(&answer);
	mem_free(key);
	return result;
}

void
ldap_store_concern(struct store *store, struct list *lines)
{
	struct ldap_store *own = store->own;

	ldap_pool_concern(own->pool, lines);
}

int
ldap_store_list(struct store *store UNUSED, struct list *out UNUSED,
	struct error *err UNUSED)
{
	return 0;
}

const struct ldap_plan *
ldap_store_plan(const struct store *store)
{
	const struct ldap_store *own = store->own;

	return strcmp(store->driver->type, "ldap") == 0
		       ? ldap_pool_plan(own->pool)
		       : NULL;
}
