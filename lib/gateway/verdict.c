/* One word about a mail's signatures (RFC 7281), and why. */
#include "base/mem.h"
#include "gateway/internal.h"

static const char *const names[] = {
	[INBOUND_NONE] = "none",
	[INBOUND_PASS] = "pass",
	[INBOUND_FAIL] = "fail",
	[INBOUND_POLICY] = "policy",
	[INBOUND_NEUTRAL] = "neutral",
	[INBOUND_TEMPERROR] = "temperror",
	[INBOUND_PERMERROR] = "permerror",
};

/* What a signature that is not verified comes to, by the kind of its reason. */
static const enum inbound_verdict by_kind[] = {
	[ERROR_NONE] = INBOUND_FAIL,
	[ERROR_SYSTEM] = INBOUND_TEMPERROR,
	[ERROR_CONFIG] = INBOUND_NEUTRAL,
	[ERROR_FORMAT] = INBOUND_FAIL,
	[ERROR_LIMIT] = INBOUND_PERMERROR,
	[ERROR_NOKEY] = INBOUND_PERMERROR,
	[ERROR_TRUST] = INBOUND_FAIL,
	[ERROR_CRYPTO] = INBOUND_FAIL,
};

const char *
inbound_verdict_name(enum inbound_verdict verdict)
{
	return names[verdict];
}

const struct inbound_signer *
verdict_author(const struct inbound_layer *layer)
{
	const struct inbound_signer *signer;

	LIST_FOREACH (signer, &layer->signers)
		if (signer->is_author)
			return signer;
	return NULL;
}

static void
say(struct inbound_layer *layer, enum inbound_verdict verdict,
	enum error_kind kind, const char *why)
{
	layer->verdict = verdict;
	if (why != NULL)
		error_set(&layer->why, kind, "%s", why);
}

/* Every one of them must be good, whoever it is. */
static const struct inbound_signer *
first_unverified(const struct inbound_layer *layer)
{
	const struct inbound_signer *signer;

	LIST_FOREACH (signer, &layer->signers)
		if (!signer->cms->verified)
			return signer;
	return NULL;
}

static void
judge_author(const struct work *work, struct inbound_layer *layer,
	const struct inbound_signer *signer)
{
	if (signer == NULL && facts_author(&work->facts) == NULL)
		say(layer, INBOUND_POLICY, ERROR_TRUST,
			"From does not name exactly one mailbox");
	else if (signer == NULL)
		say(layer, INBOUND_POLICY, ERROR_TRUST,
			"the signer's certificate is not for the address in "
			"From");
	else if (signer->cms->weak != 0 && !work->inbound.weak_ok)
		say(layer, INBOUND_POLICY, ERROR_TRUST,
			(signer->cms->weak & CMS_WEAK_DIGEST) != 0
				? "the signature is made with SHA-1"
				: "the signer's key is weak");
	else if (!signer->trusted)
		say(layer,
			signer->why.kind == ERROR_SYSTEM ? INBOUND_TEMPERROR
							 : INBOUND_FAIL,
			signer->why.kind, signer->why.text);
	else
		say(layer, INBOUND_PASS, ERROR_NONE,
			signer->why.text[0] != '\0' ? signer->why.text : NULL);
}

void
verdict_of_layer(const struct work *work, struct inbound_layer *layer)
{
	const struct inbound_signer *bad = first_unverified(layer);

	layer->why = (struct error){ 0 };
	if (layer->signers.count == 0)
		say(layer, INBOUND_NONE, ERROR_FORMAT, "nobody has signed it");
	else if (bad != NULL && bad->cms->why.kind == ERROR_NOKEY)
		say(layer, INBOUND_PERMERROR, ERROR_NOKEY,
			"the signer's certificate is not known");
	else if (bad != NULL)
		say(layer, by_kind[bad->cms->why.kind], bad->cms->why.kind,
			bad->cms->why.text);
	else
		judge_author(work, layer, verdict_author(layer));
}

bool
verdict_is_unverified(const struct inbound_layer *layer)
{
	return layer->signers.count == 0 || first_unverified(layer) != NULL;
}

/* A certificate or an algorithm that we do not have says nothing. */
static bool
can_be_told(const struct inbound_signer *signer)
{
	return signer->cms->why.kind != ERROR_NOKEY &&
	       signer->cms->why.kind != ERROR_CONFIG;
}

bool
verdict_is_broken(const struct inbound_layer *layer)
{
	const struct inbound_signer *signer;

	LIST_FOREACH (signer, &layer->signers)
		if (!signer->cms->verified && can_be_told(signer))
			return true;
	return layer->signers.count == 0;
}

static const struct inbound_layer *
layer_that_decides(const struct inbound_report *report)
{
	const struct inbound_layer *layer, *first = NULL;

	LIST_FOREACH (layer, &report->layers)
		if (!layer->encrypted && layer->verdict != INBOUND_NONE &&
			verdict_is_unverified(layer))
			return layer;
	LIST_FOREACH (layer, &report->layers) {
		if (layer->encrypted)
			continue;
		if (layer->verdict == INBOUND_PASS)
			return layer;
		if (first == NULL)
			first = layer;
	}
	return first;
}

/* Whose signature it is: the author's, or whoever has verified. */
static char *
identifier_of(const struct inbound_layer *layer, const struct address *author)
{
	const struct inbound_signer *signer = verdict_author(layer);
	const struct address *first;

	if (signer != NULL && signer->cms->verified)
		return mem_string(author->text);
	LIST_FOREACH (signer, &layer->signers)
		if (signer->cms->verified && signer->cms->cert != NULL &&
			signer->cms->cert->addresses.count != 0) {
			first = signer->cms->cert->addresses.item[0];
			return mem_string(first->text);
		}
	return NULL;
}

const struct inbound_layer *
verdict_of_mail(struct inbound_report *report, const struct address *author)
{
	const struct inbound_layer *layer = layer_that_decides(report);

	if (layer == NULL)
		return NULL;
	report->verdict = layer->verdict;
	mem_free(report->why);
	report->why =
		layer->why.text[0] != '\0' ? mem_string(layer->why.text) : NULL;
	report->identifier = identifier_of(layer, author);
	return layer;
}
