/* What came in, layer by layer, signer by signer; for people and programs. */
#include <stdio.h>

#include "base/mem.h"
#include "json.h"
#include "trial.h"

/* ---- for people ---- */

static void
print_signer(const struct inbound_signer *signer)
{
	const struct cms_signer_report *cms = signer->cms;
	const struct address *address;
	char *issuer = cms->cert != NULL ? cert_issuer(cms->cert)
					 : mem_string(cms->party.issuer);
	char *serial = cms->cert != NULL ? cert_serial(cms->cert)
					 : mem_string(cms->party.serial);

	printf("    signer     ");
	if (cms->cert != NULL)
		LIST_FOREACH (address, &cms->cert->addresses)
			printf("<%s> ", address->text);
	printf("(%s, serial %s)\n", issuer, serial);
	printf("      verified %s%s%s\n", cms->verified ? "yes" : "no",
		cms->why.text[0] != '\0' ? ": " : "", cms->why.text);
	printf("      trusted  %s%s%s\n", signer->trusted ? "yes" : "no",
		signer->why.text[0] != '\0' ? ": " : "", signer->why.text);
	printf("      author   %s\n", signer->is_author ? "yes" : "no");
	mem_free(issuer);
	mem_free(serial);
}

static void
print_layer(const struct inbound_layer *layer, size_t level)
{
	const struct inbound_signer *signer;
	const struct cms_party *party;

	if (!layer->encrypted) {
		printf("  layer %zu      signed, %s: %s\n", level,
			layer->cms.detached ? "detached" : "opaque",
			inbound_verdict_name(layer->verdict));
		LIST_FOREACH (signer, &layer->signers)
			print_signer(signer);
	} else {
		printf("  layer %zu      encrypted, %s: %s%s\n", level,
			layer->envelope.algorithm[0] != '\0'
				? layer->envelope.algorithm
				: "in an unknown way",
			layer->opened ? "opened" : "not opened",
			layer->opened && !layer->vouched_for
				? ", not authenticated"
				: "");
		LIST_FOREACH (party, &layer->envelope.recipients)
			printf("    for        %s, serial %s%s%s\n",
				party->issuer, party->serial,
				party->key_id[0] != '\0' ? ", key " : "",
				party->key_id);
	}
	if (layer->why.text[0] != '\0')
		printf("    why        %s\n", layer->why.text);
}

void
explain_inbound(const struct inbound_report *report)
{
	const struct inbound_layer *layer;
	size_t level = 0;

	printf("inbound\n");
	printf("  %-12s %s\n", "rule",
		report->rule == NULL	  ? "none matches a recipient"
		: report->rule[0] == '\0' ? "by hand"
					  : report->rule);
	LIST_FOREACH (layer, &report->layers)
		print_layer(layer, level++);
	printf("  %-12s %s\n", "smime", inbound_verdict_name(report->verdict));
	if (report->identifier != NULL)
		printf("  %-12s <%s>\n", "identifier", report->identifier);
	if (report->why != NULL)
		printf("  %-12s %s\n", "why", report->why);
}

/* ---- for programs ---- */

static json_t *
why_or_null(const struct error *why)
{
	return json_text(why->text[0] != '\0' ? why->text : NULL);
}

static json_t *
signer_json(const struct inbound_signer *signer)
{
	const struct cms_signer_report *cms = signer->cms;
	json_t *addresses = json_array();
	const struct address *address;

	if (cms->cert != NULL)
		LIST_FOREACH (address, &cms->cert->addresses)
			json_array_append_new(
				addresses, json_text(address->text));
	return json_pack("{s:o, s:o, s:b, s:b, s:b, s:o}", "addresses",
		addresses, "sha256",
		json_text(cms->cert != NULL ? cms->cert->sha256 : NULL),
		"verified", cms->verified, "trusted", signer->trusted, "author",
		signer->is_author, "why",
		why_or_null(cms->verified ? &signer->why : &cms->why));
}

static json_t *
signed_json(const struct inbound_layer *layer, size_t level)
{
	const struct inbound_signer *signer;
	json_t *signers = json_array();

	LIST_FOREACH (signer, &layer->signers)
		json_array_append_new(signers, signer_json(signer));
	return json_pack("{s:i, s:s, s:s, s:o, s:s, s:o}", "level", (int)level,
		"kind", "signed", "form",
		layer->cms.detached ? "detached" : "opaque", "signers", signers,
		"verdict", inbound_verdict_name(layer->verdict), "why",
		why_or_null(&layer->why));
}

static json_t *
encrypted_json(const struct inbound_layer *layer, size_t level)
{
	const struct cms_envelope *envelope = &layer->envelope;
	json_t *recipients = json_array();
	const struct cms_party *party;

	LIST_FOREACH (party, &envelope->recipients)
		json_array_append_new(recipients,
			json_pack("{s:o, s:o, s:o, s:o}", "issuer",
				json_text(party->issuer), "serial",
				json_text(party->serial), "key_id",
				json_text(party->key_id), "key_algorithm",
				json_text(party->key_algorithm)));
	return json_pack("{s:i, s:s, s:o, s:b, s:b, s:o, s:o}", "level",
		(int)level, "kind", "encrypted", "algorithm",
		json_text(envelope->algorithm[0] != '\0' ? envelope->algorithm
							 : NULL),
		"authenticated", layer->vouched_for, "opened", layer->opened,
		"recipients", recipients, "why", why_or_null(&layer->why));
}

json_t *
inbound_json(const struct inbound_report *report)
{
	json_t *layers = json_array();
	const struct inbound_layer *layer;
	bool by_hand = report->rule != NULL && report->rule[0] == '\0';
	size_t level = 0;

	LIST_FOREACH (layer, &report->layers) {
		json_array_append_new(
			layers, layer->encrypted ? encrypted_json(layer, level)
						 : signed_json(layer, level));
		level++;
	}
	return json_pack("{s:o, s:s, s:o, s:o, s:o}", "rule",
		json_text(by_hand ? NULL : report->rule), "verdict",
		inbound_verdict_name(report->verdict), "identifier",
		json_text(report->identifier), "why", json_text(report->why),
		"layers", layers);
}
