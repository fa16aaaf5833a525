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
	struct list certs; /* struct cert * */
	int64_t until_ms;
	struct kept *older, *younger;
};

struct ldap_cache {
	pthread_mutex_t lock;
	void *tree; /* tsearch(3) of struct kept * */
	struct kept *oldest, *youngest;
	size_t count, certs;
	int64_t ms, negative_ms;
};

static int
compare(const void *left, const void *right)
{
	const struct kept *a = left, *b = right;

	return strcmp(a->key, b->key);
}

struct ldap_cache *
ldap_cache_new(unsigned seconds, unsigned negative_seconds)
{
	struct ldap_cache *cache = mem_alloc(sizeof(*cache));

	pthread_mutex_init(&cache->lock, NULL);
	cache->ms = (int64_t)seconds * 1000;
	cache->negative_ms = (int64_t)negative_seconds * 1000;
	return cache;
}

static void
kept_free(struct kept *kept)
{
	list_clear(&kept->certs, cert_unref);
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
	cache->certs -= kept->certs.count;
	kept_free(kept);
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
	struct cert *cert;
	bool known;

	pthread_mutex_lock(&cache->lock);
	node = tfind(&wanted, &cache->tree, compare);
	known = node != NULL && now_ms < (*node)->until_ms;
	if (known)
		LIST_FOREACH (cert, &(*node)->certs)
			list_add(out, cert_ref(cert));
	pthread_mutex_unlock(&cache->lock);
	return known;
}

/* Also what nobody may use any more. */
static void
make_room(struct ldap_cache *cache, size_t certs, int64_t now_ms)
{
	while (cache->oldest != NULL &&
		(now_ms >= cache->oldest->until_ms ||
			cache->count >= LDAP_CACHE_MAX ||
			cache->certs + certs > LDAP_CACHE_CERTS_MAX))
		drop(cache, cache->oldest);
}

static void
add(struct ldap_cache *cache, const char *key, int64_t until_ms,
	const struct list *certs)
{
	struct kept *kept = mem_alloc(sizeof(*kept));
	struct cert *cert;

	kept->key = mem_string(key);
	kept->until_ms = until_ms;
	if (tsearch(kept, &cache->tree, compare) == NULL) {
		kept_free(kept);
		return; /* no memory: then it is asked again */
	}
	LIST_FOREACH (cert, certs)
		list_add(&kept->certs, cert_ref(cert));
	kept->older = cache->youngest;
	if (cache->youngest != NULL)
		cache->youngest->younger = kept;
	else
		cache->oldest = kept;
	cache->youngest = kept;
	cache->count++;
	cache->certs += certs->count;
}

void
ldap_cache_keep(struct ldap_cache *cache, const char *key, int64_t now_ms,
	const struct list *certs)
{
	const struct kept wanted = { .key = (char *)key };
	int64_t ms = certs->count != 0 ? cache->ms : cache->negative_ms;
	struct kept **node;

	pthread_mutex_lock(&cache->lock);
	node = tfind(&wanted, &cache->tree, compare);
	if (node != NULL)
		drop(cache, *node);
	make_room(cache, certs->count, now_ms);
	if (ms != 0 && certs->count <= LDAP_CACHE_CERTS_MAX)
		add(cache, key, now_ms + ms, certs);
	pthread_mutex_unlock(&cache->lock);
}
