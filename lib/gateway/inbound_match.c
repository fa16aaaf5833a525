/* Whose inbound rules, and what do they ask for when taken together? */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"

enum { NAMES_SIZE = 200 };

static void
add_entry(struct inbound_set *set, const struct address *address,
	const struct inbound_rule *rule)
{
	struct inbound_entry *entry = &set->entries[set->count++];

	*entry = (struct inbound_entry){ address, rule };
	set->open = set->open && rule != NULL && rule->keys.count != 0;
	set->strip = set->strip && rule != NULL && rule->strip_signature;
	if (rule == NULL)
		return;
	set->any = true;
	set->verify = set->verify || rule->verify;
	set->legacy = set->legacy && rule->legacy;
	set->weak_ok = set->weak_ok && rule->weak_ok;
	if (rule->undecryptable > set->undecryptable)
		set->undecryptable = rule->undecryptable;
	if (rule->bad_signature > set->bad_signature)
		set->bad_signature = rule->bad_signature;
}

static void
match_all(struct work *work)
{
	struct inbound_set *set = &work->inbound;
	const struct list *to = &work->mail->recipients;
	const struct address *recipient;

	*set = (struct inbound_set){
		.entries = mem_array(to->count + 1, sizeof(*set->entries)),
		.open = true,
		.legacy = true,
		.weak_ok = true,
		.strip = true,
	};
	if (work->run->by_hand != NULL) {
		add_entry(set, NULL, work->run->by_hand);
		return;
	}
	LIST_FOREACH (recipient, to)
		add_entry(set, recipient,
			inbound_rule_for(
				work->gateway, recipient, work_trace(work)));
}

static bool
is_used(const struct inbound_set *set, const struct inbound_rule *rule)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->entries[i].rule == rule)
			return true;
	return false;
}

static void
name_rules(struct work *work)
{
	const struct inbound_rule *rule;
	char names[NAMES_SIZE] = "";

	LIST_FOREACH (rule, &work->gateway->inbound_rules) {
		size_t len = strlen(names);

		if (len < sizeof(names) && is_used(&work->inbound, rule))
			snprintf(names + len, sizeof(names) - len, "%s%s",
				len != 0 ? "," : "", rule->rule.name);
	}
	work->outcome->inbound.rule = mem_string(names);
}

void
inbound_match(struct work *work)
{
	match_all(work);
	if (work->inbound.any)
		name_rules(work);
}

bool
inbound_fields_are_few(struct span entity)
{
	struct mime_entity parts;
	struct mime_field field;
	unsigned count = 0;

	mime_entity_split(entity, &parts);
	while (mime_field_next(&parts.header, &field) == 1)
		if (++count > INBOUND_FIELDS_MAX)
			return false;
	return true;
}
