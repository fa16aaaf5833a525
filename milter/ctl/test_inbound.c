/*
 * smimectl test --all, the inbound rules: each against a mail that somebody
 * with a key of ours could have sent, signed, and encrypted to a key of the
 * rule.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "smime/smime.h"
#include "trial.h"

struct made_up {
	char *to, *from;
	struct cert *key;    /* of the rule, or NULL */
	struct cert *signer; /* or NULL: nobody can sign */
	struct smime_layer layers[2];
	struct smime_layer *outermost; /* or NULL: a plain mail */
};

static void
made_up_clear(struct made_up *made)
{
	mem_free(made->to);
	mem_free(made->from);
	cert_unref(made->key);
	cert_unref(made->signer);
	smime_layer_clear(&made->layers[0]);
	smime_layer_clear(&made->layers[1]);
}

/* ---- keys ---- */

/* The address of the certificate that the pattern (NULL: any) matches. */
static const struct address *
named_by(const struct cert *cert, const struct pattern *pattern)
{
	const struct address *address;

	LIST_FOREACH (address, &cert->addresses)
		if (pattern == NULL || pattern_match(pattern, address))
			return address;
	return NULL;
}

static bool
is_candidate(const struct cert *cert, enum cert_purpose purpose,
	const struct pattern *pattern)
{
	return (purpose == CERT_TO_SIGN ? cert->may_sign : cert->may_encrypt) &&
	       named_by(cert, pattern) != NULL;
}

/*
 * A certificate with its key, for an address that the pattern (NULL: any)
 * matches; one that may be used now before one that has expired.
 */
static struct cert *
find_key(const struct list *stores, enum cert_purpose purpose,
	const struct pattern *pattern, struct error *err)
{
	struct cert *best = NULL, *cert;
	struct store *store;
	bool fits = false;

	LIST_FOREACH (store, stores) {
		struct list certs = { 0 };

		if (!fits && store_list_own(store, &certs, err) != 0)
			continue;
		LIST_FOREACH (cert, &certs) {
			if (fits || !is_candidate(cert, purpose, pattern))
				continue;
			fits = cert_fits(cert, purpose, false, clock_now(),
				       NULL) == 0;
			if (!fits && best != NULL)
				continue;
			cert_unref(best);
			best = cert_ref(cert);
		}
		list_clear(&certs, cert_unref);
	}
	return best;
}

/* ---- the mail ---- */

/* Whom it is for, and the key that shall open it. */
static int
choose_key(struct made_up *made, const struct inbound_rule *rule,
	const struct pattern *pattern, struct error *err)
{
	struct error why = { 0 };

	made->key = find_key(&rule->keys, CERT_TO_ENCRYPT,
		rule->any_key ? NULL : pattern, &why);
	if (pattern_has_wildcard(pattern))
		made->to =
			made->key == NULL || rule->any_key
				? trial_fill_pattern(pattern)
				: mem_string(
					  named_by(made->key, pattern)->text);
	else
		made->to = mem_string(pattern_text(pattern));
	if (made->key != NULL || rule->keys.count == 0)
		return 0;
	return why.kind != ERROR_NONE
		       ? error_set(err, why.kind, "%s", why.text)
		       : error_set(err, ERROR_NOKEY,
				 "none of its keys can open a mail to <%s>",
				 made->to);
}

static void
choose_signer(struct made_up *made, const struct list *stores)
{
	struct error ignored;

	made->signer = find_key(stores, CERT_TO_SIGN, NULL, &ignored);
	made->from = mem_string(made->signer != NULL
					? named_by(made->signer, NULL)->text
					: TRIAL_SOMEBODY);
}

static int
sign(struct made_up *made, struct pieces *entity, struct error *err)
{
	struct cms_signer *signer = NULL;
	int result;

	if (cms_signer_new(made->signer, CRYPTO_SHA256, CMS_PKCS1,
		    made->signer->chain, NULL, &signer, err) != 0)
		return -1;
	made->outermost = &made->layers[0];
	result = smime_sign(
		signer, SMIME_FORM_DETACHED, entity, made->outermost, err);
	cms_signer_free(signer);
	entity->count = 0;
	smime_layer_entity(made->outermost, entity);
	return result;
}

