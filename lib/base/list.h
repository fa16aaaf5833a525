/* A growing array of pointers.  A zeroed one is empty. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stddef.h>

struct list {
	void **item;
	size_t count;
	size_t size;
};

void list_add(struct list *list, void *item);
/* Free every item with free_item (NULL: leave them), then the array. */
void list_clear(struct list *list, void (*free_item)(void *));

#define LIST_FOREACH(var, list)                                                \
	for (size_t var##_i = 0;                                               \
		var##_i < (list)->count && ((var) = (list)->item[var##_i], 1); \
		var##_i++)

#endif
