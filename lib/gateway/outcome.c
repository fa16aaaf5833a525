#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gateway/internal.h"

static const char *const plan_names[] = {
	[PLAN_CLEAR] = "clear",
	[PLAN_ENCRYPT] = "encrypt",
	[PLAN_INTERNAL_COPY] = "internal copy",
	[PLAN_REFUSED] = "refused",
};

const char *
plan_name(enum plan plan)
{
	return plan_names[plan];
}

static void
report_free(void *item)
{
	struct recipient_report *report = item;

	mem_free(report->address);
	mem_free(report->why);
	list_clear(&report->candidates, candidate_free);
	mem_free(report);
}

static void
copy_free(void *item)
{
	struct outcome_copy *copy = item;

	list_clear(&copy->recipients, NULL);
	list_clear(&copy->paths, NULL);
	mem_free(copy);
}

static void
inbound_layer_free(void *item)
{
	struct inbound_layer *layer = item;

	cms_envelope_clear(&layer->envelope);
	list_clear(&layer->signers, mem_free);
	cms_signed_clear(&layer->cms);
	smime_parts_clear(&layer->parts);
	buf_clear(&layer->der);
	mem_free(layer);
}

static void
inbound_clear(struct inbound_report *inbound)
{
	mem_free(inbound->rule);
	mem_free(inbound->identifier);
	mem_free(inbound->why);
	list_clear(&inbound->layers, inbound_layer_free);
}

void
outcome_init(struct outcome *outcome)
{
	*outcome = (struct outcome){ 0 };
}

void
outcome_clear(struct outcome *outcome)
{
	mem_free(outcome->reply);
	list_clear(&outcome->edits, edit_free);
	for (size_t i = 0; i < COUNT_OF(outcome->layers); i++)
		smime_layer_clear(&outcome->layers[i]);
	buf_clear(&outcome->rewritten);
	inbound_clear(&outcome->inbound);
	mem_free(outcome->sign.why);
	list_clear(&outcome->sign.candidates, candidate_free);
	list_clear(&outcome->recipients, report_free);
	list_clear(&outcome->copies, copy_free);
	list_clear(&outcome->forget, NULL);
	mem_free(outcome->encrypt_rule);
	mem_free(outcome->note);
	outcome_init(outcome);
}

/* ---- the log line ---- */

/* One value; longer than any address an MTA delivers (RFC 5321 4.5.3.1.3). */
enum { ESCAPED_MAX = 320 };

struct line {
	char *text;
	size_t size;
	size_t len;
};

static void
put_char(struct line *line, char c)
{
	if (line->len + 1 < line->size)
		line->text[line->len++] = c;
	line->text[line->len] = '\0';
}

static void
put(struct line *line, const char *text)
{
	for (; *text != '\0'; text++)
		put_char(line, *text);
}

/*
 * Senders choose addresses: nothing in one may end the line or a value, and
 * none is so long that the outcome does not fit behind it.
 */
static void
put_escaped(struct line *line, const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t end = line->len + ESCAPED_MAX;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (line->len >= end) {
			put(line, "...");
			return;
		}
		if (c < 32 || c == 127 || c == '"' || c == '\\') {
			put(line, "\\x");
			put_char(line, digits[c >> 4]);
			put_char(line, digits[c & 15]);
		} else {
			put_char(line, (char)c);
		}
	}
}

static void
put_address(struct line *line, const char *name, const char *address)
{
	put(line, name);
	put(line, "=<");
	put_escaped(line, address != NULL ? address : "");
	put(line, "> ");
}

static void
put_number(struct line *line, const char *name, int64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), "%s=%" PRId64, name, number);
	put(line, text);
}

static void
put_quoted(struct line *line, const char *name, const char *text)
{
	put(line, " ");
	put(line, name);
	put(line, "=\"");
	put_escaped(line, text);
	put(line, "\"");
}

static void
put_did(struct line *line, const struct outcome *outcome)
{
	const struct {
		bool done;
		const char *name;
	} all[] = {
		{ outcome->inbound.decrypted, "decrypt" },
		{ outcome->inbound.verified, "verify" },
		{ outcome->inbound.stripped, "strip" },
		{ outcome->inbound.harvested, "harvest" },
		{ outcome->body_changed && outcome->signed_, "sign" },
		{ outcome->body_changed && outcome->encrypted, "encrypt" },
		{ outcome->copies.count != 0, "split" },
	};
	bool some = false;

	put(line, "did=");
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (!all[i].done)
			continue;
		put(line, some ? "," : "");
		put(line, all[i].name);
		some = true;
	}
	put(line, some ? "" : "nothing");
}

static const char *
result(const struct outcome *outcome)
{
	return outcome->verdict == VERDICT_ACCEPT
		       ? "ok"
		       : verdict_name(outcome->verdict);
}

/* The one mailbox of the one From field, or NULL. */
static char *
author_of(const struct mail *mail)
{
	const struct address *author;
	struct facts facts;
	char *text = NULL;

	if (facts_gather(&facts, mail, NULL) == 0) {
		author = facts_author(&facts);
		text = mem_string(author != NULL ? author->text : NULL);
	}
	facts_clear(&facts);
	return text;
}

static void
put_rule(struct line *line, const char *name, const char *rule)
{
	bool quote = rule != NULL && strchr(rule, ' ') != NULL;

	put(line, name);
	put(line, quote ? "=\"" : "=");
	put_escaped(line, rule != NULL ? rule : "-");
	put(line, quote ? "\" " : " ");
}

void
outcome_log_line(const struct outcome *outcome, const struct mail *mail,
	int64_t milliseconds, char *out, size_t size)
{
	struct line line = { out, size, 0 };
	const char *sign_why = outcome->sign.why;
	char *author = author_of(mail);

	put_escaped(&line, mail->queue_id != NULL ? mail->queue_id : "-");
	put(&line, ": ");
	put_address(&line, "from",
		mail->mail_from != NULL ? mail->mail_from->text : NULL);
	put_address(&line, "sender", author);
	put_number(&line, "rcpts", (int64_t)mail->recipients.count);
	put(&line, " ");
	put_rule(&line, "sign", outcome->sign.rule);
	put_rule(&line, "encrypt", outcome->encrypt_rule);
	if (outcome->inbound.rule != NULL)
		put_rule(&line, "inbound", outcome->inbound.rule);
	put_did(&line, outcome);
	if (outcome->inbound.rule != NULL) {
		put(&line, " smime=");
		put(&line, inbound_verdict_name(outcome->inbound.verdict));
	}
	put(&line, " result=");
	put(&line, result(outcome));
	if (outcome->copies.count != 0)
		put_number(&line, " copies", (int64_t)outcome->copies.count);
	put_number(&line, " ms", milliseconds);
	if (outcome->error.kind != ERROR_NONE) {
		put(&line, " kind=");
		put(&line, error_kind_name(outcome->error.kind));
		put_quoted(&line, "why", outcome->error.text);
	} else if (sign_why != NULL) {
		put_quoted(&line, "why", sign_why);
	}
	if (outcome->note != NULL)
		put_quoted(&line, "note", outcome->note);
	mem_free(author);
}
