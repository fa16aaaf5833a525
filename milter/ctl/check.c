/* smimectl check: could the daemon start, and is it wise? */
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "json.h"
#include "mta.h"
#include "ready.h"
#include "trust/trust.h"

struct report {
	struct conf *conf;    /* NULL: the daemon could not start */
	struct list problems; /* struct problem * */
	struct list trusted;  /* char * */
	struct findings mta;
	bool mta_asked;
};

static void
report_clear(struct report *report)
{
	conf_free(report->conf);
	list_clear(&report->problems, problem_free);
	list_clear(&report->trusted, mem_free);
	findings_clear(&report->mta);
}

static void
add_version_warning(struct list *problems)
{
	const char *text = crypto_version_warning();
	struct problem *problem;

	if (text == NULL)
		return;
	problem = mem_alloc(sizeof(*problem));
	problem->kind = PROBLEM_WARNING;
	problem->text = mem_string(text);
	list_add(problems, problem);
}

static void
add_expiring(const struct conf *conf, struct list *problems)
{
	struct list warnings = { 0 }, own = { 0 };
	char *text;

	/* What cannot be listed, and each key of no use, has been said. */
	event_set_sink(NULL);
	(void)!gateway_look_for_own(conf->gateway, clock_now(), &own);
	event_set_sink(ctl_print_event);
	gateway_expiring(conf->gateway, clock_now(), &own, &warnings);
	list_clear(&own, gateway_own_free);
	LIST_FOREACH (text, &warnings) {
		struct problem *problem = mem_alloc(sizeof(*problem));

		problem->kind = PROBLEM_WARNING;
		problem->file = mem_string(conf->path);
		problem->text = text;
		list_add(problems, problem);
	}
	list_clear(&warnings, NULL);
}

static int
gather(const struct request *request, struct report *report, struct error *err)
{
	const struct trust *trust;
	int result;

	result = conf_load(
		request->conf_path, true, &report->conf, &report->problems);
	add_version_warning(&report->problems);
	if (result != 0)
		return 0;
	ready_check(report->conf, &report->problems);
	add_expiring(report->conf, &report->problems);
	trust = report->conf->gateway->trust;
	if (trust != NULL && trust_describe(trust, &report->trusted, err) != 0)
		return -1;
	if (!report->mta_asked)
		return 0;
	return mta_check(request, report->conf, &report->mta, err);
}

/* ---- for people ---- */

static void
print_rules(const struct gateway *gateway)
{
	const struct sign_rule *sign;
	const struct encrypt_rule *encrypt;

	LIST_FOREACH (sign, &gateway->sign_rules)
		printf("signs: %s (otherwise %s)\n", sign->rule.name,
			otherwise_name(sign->rule.otherwise));
	LIST_FOREACH (encrypt, &gateway->encrypt_rules)
		printf("encrypts: %s (otherwise %s)\n", encrypt->rule.name,
			otherwise_name(encrypt->rule.otherwise));
	if (gateway->sign_rules.count == 0 && gateway->encrypt_rules.count == 0)
		printf("there are no rules: mail passes as it is\n");
}

static void
print_lines(const char *prefix, const struct list *lines)
{
	const char *text;

	LIST_FOREACH (text, lines)
		printf("%s%s\n", prefix, text);
}

static void
print_verdict(const struct request *request, const struct report *report)
{
	printf("%s: the daemon could %sstart with this\n", request->conf_path,
		ctl_has_errors(&report->problems) ? "not " : "");
}

static void
print_text(const struct request *request, const struct report *report)
{
	ctl_print_problems(&report->problems, NULL, NULL);
	if (report->conf == NULL) {
		ctl_hint_at_rights(&report->problems);
		print_verdict(request, report);
		return;
	}
	print_rules(report->conf->gateway);
	print_lines("trusts: ", &report->trusted);
	if (report->trusted.count == 0)
		printf("trusts: nothing, so every encrypt rule that asks for "
		       "trusted certificates will find none\n");
	print_verdict(request, report);
	print_lines("ok: ", &report->mta.notes);
	ctl_print_problems(&report->mta.problems, NULL, NULL);
	if (report->mta_asked)
		printf("the MTA: %s\n",
			ctl_has_errors(&report->mta.problems)
				? "mail may pass unprotected or be lost"
				: "is set up as it should be");
}

/* ---- for programs ---- */

static json_t *
problems_json(const struct list *problems)
{
	json_t *array = json_array();
	const struct problem *problem;

	LIST_FOREACH (problem, problems)
		json_array_append_new(array,
			json_pack("{s:s, s:o, s:i, s:o}", "kind",
				problem->kind == PROBLEM_ERROR ? "error"
							       : "warning",
				"file", json_text(problem->file), "line",
				(int)problem->line, "text",
				json_text(problem->text)));
	return array;
}

static void
print_json(const struct report *report, int code)
{
	json_answer(json_pack("{s:b, s:o, s:o, s:o}", "ok", code == CTL_YES,
		"problems", problems_json(&report->problems), "trusts",
		json_texts(&report->trusted), "mta",
		report->mta_asked && report->conf != NULL
			? json_pack("{s:o, s:o}", "problems",
				  problems_json(&report->mta.problems), "notes",
				  json_texts(&report->mta.notes))
			: json_null()));
}

/* Options that only --mta understands ask for it. */
static bool
asks_for_mta(const struct request *request)
{
	return request_option(request, "--mta") != NULL ||
	       request_option(request, "--postfix-config") != NULL ||
	       request_option(request, "--sendmail-cf") != NULL;
}

int
command_check(const struct request *request)
{
	struct report report = { .mta_asked = asks_for_mta(request) };
	struct error err = { 0 };
	int code = CTL_YES;

	if (gather(request, &report, &err) != 0) {
		code = ctl_trouble(&err);
		goto out;
	}
	if (ctl_has_errors(&report.problems) ||
		ctl_has_errors(&report.mta.problems))
		code = CTL_NO;
	if (request->json)
		print_json(&report, code);
	else
		print_text(request, &report);
out:
	report_clear(&report);
	return code;
}
