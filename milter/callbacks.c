/*
 * libmilter's callbacks: they collect what the MTA says and decide nothing.
 * Stages that never decide are agreed to have no answer (SMFIP_NR_), and
 * libmilter makes one up for an MTA that wants it all the same.
 */
#include <libmilter/mfapi.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "edits.h"
#include "message.h"
#include "metric/metric.h"

/* Copies need one more: recipients that the MTA shall forget. */
enum { ACTIONS = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY };
/* Without these fewer things can be done. */
enum { WISHES = SMFIF_QUARANTINE | SMFIF_CHGFROM };
enum {
	PROTOCOL = SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN |
		   SMFIP_NR_CONN | SMFIP_NR_RCPT | SMFIP_NR_HDR |
		   SMFIP_NR_BODY | SMFIP_HDR_LEADSPC,
};

static struct filter *filter;

static unsigned long
wanted_protocol(void)
{
	return gateway_refuses_recipients(filter->conf->gateway)
		       ? PROTOCOL & ~(unsigned long)SMFIP_NR_RCPT
		       : PROTOCOL;
}

static unsigned long
needed_actions(void)
{
	return ACTIONS | (filter->conf->gateway->split.on ? SMFIF_DELRCPT : 0);
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol,
	unsigned long f2 UNUSED, unsigned long f3 UNUSED,
	unsigned long *out_actions, unsigned long *out_protocol,
	unsigned long *out2, unsigned long *out3)
{
	unsigned long needed = needed_actions();

	if ((actions & needed) != needed) {
		log_error("the MTA does not let filters change header, body "
			  "and recipients: it offers 0x%lx, needed is 0x%lx",
			actions, needed);
		return SMFIS_REJECT;
	}
	*out_actions = needed | (actions & WISHES);
	*out_protocol = protocol & wanted_protocol();
	*out2 = *out3 = 0;
	atomic_store(&filter->agreed, *out_protocol);
	atomic_store(&filter->may_change_sender,
		(*out_actions & SMFIF_CHGFROM) != 0);
	if (smfi_getpriv(ctx) == NULL)
		smfi_setpriv(ctx, session_new(filter, *out_protocol));
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	struct session *session = smfi_getpriv(ctx);
	const char *mta_name = smfi_getsymval(ctx, (char *)"j");
	const char *mta_version = smfi_getsymval(ctx, (char *)"v");

	if (session == NULL) {
		session = session_new(filter, atomic_load(&filter->agreed));
		smfi_setpriv(ctx, session);
	}
	session_set_client(session, host, address);
	mem_free(session->mta_name);
	session->mta_name = mem_string(mta_name);
	session->mta_is_postfix =
		mta_version != NULL && strncmp(mta_version, "Postfix", 7) == 0;
	return SMFIS_NOREPLY;
}

/* An address that cannot be read: nobody can say which rules are meant. */
static void
fail_address(struct session *session, struct error *err, const char *where)
{
	error_prefix(err, "%s: ", where);
	session_fail(session, err);
}

static sfsistat
refuse_for_now(SMFICTX *ctx, char *words)
{
	(void)smfi_setreply(ctx, (char *)"451", (char *)"4.3.2", words);
	return SMFIS_TEMPFAIL;
}

/* Of a command with all its arguments. */
static size_t
length_of(char **args)
{
	size_t len = 0;

	for (; *args != NULL; args++)
		len += strlen(*args) + 1;
	return len;
}

/* For the bounce of a mail that is opened; counted with the address. */
static void
keep_sender(struct session *session, char **args)
{
	if (session->filter->conf->gateway->inbound_rules.count == 0 ||
		session->incomplete)
		return;
	session->sender = mem_string(args[0]);
	session->sender_args =
		edits_return_headers(args + 1, session->mta_is_postfix);
}

