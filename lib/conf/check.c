/*
 * What no single setting shows: rules that never apply, that do less than
 * they seem to, or that give more away.
 */
#include <string.h>

#include "conf/internal.h"

static bool
is_sign(const struct rule_draft *draft)
{
	return strcmp(draft->list, "sign") == 0;
}

static bool
is_inbound(const struct rule_draft *draft)
{
	return strcmp(draft->list, "inbound") == 0;
}

static bool
is_same_list(const struct rule_draft *a, const struct rule_draft *b)
{
	return strcmp(a->list, b->list) == 0;
}

static bool
was_written(const struct rule_draft *draft, const char *name)
{
	return config_setting_get_member(draft->at, name) != NULL;
}

static void
check_name(struct reader *reader, const struct rule_draft *draft)
{
	const struct rule_draft *before;

	LIST_FOREACH (before, &reader->drafts) {
		if (before == draft)
			return;
		if (is_same_list(before, draft) &&
			strcmp(before->made->name, draft->made->name) == 0)
			report_at(reader, PROBLEM_ERROR,
				line_of_member(draft->at, "name"),
				"there are two %s rules with the name \"%s\"",
				draft->list, draft->made->name);
	}
}

static const char *
entitled_by_login(const struct rule *rule)
{
	const struct client_condition *condition;

	LIST_FOREACH (condition, &rule->clients)
		switch (condition->kind) {
		case CLIENT_AUTHENTICATED:
			return "authenticated";
		case CLIENT_LOCAL:
			return "local";
		case CLIENT_NETWORK:
			break;
		}
	return NULL;
}

static void
check_who_signs(struct reader *reader, const struct rule_draft *draft)
{
	const struct client_condition *condition;
	const char *who = entitled_by_login(draft->made);

	if (draft->made->from_must_be == FROM_ANY && who != NULL)
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "from_must_be"),
			"every %s client can have a signature for every "
			"address of this rule",
			who);
	LIST_FOREACH (condition, &draft->made->clients)
		if (condition->kind == CLIENT_NETWORK &&
			(condition->prefix_bits == 0 ||
				condition->prefix_bits == 96))
			report_at(reader, PROBLEM_WARNING,
				line_of_member(draft->at, "clients"),
				"the whole Internet can have a signature by "
				"this rule");
}

static void
check_sign(struct reader *reader, const struct rule_draft *draft)
{
	if (draft->digest == CRYPTO_SHA1)
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "digest"),
			"SHA-1 signatures can be forged and are refused by "
			"many mail programs");
	if (draft->scheme == CMS_PSS)
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "scheme"),
			"many mail programs report RSASSA-PSS signatures as "
			"broken; use it where a partner asks for it");
	check_who_signs(reader, draft);
}

static void
check_cipher(struct reader *reader, const struct rule_draft *draft)
{
	unsigned at = line_of_member(draft->at, "cipher");
	const char *warning = cms_cipher_warning(draft->cipher);
	struct error err = { 0 };

	if (warning != NULL)
		report_at(reader, PROBLEM_WARNING, at, "%s", warning);
	if (reader->load_stores &&
		cms_cipher_available(draft->cipher, &err) != 0)
		report_at(reader, PROBLEM_ERROR, at, "%s", err.text);
}

static bool
has_sign_rules(const struct reader *reader)
{
	const struct rule_draft *draft;

	LIST_FOREACH (draft, &reader->drafts)
		if (is_sign(draft))
			return true;
	return false;
}

static void
check_encrypt(struct reader *reader, const struct rule_draft *draft)
{
	check_cipher(reader, draft);
	if (draft->transport != CMS_RSA_OAEP &&
		was_written(draft, "oaep_digest"))
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "oaep_digest"),
			"oaep_digest needs key_transport = \"oaep\"");
	if (draft->trusted && reader->anchor_count == 0 && !draft->made->none)
		report_warning(reader, draft->at,
			"rule \"%s\" wants trusted certificates, and "
			"trust.anchors is empty: no certificate is trusted, "
			"so that otherwise = \"%s\" decides for every mail",
			draft->made->name,
			otherwise_name(draft->made->otherwise));
	if (draft->to_self && !has_sign_rules(reader))
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "to_self"),
			"to_self looks in the stores of the sign rules, and "
			"there is no sign rule");
}

