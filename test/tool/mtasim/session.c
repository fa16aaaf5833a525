/* The stages of a session, in order: a row each. */
#include "mtasim.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The protocol's bits for steps: what is not sent, what is not answered. */
enum {
	NO_CONNECT = 1,
	NO_HELO = 2,
	NO_MAIL = 4,
	NO_RCPT = 8,
	NO_BODY = 0x10,
	NO_HEADERS = 0x20,
	NO_EOH = 0x40,
	QUIET_HEADER = 0x80,
	NO_DATA = 0x200,
	CAN_SKIP = 0x400,
	QUIET_CONNECT = 0x1000,
	QUIET_HELO = 0x2000,
	QUIET_MAIL = 0x4000,
	QUIET_RCPT = 0x8000,
	QUIET_DATA = 0x10000,
	QUIET_EOH = 0x40000,
	QUIET_BODY = 0x80000,
	LEADING_SPACE = 0x100000
};

enum { STEP_ON = 0, STEP_OVER = 1, STEP_SKIP = 2 };

struct step {
	enum stage stage;
	char command;
	uint32_t omit, quiet;
	int (*run)(struct session *, const struct job *, const struct step *,
		struct result *);
};

/* ---- one command ---- */

static int
said_in_a_quiet_stage(struct session *session, struct result *result)
{
	if (!wire_surprise(&session->wire, 0))
		return 0;
	return session_fail(result, SIM_VIOLATION,
		"the milter spoke although it was not asked");
}

/* Send it; wait for the answer unless the milter promised none. */
static int
command(struct session *session, const struct job *job, const struct step *step,
	const void *data, size_t length, struct result *result)
{
	if (said_in_a_quiet_stage(session, result) < 0)
		return -1;
	if (wire_send(&session->wire, step->command, data, length) < 0)
		return session_fail(result, SIM_IO, "%s", session->wire.why);
	if (step->quiet & session->steps)
		return STEP_ON;
	return session_answer(session, job, step->stage, result);
}

static int
run_connect(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	char data[256];
	size_t at;
	uint16_t port = htons((uint16_t)job->port);
	bool six = job->client && strchr(job->client, ':');

	if (!job->client) {
		snprintf(data, sizeof(data), "localhost%cU", 0);
		return command(session, job, step, data, 11, result);
	}
	at = (size_t)snprintf(data, 200, "%s", "client.example") + 1;
	data[at++] = six ? '6' : '4';
	memcpy(data + at, &port, 2);
	at += 2;
	at += (size_t)snprintf(data + at, 56, "%s", job->client) + 1;
	return command(session, job, step, data, at, result);
}

static int
run_helo(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	return command(session, job, step, "client.example", 15, result);
}

static int
run_mail(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	return command(session, job, step, job->mail_from,
		strlen(job->mail_from) + 1, result);
}

/* A refused recipient is out; the mail goes on while one is left. */
static int
run_rcpt(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	size_t i, left = 0;

	for (i = 0; i < job->rcpt_count; i++) {
		int got;

		if (i)
			session_send_macros(session, job, STAGE_RCPT);
		got = command(session, job, step, job->rcpts[i],
			strlen(job->rcpts[i]) + 1, result);
		if (got < 0 ||
			(got == STEP_OVER && result->status != SIM_REJECT &&
				result->status != SIM_TEMPFAIL))
			return got;
		if (got == STEP_ON)
			left++;
		else if (job->replies)
			fprintf(job->replies, "RCPT %s %s\n", job->rcpts[i],
				result->text);
	}
	return left ? STEP_ON : STEP_OVER;
}

static int
run_plain(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	return command(session, job, step, NULL, 0, result);
}

static int
run_header(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	const struct field *field = job->message->fields;
	const struct field *end = field + job->message->count;
	int got = STEP_ON;

	for (; field < end && got == STEP_ON; field++) {
		const char *value = field->value;
		size_t name_length = strlen(field->name) + 1;
		size_t length;
		char *data;

		if (!(session->steps & LEADING_SPACE) && *value == ' ')
			value++;
		length = strlen(value) + 1;
		data = must(malloc(name_length + length));
		memcpy(data, field->name, name_length);
		memcpy(data + name_length, value, length);
		got = command(
			session, job, step, data, name_length + length, result);
		free(data);
	}
	return got;
}

