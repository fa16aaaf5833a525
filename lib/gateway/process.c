/* One mail, in order: a table of steps. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/split.h"
#include "metric/metric.h"

/* RFC 5321 4.5.3.1.6, without the line end. */
enum { LINE_MAX_BYTES = 998 + 1 };

static const struct step {
	const char *name;
	void (*run)(struct work *work);
} steps[] = {
	{ "inbound", step_inbound },
	{ "plan", step_plan },
	{ "sign", step_sign },
	{ "encrypt", step_encrypt },
	{ "triggers", step_triggers },
	{ "copies", step_copies },
};

struct trace *
work_trace(const struct work *work)
{
	return work->run->trace;
}

void
work_fail(struct work *work, enum otherwise otherwise, const struct error *err,
	const char *words)
{
	struct outcome *outcome = work->outcome;
	enum verdict verdict = rule_verdict(err->kind, otherwise);

	if (outcome->error.kind == ERROR_NONE || verdict > outcome->verdict)
		outcome->error = *err;
	if (verdict <= outcome->verdict)
		return;
	outcome->verdict = verdict;
	mem_free(outcome->reply);
	outcome->reply = words_reply(
		verdict, verdict == VERDICT_QUARANTINE ? err->text : words);
}

int
work_goes_on(struct work *work)
{
	const struct gateway_run *run = work->run;
	struct error err;

	if (work->outcome->verdict >= VERDICT_TEMPFAIL)
		return 0;
	if (run->keep_working == NULL || run->keep_working(run->arg) != 0)
		return 1;
	error_set(&err, ERROR_SYSTEM, "the MTA has given up");
	work_fail(work, OTHERWISE_TEMPFAIL, &err,
		words_for(FAILING_TO_SIGN, ERROR_SYSTEM));
	return 0;
}

/* Of a rule that says none a directory may say another mode. */
static bool
may_do(const struct rule *rule, const struct mode_from *mode_from)
{
	return !rule->none || mode_from->store != NULL;
}

/* Nothing may be said to be no matter that is not known yet. */
static bool
may_sign(const struct gateway *gateway, const struct facts *facts,
	struct trace *trace)
{
	const struct sign_rule *rule;
	int matches = sign_rule_for(gateway, facts, trace, &rule);

	return matches == -1 ||
	       (matches == 1 && may_do(&rule->rule, &rule->mode_from) &&
		       !rule->when_encrypting);
}

static bool
may_encrypt(const struct gateway *gateway, struct facts *facts,
	const struct address *recipient, struct trace *trace)
{
	const struct encrypt_rule *rule;
	int matches = encrypt_rule_for(gateway, facts, recipient, trace, &rule);

	return matches == -1 ||
	       (matches == 1 && may_do(&rule->rule, &rule->mode_from));
}

static bool
may_protect(const struct gateway *gateway, struct facts *facts,
	const struct mail *mail, struct trace *trace)
{
	const struct address *recipient;

	if (may_sign(gateway, facts, trace))
		return true;
	LIST_FOREACH (recipient, &mail->recipients)
		if (may_encrypt(gateway, facts, recipient, trace))
			return true;
	return false;
}

/*
 * Changes are looked for among the fields, by us and by the MTA after us: with
 * their number grows the square of the work.
 */
static void
refuse_countless_fields(struct work *work)
{
	unsigned limit = work->gateway->limits.header_fields;
	size_t count = work->mail->fields.count;
	struct error err;

	if (count <= limit || !may_protect(work->gateway, &work->facts,
				      work->mail, work_trace(work)))
		return;
	error_set(&err, ERROR_LIMIT,
		"%zu header fields, and limits.header_fields is %u", count,
		limit);
	work_fail(work, OTHERWISE_REJECT, &err,
		"3.4 This mail has too many header fields");
}

static void
start(struct work *work)
{
	struct error err = { 0 };

	work->deadline_ms =
		clock_monotonic_ms() +
		(int64_t)work->gateway->limits.lookup_seconds * 1000;
	pieces_add(&work->entity, buf_span(&work->mail->entity));
	if (facts_gather(&work->facts, work->mail, &err) != 0 ||
		mark_check(work, &err) != 0 ||
		smime_detect(
			buf_span(&work->mail->entity), &work->kind, &err) != 0)
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_SIGN, err.kind));
	/* Of a body that had no room nobody knows which rules it calls for. */
	if (work->mail->failure.kind == ERROR_SYSTEM)
		work_fail(work, OTHERWISE_TEMPFAIL, &work->mail->failure,
			words_for(FAILING_TO_ENCRYPT, ERROR_SYSTEM));
	facts_read_content(&work->facts, work->gateway, work->mail, true);
	refuse_countless_fields(work);
	special_find(work);
}

/* What an MTA would cut or an SMTP client refuse, whatever the encoding. */
static bool
can_travel(struct span body)
{
	size_t length = 0;

	for (size_t i = 0; i < body.len; i++) {
		unsigned char c = body.data[i];

		if (c == '\0' ||
			(c == '\n' && (i == 0 || body.data[i - 1] != '\r')) ||
			(c == '\r' && (i + 1 == body.len ||
					      body.data[i + 1] != '\n')))
			return false;
		length = c == '\n' ? 0 : length + 1;
		if (length > LINE_MAX_BYTES)
			return false;
	}
	return true;
}

