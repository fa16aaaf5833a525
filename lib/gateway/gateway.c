#include "gateway/gateway.h"

#include "base/mem.h"
#include "gateway/split.h"

enum {
	MESSAGE_BYTES = 50 << 20,
	RECIPIENTS = 500,
	COPIES = 100,
	HEADER_FIELDS = 1000,
	LOOKUP_SECONDS = 8,
	CMS_LAYERS = 4,
	DECRYPT_FAILURES = 100,
	HARVEST_DAY = 1000,
	HARVEST_TOTAL = 100000,
	MIME_DEPTH = 20,
	MIME_PARTS = 1000,
	TNEF_DEPTH = 10,
	TNEF_ATTACHMENTS = 1000,
	TNEF_PEOPLE = 5000,
	TNEF_PROPERTIES = 100000,
	TNEF_MADE_BYTES = 64 << 20,
	TNEF_RATIO = 16
};

struct gateway *
gateway_new(void)
{
	struct gateway *gateway = mem_alloc(sizeof(*gateway));

	gateway->limits = (struct gateway_limits){
		.message_bytes = MESSAGE_BYTES,
		.encrypt_recipients = RECIPIENTS,
		.copies = COPIES,
		.header_fields = HEADER_FIELDS,
		.lookup_seconds = LOOKUP_SECONDS,
		.cms_layers = CMS_LAYERS,
		.decrypt_failures = DECRYPT_FAILURES,
		.harvest_day = HARVEST_DAY,
		.harvest_total = HARVEST_TOTAL,
		.mime = { .depth = MIME_DEPTH, .parts = MIME_PARTS },
		.tnef = { .depth = TNEF_DEPTH,
			.attachments = TNEF_ATTACHMENTS,
			.people = TNEF_PEOPLE,
			.properties = TNEF_PROPERTIES,
			.made_bytes = TNEF_MADE_BYTES,
			.ratio = TNEF_RATIO },
	};
	gateway->refuse_early = true;
	gateway->signers = signers_new(SIGNERS_MAX);
	gateway->report.headers = mem_string("X-SMIME-Milter-Info");
	gateway->counts = counts_new();
	return gateway;
}

void
gateway_free(struct gateway *gateway)
{
	if (gateway == NULL)
		return;
	signers_free(gateway->signers);
	counts_free(gateway->counts);
	copies_free(gateway->copies);
	mem_free(gateway->split.state);
	mem_free(gateway->split.folder);
	list_clear(&gateway->sign_rules, sign_rule_free);
	list_clear(&gateway->encrypt_rules, encrypt_rule_free);
	list_clear(&gateway->inbound_rules, inbound_rule_free);
	list_clear(&gateway->internal, pattern_free);
	mem_free(gateway->report.headers);
	mem_free(gateway->report.authserv_id);
	list_clear(&gateway->stores, store_close);
	trust_free(gateway->trust);
	login_map_free(gateway->logins);
	mem_free(gateway);
}

void
sign_rule_free(void *item)
{
	struct sign_rule *rule = item;

	list_clear(&rule->variants, sign_rule_free);
	mem_free(rule->mode_from.attribute);
	rule_clear(&rule->rule);
	list_clear(&rule->stores, NULL);
	cert_selector_free(rule->selector);
	mem_free(rule);
}

void
encrypt_rule_free(void *item)
{
	struct encrypt_rule *rule = item;

	list_clear(&rule->variants, encrypt_rule_free);
	mem_free(rule->mode_from.attribute);
	rule_clear(&rule->rule);
	list_clear(&rule->stores, NULL);
	cert_selector_free(rule->selector);
	mem_free(rule);
}

void
inbound_rule_free(void *item)
{
	struct inbound_rule *rule = item;

	rule_clear(&rule->rule);
	list_clear(&rule->keys, NULL);
	mem_free(rule);
}

