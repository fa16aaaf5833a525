#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cert/internal.h"

void
index_add(struct cert_index *index, const unsigned char *key, size_t item)
{
	if (index->count == index->size) {
		index->size = index->size ? index->size * 2 : 16;
		index->row =
			mem_grow(index->row, index->size, sizeof(*index->row));
	}
	memcpy(index->row[index->count].key, key, INDEX_KEY_BYTES);
	index->row[index->count++].item = item;
}

/* Rows of one key keep the order in which they were added. */
static int
compare(const void *a, const void *b)
{
	const struct index_row *x = a, *y = b;
	int order = memcmp(x->key, y->key, INDEX_KEY_BYTES);

	if (order != 0)
		return order;
	return (x->item > y->item) - (x->item < y->item);
}

void
index_sort(struct cert_index *index)
{
	if (index->count != 0)
		qsort(index->row, index->count, sizeof(*index->row), compare);
}

size_t
index_find(const struct cert_index *index, const unsigned char *key)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(index->row[middle].key, key, INDEX_KEY_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return index_row_is(index, low, key) ? low : index->count;
}

bool
index_row_is(
	const struct cert_index *index, size_t row, const unsigned char *key)
{
	return row < index->count &&
	       memcmp(index->row[row].key, key, INDEX_KEY_BYTES) == 0;
}

void
index_clear(struct cert_index *index)
{
	mem_free(index->row);
	*index = (struct cert_index){ 0 };
}
