/* What stands in the way of a plan, before any work is done on the mail? */
#include <stdio.h>
#include <string.h>

#include "gateway/split.h"

/* Names in an error or a reply: a few are enough to know what to do. */
enum { NAMED_MAX = 3 };

static void
add_name(struct obstacle *obstacle, const char *name)
{
	size_t len = strlen(obstacle->names);

	if (++obstacle->named <= NAMED_MAX)
		snprintf(obstacle->names + len, OBSTACLE_NAMES - len,
			"%s<%.60s>", len != 0 ? ", " : "", name);
	else if (obstacle->named == NAMED_MAX + 1)
		snprintf(obstacle->names + len, OBSTACLE_NAMES - len,
			" and others");
}

static int
choose_certs(struct work *work, struct obstacle *obstacle UNUSED)
{
	plan_choose_certs(work);
	return 0;
}

/*
 * Who may have it in clear, when others are served all the same: whoever no
 * rule protects, and whose rule lets it pass where it cannot be protected.
 */
static int
set_apart(struct work *work, struct obstacle *obstacle UNUSED)
{
	enum otherwise strictest = plan_strictest(&work->plan);

	for (size_t i = 0; work->plan.split && i < work->plan.count; i++) {
		struct plan_entry *entry = &work->plan.entries[i];
		enum otherwise otherwise = entry->rule != NULL
						   ? entry->rule->rule.otherwise
						   : strictest;

		if (entry->why.kind == ERROR_NONE ||
			entry->why.kind == ERROR_SYSTEM ||
			otherwise != OTHERWISE_PASS)
			continue;
		entry->clear = true;
		entry->report->plan = PLAN_CLEAR;
	}
	return 0;
}

/* What cannot be told now outweighs what is known to be missing. */
static int
check_refused(struct work *work, struct obstacle *obstacle)
{
	for (size_t i = 0; i < work->plan.count; i++) {
		const struct plan_entry *entry = &work->plan.entries[i];

		if (entry->why.kind == ERROR_NONE || entry->cert != NULL ||
			entry->clear)
			continue;
		add_name(obstacle, entry->address->text);
		if (obstacle->err.kind == ERROR_NONE ||
			entry->why.kind == ERROR_SYSTEM)
			obstacle->err = entry->why;
	}
	return obstacle->named == 0 ? 0 : -1;
}

/* All are set apart: nobody is left for whom it could be protected. */
static int
check_nobody(struct work *work, struct obstacle *obstacle)
{
	for (size_t i = 0; i < work->plan.count; i++)
		if (work->plan.entries[i].cert != NULL)
			return 0;
	for (size_t i = 0; i < work->plan.count; i++) {
		const struct plan_entry *entry = &work->plan.entries[i];

		if (entry->why.kind == ERROR_NONE)
			continue;
		add_name(obstacle, entry->address->text);
		if (obstacle->err.kind == ERROR_NONE)
			obstacle->err = entry->why;
	}
	return -1;
}

static int
check_clear(struct work *work, struct obstacle *obstacle)
{
	for (size_t i = 0; i < work->plan.count; i++) {
		const struct plan_entry *entry = &work->plan.entries[i];

		if (entry->rule == NULL && !entry->internal && !entry->clear)
			add_name(obstacle, entry->address->text);
	}
	if (obstacle->named == 0)
		return 0;
	obstacle->words = "7.1 This mail has to be encrypted, which cannot be "
			  "done for all of its recipients; please send it "
			  "separately to those";
	return error_set(&obstacle->err, ERROR_NOKEY,
		"others need the mail encrypted, and no rule says how for %s",
		obstacle->names);
}

static const struct plan_entry *
first_with_rule(const struct plan_set *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->entries[i].rule != NULL)
			return &plan->entries[i];
	return NULL;
}

static int
check_ciphers(struct work *work, struct obstacle *obstacle)
{
	const struct plan_entry *first = first_with_rule(&work->plan);

	for (size_t i = 0; !work->plan.split && i < work->plan.count; i++) {
		const struct plan_entry *entry = &work->plan.entries[i];
		const char *why = groups_differ(first, entry);

		if (why == NULL)
			continue;
		obstacle->words = "7.1 The recipients of this mail need it "
				  "encrypted in different ways; please send "
				  "it to them separately";
		return error_set(&obstacle->err, ERROR_NOKEY,
			"<%.60s> and <%.60s> need %s", first->address->text,
			entry->address->text, why);
	}
	return 0;
}

static int
check_limits(struct work *work, struct obstacle *obstacle)
{
	unsigned limit = work->gateway->limits.encrypt_recipients;

	if (work->mail->failure.kind != ERROR_NONE) {
		obstacle->err = work->mail->failure;
		return -1;
	}
	if (work->plan.count > limit)
		return error_set(&obstacle->err, ERROR_LIMIT,
			"%zu recipients, and limits.encrypt_recipients is %u",
			work->plan.count, limit);
	return 0;
}

static int
check_hidden(struct work *work, struct obstacle *obstacle)
{
	if (work->plan.split || work->gateway->share_bcc ||
		!groups_have_hidden(work))
		return 0;
	/* A copy of our own that went in clear: its sender was asked once. */
	obstacle->always_reject = !work->is_copy;
	obstacle->words = "7.1 This mail has to be encrypted, which would show "
			  "its Bcc recipients to the others; please send it to "
			  "them separately";
	return error_set(&obstacle->err, ERROR_FORMAT,
		"a recipient in neither To nor Cc would be shown to the "
		"others by the encryption");
}

/* Each is as large as the mail, and takes as long to encrypt. */
static int
check_copies(struct work *work, struct obstacle *obstacle)
{
	unsigned limit = work->gateway->limits.copies;
	size_t copies;

	groups_make(work);
	copies = groups_count_copies(&work->plan.groups);
	if (copies <= limit)
		return 0;
	obstacle->always_reject = true;
	obstacle->words = "5.3 This mail needs too many copies, one for each "
			  "hidden (Bcc) recipient and more; please send it to "
			  "fewer of them at once";
	return error_set(&obstacle->err, ERROR_LIMIT,
		"%zu copies, and limits.copies is %u", copies, limit);
}

/* In this order; the limits come before thousands of look-ups. */
static const struct check {
	int (*run)(struct work *work, struct obstacle *obstacle);
} checks[] = { { check_limits }, { choose_certs }, { set_apart },
	{ check_refused }, { check_nobody }, { check_clear }, { check_ciphers },
	{ check_hidden }, { check_copies } };

int
plan_check(struct work *work, struct obstacle *obstacle)
{
	for (size_t i = 0; i < COUNT_OF(checks); i++)
		if (checks[i].run(work, obstacle) != 0)
			return -1;
	return 0;
}
