/* smimectl ca deliver: a key by mail, its password another way. */
#include <stdio.h>
#include <string.h>

#include "authority.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "mta.h"
#include "net/net.h"

/* ---- the mail on its way ---- */

static int
by_sendmail(const struct ca_delivery *delivery, const char *to,
	struct span mail, struct error *err)
{
	const char *const argv[] = { delivery->sendmail, "-i", "-f",
		delivery->from, "--", to, NULL };
	int status = 0;

	if (run_program_with(argv, mail, &status, err) != 0)
		return -1;
	return status == 0 ? 0
			   : error_set(err, ERROR_SYSTEM,
				     "%s ended with exit code %d; nothing was "
				     "sent to %s",
				     delivery->sendmail, status, to);
}

static int
by_reinject(const struct conf *conf, const char *to, struct span mail,
	struct error *err)
{
	const struct conf_reinject *reinject = &conf->reinject;
	struct submit_settings settings = { .uri = reinject->uri,
		.start_tls = reinject->start_tls,
		.ca_file = reinject->ca_file,
		.login = reinject->login,
		.timeout_seconds = reinject->timeout_seconds };
	struct submit_recipient recipient = { .path = to };
	struct submit_mail out = { .sender = conf->ca_delivery.from,
		.recipients = &recipient,
		.count = 1 };
	const unsigned char *end = span_find(mail, SPAN("\r\n\r\n"));
	struct submit_session *session = NULL;
	char *password = NULL;
	int result = -1;

	out.header = span_of(mail.data, (size_t)(end + 4 - mail.data));
	pieces_add(&out.body, span_of(end + 4, mail.len - out.header.len));
	if (net_init(err) != 0 ||
		(reinject->password_file != NULL &&
			file_read_password(
				reinject->password_file, &password, err) != 0))
		return -1;
	settings.password = password;
	if (net_submit_open(&settings, &session, err) == 0 &&
		net_submit_send(session, &out, err) == SUBMIT_TAKEN)
		result = 0;
	net_submit_close(session);
	mem_free_secret(password);
	return result;
}

/* ---- the password on its way ---- */

/* The number on the first line, the text behind it. */
static int
by_command(const struct delivering *self, const struct ca_parcel *parcel,
	const char *telephone, struct error *err)
{
	const struct ca_delivery *delivery =
		&self->authority->conf->ca_delivery;
	const struct list *command = &delivery->password_command;
	const char **argv = mem_array(command->count + 1, sizeof(*argv));
	struct buf input = { 0 };
	int status = 0, result = -1;

	for (size_t i = 0; i < command->count; i++)
		argv[i] = command->item[i];
	if (buf_add_format(&input, err, "%s\n",
		    telephone != NULL ? telephone : "") == 0 &&
		ca_make_password_text(self->authority->ca, delivery, parcel,
			&input, err) == 0 &&
		run_program_with(argv, buf_span(&input), &status, err) == 0)
		result = status == 0 ? 0
				     : error_set(err, ERROR_SYSTEM,
					       "%s ended with exit code %d",
					       argv[0], status);
	buf_clear(&input);
	mem_free(argv);
	return result;
}

/* A pipe that is closed, a disk that is full: nobody has read it. */
static int
flush(const char *what)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CTL_YES;
	ctl_complain(
		"%s: what was to be shown cannot be written (\"ca deliver\" "
		"sends it anew with another password)",
		what);
	return CTL_TROUBLE;
}

static int
hand_out(const struct delivering *self, const struct ca_parcel *parcel,
	const char *telephone)
{
	const struct ca_delivery *delivery =
		&self->authority->conf->ca_delivery;
	bool command = delivery->password_command.count != 0;
	struct error err = { 0 };

	if (command && by_command(self, parcel, telephone, &err) != 0) {
		ctl_complain("%s: the file is on its way, but nobody was told "
			     "its password (\"ca deliver\" sends it anew with "
			     "another one): %s",
			parcel->entry->address, err.text);
		return CTL_TROUBLE;
	}
	if (self->array != NULL)
		json_array_append_new(self->array,
			json_pack("{s:s,s:o,s:o,s:o}", "serial",
				parcel->entry->serial, "address",
				json_text(parcel->entry->address),
				"delivered_to", json_text(parcel->to),
				"password",
				json_text(command ? NULL : parcel->password)));
	else if (command)
		printf("%s delivered to %s\n", parcel->entry->serial,
			parcel->to);
	else
		printf("%s delivered to %s, password %s\n",
			parcel->entry->serial, parcel->to, parcel->password);
	/* It has to be out before it is on record. */
	return command || self->array != NULL ? CTL_YES
					      : flush(parcel->entry->address);
}

