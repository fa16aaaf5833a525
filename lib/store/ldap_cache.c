/*
 * What a directory said about an address, kept for a while; also that it
 * knows none.  The oldest answer goes when there are too many.
 */
#include <search.h>
#include <string.h>

#include "base/mem.h"
#include "store/ldap_internal.h"

struct kept {
	char *key;
	struct list items; /* struct cert *, or char * */
	int64_t until_ms;
	struct kept *older, *younger;
};

struct ldap_cache {
	pthread_mutex_t lock;
	void *tree; /* tsearch(3) of struct kept * */
	struct kept *oldest, *youngest;
	size_t count, items;
	int64_t ms, negative_ms;
	void *(*copy)(void *item);
	void (*free_item)(void *item);
};

static int
compare(const void *left, const void *right)
{
	const struct kept *a = left, *b = right;

	return strcmp(a->key, b->key);
}

static void *
copy_cert(void *cert)
{
	return cert_ref(cert);
}

static void *
copy_word(void *word)
{
	return mem_string(word);
}

static struct ldap_cache *
cache_new(unsigned seconds, unsigned negative_seconds,
	void *(*copy)(void *item), void (*free_item)(void *item))
{
	struct ldap_cache *cache = mem_alloc(sizeof(*cache));

	pthread_mutex_init(&cache->lock, NULL);
	cache->ms = (int64_t)seconds * 1000;
	cache->negative_ms = (int64_t)negative_seconds * 1000;
	cache->copy = copy;
	cache->free_item = free_item;
	return cache;
}

struct ldap_cache *
ldap_cache_new(unsigned seconds, unsigned negative_seconds)
{
	return cache_new(seconds, negative_seconds, copy_cert, cert_unref);
}

struct ldap_cache *
ldap_cache_new_words(unsigned seconds, unsigned negative_seconds)
{
	return cache_new(seconds, negative_seconds, copy_word, mem_free);
}

static void
kept_free(const struct ldap_cache *cache, struct kept *kept)
{
	list_clear(&kept->items, cache->free_item);
	mem_free(kept->key);
	mem_free(kept);
}

static void
drop(struct ldap_cache *cache, struct kept *kept)
{
	if (kept->older != NULL)
		kept->older->younger = kept->younger;
	else
		cache->oldest = kept->younger;
	if (kept->younger != NULL)
		kept->younger->older = kept->older;
	else
		cache->youngest = kept->older;
	tdelete(kept, &cache->tree, compare);
	cache->count--;
	cache->items -= kept->items.count;
	kept_free(cache, kept);
}

void
ldap_cache_free(struct ldap_cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->oldest != NULL)
		drop(cache, cache->oldest);
	pthread_mutex_destroy(&cache->lock);
	mem_free(cache);
}

bool
ldap_cache_find(struct ldap_cache *cache, const char *key, int64_t now_ms,
	struct list *out)
{
	const struct kept wanted = { .key = (char *)key };
	struct kept **node;
	void *item;
	bool known;

	pthread_mutex_lock(&cache->lock);
	node = tfind(&wanted, &cache->tree, compare);
	known = node != NULL && now_ms < (*node)->until_ms;
	if (known)
		LIST_FOREACH (item, &(*node)->items)
			list_add(out, cache->copy(item));
	pthread_mutex_unlock(&cache->lock);
	return known;
}

/* Also what nobody may use any more. */
static void
make_room(struct ldap_cache *cache, size_t items, int64_t now_ms)
{
	while (cache->oldest != NULL &&
		(now_ms >= cache->oldest->until_ms ||
			cache->count >= LDAP_CACHE_MAX ||
			cache->items + items > LDAP_CACHE_CERTS_MAX))
		drop(cache, cache->oldest);
}

static void
add(struct ldap_cache *cache, const char *key, int64_t until_ms,
	const struct list *items)
{
	struct kept *kept = mem_alloc(sizeof(*kept));
	void *item;

	kept->key = mem_string(key);
	kept->until_ms = until_ms;
	if (tsearch(kept, &cache->tree, compare) == NULL) {
		kept_free(cache, kept);
		return; /* no memory: then it is asked again */
	}
	LIST_FOREACH (item, items)
		list_add(&kept->items, cache->copy(item));
	kept->older = cache->youngest;
	if (cache->youngest != NULL)
		cache->youngest->younger = kept;
	else
		cache->oldest = kept;
	cache->youngest = kept;
	cache->count++;
	cache->items += items->count;
}

void
ldap_cache_keep(struct ldap_cache *cache, const char *key, int64_t now_ms,
	const struct list *items)
{
	const struct kept wanted = { .key = (char *)key };
	int64_t ms = items->count != 0 ? cache->ms : cache->negative_ms;
	struct kept **node;

	pthread_mutex_lock(&cache->lock);
	node = tfind(&wanted, &cache->tree, compare);
	if (node != NULL)
		drop(cache, *node);
	make_room(cache, items->count, now_ms);
	if (ms != 0 && items->count <= LDAP_CACHE_CERTS_MAX)
		add(cache, key, now_ms + ms, items);
	pthread_mutex_unlock(&cache->lock);
}
