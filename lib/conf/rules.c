/* Sign, encrypt and inbound rules. */
#include <string.h>

#include "base/mem.h"
#include "conf/internal.h"

static void
rule_draft_free(void *item)
{
	struct rule_draft *draft = item;

	rule_clear(&draft->rule);
	list_clear(&draft->stores, mem_free);
	mem_free(draft->certificate);
	mem_free(draft->harvest);
	mem_free(draft->table);
	mem_free(draft->mode_store);
	mem_free(draft->mode_attribute);
	mem_free(draft);
}

void
rules_clear(struct reader *reader)
{
	list_clear(&reader->drafts, rule_draft_free);
}

static void
add_rule(struct reader *reader, const config_setting_t *at, const char *list)
{
	struct rule_draft *draft = mem_alloc(sizeof(*draft));

	draft->at = at;
	draft->list = list;
	draft->mode = draft->otherwise = -1;
	list_add(&reader->drafts, draft);
	group_read(reader, at, list, draft);
	if (draft->rule.name == NULL)
		draft->rule.name =
			mem_printf("%s %d", list, config_setting_index(at) + 1);
}

static void
add_sign(struct reader *reader, const config_setting_t *at)
{
	add_rule(reader, at, "sign");
}

static void
add_encrypt(struct reader *reader, const config_setting_t *at)
{
	add_rule(reader, at, "encrypt");
}

static void
add_inbound(struct reader *reader, const config_setting_t *at)
{
	add_rule(reader, at, "inbound");
}

static void
set_sign(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	each_group(reader, setting, row->name, add_sign);
}

static void
set_encrypt(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	each_group(reader, setting, row->name, add_encrypt);
}

static void
set_inbound(struct reader *reader, const config_setting_t *setting,
	const struct conf_row *row, void *into)
{
	(void)into;
	each_group(reader, setting, row->name, add_inbound);
}

/* ---- when everything has been read ---- */

static void
report_missing(
	struct reader *reader, const struct rule_draft *draft, const char *name)
{
	report_error(reader, draft->at, "%s has no \"%s\"", draft->list, name);
}

/* mode and otherwise are two ways to say what a rule is worth. */
static void
settle_mode(struct reader *reader, struct rule_draft *draft)
{
	bool is_sign = strcmp(draft->list, "sign") == 0;
	unsigned at = line_of_member(draft->at, "mode");
	int otherwise = draft->otherwise;

	draft->rule.none = draft->mode == MODE_NONE;
	if (draft->mode == MODE_ALLOW && otherwise > OTHERWISE_PASS)
		report_at(reader, PROBLEM_ERROR, at,
			"mode = \"allow\" lets mail pass that cannot be "
			"protected, and otherwise = \"%s\" does not",
			otherwise_name((enum otherwise)otherwise));
	if (draft->mode == MODE_MANDATORY && otherwise == OTHERWISE_PASS)
		report_at(reader, PROBLEM_ERROR, at,
			"mode = \"mandatory\" and otherwise = \"pass\": a mail "
			"that cannot be protected must not pass");
	if (draft->mode == -1 && otherwise == -1 && !is_sign &&
		config_setting_get_member(draft->at, "otherwise") == NULL)
		report_missing(reader, draft, "otherwise");
	if (otherwise == -1)
		otherwise = draft->mode == MODE_MANDATORY ? OTHERWISE_REJECT
							  : OTHERWISE_PASS;
	draft->rule.otherwise = (enum otherwise)otherwise;
}

void
rule_imply_mode(struct rule_draft *draft)
{
	if (draft->locality == LOCALITY_INTERNAL && draft->mode == -1 &&
		draft->otherwise == -1)
		draft->mode = MODE_NONE;
}

