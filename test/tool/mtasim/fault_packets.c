/* Clients that vanish, and packets that are none. */
#include "fault.h"

#include <string.h>
#include <sys/socket.h>

/* The session, brought to the point before this stage. */
static int
bring_to(struct trial *trial, struct session *session, enum stage stage)
{
	struct job job = trial->alive;
	struct result result;

	if (trial_open(trial, session) < 0)
		return -1;
	job.stop_before = stage;
	session_mail(session, &job, &result);
	result_clear(&result);
	if (result.stopped)
		return 0;
	session_close(session, false);
	return trial_fail(trial, "cannot get to %s: %.200s", stage_names[stage],
		result.text);
}

/* Whatever it says to that, or nothing, within a moment. */
static void
hear(struct session *session)
{
	struct packet packet;

	session->wire.timeout_ms = 40;
	while (wire_receive(&session->wire, &packet) > 0)
		;
}

static int
vanish(struct trial *trial, const struct fault *fault)
{
	struct session session;

	if (bring_to(trial, &session, fault->stage) < 0)
		return -1;
	session_close(&session, false);
	return 0;
}

static int
vanish_before_negotiation(struct trial *trial, const struct fault *fault)
{
	struct wire wire;

	if (wire_open(&wire, trial->socket, 1000) < 0)
		return trial_fail(trial, "%s", wire.why);
	if (fault->length)
		wire_raw(&wire, fault->octets, fault->length);
	wire_flush(&wire);
	wire_close(&wire);
	return 0;
}

static int
vanish_after_eob(struct trial *trial, const struct fault *fault)
{
	struct session session;

	if (bring_to(trial, &session, fault->stage) < 0)
		return -1;
	wire_send(&session.wire, 'E', NULL, 0);
	wire_flush(&session.wire);
	session_close(&session, false);
	return 0;
}

/* No more is sent, but the answer is still read. */
static int
half_close(struct trial *trial, const struct fault *fault)
{
	struct session session;

	if (bring_to(trial, &session, fault->stage) < 0)
		return -1;
	if (fault->stage == STAGE_EOB)
		wire_send(&session.wire, 'E', NULL, 0);
	wire_flush(&session.wire);
	shutdown(session.wire.fd, SHUT_WR);
	hear(&session);
	session_close(&session, false);
	return 0;
}

static int
abort_there(struct trial *trial, const struct fault *fault)
{
	struct session session;
	int failed = bring_to(trial, &session, fault->stage);

	if (failed)
		return failed;
	session_abort(&session);
	failed = trial_mail(trial, &session);
	session_close(&session, true);
	return failed;
}

/* The octets in this place of a mail. */
static int
inject(struct trial *trial, const struct fault *fault)
{
	struct session session;

	if (bring_to(trial, &session, fault->stage) < 0)
		return -1;
	wire_raw(&session.wire, fault->octets, fault->length);
	hear(&session);
	session_close(&session, false);
	return 0;
}

/* ---- commands in any order ---- */

static const struct sample {
	char command;
	const char *data;
	size_t length;
} samples[] = {
	{ 'O', "\0\0\0\6\0\0\1\377\0\37\377\377", 12 },
	{ 'C',
		"client.example\0004\0\0"
		"192.0.2.1",
		28 },
	{ 'H', "client.example", 15 },
	{ 'D', "Mi\0SIM1", 8 },
	{ 'M', "<alice@example.com>", 20 },
	{ 'R', "<paula@partner.example>", 24 },
	{ 'L', "Subject\0 odd", 13 },
	{ 'B', "a line\r\n", 8 },
};

