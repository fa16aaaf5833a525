/*
 * Mails that S/MIME does no good: delivery reports, invitations, posts to
 * lists and their like.  What makes a mail one of them is chosen by whoever
 * writes it: a rule that must be kept (its `otherwise` is not pass) does not
 * heed it unless the administrator has said so.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/ask.h"

/* ---- which kind is it? ---- */

static struct span
first_value(const struct mail *mail, const char *name)
{
	const struct mail_field *field;

	LIST_FOREACH (field, &mail->fields)
		if (strcasecmp(field->name, name) == 0)
			return span_trim(span_string(field->value));
	return (struct span){ NULL, 0 };
}

/* The first word of a field, up to a blank, ';' or a comment. */
static bool
says(const struct mail *mail, const char *name, const char *word)
{
	struct span value = first_value(mail, name);
	size_t len = 0;

	while (len < value.len && value.data[len] > ' ' &&
		value.data[len] != ';' && value.data[len] != '(')
		len++;
	return span_is_nocase(span_of(value.data, len), word);
}

static bool
has(const struct mail *mail, const char *name)
{
	return first_value(mail, name).data != NULL;
}

/* Of two types readers may take the other one. */
static bool
is_type(const struct work *work, const char *name)
{
	struct mime_type type;

	if (work->facts.content_types != 1)
		return false;
	(void)mime_type_parse(first_value(work->mail, "Content-Type"), &type);
	return mime_type_is(&type, name);
}

static bool
is_report(const struct work *work)
{
	return work->facts.sender.mail_from->key[0] == '\0' ||
	       is_type(work, "multipart/report");
}

static bool
is_partial(const struct work *work)
{
	return is_type(work, "message/partial");
}

static bool
is_invitation(const struct work *work)
{
	return work->facts.content_types == 1 && work->facts.invitation;
}

/* RFC 3834, and what older programs write. */
static bool
is_answer(const struct work *work)
{
	return says(work->mail, "Auto-Submitted", "auto-replied") ||
	       says(work->mail, "Precedence", "auto_reply") ||
	       has(work->mail, "X-Autoreply") ||
	       has(work->mail, "X-Autorespond");
}

/* RFC 2919, RFC 2369 */
static bool
is_list_post(const struct work *work)
{
	return has(work->mail, "List-Id") || has(work->mail, "List-Post") ||
	       says(work->mail, "Precedence", "list");
}

static bool
is_bulk(const struct work *work)
{
	return says(work->mail, "Precedence", "bulk") ||
	       says(work->mail, "Precedence", "junk") ||
	       says(work->mail, "Auto-Submitted", "auto-generated") ||
	       says(work->mail, "Auto-Submitted", "auto-notified");
}

/* The first that fits. */
static const struct {
	const char *name;
	bool (*is)(const struct work *work);
	const char *words;
} kinds[] = {
	[SPECIAL_REPORT] = { "reports", is_report, "a delivery report" },
	[SPECIAL_PARTIAL] = { "partial", is_partial, "a part of a mail" },
	[SPECIAL_CALENDAR] = { "calendar", is_invitation, "an invitation" },
	[SPECIAL_ANSWER] = { "answers", is_answer, "an automatic answer" },
	[SPECIAL_LIST] = { "lists", is_list_post, "a post of a list" },
	[SPECIAL_BULK] = { "bulk", is_bulk, "bulk or automatic mail" },
};

int
special_from_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (int)i;
	return -1;
}

void
special_find(struct work *work)
{
	size_t i = 0;

	while (i < COUNT_OF(kinds) && !kinds[i].is(work))
		i++;
	work->special = i;
}

/* ---- what is done with it? ---- */

static enum treatment
treatment_of(const struct work *work)
{
	return work->special < SPECIAL_COUNT
		       ? work->gateway->special.treatment[work->special]
		       : TREAT_PROTECT;
}

static const struct {
	bool sign, encrypt;
	int form; /* of a signature; -1: as the rule says */
} treatments[] = {
	[TREAT_PROTECT] = { true, true, -1 },
	[TREAT_SKIP] = { false, false, -1 },
	[TREAT_SIGN] = { true, false, -1 },
	[TREAT_SIGN_DETACHED] = { true, false, SMIME_FORM_DETACHED },
	[TREAT_DETACHED] = { true, true, SMIME_FORM_DETACHED },
	[TREAT_OPAQUE] = { true, true, SMIME_FORM_OPAQUE },
	[TREAT_REJECT] = { false, false, -1 },
};

static void
note(struct work *work, const char *what)
{
	mem_free(work->outcome->note);
	work->outcome->note =
		mem_printf("%s: %s", what, kinds[work->special].words);
	trace_add(work_trace(work), "%s", work->outcome->note);
}

/* A fragment cannot be protected, whatever a rule says. */
static bool
refuse_fragment(struct work *work, enum otherwise otherwise)
{
	struct error err;

	if (treatment_of(work) == TREAT_REJECT)
		otherwise = OTHERWISE_REJECT;
	error_set(&err, ERROR_FORMAT,
		"a part of a mail (message/partial) cannot be protected");
	work_fail(work, otherwise, &err,
		"6.0 This is a part of a mail (message/partial), which cannot "
		"be protected; please send the mail in one piece");
	return true;
}

static bool
leaves(struct work *work, enum otherwise otherwise, bool treated)
{
	bool heeded;

	if (treated)
		return false;
	heeded = otherwise == OTHERWISE_PASS ||
		 work->gateway->special.even_mandatory[work->special];
	if (work->special == SPECIAL_PARTIAL &&
		(!heeded || treatment_of(work) == TREAT_REJECT))
		return refuse_fragment(work, otherwise);
	if (!heeded) {
		trace_add(work_trace(work), "%s, and protected all the same",
			kinds[work->special].words);
		return false;
	}
	note(work, "left alone");
	return true;
}

bool
special_leaves_unsigned(struct work *work, enum otherwise otherwise)
{
	return leaves(work, otherwise, treatments[treatment_of(work)].sign);
}

bool
special_may_leave_clear(const struct gateway *gateway)
{
	const struct special_settings *special = &gateway->special;

	for (size_t i = 0; i < SPECIAL_COUNT; i++)
		if (special->even_mandatory[i] &&
			special->treatment[i] != TREAT_REJECT &&
			!treatments[special->treatment[i]].encrypt)
			return true;
	return false;
}

/* In clear, or refused as something that cannot be encrypted. */
static void
report_plans(struct work *work)
{
	const struct outcome *outcome = work->outcome;
	bool refused = outcome->verdict >= VERDICT_TEMPFAIL;

	for (size_t i = 0; i < work->plan.count; i++) {
		const struct plan_entry *entry = &work->plan.entries[i];

		if (refused)
			entry->report->plan = PLAN_REFUSED;
		if (entry->rule != NULL)
			report_say_why(entry->report,
				refused ? outcome->error.text : outcome->note);
	}
}

bool
special_leaves_clear(struct work *work, enum otherwise otherwise)
{
	if (!leaves(work, otherwise, treatments[treatment_of(work)].encrypt))
		return false;
	report_plans(work);
	return true;
}

enum smime_form
special_form(struct work *work, enum smime_form form)
{
	int wanted = treatments[treatment_of(work)].form;

	if (wanted == -1 || wanted == (int)form)
		return form;
	note(work, wanted == SMIME_FORM_OPAQUE ? "signed opaque"
					       : "signed detached");
	return (enum smime_form)wanted;
}
