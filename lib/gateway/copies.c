/*
 * The step that makes copies for those who get another mail than the one that
 * the MTA keeps, and hands them to the courier.  All copies are with the MTA,
 * and the journal on the disk says so, before it hears of the kept one.
 */
#include <stdio.h>
#include <string.h>

#include "base/event.h"
#include "base/mem.h"
#include "gateway/split.h"
#include "metric/metric.h"

static struct outcome_copy *
add_copy(struct work *work, const struct plan_group *group)
{
	struct outcome_copy *copy = mem_alloc(sizeof(*copy));

	copy->rule = group->rule != NULL ? group->rule->rule.name : NULL;
	list_add(&work->outcome->copies, copy);
	return copy;
}

static bool
has_path(const struct outcome_copy *copy, const struct mail_path *path)
{
	const struct mail_path *other;

	LIST_FOREACH (other, &copy->paths)
		if (strcmp(other->path, path->path) == 0)
			return true;
	return false;
}

/*
 * Of <@hop:bob@x> an MTA may know bob@x alone by now; what it does not know it
 * passes over.
 */
static void
forget(struct work *work, const struct plan_entry *entry)
{
	const char *path = entry->path->path;

	list_add(&work->outcome->forget, (void *)path);
	if (path[path[0] == '<'] == '@')
		list_add(&work->outcome->forget, entry->address->text);
}

/* The recipients of a group, in one copy or, when they are many, in several. */
static void
plan_copies(struct work *work, const struct plan_group *group,
	struct list *shipments)
{
	const struct plan_set *plan = &work->plan;
	struct outcome_copy *copy = NULL;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_entry *entry = &plan->entries[i];

		if (entry->group != group)
			continue;
		forget(work, entry);
		if (copy != NULL && has_path(copy, entry->path))
			continue;
		if (copy == NULL || copy->paths.count == COPY_RECIPIENTS_MAX) {
			copy = add_copy(work, group);
			list_add(shipments, shipment_new(group, copy));
		}
		list_add(&copy->recipients, (void *)entry->address);
		list_add(&copy->paths, (void *)entry->path);
	}
}

/* ---- what the MTA says of them ---- */

/* "bob@x: no such user", for a reply; its status when the server gave one. */
static char *
words_of_refusal(const struct shipment *shipment)
{
	const struct submit_recipient *bad = shipment_refused(shipment);
	const char *text = bad != NULL ? bad->answer : "";
	char status[16] = "0.0", words[SUBMIT_ANSWER_BYTES];

	if (bad == NULL)
		return mem_string("3.0 A copy of this mail was refused");
	if (text[0] == '5' && text[1] == '.' &&
		sscanf(text + 2, "%7[0-9.] %199[^\n]", status, words) == 2)
		text = words;
	return mem_printf("%s %s: %s", status, bad->path, text);
}

/*
 * *taken: some have theirs already.  What is refused for good is said to the
 * sender all the same: nobody else would.
 */
static void
fail(struct work *work, const struct shipment *shipment,
	enum submit_result result, const struct error *why)
{
	struct error err = *why;
	char *words;

	if (result != SUBMIT_REFUSED) {
		err.kind = ERROR_SYSTEM;
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_SPLIT, ERROR_SYSTEM));
		return;
	}
	err.kind = ERROR_CONFIG;
	words = words_of_refusal(shipment);
	work_fail(work, OTHERWISE_REJECT, &err, words);
	mem_free(words);
}

static void
fail_now(struct work *work, const struct error *err)
{
	fail(work, NULL, SUBMIT_LATER, err);
}

/* Before anything is sent, everybody is asked for. */
static int
ask_all(struct work *work, const struct list *shipments)
{
	const struct courier *courier = work->run->courier;
	struct shipment *shipment;

	LIST_FOREACH (shipment, shipments) {
		enum submit_result result;
		struct error err = { 0 };

		if (shipment->mail.count == 0)
			continue;
		result = courier->ask(courier->self, &shipment->mail, &err);
		if (result == SUBMIT_TAKEN)
			continue;
		fail(work, shipment, result, &err);
		return -1;
	}
	return 0;
}

static const enum journal_state settled[] = {
	[SUBMIT_TAKEN] = JOURNAL_SENT,
	[SUBMIT_LATER] = JOURNAL_NOTHING,
	[SUBMIT_REFUSED] = JOURNAL_NOTHING,
	[SUBMIT_UNKNOWN] = JOURNAL_BEGUN,
};

