/* Which rule is a recipient's? */
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"

/*
 * "bob%partner.example@here" and "partner.example!bob@here": where an MTA
 * takes "here" for itself, it routes them on to bob@partner.example.  That
 * address, or NULL when there is no such reading.
 */
static struct address *
routed_reading(const struct address *recipient)
{
	const char *key = recipient->key, *at = strrchr(key, '@');
	struct address *reading = NULL;
	const char *percent, *bang;
	char *text = NULL;

	if (at == NULL)
		return NULL;
	percent = memrchr(key, '%', (size_t)(at - key));
	bang = memchr(key, '!', (size_t)(at - key));
	if (percent != NULL)
		text = mem_printf("%.*s@%.*s", (int)(percent - key), key,
			(int)(at - percent - 1), percent + 1);
	else if (bang != NULL)
		text = mem_printf("%.*s@%.*s", (int)(at - bang - 1), bang + 1,
			(int)(bang - key), key);
	if (text == NULL || addr_parse(text, &reading, NULL) != 0)
		reading = NULL;
	mem_free(text);
	return reading;
}

const struct encrypt_rule *
encrypt_rule_for(const struct gateway *gateway, const struct sender *sender,
	const struct client *client, const struct address *recipient,
	struct trace *trace)
{
	struct address *routed = routed_reading(recipient);
	const struct encrypt_rule *rule, *found = NULL;

	LIST_FOREACH (rule, &gateway->encrypt_rules)
		if (rule_match_encrypt(&rule->rule, sender, client, recipient,
			    trace) == 1 ||
			(routed != NULL &&
				rule_match_encrypt(&rule->rule, sender, client,
					routed, trace) == 1)) {
			found = rule;
			break;
		}
	address_free(routed);
	return found;
}

/*
 * No routed reading here: who is mentioned in another's address gets nothing
 * opened for him.
 */
const struct inbound_rule *
inbound_rule_for(const struct gateway *gateway, const struct address *recipient,
	struct trace *trace)
{
	const struct inbound_rule *rule;

	LIST_FOREACH (rule, &gateway->inbound_rules)
		if (rule_match_inbound(&rule->rule, recipient, trace) == 1)
			return rule;
	return NULL;
}

bool
recipient_is_internal(
	const struct gateway *gateway, const struct address *recipient)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, &gateway->internal)
		if (pattern_match(pattern, recipient))
			return true;
	return false;
}
