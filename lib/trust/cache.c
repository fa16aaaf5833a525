#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trust/internal.h"

void
cache_init(struct cache *cache)
{
	pthread_mutex_init(&cache->lock, NULL);
	cache->place = mem_array(CACHE_PLACES, sizeof(*cache->place));
}

void
cache_clear(struct cache *cache)
{
	mem_free(cache->place);
	pthread_mutex_destroy(&cache->lock);
}

static struct verdict *
place_of(struct cache *cache, const char *sha256)
{
	char head[9] = "";

	memcpy(head, sha256, 8);
	return &cache->place[strtoul(head, NULL, 16) % CACHE_PLACES];
}

bool
cache_has(struct cache *cache, const char *sha256, time_t when)
{
	const struct verdict *verdict;
	bool has;

	pthread_mutex_lock(&cache->lock);
	verdict = place_of(cache, sha256);
	has = strcmp(verdict->sha256, sha256) == 0 && when >= verdict->from &&
	      when <= verdict->until;
	pthread_mutex_unlock(&cache->lock);
	return has;
}

void
cache_put(struct cache *cache, const struct verdict *verdict)
{
	pthread_mutex_lock(&cache->lock);
	*place_of(cache, verdict->sha256) = *verdict;
	pthread_mutex_unlock(&cache->lock);
}
