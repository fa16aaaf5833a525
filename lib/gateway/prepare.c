/* The entity as it is about to be signed or encrypted. */
#include "base/mem.h"
#include "gateway/unpack.h"

/* An entity without Content-Type says what it is (RFC 2045 5.2). */
static void
complete_header(struct work *work, struct span entity)
{
	struct mime_entity parts;
	struct mime_field field;

	mime_entity_split(entity, &parts);
	if (mime_field_find(parts.header, "Content-Type", 0, &field) == 1)
		return;
	pieces_add(&work->entity,
		SPAN("Content-Type: text/plain; charset=us-ascii\r\n"));
	if (mime_field_find(
		    parts.header, "Content-Transfer-Encoding", 0, &field) == 0)
		pieces_add(&work->entity,
			SPAN("Content-Transfer-Encoding: 7bit\r\n"));
}

void
work_release_content(struct work *work)
{
	/* Copies are made of it as well. */
	if (work->plan.groups.count > 1)
		return;
	buf_clear(&work->mail->entity);
	buf_clear(&work->outcome->rewritten);
}

/* Make the entity 7-bit safe and give it a Content-Type, once. */
static int
make_fit(struct work *work, struct error *err)
{
	struct buf *rewritten = &work->outcome->rewritten;
	struct span entity = buf_span(&work->mail->entity);
	struct mime_rewrite report = { 0 };

	if (work->fit)
		return 0;
	if (!mime_is_fit(entity)) {
		if (mime_make_fit(entity, &work->gateway->limits.mime,
			    rewritten, &report, err) != 0)
			return -1;
		/* Who gets it in clear gets it as it came. */
		if (work->plan.groups.count < 2)
			buf_clear(&work->mail->entity);
		entity = buf_span(rewritten);
		trace_add(work_trace(work),
			"%u of %u parts re-encoded to be 7-bit", report.changed,
			report.leaves);
	}
	work->residue = report.residue;
	work->entity.count = 0;
	complete_header(work, entity);
	pieces_add(&work->entity, entity);
	work->fit = true;
	return 0;
}

/* ---- winmail.dat ---- */

void
work_set_entity(struct work *work, struct buf *entity)
{
	struct mail *mail = work->mail;
	struct mime_entity parts;

	mail->entity = *entity;
	*entity = (struct buf){ 0 };
	mime_entity_split(buf_span(&mail->entity), &parts);
	mail->body_offset =
		parts.body.data != NULL
			? (size_t)(parts.body.data - mail->entity.data)
			: mail->entity.len;
	work->entity.count = 0;
	pieces_add(&work->entity, buf_span(&mail->entity));
}

/* One body goes to all: one rule that asks for it is enough. */
static bool
wants_tnef(const struct work *work, const struct sign_rule *signed_by)
{
	const struct plan_set *plan = &work->plan;
	bool wanted = signed_by != NULL && signed_by->tnef;

	for (size_t i = 0; plan->encrypt && i < plan->count; i++)
		wanted = wanted || (plan->entries[i].rule != NULL &&
					   plan->entries[i].rule->tnef);
	return wanted;
}

/* What was there before goes to *before. */
static int
unpack(struct work *work, struct buf *before, struct error *err)
{
	struct buf *entity = &work->mail->entity;
	struct buf made;

	/* Texts may be longer unpacked; attachments are about what they were.
	 */
	buf_init(&made, 2 * entity->limit_bytes);
	if (unpack_entity(work->gateway, buf_span(entity), &made, work->outcome,
		    work_trace(work), err) != 0)
		return -1;
	if (made.len == 0)
		return 0;
	made.limit_bytes = entity->limit_bytes;
	*before = *entity;
	work_set_entity(work, &made);
	work->outcome->unpacked = true;
	return 0;
}

/* As it came, then: better a winmail.dat than no signature. */
static int
undo_unpacking(struct work *work, struct buf *before, struct error *err)
{
	struct outcome *outcome = work->outcome;

	mem_free(outcome->note);
	outcome->note = mem_printf("winmail.dat kept: unpacked, %s", err->text);
	trace_add(work_trace(work), "%s", outcome->note);
	outcome->unpacked = false;
	buf_clear(&work->mail->entity);
	work_set_entity(work, before);
	return make_fit(work, err);
}

int
work_prepare(
	struct work *work, const struct sign_rule *signed_by, struct error *err)
{
	struct buf before = { 0 };
	int result;

	if (!work->fit && !work->tnef_seen && wants_tnef(work, signed_by)) {
		work->tnef_seen = true;
		if (unpack(work, &before, err) != 0)
			return -1;
	}
	result = make_fit(work, err);
	if (result != 0 && before.len != 0 && err->kind != ERROR_SYSTEM)
		result = undo_unpacking(work, &before, err);
	buf_clear(&before);
	return result;
}
