/* smimectl verify, decrypt: one mail by hand. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "trial.h"

/* "2026-01-31", or "2026-01-31T12:00:00Z". */
static int
read_time(const char *text, time_t *out)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d" };

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end == NULL || *end != '\0')
			continue;
		*out = timegm(&tm);
		return 0;
	}
	return -1;
}

/*
 * Whoever calls this can read the key files, so every key of the inbound rules
 * may serve; without such rules those of all stores.
 */
static void
gather_keys(const struct gateway *gateway, struct list *keys)
{
	const struct inbound_rule *rule;
	struct store *store;

	LIST_FOREACH (rule, &gateway->inbound_rules)
		LIST_FOREACH (store, &rule->keys)
			list_add(keys, store);
	if (keys->count != 0)
		return;
	LIST_FOREACH (store, &gateway->stores)
		if (strcmp(store_type(store), "ldap") != 0)
			list_add(keys, store);
}

static bool
was_opened(const struct inbound_report *report)
{
	const struct inbound_layer *layer;

	LIST_FOREACH (layer, &report->layers)
		if (layer->encrypted && !layer->opened)
			return false;
	return report->decrypted;
}

static int
answer(const struct request *request, struct trial *trial, bool good)
{
	const char *path = request_option(request, "-o");
	int written = CTL_YES;

	if (request->json)
		json_answer(inbound_json(&trial->outcome.inbound));
	else
		explain_inbound(&trial->outcome.inbound);
	if (path != NULL)
		written = trial_write(trial, path);
	return written != CTL_YES ? written : good ? CTL_YES : CTL_NO;
}

/* A token or a directory that is down, a list that is not there. */
static bool
cannot_be_told(const struct outcome *outcome)
{
	return outcome->verdict == VERDICT_TEMPFAIL &&
	       outcome->error.kind == ERROR_SYSTEM;
}

static int
run_by_hand(const struct request *request, bool verify)
{
	struct inbound_rule rule = {
		.any_key = true, .verify = true, .legacy = true
	};
	const char *at = request_option(request, "--at");
	struct conf *conf = NULL;
	struct trial trial;
	time_t when = 0;
	int code;

	if (at != NULL && read_time(at, &when) != 0)
		return ctl_usage(
			"--at: \"%s\" is no time such as 2026-01-31 or "
			"2026-01-31T12:00:00Z",
			at);
	if (ctl_load(request, &conf, &code) != 0)
		return code;
	trial_init(&trial, conf->gateway);
	code = trial_read(&trial, request_word(request, 0));
	if (code == CTL_YES) {
		const struct outcome *outcome = &trial.outcome;

		gather_keys(conf->gateway, &rule.keys);
		trial_run_by_hand(&trial, conf->gateway, &rule, when);
		code = answer(request, &trial,
			verify ? outcome->inbound.verdict == INBOUND_PASS
			       : was_opened(&outcome->inbound));
		if (code == CTL_NO && cannot_be_told(outcome)) {
			ctl_complain("%s", outcome->error.text);
			code = CTL_TROUBLE;
		}
	}
	list_clear(&rule.keys, NULL);
	trial_clear(&trial);
	conf_free(conf);
	return code;
}

int
command_verify(const struct request *request)
{
	return run_by_hand(request, true);
}

int
command_decrypt(const struct request *request)
{
	return run_by_hand(request, false);
}
