/*
 * smimectl cert list and find.  Find asks the rules themselves, with made-up
 * mails to and from the address, so that it never disagrees with the daemon.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "certs.h"
#include "trial.h"

/* What the rules said about the address's certificates. */
struct answer {
	struct trial sign, encrypt;
	const char *encrypts_with; /* sha256, or "" */
};

static void
answer_clear(struct answer *answer)
{
	trial_clear(&answer->sign);
	trial_clear(&answer->encrypt);
}

/* As a client that the first matching rule lets in. */
static void
admit(struct trial *trial, const struct gateway *gateway, const char *address)
{
	const struct sign_rule *rule, *first = NULL;
	struct address *sender = NULL;
	const struct pattern *pattern;

	if (addr_parse(address, &sender, NULL) != 0)
		return;
	LIST_FOREACH (rule, &gateway->sign_rules)
		LIST_FOREACH (pattern, &rule->rule.senders)
			if (first == NULL && pattern_match(pattern, sender))
				first = rule;
	if (first != NULL)
		trial_admit(trial, &first->rule.clients, address);
	address_free(sender);
}

static int
ask_rules(const struct gateway *gateway, const char *address,
	struct answer *answer, struct error *err)
{
	struct gateway sign = *gateway, encrypt = *gateway;
	const struct recipient_report *report;

	sign.encrypt_rules = (struct list){ 0 };
	encrypt.sign_rules = (struct list){ 0 };
	trial_init(&answer->sign, &sign);
	trial_init(&answer->encrypt, &encrypt);
	admit(&answer->sign, gateway, address);
	answer->encrypt.mail.client.local = true;
	answer->encrypts_with = "";
	if (trial_make_up(&answer->sign, address, TRIAL_SOMEBODY, NULL, err) !=
			0 ||
		trial_make_up(&answer->encrypt, TRIAL_SOMEBODY, address, NULL,
			err) != 0)
		return -1;
	trial_run(&answer->sign, &sign);
	trial_run(&answer->encrypt, &encrypt);
	if (answer->encrypt.outcome.recipients.count == 0)
		return 0;
	report = answer->encrypt.outcome.recipients.item[0];
	answer->encrypts_with = report->certificate;
	return 0;
}

static const struct list *
encrypt_candidates(const struct answer *answer)
{
	const struct list *recipients = &answer->encrypt.outcome.recipients;
	const struct recipient_report *report;
	static const struct list none;

	if (recipients->count == 0)
		return &none;
	report = recipients->item[0];
	return &report->candidates;
}

/* NULL: usable; else why not; *seen when a rule looked at it. */
static const char *
refusal_in(const struct list *candidates, const char *sha256, bool *seen)
{
	const struct candidate *candidate;

	LIST_FOREACH (candidate, candidates)
		if (strcmp(candidate->sha256, sha256) == 0) {
			*seen = true;
			return candidate->refused;
		}
	return NULL;
}

/* The reason is about what it was made for: signing when we have its key. */
bool
cert_fits_nothing(const struct cert *cert, struct error *why)
{
	enum cert_purpose first =
		cert->key != NULL ? CERT_TO_ENCRYPT : CERT_TO_SIGN;
	enum cert_purpose last =
		cert->key != NULL ? CERT_TO_SIGN : CERT_TO_ENCRYPT;
	time_t now = clock_now();

	return cert_fits(cert, first, false, now, why) != 0 &&
	       cert_fits(cert, last, false, now, why) != 0;
}

/* Why the certificate is of no use to its address; NULL when it is of some. */
static const char *
refusal(const struct cert *cert, const struct answer *answer,
	struct error *space)
{
	bool signs = false, encrypts = false;
	const char *why[2];

	if (answer == NULL) {
		if (cert_fits_nothing(cert, space))
			return space->text;
		return NULL;
	}
	why[0] = refusal_in(
		&answer->sign.outcome.sign.candidates, cert->sha256, &signs);
	why[1] =
		refusal_in(encrypt_candidates(answer), cert->sha256, &encrypts);
	if ((signs && why[0] == NULL) || (encrypts && why[1] == NULL))
		return NULL;
	if (!signs && !encrypts)
		return "no rule that matches the address looks into this store";
	return encrypts ? why[1] : why[0];
}

const char *
cert_origin_name(enum cert_origin origin)
{
	static const char *const names[] = { "file", "imported", "issued",
		"harvested" };

	return names[origin];
}

static json_t *
addresses_json(const struct cert *cert)
{
	json_t *array = json_array();
	const struct address *address;

	LIST_FOREACH (address, &cert->addresses)
		json_array_append_new(array, json_text(address->text));
	return array;
}

static json_t *
uses_json(const struct cert *cert)
{
	json_t *array = json_array();

	if (cert->may_sign)
		json_array_append_new(array, json_string("sign"));
	if (cert->may_encrypt)
		json_array_append_new(array, json_string("encrypt"));
	return array;
}

