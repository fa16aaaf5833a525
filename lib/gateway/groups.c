/*
 * Who gets the very same mail?  The form of protection, its cipher and the
 * kind of key make a group, and who stands in neither To nor Cc has one alone:
 * every RecipientInfo shows its recipient to whoever can read the mail.
 */
#include "base/mem.h"
#include "gateway/split.h"

void
group_free(void *item)
{
	struct plan_group *group = item;

	mem_free(group->to);
	list_clear(&group->certs, cert_unref);
	mem_free(group);
}

static const struct encrypt_rule *
rule_of(const struct work *work, const struct plan_entry *entry)
{
	return entry->rule != NULL ? entry->rule : plan_first_rule(&work->plan);
}

const char *
groups_differ(const struct plan_entry *a, const struct plan_entry *b)
{
	if (a->rule != NULL && b->rule != NULL &&
		a->rule->cipher != b->rule->cipher)
		return "different ciphers";
	if (a->cert != NULL && b->cert != NULL &&
		cert_is_rsa(a->cert) != cert_is_rsa(b->cert))
		return "a CMS for RSA keys and one for others";
	return NULL;
}

bool
groups_have_hidden(const struct work *work)
{
	const struct plan_set *plan = &work->plan;
	bool several = false, hidden = false;

	for (size_t i = 0; i < plan->count; i++) {
		const struct address *one = plan->entries[i].address;

		several = several || !addr_equal(one, plan->entries[0].address);
		hidden = hidden || !facts_is_reader(&work->facts, one);
	}
	return several && hidden;
}

static bool
belongs_to(const struct plan_group *group, const struct plan_group *wanted)
{
	if (group->rule == NULL || wanted->rule == NULL)
		return group->rule == wanted->rule;
	if (group->alone != NULL || wanted->alone != NULL)
		return group->alone != NULL && wanted->alone != NULL &&
		       addr_equal(group->alone, wanted->alone);
	return group->rule->cipher == wanted->rule->cipher &&
	       group->rsa == wanted->rsa;
}

static struct plan_group
group_wanted(const struct work *work, const struct plan_entry *entry,
	bool some_hidden)
{
	struct plan_group wanted = { 0 };

	if (entry->clear)
		return wanted;
	wanted.rule = rule_of(work, entry);
	if (!work->plan.split)
		return wanted;
	wanted.rsa = cert_is_rsa(entry->cert);
	if (some_hidden && !facts_is_reader(&work->facts, entry->address))
		wanted.alone = entry->address;
	return wanted;
}

static struct plan_group *
find_group(struct list *groups, const struct plan_group *wanted)
{
	struct plan_group *group;

	LIST_FOREACH (group, groups)
		if (belongs_to(group, wanted))
			return group;
	group = mem_alloc(sizeof(*group));
	*group = *wanted;
	list_add(groups, group);
	return group;
}

/* So that an MTA that forgets nobody sends no secret in clear. */
static void
keep_no_clear_one(struct list *groups)
{
	const struct plan_group *first = groups->item[0];

	if (first->rule != NULL || groups->count == 1)
		return;
	groups->item[0] = groups->item[1];
	groups->item[1] = (void *)first;
}

void
groups_make(struct work *work)
{
	struct plan_set *plan = &work->plan;
	bool some_hidden = plan->split && groups_have_hidden(work);

	for (size_t i = 0; i < plan->count; i++) {
		struct plan_entry *entry = &plan->entries[i];
		struct plan_group wanted =
			group_wanted(work, entry, some_hidden);

		entry->group = find_group(&plan->groups, &wanted);
		entry->group->count++;
	}
	keep_no_clear_one(&plan->groups);
}

size_t
groups_count_copies(const struct list *groups)
{
	size_t copies = 0;

	for (size_t i = 1; i < groups->count; i++) {
		const struct plan_group *group = groups->item[i];

		copies += (group->count + COPY_RECIPIENTS_MAX - 1) /
			  COPY_RECIPIENTS_MAX;
	}
	return copies;
}