static int
run_body(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	const uint8_t *body = job->message->body;
	size_t left = job->message->body_length;
	int got = STEP_ON;

	while (left && got == STEP_ON) {
		size_t chunk = left < job->chunk ? left : job->chunk;

		got = command(session, job, step, body, chunk, result);
		body += chunk;
		left -= chunk;
	}
	return got == STEP_SKIP ? STEP_ON : got;
}

static int
run_eob(struct session *session, const struct job *job, const struct step *step,
	struct result *result)
{
	message_copy(&result->after, job->message, !job->headers_only);
	if (command(session, job, step, NULL, 0, result) < 0)
		return -1;
	result->finished = true;
	return STEP_OVER;
}

static const struct step steps[] = {
	{ STAGE_CONNECT, 'C', NO_CONNECT, QUIET_CONNECT, run_connect },
	{ STAGE_HELO, 'H', NO_HELO, QUIET_HELO, run_helo },
	{ STAGE_MAIL, 'M', NO_MAIL, QUIET_MAIL, run_mail },
	{ STAGE_RCPT, 'R', NO_RCPT, QUIET_RCPT, run_rcpt },
	{ STAGE_DATA, 'T', NO_DATA, QUIET_DATA, run_plain },
	{ STAGE_HEADER, 'L', NO_HEADERS, QUIET_HEADER, run_header },
	{ STAGE_EOH, 'N', NO_EOH, QUIET_EOH, run_plain },
	{ STAGE_BODY, 'B', NO_BODY, QUIET_BODY, run_body },
	{ STAGE_EOB, 'E', 0, 0, run_eob },
};

/* ---- the session ---- */

static void
wait_for_file(struct session *session, enum stage stage, const char *path)
{
	wire_flush(&session->wire);
	printf("WAITING %s\n", stage_names[stage]);
	fflush(stdout);
	while (access(path, F_OK))
		sleep_ms(10);
}

static int
run_step(struct session *session, const struct job *job,
	const struct step *step, struct result *result)
{
	if (step->stage == job->stop_before) {
		result->stopped = true;
		return wire_flush(&session->wire) < 0 ? -1 : STEP_OVER;
	}
	if (job->wait[step->stage])
		wait_for_file(session, step->stage, job->wait[step->stage]);
	if (job->pause_ms) {
		if (wire_flush(&session->wire) < 0)
			return session_fail(
				result, SIM_IO, "%s", session->wire.why);
		sleep_ms((unsigned)rand_r(&session->random) % job->pause_ms);
	}
	if (step->stage < STAGE_MAIL && session->greeted)
		return STEP_ON;
	if (step->omit & session->steps)
		return STEP_ON;
	session_send_macros(session, job, step->stage);
	return step->run(session, job, step, result);
}

void
session_mail(
	struct session *session, const struct job *job, struct result *result)
{
	size_t i;
	int got = STEP_ON;

	result_init(result);
	if (session->accepted)
		return;
	for (i = 0; i < sizeof(steps) / sizeof(*steps) && got == STEP_ON; i++) {
		got = run_step(session, job, steps + i, result);
		if (got == STEP_OVER && steps[i].stage < STAGE_MAIL)
			session->accepted = result->status == SIM_ACCEPT;
		if (steps[i].stage == STAGE_HELO && got == STEP_ON)
			session->greeted = true;
	}
	if (!result->after.count)
		message_copy(&result->after, job->message, !job->headers_only);
	if (got >= 0 && !result->finished && !result->stopped)
		session_abort(session);
}

void
session_abort(struct session *session)
{
	wire_send(&session->wire, 'A', NULL, 0);
	wire_flush(&session->wire);
}

void
session_close(struct session *session, bool quit)
{
	size_t i;

	if (quit && session->wire.in) {
		wire_send(&session->wire, 'Q', NULL, 0);
		wire_flush(&session->wire);
	}
	wire_close(&session->wire);
	for (i = 0; i < STAGE_END; i++) {
		free(session->symbols[i]);
		session->symbols[i] = NULL;
	}
}
