/* What is true of every MTA. */
#include "mta.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* What base64 and CMS add to a mail for each layer. */
#define GROWTH_PER_LAYER 1.4
#define SENDMAIL_CF "/etc/mail/sendmail.cf"

static void
find_problem(struct findings *findings, enum problem_kind kind,
	const char *format, va_list args)
{
	struct problem *problem = mem_alloc(sizeof(*problem));
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	problem->kind = kind;
	problem->file = mem_string(findings->file);
	problem->text = mem_string(text);
	list_add(&findings->problems, problem);
}

void
find_error(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find_problem(findings, PROBLEM_ERROR, format, args);
	va_end(args);
}

void
find_warning(struct findings *findings, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find_problem(findings, PROBLEM_WARNING, format, args);
	va_end(args);
}

void
find_note(struct findings *findings, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	list_add(&findings->notes, mem_printf("%s: %s", findings->file, text));
}

void
findings_clear(struct findings *findings)
{
	list_clear(&findings->problems, problem_free);
	list_clear(&findings->notes, mem_free);
}

/* ---- the rules' needs ---- */

unsigned
rules_layers(const struct gateway *gateway)
{
	return (gateway->sign_rules.count != 0) +
	       (gateway->encrypt_rules.count != 0);
}

double
grown_bytes(double bytes, unsigned layers)
{
	while (layers-- != 0)
		bytes *= GROWTH_PER_LAYER;
	return bytes;
}

const struct sign_rule *
rules_need_sender_login(const struct gateway *gateway)
{
	const struct client_condition *condition;
	const struct sign_rule *rule;

	LIST_FOREACH (rule, &gateway->sign_rules) {
		if (rule->rule.from_must_be != FROM_ENVELOPE &&
			rule->rule.from_must_be != FROM_BY_CLIENT)
			continue;
		LIST_FOREACH (condition, &rule->rule.clients)
			if (condition->kind == CLIENT_AUTHENTICATED)
				return rule;
	}
	return NULL;
}

const struct sign_rule *
rules_shut_out_localhost(const struct gateway *gateway)
{
	struct client localhost = { .family = AF_INET };
	const struct sign_rule *rule;

	if (inet_pton(AF_INET6, "::ffff:127.0.0.1", &localhost.ip) != 1)
		return NULL;
	LIST_FOREACH (rule, &gateway->sign_rules)
		if (client_admitted(&rule->rule.clients, &localhost) == NULL)
			return rule;
	return NULL;
}

/* ---- which MTAs ---- */

/*
 * An option names the one MTA to look at; otherwise every MTA that is there.
 */
int
mta_check(const struct request *request, const struct conf *conf,
	struct findings *findings, struct error *err)
{
	const char *folder = request_option(request, "--postfix-config");
	const char *file = request_option(request, "--sendmail-cf");
	int postfix = 0, sendmail = 0;

	if (folder != NULL || file == NULL)
		postfix = postfix_check(folder, conf, findings, err);
	if (postfix < 0)
		return -1;
	if (file != NULL || (folder == NULL && access(SENDMAIL_CF, F_OK) == 0))
		sendmail = sendmail_check(
			file ? file : SENDMAIL_CF, conf, findings, err);
	if (sendmail < 0)
		return -1;
	findings->file = NULL;
	if (postfix == 0 && sendmail == 0)
		find_error(findings,
			"no MTA was found: neither Postfix "
			"(postconf with a main.cf) nor Sendmail (%s); "
			"smime-milter does nothing without one",
			SENDMAIL_CF);
	return 0;
}
