/*
 * One connection to a directory, from its URI to the answered bind.  The
 * server's certificate is always demanded and checked against its name.
 */
#include <errno.h>
#include <ldap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/mem.h"
#include "store/ldap_internal.h"

/* The library's own sentence is the better one: it comes first. */
enum { GRACE_MS = 200 };

void
ldap_connection_prepare(void)
{
	int version;

	/* Of files and the environment the administrator knows nothing here. */
	setenv("LDAPNOINIT", "1", 1);
	/* The library makes itself ready at its first call. */
	(void)ldap_get_option(NULL, LDAP_OPT_PROTOCOL_VERSION, &version);
}

void
ldap_connection_words(LDAP *ld, int code, char *out, size_t out_size)
{
	char *more = NULL;

	if (ld != NULL)
		(void)ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	if (more != NULL && more[0] != '\0')
		snprintf(out, out_size, "%s (%.100s)", ldap_err2string(code),
			more);
	else
		snprintf(out, out_size, "%s", ldap_err2string(code));
	ldap_memfree(more);
}

static struct timeval
interval(int ms)
{
	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

/* A message that says it is longer ends the connection. */
static void
limit_messages(LDAP *ld)
{
	ber_len_t limit = LDAP_MESSAGE_MAX_BYTES;
	Sockbuf *socket = NULL;

	if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &socket) == 0 &&
		socket != NULL)
		(void)ber_sockbuf_ctrl(
			socket, LBER_SB_OPT_SET_MAX_INCOMING, &limit);
}

static int
set_tls(LDAP *ld, const struct ldap_plan *plan)
{
	int demand = LDAP_OPT_X_TLS_DEMAND, names = LDAP_OPT_X_TLS_TRY;
	int client = 0;

	if (ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != 0 ||
		ldap_set_option(ld, LDAP_OPT_X_TLS_REQUIRE_SAN, &names) != 0)
		return -1;
	if (plan->ca_file != NULL &&
		ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, plan->ca_file) !=
			0)
		return -1;
	return ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &client);
}

static bool
needs_tls(const struct ldap_plan *plan, const char *uri)
{
	return plan->start_tls ||
	       span_starts_nocase(span_string(uri), "ldaps:");
}

static int
set_options(LDAP *ld, const struct ldap_plan *plan, const char *uri,
	int timeout_ms, struct error *err)
{
	const struct timeval wait = interval(timeout_ms);
	const int version = LDAP_VERSION3;

	if (ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) != 0 ||
		ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != 0 ||
		ldap_set_option(ld, LDAP_OPT_RESTART, LDAP_OPT_ON) != 0 ||
		ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &wait) != 0 ||
		ldap_set_option(ld, LDAP_OPT_TIMEOUT, &wait) != 0)
		return error_set(err, ERROR_SYSTEM,
			"%s: the LDAP library takes no options", uri);
	limit_messages(ld);
	if (needs_tls(plan, uri) && set_tls(ld, plan) != 0)
		return error_set(err, ERROR_SYSTEM,
			"%s: TLS cannot be prepared%s%s", uri,
			plan->ca_file ? "; can this user read " : "",
			plan->ca_file ? plan->ca_file : "");
	return 0;
}

/* What GnuTLS has to say when the library did not like the certificate. */
static const char tls_refusal[] = "(unknown error code)";

/* number is errno, which the library does not always set: 0. */
static int
no_connection(LDAP *ld, const struct ldap_plan *plan, const char *uri, int code,
	int number, struct error *err)
{
	bool bare = code == LDAP_SERVER_DOWN;
	char words[200], *more = NULL;

	(void)ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
	bare = bare && (more == NULL || more[0] == '\0');
	ldap_connection_words(ld, code, words, sizeof(words));
	if (more != NULL && strcmp(more, tls_refusal) == 0)
		error_set(err, ERROR_SYSTEM,
			"%s: its certificate is not issued by an authority in "
			"%s, not for this host, or not valid now",
			uri, plan->ca_file ? plan->ca_file : "this system");
	else if (bare && (number == ENOTCONN || number == ECONNREFUSED))
		error_set(err, ERROR_SYSTEM, "%s: nobody listens there", uri);
	else if (bare && number == 0)
		error_set(err, ERROR_SYSTEM,
			"%s: %s (is the name right, can it be reached?)", uri,
			words);
	else
		error_set(err, ERROR_SYSTEM, "%s: %s", uri, words);
	ldap_memfree(more);
	return -1;
}

static int
secure(LDAP *ld, const struct ldap_plan *plan, const char *uri,
	struct error *err)
{
	int code;

	if (!plan->start_tls)
		return 0;
	code = ldap_start_tls_s(ld, NULL, NULL);
	if (code == LDAP_SUCCESS)
		return 0;
	no_connection(ld, plan, uri, code, EPROTO, err);
	return error_prefix(err, "no TLS: ");
}

/*
 * Also without a name: then the directory has answered once, and a server
 * that only takes connections is found out here.
 */
static int
authenticate(LDAP *ld, const struct ldap_plan *plan, const char *uri,
	struct error *err)
{
	struct berval password = { 0, NULL };
	char words[200];
	int code;

	if (plan->password != NULL) {
		password.bv_val = plan->password;
		password.bv_len = strlen(plan->password);
	}
	code = ldap_sasl_bind_s(ld, plan->bind_dn ? plan->bind_dn : "",
		LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
	if (code == LDAP_SUCCESS)
		return 0;
	ldap_connection_words(ld, code, words, sizeof(words));
	if (code == LDAP_INVALID_CREDENTIALS)
		return error_set(err, ERROR_CONFIG,
			"%s: bind_dn or password are not accepted: %s", uri,
			words);
	return error_set(err, ERROR_SYSTEM, "%s: %s", uri, words);
}

static int
connect_and_bind(LDAP *ld, const struct ldap_plan *plan, const char *uri,
	struct error *err)
{
	int code;

	errno = 0;
	code = ldap_connect(ld);
	if (code != LDAP_SUCCESS)
		return no_connection(ld, plan, uri, code, errno, err);
	if (secure(ld, plan, uri, err) != 0)
		return -1;
	return authenticate(ld, plan, uri, err);
}

int
ldap_connection_open(const struct ldap_plan *plan, const char *uri,
	int timeout_ms, struct ldap **out, struct error *err)
{
	struct ldap_guard *guard;
	LDAP *ld = NULL;
	int code = ldap_initialize(&ld, uri), result;

	if (code != LDAP_SUCCESS)
		return error_set(err, ERROR_SYSTEM, "%s: %s", uri,
			ldap_err2string(code));
	if (set_options(ld, plan, uri, timeout_ms, err) != 0 ||
		ldap_guard_begin(ld, timeout_ms + GRACE_MS, &guard, err) != 0) {
		ldap_connection_close(ld);
		return -1;
	}
	result = connect_and_bind(ld, plan, uri, err);
	ldap_guard_end(guard);
	if (result != 0)
		ldap_connection_close(ld);
	else
		*out = ld;
	return result;
}

void
ldap_connection_close(LDAP *ld)
{
	if (ld != NULL)
		(void)ldap_unbind_ext(ld, NULL, NULL);
}
