/* A mail for an SMTP server: the dialogue (RFC 5321, 1870, 3461, 6152, 6531).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/internal.h"

enum {
	EXTENSION_SIZE = 1,
	EXTENSION_DSN = 2,
	EXTENSION_8BIT = 4,
	EXTENSION_UTF8 = 8
};

static const struct extension {
	const char *keyword;
	unsigned bit;
} extensions[] = { { "SIZE", EXTENSION_SIZE }, { "DSN", EXTENSION_DSN },
	{ "8BITMIME", EXTENSION_8BIT }, { "SMTPUTF8", EXTENSION_UTF8 } };

/* What MAIL and RCPT may say, and what the server must know for it. */
static const struct parameter {
	const char *name;
	unsigned needs;
} parameters[] = { { "RET=", EXTENSION_DSN }, { "ENVID=", EXTENSION_DSN },
	{ "NOTIFY=", EXTENSION_DSN }, { "ORCPT=", EXTENSION_DSN },
	{ "BODY=8BITMIME", EXTENSION_8BIT }, { "SMTPUTF8", EXTENSION_UTF8 } };

struct submit_session {
	struct smtp smtp;
	unsigned offers; /* EXTENSION_ bits */
};

/* ---- the beginning and the end ---- */

static void
note_extension(void *arg, const char *line)
{
	struct submit_session *session = arg;
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < COUNT_OF(extensions); i++)
		if (strlen(extensions[i].keyword) == len &&
			strncasecmp(extensions[i].keyword, line, len) == 0)
			session->offers |= extensions[i].bit;
}

static int
say(struct submit_session *session, const char *line,
	struct smtp_answer *answer, struct error *err)
{
	struct smtp *smtp = &session->smtp;

	/* No address or argument of a sender's may become a command. */
	if (line[strcspn(line, "\r\n")] != '\0')
		return error_set(err, ERROR_SYSTEM,
			"an address or argument has a line end");
	return smtp_put(smtp, span_string(line), err) != 0 ||
			       smtp_put(smtp, SPAN("\r\n"), err) != 0 ||
			       smtp_flush(smtp, err) != 0
		       ? -1
		       : smtp_read(smtp, answer, err);
}

/* curl has done it, and keeps to itself what the server knows. */
static int
greet(struct submit_session *session, struct error *err)
{
	struct smtp_answer answer = { .each = note_extension, .arg = session };

	if (say(session, "EHLO localhost", &answer, err) != 0)
		return -1;
	if (answer.code == 250)
		return 0;
	return error_set(err, ERROR_SYSTEM, "%s: EHLO is answered by %u %s",
		session->smtp.settings->uri, answer.code, answer.text);
}

int
net_submit_open(const struct submit_settings *settings,
	struct submit_session **out, struct error *err)
{
	struct submit_session *session = mem_alloc(sizeof(*session));

	session->smtp.settings = settings;
	if (net_init(err) == 0 && smtp_connect(&session->smtp, err) == 0 &&
		greet(session, err) == 0) {
		*out = session;
		return 0;
	}
	smtp_close(&session->smtp);
	mem_free(session);
	return -1;
}

void
net_submit_close(struct submit_session *session)
{
	struct error err;

	if (session == NULL)
		return;
	/* Its answer is nothing to wait for. */
	if (!session->smtp.lost &&
		smtp_put(&session->smtp, SPAN("QUIT\r\n"), &err) == 0)
		(void)!smtp_flush(&session->smtp, &err);
	smtp_close(&session->smtp);
	mem_free(session);
}

/* ---- the envelope ---- */

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text > 126)
			return false;
	return true;
}

/* "RET=" is whatever stands behind it; others are the whole word. */
static bool
is_parameter(struct span word, const char *name)
{
	size_t len = strlen(name);

	return span_starts_nocase(word, name) &&
	       (name[len - 1] == '=' || word.len == len);
}

static bool
may_say(const struct submit_session *session, struct span word)
{
	for (size_t i = 0; i < COUNT_OF(parameters); i++)
		if (is_parameter(word, parameters[i].name))
			return (session->offers & parameters[i].needs) != 0;
	return false;
}

/* Those of args that this server knows; ours come first. */
static void
add_args(const struct submit_session *session, char **line, const char *args)
{
	while (args != NULL && *args != '\0') {
		size_t len = strcspn(args, " ");
		char *more;

		if (len != 0 && may_say(session, span_of(args, len))) {
			more = mem_printf("%s %.*s", *line, (int)len, args);
			mem_free(*line);
			*line = more;
		}
		args += len + (args[len] == ' ');
	}
}

static size_t
size_of(const struct submit_mail *mail)
{
	return mail->header.len + pieces_len(&mail->body);
}

static bool
has_eight_bit(const struct submit_mail *mail)
{
	for (size_t i = 0; i < mail->body.count; i++)
		if (!span_is_ascii(mail->body.item[i]))
			return true;
	return false;
}

static bool
said(const char *args, const char *word)
{
	while (args != NULL && *args != '\0') {
		size_t len = strcspn(args, " ");

		if (is_parameter(span_of(args, len), word))
			return true;
		args += len + (args[len] == ' ');
	}
	return false;
}

static bool
needs_utf8(const struct submit_mail *mail)
{
	bool needs = !is_ascii(mail->sender);

	for (size_t i = 0; i < mail->count; i++)
		needs = needs || !is_ascii(mail->recipients[i].path);
	return (needs || !span_is_ascii(mail->header)) &&
	       !said(mail->args, "SMTPUTF8");
}

static char *
path_command(const char *verb, const char *path)
{
	bool bare = path[0] != '<';

	return mem_printf(
		"%s:%s%s%s", verb, bare ? "<" : "", path, bare ? ">" : "");
}

