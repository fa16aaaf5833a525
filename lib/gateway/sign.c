/* The step that signs a mail by its sender's rule. */
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"

static void
remark(struct work *work, const char *why)
{
	struct sign_report *report = &work->outcome->sign;

	mem_free(report->why);
	report->why = mem_string(why);
	trace_add(work_trace(work), "not signed: %s", why);
}

static void
fail(struct work *work, const struct sign_rule *rule, const struct error *err)
{
	remark(work, err->text);
	work_fail(work, rule->rule.otherwise, err,
		words_for(FAILING_TO_SIGN, err->kind));
}

/* Who may have a signature?  1 go on, 0 not signed, -1 by otherwise. */
static int
check_client(struct work *work, const struct sign_rule *rule, struct error *err)
{
	enum entitlement entitlement =
		rule_entitlement(&rule->rule, &work->facts.sender,
			&work->mail->client, work->gateway->logins, err);

	if (entitlement == NOT_ENTITLED)
		return 0;
	if (!work->facts.sender.single)
		return error_set(err, ERROR_FORMAT,
			"From does not name exactly one mailbox");
	return entitlement == ENTITLED ? 1 : -1;
}

/* Can this mail be signed at all?  1 yes, 0 it is protected already. */
static int
check_form(struct work *work, struct error *err)
{
	if (work->mail->failure.kind != ERROR_NONE) {
		*err = work->mail->failure;
		return -1;
	}
	if (work->facts.content_types > 1)
		return error_set(err, ERROR_FORMAT,
			"the mail has %u Content-Type fields",
			work->facts.content_types);
	if (work->came_protected) {
		error_set(err, ERROR_FORMAT, "the mail came in protected");
		return 0;
	}
	if (work->kind == SMIME_KIND_PLAIN)
		return 1;
	error_set(err, ERROR_FORMAT, "the mail is already %s",
		smime_kind_name(work->kind));
	return 0;
}

/* *cert is a reference, also when it fails; or NULL. */
static int
choose_signer(struct work *work, const struct sign_rule *rule,
	struct cert **cert, struct signer_entry **signer, struct error *err)
{
	struct sign_report *report = &work->outcome->sign;
	struct choice choice = { .stores = &rule->stores,
		.address = facts_author(&work->facts),
		.selector = rule->selector,
		.purpose = CERT_TO_SIGN,
		.trust = work->gateway->trust,
		.own = true,
		.deadline_ms = work->deadline_ms };

	if (choose_cert(&choice,
		    work->run->explain ? &report->candidates : NULL, cert,
		    err) != 0) {
		if (err->kind == ERROR_NOKEY)
			wanted_note(work, rule);
		return -1;
	}
	memcpy(report->certificate, (*cert)->sha256, sizeof((*cert)->sha256));
	return signers_get(work->gateway->signers, rule, *cert,
		work->deadline_ms, signer, err);
}

/*
 * What cannot be made 7-bit would be changed by the next hop and break a
 * detached signature; inside an opaque one it is safe (RFC 8551 3.1.3).
 */
static enum smime_form
form_for(struct work *work, const struct sign_rule *rule)
{
	enum smime_form form = special_form(work, rule->form);

	if (work->residue == 0 || form == SMIME_FORM_OPAQUE)
		return form;
	mem_free(work->outcome->note);
	work->outcome->note = mem_printf("opaque, since %s cannot be made "
					 "7-bit",
		mime_residue_text(work->residue));
	trace_add(work_trace(work), "%s", work->outcome->note);
	return SMIME_FORM_OPAQUE;
}

/*
 * *retired: the token of the key was opened anew meanwhile, and the same
 * certificate may have a good key now.
 */
static int
try_to_sign(struct work *work, const struct sign_rule *rule,
	enum smime_form *form, bool *retired, struct error *err)
{
	struct smime_layer *layer = &work->outcome->layers[work->layers];
	struct signer_entry *signer = NULL;
	struct cert *cert = NULL;
	int result = -1;

	if (choose_signer(work, rule, &cert, &signer, err) != 0 ||
		work_prepare(work, rule, err) != 0)
		goto out;
	*form = form_for(work, rule);
	result = smime_sign(
		signer_cms(signer), *form, &work->entity, layer, err);
out:
	*retired = cert != NULL && cert_is_retired(cert);
	signer_release(signer);
	cert_unref(cert);
	return result;
}

static int
sign(struct work *work, const struct sign_rule *rule, struct error *err)
{
	struct smime_layer *layer = &work->outcome->layers[work->layers];
	enum smime_form form = rule->form;
	bool retired;
	int result = try_to_sign(work, rule, &form, &retired, err);

	if (result != 0 && retired) {
		smime_layer_clear(layer);
		list_clear(&work->outcome->sign.candidates, candidate_free);
		result = try_to_sign(work, rule, &form, &retired, err);
	}
	if (result != 0)
		return -1;
	if (form == SMIME_FORM_OPAQUE)
		work_release_content(work);
	work->layers++;
	work->entity.count = 0;
	smime_layer_entity(layer, &work->entity);
	return 0;
}

void
step_sign(struct work *work)
{
	struct sign_report *report = &work->outcome->sign;
	const struct sign_rule *rule = sign_match(work);
	struct error err = { 0 };
	int may;

	if (rule == NULL)
		return;
	report->rule = rule->rule.name;
	if (work->outcome->verdict >= VERDICT_TEMPFAIL) {
		remark(work, work->outcome->error.text);
		return;
	}
	if (rule->rule.none) {
		remark(work, "the rule says mode = \"none\"");
		return;
	}
	work->signs_secrets = rule->when_encrypting;
	if (rule->when_encrypting && !work->plan.encrypt) {
		remark(work, "the mail is not encrypted");
		return;
	}
	may = check_client(work, rule, &err);
	if (may == 1)
		may = check_form(work, &err);
	if (may == 0) {
		remark(work, err.text);
		return;
	}
	if (may == 1 && special_leaves_unsigned(work, rule->rule.otherwise)) {
		remark(work, work->outcome->verdict != VERDICT_ACCEPT
				     ? work->outcome->error.text
				     : work->outcome->note);
		return;
	}
	if (may != 1 || sign(work, rule, &err) != 0) {
		fail(work, rule, &err);
		return;
	}
	report->done = work->outcome->signed_ = true;
	trace_add(work_trace(work), "signed by rule %s with certificate %s",
		rule->rule.name, report->certificate);
}