/* What a rule cannot do without, whatever the order in which it stands. */
static void
check_complete(struct reader *reader, const struct rule_draft *draft)
{
	bool is_sign = strcmp(draft->list, "sign") == 0;
	const struct list *patterns =
		is_sign ? &draft->rule.senders : &draft->rule.recipients;
	const char *name = is_sign ? "sender" : "recipient";

	/* One that is there and wrong has been told of. */
	if (patterns->count == 0 && draft->table == NULL &&
		config_setting_get_member(draft->at, "table") == NULL &&
		config_setting_get_member(draft->at, name) == NULL)
		report_missing(reader, draft, name);
	if (draft->mode != MODE_NONE &&
		config_setting_get_member(draft->at, "stores") == NULL)
		report_missing(reader, draft, "stores");
	if (draft->table != NULL && draft->certificate != NULL &&
		strcmp(draft->certificate, "address") != 0)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "certificate"),
			"an explicit certificate is for exact addresses: with "
			"a table it stands on their lines");
}

/* What the setting is called that names a rule's stores. */
static const char *
stores_word(const struct rule_draft *draft)
{
	return strcmp(draft->list, "inbound") == 0 ? "keys" : "stores";
}

void
report_no_store(struct reader *reader, const struct rule_draft *draft,
	const char *setting, const char *name)
{
	const struct store_draft *store;
	const char *near = NULL;

	LIST_FOREACH (store, &reader->stores)
		if (store->name != NULL && is_near(store->name, name))
			near = store->name;
	report_at(reader, PROBLEM_ERROR, line_of_member(draft->at, setting),
		"there is no store \"%s\"%s%s%s", name,
		near ? " (did you mean \"" : "", near ? near : "",
		near ? "\"?)" : "");
}

static void
find_stores(
	struct reader *reader, const struct rule_draft *draft, struct list *out)
{
	const char *name;

	LIST_FOREACH (name, &draft->stores) {
		const struct store_draft *store = stores_find(reader, name);

		if (store == NULL)
			report_no_store(
				reader, draft, stores_word(draft), name);
		else if (store->store != NULL)
			list_add(out, store->store);
	}
}

static const struct pattern *
find_wildcard(const struct list *patterns)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, patterns)
		if (pattern_has_wildcard(pattern))
			return pattern;
	return NULL;
}

/* One certificate for many addresses is nobody's: clients would complain. */
static struct cert_selector *
find_selector(struct reader *reader, const struct rule_draft *draft,
	const struct list *patterns)
{
	unsigned at = line_of_member(draft->at, "certificate");
	const struct pattern *wild = find_wildcard(patterns);
	struct cert_selector *selector = NULL;
	struct error err = { 0 };

	if (draft->certificate == NULL ||
		strcmp(draft->certificate, "address") == 0)
		return NULL;
	if (cert_selector_new(draft->certificate, &selector, &err) != 0)
		report_at(
			reader, PROBLEM_ERROR, at, "certificate: %s", err.text);
	if (wild != NULL)
		report_at(reader, PROBLEM_ERROR, at,
			"an explicit certificate is for exact addresses, and "
			"\"%s\" is a pattern: write certificate = \"address\"",
			pattern_text(wild));
	return selector;
}

static void *
make_sign(struct reader *reader, struct rule_draft *draft)
{
	struct sign_rule *rule = mem_alloc(sizeof(*rule));

	rule->selector = find_selector(reader, draft, &draft->rule.senders);
	rule->rule = draft->rule;
	rule->form = draft->form;
	rule->digest = draft->digest;
	rule->scheme = draft->scheme;
	rule->tnef = draft->tnef;
	rule->when_encrypting = draft->when == 1;
	rule->wanted = draft->wanted;
	find_stores(reader, draft, &rule->stores);
	draft->made = &rule->rule;
	draft->rule = (struct rule){ 0 };
	return rule;
}

static void *
make_encrypt(struct reader *reader, struct rule_draft *draft)
{
	struct gateway *gateway = reader->conf->gateway;
	struct encrypt_rule *rule = mem_alloc(sizeof(*rule));

	rule->selector = find_selector(reader, draft, &draft->rule.recipients);
	rule->rule = draft->rule;
	rule->trusted = draft->trusted;
	rule->weak_keys = draft->weak_keys;
	rule->to_self = draft->to_self;
	rule->tnef = draft->tnef;
	rule->locality = draft->locality;
	rule->accept_pgp = draft->accept == ACCEPT_PGP;
	rule->share_bcc = gateway->share_bcc;
	rule->cipher = draft->cipher;
	rule->transport = draft->transport;
	rule->oaep_digest = draft->oaep_digest;
	find_stores(reader, draft, &rule->stores);
	draft->made = &rule->rule;
	draft->rule = (struct rule){ 0 };
	return rule;
}

