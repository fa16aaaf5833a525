#include "base/list.h"

#include <stdlib.h>

#include "base/mem.h"

void
list_add(struct list *list, void *item)
{
	if (list->count == list->size) {
		list->size = list->size ? list->size * 2 : 8;
		list->item = mem_grow(list->item, list->size, sizeof(void *));
	}
	list->item[list->count++] = item;
}

void
list_clear(struct list *list, void (*free_item)(void *))
{
	for (size_t i = 0; free_item != NULL && i < list->count; i++)
		free_item(list->item[i]);
	free(list->item);
	*list = (struct list){ 0 };
}