static void
check_keys(struct reader *reader, const struct rule_draft *draft)
{
	unsigned at = line_of_member(draft->at, "keys");
	const char *name;

	LIST_FOREACH (name, &draft->stores) {
		const struct store_draft *store = stores_find(reader, name);

		if (store != NULL && store->type != NULL &&
			strcmp(store->type, "ldap") == 0)
			report_at(reader, PROBLEM_WARNING, at,
				"store \"%s\" is of type ldap and has no "
				"keys: nothing is decrypted with it",
				name);
	}
}

/* An answer that differs tells a stranger whether his mail could be opened. */
static void
check_oracle(struct reader *reader, const struct rule_draft *draft)
{
	if (draft->stores.count != 0 &&
		draft->undecryptable >= OTHERWISE_TEMPFAIL)
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "undecryptable"),
			"rule \"%s\" tells a stranger whether a mail could be "
			"opened: who changes a stolen one again and again may "
			"learn from the answers what stands in it",
			draft->made->name);
}

static void
check_inbound(struct reader *reader, const struct rule_draft *draft)
{
	check_keys(reader, draft);
	check_oracle(reader, draft);
	if (draft->strip_signature && !draft->verify)
		report_at(reader, PROBLEM_ERROR,
			line_of_member(draft->at, "strip_signature"),
			"strip_signature needs verify = true: only signatures "
			"that are verified are taken off");
	if (draft->keys_for == 1 && draft->stores.count != 0)
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "keys_for"),
			"rule \"%s\" opens every mail with every key: whoever "
			"gets mail by it can have others' mail opened for him",
			draft->made->name);
	if (draft->legacy)
		report_at(reader, PROBLEM_WARNING,
			line_of_member(draft->at, "legacy"),
			"RC2 and DES can be broken: what they protect may have "
			"been read and changed");
	if (draft->verify && reader->anchor_count == 0)
		report_warning(reader, draft->at,
			"rule \"%s\" verifies signatures, and trust.anchors "
			"is empty: no signer is trusted",
			draft->made->name);
	if (!draft->verify && draft->stores.count == 0)
		report_warning(reader, draft->at,
			"rule \"%s\" has no keys and verifies nothing: it "
			"only takes fields out that look like ours",
			draft->made->name);
}

/* A directory has no keys and is asked by address. */
static void
check_directories(struct reader *reader, const struct rule_draft *draft)
{
	unsigned at = line_of_member(draft->at, "stores");
	bool by_address = draft->certificate == NULL ||
			  strcmp(draft->certificate, "address") == 0;
	const char *name, *last = NULL;
	size_t directories = 0;

	LIST_FOREACH (name, &draft->stores) {
		const struct store_draft *store = stores_find(reader, name);

		if (store == NULL || store->type == NULL ||
			strcmp(store->type, "ldap") != 0)
			continue;
		directories++;
		last = name;
		if (!by_address)
			report_at(reader, PROBLEM_WARNING, at,
				"store \"%s\" is of type ldap and is asked for "
				"addresses only: it finds no %s",
				name, draft->certificate);
	}
	if (is_sign(draft) && last != NULL &&
		directories == draft->stores.count && by_address)
		report_at(reader, PROBLEM_WARNING, at,
			"store \"%s\" is of type ldap and has no keys: rule "
			"\"%s\" can never sign",
			last, draft->made->name);
}

void
check_rules(struct reader *reader)
{
	/* A rule with an error in it only seems to match everything. */
	bool complete = !has_error(reader);
	const struct rule_draft *draft;

	LIST_FOREACH (draft, &reader->drafts) {
		check_name(reader, draft);
		if (complete)
			check_rule_order(reader, draft);
		if (is_inbound(draft)) {
			check_inbound(reader, draft);
			continue;
		}
		check_trigger(reader, draft);
		check_directories(reader, draft);
		if (is_sign(draft))
			check_sign(reader, draft);
		else
			check_encrypt(reader, draft);
	}
}