/* ---- both: until the second is done, neither is ---- */

static int
send_file(const struct delivering *self, const struct ca_parcel *parcel,
	const char *telephone, struct error *err)
{
	const struct conf *conf = self->authority->conf;
	struct ca_delivery delivery = conf->ca_delivery;
	const char *const words[] = { "serial", parcel->entry->serial, "to",
		parcel->to, "form",
		delivery.legacy || self->legacy ? "legacy" : "aes", "password",
		delivery.password_command.count != 0 ? "command" : "shown",
		"telephone", telephone, NULL };
	struct buf mail = { 0 };
	int result = -1;

	delivery.legacy |= self->legacy;
	if (ca_make_mail(self->authority->ca, &delivery, parcel, &mail, err) ==
		0)
		result = delivery.reinject ? by_reinject(conf, parcel->to,
						     buf_span(&mail), err)
					   : by_sendmail(&delivery, parcel->to,
						     buf_span(&mail), err);
	buf_clear(&mail);
	return result == 0 ? ca_note(self->authority->ca, "deliver", words, err)
			   : -1;
}

static int
note_told(const struct delivering *self, const struct ca_entry *entry)
{
	const char *const words[] = { "serial", entry->serial, NULL };
	struct error err = { 0 };

	return ca_note(self->authority->ca, "tell", words, &err) == 0
		       ? CTL_YES
		       : ctl_trouble(&err);
}

/* A password in the array is not out yet. */
static int
tell(struct delivering *self, const struct ca_entry *entry)
{
	const struct conf *conf = self->authority->conf;

	if (self->array == NULL ||
		conf->ca_delivery.password_command.count != 0)
		return note_told(self, entry);
	list_add(&self->shown, (void *)entry);
	return CTL_YES;
}

int
delivering_tell(struct delivering *self)
{
	const struct ca_entry *entry;
	int code = CTL_YES;

	if (self->array != NULL)
		json_answer(self->array);
	self->array = NULL;
	if (self->shown.count != 0)
		code = flush("passwords");
	LIST_FOREACH (entry, &self->shown)
		if (code == CTL_YES)
			code = note_told(self, entry);
	list_clear(&self->shown, NULL);
	return code;
}

int
delivering_send(struct delivering *self, const struct ca_entry *entry,
	struct cert *cert, const char *telephone)
{
	struct ca_parcel parcel = { .entry = entry,
		.cert = cert,
		.to = self->to != NULL ? self->to : entry->address };
	char *password = NULL;
	struct error err = { 0 };
	int code;

	if (ca_make_password(&password, &err) != 0)
		return ctl_trouble(&err);
	parcel.password = password;
	if (send_file(self, &parcel, telephone, &err) == 0) {
		code = hand_out(self, &parcel, telephone);
		if (code == CTL_YES)
			code = tell(self, entry);
	} else {
		ctl_complain("%s: not delivered: %s", entry->address, err.text);
		code = err.kind == ERROR_SYSTEM ? CTL_TROUBLE : CTL_NO;
	}
	mem_free_secret(password);
	return code;
}

static int
check_to(const char *to)
{
	struct address *address = NULL;
	struct error err = { 0 };
	int code = CTL_YES;

	if (to != NULL && addr_parse(to, &address, &err) != 0)
		code = ctl_usage("--to: %s", err.text);
	address_free(address);
	return code;
}

/* A number is a line of its own for the command. */
static int
check_telephone(const char *number)
{
	return number == NULL || strpbrk(number, "\r\n") == NULL
		       ? CTL_YES
		       : ctl_usage("--telephone: that is no number");
}

int
delivering_begin(const struct request *request, struct authority *authority,
	struct delivering *out)
{
	int code;

