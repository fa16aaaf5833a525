/*
 * At RCPT: is this a recipient whose mail could only be refused in the end?
 * Whoever is asked about here has been let in by the MTA, and is told which
 * of the addresses is the trouble while he still waits.
 */
#include "gateway/ask.h"

#include "base/clock.h"
#include "base/mem.h"
#include "metric/metric.h"

void
recipient_answer_free(struct recipient_answer *answer)
{
	if (answer == NULL)
		return;
	cert_unref(answer->cert);
	mem_free(answer);
}

/* ---- can anybody be refused? ---- */

static bool
rejects(const struct encrypt_rule *rule)
{
	return !rule->rule.none && rule->rule.otherwise == OTHERWISE_REJECT;
}

bool
gateway_refuses_recipients(const struct gateway *gateway)
{
	const struct encrypt_rule *rule, *variant;

	if (!gateway->refuse_early || special_may_leave_clear(gateway))
		return false;
	LIST_FOREACH (rule, &gateway->encrypt_rules) {
		if (rejects(rule))
			return true;
		LIST_FOREACH (variant, &rule->variants)
			if (rejects(variant))
				return true;
	}
	return false;
}

/*
 * Not to the MTA's own submission: Postfix would try it again for ever.  It
 * writes addresses without <>, which no SMTP client may.  Nor where MAIL FROM
 * is <>: reports are left alone.
 */
static bool
may_be_refused(const struct gateway *gateway, const struct mail *mail)
{
	size_t count = mail->paths.count;
	const struct mail_path *path =
		count != 0 ? mail->paths.item[count - 1] : NULL;

	return gateway->refuse_early && !special_may_leave_clear(gateway) &&
	       path != NULL && path->path[0] == '<' && !mail->client.local &&
	       mail->mail_from != NULL && mail->mail_from->key[0] != '\0' &&
	       mail->failure.kind == ERROR_NONE &&
	       count <= gateway->limits.encrypt_recipients;
}

/* His rule, when the envelope is enough to know it and it is one to ask by. */
static const struct encrypt_rule *
deciding_rule(const struct gateway *gateway, const struct mail *mail,
	const struct address *recipient, struct trace *trace)
{
	const struct encrypt_rule *rule = NULL;
	struct facts facts;
	int decided = 0;

	if (facts_gather(&facts, mail, NULL) == 0) {
		facts.sender.known = false;
		decided = encrypt_rule_for(
			gateway, &facts, recipient, trace, &rule);
	}
	facts_clear(&facts);
	if (decided != 1 || !rejects(rule) || rule->mode_from.store != NULL)
		return NULL;
	if (rule_client_is_ours(&rule->rule, &mail->client))
		return rule;
	trace_add(trace,
		"rule %s is not asked for a certificate of <%s> yet: the "
		"client is none that may send out",
		rule->rule.name, recipient->text);
	return NULL;
}

/* ---- the answer ---- */

static void
refuse(struct outcome *outcome, const struct encrypt_rule *rule,
	const struct error *why)
{
	outcome->verdict = rule_verdict(why->kind, rule->rule.otherwise);
	outcome->reply = words_reply(
		outcome->verdict, words_for(FAILING_TO_ENCRYPT_FOR, why->kind));
	outcome->error = *why;
	outcome->encrypt_rule = mem_string(rule->rule.name);
	metric_add(METRIC_RECIPIENTS_REFUSED, 1);
}

void
gateway_ask_recipient(const struct gateway *gateway, struct mail *mail,
	struct trace *trace, struct outcome *outcome)
{
	int64_t deadline_ms = clock_monotonic_ms() +
			      (int64_t)gateway->limits.lookup_seconds * 1000;
	struct recipient_answer answer = { 0 };
	const struct address *recipient;
	struct mail_path *path;
	struct error err = { 0 };

	if (!may_be_refused(gateway, mail))
		return;
	recipient = mail->recipients.item[mail->recipients.count - 1];
	path = mail->paths.item[mail->paths.count - 1];
	answer.rule = deciding_rule(gateway, mail, recipient, trace);
	if (answer.rule == NULL)
		return;
	if (plan_choose_by_rule(gateway, answer.rule, recipient, deadline_ms,
		    NULL, &answer.cert, &err) != 0) {
		refuse(outcome, answer.rule, &err);
		return;
	}
	answer.remark = err;
	path->answer = mem_alloc(sizeof(*path->answer));
	*path->answer = answer;
}
