/* The step that encrypts a mail for the recipients of its plan. */
#include "gateway/internal.h"

/*
 * What cannot be made 7-bit, or is nested too deeply for that, is encrypted
 * as it is: inside the CMS nobody touches it (RFC 8551 3.1.2 only asks for
 * 7-bit where it can be had).
 */
static int
prepare(struct work *work, struct error *err)
{
	struct error why = { 0 };

	if (work->layers != 0 || work->kind != SMIME_KIND_PLAIN ||
		work_make_fit(work, &why) == 0)
		return 0;
	if (why.kind == ERROR_SYSTEM)
		return error_set(err, why.kind, "%s", why.text);
	trace_add(work_trace(work), "encrypted as it is: %s", why.text);
	return 0;
}

int
encrypt_for(struct work *work, const struct plan_group *group,
	struct smime_layer *layer, struct error *err)
{
	return smime_encrypt(group->rule->cipher, group->to, group->to_count,
		&work->entity, layer, err);
}

static int
encrypt(struct work *work, struct error *err)
{
	struct smime_layer *layer = &work->outcome->layers[work->layers];
	const struct list *groups = &work->plan.groups;

	if (prepare(work, err) != 0 ||
		encrypt_for(work, groups->item[0], layer, err) != 0)
		return -1;
	work->layers++;
	if (groups->count > 1)
		return 0; /* more is to be made of the content */
	work_release_content(work);
	if (work->layers == 2)
		smime_layer_clear(&work->outcome->layers[0]);
	return 0;
}

void
step_encrypt(struct work *work)
{
	const struct plan_group *kept;
	struct error err = { 0 };

	if (!work->plan.encrypt)
		return;
	if (encrypt(work, &err) != 0) {
		work_fail(work, plan_strictest(&work->plan), &err,
			words_for(FAILING_TO_ENCRYPT, err.kind));
		return;
	}
	kept = work->plan.groups.item[0];
	work->outcome->encrypted = true;
	trace_add(work_trace(work), "encrypted with %s, RecipientInfos: %zu",
		cms_cipher_name(kept->rule->cipher), kept->to_count);
}
