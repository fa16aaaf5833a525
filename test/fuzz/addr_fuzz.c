/*
 * Addresses as hostile senders write them.  What the parser takes must be an
 * address again, with the same key, when it is written down and read.
 */
#include <stdlib.h>
#include <string.h>

#include "addr/addr.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void
check(const struct address *address)
{
	struct address *again = NULL;
	struct list list = { 0 };
	struct error err = { 0 };

	if (strlen(address->text) > ADDR_MAX_BYTES ||
		address->key[strcspn(address->key, "\r\n")] != '\0')
		abort();
	if (addr_parse_path(span_string(address->text), &again, &err) != 0 ||
		!addr_equal(address, again))
		abort();
	address_free(again);
	if (strchr(address->text, '@') == NULL)
		return;
	if (addr_parse_mailboxes(span_string(address->key), &list, &err) == 0 &&
		(list.count != 1 || !addr_equal(list.item[0], address)))
		abort();
	list_clear(&list, address_free);
}

/* The first line is a pattern for what is found in the rest. */
static void
match(const char *text, const struct list *found)
{
	struct pattern *pattern = NULL;
	const struct address *address;

	if (pattern_new(text, &pattern, NULL) != 0)
		return;
	LIST_FOREACH (address, found)
		if (pattern_match(pattern, address) &&
			!pattern_has_wildcard(pattern) &&
			strchr(address->key, '@') == NULL)
			abort();
	if (!pattern_covers(pattern, pattern))
		abort();
	pattern_free(pattern);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span text = span_of(data, size);
	struct list found = { 0 };
	struct address *path = NULL;
	const struct address *address;
	const unsigned char *end = size ? memchr(data, '\n', size) : NULL;
	char *first = mem_string_n(data, end ? (size_t)(end - data) : size);
	struct error err = { 0 };

	if (addr_parse_mailboxes(text, &found, &err) != 0 &&
		err.kind != ERROR_FORMAT && err.kind != ERROR_LIMIT)
		abort();
	if (found.count > ADDR_LIST_MAX)
		abort();
	LIST_FOREACH (address, &found)
		check(address);
	if (addr_parse_path(text, &path, &err) == 0) {
		if (path->text[0] != '\0')
			check(path);
		address_free(path);
	}
	match(first, &found);
	list_clear(&found, address_free);
	mem_free(first);
	return 0;
}
