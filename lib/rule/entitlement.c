/*
 * Who may have a signature: the gate that keeps outsiders and colleagues from
 * getting one for somebody else's address.
 */
#include <string.h>

#include "rule/internal.h"

static const struct client_condition authenticated = {
	.kind = CLIENT_AUTHENTICATED
};
static const struct client_condition local = { .kind = CLIENT_LOCAL };

const struct client_condition *
rule_admission(const struct rule *rule, const struct client *client)
{
	if (rule->clients.count != 0)
		return client_admitted(&rule->clients, client);
	if (client_has_login(client))
		return &authenticated;
	return client->local ? &local : NULL;
}

bool
rule_client_is_ours(const struct rule *rule, const struct client *client)
{
	return rule_admission(rule, client) != NULL;
}

static enum from_must_be
what_is_asked(const struct rule *rule, const struct client_condition *by)
{
	if (rule->from_must_be != FROM_BY_CLIENT)
		return rule->from_must_be;
	return by->kind == CLIENT_NETWORK ? FROM_ANY : FROM_ENVELOPE;
}

/*
 * The first address the mail claims to be from that is not the client's own,
 * or NULL.  Without From, MAIL FROM is what it claims.
 */
static const struct address *
find_foreign(const struct sender *sender, const struct client *client,
	const struct login_map *map, enum from_must_be asked)
{
	const struct address *address;

	if (!sender->known || sender->from == NULL || sender->from->count == 0)
		return asked == FROM_LOGIN && !login_owns(map, client->login,
						      sender->mail_from)
			       ? sender->mail_from
			       : NULL;
	LIST_FOREACH (address, sender->from)
		if (asked == FROM_LOGIN
				? !login_owns(map, client->login, address)
				: !addr_equal(address, sender->mail_from))
			return address;
	return NULL;
}

static enum entitlement
not_entitled(struct error *why, const char *text)
{
	error_set(why, ERROR_TRUST, "%s", text);
	return NOT_ENTITLED;
}

static enum entitlement
check_from(const struct sender *sender, const struct client *client,
	const struct login_map *map, enum from_must_be asked, struct error *why)
{
	const struct address *foreign;

	if (asked == FROM_LOGIN && !client_has_login(client))
		return not_entitled(why,
			"the rule asks for a login, and the client has none");
	if (asked == FROM_ANY)
		return ENTITLED;
	foreign = find_foreign(sender, client, map, asked);
	if (foreign == NULL)
		return ENTITLED;
	if (asked == FROM_LOGIN)
		error_set(why, ERROR_TRUST,
			"From <%s> does not belong to the login \"%s\"",
			foreign->text, client->login);
	else
		error_set(why, ERROR_TRUST, "From <%s> is not MAIL FROM <%s>",
			foreign->text, sender->mail_from->text);
	return NOT_THE_SENDER;
}

enum entitlement
rule_entitlement(const struct rule *rule, const struct sender *sender,
	const struct client *client, const struct login_map *map,
	struct error *why)
{
	const struct client_condition *by;
	char space[CLIENT_WORDS_SIZE];

	if (sender->mail_from->key[0] == '\0')
		return not_entitled(why, "delivery reports and other mail "
					 "from <> are not signed");
	by = rule_admission(rule, client);
	if (by == NULL) {
		error_set(why, ERROR_TRUST,
			"the client (%s) is none of the clients of rule %s",
			client_words(client, space, sizeof(space)), rule->name);
		return NOT_ENTITLED;
	}
	return check_from(sender, client, map, what_is_asked(rule, by), why);
}
