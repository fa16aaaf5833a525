/*
 * Certificates of people who write to us, for the next mail to them: only of
 * a signer who is verified, trusted and the author, for his own address.  One
 * that names others as well would be found for these, who have not written.
 */
#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "gateway/internal.h"
#include "metric/metric.h"

enum { PATH_MAX_CERTS = 8 };

static bool
names_others(const struct cert *cert, const struct address *author)
{
	const struct address *named;

	LIST_FOREACH (named, &cert->addresses)
		if (!addr_equal(named, author))
			return true;
	return false;
}

/* Could we encrypt to it at once? */
static bool
is_usable(const struct work *work, const struct cert *cert)
{
	const struct address *author = facts_author(&work->facts);
	time_t now = clock_now();

	return cert != NULL && cert_names_address(cert, author) &&
	       !names_others(cert, author) &&
	       cert_fits(cert, CERT_TO_ENCRYPT, false, now, NULL) == 0 &&
	       trust_check(work->gateway->trust, cert, false, now, NULL) == 0;
}

/*
 * What the signer asks for, or the certificate he signed with, or another
 * one of his in the mail.
 */
static const struct cert *
choose(const struct work *work, const struct inbound_layer *layer,
	const struct inbound_signer *signer)
{
	const struct cert *cert;

	if (is_usable(work, signer->cms->encryption))
		return signer->cms->encryption;
	if (is_usable(work, signer->cms->cert))
		return signer->cms->cert;
	LIST_FOREACH (cert, &layer->cms.certificates)
		if (is_usable(work, cert))
			return cert;
	return NULL;
}

/*
 * With those of its chain that lead up from it, and no others: a mail carries
 * whatever its sender likes.
 */
static struct cert *
with_path(const struct cert *cert)
{
	STACK_OF(X509) *path = sk_X509_new_null();
	X509 *below = cert->x509;
	struct cert *made = NULL;

	while (path != NULL && sk_X509_num(path) < PATH_MAX_CERTS) {
		X509 *issuer = NULL;

		for (int i = 0; i < sk_X509_num(cert->chain); i++) {
			X509 *one = sk_X509_value(cert->chain, i);

			if (issuer == NULL && one != below &&
				X509_cmp(one, below) != 0 &&
				cert_has_issued(one, below))
				issuer = one;
		}
		if (issuer == NULL || cert_has_issued(issuer, issuer) ||
			X509_up_ref(issuer) != 1)
			break;
		if (sk_X509_push(path, issuer) == 0) {
			X509_free(issuer);
			break;
		}
		below = issuer;
	}
	if (X509_up_ref(cert->x509) != 1 ||
		cert_new(cert->x509, NULL, path, CERT_HARVESTED, "a mail",
			&made, NULL) != 0)
		return NULL;
	return made;
}

static bool
is_there(struct store *store, const struct cert *cert)
{
	char *text = mem_printf("sha256:%s", cert->sha256);
	struct cert_selector *selector = NULL;
	struct list found = { 0 };
	bool there = true; /* unless it can be told: import nothing */

	if (cert_selector_new(text, &selector, NULL) == 0 &&
		store_find(store, NULL, selector, 0, &found, NULL) == 0)
		there = found.count != 0;
	list_clear(&found, cert_unref);
	cert_selector_free(selector);
	mem_free(text);
	return there;
}

static void
put_into(struct work *work, struct store *store, const struct cert *cert)
{
	struct gateway_counts *counts = work->gateway->counts;
	struct cert *reduced;
	struct error err = { 0 };

	if (is_there(store, cert))
		return;
	if (work->run->explain) {
		trace_add(work_trace(work), "certificate %s would be harvested",
			cert->sha256);
		return;
	}
	if (!counts_harvest(counts, store, &work->gateway->limits)) {
		trace_add(work_trace(work),
			"not harvested: limits.harvest_day or "
			"limits.harvest_total is reached");
		return;
	}
	reduced = with_path(cert);
	if (reduced == NULL)
		return;
	if (store_import(store, reduced, CERT_HARVESTED, &err) != 0) {
		cert_unref(reduced);
		event(EVENT_WARNING,
			"store %s: a certificate cannot be "
			"harvested: %s",
			store_name(store), err.text);
		return;
	}
	cert_unref(reduced);
	work->outcome->inbound.harvested = true;
	metric_add(METRIC_CERTS_HARVESTED, 1);
	trace_add(work_trace(work), "certificate %s harvested", cert->sha256);
}

void
harvest(struct work *work, const struct inbound_layer *layer)
{
	const struct inbound_set *set = &work->inbound;
	struct store *last = NULL;
	const struct cert *cert;

	if (layer == NULL || work->run->by_hand != NULL ||
		work->outcome->inbound.verdict != INBOUND_PASS ||
		work->gateway->trust == NULL)
		return;
	cert = choose(work, layer, verdict_author(layer));
	if (cert == NULL)
		return;
	for (size_t i = 0; i < set->count; i++) {
		const struct inbound_rule *rule = set->entries[i].rule;

		if (rule == NULL || rule->harvest == NULL || !rule->verify ||
			rule->harvest == last)
			continue;
		last = rule->harvest;
		put_into(work, rule->harvest, cert);
	}
}