static char *
mail_command(
	const struct submit_session *session, const struct submit_mail *mail)
{
	char *line = path_command("MAIL FROM", mail->sender);
	char *ours = mem_printf("SIZE=%zu", size_of(mail)), *more;

	if ((session->offers & EXTENSION_SIZE) != 0 && size_of(mail) != 0) {
		more = mem_printf("%s %s", line, ours);
		mem_free(line);
		line = more;
	}
	if (has_eight_bit(mail) && !said(mail->args, "BODY=8BITMIME"))
		add_args(session, &line, "BODY=8BITMIME");
	if (needs_utf8(mail))
		add_args(session, &line, "SMTPUTF8");
	add_args(session, &line, mail->args);
	mem_free(ours);
	return line;
}

/* 2xx go on, 4xx later, anything else: not so. */
static enum submit_result
judge(unsigned code)
{
	if (code >= 200 && code < 300)
		return SUBMIT_TAKEN;
	return code >= 500 && code < 600 ? SUBMIT_REFUSED : SUBMIT_LATER;
}

static enum submit_result
ask_recipient(struct submit_session *session,
	struct submit_recipient *recipient, struct error *err)
{
	struct smtp_answer answer = { 0 };
	char *line = path_command("RCPT TO", recipient->path);
	int result;

	add_args(session, &line, recipient->args);
	result = say(session, line, &answer, err);
	mem_free(line);
	if (result != 0)
		return SUBMIT_LATER;
	recipient->code = answer.code;
	memcpy(recipient->answer, answer.text, sizeof(answer.text));
	if (judge(answer.code) != SUBMIT_TAKEN)
		error_set(err, ERROR_SYSTEM, "%s: RCPT is answered by %u %s",
			session->smtp.settings->uri, answer.code, answer.text);
	return judge(answer.code);
}

/* For good before for now: what is refused stays so. */
static enum submit_result
ask_recipients(struct submit_session *session, struct submit_mail *mail,
	struct error *err)
{
	enum submit_result worst = SUBMIT_TAKEN;

	for (size_t i = 0; i < mail->count && !session->smtp.lost; i++) {
		struct error why = { 0 };
		enum submit_result one =
			ask_recipient(session, &mail->recipients[i], &why);

		if (one != SUBMIT_TAKEN &&
			(worst == SUBMIT_TAKEN || one == SUBMIT_REFUSED)) {
			worst = one;
			*err = why;
		}
	}
	return session->smtp.lost ? SUBMIT_LATER : worst;
}

static enum submit_result
say_envelope(struct submit_session *session, struct submit_mail *mail,
	struct error *err)
{
	char *line = mail_command(session, mail);
	struct smtp_answer answer = { 0 };
	int result = say(session, line, &answer, err);

	mem_free(line);
	if (result != 0)
		return SUBMIT_LATER;
	if (judge(answer.code) == SUBMIT_TAKEN)
		return ask_recipients(session, mail, err);
	error_set(err, ERROR_SYSTEM, "%s: MAIL is answered by %u %s",
		session->smtp.settings->uri, answer.code, answer.text);
	for (size_t i = 0; i < mail->count; i++) {
		mail->recipients[i].code = answer.code;
		memcpy(mail->recipients[i].answer, answer.text,
			sizeof(answer.text));
	}
	return judge(answer.code);
}

/* Whatever was said so far is forgotten; a connection is good for more. */
static int
reset(struct submit_session *session, struct error *err)
{
	struct smtp_answer answer = { 0 };

	if (session->smtp.lost)
		return -1;
	if (say(session, "RSET", &answer, err) != 0)
		return -1;
	session->smtp.lost = judge(answer.code) != SUBMIT_TAKEN;
	return session->smtp.lost ? -1 : 0;
}

enum submit_result
net_submit_ask(struct submit_session *session, struct submit_mail *mail,
	struct error *err)
{
	enum submit_result result = say_envelope(session, mail, err);

	if (result == SUBMIT_TAKEN && reset(session, err) != 0)
		return SUBMIT_LATER;
	if (result != SUBMIT_TAKEN)
		(void)!reset(session, NULL);
	return result;
}

/* ---- the mail ---- */

static enum submit_result
say_end(struct submit_session *session, struct error *err)
{
	struct smtp_answer answer = { .stubborn = true };

	/* From here on it may be taken, whatever we hear of it. */
	if (say(session, ".", &answer, err) != 0)
		return SUBMIT_UNKNOWN;
	if (judge(answer.code) != SUBMIT_TAKEN)
		error_set(err, ERROR_SYSTEM,
			"%s: the mail is answered by "
			"%u %s",
			session->smtp.settings->uri, answer.code, answer.text);
	return judge(answer.code);
}

enum submit_result
net_submit_send(struct submit_session *session, struct submit_mail *mail,
	struct error *err)
{
	enum submit_result result = say_envelope(session, mail, err);
	struct smtp_answer answer = { 0 };

	if (result != SUBMIT_TAKEN) {
		(void)!reset(session, NULL);
		return result;
	}
	if (say(session, "DATA", &answer, err) != 0)
		return SUBMIT_LATER;
	if (answer.code != 354) {
		error_set(err, ERROR_SYSTEM, "%s: DATA is answered by %u %s",
			session->smtp.settings->uri, answer.code, answer.text);
		(void)!reset(session, NULL);
		return answer.code >= 500 ? SUBMIT_REFUSED : SUBMIT_LATER;
	}
	if (smtp_put_content(&session->smtp, mail, err) != 0)
		return SUBMIT_LATER;
	return say_end(session, err);
}
