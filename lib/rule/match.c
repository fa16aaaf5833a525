/* Which rule is it? */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rule/internal.h"

void
rule_clear(struct rule *rule)
{
	mem_free(rule->name);
	list_clear(&rule->senders, pattern_free);
	list_clear(&rule->recipients, pattern_free);
	list_clear(&rule->clients, mem_free);
	trigger_clear(&rule->trigger);
	table_free(rule->table);
	*rule = (struct rule){ 0 };
}

static const struct pattern *
find_pattern(const struct list *patterns, const struct address *address)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, patterns)
		if (pattern_match(pattern, address))
			return pattern;
	return NULL;
}

/* "a@b or *@c or 3 more": enough to find the rule. */
static const char *
patterns_words(const struct list *patterns, char *space, size_t size)
{
	enum { NAMED_MAX = 3 };
	size_t len = 0;

	space[0] = '\0';
	for (size_t i = 0; i < patterns->count && len < size; i++) {
		if (i == NAMED_MAX) {
			snprintf(space + len, size - len, " or %zu more",
				patterns->count - i);
			break;
		}
		len += (size_t)snprintf(space + len, size - len, "%s%s",
			i ? " or " : "", pattern_text(patterns->item[i]));
	}
	return space;
}

static int
no_match(const struct rule *rule, struct trace *trace, const char *what,
	const struct address *address, const struct list *patterns)
{
	char space[512];

	if (trace != NULL)
		trace_add(trace, "rule %s does not apply: %s <%s> is not %s",
			rule->name, what, address->text,
			patterns_words(patterns, space, sizeof(space)));
	return 0;
}

/* Of a sign rule the table is one of senders, of an encrypt rule it is not. */
static bool
is_sender(const struct rule *rule, const struct table *table,
	const struct address *address)
{
	if (rule->senders.count != 0 &&
		find_pattern(&rule->senders, address) == NULL)
		return false;
	return table == NULL || table_find(table, address) != NULL;
}

static int
no_sender(const struct rule *rule, const struct table *table,
	struct trace *trace, const char *what, const struct address *address)
{
	if (table == NULL)
		return no_match(rule, trace, what, address, &rule->senders);
	trace_add(trace, "rule %s does not apply: %s <%s> is not in its table",
		rule->name, what, address->text);
	return 0;
}

/*
 * The one mailbox of From.  With several, any of them or MAIL FROM, so that
 * nobody slips past a rule by adding one; without From, MAIL FROM.
 */
static int
match_sender(const struct rule *rule, const struct table *table,
	const struct sender *sender, struct trace *trace)
{
	const struct list *from = sender->from;
	bool have_from = sender->known && from != NULL && from->count != 0;
	const struct address *address;

	if (rule->senders.count == 0 && table == NULL)
		return 1;
	if (have_from) {
		LIST_FOREACH (address, from)
			if (is_sender(rule, table, address))
				return 1;
		if (sender->single)
			return no_sender(
				rule, table, trace, "From", from->item[0]);
	}
	if (is_sender(rule, table, sender->mail_from))
		return 1;
	return no_sender(rule, table, trace,
		have_from ? "no mailbox of From, and MAIL FROM" : "MAIL FROM",
		sender->mail_from);
}

static int
match_client(const struct rule *rule, const struct client *client,
	struct trace *trace)
{
	char space[CLIENT_WORDS_SIZE];

	if (rule->clients.count == 0 ||
		client_admitted(&rule->clients, client) != NULL)
		return 1;
	trace_add(trace,
		"rule %s does not apply: the client (%s) is none of "
		"its clients",
		rule->name, client_words(client, space, sizeof(space)));
	return 0;
}

int
rule_match_recipient(const struct rule *rule, const struct address *recipient,
	struct trace *trace)
{
	if (rule->recipients.count != 0 &&
		find_pattern(&rule->recipients, recipient) == NULL)
		return no_match(
			rule, trace, "recipient", recipient, &rule->recipients);
	if (rule->table == NULL || table_find(rule->table, recipient) != NULL)
		return 1;
	trace_add(trace,
		"rule %s does not apply: recipient <%s> is not in its table",
		rule->name, recipient->text);
	return 0;
}

int
rule_match_sign(const struct rule *rule, const struct sender *sender,
	const struct client *client, const struct content *content,
	struct trace *trace)
{
	int matches = match_sender(rule, rule->table, sender, trace);

	if (matches == 1)
		matches = trigger_match(rule, client, content, trace);
	if (matches == 1)
		trace_add(trace, "sign rule %s applies", rule->name);
	return matches;
}

int
rule_match_conditions(const struct rule *rule, const struct sender *sender,
	const struct client *client, const struct content *content,
	struct trace *trace)
{
	if (match_sender(rule, NULL, sender, trace) != 1 ||
		match_client(rule, client, trace) != 1)
		return 0;
	return trigger_match(rule, client, content, trace);
}

bool
rule_trigger_counts(const struct rule *rule, const struct table *senders,
	const struct sender *sender, const struct client *client)
{
	return rule_has_trigger(rule) && rule_admission(rule, client) != NULL &&
	       match_sender(rule, senders, sender, NULL) == 1;
}

int
rule_match_inbound(const struct rule *rule, const struct address *recipient,
	struct trace *trace)
{
	if (find_pattern(&rule->recipients, recipient) == NULL)
		return no_match(
			rule, trace, "recipient", recipient, &rule->recipients);
	trace_add(trace, "inbound rule %s applies to <%s>", rule->name,
		recipient->text);
	return 1;
}
