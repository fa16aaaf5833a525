/*
 * The step that undoes protection: layer by layer, from the outside in, only
 * at the root of the mail or of what a layer gave.  What stands inside of a
 * multipart is left alone: opening it would show it to whoever wrote the
 * parts around it.
 */
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"
#include "metric/metric.h"

/* ---- one layer ---- */

static void
note(struct work *work, const char *text)
{
	mem_free(work->outcome->note);
	work->outcome->note = mem_string(text);
}

static struct inbound_layer *
add_layer(struct work *work, bool encrypted)
{
	struct inbound_layer *layer = mem_alloc(sizeof(*layer));

	layer->encrypted = encrypted;
	list_add(&work->outcome->inbound.layers, layer);
	return layer;
}

/* From now on this is the mail; what came, and who points to it, is no more. */
static void
take_over(struct work *work, struct buf *entity)
{
	struct inbound_layer *layer;

	LIST_FOREACH (layer, &work->outcome->inbound.layers)
		layer->parts.content = layer->parts.line_end = span_of(NULL, 0);
	buf_clear(&work->mail->entity);
	work_set_entity(work, entity);
	work->unpacked = true;
}

static int
open_root(struct work *work, struct inbound_layer *layer, struct span entity,
	struct buf *plain, struct error *err)
{
	struct buf der = { 0 };
	enum cms_kind kind;
	int result = -1;

	buf_init(plain, work->mail->entity.limit_bytes);
	if (smime_cms_of(entity, &der, &kind, err) == 0)
		result = inbound_open(work, layer, buf_span(&der), plain, err);
	buf_clear(&der);
	return result;
}

/*
 * What cannot be opened stays as it is.  The reader is told no more than
 * that; the log says why.
 */
static void
stay_closed(struct work *work, struct inbound_layer *layer,
	const struct error *why, bool by_rule)
{
	struct inbound_report *report = &work->outcome->inbound;
	struct error err = *why;

	layer->why = *why;
	trace_add(work_trace(work), "%s", why->text);
	mem_free(report->why);
	report->why = mem_string("the mail is encrypted and was not opened");
	report->verdict = by_rule ? INBOUND_NONE : INBOUND_NEUTRAL;
	if (by_rule) {
		note(work, why->text);
		return;
	}
	/* Not by its kind: of a bad tag and a missing key the same is said. */
	if (err.kind != ERROR_SYSTEM)
		err.kind = err.kind == ERROR_NOKEY ? ERROR_NOKEY : ERROR_FORMAT;
	work_fail(work, work->inbound.undecryptable, &err,
		words_for(FAILING_TO_DECRYPT, err.kind == ERROR_SYSTEM
						      ? ERROR_SYSTEM
						      : ERROR_FORMAT));
}

/* 1 with the next root in *entity, 0 when there is none. */
static int
undo_encryption(struct work *work, struct span *entity)
{
	struct inbound_layer *layer = add_layer(work, true);
	struct buf plain = { 0 };
	struct error err = { 0 };
	int opened = open_root(work, layer, *entity, &plain, &err);

	if (opened != 1) {
		buf_clear(&plain);
		stay_closed(work, layer, &err, opened == 0);
		return 0;
	}
	layer->opened = true;
	layer->vouched_for = layer->envelope.authenticated;
	work->outcome->inbound.decrypted = true;
	trace_add(
		work_trace(work), "decrypted (%s)", layer->envelope.algorithm);
	take_over(work, &plain);
	*entity = buf_span(&work->mail->entity);
	return 1;
}

/* Only what is verified loses its signature; the reader could not check it. */
static int
strip(struct work *work, struct span *entity)
{
	struct buf copy = { 0 };
	struct error err = { 0 };

	buf_init(&copy, work->mail->entity.limit_bytes);
	if (buf_add_span(&copy, *entity, &err) != 0) {
		buf_clear(&copy);
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_VERIFY, ERROR_SYSTEM));
		return 0;
	}
	take_over(work, &copy);
	*entity = buf_span(&work->mail->entity);
	work->outcome->inbound.stripped = true;
	trace_add(work_trace(work), "signature taken off");
	return 1;
}