static sfsistat
on_mail(SMFICTX *ctx, char **args)
{
	struct session *session = smfi_getpriv(ctx);
	struct error err;

	if (atomic_load(&filter->refusing))
		return refuse_for_now(ctx,
			(char *)"S/MIME gateway is being restarted, please try "
				"again");
	/* Without a client nobody can say who may have a signature. */
	if (session == NULL || !session->connected)
		return refuse_for_now(ctx,
			(char *)"S/MIME gateway knows no client, please "
				"try again");
	session_begin_mail(
		session, smfi_getsymval(ctx, (char *)"{auth_authen}"));
	if (session_charge_item(session, length_of(args)) &&
		mail_set_sender(&session->mail, span_string(args[0]), &err) !=
			0)
		fail_address(session, &err, "MAIL FROM");
	if (!session_has_failed(session))
		mail_set_sender_args(&session->mail, args + 1);
	keep_sender(session, args);
	return SMFIS_CONTINUE;
}

static sfsistat
on_recipient(SMFICTX *ctx, char **args)
{
	struct session *session = smfi_getpriv(ctx);
	struct error err;

	/* Twice: as an address and as it was said. */
	if (session == NULL ||
		!session_charge_item(session, 2 * length_of(args)))
		return SMFIS_NOREPLY;
	if (mail_add_recipient(&session->mail, span_string(args[0]), &err) !=
		0) {
		fail_address(session, &err, "RCPT TO");
		return SMFIS_NOREPLY;
	}
	mail_set_recipient_args(&session->mail, args + 1);
	/* An answer in spite of an agreement to have none ends the dialogue. */
	if ((session->agreed & SMFIP_NR_RCPT) != 0)
		return SMFIS_NOREPLY;
	return message_ask_recipient(ctx, session);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *session = smfi_getpriv(ctx);
	char *with_blank;

	if (session == NULL ||
		!session_charge_item(session, strlen(name) + strlen(value)))
		return SMFIS_NOREPLY;
	if ((session->agreed & SMFIP_HDR_LEADSPC) != 0) {
		mail_add_field(&session->mail, name, value);
		return SMFIS_NOREPLY;
	}
	with_blank = mem_printf(" %s", value);
	mail_add_field(&session->mail, name, with_blank);
	mem_free(with_blank);
	return SMFIS_NOREPLY;
}

/* Postfix has none before the first recipient, so it is read late. */
static void
read_queue_id(SMFICTX *ctx, struct mail *mail)
{
	const char *id = smfi_getsymval(ctx, (char *)"i");

	if (mail->queue_id == NULL)
		mail->queue_id = mem_string(id);
}

static sfsistat
on_header_end(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);
	struct error err;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	read_queue_id(ctx, &session->mail);
	/* An address or field that is missing might have called for a rule. */
	if (!session->incomplete && !message_is_wanted(session)) {
		metric_add(METRIC_MAILS_UNTOUCHED, 1);
		session_end_mail(session);
		return SMFIS_ACCEPT;
	}
	if (mail_begin_body(&session->mail, &err) != 0)
		session_fail(session, &err);
	session_begin_work(session);
	return SMFIS_CONTINUE;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL)
		session_add_body(session, span_of(data, len));
	return SMFIS_NOREPLY;
}

static sfsistat
on_message_end(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);
	sfsistat status;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	read_queue_id(ctx, &session->mail);
	status = message_end(ctx, session);
	session_end_mail(session);
	return status;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL)
		session_end_mail(session);
	return SMFIS_CONTINUE;
}

/* MTAs that only look whether we are there have no session. */
static sfsistat
on_close(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL)
		session_free(session);
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

int
filter_register(struct filter *the_filter, struct error *err)
{
	struct smfiDesc callbacks = {
		.xxfi_name = (char *)"smime-milter",
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS | SMFIF_DELRCPT | WISHES,
		.xxfi_negotiate = on_negotiate,
		.xxfi_connect = on_connect,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_recipient,
		.xxfi_header = on_header,
		.xxfi_eoh = on_header_end,
		.xxfi_body = on_body,
		.xxfi_eom = on_message_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
	};

	filter = the_filter;
	if (smfi_register(callbacks) != MI_SUCCESS)
		return error_set(
			err, ERROR_SYSTEM, "libmilter takes no callbacks");
	return 0;
}