void *
rule_make(struct reader *reader, struct rule_draft *draft)
{
	settle_mode(reader, draft);
	return strcmp(draft->list, "sign") == 0 ? make_sign(reader, draft)
						: make_encrypt(reader, draft);
}

void
rule_free(const struct rule_draft *draft, void *rule)
{
	if (strcmp(draft->list, "sign") == 0)
		sign_rule_free(rule);
	else
		encrypt_rule_free(rule);
}

static void
finish_sign(struct reader *reader, struct rule_draft *draft)
{
	struct sign_rule *rule;

	check_complete(reader, draft);
	rule = rule_make(reader, draft);
	list_add(&reader->conf->gateway->sign_rules, rule);
	table_read(reader, draft, &rule->rule, rule, &rule->variants);
	mode_from_finish(reader, draft, &rule->rule, rule, &rule->variants,
		&rule->mode_from);
}

static void
finish_encrypt(struct reader *reader, struct rule_draft *draft)
{
	struct encrypt_rule *rule;

	rule_imply_mode(draft);
	check_complete(reader, draft);
	rule = rule_make(reader, draft);
	list_add(&reader->conf->gateway->encrypt_rules, rule);
	table_read(reader, draft, &rule->rule, rule, &rule->variants);
	mode_from_finish(reader, draft, &rule->rule, rule, &rule->variants,
		&rule->mode_from);
}

/* Only what is managed can be added to while mails run. */
static struct store *
find_harvest(struct reader *reader, const struct rule_draft *draft)
{
	const struct store_draft *store;
	unsigned at = line_of_member(draft->at, "harvest");

	if (draft->harvest == NULL)
		return NULL;
	store = stores_find(reader, draft->harvest);
	if (store == NULL) {
		report_no_store(reader, draft, "harvest", draft->harvest);
		return NULL;
	}
	if (store->type != NULL && strcmp(store->type, "managed") != 0) {
		report_at(reader, PROBLEM_ERROR, at,
			"store \"%s\" is of type %s: certificates can be "
			"harvested into a managed one only",
			draft->harvest, store->type);
		return NULL;
	}
	if (!draft->verify)
		report_at(reader, PROBLEM_ERROR, at,
			"harvest needs verify = true: only certificates of "
			"verified signers are taken");
	return store->store;
}

static void
finish_inbound(struct reader *reader, struct rule_draft *draft)
{
	struct inbound_rule *rule = mem_alloc(sizeof(*rule));

	rule->rule = draft->rule;
	rule->any_key = draft->keys_for == 1;
	rule->verify = draft->verify;
	rule->legacy = draft->legacy;
	rule->weak_ok = draft->weak_signatures == 1;
	rule->strip_signature = draft->strip_signature;
	rule->undecryptable = draft->undecryptable;
	rule->bad_signature = draft->bad_signature;
	rule->harvest = find_harvest(reader, draft);
	find_stores(reader, draft, &rule->keys);
	draft->made = &rule->rule;
	draft->rule = (struct rule){ 0 };
	list_add(&reader->conf->gateway->inbound_rules, rule);
}

void
rules_finish(struct reader *reader)
{
	struct rule_draft *draft;

	LIST_FOREACH (draft, &reader->drafts)
		if (strcmp(draft->list, "sign") == 0)
			finish_sign(reader, draft);
		else if (strcmp(draft->list, "encrypt") == 0)
			finish_encrypt(reader, draft);
		else
			finish_inbound(reader, draft);
}

const struct conf_kind kind_sign = { "a list of groups", set_sign, false };
const struct conf_kind kind_encrypt = { "a list of groups", set_encrypt,
	false };
const struct conf_kind kind_inbound = { "a list of groups", set_inbound,
	false };
