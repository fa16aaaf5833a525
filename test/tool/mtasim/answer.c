/* What the milter answers, and what an MTA makes of it. */
#include "mtasim.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAY_ADD = 1,
	MAY_BODY = 2,
	MAY_ADD_RCPT = 4,
	MAY_DEL_RCPT = 8,
	MAY_CHANGE = 0x10,
	MAY_QUARANTINE = 0x20,
	MAY_FROM = 0x40
};

const char *
status_name(enum status status)
{
	static const char *const names[] = { "accept", "reject", "tempfail",
		"held", "violation", "io", "usage" };

	return names[status];
}

void
result_init(struct result *result)
{
	memset(result, 0, sizeof(*result));
	strcpy(result->text, "250 ok");
}

void
result_clear(struct result *result)
{
	message_clear(&result->after);
}

int
session_fail(struct result *result, enum status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(result->text, sizeof(result->text), format, args);
	va_end(args);
	result->status = status;
	return -1;
}

/* ---- strings out of packets ---- */

/* The string at *at, which then stands behind its NUL; NULL: there is none. */
static const char *
take_string(const struct packet *packet, size_t *at)
{
	const char *text = (const char *)packet->data + *at;
	size_t left = packet->length - *at;
	size_t length = strnlen(text, left);

	if (length == left)
		return NULL;
	*at += length + 1;
	return text;
}

static bool
take_number(const struct packet *packet, size_t *at, uint32_t *out)
{
	const uint8_t *p = packet->data + *at;

	if (packet->length - *at < 4)
		return false;
	*out = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
	*at += 4;
	return true;
}

/* ---- modifications ---- */

struct edit {
	uint32_t index;
	const char *name, *value;
};

static void
do_add(struct result *result, const struct job *job, const struct edit *edit)
{
	message_add(&result->after, job->rules, edit->name, edit->value);
}

static void
do_insert(struct result *result, const struct job *job, const struct edit *edit)
{
	(void)job;
	message_insert(&result->after, edit->index, edit->name, edit->value);
}

static void
do_change(struct result *result, const struct job *job, const struct edit *edit)
{
	message_change(&result->after, job->rules, edit->index, edit->name,
		edit->value);
}

static const struct edit_row {
	char command;
	const char *name;
	uint32_t needs;
	bool numbered, pair; /* index; name and value, or one string */
	void (*apply)(struct result *, const struct job *, const struct edit *);
} edit_rows[] = {
	{ 'h', "addheader", MAY_ADD, false, true, do_add },
	{ 'i', "insheader", MAY_ADD, true, true, do_insert },
	{ 'm', "chgheader", MAY_CHANGE, true, true, do_change },
	{ '+', "addrcpt", MAY_ADD_RCPT, false, false, NULL },
	{ '-', "delrcpt", MAY_DEL_RCPT, false, false, NULL },
	{ 'e', "chgfrom", MAY_FROM, false, false, NULL },
	{ 'q', "quarantine", MAY_QUARANTINE, false, false, NULL },
};

/* The bytes go to the wire as they are: no CR, and LF only before a blank. */
static bool
is_safe(const char *value)
{
	for (; *value; value++)
		if (*value == '\r' ||
			(*value == '\n' && value[1] != ' ' && value[1] != '\t'))
			return false;
	return true;
}

static void
print_edit(FILE *out, const struct edit_row *row, const struct edit *edit)
{
	const char *p;

	if (!out)
		return;
	fprintf(out, "%s", row->name);
	if (row->numbered)
		fprintf(out, " %u", edit->index);
	fprintf(out, " %s", edit->name ? edit->name : "");
	if (row->pair)
		putc(':', out);
	for (p = edit->value ? edit->value : ""; *p; p++)
		if (*p == '\n')
			fputs("\\n", out);
		else
			putc(*p, out);
	putc('\n', out);
}

static int
replace_body(struct session *session, const struct job *job,
	const struct packet *packet, struct result *result)
{
	if (!(session->actions & MAY_BODY))
		return session_fail(
			result, SIM_VIOLATION, "replbody was not negotiated");
	if (result->body_replaced && result->edited)
		return session_fail(result, SIM_VIOLATION,
			"the new body is interrupted by other edits");
	if (!result->body_replaced)
		result->after.body_length = 0;
	result->body_replaced = true;
	if (job->replies)
		fprintf(job->replies, "replbody %zu\n", packet->length);
	if (!job->headers_only)
		message_add_body(&result->after, packet->data, packet->length);
	return 0;
}

