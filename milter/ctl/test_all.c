/*
 * smimectl test --all: every rule against a made-up mail.  A rule is looked at
 * on its own: without the encrypt rules when it is one for signing and the
 * other way round, so that one rule's trouble is not blamed on another.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "json.h"
#include "store/store.h"
#include "trial.h"

static void
row_free(void *item)
{
	struct trial_row *row = item;

	mem_free(row->address);
	mem_free(row->why);
	mem_free(row->remark);
	mem_free(row);
}

void
trial_add_row(struct list *rows, const struct trial_row *row)
{
	struct trial_row *copy = mem_alloc(sizeof(*copy));

	*copy = *row;
	list_add(rows, copy);
}

/* ---- an address for a pattern ---- */

char *
trial_fill_pattern(const struct pattern *pattern)
{
	const char *text = pattern_text(pattern);
	char *out = mem_alloc(strlen(text) * 8 + sizeof(TRIAL_SOMEBODY));
	bool domain = false;

	if (strcmp(text, "*@*") == 0)
		return strcpy(out, TRIAL_SOMEBODY);
	for (; *text != '\0'; text++) {
		char one[2] = { *text, '\0' };

		if (*text == '@')
			domain = true;
		if (*text == '*')
			strcat(out, domain ? "x" : "someone");
		else
			strcat(out, *text == '?' ? "x" : one);
	}
	return out;
}

/*
 * The address of a certificate in the stores that the pattern matches; one
 * that fits the purpose before one that does not.
 */
static char *
address_in_stores(const struct pattern *pattern, const struct list *stores,
	enum cert_purpose purpose)
{
	char *best = NULL;
	bool fits = false;
	struct store *store;

	LIST_FOREACH (store, stores) {
		struct list certs = { 0 };
		const struct cert *cert;
		const struct address *address;

		if (fits || store_list(store, &certs, NULL) != 0)
			continue;
		LIST_FOREACH (cert, &certs)
			LIST_FOREACH (address, &cert->addresses) {
				if (fits || !pattern_match(pattern, address))
					continue;
				fits = cert_fits(cert, purpose, false,
					       clock_now(), NULL) == 0;
				if (!fits && best != NULL)
					continue;
				mem_free(best);
				best = mem_string(address->text);
			}
		list_clear(&certs, cert_unref);
	}
	return best;
}

static char *
address_for(const struct pattern *pattern, const struct list *stores,
	bool selected, enum cert_purpose purpose)
{
	char *address = NULL;

	if (!pattern_has_wildcard(pattern))
		return mem_string(pattern_text(pattern));
	if (!selected)
		address = address_in_stores(pattern, stores, purpose);
	return address != NULL ? address : trial_fill_pattern(pattern);
}

/* ---- one rule, one address ---- */

char *
trial_judge(const char *wanted, const char *got, bool done, const char *why,
	const struct outcome *outcome)
{
	if (got == NULL || strcmp(got, wanted) != 0)
		return got != NULL ? mem_printf("rule %s stands before it and "
						"takes this mail",
					     got)
				   : mem_string("the rule did not match");
	if (done)
		return NULL;
	if (why == NULL && outcome->error.kind != ERROR_NONE)
		why = outcome->error.text;
	return mem_string(why != NULL ? why : "nothing was done");
}

static char *
try_sign(const struct gateway *gateway, const struct sign_rule *rule,
	const char *address)
{
	struct gateway alone = *gateway;
	struct trial trial;
	struct error err = { 0 };
	char *why;

	alone.encrypt_rules = (struct list){ 0 };
	trial_init(&trial, &alone);
	trial_admit(&trial, &rule->rule.clients, address);
	if (trial_make_up(&trial, address, TRIAL_SOMEBODY, NULL, &err) != 0) {
		why = mem_string(err.text);
	} else {
		const struct sign_report *report = &trial.outcome.sign;

		trial_run(&trial, &alone);
		why = trial_judge(rule->rule.name, report->rule, report->done,
			report->why, &trial.outcome);
	}
	trial_clear(&trial);
	return why;
}

