/* Mails at the edge, which must get a verdict of some kind. */
#include "fault.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
	MANY_FIELDS = 5000,
	LONG_FIELD = 60000,
	MANY_RCPTS = RCPTS_MAX,
	SLACK = 1 << 20
};

/* A verdict: any but a broken connection or a broken protocol. */
static int
judge(struct trial *trial, const struct job *job, bool accepted)
{
	struct session session;
	struct result result;
	int failed = 0;

	if (trial_open(trial, &session) < 0)
		return -1;
	session_mail(&session, job, &result);
	if (result.status >= SIM_VIOLATION)
		failed = trial_fail(trial, "%s: %.200s",
			status_name(result.status), result.text);
	else if (accepted && result.status != SIM_ACCEPT)
		failed = trial_fail(trial, "got %.200s", result.text);
	result_clear(&result);
	session_close(&session, !failed);
	return failed;
}

/* The usual header and nothing else; the caller clears it. */
static struct job
with_message(struct trial *trial, struct message *message)
{
	struct job job = trial->alive;
	size_t i;

	memset(message, 0, sizeof(*message));
	for (i = 0; i < trial->message.count; i++)
		message_append(message, trial->message.fields[i].name,
			trial->message.fields[i].value);
	job.message = message;
	return job;
}

static int
many_headers(struct trial *trial, const struct fault *fault)
{
	struct message message;
	struct job job = with_message(trial, &message);
	unsigned i;
	int failed;

	(void)fault;
	for (i = 0; i < MANY_FIELDS; i++)
		message_append(&message, i % 2 ? "X-Odd" : "Received", " x");
	failed = judge(trial, &job, false);
	message_clear(&message);
	return failed;
}

static int
long_header(struct trial *trial, const struct fault *fault)
{
	struct message message;
	struct job job = with_message(trial, &message);
	char *value = must(malloc(LONG_FIELD + 1));
	int failed;

	memset(value, 'x', LONG_FIELD);
	value[LONG_FIELD] = 0;
	message_append(&message, fault->octets, value);
	failed = judge(trial, &job, false);
	message_clear(&message);
	free(value);
	return failed;
}

static int
many_recipients(struct trial *trial, const struct fault *fault)
{
	static char texts[MANY_RCPTS][32];
	static const char *rcpts[MANY_RCPTS];
	struct job job = trial->alive;
	size_t i;

	(void)fault;
	for (i = 0; i < MANY_RCPTS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "<r%zu@many.example>", i);
		rcpts[i] = texts[i];
	}
	job.rcpts = rcpts;
	job.rcpt_count = MANY_RCPTS;
	return judge(trial, &job, false);
}

static int
empty_body(struct trial *trial, const struct fault *fault)
{
	struct message message;
	struct job job = with_message(trial, &message);
	int failed;

	(void)fault;
	failed = judge(trial, &job, true);
	message_clear(&message);
	return failed;
}

/* A chunk ends between CR and LF. */
static int
split_crlf(struct trial *trial, const struct fault *fault)
{
	struct message message;
	struct job job = with_message(trial, &message);
	size_t i;
	int failed;

	(void)fault;
	for (i = 0; i < 3 * (size_t)BODY_CHUNK; i += 64)
		message_add_body(&message,
			"A line of 64 octets, so that a CR is a chunk's last "
			"one"
			" ......\r\n",
			64);
	failed = judge(trial, &job, true);
	for (job.chunk = 1; !failed && job.chunk < 4; job.chunk++) {
		message.body_length = 1000;
		failed = judge(trial, &job, true);
	}
	message_clear(&message);
	return failed;
}

static int
beyond_limit(struct trial *trial, const struct fault *fault)
{
	struct message message;
	struct job job = with_message(trial, &message);
	char line[1024];
	size_t i;
	int failed;

	(void)fault;
	memset(line, 'x', sizeof(line));
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (i = 0; i < trial->limit_bytes + SLACK; i += sizeof(line))
		message_add_body(&message, line, sizeof(line));
	failed = judge(trial, &job, false);
	message_clear(&message);
	return failed;
}

/* Others are served meanwhile, and the silent one when it speaks again. */
static int
silence(struct trial *trial, const struct fault *fault)
{
	struct session session;
	struct job job = trial->alive;
	struct result result;
	double end = now_seconds() + trial->silence_seconds;
	int failed = trial_open(trial, &session);

	if (failed)
		return failed;
	job.stop_before = fault->stage;
	session_mail(&session, &job, &result);
	result_clear(&result);
	do {
		failed = trial_alive(trial);
		sleep_ms(100);
	} while (!failed && now_seconds() < end);
	if (!failed) {
		session_abort(&session);
		failed = trial_mail(trial, &session);
	}
	session_close(&session, !failed);
	return failed;
}

/* An old MTA: none of the newer steps is offered. */
static int
old_version(struct trial *trial, const struct fault *fault)
{
	uint32_t offer[3] = { htonl((uint32_t)fault->stage), htonl(0x3f),
		htonl(0x7f) };
	struct session session = { 0 };
	struct packet packet;
	struct result result;
	int failed = 0;

	if (wire_open(&session.wire, trial->socket, 5000) < 0)
		return trial_fail(trial, "%s", session.wire.why);
	wire_send(&session.wire, 'O', offer, sizeof(offer));
	if (wire_receive(&session.wire, &packet) > 0 && packet.command == 'O' &&
		packet.length >= 12) {
		session.actions = 0x3f;
		session.steps = packet.data[11];
		session_mail(&session, &trial->alive, &result);
		if (result.status == SIM_VIOLATION)
			failed = trial_fail(trial, "%.200s", result.text);
		result_clear(&result);
	}
	session_close(&session, true);
	return failed;
}

/* Two octets of the value are NUL. */
static int
nul_in_header(struct trial *trial, const struct fault *fault)
{
	static const char field[] = "X-Nul\0 a\0b\0 c";
	struct session session;
	struct job job = trial->alive;
	struct result result;
	int failed = trial_open(trial, &session);

	if (failed)
		return failed;
	job.stop_before = fault->stage;
	session_mail(&session, &job, &result);
	result_clear(&result);
	wire_send(&session.wire, 'L', field, sizeof(field));
	wire_send(&session.wire, 'N', NULL, 0);
	wire_send(&session.wire, 'E', NULL, 0);
	session.wire.timeout_ms = 2000;
	wire_flush(&session.wire);
	wire_surprise(&session.wire, 2000);
	session_close(&session, false);
	return 0;
}

const struct fault mail_faults[] = {
	{ "many-headers", many_headers, 0, NULL, 0 },
	{ "long-header", long_header, 0, "X-Long", 0 },
	{ "long-subject", long_header, 0, "Subject", 0 },
	{ "long-from", long_header, 0, "From", 0 },
	{ "long-content-type", long_header, 0, "Content-Type", 0 },
	{ "nul-in-header", nul_in_header, STAGE_HEADER, NULL, 0 },
	{ "many-recipients", many_recipients, 0, NULL, 0 },
	{ "empty-body", empty_body, 0, NULL, 0 },
	{ "split-crlf", split_crlf, 0, NULL, 0 },
	{ "beyond-limit", beyond_limit, 0, NULL, 0 },
	{ "silence-mail", silence, STAGE_MAIL, NULL, 0 },
	{ "silence-body", silence, STAGE_BODY, NULL, 0 },
	{ "optneg-version-2", old_version, (enum stage)2, NULL, 0 },
	{ "optneg-version-1", old_version, (enum stage)1, NULL, 0 },
	{ "optneg-version-0", old_version, (enum stage)0, NULL, 0 },
	{ 0 },
};
