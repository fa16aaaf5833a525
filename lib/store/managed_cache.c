/*
 * Parsed certificates and keys: decoding a key for every mail would take
 * eight times as long as signing with it.  Bounded; who was not asked for
 * longest makes room.  No file is touched under the lock.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "store/managed.h"

/* About 15 KB each with a key, when all are in use. */
enum { CACHE_CERTS = 8192, WAYS = 4, SETS = CACHE_CERTS / WAYS };

struct managed_cache {
	pthread_mutex_t lock;
	uint64_t clock; /* counts requests */
	struct place {
		char *path; /* NULL: an empty place */
		uint64_t used;
		struct managed_cached item;
	} place[SETS][WAYS];
};

int
managed_look(const char *path, struct managed_stamp *out, struct error *err)
{
	struct stat st;

	*out = (struct managed_stamp){ 0 };
	if (stat(path, &st) != 0) {
		/* Reading it says why, where it matters. */
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
			errno == EACCES)
			return 0;
		return error_set(err, ERROR_SYSTEM,
			"%s: cannot be examined: %s", path, strerror(errno));
	}
	*out = (struct managed_stamp){ .there = true,
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.changed = st.st_ctim,
		.modified = st.st_mtim };
	return 0;
}

static bool
is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
managed_is_same(const struct managed_stamp *a, const struct managed_stamp *b)
{
	return a->there == b->there && a->device == b->device &&
	       a->inode == b->inode && a->size == b->size &&
	       is_same_time(&a->changed, &b->changed) &&
	       is_same_time(&a->modified, &b->modified);
}

struct managed_cache *
managed_cache_new(void)
{
	struct managed_cache *cache = mem_alloc(sizeof(*cache));

	pthread_mutex_init(&cache->lock, NULL);
	return cache;
}

static void
empty(struct place *place)
{
	mem_free(place->path);
	cert_unref(place->item.cert);
	*place = (struct place){ 0 };
}

void
managed_cache_free(struct managed_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			empty(&cache->place[i][j]);
	pthread_mutex_destroy(&cache->lock);
	mem_free(cache);
}

static struct place *
set_of(struct managed_cache *cache, const char *path)
{
	uint64_t value = 14695981039346656037u; /* FNV-1a */

	for (; *path != '\0'; path++)
		value = (value ^ (unsigned char)*path) * 1099511628211u;
	return cache->place[(value ^ value >> 32) % SETS];
}

static struct place *
find(struct place *set, const char *path)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set[i].path != NULL && strcmp(set[i].path, path) == 0)
			return &set[i];
	return NULL;
}

/* An empty place was never used. */
static struct place *
least_used(struct place *set)
{
	struct place *least = &set[0];

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < least->used)
			least = &set[i];
	return least;
}

bool
managed_cache_get(struct managed_cache *cache, const char *path,
	struct managed_cached *out)
{
	struct place *place;

	pthread_mutex_lock(&cache->lock);
	place = find(set_of(cache, path), path);
	if (place != NULL) {
		place->used = ++cache->clock;
		*out = place->item;
		cert_ref(out->cert);
	}
	pthread_mutex_unlock(&cache->lock);
	return place != NULL;
}

void
managed_cache_put(struct managed_cache *cache, const char *path,
	const struct managed_cached *item)
{
	struct place *set = set_of(cache, path), *place, old;

	pthread_mutex_lock(&cache->lock);
	place = find(set, path);
	if (place == NULL)
		place = least_used(set);
	old = *place;
	*place = (struct place){ mem_string(path), ++cache->clock, *item };
	cert_ref(place->item.cert);
	pthread_mutex_unlock(&cache->lock);
	/* The last reference may be ours: not under the lock. */
	empty(&old);
}