static bool
is_mail(const struct work *work, struct span entity)
{
	return entity.data == work->mail->entity.data &&
	       entity.len == work->mail->entity.len;
}

static void
forget_signature(
	struct work *work, struct inbound_layer *layer, const struct error *err)
{
	layer->why = *err;
	if (err->kind == ERROR_LIMIT)
		layer->verdict = INBOUND_PERMERROR;
	if (err->kind == ERROR_SYSTEM)
		layer->verdict = INBOUND_TEMPERROR;
	trace_add(work_trace(work), "the signature cannot be verified: %s",
		err->text);
}

/*
 * By `bad_signature`: not whom we trust, but what was changed on its way.
 * Inside of what was opened it is a failure to open like any other: else a
 * stranger learns that his ciphertext had the right padding.
 */
static void
refuse_broken(struct work *work, const struct inbound_layer *layer)
{
	const struct inbound_set *set = &work->inbound;
	bool decrypted = work->outcome->inbound.decrypted;
	struct error err;

	metric_add(METRIC_SIGNATURES_BAD, 1);
	if (decrypted)
		inbound_client_failed(work);
	error_set(&err, ERROR_FORMAT, "the signature is not good: %s",
		layer->why.text);
	work_fail(work, decrypted ? set->undecryptable : set->bad_signature,
		&err,
		words_for(decrypted ? FAILING_TO_DECRYPT : FAILING_TO_VERIFY,
			ERROR_FORMAT));
}

static bool
is_broken(const struct work *work, const struct inbound_layer *layer)
{
	return work->inbound.verify && layer->verdict != INBOUND_TEMPERROR &&
	       layer->verdict != INBOUND_NONE && verdict_is_broken(layer);
}

/* A key is not used for what is inside of a mail that is refused already. */
static int
undo_signature(struct work *work, enum smime_kind kind, struct span *entity)
{
	struct inbound_layer *layer = add_layer(work, false);
	bool outermost = is_mail(work, *entity);
	struct span content = { 0 };
	struct error err = { 0 };

	if (inbound_verify(work, layer, *entity, kind, &content, &err) != 0) {
		forget_signature(work, layer, &err);
		if (is_broken(work, layer))
			refuse_broken(work, layer);
		return 0;
	}
	work->outcome->inbound.verified = work->inbound.verify;
	trace_add(work_trace(work), "signature: %s%s%s",
		inbound_verdict_name(layer->verdict),
		layer->why.text[0] != '\0' ? ": " : "", layer->why.text);
	if (is_broken(work, layer))
		refuse_broken(work, layer);
	if (content.data == NULL)
		return 0;
	*entity = content;
	if (!outermost || !work->inbound.strip ||
		verdict_is_unverified(layer) ||
		!inbound_fields_are_few(content))
		return 1;
	if (smime_check_plaintext(content, &err) != 0) {
		trace_add(
			work_trace(work), "the signature stays: %s", err.text);
		return 1;
	}
	return strip(work, entity);
}

/* ---- all of them ---- */

static void
too_many(struct work *work, enum smime_kind kind)
{
	struct inbound_report *report = &work->outcome->inbound;
	struct error err;

	error_set(&err, ERROR_LIMIT, "more than %u layers (limits.cms_layers)",
		work->gateway->limits.cms_layers);
	if (kind == SMIME_KIND_ENCRYPTED) {
		stay_closed(work, add_layer(work, true), &err, false);
		return;
	}
	mem_free(report->why);
	report->why = mem_string(err.text);
	trace_add(work_trace(work), "%s", err.text);
}

/* Claims to be S/MIME and cannot be read: as what cannot be opened. */
static void
cannot_be_read(struct work *work, struct error *err)
{
	if (!work->inbound.open)
		return;
	if (err->kind != ERROR_SYSTEM)
		error_set(err, ERROR_FORMAT,
			"it claims to be S/MIME, and is nothing that can be "
			"opened");
	stay_closed(work, add_layer(work, true), err, false);
}

