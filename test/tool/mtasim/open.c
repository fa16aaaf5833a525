/* Negotiation, and the macros that go in front of each command. */
#include "mtasim.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 6, ACTIONS = 0x1ff, STEPS = 0x1fffff };

const char *const stage_names[STAGE_END + 1] = { "connect", "helo", "mail",
	"rcpt", "data", "header", "eoh", "body", "eob", "end" };

/* The protocol's numbers for macro lists (SMFIM_...). */
static const enum stage list_stages[] = { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL,
	STAGE_RCPT, STAGE_DATA, STAGE_EOB, STAGE_EOH };

/* What Postfix sends by default. */
static const char *const default_symbols[STAGE_END] = {
	[STAGE_CONNECT] = "j {daemon_name} {daemon_addr} v _",
	[STAGE_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject}",
	[STAGE_MAIL] = "i {auth_type} {auth_authen} {auth_author} {mail_addr} "
		       "{mail_host} {mail_mailer}",
	[STAGE_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
	[STAGE_DATA] = "i",
	[STAGE_EOH] = "i",
	[STAGE_EOB] = "i",
};

static const char commands[STAGE_END] = { 'C', 'H', 'M', 'R', 'T', 'L', 'N',
	'B', 'E' };

enum stage
stage_find(const char *name, size_t length)
{
	int i;

	for (i = 0; i <= STAGE_END; i++)
		if (strlen(stage_names[i]) == length &&
			!memcmp(stage_names[i], name, length))
			return (enum stage)i;
	return STAGE_END + 1;
}

/* ---- negotiation ---- */

static uint32_t
number_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* Stage and list, stage and list, ... */
static int
take_symbols(struct session *session, const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		uint32_t list;
		size_t length;

		if (end - at < 5)
			return -1;
		list = number_at(at);
		at += 4;
		length = strnlen((const char *)at, (size_t)(end - at));
		if (at + length == end ||
			list >= sizeof(list_stages) / sizeof(*list_stages))
			return -1;
		free(session->symbols[list_stages[list]]);
		session->symbols[list_stages[list]] =
			copy_text((const char *)at);
		at += length + 1;
	}
	return 0;
}

static int
take_negotiation(struct session *session, const struct packet *packet,
	struct result *result)
{
	uint32_t version;

	if (packet->command != 'O' || packet->length < 12)
		return session_fail(
			result, SIM_VIOLATION, "no answer to negotiation");
	version = number_at(packet->data);
	session->actions = number_at(packet->data + 4);
	session->steps = number_at(packet->data + 8);
	if (version < 2 || version > VERSION ||
		(session->actions & ~(uint32_t)ACTIONS) ||
		(session->steps & ~(uint32_t)STEPS))
		return session_fail(result, SIM_VIOLATION,
			"the milter wants what was not offered: version %u, "
			"actions 0x%x, steps 0x%x",
			version, session->actions, session->steps);
	if (take_symbols(session, packet->data + 12,
		    packet->data + packet->length) < 0)
		return session_fail(
			result, SIM_VIOLATION, "a broken list of macros");
	return 0;
}

int
session_open(struct session *session, const char *socket, int timeout_ms,
	struct result *result)
{
	uint32_t offer[3] = { htonl(VERSION), htonl(ACTIONS), htonl(STEPS) };
	struct packet packet;
	int got;

	memset(session, 0, sizeof(*session));
	result_init(result);
	if (wire_open(&session->wire, socket, timeout_ms) < 0 ||
		wire_send(&session->wire, 'O', offer, sizeof(offer)) < 0 ||
		(got = wire_receive(&session->wire, &packet)) < 0)
		return session_fail(result, SIM_IO, "%s", session->wire.why);
	if (got == 0)
		return session_fail(result, SIM_VIOLATION,
			"no answer to negotiation in %d ms", timeout_ms);
	return take_negotiation(session, &packet, result);
}

/* ---- macros ---- */

static bool
names_symbol(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (*list) {
		size_t word = strcspn(list, " ");

		if (word == length && !memcmp(list, name, length))
			return true;
		list += word;
		list += strspn(list, " ");
	}
	return false;
}

/* A value the mail itself gives; NULL: not defined. */
static const char *
own_value(const struct job *job, enum stage stage, const char *name)
{
	const struct {
		const char *name;
		enum stage from;
		const char *value;
	} * row, rows[] = {
		{ "j", STAGE_CONNECT, "mta.example.com" },
		{ "{daemon_name}", STAGE_CONNECT, "mta.example.com" },
		{ "v", STAGE_CONNECT, "mtasim" },
		{ "{client_addr}", STAGE_CONNECT, job->client },
		/* Postfix has a queue id when it has a recipient. */
		{ "i", job->port ? STAGE_DATA : STAGE_MAIL, job->queue_id },
		{ "{auth_type}", STAGE_MAIL, job->login ? "PLAIN" : NULL },
		{ "{auth_authen}", STAGE_MAIL, job->login },
	};

	for (row = rows; row < rows + sizeof(rows) / sizeof(*rows); row++)
		if (stage >= row->from && !strcmp(row->name, name))
			return row->value;
	return NULL;
}

static void
put_pair(char *data, size_t size, size_t *used, const char *name,
	const char *value)
{
	size_t name_length = strlen(name) + 1, length = strlen(value) + 1;

	if (name_length + length > size - *used)
		return;
	memcpy(data + *used, name, name_length);
	memcpy(data + *used + name_length, value, length);
	*used += name_length + length;
}

void
session_send_macros(
	struct session *session, const struct job *job, enum stage stage)
{
	static const char *const known[] = { "j", "{daemon_name}", "v",
		"{client_addr}", "i", "{auth_type}", "{auth_authen}" };
	const char *wanted = session->symbols[stage] ? session->symbols[stage]
						     : default_symbols[stage];
	char data[4096] = { commands[stage] };
	size_t used = 1, i;

	if (!wanted)
		return;
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const char *value = own_value(job, stage, known[i]);

		if (value && names_symbol(wanted, known[i]))
			put_pair(data, sizeof(data), &used, known[i], value);
	}
	for (i = 0; i < job->macro_count; i++)
		if (job->macros[i].stage == stage)
			put_pair(data, sizeof(data), &used, job->macros[i].name,
				job->macros[i].value);
	if (used > 1)
		wire_send(&session->wire, 'D', data, used);
}

void
job_init(struct job *job)
{
	memset(job, 0, sizeof(*job));
	job->client = "127.0.0.1";
	job->queue_id = "SIM0001";
	job->chunk = BODY_CHUNK;
	job->stop_before = STAGE_END;
}
