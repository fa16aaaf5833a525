#include "session.h"

#include <string.h>

#include "base/mem.h"
#include "metric/metric.h"

/* What an address or field takes beside its characters: 20 million fields of
 * two characters would otherwise pass as 40 MB. */
enum { ITEM_BYTES = 128 };

struct session *
session_new(struct filter *filter, unsigned long agreed)
{
	struct session *session = mem_alloc(sizeof(*session));

	session->filter = filter;
	session->agreed = agreed;
	session->may_change_sender = atomic_load(&filter->may_change_sender);
	mail_init(&session->mail, filter->conf->gateway->limits.message_bytes);
	atomic_fetch_add(&filter->budget.tally->sessions, 1);
	metric_add(METRIC_CONNECTIONS, 1);
	return session;
}

void
session_free(struct session *session)
{
	session_end_mail(session);
	atomic_fetch_sub(&session->filter->budget.tally->sessions, 1);
	client_clear(&session->client);
	mem_free(session->mta_name);
	mem_free(session);
}

/*
 * An MTA's own submission: Postfix names port 0 at the loopback's address,
 * others no address at all.  "unknown" is a client whose address got lost.
 */
static bool
is_local(const char *host, const struct client *client, in_port_t port)
{
	static const struct in6_addr v4_loopback = {
		.s6_addr = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0,
			1 }
	};

	if (client->family == 0)
		return host == NULL || strcmp(host, "unknown") != 0;
	return port == 0 && (IN6_IS_ADDR_LOOPBACK(&client->ip) ||
				    memcmp(&client->ip, &v4_loopback,
					    sizeof(v4_loopback)) == 0);
}

void
session_set_client(struct session *session, const char *host,
	const struct sockaddr *address)
{
	struct client *client = &session->client;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	in_port_t port = 0;

	client_clear(client);
	*client = (struct client){ 0 };
	if (address != NULL && address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		client->family = AF_INET;
		client->ip.s6_addr[10] = client->ip.s6_addr[11] = 0xff;
		memcpy(client->ip.s6_addr + 12, &v4.sin_addr, 4);
		port = v4.sin_port;
	} else if (address != NULL && address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		client->family = AF_INET6;
		client->ip = v6.sin6_addr;
		port = v6.sin6_port;
	}
	client->local = is_local(host, client, port);
	session->connected = true;
}

void
session_begin_mail(struct session *session, const char *login)
{
	struct mail *mail = &session->mail;

	session_end_mail(session);
	session->begun = true;
	atomic_fetch_add(&session->filter->budget.tally->mails_begun, 1);
	mail->client = session->client;
	mail->client.login = mem_string(login);
	mail->mta_name = mem_string(session->mta_name);
}

void
session_end_mail(struct session *session)
{
	struct budget *budget = &session->filter->budget;

	mail_clear(&session->mail);
	mem_free(session->sender);
	mem_free(session->sender_args);
	session->sender = session->sender_args = NULL;
	if (session->bytes != 0)
		budget_return_bytes(budget, session->bytes);
	session->bytes = 0;
	if (session->in_work)
		budget_return_mail(budget);
	session->in_work = false;
	if (session->begun)
		atomic_fetch_sub(&budget->tally->mails_begun, 1);
	session->begun = false;
	session->incomplete = false;
}

bool
session_has_failed(const struct session *session)
{
	return session->mail.failure.kind != ERROR_NONE;
}

void
session_fail(struct session *session, const struct error *why)
{
	if (session_has_failed(session))
		return;
	session->mail.failure = *why;
	session->incomplete = session->mail.body_offset == 0;
}

bool
session_charge(struct session *session, size_t bytes)
{
	struct budget *budget = &session->filter->budget;
	size_t max = session->mail.entity.limit_bytes;
	struct error why;

	if (session_has_failed(session))
		return false;
	if (bytes > max || session->bytes > max - bytes)
		error_set(&why, ERROR_LIMIT,
			"larger than limits.message (%zu bytes)", max);
	else if (!budget_take_bytes(budget, bytes))
		error_set(&why, ERROR_SYSTEM,
			"limits.buffered is reached (%zu bytes)",
			session->filter->conf->buffered_bytes);
	else {
		session->bytes += bytes;
		return true;
	}
	session_fail(session, &why);
	return false;
}

void
session_begin_work(struct session *session)
{
	struct error why;

	session->in_work = budget_take_mail(&session->filter->budget);
	if (session->in_work)
		return;
	error_set(&why, ERROR_SYSTEM, "limits.mails is reached (%u)",
		session->filter->conf->mails);
	session_fail(session, &why);
}

bool
session_charge_item(struct session *session, size_t len)
{
	return session_charge(session, len + ITEM_BYTES);
}

/* What is kept of a mail that will not be taken: the header. */
static void
drop_body(struct session *session)
{
	struct mail *mail = &session->mail;
	size_t body_bytes = mail->entity.len - mail->body_offset;

	buf_clear(&mail->entity);
	if (mail_begin_body(mail, NULL) != 0)
		mail->body_offset = 0;
	budget_return_bytes(&session->filter->budget, body_bytes);
	session->bytes -= body_bytes;
}

void
session_add_body(struct session *session, struct span chunk)
{
	struct error why;

	metric_add(METRIC_BODY_BYTES, (int64_t)chunk.len);
	if (session_charge(session, chunk.len)) {
		if (mail_add_body(&session->mail, chunk, &why) == 0)
			return;
		session->bytes -= chunk.len;
		budget_return_bytes(&session->filter->budget, chunk.len);
		session_fail(session, &why);
	}
	if (session->mail.entity.len > session->mail.body_offset)
		drop_body(session);
}