/* Whether it was taken is the question; that it was noted, for the log. */
static enum submit_result
send_one(struct work *work, struct shipment *shipment,
	struct journal_mail *journal, struct error *err)
{
	const struct courier *courier = work->run->courier;
	enum submit_result result;
	struct error why = { 0 };

	if (journal_write(journal, &shipment->lines, err) != 0)
		return SUBMIT_LATER;
	result = courier->send(courier->self, &shipment->mail, err);
	if (journal_settle(&shipment->lines, settled[result], &why) != 0)
		event(EVENT_WARNING,
			"a copy may be sent twice if its mail is tried again: "
			"%s",
			why.text);
	if (result == SUBMIT_TAKEN)
		metric_add(METRIC_COPIES_SENT, 1);
	if (result == SUBMIT_UNKNOWN) {
		metric_add(METRIC_COPIES_IN_DOUBT, 1);
		event(EVENT_WARNING,
			"a copy may be sent twice, since nothing has answered "
			"its final dot: %s",
			err->text);
	}
	return result;
}

static int
send_all(struct work *work, const struct list *shipments,
	struct journal_mail *journal)
{
	struct shipment *shipment;

	LIST_FOREACH (shipment, shipments) {
		enum submit_result result = SUBMIT_LATER;
		struct error err = { 0 };

		if (shipment->mail.count == 0)
			continue;
		if (!work_goes_on(work))
			return -1;
		if (shipment_make(work, shipment, &err) == 0)
			result = send_one(work, shipment, journal, &err);
		shipment_unmake(shipment);
		if (result != SUBMIT_TAKEN) {
			fail(work, shipment, result, &err);
			return -1;
		}
		shipment->copy->state = COPY_SENT;
	}
	return 0;
}

/* ---- the step ---- */

/* Whoever has a copy already, under whatever group, gets no second one. */
static int
drop_sent(struct work *work, const struct list *shipments,
	const struct journal_mail *journal, struct error *err)
{
	const struct plan_group *kept = work->plan.groups.item[0];
	struct shipment *shipment;

	LIST_FOREACH (shipment, shipments)
		if (shipment_prepare(work, shipment, journal, err) != 0)
			return -1;
	for (size_t i = 0; i < work->plan.count; i++) {
		const struct plan_entry *entry = &work->plan.entries[i];
		char key[CRYPTO_MAC_HEX];

		if (entry->group != kept)
			continue;
		if (shipment_key(work, entry->address, kept, key, err) != 0)
			return -1;
		if (journal_state_of(journal, key) == JOURNAL_SENT)
			forget(work, entry);
	}
	return 0;
}

static void
send_copies(struct work *work, const struct list *shipments)
{
	struct journal_mail *journal = NULL;
	struct error err = { 0 };

	if (work->gateway->copies == NULL) {
		error_set(&err, ERROR_SYSTEM, "there is no journal of copies");
		fail_now(work, &err);
		return;
	}
	if (journal_begin(work->gateway->copies->journal, work->plan.mac,
		    &journal, &err) != 0 ||
		drop_sent(work, shipments, journal, &err) != 0)
		fail_now(work, &err);
	else if (ask_all(work, shipments) == 0)
		(void)!send_all(work, shipments, journal);
	journal_end(journal);
}

void
step_copies(struct work *work)
{
	const struct list *groups = &work->plan.groups;
	struct list shipments = { 0 };
	struct error err = { 0 };

	if (groups->count < 2 || !work->outcome->encrypted)
		return;
	if (work->outcome->verdict == VERDICT_QUARANTINE) {
		error_set(&err, ERROR_FORMAT,
			"a mail of which copies are made cannot be held");
		work_fail(work, OTHERWISE_REJECT, &err,
			words_for(FAILING_TO_SPLIT, ERROR_FORMAT));
		return;
	}
	for (size_t i = 1; i < groups->count; i++)
		plan_copies(work, groups->item[i], &shipments);
	trace_add(work_trace(work), "%zu copies for %zu recipients",
		work->outcome->copies.count, work->outcome->forget.count);
	if (work->run->courier != NULL)
		send_copies(work, &shipments);
	list_clear(&shipments, shipment_free);
}
