/* What the files of this folder share. */
#ifndef RULE_INTERNAL_H
#define RULE_INTERNAL_H

#include "rule/rule.h"

enum { CLIENT_WORDS_SIZE = 80 };

bool client_has_login(const struct client *client);
const char *client_words(const struct client *client, char *space, size_t size);

/* Is this address one of the login's? */
bool login_owns(const struct login_map *map, const char *login,
	const struct address *address);

#endif
