/* A mail through the daemon's code, without an MTA. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "trial.h"

void
trial_init(struct trial *trial, const struct gateway *gateway)
{
	*trial = (struct trial){ 0 };
	mail_init(&trial->mail, gateway->limits.message_bytes);
	outcome_init(&trial->outcome);
}

void
trial_clear(struct trial *trial)
{
	outcome_clear(&trial->outcome);
	mail_clear(&trial->mail);
	buf_clear(&trial->message);
	trace_clear(&trial->trace);
}

/*
 * A mail no rule wants is accepted at the end of its header; it goes through
 * the rules all the same, so that the trace says why none of them matched.
 */
void
trial_run(struct trial *trial, const struct gateway *gateway)
{
	struct gateway_run run = { .trace = &trial->trace, .explain = true };

	trial->wanted = gateway_wants_body(gateway, &trial->mail, NULL);
	gateway_process(gateway, &trial->mail, &run, &trial->outcome);
}

void
trial_run_by_hand(struct trial *trial, const struct gateway *gateway,
	const struct inbound_rule *rule, time_t at)
{
	struct gateway_run run = { .trace = &trial->trace,
		.explain = true,
		.by_hand = rule,
		.at = at };

	gateway_process(gateway, &trial->mail, &run, &trial->outcome);
}

/* ---- the message ---- */

/* Not through /dev/stdin: a pipe opened anew would not wait for its writer. */
static int
read_stdin(struct buf *out, struct error *err)
{
	for (;;) {
		char chunk[65536];
		ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(err, ERROR_SYSTEM,
				"standard input: %s", strerror(errno));
		if (got == 0)
			return 0;
		if (buf_add(out, chunk, (size_t)got, err) != 0)
			return -1;
	}
}

/*
 * As in the daemon, a message that cannot be taken in whole is no error here:
 * the rules decide what becomes of it.
 */
static int
read_message(struct trial *trial, const char *path, struct error *err)
{
	struct buf *message = &trial->message;
	struct error why = { 0 };

	if (strcmp(path, "-") == 0) {
		if (read_stdin(message, err) != 0)
			return -1;
	} else if (file_read(path, BUF_LIMIT_DEFAULT, message, err) != 0) {
		return -1;
	}
	if (mail_from_message(&trial->mail, buf_span(message), &why) != 0)
		trial->mail.failure = why;
	return 0;
}

int
trial_read(struct trial *trial, const char *path)
{
	struct error err = { 0 };

	return read_message(trial, path, &err) == 0 ? CTL_YES
						    : ctl_trouble(&err);
}

/* ---- the envelope ---- */

/* Every mailbox of every such field; what cannot be read is said. */
static void
gather(const struct mail *mail, const char *name, struct list *out)
{
	const struct mail_field *field;

	LIST_FOREACH (field, &mail->fields) {
		struct error err = { 0 };

		if (strcasecmp(field->name, name) != 0)
			continue;
		if (addr_parse_mailboxes(
			    span_string(field->value), out, &err) != 0)
			ctl_complain("%s: %s", name, err.text);
	}
}

/*
 * Not <> when From names several: a mail from <> is a delivery report, which
 * the rules treat otherwise than mail of two authors.
 */
static const char *
sender_of(const struct list *from)
{
	const struct address *first = from->count != 0 ? from->item[0] : NULL;
	const char *text = first != NULL ? first->text : "";

	if (from->count != 1)
		ctl_complain("From does not name one mailbox: the envelope "
			     "sender is taken to be <%s> (-f sets it)",
			text);
	return text;
}

static int
set_sender(struct trial *trial, const char *given)
{
	struct list from = { 0 };
	struct error err = { 0 };
	int code = CTL_YES;

	if (given == NULL) {
		gather(&trial->mail, "From", &from);
		given = sender_of(&from);
	}
	if (mail_set_sender(&trial->mail, span_string(given), &err) != 0)
		code = ctl_usage("-f: %s", err.text);
	list_clear(&from, address_free);
	return code;
}