/* Encode anew what no MTA would carry.  -1: not now. */
static int
make_unpacked_fit(struct work *work, struct span entity)
{
	struct outcome *outcome = work->outcome;
	struct mime_rewrite report;
	struct error err = { 0 };

	if (mime_make_fit(entity, &work->gateway->limits.mime,
		    &outcome->rewritten, &report, &err) == 0) {
		work->fit = true;
		return 0;
	}
	buf_clear(&outcome->rewritten);
	if (err.kind == ERROR_SYSTEM) {
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_DECRYPT, ERROR_SYSTEM));
		return -1;
	}
	/* What came is given back already: better changed by an MTA than
	   never read. */
	trace_add(work_trace(work), "not made fit for the way: %s", err.text);
	mem_free(outcome->note);
	outcome->note = mem_printf("not made fit for the way: %s", err.text);
	return 0;
}

/*
 * What was inside of a layer is the mail now.  It goes as it is, 8-bit or
 * not; only what no MTA would carry is encoded anew, never in a signature.
 */
static int
compose_unpacked(struct work *work, struct list *edits, struct pieces *body)
{
	struct outcome *outcome = work->outcome;
	struct span entity = buf_span(&work->mail->entity);
	struct mime_entity parts;

	mime_entity_split(entity, &parts);
	if (!work->fit && !can_travel(parts.body) &&
		make_unpacked_fit(work, entity) != 0)
		return -1;
	if (outcome->rewritten.len != 0)
		mime_entity_split(buf_span(&outcome->rewritten), &parts);
	edits_for_entity(work->mail, parts.header, edits);
	body->count = 0;
	pieces_add(body, parts.body);
	return 0;
}

int
work_compose(struct work *work, const struct smime_layer *layer,
	struct list *edits, struct pieces *body, bool *changed,
	struct error *err)
{
	bool changed_inside = work->unpacked ||
			      (work->outcome->unpacked && work->layers != 0);

	*changed = layer != NULL || changed_inside;
	body->count = 0;
	if (layer != NULL) {
		*body = layer->body;
		return edits_for_layer(work->mail, layer, edits, err);
	}
	if (changed_inside && compose_unpacked(work, edits, body) != 0)
		return error_set(err, ERROR_SYSTEM,
			"what was opened cannot be sent on now");
	return 0;
}

/* Turn the outermost layer into edits and a body. */
static void
finish(struct work *work)
{
	struct outcome *outcome = work->outcome;
	const struct smime_layer *layer = NULL;
	struct error err = { 0 };

	if (outcome->verdict >= VERDICT_TEMPFAIL)
		return;
	if (work->layers != 0)
		layer = &outcome->layers[work->layers - 1];
	if (work_compose(work, layer, &outcome->edits, &outcome->body,
		    &outcome->body_changed, &err) != 0)
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_ENCRYPT, err.kind));
}

static void
count(const struct outcome *outcome)
{
	static const enum metric by_verdict[] = {
		[VERDICT_ACCEPT] = METRIC_MAILS_ACCEPTED,
		[VERDICT_QUARANTINE] = METRIC_MAILS_QUARANTINED,
		[VERDICT_TEMPFAIL] = METRIC_MAILS_TEMPFAILED,
		[VERDICT_REJECT] = METRIC_MAILS_REJECTED,
	};
	static const enum metric by_kind[] = {
		[ERROR_SYSTEM] = METRIC_ERRORS_SYSTEM,
		[ERROR_CONFIG] = METRIC_ERRORS_CONFIG,
		[ERROR_FORMAT] = METRIC_ERRORS_FORMAT,
		[ERROR_LIMIT] = METRIC_ERRORS_LIMIT,
		[ERROR_NOKEY] = METRIC_ERRORS_NOKEY,
		[ERROR_TRUST] = METRIC_ERRORS_TRUST,
		[ERROR_CRYPTO] = METRIC_ERRORS_CRYPTO,
	};

	metric_add(by_verdict[outcome->verdict], 1);
	if (outcome->error.kind != ERROR_NONE)
		metric_add(by_kind[outcome->error.kind], 1);
	if (outcome->body_changed && outcome->signed_)
		metric_add(METRIC_MAILS_SIGNED, 1);
	if (outcome->body_changed && outcome->encrypted)
		metric_add(METRIC_MAILS_ENCRYPTED, 1);
	if (outcome->body_changed && outcome->unpacked)
		metric_add(METRIC_MAILS_UNPACKED, 1);
}

void
gateway_process(const struct gateway *gateway, struct mail *mail,
	const struct gateway_run *run, struct outcome *outcome)
{
	static const struct gateway_run quietly;
	struct work work = { .gateway = gateway,
		.mail = mail,
		.run = run != NULL ? run : &quietly,
		.outcome = outcome };

	start(&work);
	for (size_t i = 0; i < COUNT_OF(steps) && work_goes_on(&work); i++)
		if (work.run->by_hand == NULL || steps[i].run == step_inbound)
			steps[i].run(&work);
	finish(&work);
	count(outcome);
	mem_free(work.inbound.entries);
	plan_set_clear(&work.plan);
	facts_clear(&work.facts);
}

bool
gateway_wants_body(const struct gateway *gateway, const struct mail *mail,
	struct trace *trace)
{
	const struct address *recipient;
	struct facts facts;
	bool wanted;

	wanted = facts_gather(&facts, mail, NULL) != 0;
	facts_read_content(&facts, gateway, mail, false);
	wanted = wanted || mark_is_there(gateway, mail) ||
		 may_protect(gateway, &facts, mail, trace);
	LIST_FOREACH (recipient, &mail->recipients)
		wanted = wanted ||
			 inbound_rule_for(gateway, recipient, trace) != NULL;
	wanted = wanted || triggers_found(gateway, &facts, mail);
	facts_clear(&facts);
	return wanted;
}
