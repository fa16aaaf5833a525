/*
 * What we ask of other hosts (libcurl).
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"

enum { NET_REDIRECTS_MAX = 3, NET_URL_BYTES = 2048 };

struct net_settings {
	const char *proxy; /* URL; NULL: none, whatever the environment says */
	unsigned timeout_seconds; /* of the whole, redirects and all */
	size_t limit_bytes;
	bool allow_private;	 /* also addresses for which net_is_private() */
	const atomic_bool *stop; /* becomes true: give up soon; or NULL */
};

/* Once, before the first net_fetch(); idempotent. */
int net_init(struct error *err) MUST_USE;

/*
 * Append to out what stands at an http, https or ldap URL.  Of an ldap one
 * (RFC 4516, scope base) that is the value of its first attribute.  Redirects
 * are followed to http and https only.  A private address is refused when it
 * is connected to, so neither a name nor a redirect leads there; behind a
 * proxy, which looks names up itself, only addresses in the URL can be seen.
 * No .netrc, no cookies, no variables of the environment.
 *
 * Errors are a clause without the URL: CONFIG for a URL that is not fetched
 * (another protocol, a private address), LIMIT, FORMAT for an answer that is
 * none, SYSTEM for everything that may pass.
 */
int net_fetch(const char *url, const struct net_settings *settings,
	struct buf *out, struct error *err) MUST_USE;

/* http, https or ldap, with a host, and not too long? */
bool net_can_fetch(const char *url);

/*
 * May it stand as a proxy: http, https or socks5h, a host, perhaps a port, and
 * no name or password?  CONFIG with a clause.
 */
int net_check_proxy(const char *url, struct error *err) MUST_USE;

/*
 * Loopback, link-local, of a private network (RFC 1918, RFC 4193, RFC 6598),
 * multicast, unspecified or reserved; Teredo and what translates to addresses
 * of a site (RFC 8215); also where IPv6 only carries such an IPv4 address; true
 * for what is neither IPv4 nor IPv6.
 */
bool net_is_private(const struct sockaddr *address);

/* ---- mails for an SMTP server (RFC 5321) ---- */

struct submit_settings {
	const char *uri; /* smtp:// or smtps://, a host, perhaps a port */
	bool start_tls;
	const char *ca_file; /* NULL: the system's authorities */
	const char *login, *password;
	unsigned timeout_seconds;	/* for each answer */
	int (*keep_working)(void *arg); /* 0: give up; or NULL */
	void *arg;
};

enum { SUBMIT_ANSWER_BYTES = 200 };
struct submit_recipient {
	const char *path; /* with or without <> */
	const char *args; /* ESMTP: "NOTIFY=NEVER ORCPT=...", or NULL */
	unsigned code;	  /* what the server said, once asked; or 0 */
	char answer[SUBMIT_ANSWER_BYTES];
};

struct submit_mail {
	const char *sender; /* with or without <> */
	const char *args;   /* of MAIL FROM, or NULL; SIZE is our own */
	struct submit_recipient *recipients;
	size_t count;
	struct span header; /* with the empty line behind it */
	struct pieces body;
};

enum submit_result {
	SUBMIT_TAKEN,	/* for every recipient */
	SUBMIT_LATER,	/* nobody has it */
	SUBMIT_REFUSED, /* for good; nobody has it */
	SUBMIT_UNKNOWN, /* no answer to the final dot */
};

/* A connection; several mails may take it, one after the other. */
struct submit_session;

/* The settings are borrowed.  Errors: SYSTEM. */
int net_submit_open(const struct submit_settings *settings,
	struct submit_session **out, struct error *err) MUST_USE;
/*
 * Would it be taken?  Sender and recipients are said and forgotten again
 * (RSET); header and body are not looked at.
 */
enum submit_result net_submit_ask(struct submit_session *session,
	struct submit_mail *mail, struct error *err) MUST_USE;
/*
 * To all of the recipients or to none.  DSN, 8BITMIME, SMTPUTF8 and SIZE are
 * said to a server that knows them.  Lines end in CRLF whatever they ended in.
 */
enum submit_result net_submit_send(struct submit_session *session,
	struct submit_mail *mail, struct error *err) MUST_USE;
void net_submit_close(struct submit_session *session); /* NULL is fine */
/* smtp or smtps, a host, no name or password?  CONFIG with a clause. */
int net_check_submit(const char *uri, struct error *err) MUST_USE;
/* Is its host this very one: a loopback address, or localhost? */
bool net_submit_stays_here(const char *uri);

#endif
