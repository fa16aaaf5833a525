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

#endif
