/*
 * All lists.  Mails look into a set that never changes; whoever brings a new
 * list makes a new set and puts it into the place of the old one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "trust/internal.h"

static int
by_hash(const void *a, const void *b)
{
	const struct crl_row *one = a, *two = b;

	return (one->hash > two->hash) - (one->hash < two->hash);
}

/* Takes over the lists. */
static struct crl_set *
make(struct list *crls)
{
	struct crl_set *set = mem_alloc(sizeof(*set));
	struct crl *crl;

	atomic_init(&set->references, 1);
	set->crls = *crls;
	*crls = (struct list){ 0 };
	set->row = mem_array(set->crls.count + 1, sizeof(*set->row));
	LIST_FOREACH (crl, &set->crls) {
		int hashed = 0;

		set->row[crl_i].crl = crl;
		set->row[crl_i].hash = X509_NAME_hash_ex(
			X509_CRL_get_issuer(crl->x509), NULL, NULL, &hashed);
		set->unsorted |= !hashed;
	}
	qsort(set->row, set->crls.count, sizeof(*set->row), by_hash);
	return set;
}

struct crl_set *
set_get(struct trust *trust, uint64_t *generation)
{
	struct crl_set *set;

	pthread_mutex_lock(&trust->lock);
	set = trust->set;
	if (set != NULL)
		atomic_fetch_add(&set->references, 1);
	if (generation != NULL)
		*generation = trust->generation;
	pthread_mutex_unlock(&trust->lock);
	return set;
}

void
set_unref(struct crl_set *set)
{
	if (set == NULL || atomic_fetch_sub(&set->references, 1) != 1)
		return;
	list_clear(&set->crls, crl_unref);
	mem_free(set->row);
	mem_free(set);
}

size_t
set_find(const struct crl_set *set, unsigned long hash)
{
	size_t low = 0, high = set->crls.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->row[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
put(struct trust *trust, struct list *crls)
{
	struct crl_set *set = make(crls), *old;
	uint64_t generation;

	pthread_mutex_lock(&trust->lock);
	old = trust->set;
	trust->set = set;
	generation = ++trust->generation;
	pthread_mutex_unlock(&trust->lock);
	cache_empty(&trust->cache, generation);
	set_unref(old);
}

static bool
is_same(const struct crl *a, const struct crl *b)
{
	if (a->file != NULL || b->file != NULL)
		return a->file != NULL && b->file != NULL &&
		       strcmp(a->file, b->file) == 0;
	return strcmp(a->sha256, b->sha256) == 0 &&
	       strcmp(a->source, b->source) == 0;
}

static bool
is_replaced(const struct crl *crl, const struct list *crls)
{
	const struct crl *one;

	LIST_FOREACH (one, crls)
		if (is_same(one, crl))
			return true;
	return false;
}

/* A file may hold several. */
static bool
is_there(const struct crl *crl, const struct list *crls)
{
	const struct crl *one;

	LIST_FOREACH (one, crls)
		if (is_same(one, crl) && strcmp(one->sha256, crl->sha256) == 0)
			return true;
	return false;
}

void
set_add(struct trust *trust, struct list *crls)
{
	struct crl_set *old = set_get(trust, NULL);
	static const struct list none;
	const struct list *before = old != NULL ? &old->crls : &none;
	struct list all = { 0 };
	struct crl *crl;

	LIST_FOREACH (crl, before)
		if (!is_replaced(crl, crls))
			list_add(&all, crl_ref(crl));
	LIST_FOREACH (crl, crls) {
		if (is_there(crl, &all))
			crl_unref(crl);
		else
			list_add(&all, crl);
	}
	list_clear(crls, NULL);
	put(trust, &all);
	set_unref(old);
}

static bool
is_named(const struct crl *crl, const struct list *names)
{
	const char *name;

	LIST_FOREACH (name, names)
		if (strcmp(name, crl->file) == 0)
			return true;
	return false;
}

void
set_keep_files(struct trust *trust, const struct list *names)
{
	struct crl_set *old = set_get(trust, NULL);
	struct list all = { 0 };
	struct crl *crl;

	if (old == NULL)
		return;
	LIST_FOREACH (crl, &old->crls)
		if (!crl->on_disk || is_named(crl, names))
			list_add(&all, crl_ref(crl));
	if (all.count != old->crls.count)
		put(trust, &all);
	list_clear(&all, crl_unref);
	set_unref(old);
}