static int
encrypt(struct made_up *made, const struct pieces *entity, struct error *err)
{
	const struct cms_recipient to = { .cert = made->key,
		.transport = CMS_RSA_PKCS1 };

	made->outermost = &made->layers[1];
	return smime_encrypt(
		CMS_AES256_CBC, &to, 1, entity, made->outermost, err);
}

static int
make_up(struct made_up *made, const struct gateway *gateway,
	const struct inbound_rule *rule, const struct pattern *pattern,
	struct error *err)
{
	struct pieces entity = { 0 };

	choose_signer(made, &gateway->stores);
	if (choose_key(made, rule, pattern, err) != 0)
		return -1;
	pieces_add(&entity, SPAN(TRIAL_TEXT));
	if (made->signer != NULL && sign(made, &entity, err) != 0)
		return -1;
	return made->key != NULL ? encrypt(made, &entity, err) : 0;
}

/* ---- what became of it ---- */

static bool
is_done(const struct inbound_layer *layer)
{
	const struct inbound_signer *signer;

	LIST_FOREACH (signer, &layer->signers)
		if (!signer->cms->verified)
			return false;
	return layer->encrypted ? layer->opened : layer->signers.count != 0;
}

/* Every layer it was given has been undone; *why: of the one that was not. */
static bool
all_done(const struct made_up *made, const struct inbound_report *report,
	const char **why)
{
	const struct inbound_layer *layer;
	size_t layers = (made->signer != NULL) + (made->key != NULL);

	LIST_FOREACH (layer, &report->layers)
		if (!is_done(layer)) {
			*why = layer->why.text;
			return false;
		}
	return report->layers.count == layers;
}

/* What the mail could not show; trust in our own signer is not asked for. */
static char *
remark_on(const struct made_up *made, const struct inbound_rule *rule,
	const struct inbound_report *report)
{
	if (!rule->verify)
		return NULL;
	if (made->signer == NULL)
		return mem_string("no store has a key to sign a mail with");
	if (report->verdict != INBOUND_PASS && report->why != NULL)
		return mem_printf("the signature is good, but %s: %s",
			inbound_verdict_name(report->verdict), report->why);
	return NULL;
}

static void
put_through(const struct gateway *gateway, const struct inbound_rule *rule,
	const struct made_up *made, struct trial_row *row)
{
	const struct inbound_report *report;
	struct gateway alone = *gateway;
	struct trial trial;
	struct error err = { 0 };
	const char *why = NULL;
	bool done;

	alone.sign_rules = alone.encrypt_rules = (struct list){ 0 };
	trial_init(&trial, &alone);
	report = &trial.outcome.inbound;
	if (trial_make_up(
		    &trial, made->from, made->to, made->outermost, &err) != 0) {
		row->why = mem_string(err.text);
	} else {
		trial_run(&trial, &alone);
		done = trial.outcome.verdict == VERDICT_ACCEPT &&
		       all_done(made, report, &why);
		row->why = trial_judge(rule->rule.name, report->rule, done, why,
			&trial.outcome);
		row->remark = remark_on(made, rule, report);
	}
	trial_clear(&trial);
}

void
trial_inbound_rule(const struct gateway *gateway,
	const struct inbound_rule *rule, struct list *rows)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, &rule->rule.recipients) {
		struct trial_row row = { "inbound", rule->rule.name, NULL, NULL,
			NULL };
		struct made_up made = { 0 };
		struct error err = { 0 };

		if (make_up(&made, gateway, rule, pattern, &err) != 0)
			row.why = mem_string(err.text);
		else
			put_through(gateway, rule, &made, &row);
		row.address = mem_string(made.to);
		trial_add_row(rows, &row);
		made_up_clear(&made);
	}
}
