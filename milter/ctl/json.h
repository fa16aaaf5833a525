/* JSON: values that are never NULL, whatever bytes they are made from. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <jansson.h>

#include "base/list.h"

/* A string; null for NULL; bytes that are not UTF-8 become '?'. */
json_t *json_text(const char *text);
/* A list of char *. */
json_t *json_texts(const struct list *texts);
/* Print and release it. */
void json_answer(json_t *value);

#endif