static char *
sender_for(const struct encrypt_rule *rule)
{
	if (rule->rule.senders.count == 0)
		return mem_string(TRIAL_SOMEBODY);
	return trial_fill_pattern(rule->rule.senders.item[0]);
}

static char *
try_encrypt(const struct gateway *gateway, const struct encrypt_rule *rule,
	const char *address)
{
	struct gateway alone = *gateway;
	struct trial trial;
	struct error err = { 0 };
	char *sender = sender_for(rule);
	char *why;

	alone.sign_rules = (struct list){ 0 };
	trial_init(&trial, &alone);
	trial_admit(&trial, &rule->rule.clients, sender);
	if (trial_make_up(&trial, sender, address, NULL, &err) != 0) {
		why = mem_string(err.text);
	} else {
		const struct recipient_report *report = NULL;

		trial_run(&trial, &alone);
		if (trial.outcome.recipients.count != 0)
			report = trial.outcome.recipients.item[0];
		why = trial_judge(rule->rule.name, report ? report->rule : NULL,
			trial.outcome.encrypted, report ? report->why : NULL,
			&trial.outcome);
	}
	trial_clear(&trial);
	mem_free(sender);
	return why;
}

/* ---- all of them ---- */

static void
try_sign_rule(const struct gateway *gateway, const struct sign_rule *rule,
	struct list *rows)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, &rule->rule.senders) {
		char *address = address_for(pattern, &rule->stores,
			rule->selector != NULL, CERT_TO_SIGN);

		struct trial_row row = { "sign", rule->rule.name, address,
			try_sign(gateway, rule, address), NULL };

		trial_add_row(rows, &row);
	}
}

static void
try_encrypt_rule(const struct gateway *gateway, const struct encrypt_rule *rule,
	struct list *rows)
{
	const struct pattern *pattern;

	LIST_FOREACH (pattern, &rule->rule.recipients) {
		char *address = address_for(pattern, &rule->stores,
			rule->selector != NULL, CERT_TO_ENCRYPT);

		struct trial_row row = { "encrypt", rule->rule.name, address,
			try_encrypt(gateway, rule, address), NULL };

		trial_add_row(rows, &row);
	}
}

static void
print_json(const struct list *rows)
{
	json_t *array = json_array();
	const struct trial_row *row;

	LIST_FOREACH (row, rows)
		json_array_append_new(array,
			json_pack("{s:s, s:o, s:o, s:b, s:o, s:o}", "kind",
				row->kind, "rule", json_text(row->rule),
				"address", json_text(row->address), "ok",
				row->why == NULL, "why", json_text(row->why),
				"remark", json_text(row->remark)));
	json_answer(array);
}

static void
print_table(const struct list *rows)
{
	const struct trial_row *row;

	printf("%-8s %-20s %-30s %s\n", "kind", "rule", "address", "result");
	LIST_FOREACH (row, rows) {
		const char *word = row->why != NULL ? "FAILS" : "works";
		const char *more = row->why != NULL ? row->why : row->remark;

		printf("%-8s %-20s %-30s %s%s%s\n", row->kind, row->rule,
			row->address, word, more != NULL ? ": " : "",
			more != NULL ? more : "");
	}
	if (rows->count == 0)
		printf("there are no rules\n");
}

int
test_all(const struct request *request, const struct conf *conf)
{
	const struct gateway *gateway = conf->gateway;
	struct list rows = { 0 };
	const struct sign_rule *sign;
	const struct encrypt_rule *encrypt;
	const struct inbound_rule *inbound;
	const struct trial_row *row;
	int code = CTL_YES;

	LIST_FOREACH (sign, &gateway->sign_rules)
		try_sign_rule(gateway, sign, &rows);
	LIST_FOREACH (encrypt, &gateway->encrypt_rules)
		try_encrypt_rule(gateway, encrypt, &rows);
	LIST_FOREACH (inbound, &gateway->inbound_rules)
		trial_inbound_rule(gateway, inbound, &rows);
	LIST_FOREACH (row, &rows)
		if (row->why != NULL)
			code = CTL_NO;
	if (request->json)
		print_json(&rows);
	else
		print_table(&rows);
	list_clear(&rows, row_free);
	return code;
}