/* 1 to go on with what was inside. */
static int
undo_one(struct work *work, struct span *entity)
{
	size_t level = work->outcome->inbound.layers.count;
	enum smime_kind kind = work->kind;
	struct error err = { 0 };

	/* The mail as it came has been looked at. */
	if (level != 0 && smime_detect(*entity, &kind, &err) != 0) {
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_DECRYPT, ERROR_SYSTEM));
		return 0;
	}
	if (kind == SMIME_KIND_OTHER_CMS)
		kind = smime_kind_of_claim(*entity, &err);
	switch (kind) {
	case SMIME_KIND_ENCRYPTED:
	case SMIME_KIND_SIGNED:
	case SMIME_KIND_OPAQUE:
		break;
	case SMIME_KIND_OTHER_CMS:
		cannot_be_read(work, &err);
		return 0;
	case SMIME_KIND_PLAIN:
	case SMIME_KIND_PGP_SIGNED:
	case SMIME_KIND_PGP_ENCRYPTED:
	case SMIME_KIND_OTHER_PGP:
	case SMIME_KIND_PGP_INLINE:
		return 0;
	}
	work->came_protected = true;
	if (level >= work->gateway->limits.cms_layers) {
		too_many(work, kind);
		return 0;
	}
	return kind == SMIME_KIND_ENCRYPTED
		       ? undo_encryption(work, entity)
		       : undo_signature(work, kind, entity);
}

/* Padding vouches for nothing; a signature inside does. */
static void
mark_vouched(struct list *layers)
{
	bool inside = false;

	for (size_t i = layers->count; i-- > 0;) {
		struct inbound_layer *layer = layers->item[i];

		if (!layer->encrypted)
			inside = inside || !verdict_is_unverified(layer);
		else if (inside)
			layer->vouched_for = true;
	}
}

static const struct inbound_layer *
judge(struct work *work)
{
	struct inbound_report *report = &work->outcome->inbound;

	mark_vouched(&report->layers);
	return verdict_of_mail(report, facts_author(&work->facts));
}

/* Two Content-Types: nobody knows which one a reader will believe. */
static bool
can_be_read(struct work *work)
{
	struct inbound_report *report = &work->outcome->inbound;
	const struct error *failure = &work->mail->failure;

	if (failure->kind == ERROR_SYSTEM) {
		work_fail(work, OTHERWISE_TEMPFAIL, failure,
			words_for(FAILING_TO_DECRYPT, ERROR_SYSTEM));
		return false;
	}
	if (failure->kind != ERROR_NONE)
		report->why = mem_string(failure->text);
	else if (work->facts.content_types > 1)
		report->why = mem_printf("the mail has %u Content-Type fields",
			work->facts.content_types);
	else if (!inbound_fields_are_few(buf_span(&work->mail->entity)))
		report->why = mem_printf("the mail has more than %d Content "
					 "fields",
			INBOUND_FIELDS_MAX);
	if (report->why != NULL)
		report->verdict = INBOUND_NEUTRAL;
	return report->why == NULL;
}

/* What the steps after this one see. */
static int
start_again(struct work *work, struct error *err)
{
	return smime_detect(buf_span(&work->mail->entity), &work->kind, err);
}

static void
count(const struct inbound_report *report)
{
	if (report->decrypted)
		metric_add(METRIC_MAILS_DECRYPTED, 1);
	if (report->verdict == INBOUND_PASS)
		metric_add(METRIC_SIGNATURES_GOOD, 1);
}

void
step_inbound(struct work *work)
{
	struct span entity = buf_span(&work->mail->entity);
	const struct inbound_layer *decides = NULL;
	struct error err = { 0 };

	inbound_match(work);
	if (!work->inbound.any)
		return;
	if (can_be_read(work)) {
		while (work_goes_on(work) && undo_one(work, &entity) == 1)
			;
		decides = judge(work);
	}
	if (work->unpacked && start_again(work, &err) != 0)
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_DECRYPT, ERROR_SYSTEM));
	work->outcome->headers_only_bounce = work->outcome->inbound.decrypted;
	count(&work->outcome->inbound);
	forged_remove(work);
	/* Of a mail that is not taken nothing is. */
	if (work_goes_on(work))
		harvest(work, decides);
	report_write(work, decides);
}
