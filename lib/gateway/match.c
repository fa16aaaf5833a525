/* Which rule is a sender's, and a recipient's? */
#include <string.h>

#include "base/mem.h"
#include "gateway/internal.h"

/*
 * "bob%partner.example@here" and "partner.example!bob@here": where an MTA
 * takes "here" for itself, it routes them on to bob@partner.example.  That
 * address, or NULL when there is no such reading.
 */
static struct address *
routed_reading(const struct address *recipient)
{
	const char *key = recipient->key, *at = strrchr(key, '@');
	struct address *reading = NULL;
	const char *percent, *bang;
	char *text = NULL;

	if (at == NULL)
		return NULL;
	percent = memrchr(key, '%', (size_t)(at - key));
	bang = memchr(key, '!', (size_t)(at - key));
	if (percent != NULL)
		text = mem_printf("%.*s@%.*s", (int)(percent - key), key,
			(int)(at - percent - 1), percent + 1);
	else if (bang != NULL)
		text = mem_printf("%.*s@%.*s", (int)(at - bang - 1), bang + 1,
			(int)(bang - key), key);
	if (text == NULL || addr_parse(text, &reading, NULL) != 0)
		reading = NULL;
	mem_free(text);
	return reading;
}

/*
 * What the line of the sender says.  Several senders are not signed for: the
 * rule's own `otherwise` decides.
 */
static const struct sign_rule *
sign_variant(const struct sign_rule *rule, const struct sender *sender)
{
	const struct sign_rule *variant = NULL;

	if (rule->rule.table != NULL && sender->single)
		variant = table_find(rule->rule.table, sender->from->item[0]);
	return variant != NULL ? variant : rule;
}

static const struct encrypt_rule *
encrypt_variant(const struct encrypt_rule *rule,
	const struct address *recipient, const struct address *routed)
{
	const struct encrypt_rule *variant = NULL;

	if (rule->rule.table != NULL)
		variant = table_find(rule->rule.table, recipient);
	if (variant == NULL && rule->rule.table != NULL && routed != NULL)
		variant = table_find(rule->rule.table, routed);
	return variant != NULL ? variant : rule;
}

int
sign_rule_for(const struct gateway *gateway, const struct facts *facts,
	struct trace *trace, const struct sign_rule **out)
{
	const struct sign_rule *rule;
	int matches = 0;

	*out = NULL;
	LIST_FOREACH (rule, &gateway->sign_rules) {
		matches = rule_match_sign(&rule->rule, &facts->sender,
			facts->client, &facts->content, trace);
		if (matches == 0)
			continue;
		*out = sign_variant(rule, &facts->sender);
		break;
	}
	return matches;
}

/* Either reading of the address will do. */
static bool
names_either(const struct encrypt_rule *rule, const struct address *recipient,
	const struct address *routed, struct trace *trace)
{
	return rule_match_recipient(&rule->rule, recipient, trace) == 1 ||
	       (routed != NULL &&
		       rule_match_recipient(&rule->rule, routed, trace) == 1);
}

struct condition_answer {
	bool known;
	int matches;
};

/* Hostile Subjects and long lists of senders are looked at once a mail. */
static int
match_conditions(const struct gateway *gateway, struct facts *facts,
	size_t number, struct trace *trace)
{
	const struct encrypt_rule *rule = gateway->encrypt_rules.item[number];
	struct condition_answer *answer;

	if (facts->conditions == NULL)
		facts->conditions = mem_array(gateway->encrypt_rules.count,
			sizeof(*facts->conditions));
	answer = &facts->conditions[number];
	if (!answer->known)
		answer->matches = rule_match_conditions(&rule->rule,
			&facts->sender, facts->client, &facts->content, trace);
	answer->known = true;
	return answer->matches;
}

int
encrypt_rule_for(const struct gateway *gateway, struct facts *facts,
	const struct address *recipient, struct trace *trace,
	const struct encrypt_rule **out)
{
	struct address *routed = routed_reading(recipient);
	const struct encrypt_rule *rule;
	int matches = 0;

	*out = NULL;
	LIST_FOREACH (rule, &gateway->encrypt_rules) {
		if (!names_either(rule, recipient, routed, trace))
			continue;
		matches = match_conditions(gateway, facts, rule_i, trace);
		if (matches == 0)
			continue;
		if (matches == 1)
			trace_add(trace, "encrypt rule %s applies to <%s>",
				rule->rule.name, recipient->text);
		*out = encrypt_variant(rule, recipient, routed);
		break;
	}
	address_free(routed);
	return matches;
}

