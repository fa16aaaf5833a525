/* Which addresses belong to a login. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rule/internal.h"

/* One "this login may use this address". */
struct grant {
	char *login;
	char *address; /* its key */
};

struct login_map {
	struct list grants; /* struct grant *, sorted */
};

/* Logins that are addresses compare as such, others byte for byte. */
static char *
login_key(const char *login)
{
	struct address *address = NULL;
	char *key;

	if (addr_parse(login, &address, NULL) != 0)
		return mem_string(login);
	key = mem_string(address->key);
	address_free(address);
	return key;
}

static void
grant_free(void *item)
{
	struct grant *grant = item;

	mem_free(grant->login);
	mem_free(grant->address);
	mem_free(grant);
}

static int
compare(const void *left, const void *right)
{
	const struct grant *a = *(struct grant *const *)left;
	const struct grant *b = *(struct grant *const *)right;
	int order = strcmp(a->login, b->login);

	return order != 0 ? order : strcmp(a->address, b->address);
}

void
login_map_free(struct login_map *map)
{
	if (map == NULL)
		return;
	list_clear(&map->grants, grant_free);
	mem_free(map);
}

static int
add_grant(struct login_map *map, const char *login, const char *text,
	struct error *err)
{
	struct address *address = NULL;
	struct grant *grant;

	if (strpbrk(text, "*?") != NULL)
		return error_set(err, ERROR_CONFIG,
			"\"%s\": here stand addresses, not patterns", text);
	if (addr_parse(text, &address, err) != 0)
		return error_prefix(err, "\"%s\": ", text);
	grant = mem_alloc(sizeof(*grant));
	grant->login = login_key(login);
	grant->address = mem_string(address->key);
	list_add(&map->grants, grant);
	address_free(address);
	return 0;
}

/* "login address ... # comment" */
static int
parse_line(struct login_map *map, char *line, struct error *err)
{
	char *login, *word, *rest = NULL;
	unsigned addresses = 0;

	login = strtok_r(line, " \t\r", &rest);
	if (login == NULL || login[0] == '#')
		return 0;
	while ((word = strtok_r(NULL, " \t\r", &rest)) != NULL &&
		word[0] != '#') {
		if (add_grant(map, login, word, err) != 0)
			return -1;
		addresses++;
	}
	return addresses != 0 ? 0
			      : error_set(err, ERROR_CONFIG,
					"login \"%s\" has no address behind it",
					login);
}

static int
parse_lines(struct login_map *map, struct span text, const char *path,
	struct error *err)
{
	for (unsigned number = 1; text.len != 0; number++) {
		const unsigned char *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;
		char *line = mem_string_n(text.data, len);
		int failed = strlen(line) != len ? error_set(err, ERROR_CONFIG,
							   "a NUL in the line")
						 : parse_line(map, line, err);

		mem_free(line);
		if (failed) {
			if (err != NULL)
				err->kind = ERROR_CONFIG;
			return error_prefix(err, "%s:%u: ", path, number);
		}
		len += end != NULL;
		text = span_of(text.data + len, text.len - len);
	}
	return 0;
}

int
login_map_parse(struct span text, const char *path, struct login_map **out,
	struct error *err)
{
	struct login_map *map = mem_alloc(sizeof(*map));

	if (parse_lines(map, text, path, err) != 0) {
		login_map_free(map);
		return -1;
	}
	if (map->grants.count != 0)
		qsort(map->grants.item, map->grants.count, sizeof(void *),
			compare);
	*out = map;
	return 0;
}

static bool
map_grants(const struct login_map *map, char *login, char *address)
{
	struct grant grant = { login, address };
	const struct grant *wanted = &grant;

	return map != NULL && map->grants.count != 0 &&
	       bsearch(&wanted, map->grants.item, map->grants.count,
		       sizeof(void *), compare) != NULL;
}

bool
login_owns(const struct login_map *map, const char *login,
	const struct address *address)
{
	char *key = login_key(login);
	bool owns = strcmp(key, address->key) == 0 ||
		    map_grants(map, key, address->key);

	mem_free(key);
	return owns;
}