int
session_edit(struct session *session, const struct job *job,
	const struct packet *packet, struct result *result)
{
	const struct edit_row *row = edit_rows;
	const struct edit_row *end =
		edit_rows + sizeof(edit_rows) / sizeof(*edit_rows);
	struct edit edit = { 0 };
	size_t at = 0;

	if (packet->command == 'b')
		return replace_body(session, job, packet, result);
	while (row < end && row->command != packet->command)
		row++;
	if (row == end)
		return session_fail(result, SIM_VIOLATION,
			"unknown answer 0x%02x", (uint8_t)packet->command);
	if (!(session->actions & row->needs))
		return session_fail(result, SIM_VIOLATION,
			"%s was not negotiated", row->name);
	if ((row->numbered && !take_number(packet, &at, &edit.index)) ||
		!(edit.name = take_string(packet, &at)) ||
		(row->pair && !(edit.value = take_string(packet, &at))))
		return session_fail(
			result, SIM_VIOLATION, "%s: short packet", row->name);
	if (row->pair && (!*edit.name || !is_safe(edit.value)))
		return session_fail(result, SIM_VIOLATION,
			"%s %s: a value that breaks the header", row->name,
			edit.name);
	print_edit(job->replies, row, &edit);
	if (row->command == 'q')
		snprintf(result->quarantine, sizeof(result->quarantine), "%s",
			edit.name);
	if (row->apply)
		row->apply(result, job, &edit);
	/* Between two runs of body packets Postfix refuses the mail. */
	if (result->body_replaced)
		result->edited = true;
	return 0;
}

/* ---- verdicts ---- */

static const struct verdict_row {
	char command;
	enum status status;
	bool is_over; /* no more of this mail is sent */
	const char *text;
} verdicts[] = {
	{ 'c', SIM_ACCEPT, false, "250 ok" },
	{ 'a', SIM_ACCEPT, true, "250 ok" },
	{ 'r', SIM_REJECT, true, "550 5.7.1 Command rejected" },
	{ 't', SIM_TEMPFAIL, true,
		"451 4.7.1 Service unavailable - try later" },
	{ 'd', SIM_HELD, true, "250 discarded" },
	{ 'y', SIM_REJECT, true, NULL },
};

/* "550 5.7.1 words", perhaps in several lines with a dash. */
static int
take_reply(const struct packet *packet, struct result *result)
{
	size_t at = 0;
	const char *text = take_string(packet, &at);

	if (!text || strlen(text) < 4 || (*text != '4' && *text != '5') ||
		!isdigit(text[1]) || !isdigit(text[2]) ||
		(text[3] != ' ' && text[3] != '-'))
		return session_fail(
			result, SIM_VIOLATION, "a reply that is none");
	snprintf(result->text, sizeof(result->text), "%s", text);
	result->status = *text == '4' ? SIM_TEMPFAIL : SIM_REJECT;
	return 0;
}

static int
take_verdict(const struct job *job, enum stage at, const struct packet *packet,
	const struct verdict_row *row, struct result *result)
{
	result->status = row->status;
	if (row->text)
		strcpy(result->text, row->text);
	else if (take_reply(packet, result) < 0)
		return -1;
	if (result->status == SIM_ACCEPT && *result->quarantine) {
		result->status = SIM_HELD;
		snprintf(result->text, sizeof(result->text),
			"250 quarantined: %s", result->quarantine);
	}
	if (job->replies && (row->is_over || at == STAGE_EOB))
		fprintf(job->replies, "%s: %s %s\n", stage_names[at],
			status_name(result->status), result->text);
	return row->is_over;
}

static const struct verdict_row *
find_verdict(char command)
{
	size_t i;

	for (i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++)
		if (verdicts[i].command == command)
			return verdicts + i;
	return NULL;
}

int
session_answer(struct session *session, const struct job *job, enum stage at,
	struct result *result)
{
	struct packet packet;

	for (;;) {
		const struct verdict_row *row;
		int got = wire_receive(&session->wire, &packet);

		if (got == 0)
			return session_fail(result, SIM_VIOLATION,
				"no answer to %s in %d ms", stage_names[at],
				session->wire.timeout_ms);
		if (got < 0)
			return session_fail(
				result, SIM_IO, "%s", session->wire.why);
		row = find_verdict(packet.command);
		if (row)
			return take_verdict(job, at, &packet, row, result);
		if (packet.command == 's' && at == STAGE_BODY)
			return 2;
		if (packet.command == 'p' && job->replies)
			fprintf(job->replies, "progress\n");
		if (packet.command == 'p')
			continue;
		if (at != STAGE_EOB)
			return session_fail(result, SIM_VIOLATION,
				"answer 0x%02x to %s", (uint8_t)packet.command,
				stage_names[at]);
		if (session_edit(session, job, &packet, result) < 0)
			return -1;
	}
}