json_t *
cert_json(const char *store, const struct cert *cert, const char *refused)
{
	char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE], key[64];
	char *subject = cert_subject(cert), *issuer = cert_issuer(cert);
	char *serial = cert_serial(cert);
	json_t *out;

	clock_format(cert->not_before, from);
	clock_format(cert->not_after, until);
	cert_key_text(cert, key, sizeof(key));
	out = json_pack("{s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s,s:s,s:b,s:o,s:s,s:o}",
		"store", json_text(store), "addresses", addresses_json(cert),
		"subject", json_text(subject), "issuer", json_text(issuer),
		"serial", json_text(serial), "sha256", cert->sha256,
		"not_before", from, "not_after", until, "key", key, "has_key",
		cert->key != NULL, "may", uses_json(cert), "origin",
		cert_origin_name(cert->origin), "refused", json_text(refused));
	mem_free(subject);
	mem_free(issuer);
	mem_free(serial);
	return out;
}

static void
print_cert(const struct cert *cert, const char *refused,
	const struct answer *answer)
{
	char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE], key[64];
	char *subject = cert_subject(cert);
	const struct address *address;

	clock_format(cert->not_before, from);
	clock_format(cert->not_after, until);
	cert_key_text(cert, key, sizeof(key));
	printf("%s\n  subject    %s\n", cert->sha256, subject);
	LIST_FOREACH (address, &cert->addresses)
		printf("  address    %s\n", address->text);
	printf("  valid      %s to %s\n  key        %s%s\n  from       %s\n",
		from, until, key, cert->key != NULL ? ", private key here" : "",
		cert->source);
	printf("  may       %s%s\n", cert->may_sign ? " sign" : "",
		cert->may_encrypt ? " encrypt" : "");
	if (answer != NULL && strcmp(answer->sign.outcome.sign.certificate,
				      cert->sha256) == 0)
		printf("  used       to sign, by rule %s\n",
			answer->sign.outcome.sign.rule);
	if (answer != NULL && strcmp(answer->encrypts_with, cert->sha256) == 0)
		printf("  used       to encrypt\n");
	if (refused != NULL)
		printf("  refused    %s\n", refused);
	mem_free(subject);
}

/*
 * Every certificate of the stores (of one), or those of an address.  A store
 * that cannot tell is no reason to be silent about the others: an exit code.
 */
static int
show(const struct request *request, const struct conf *conf,
	const struct store *only, const struct address *address,
	const struct answer *answer, size_t *count)
{
	json_t *array = json_array();
	struct list certs = { 0 };
	struct store *store;
	const struct cert *cert;
	int code = CTL_YES;

	LIST_FOREACH (store, &conf->gateway->stores) {
		struct error space = { 0 }, err = { 0 };

		if (only != NULL && store != only)
			continue;
		if ((address != NULL ? store_find(store, address, NULL, 0,
					       &certs, &err)
				     : store_list(store, &certs, &err)) != 0)
			code = ctl_trouble(&err);
		LIST_FOREACH (cert, &certs) {
			const char *why = refusal(cert, answer, &space);

			if (request->json)
				json_array_append_new(
					array, cert_json(store_name(store),
						       cert, why));
			else
				print_cert(cert, why, answer);
		}
		*count += certs.count;
		list_clear(&certs, cert_unref);
	}
	if (request->json)
		json_answer(json_incref(array));
	json_decref(array);
	return code;
}

static int
find(const struct request *request, const struct conf *conf,
	const struct address *address)
{
	struct answer answer = { 0 };
	struct error err = { 0 };
	size_t count = 0;
	int code;

	if (ask_rules(conf->gateway, address->text, &answer, &err) != 0)
		code = ctl_trouble(&err);
	else
		code = show(request, conf, NULL, address, &answer, &count);
	if (code == CTL_YES && count == 0)
		code = CTL_NO;
	if (code == CTL_NO)
		ctl_complain(
			"no store has a certificate for %s", address->text);
	answer_clear(&answer);
	return code;
}

int
command_cert_find(const struct request *request)
{
	struct address *address = NULL;
	struct conf *conf = NULL;
	struct error err = { 0 };
	int code;

	if (addr_parse(request_word(request, 0), &address, &err) != 0)
		return ctl_usage("%s", err.text);
	if (ctl_load(request, &conf, &code) == 0)
		code = find(request, conf, address);
	conf_free(conf);
	address_free(address);
	return code;
}

int
command_cert_list(const struct request *request)
{
	struct store *only = NULL;
	struct conf *conf = NULL;
	size_t count = 0;
	int code;

	if (ctl_load(request, &conf, &code) != 0)
		return code;
	code = cert_named_store(request, conf, &only);
	if (code == CTL_YES)
		code = show(request, conf, only, NULL, NULL, &count);
	conf_free(conf);
	return code;
}
