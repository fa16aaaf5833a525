/* What the files of this folder share. */
#ifndef RULE_INTERNAL_H
#define RULE_INTERNAL_H

#include "rule/rule.h"

enum { CLIENT_WORDS_SIZE = 80 };

bool client_has_login(const struct client *client);
const char *client_words(const struct client *client, char *space, size_t size);

/* By the rule's clients, or else authenticated and local; or NULL. */
const struct client_condition *rule_admission(
	const struct rule *rule, const struct client *client);

/* As for matching; the sender, the recipient and the client are dealt with. */
int trigger_match(const struct rule *rule, const struct client *client,
	const struct content *content, struct trace *trace);
void trigger_clear(struct trigger *trigger);

/* Is this address one of the login's? */
bool login_owns(const struct login_map *map, const char *login,
	const struct address *address);

#endif
