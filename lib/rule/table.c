/*
 * A table of addresses and domains: open addressing, at most half full, so
 * that a search takes as long among 100,000 names as among ten.  Its names are
 * the administrator's; what senders choose is only looked for.
 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "rule/internal.h"

enum { PLACES_MIN = 16 };

/*
 * The key of an address has its @ within, that of a domain ("@b.example")
 * begins with it, that of what is below one (".b.example") has none.
 */
struct place {
	char *key; /* NULL: empty */
	void *value;
};

struct table {
	struct place *place;
	size_t places, count;
};

struct table *
table_new(void)
{
	struct table *table = mem_alloc(sizeof(*table));

	table->places = PLACES_MIN;
	table->place = mem_array(table->places, sizeof(*table->place));
	return table;
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->places; i++)
		mem_free(table->place[i].key);
	mem_free(table->place);
	mem_free(table);
}

size_t
table_count(const struct table *table)
{
	return table->count;
}

static size_t
hash(struct span key)
{
	uint64_t value = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < key.len; i++)
		value = (value ^ key.data[i]) * 1099511628211u;
	return (size_t)(value ^ value >> 32);
}

/* Where it is, or the empty place where it would be. */
static struct place *
find_place(const struct table *table, struct span key)
{
	size_t mask = table->places - 1, at = hash(key) & mask;

	while (table->place[at].key != NULL &&
		!span_is(key, table->place[at].key))
		at = (at + 1) & mask;
	return &table->place[at];
}

static void
grow(struct table *table)
{
	struct table larger = { .places = 2 * table->places,
		.count = table->count };

	larger.place = mem_array(larger.places, sizeof(*larger.place));
	for (size_t i = 0; i < table->places; i++)
		if (table->place[i].key != NULL)
			*find_place(&larger, span_string(table->place[i].key)) =
				table->place[i];
	mem_free(table->place);
	*table = larger;
}

/* ---- names ---- */

static bool
is_for_all(const char *name)
{
	return strcmp(name, "*") == 0 || strcmp(name, "*@*") == 0;
}

/* "b.example" or "*@b.example"; what is below it: ".b.example", "*.b.example"
 */
static int
domain_to_key(const char *name, char **out, struct error *err)
{
	struct address *address = NULL;
	const char *domain = name;
	char *text;
	bool below;
	int result;

	if (strncmp(domain, "*@", 2) == 0)
		domain += 2;
	else if (*domain == '@')
		domain++;
	if (strncmp(domain, "*.", 2) == 0)
		domain++;
	below = *domain == '.';
	text = mem_printf("x@%s", domain + below);
	result = addr_parse(text, &address, err);
	if (result == 0)
		*out = mem_printf("%s%s", below ? "." : "@",
			strchr(address->key, '@') + 1);
	address_free(address);
	mem_free(text);
	return result;
}

static bool
is_domain(const char *name)
{
	return strchr(name, '@') == NULL || *name == '@' ||
	       strncmp(name, "*@", 2) == 0;
}

static int
name_to_key(const char *name, char **out, struct error *err)
{
	struct address *address = NULL;

	if (is_for_all(name)) {
		*out = mem_string("");
		return 0;
	}
	if (is_domain(name) && strpbrk(name + strspn(name, "*"), "*?") == NULL)
		return domain_to_key(name, out, err);
	if (strpbrk(name, "*?") != NULL)
		return error_set(err, ERROR_CONFIG,
			"here stand addresses and domains, and no patterns");
	if (addr_parse(name, &address, err) != 0)
		return -1;
	*out = mem_string(address->key);
	address_free(address);
	return 0;
}

bool
table_name_is_address(const char *name)
{
	return !is_for_all(name) && !is_domain(name);
}

int
table_add(struct table *table, const char *name, void *value, struct error *err)
{
	struct error why = { 0 };
	struct place *place;
	char *key = NULL;

	if (name_to_key(name, &key, &why) != 0)
		return error_set(
			err, ERROR_CONFIG, "\"%.100s\": %s", name, why.text);
	if (2 * (table->count + 1) > table->places)
		grow(table);
	place = find_place(table, span_string(key));
	if (place->key != NULL) {
		mem_free(key);
		return error_set(err, ERROR_CONFIG,
			"\"%.100s\" stands above already", name);
	}
	*place = (struct place){ key, value };
	table->count++;
	return 0;
}

void
table_list(const struct table *table, struct list *out)
{
	for (size_t i = 0; i < table->places; i++) {
		const char *key = table->place[i].key;

		if (key == NULL)
			continue;
		if (key[0] == '\0')
			list_add(out, mem_string("*@*"));
		else if (key[0] == '@')
			list_add(out, mem_printf("*%s", key));
		else if (key[0] == '.')
			list_add(out, mem_printf("*@*%s", key));
		else
			list_add(out, mem_string(key));
	}
}

/* The address, its domain, what that is below of, everybody. */
void *
table_find(const struct table *table, const struct address *address)
{
	const char *at = strrchr(address->key, '@');
	const struct place *place;

	if (at == NULL)
		return NULL;
	place = find_place(table, span_string(address->key));
	if (place->key == NULL)
		place = find_place(table, span_string(at));
	while (place->key == NULL && (at = strchr(at + 1, '.')) != NULL)
		place = find_place(table, span_string(at));
	if (place->key == NULL)
		place = find_place(table, SPAN(""));
	return place->key != NULL ? place->value : NULL;
}
