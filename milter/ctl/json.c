#include "json.h"

#include <stdio.h>

#include "base/mem.h"

json_t *
json_text(const char *text)
{
	json_t *value;
	char *ascii;

	if (text == NULL)
		return json_null();
	value = json_string(text);
	if (value != NULL)
		return value;
	ascii = mem_string(text);
	for (char *c = ascii; *c != '\0'; c++)
		if ((unsigned char)*c > 127)
			*c = '?';
	value = json_string(ascii);
	mem_free(ascii);
	return value;
}

json_t *
json_texts(const struct list *texts)
{
	json_t *array = json_array();
	const char *text;

	LIST_FOREACH (text, texts)
		json_array_append_new(array, json_text(text));
	return array;
}

void
json_answer(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(value);
}
