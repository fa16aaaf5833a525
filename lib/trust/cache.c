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

static void
forget(struct cache *cache)
{
	for (size_t i = 0; i < CACHE_PLACES; i++) {
		mem_free(cache->place[i].remark);
		cache->place[i] = (struct verdict){ .remark = NULL };
	}
}

void
cache_clear(struct cache *cache)
{
	forget(cache);
	mem_free(cache->place);
	pthread_mutex_destroy(&cache->lock);
}

void
cache_empty(struct cache *cache, uint64_t generation)
{
	pthread_mutex_lock(&cache->lock);
	if (generation > cache->generation) {
		cache->generation = generation;
		forget(cache);
	}
	pthread_mutex_unlock(&cache->lock);
}

static struct verdict *
place_of(struct cache *cache, const char *sha256, bool weak_ok)
{
	char head[9] = "";

	memcpy(head, sha256, 8);
	return &cache->place[(strtoul(head, NULL, 16) + weak_ok) %
			     CACHE_PLACES];
}

bool
cache_has(struct cache *cache, const char *sha256, bool weak_ok, time_t when,
	struct error *why)
{
	const struct verdict *verdict;
	bool has;

	pthread_mutex_lock(&cache->lock);
	verdict = place_of(cache, sha256, weak_ok);
	has = strcmp(verdict->sha256, sha256) == 0 &&
	      verdict->weak_ok == weak_ok && when >= verdict->from &&
	      when <= verdict->until;
	if (has && verdict->remark != NULL)
		error_set(why, ERROR_NONE, "%s", verdict->remark);
	pthread_mutex_unlock(&cache->lock);
	return has;
}

void
cache_put(
	struct cache *cache, const struct verdict *verdict, const char *remark)
{
	struct verdict *place;

	pthread_mutex_lock(&cache->lock);
	/* Lists may have come while it was being found. */
	if (verdict->generation == cache->generation) {
		place = place_of(cache, verdict->sha256, verdict->weak_ok);
		mem_free(place->remark);
		*place = *verdict;
		place->remark = remark[0] != '\0' ? mem_string(remark) : NULL;
	}
	pthread_mutex_unlock(&cache->lock);
}