static int
add_recipients(struct trial *trial, const struct request *request)
{
	struct list *to = &trial->mail.recipients;
	const struct address *address;
	const struct given *given;
	struct list named = { 0 };
	struct error err = { 0 };

	LIST_FOREACH (given, &request->options)
		if (strcmp(given->row->name, "-t") == 0 &&
			mail_add_recipient(&trial->mail,
				span_string(given->value), &err) != 0)
			return ctl_usage("-t: %s", err.text);
	if (to->count != 0)
		return CTL_YES;
	gather(&trial->mail, "To", &named);
	gather(&trial->mail, "Cc", &named);
	LIST_FOREACH (address, &named)
		if (mail_add_recipient(&trial->mail, span_string(address->text),
			    &err) != 0)
			ctl_complain("%s", err.text);
	list_clear(&named, address_free);
	return to->count != 0 ? CTL_YES
			      : ctl_usage("the mail names no recipients in To "
					  "or Cc: give them with -t");
}

/* ---- the client ---- */

static void
set_v4(struct client *client, const struct in_addr *v4)
{
	client->family = AF_INET;
	memset(&client->ip, 0, 10);
	memset(client->ip.s6_addr + 10, 0xff, 2);
	memcpy(client->ip.s6_addr + 12, v4, 4);
}

static int
set_client(struct trial *trial, const char *address, const char *login)
{
	struct client *client = &trial->mail.client;
	struct in_addr v4;

	client->local = address == NULL && login == NULL;
	client->login = mem_string(login);
	if (address == NULL)
		return CTL_YES;
	if (inet_pton(AF_INET, address, &v4) == 1)
		set_v4(client, &v4);
	else if (inet_pton(AF_INET6, address, &client->ip) == 1)
		client->family = AF_INET6;
	else
		return ctl_usage("--client: \"%s\" is no IP address", address);
	return CTL_YES;
}

int
trial_from_request(struct trial *trial, const struct request *request)
{
	struct error err = { 0 };
	int code;

	code = set_client(trial, request_option(request, "--client"),
		request_option(request, "--auth"));
	if (code != CTL_YES)
		return code;
	if (read_message(trial, request_word(request, 0), &err) != 0)
		return ctl_trouble(&err);
	code = set_sender(trial, request_option(request, "-f"));
	if (code == CTL_YES)
		code = add_recipients(trial, request);
	return code;
}

/* ---- made-up mails ---- */

int
trial_make_up(struct trial *trial, const char *from, const char *to,
	struct error *err)
{
	char now[CLOCK_TEXT_SIZE];
	char *text;
	int result = -1;

	clock_format(clock_now(), now);
	text = mem_printf("From: <%s>\r\nTo: <%s>\r\n"
			  "Subject: made up by smimectl at %s\r\n\r\n"
			  "This mail was never sent.\r\n",
		from, to, now);
	if (mail_set_sender(&trial->mail, span_string(from), err) == 0 &&
		mail_add_recipient(&trial->mail, span_string(to), err) == 0 &&
		mail_from_message(&trial->mail, span_string(text), err) == 0)
		result = 0;
	mem_free(text);
	return result;
}

static bool
is_v4(const struct in6_addr *ip)
{
	return IN6_IS_ADDR_V4MAPPED(ip);
}

void
trial_admit(
	struct trial *trial, const struct list *conditions, const char *login)
{
	struct client *client = &trial->mail.client;
	const struct client_condition *condition, *best = NULL;

	LIST_FOREACH (condition, conditions)
		if (best == NULL || condition->kind < best->kind)
			best = condition;
	if (best == NULL || best->kind == CLIENT_LOCAL) {
		client->local = true;
	} else if (best->kind == CLIENT_AUTHENTICATED) {
		client->login = mem_string(login);
	} else {
		client->ip = best->network;
		client->family = is_v4(&best->network) ? AF_INET : AF_INET6;
	}
}
