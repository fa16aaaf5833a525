#include "message.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "courier.h"
#include "edits.h"
#include "metric/metric.h"
#include "watch.h"

enum { LOG_LINE_BYTES = 8192, DELAY_STEP_MS = 20 };

/* The test aid: be as slow as a directory that does not answer. */
static void
delay(const struct delay *delay, const struct mail *mail, struct watch_job *job)
{
	size_t len = strlen(delay->local_part);
	int64_t until = clock_monotonic_ms() + delay->ms;
	struct timespec step = { 0, DELAY_STEP_MS * 1000000L };

	if (delay->ms == 0 || mail->mail_from == NULL ||
		strncmp(mail->mail_from->text, delay->local_part, len) != 0 ||
		mail->mail_from->text[len] != '@')
		return;
	while (clock_monotonic_ms() < until && watch_keep_working(job))
		nanosleep(&step, NULL);
}

/*
 * Without all addresses and fields nobody can say which rules are meant, so
 * nothing may pass: the one verdict that is not the gateway's.
 */
static void
refuse_incomplete(const struct session *session, struct outcome *outcome)
{
	const struct error *why = &session->mail.failure;

	outcome->error = *why;
	outcome->verdict = VERDICT_REJECT;
	if (why->kind == ERROR_FORMAT) {
		outcome->reply = mem_string("550 5.1.3 An address of this mail "
					    "cannot be read");
		metric_add(METRIC_ERRORS_FORMAT, 1);
	} else if (why->kind == ERROR_LIMIT) {
		outcome->reply = mem_string("552 5.3.4 Addresses and header of "
					    "this mail are too large");
		metric_add(METRIC_ERRORS_LIMIT, 1);
	} else {
		outcome->verdict = VERDICT_TEMPFAIL;
		outcome->reply = mem_string("451 4.3.2 Too much mail at once, "
					    "please try again later");
		metric_add(METRIC_ERRORS_SYSTEM, 1);
	}
	metric_add(outcome->verdict == VERDICT_REJECT ? METRIC_MAILS_REJECTED
						      : METRIC_MAILS_TEMPFAILED,
		1);
}

static void
process(struct session *session, struct watch_job *job, struct trace *trace,
	struct outcome *outcome)
{
	struct filter *filter = session->filter;
	struct courier_job courier;
	struct gateway_run run = { .trace = trace,
		.keep_working = watch_keep_working,
		.arg = job,
		.courier = &courier.courier };
	bool placed =
		budget_begin_work(&filter->budget, watch_keep_working, job);

	courier_begin(&courier, filter, job, placed);
	if (placed)
		delay(&filter->delay, &session->mail, job);
	/* Without a place the MTA has given up, and the gateway asks first. */
	gateway_process(filter->conf->gateway, &session->mail, &run, outcome);
	if (courier_end(&courier))
		budget_end_work(&filter->budget);
}

static void
log_outcome(const struct outcome *outcome, const struct mail *mail,
	const struct trace *trace, int64_t milliseconds)
{
	const char *id = mail->queue_id != NULL ? mail->queue_id : "-";
	char line[LOG_LINE_BYTES];
	const char *why;

	LIST_FOREACH (why, &trace->lines)
		log_debug("%s: %s", id, why);
	outcome_log_line(outcome, mail, milliseconds, line, sizeof(line));
	log_info("%s", line);
}

bool
message_is_wanted(struct session *session)
{
	bool debug = log_level() == LOG_LEVEL_DEBUG;
	struct trace trace = { 0 };
	struct outcome nothing;
	bool wanted = gateway_wants_body(session->filter->conf->gateway,
		&session->mail, debug ? &trace : NULL);

	if (!wanted) {
		trace_add(debug ? &trace : NULL, "no rule wants this mail");
		outcome_init(&nothing);
		log_outcome(&nothing, &session->mail, &trace, 0);
	}
	trace_clear(&trace);
	return wanted;
}

sfsistat
message_ask_recipient(SMFICTX *ctx, struct session *session)
{
	int64_t started_ms = clock_monotonic_ms();
	bool debug = log_level() == LOG_LEVEL_DEBUG;
	sfsistat status = SMFIS_CONTINUE;
	struct trace trace = { 0 };
	struct outcome outcome;

	outcome_init(&outcome);
	gateway_ask_recipient(session->filter->conf->gateway, &session->mail,
		debug ? &trace : NULL, &outcome);
	if (outcome.verdict != VERDICT_ACCEPT) {
		log_outcome(&outcome, &session->mail, &trace,
			clock_monotonic_ms() - started_ms);
		edits_set_reply(ctx, outcome.reply);
		mail_drop_recipient(&session->mail);
		status = outcome.verdict == VERDICT_REJECT ? SMFIS_REJECT
							   : SMFIS_TEMPFAIL;
	}
	outcome_clear(&outcome);
	trace_clear(&trace);
	return status;
}

sfsistat
message_end(SMFICTX *ctx, struct session *session)
{
	int64_t started_ms = clock_monotonic_ms();
	bool debug = log_level() == LOG_LEVEL_DEBUG;
	struct trace trace = { 0 };
	struct error err = { 0 };
	struct outcome outcome;
	const struct edits_envelope envelope = {
		.sender = session->sender,
		.args = session->sender_args,
		.can_change = session->may_change_sender,
	};
	struct watch_job job;
	sfsistat status;

	outcome_init(&outcome);
	watch_enter(&job, ctx);
	if (session->incomplete)
		refuse_incomplete(session, &outcome);
	else
		process(session, &job, debug ? &trace : NULL, &outcome);
	watch_be_quiet(&job);
	status = edits_send(ctx, &outcome, &envelope,
		(session->agreed & SMFIP_HDR_LEADSPC) != 0, &err);
	watch_leave(&job);
	if (err.kind != ERROR_NONE) {
		outcome.verdict = VERDICT_TEMPFAIL;
		outcome.error = err;
	}
	log_outcome(&outcome, &session->mail, &trace,
		clock_monotonic_ms() - started_ms);
	outcome_clear(&outcome);
	trace_clear(&trace);
	return status;
}