/* The strictest of the words; what is no mode asks for all there is. */
static int
mode_of_words(
	const struct list *words, const char *attribute, struct trace *trace)
{
	int strictest = -1;
	const char *word;

	LIST_FOREACH (word, words) {
		int mode = rule_mode_from_name(word);

		if (mode == -1) {
			trace_add(trace,
				"%s is none of none, allow, mandatory: "
				"mandatory",
				attribute);
			mode = MODE_MANDATORY;
		}
		if (mode > strictest)
			strictest = mode;
	}
	return strictest;
}

/*
 * What a directory says of an address.  *rule changes when it has a word for
 * it; -1 when it cannot tell now.
 */
static int
ask_mode(const struct work *work, const struct mode_from *from,
	const struct address *recipient, const void **rule, struct error *err)
{
	const struct sender *sender = &work->facts.sender;
	const struct address *of = recipient;
	struct list words = { 0 };
	int mode, result;

	if (from->of_sender)
		of = sender->single ? sender->from->item[0] : sender->mail_from;
	result = store_find_words(from->store, of, from->attribute,
		work->deadline_ms, &words, err);
	mode = mode_of_words(&words, from->attribute, work_trace(work));
	/* From is whatever its writer wants: it makes no rule weaker. */
	if (from->of_sender && mode != MODE_MANDATORY &&
		!addr_equal(of, sender->mail_from))
		mode = -1;
	if (result == 0 && mode != -1)
		*rule = from->by_mode[mode];
	list_clear(&words, mem_free);
	return result;
}

/* Of more recipients than the limit none is asked for; the sender is one. */
static bool
are_too_many(const struct work *work, const struct mode_from *from)
{
	return !from->of_sender &&
	       work->mail->recipients.count >
		       work->gateway->limits.encrypt_recipients;
}

/* What has been said of the sender, or of an address that is there twice. */
static bool
was_asked(const struct plan_set *plan, struct plan_entry *entry)
{
	for (const struct plan_entry *one = plan->entries; one < entry; one++)
		if (one->asked == entry->rule &&
			(one->asked->mode_from.of_sender ||
				addr_equal(one->address, entry->address))) {
			entry->asked = one->asked;
			entry->rule = entry->answered = one->answered;
			return true;
		}
	return false;
}

/*
 * A directory may have a word in it; what it cannot say now makes us wait, and
 * one such answer is enough.
 */
void
plan_match(struct work *work, struct plan_entry *entry)
{
	struct error err = { 0 };
	const void *rule;

	/* At the end of the mail everything else is known. */
	if (encrypt_rule_for(work->gateway, &work->facts, entry->address,
		    work_trace(work), &entry->rule) != 1) {
		entry->rule = NULL;
		return;
	}
	if (entry->rule->mode_from.store == NULL ||
		work->outcome->verdict >= VERDICT_TEMPFAIL)
		return;
	if (are_too_many(work, &entry->rule->mode_from)) {
		entry->rule = entry->rule->mode_from.by_mode[MODE_MANDATORY];
		return;
	}
	if (was_asked(&work->plan, entry))
		return;
	rule = entry->asked = entry->rule;
	if (ask_mode(work, &entry->rule->mode_from, entry->address, &rule,
		    &err) != 0)
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_ENCRYPT, ERROR_SYSTEM));
	entry->rule = entry->answered = rule;
}

const struct sign_rule *
sign_match(struct work *work)
{
	const struct sign_rule *rule;
	struct error err = { 0 };
	const void *made;

	/* At the end of the mail everything else is known. */
	if (sign_rule_for(
		    work->gateway, &work->facts, work_trace(work), &rule) != 1)
		return NULL;
	made = rule;
	/* Strangers are not signed for, whatever the mode. */
	if (rule->mode_from.store != NULL &&
		rule_client_is_ours(&rule->rule, work->facts.client) &&
		ask_mode(work, &rule->mode_from, NULL, &made, &err) != 0)
		work_fail(work, OTHERWISE_TEMPFAIL, &err,
			words_for(FAILING_TO_SIGN, ERROR_SYSTEM));
	return made;
}

/*
 * No routed reading here: who is mentioned in another's address gets nothing
 * opened for him.
 */
const struct inbound_rule *
inbound_rule_for(const struct gateway *gateway, const struct address *recipient,
	struct trace *trace)
{
	const struct inbound_rule *rule;

	LIST_FOREACH (rule, &gateway->inbound_rules)
		if (rule_match_inbound(&rule->rule, recipient, trace) == 1)
			return rule;
	return NULL;
}

bool
recipient_is_internal(const struct gateway *gateway,
	const struct encrypt_rule *rule, const struct address *recipient)
{
	const struct pattern *pattern;

	if (rule != NULL && rule->locality != LOCALITY_AS_SET)
		return rule->locality == LOCALITY_INTERNAL;
	LIST_FOREACH (pattern, &gateway->internal)
		if (pattern_match(pattern, recipient))
			return true;
	return false;
}
