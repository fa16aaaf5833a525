/* A certificate for each recipient of a plan. */
#include <string.h>

#include "base/mem.h"
#include "gateway/ask.h"

/* Stores of the sign rules: where our own people's certificates are. */
static void
own_stores(const struct gateway *gateway, struct list *stores)
{
	const struct sign_rule *rule;
	struct store *store, *seen;

	LIST_FOREACH (rule, &gateway->sign_rules)
		LIST_FOREACH (store, &rule->stores) {
			bool there = false;

			LIST_FOREACH (seen, stores)
				there = there || seen == store;
			if (!there)
				list_add(stores, store);
		}
}

/* Our own certificate for an address: `internal` copies and to_self. */
static int
choose_own(const struct work *work, const struct address *address,
	const struct encrypt_rule *rule, struct list *candidates,
	struct cert **out, struct error *err)
{
	struct list stores = { 0 };
	struct choice choice = { .stores = &stores,
		.address = address,
		.purpose = CERT_TO_ENCRYPT,
		.own = true,
		.trust = rule->trusted ? work->gateway->trust : NULL,
		.deadline_ms = work->deadline_ms };
	int result;

	own_stores(work->gateway, &stores);
	result = choose_cert(&choice, candidates, out, err);
	list_clear(&stores, NULL);
	return result;
}

int
plan_choose_by_rule(const struct gateway *gateway,
	const struct encrypt_rule *rule, const struct address *recipient,
	int64_t deadline_ms, struct list *candidates, struct cert **out,
	struct error *err)
{
	const struct choice choice = { .stores = &rule->stores,
		.address = recipient,
		.selector = rule->selector,
		.purpose = CERT_TO_ENCRYPT,
		.trust = rule->trusted ? gateway->trust : NULL,
		.weak_keys = rule->weak_keys,
		.deadline_ms = deadline_ms };

	return choose_cert(&choice, candidates, out, err);
}

static int
choose_for(const struct work *work, struct plan_entry *entry,
	const struct encrypt_rule *protecting)
{
	struct list *candidates =
		work->run->explain ? &entry->report->candidates : NULL;
	const struct recipient_answer *known = entry->path->answer;

	if (entry->rule == NULL)
		return choose_own(work, entry->address, protecting, candidates,
			&entry->cert, &entry->why);
	/* The header may have called for another rule than the envelope. */
	if (known != NULL && known->rule == entry->rule) {
		entry->cert = cert_ref(known->cert);
		entry->why = known->remark;
		return 0;
	}
	return plan_choose_by_rule(work->gateway, entry->rule, entry->address,
		work->deadline_ms, candidates, &entry->cert, &entry->why);
}

void
plan_choose_certs(struct work *work)
{
	const struct encrypt_rule *protecting = plan_first_rule(&work->plan);

	for (size_t i = 0; i < work->plan.count; i++) {
		struct plan_entry *entry = &work->plan.entries[i];

		if (entry->clear || (entry->rule == NULL && !entry->internal))
			continue;
		if (choose_for(work, entry, protecting) != 0) {
			entry->report->plan = PLAN_REFUSED;
			report_say_why(entry->report, entry->why.text);
			continue;
		}
		entry->report->plan =
			entry->rule != NULL ? PLAN_ENCRYPT : PLAN_INTERNAL_COPY;
		memcpy(entry->report->certificate, entry->cert->sha256,
			sizeof(entry->cert->sha256));
	}
}

/* ---- the recipients of each CMS ---- */

static void
add_recipient(struct plan_group *group, struct cert *cert,
	const struct encrypt_rule *rule)
{
	group->to[group->to_count++] = (struct cms_recipient){ .cert = cert,
		.transport = rule->transport,
		.oaep_digest = rule->oaep_digest };
	list_add(&group->certs, cert_ref(cert));
}

/* The rule that wants a copy for the sender, or NULL. */
static const struct encrypt_rule *
rule_with_self(const struct plan_set *plan, const struct plan_group *group)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_entry *entry = &plan->entries[i];

		if (entry->group == group && entry->rule != NULL &&
			entry->rule->to_self)
			return entry->rule;
	}
	return NULL;
}

/* The sender's certificate, looked for once for all groups. */
struct self {
	bool asked;
	struct cert *cert;
	struct error why;
};

static void
choose_self(const struct work *work, const struct encrypt_rule *rule,
	struct self *self)
{
	const struct address *author = facts_author(&work->facts);

	if (self->asked)
		return;
	self->asked = true;
	if (author == NULL)
		error_set(&self->why, ERROR_NOKEY, "From is not one mailbox");
	else if (choose_own(work, author, rule, NULL, &self->cert,
			 &self->why) != 0)
		self->cert = NULL;
}

/* selves: of rules that ask for no trust, and of those that do. */
static int
add_self(struct work *work, struct plan_group *group, struct self selves[2],
	struct error *err)
{
	const struct encrypt_rule *rule = rule_with_self(&work->plan, group);
	struct self *self;
	struct error why;

	if (rule == NULL)
		return 0;
	self = &selves[rule->trusted];
	choose_self(work, rule, self);
	why = self->why;
	if (self->cert != NULL &&
		cert_is_rsa(self->cert) == cert_is_rsa(group->to[0].cert)) {
		add_recipient(group, self->cert, rule);
		return 0;
	}
	if (self->cert != NULL)
		error_set(&why, ERROR_NOKEY,
			"the sender's kind of key is not that of the "
			"recipients");
	if (why.kind == ERROR_SYSTEM)
		return error_set(err, why.kind, "%s", why.text);
	trace_add(work_trace(work), "no copy for self: %s", why.text);
	mem_free(work->outcome->note);
	work->outcome->note = mem_string("no copy for self");
	return 0;
}

int
plan_assemble(struct work *work, struct error *err)
{
	struct plan_set *plan = &work->plan;
	struct self selves[2] = { 0 };
	struct plan_group *group;
	int result = 0;

	LIST_FOREACH (group, &plan->groups)
		group->to = mem_array(group->count + 1, sizeof(*group->to));
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_entry *entry = &plan->entries[i];

		if (!entry->clear)
			add_recipient(entry->group, entry->cert,
				entry->rule != NULL ? entry->rule
						    : entry->group->rule);
	}
	LIST_FOREACH (group, &plan->groups)
		if (result == 0 && group->rule != NULL)
			result = add_self(work, group, selves, err);
	cert_unref(selves[0].cert);
	cert_unref(selves[1].cert);
	return result;
}
