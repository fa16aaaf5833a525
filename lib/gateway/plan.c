/*
 * The step that finds out who can read the mail, before any work is done on
 * it: recipients by their rules, all or nothing (design section 8).
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "gateway/split.h"

enum { RULE_NAMES_SIZE = 200 };

void
plan_set_clear(struct plan_set *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		cert_unref(plan->entries[i].cert);
	mem_free(plan->entries);
	list_clear(&plan->groups, group_free);
	*plan = (struct plan_set){ 0 };
}

/* ---- which rule? ---- */

static struct recipient_report *
add_report(struct outcome *outcome, const struct address *recipient,
	const struct encrypt_rule *rule)
{
	struct recipient_report *report = mem_alloc(sizeof(*report));

	report->address = mem_string(recipient->text);
	report->rule = rule != NULL ? rule->rule.name : NULL;
	list_add(&outcome->recipients, report);
	return report;
}

static void
match_all(struct work *work)
{
	struct plan_set *plan = &work->plan;
	const struct address *recipient;

	plan->entries =
		mem_array(work->mail->recipients.count, sizeof(*plan->entries));
	LIST_FOREACH (recipient, &work->mail->recipients) {
		struct plan_entry *entry = &plan->entries[plan->count];

		entry->address = recipient;
		entry->path = work->mail->paths.item[plan->count++];
		plan_match(work, entry);
		entry->internal = recipient_is_internal(
			work->gateway, entry->rule, recipient);
		entry->report =
			add_report(work->outcome, recipient, entry->rule);
		if (entry->rule != NULL && entry->rule->rule.none) {
			report_say_why(
				entry->report, "the rule says mode = \"none\"");
			entry->rule = NULL; /* a clear plan */
		}
	}
}

/* ---- what the rules ask for, taken together ---- */

const struct encrypt_rule *
plan_first_rule(const struct plan_set *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->entries[i].rule != NULL &&
			!plan->entries[i].satisfied)
			return plan->entries[i].rule;
	return NULL;
}

enum otherwise
plan_strictest(const struct plan_set *plan)
{
	enum otherwise strict = OTHERWISE_PASS;

	for (size_t i = 0; i < plan->count; i++) {
		const struct encrypt_rule *rule = plan->entries[i].rule;

		if (rule != NULL && !plan->entries[i].satisfied &&
			rule->rule.otherwise > strict)
			strict = rule->rule.otherwise;
	}
	return strict;
}

static bool
is_used(const struct plan_set *plan, const struct encrypt_rule *rule)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct encrypt_rule *used = plan->entries[i].rule;

		/* A line of its table makes another rule of the same name. */
		if (used != NULL &&
			strcmp(used->rule.name, rule->rule.name) == 0)
			return true;
	}
	return false;
}

static void
name_rules(struct work *work)
{
	const struct encrypt_rule *rule;
	char names[RULE_NAMES_SIZE] = "";

	LIST_FOREACH (rule, &work->gateway->encrypt_rules) {
		size_t len = strlen(names);

		if (is_used(&work->plan, rule))
			snprintf(names + len, sizeof(names) - len, "%s%s",
				len != 0 ? "," : "", rule->rule.name);
	}
	work->outcome->encrypt_rule = mem_string(names);
}

/* Is the mail already what this rule wants (Meaning, "already encrypted")? */
static bool
is_satisfied(const struct work *work, const struct encrypt_rule *rule)
{
	if (work->kind == SMIME_KIND_ENCRYPTED)
		return true;
	return work->kind == SMIME_KIND_PGP_ENCRYPTED &&
	       (rule->accept_pgp || rule->rule.otherwise == OTHERWISE_PASS);
}

static bool
find_satisfied(struct work *work)
{
	bool all = true;

	for (size_t i = 0; i < work->plan.count; i++) {
		struct plan_entry *entry = &work->plan.entries[i];

		entry->satisfied =
			entry->rule != NULL && is_satisfied(work, entry->rule);
		all = all && (entry->rule == NULL || entry->satisfied);
	}
	return all;
}

