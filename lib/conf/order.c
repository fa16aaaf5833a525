/* Rules in an order that leaves less to one of them than it seems. */
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

static bool
is_sign(const struct rule_draft *draft)
{
	return strcmp(draft->list, "sign") == 0;
}

static bool
covers(const struct list *broad, const struct pattern *narrow)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, broad)
		if (pattern_covers(pattern, narrow))
			return true;
	return false;
}

static bool
covers_all(const struct list *broad, const struct list *narrow)
{
	const struct pattern *pattern;

	if (broad->count == 0)
		return true; /* everybody */
	LIST_FOREACH (pattern, narrow)
		if (!covers(broad, pattern))
			return false;
	return narrow->count != 0;
}

/* Of the same list, and the first decides whatever the mail says. */
static bool
is_plain(const struct rule_draft *first, const struct rule_draft *second)
{
	return strcmp(first->list, second->list) == 0 &&
	       !rule_has_trigger(first->made) && first->made->table == NULL;
}

/* Whenever the second matches, the first does. */
static bool
comes_first(const struct rule_draft *first, const struct rule_draft *second)
{
	if (!is_plain(first, second))
		return false;
	if (is_sign(first))
		return covers_all(
			&first->made->senders, &second->made->senders);
	return first->made->clients.count == 0 &&
	       covers_all(&first->made->senders, &second->made->senders) &&
	       covers_all(&first->made->recipients, &second->made->recipients);
}

/* ---- the names of a table ---- */

/* All that the name stands for gets to the first rule. */
static bool
takes_name(const struct rule_draft *first, const struct rule_draft *second,
	const char *name)
{
	bool sign = is_sign(second);
	const struct list *broad =
		sign ? &first->made->senders : &first->made->recipients;
	struct pattern *pattern = NULL;
	bool takes;

	if (!is_plain(first, second) ||
		(!sign && (first->made->clients.count != 0 ||
				  !covers_all(&first->made->senders,
					  &second->made->senders))))
		return false;
	if (broad->count == 0)
		return true;
	takes = pattern_new(name, &pattern, NULL) == 0 &&
		covers(broad, pattern);
	pattern_free(pattern);
	return takes;
}

static void
check_table(struct reader *reader, const struct rule_draft *before,
	const struct rule_draft *draft)
{
	struct list names = { 0 };
	const char *name, *first = NULL;
	size_t taken = 0;

	table_list(draft->made->table, &names);
	LIST_FOREACH (name, &names) {
		if (!takes_name(before, draft, name))
			continue;
		first = first != NULL ? first : name;
		taken++;
	}
	if (taken != 0)
		report_warning(reader, draft->at,
			"%zu of the %zu names in the table of rule \"%s\" can "
			"never apply (such as %s): rule \"%s\" above it "
			"matches them",
			taken, names.count, draft->made->name, first,
			before->made->name);
	list_clear(&names, mem_free);
}

/* ---- rules that share some addresses ---- */

/* Is there an address that a pattern of each list matches? */
static bool
meet(const struct list *a, const struct list *b)
{
	const struct pattern *one, *other;

	if (a->count == 0 || b->count == 0)
		return true;
	LIST_FOREACH (one, a)
		LIST_FOREACH (other, b)
			if (pattern_meets(one, other))
				return true;
	return false;
}

/*
 * The narrower before the broader is as it should be; rules of which neither
 * is that are an accident more often than not.
 */
static void
check_overlap(struct reader *reader, const struct rule_draft *before,
	const struct rule_draft *draft)
{
	const struct rule *first = before->made, *second = draft->made;

	if (!is_plain(before, draft) || rule_has_trigger(second) ||
		(!is_sign(draft) && (first->clients.count != 0 ||
					    second->clients.count != 0)) ||
		comes_first(draft, before) ||
		!meet(&first->senders, &second->senders) ||
		!meet(&first->recipients, &second->recipients))
		return;
	report_warning(reader, draft->at,
		"rules \"%s\" and \"%s\" overlap: what both match goes by "
		"\"%s\", which stands above",
		first->name, second->name, first->name);
}

void
check_rule_order(struct reader *reader, const struct rule_draft *draft)
{
	const struct rule_draft *before;

	LIST_FOREACH (before, &reader->drafts) {
		if (before == draft)
			return;
		if (comes_first(before, draft)) {
			report_warning(reader, draft->at,
				"rule \"%s\" can never apply: rule \"%s\" "
				"above it matches everything it matches",
				draft->made->name, before->made->name);
			return;
		}
		if (draft->made->table != NULL)
			check_table(reader, before, draft);
		else
			check_overlap(reader, before, draft);
	}
}
