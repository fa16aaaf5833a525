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
	struct kept *younger;
};

struct ldap_cache {
	pthread_mutex_t lock;
	void *tree; /* tsearch(3) of struct kept * */
	struct kept *oldest, *youngest;
	size_t count;
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
set_certs(struct kept *kept, const struct list *certs)
{
	struct cert *cert;

	list_clear(&kept->certs, cert_unref);
	LIST_FOREACH (cert, certs)
		list_add(&kept->certs, cert_ref(cert));
}

static void
kept_free(struct kept *kept)
{
	list_clear(&kept->certs, cert_unref);
	mem_free(kept->key);
	mem_free(kept);
}

static void
drop_oldest(struct ldap_cache *cache)
{
	struct kept *kept = cache->oldest;

	cache->oldest = kept->younger;
	if (cache->oldest == NULL)
		cache->youngest = NULL;
	tdelete(kept, &cache->tree, compare);
	cache->count--;
	kept_free(kept);
}

void
ldap_cache_free(struct ldap_cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->oldest != NULL)
		drop_oldest(cache);
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

static struct kept *
add(struct ldap_cache *cache, const char *key)
{
	struct kept *kept;

	if (cache->count >= LDAP_CACHE_MAX)
		drop_oldest(cache);
	kept = mem_alloc(sizeof(*kept));
	kept->key = mem_string(key);
	if (tsearch(kept, &cache->tree, compare) == NULL) {
		kept_free(kept);
		return NULL; /* no memory: then it is asked again */
	}
	if (cache->youngest != NULL)
		cache->youngest->younger = kept;
	else
		cache->oldest = kept;
	cache->youngest = kept;
	cache->count++;
	return kept;
}

void
ldap_cache_keep(struct ldap_cache *cache, const char *key, int64_t now_ms,
	const struct list *certs)
{
	const struct kept wanted = { .key = (char *)key };
	int64_t ms = certs->count != 0 ? cache->ms : cache->negative_ms;
	struct kept **node, *kept;

	pthread_mutex_lock(&cache->lock);
	node = tfind(&wanted, &cache->tree, compare);
	kept = node != NULL ? *node : NULL;
	if (kept == NULL && ms != 0)
		kept = add(cache, key);
	if (kept != NULL) {
		set_certs(kept, certs);
		kept->until_ms = now_ms + ms;
	}
	pthread_mutex_unlock(&cache->lock);
}