static int
send_sample(struct wire *wire, char command)
{
	size_t i;

	for (i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		if (samples[i].command == command)
			return wire_send(wire, command, samples[i].data,
				samples[i].length);
	return wire_send(wire, command, NULL, 0);
}

/* Command by command, each given a moment for an answer. */
static int
in_this_order(struct trial *trial, const struct fault *fault)
{
	struct session session = { 0 };
	const char *command;

	if (wire_open(&session.wire, trial->socket, 1000) < 0)
		return trial_fail(trial, "%s", session.wire.why);
	for (command = fault->octets; *command; command++) {
		send_sample(&session.wire, *command);
		wire_flush(&session.wire);
		if (strchr("OE", *command))
			hear(&session);
	}
	hear(&session);
	session_close(&session, false);
	return 0;
}

#define OCTETS(text) (text), sizeof(text) - 1
#define AT_EACH_STAGE(name, run)                                               \
	{ name "-connect", run, STAGE_CONNECT, NULL, 0 },                      \
		{ name "-helo", run, STAGE_HELO, NULL, 0 },                    \
		{ name "-mail", run, STAGE_MAIL, NULL, 0 },                    \
		{ name "-rcpt", run, STAGE_RCPT, NULL, 0 },                    \
		{ name "-data", run, STAGE_DATA, NULL, 0 },                    \
		{ name "-header", run, STAGE_HEADER, NULL, 0 },                \
		{ name "-eoh", run, STAGE_EOH, NULL, 0 },                      \
		{ name "-body", run, STAGE_BODY, NULL, 0 },                    \
	{                                                                      \
		name "-eob", run, STAGE_EOB, NULL, 0                           \
	}
#define IN_THE_MIDDLE(name, text)                                              \
	{ name "-connect", inject, STAGE_CONNECT, OCTETS(text) },              \
		{ name "-mail", inject, STAGE_MAIL, OCTETS(text) },            \
		{ name "-header", inject, STAGE_HEADER, OCTETS(text) },        \
	{                                                                      \
		name "-eob", inject, STAGE_EOB, OCTETS(text)                   \
	}

const struct fault stage_faults[] = {
	{ "vanish-at-once", vanish_before_negotiation, STAGE_CONNECT,
		OCTETS("") },
	{ "vanish-in-negotiation", vanish_before_negotiation, STAGE_CONNECT,
		OCTETS("\0\0\0\15O\0\0") },
	AT_EACH_STAGE("vanish-before", vanish),
	{ "vanish-after-eob", vanish_after_eob, STAGE_EOB, NULL, 0 },
	AT_EACH_STAGE("half-close", half_close),
	{ "abort-before-mail", abort_there, STAGE_MAIL, NULL, 0 },
	{ "abort-before-rcpt", abort_there, STAGE_RCPT, NULL, 0 },
	{ "abort-before-data", abort_there, STAGE_DATA, NULL, 0 },
	{ "abort-before-header", abort_there, STAGE_HEADER, NULL, 0 },
	{ "abort-before-eoh", abort_there, STAGE_EOH, NULL, 0 },
	{ "abort-before-body", abort_there, STAGE_BODY, NULL, 0 },
	{ "abort-before-eob", abort_there, STAGE_EOB, NULL, 0 },
	{ 0 },
};

const struct fault packet_faults[] = {
	IN_THE_MIDDLE("garbage", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	IN_THE_MIDDLE("zero-length", "\0\0\0\0"),
	IN_THE_MIDDLE("length-4g", "\377\377\377\377B"),
	IN_THE_MIDDLE("length-2g", "\177\377\377\377L"),
	IN_THE_MIDDLE("truncated", "\0\0\0\40M<a@b"),
	IN_THE_MIDDLE("unknown-command", "\0\0\0\1~"),
	IN_THE_MIDDLE("header-without-nul", "\0\0\0\5Labcd"),
	IN_THE_MIDDLE("header-without-value", "\0\0\0\3La\0"),
	IN_THE_MIDDLE("header-without-name", "\0\0\0\5L\0 v\0"),
	IN_THE_MIDDLE("header-empty", "\0\0\0\1L"),
	IN_THE_MIDDLE("mail-without-nul", "\0\0\0\4M<a>"),
	IN_THE_MIDDLE("mail-empty", "\0\0\0\1M"),
	IN_THE_MIDDLE("rcpt-without-nul", "\0\0\0\4R<a>"),
	IN_THE_MIDDLE("rcpt-empty", "\0\0\0\1R"),
	IN_THE_MIDDLE("macro-empty", "\0\0\0\1D"),
	IN_THE_MIDDLE("macro-without-value", "\0\0\0\4DMi\0"),
	IN_THE_MIDDLE("macro-for-nothing", "\0\0\0\6D!i\0x\0"),
	IN_THE_MIDDLE("connect-short", "\0\0\0\4Cx\0004"),
	IN_THE_MIDDLE("connect-without-nul", "\0\0\0\7Cx\0004\0\31"),
	IN_THE_MIDDLE("optneg-short", "\0\0\0\5O\0\0\0\6"),
	IN_THE_MIDDLE("body-empty", "\0\0\0\1B"),
	{ "no-optneg", in_this_order, 0, OCTETS("CHMRTLNBE") },
	{ "optneg-twice", in_this_order, 0, OCTETS("OOCHMRTLNBE") },
	{ "eob-first", in_this_order, 0, OCTETS("OE") },
	{ "body-first", in_this_order, 0, OCTETS("OBBE") },
	{ "rcpt-first", in_this_order, 0, OCTETS("ORRE") },
	{ "header-first", in_this_order, 0, OCTETS("OLNE") },
	{ "mail-without-connect", in_this_order, 0, OCTETS("OMRTLNBE") },
	{ "mail-twice", in_this_order, 0, OCTETS("OCHMRMRTLNBE") },
	{ "no-rcpt", in_this_order, 0, OCTETS("OCHMTLNBE") },
	{ "data-twice", in_this_order, 0, OCTETS("OCHMRTTLNBE") },
	{ "eoh-twice", in_this_order, 0, OCTETS("OCHMRTLNNBE") },
	{ "no-eoh", in_this_order, 0, OCTETS("OCHMRTLBE") },
	{ "header-after-body", in_this_order, 0, OCTETS("OCHMRTLNBLE") },
	{ "rcpt-after-body", in_this_order, 0, OCTETS("OCHMRTLNBRE") },
	{ "mail-after-body", in_this_order, 0, OCTETS("OCHMRTLNBMRTLNBE") },
	{ "connect-twice", in_this_order, 0, OCTETS("OCCHMRTLNBE") },
	{ "connect-late", in_this_order, 0, OCTETS("OCHMRTLNBCE") },
	{ "eob-twice", in_this_order, 0, OCTETS("OCHMRTLNBEE") },
	{ "abort-first", in_this_order, 0, OCTETS("OAAACHMRTLNBE") },
	{ "abort-after-eob", in_this_order, 0, OCTETS("OCHMRTLNBEAAMRTE") },
	{ "quit-nc", in_this_order, 0, OCTETS("OCHMRTLNBEKCHMRTLNBE") },
	{ "quit-nc-at-once", in_this_order, 0, OCTETS("OKKCHMRTLNBE") },
	{ "quit-in-the-middle", in_this_order, 0, OCTETS("OCHMRTLQNBE") },
	{ 0 },
};