/* May this rule ever sign with this certificate? */
static bool
may_use(const struct sign_rule *rule, const struct cert *cert)
{
	const struct pattern *pattern;
	const struct address *address;

	if (cert->key == NULL || !cert->may_sign || cert_is_ca(cert))
		return false;
	if (rule->selector != NULL)
		return cert_selector_match(rule->selector, cert);
	LIST_FOREACH (address, &cert->addresses) {
		if (rule->rule.table != NULL &&
			table_find(rule->rule.table, address) != NULL)
			return true;
		LIST_FOREACH (pattern, &rule->rule.senders)
			if (pattern_match(pattern, address))
				return true;
	}
	return false;
}

/*
 * With this certificate, in each way that the rule may sign; which line names
 * whose certificate is seen when a mail comes.
 */
static void
prepare_signers(struct gateway *gateway, const struct sign_rule *rule,
	struct cert *cert, struct list *warnings)
{
	const struct sign_rule *variant;
	struct error why = { 0 };

	if (may_use(rule, cert) &&
		signers_prepare(gateway->signers, rule, cert, &why) != 0)
		list_add(warnings,
			mem_printf("rule %s cannot sign with %s: %s",
				rule->rule.name, cert->source, why.text));
	LIST_FOREACH (variant, &rule->variants)
		if (variant->selector != NULL &&
			cert_selector_match(variant->selector, cert))
			prepare_signers(gateway, variant, cert, warnings);
}

static int
prepare_rule(struct gateway *gateway, const struct sign_rule *rule,
	bool (*wants)(const struct store *store), struct list *warnings,
	struct error *err)
{
	struct list certs = { 0 };
	struct store *store;
	struct cert *cert;
	int result = -1;

	LIST_FOREACH (store, &rule->stores) {
		struct error why = { 0 };

		if (!wants(store) || store_list(store, &certs, &why) == 0)
			continue;
		if (why.kind != ERROR_SYSTEM) {
			*err = why;
			goto out;
		}
		/* A token that is not there: its store has said so. */
	}
	LIST_FOREACH (cert, &certs)
		prepare_signers(gateway, rule, cert, warnings);
	result = 0;
out:
	list_clear(&certs, cert_unref);
	return result;
}

static int
prepare(struct gateway *gateway, bool (*wants)(const struct store *store),
	struct list *warnings, struct error *err)
{
	const struct sign_rule *rule;

	if (crypto_init(err) != 0)
		return -1;
	mime_compose_init();
	LIST_FOREACH (rule, &gateway->sign_rules)
		if (prepare_rule(gateway, rule, wants, warnings, err) != 0)
			return -1;
	return 0;
}

int
gateway_prepare(
	struct gateway *gateway, struct list *warnings, struct error *err)
{
	return prepare(gateway, store_is_in_memory, warnings, err);
}

int
gateway_start(struct gateway *gateway, struct list *warnings, struct error *err)
{
	struct store *store;

	if (gateway->split.on && (net_init(err) != 0 || crypto_init(err) != 0 ||
					 copies_open(&gateway->split,
						 &gateway->copies, err) != 0))
		return -1;
	LIST_FOREACH (store, &gateway->stores)
		if (store_start(store, warnings, err) != 0)
			return -1;
	return prepare(gateway, store_is_read_at_start, warnings, err);
}

void
gateway_list_certs(const struct gateway *gateway, struct list *out)
{
	struct store *store;

	LIST_FOREACH (store, &gateway->stores)
		if (store_is_in_memory(store) &&
			store_list(store, out, NULL) != 0)
			continue; /* a token that is gone */
}

int
gateway_start_refresh(struct gateway *gateway, struct error *err)
{
	struct list certs = { 0 };

	if (gateway->trust == NULL)
		return 0;
	gateway_list_certs(gateway, &certs);
	return trust_refresh_start(gateway->trust, &certs, err);
}

void
gateway_concerns(const struct gateway *gateway, struct list *lines)
{
	struct store *store;

	LIST_FOREACH (store, &gateway->stores)
		store_concern(store, lines);
	if (gateway->trust != NULL)
		trust_concerns(gateway->trust, lines);
}