void
report_say_why(struct recipient_report *report, const char *why)
{
	mem_free(report->why);
	report->why = mem_string(why);
}

static void
note_satisfied(struct work *work)
{
	for (size_t i = 0; i < work->plan.count; i++)
		if (work->plan.entries[i].rule != NULL)
			report_say_why(work->plan.entries[i].report,
				"the mail is already encrypted");
	mem_free(work->outcome->note);
	work->outcome->note = mem_string("already encrypted");
}

/* ---- the result ---- */

/* SMTP replies are ASCII (RFC 5321 4.2); what is not becomes '?'. */
static char *
words_with_names(const struct obstacle *obstacle)
{
	const char *words =
		obstacle->words != NULL
			? obstacle->words
			: words_for(FAILING_TO_ENCRYPT, obstacle->err.kind);
	char *text;

	if (obstacle->named == 0)
		return mem_string(words);
	text = mem_printf("%s: %s", words, obstacle->names);
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 32 || (unsigned char)*c > 126)
			*c = '?';
	return text;
}

/* Nothing is encrypted: nobody's plan is, whatever a certificate allowed. */
static void
give_up(struct work *work, const struct obstacle *obstacle)
{
	char *words = words_with_names(obstacle);
	struct plan_set *plan = &work->plan;

	trace_add(work_trace(work), "not encrypted: %s", obstacle->err.text);
	work_fail(work,
		obstacle->always_reject ? OTHERWISE_REJECT
					: plan_strictest(plan),
		&obstacle->err, words);
	for (size_t i = 0; i < plan->count; i++) {
		struct recipient_report *report = plan->entries[i].report;

		if (work->outcome->verdict >= VERDICT_TEMPFAIL)
			report->plan = PLAN_REFUSED;
		else
			report->plan = PLAN_CLEAR;
		if (report->why == NULL)
			report_say_why(report, obstacle->err.text);
	}
	mem_free(words);
}

/* A certificate that is used though something about it is not known. */
static void
note_remarks(struct work *work)
{
	struct plan_set *plan = &work->plan;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_entry *entry = &plan->entries[i];

		if ((entry->cert == NULL && !entry->clear) ||
			entry->why.text[0] == '\0')
			continue;
		report_say_why(entry->report, entry->why.text);
		if (work->outcome->note == NULL)
			work->outcome->note = mem_string(entry->why.text);
	}
}

/* With copies, who needs no protection gets none because of others. */
static void
set_clear(struct work *work)
{
	bool internal_clear = work->gateway->split.internal_clear;

	for (size_t i = 0; i < work->plan.count; i++) {
		struct plan_entry *entry = &work->plan.entries[i];

		if (entry->rule == NULL)
			entry->clear = !entry->internal || internal_clear;
		else
			entry->clear = entry->satisfied;
	}
}

void
step_plan(struct work *work)
{
	struct obstacle obstacle = { 0 };

	work->plan.split = work->gateway->split.on && !work->is_copy;
	match_all(work);
	if (plan_first_rule(&work->plan) == NULL ||
		work->outcome->verdict >= VERDICT_TEMPFAIL)
		return;
	name_rules(work);
	if (find_satisfied(work)) {
		note_satisfied(work);
		return;
	}
	if (special_leaves_clear(work, plan_strictest(&work->plan)))
		return;
	if (work->plan.split)
		set_clear(work);
	if (plan_check(work, &obstacle) != 0 ||
		plan_assemble(work, &obstacle.err) != 0) {
		give_up(work, &obstacle);
		return;
	}
	if (work->plan.groups.count > 1 &&
		copies_name_mail(work, &obstacle.err) != 0) {
		give_up(work, &obstacle);
		return;
	}
	note_remarks(work);
	work->plan.encrypt = true;
}
