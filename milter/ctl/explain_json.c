/* What became of a mail, for programs.  The keys are a contract. */
#include "json.h"
#include "trial.h"

static json_t *
sha256_or_null(const char *sha256)
{
	return json_text(sha256[0] != '\0' ? sha256 : NULL);
}

static json_t *
candidates_json(const struct list *candidates)
{
	json_t *array = json_array();
	const struct candidate *candidate;

	LIST_FOREACH (candidate, candidates)
		json_array_append_new(
			array, json_pack("{s:o, s:o, s:o}", "sha256",
				       json_text(candidate->sha256), "store",
				       json_text(candidate->source), "refused",
				       json_text(candidate->refused)));
	return array;
}

static json_t *
sign_json(const struct sign_report *sign)
{
	const char *why = sign->why;

	if (why == NULL && sign->rule == NULL)
		why = "no rule matches the sender";
	return json_pack("{s:o, s:o, s:b, s:o, s:o}", "rule",
		json_text(sign->rule), "certificate",
		sha256_or_null(sign->certificate), "did", sign->done, "why",
		json_text(why), "candidates",
		candidates_json(&sign->candidates));
}

static json_t *
recipients_json(const struct list *recipients)
{
	json_t *array = json_array();
	const struct recipient_report *report;

	LIST_FOREACH (report, recipients)
		json_array_append_new(array,
			json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "address",
				json_text(report->address), "rule",
				json_text(report->rule), "certificate",
				sha256_or_null(report->certificate), "plan",
				plan_name(report->plan), "why",
				json_text(report->why), "candidates",
				candidates_json(&report->candidates)));
	return array;
}

static json_t *
copies_json(const struct list *copies)
{
	json_t *array = json_array();
	const struct outcome_copy *copy;
	const struct address *address;

	LIST_FOREACH (copy, copies) {
		json_t *recipients = json_array();

		LIST_FOREACH (address, &copy->recipients)
			json_array_append_new(
				recipients, json_text(address->text));
		json_array_append_new(array,
			json_pack("{s:o, s:b, s:o}", "recipients", recipients,
				"encrypted", copy->rule != NULL, "rule",
				json_text(copy->rule)));
	}
	return array;
}

void
explain_json(const struct trial *trial)
{
	const struct outcome *outcome = &trial->outcome;
	const char *why =
		outcome->error.kind != ERROR_NONE ? outcome->error.text : NULL;

	json_t *inbound = outcome->inbound.rule != NULL
				  ? inbound_json(&outcome->inbound)
				  : json_null();

	json_answer(json_pack("{s:o, s:o, s:o, s:s, s:o, s:b, s:o, s:o, s:o}",
		"sign", sign_json(&outcome->sign), "recipients",
		recipients_json(&outcome->recipients), "inbound", inbound,
		"verdict", verdict_name(outcome->verdict), "reply",
		json_text(outcome->reply), "changed",
		outcome->body_changed || outcome->edits.count != 0, "copies",
		copies_json(&outcome->copies), "why", json_text(why), "trace",
		json_texts(&trial->trace.lines)));
}