	*out = (struct delivering){ .authority = authority,
		.to = request_option(request, "--to"),
		.legacy = request_option(request, "--legacy") != NULL };
	if (authority->conf->ca_delivery.from == NULL)
		return ctl_usage("the configuration does not say from whom "
				 "keys are mailed (ca_delivery.from)");
	code = check_to(out->to);
	return code == CTL_YES
		       ? check_telephone(request_option(request, "--telephone"))
		       : code;
}

/* ---- from escrow ---- */

static int
resend(struct delivering *self, const struct ca_entry *entry,
	const char *telephone)
{
	struct cert *cert = NULL;
	struct error err = { 0 };
	int code;

	if (ca_load(self->authority->ca, entry, true, &cert, &err) != 0) {
		ctl_complain("%s", err.text);
		return err.kind == ERROR_SYSTEM ? CTL_TROUBLE : CTL_NO;
	}
	code = delivering_send(self, entry, cert, telephone);
	cert_unref(cert);
	return code;
}

/* What ended between its issue and its delivery. */
int
delivering_pending(struct delivering *self, const char *telephone)
{
	const char *to = self->to;
	const struct ca_entry *entry;
	struct list all = { 0 };
	int code = CTL_YES;

	ca_list(self->authority->ca, &all);
	LIST_FOREACH (entry, &all) {
		char *whom = mem_string(entry->deliver_to);
		char *number = mem_string(
			telephone != NULL ? telephone : entry->telephone);
		int one = CTL_YES;

		self->to = to != NULL ? to : whom;
		if (ca_entry_is_undelivered(entry, clock_now()))
			one = resend(self, entry, number);
		code = ctl_worse(one, code);
		mem_free(whom);
		mem_free(number);
	}
	self->to = to;
	list_clear(&all, NULL);
	return code;
}

/* Of an address the one that is valid, of a serial number also an old one. */
static int
deliver_word(struct delivering *self, const char *word, const char *telephone)
{
	struct ca *ca = self->authority->ca;
	const struct ca_entry *entry = NULL, *one;
	struct list found = { 0 };
	int code = authority_find(ca, word, &found);

	LIST_FOREACH (one, &found)
		if (entry == NULL &&
			(found.count == 1 ||
				ca_entry_state(one, clock_now()) == CA_VALID))
			entry = one;
	list_clear(&found, NULL);
	if (code != CTL_YES)
		return code;
	if (entry == NULL) {
		ctl_complain("%s: no certificate is valid any more", word);
		return CTL_NO;
	}
	return resend(self, entry, telephone);
}

/* What was not to be used before its owner has it. */
static int
file_held(const struct request *request, struct authority *authority)
{
	struct issuance issuance = { .authority = authority };
	struct list unfiled = { 0 };
	int code = CTL_YES;

	ca_unfiled(authority->ca, &unfiled);
	if (unfiled.count != 0)
		code = issuance_open_store(request, &issuance);
	if (code == CTL_YES)
		code = issuance_file(&issuance);
	list_clear(&unfiled, NULL);
	issuance_clear(&issuance);
	return code;
}

int
command_ca_deliver(const struct request *request)
{
	const char *telephone = request_option(request, "--telephone"), *word;
	bool pending = request_option(request, "--pending") != NULL;
	struct authority authority;
	struct delivering self = { 0 };
	int code, told, filed;

	if (pending == (request->words.count != 0))
		return ctl_usage("whose key?  ADDRESS, SERIAL or --pending "
				 "says it");
	code = authority_open(request, AUTHORITY_UNLOCKED, &authority);
	if (code == CTL_YES)
		code = delivering_begin(request, &authority, &self);
	if (code == CTL_YES) {
		self.array = request->json ? json_array() : NULL;
		if (pending)
			code = delivering_pending(&self, telephone);
		LIST_FOREACH (word, &request->words) {
			int one = deliver_word(&self, word, telephone);

			code = ctl_worse(one, code);
		}
		told = delivering_tell(&self);
		filed = file_held(request, &authority);
		code = ctl_worse(told, code);
		code = ctl_worse(filed, code);
	}
	authority_close(&authority);
	return code;
}
