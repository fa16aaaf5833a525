/*
 * A signature over the whole of what is there.  Verified (the bytes are the
 * key holder's) and trusted (we believe who that is) are two answers.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/internal.h"

/*
 * Where a certificate is looked for that the mail does not carry: all stores,
 * by the author's address.  One that cannot tell now is passed over when others
 * know some; else the verdict is temperror.
 */
static int
find_more(const struct work *work, struct list *out, struct error *err)
{
	const struct address *author = facts_author(&work->facts);
	struct error trouble = { 0 };
	struct store *store;

	if (author == NULL)
		return 0;
	LIST_FOREACH (store, &work->gateway->stores) {
		struct error why;

		if (store_find(store, author, NULL, work->deadline_ms, out,
			    &why) != 0 &&
			why.kind == ERROR_SYSTEM)
			trouble = why;
	}
	if (out->count != 0 || trouble.kind == ERROR_NONE)
		return 0;
	*err = trouble;
	return -1;
}

static void
judge_trust(const struct work *work, struct inbound_signer *signer)
{
	struct trust *trust = work->gateway->trust;
	const struct cert *cert = signer->cms->cert;
	time_t when = work->run->at != 0 ? work->run->at : clock_now();

	if (cert == NULL)
		error_set(&signer->why, ERROR_NOKEY,
			"the signer's certificate is not known");
	else if (!cert->may_sign)
		error_set(&signer->why, ERROR_TRUST,
			"its certificate is not for signing mail");
	else if (trust == NULL)
		error_set(&signer->why, ERROR_TRUST, "nothing is trusted");
	/* What is weak is the verdict's business. */
	else if (trust_check(trust, cert, true, when, &signer->why) == 0)
		signer->trusted = true;
}

static void
judge_signers(const struct work *work, struct inbound_layer *layer)
{
	const struct address *author = facts_author(&work->facts);
	const struct cms_signer_report *report;

	LIST_FOREACH (report, &layer->cms.signers) {
		struct inbound_signer *signer = mem_alloc(sizeof(*signer));

		signer->cms = report;
		signer->is_author = author != NULL && report->cert != NULL &&
				    cert_names_address(report->cert, author);
		judge_trust(work, signer);
		list_add(&layer->signers, signer);
	}
}

/* Does a signer's certificate have to be looked for? */
static bool
lacks_certificate(const struct inbound_layer *layer)
{
	const struct cms_signer_report *report;

	LIST_FOREACH (report, &layer->cms.signers)
		if (report->cert == NULL)
			return true;
	return false;
}

static int
read_once(struct inbound_layer *layer, enum smime_kind kind,
	const struct list *more, struct error *err)
{
	cms_signed_clear(&layer->cms);
	if (kind == SMIME_KIND_SIGNED)
		return smime_read_signed(&layer->parts, more, NULL, &layer->cms,
			&layer->form, err);
	return cms_read_signed(
		buf_span(&layer->der), NULL, more, NULL, &layer->cms, err);
}

/* Stores are asked only when the mail carries no certificate. */
static int
read_signature(const struct work *work, struct inbound_layer *layer,
	enum smime_kind kind, struct error *err)
{
	struct list more = { 0 };
	int result = read_once(layer, kind, NULL, err);

	if (result != 0 || !lacks_certificate(layer))
		return result;
	result = find_more(work, &more, err);
	if (more.count != 0)
		result = read_once(layer, kind, &more, err);
	list_clear(&more, cert_unref);
	return result;
}

/*
 * Two parts and no more, or it is neutral: no reader knows what the signature
 * is meant to cover.
 */
static int
cut(struct inbound_layer *layer, struct span entity, enum smime_kind kind,
	struct error *err)
{
	enum cms_kind cms;

	layer->verdict = INBOUND_NEUTRAL;
	return kind == SMIME_KIND_SIGNED
		       ? smime_split_signed(entity, &layer->parts, err)
		       : smime_cms_of(entity, &layer->der, &cms, err);
}

int
inbound_verify(struct work *work, struct inbound_layer *layer,
	struct span entity, enum smime_kind kind, struct span *content,
	struct error *err)
{
	if (cut(layer, entity, kind, err) != 0)
		return -1;
	layer->verdict = INBOUND_FAIL;
	if (read_signature(work, layer, kind, err) != 0)
		return -1;
	judge_signers(work, layer);
	verdict_of_layer(work, layer);
	*content = kind == SMIME_KIND_SIGNED ? layer->parts.content
					     : layer->cms.content;
	return 0;
}
