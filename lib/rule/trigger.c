/* What a sender writes or does so that a rule applies. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "rule/internal.h"

void
trigger_clear(struct trigger *trigger)
{
	mem_free(trigger->subject);
	mem_free(trigger->header);
	mem_free(trigger->header_value);
	*trigger = (struct trigger){ 0 };
}

/* ---- patterns for text ---- */

static char
lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
}

/* One character, not one byte of it. */
static const char *
next_character(const char *at)
{
	for (at++; (*at & 0xc0) == 0x80; at++)
		;
	return at;
}

/* Only the last * is tried again: the work is the product of the lengths. */
bool
text_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *retry = NULL;

	while (*text != '\0' || *pattern != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*text != '\0' && *pattern == '?') {
			pattern++;
			text = next_character(text);
		} else if (*text != '\0' && lower(*pattern) == lower(*text)) {
			pattern++;
			text++;
		} else if (star != NULL && *retry != '\0') {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	return true;
}

/* Where a run without a * ends that begins at text, or NULL. */
static const char *
run_at(const char *pattern, size_t len, const char *text)
{
	for (size_t i = 0; i < len; i++) {
		if (*text == '\0' || (pattern[i] != '?' &&
					     lower(pattern[i]) != lower(*text)))
			return NULL;
		text = pattern[i] == '?' ? next_character(text) : text + 1;
	}
	return text;
}

/*
 * Run after run, each where it first stands: when one of them is not found
 * there, it is not found behind a later beginning either.
 */
struct span
text_find(const char *pattern, const char *text)
{
	const char *from = NULL, *end;

	for (;;) {
		size_t len = strcspn(pattern, "*");

		while ((end = run_at(pattern, len, text)) == NULL) {
			if (*text == '\0')
				return span_of(text, 0);
			text = next_character(text);
		}
		from = from != NULL ? from : text;
		text = end;
		if (pattern[len] == '\0')
			return span_of(from, (size_t)(end - from));
		pattern += len + 1;
	}
}

/* ---- does it apply? ---- */

static bool
asks_header(const struct trigger *trigger)
{
	return trigger->subject != NULL || trigger->header != NULL;
}

static bool
asks_body(const struct trigger *trigger)
{
	return trigger->min_bytes != 0 || trigger->max_bytes != 0 ||
	       trigger->attachment != ATTACHMENT_ANY;
}

bool
rule_has_trigger(const struct rule *rule)
{
	return asks_header(&rule->trigger) || asks_body(&rule->trigger);
}

static bool
has_subject(const struct trigger *trigger, const struct content *content)
{
	const struct content_field *field;

	LIST_FOREACH (field, &content->fields)
		if (strcasecmp(field->name, "Subject") == 0 &&
			text_find(trigger->subject, field->text).len != 0)
			return true;
	return false;
}

static bool
has_header(const struct trigger *trigger, const struct content *content)
{
	const struct content_field *field;

	LIST_FOREACH (field, &content->fields)
		if (strcasecmp(field->name, trigger->header) == 0 &&
			(trigger->header_value == NULL ||
				text_matches(
					trigger->header_value, field->text)))
			return true;
	return false;
}

/* What is missing, or NULL; only what is known is looked at. */
static const char *
find_missing(const struct trigger *trigger, const struct content *content)
{
	bool some = trigger->attachment == ATTACHMENT_SOME;

	if (content->header_known && trigger->subject != NULL &&
		!has_subject(trigger, content))
		return "the Subject does not say so";
	if (content->header_known && trigger->header != NULL &&
		!has_header(trigger, content))
		return "the field it waits for is not there";
	if (!content->body_known)
		return NULL;
	if (content->bytes < trigger->min_bytes)
		return "the mail is smaller";
	if (trigger->max_bytes != 0 && content->bytes > trigger->max_bytes)
		return "the mail is larger";
	if (trigger->attachment != ATTACHMENT_ANY &&
		!content->attachment_unknown && content->has_attachment != some)
		return some ? "the mail has no attachment"
			    : "the mail has an attachment";
	return NULL;
}

int
trigger_match(const struct rule *rule, const struct client *client,
	const struct content *content, struct trace *trace)
{
	const struct trigger *trigger = &rule->trigger;
	const char *missing;

	if (!rule_has_trigger(rule))
		return 1;
	missing = rule_admission(rule, client) == NULL
			  ? "the client is none whose triggers count"
			  : find_missing(trigger, content);
	if (missing != NULL) {
		trace_add(trace, "rule %s does not apply: %s", rule->name,
			missing);
		return 0;
	}
	if ((asks_header(trigger) && !content->header_known) ||
		(asks_body(trigger) && !content->body_known))
		return -1;
	return 1;
}
