/* Where filters listen, in the three spellings there are. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mta.h"

void
endpoint_clear(struct endpoint *endpoint)
{
	mem_free(endpoint->path);
	mem_free(endpoint->host);
	mem_free(endpoint->port);
	*endpoint = (struct endpoint){ 0 };
}

static const char *
after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncasecmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* With links resolved, so that two spellings of one place are equal. */
static char *
real_path(const char *path)
{
	char *real = realpath(path, NULL);
	char *copy = mem_string(real != NULL ? real : path);

	free(real);
	return copy;
}

static void
set_tcp(struct endpoint *out, const char *host, size_t host_len,
	const char *port)
{
	if (host_len > 1 && host[0] == '[' && host[host_len - 1] == ']') {
		host++;
		host_len -= 2;
	}
	out->host = mem_string_n(host, host_len);
	out->port = mem_string(port);
}

void
endpoint_from_milter(const char *text, struct endpoint *out)
{
	const char *rest = after(text, "inet:");
	const char *at;
	char *port;

	*out = (struct endpoint){ 0 };
	if (rest == NULL)
		rest = after(text, "inet6:");
	if (rest == NULL) {
		rest = after(text, "unix:");
		if (rest == NULL)
			rest = after(text, "local:");
		out->path = real_path(rest != NULL ? rest : text);
		return;
	}
	at = strchr(rest, '@');
	port = mem_string_n(rest, at ? (size_t)(at - rest) : strlen(rest));
	set_tcp(out, at ? at + 1 : "", at ? strlen(at + 1) : 0, port);
	mem_free(port);
}

void
endpoint_from_postfix(const char *text, const char *queue, bool chrooted,
	struct endpoint *out)
{
	const char *rest = after(text, "inet:");
	const char *colon;
	char *path;

	*out = (struct endpoint){ 0 };
	if (rest != NULL) {
		colon = strrchr(rest, ':');
		if (colon == NULL)
			set_tcp(out, "", 0, rest);
		else
			set_tcp(out, rest, (size_t)(colon - rest), colon + 1);
		return;
	}
	rest = after(text, "unix:");
	if (rest == NULL)
		rest = after(text, "local:");
	rest = rest != NULL ? rest : text;
	path = chrooted || *rest != '/' ? mem_printf("%s/%s", queue, rest)
					: mem_string(rest);
	out->path = real_path(path);
	mem_free(path);
}

static bool
is_every_host(const char *host)
{
	return *host == '\0' || strcmp(host, "0.0.0.0") == 0 ||
	       strcmp(host, "::") == 0;
}

static const char *
host_name(const char *host)
{
	if (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0)
		return "localhost";
	return host;
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	if (a->path != NULL || b->path != NULL)
		return a->path != NULL && b->path != NULL &&
		       strcmp(a->path, b->path) == 0;
	if (strcmp(a->port, b->port) != 0)
		return false;
	return is_every_host(a->host) || is_every_host(b->host) ||
	       strcasecmp(host_name(a->host), host_name(b->host)) == 0;
}

/* ---- whom we know ---- */

static const struct known {
	const char *word; /* in the path or host */
	const char *port; /* the usual one, or NULL */
	const char *name;
	enum filter_kind kind;
} known[] = {
	{ "opendkim", "8891", "opendkim", FILTER_DKIM },
	{ "dkimpy", "8892", "dkimpy-milter", FILTER_DKIM },
	{ "dkim", "12301", "a DKIM signer", FILTER_DKIM },
	{ "openarc", "8894", "openarc", FILTER_DKIM },
	{ "rspamd", "11332", "rspamd", FILTER_BOTH },
	{ "clamav", "7357", "clamav-milter", FILTER_CONTENT },
	{ "spamass", "8890", "spamass-milter", FILTER_CONTENT },
	{ "mimedefang", NULL, "mimedefang", FILTER_CONTENT },
	{ "amavis", "8895", "amavisd-milter", FILTER_CONTENT },
	{ "disclaim", NULL, "a disclaimer filter", FILTER_CONTENT },
	{ "altermime", NULL, "altermime", FILTER_CONTENT },
};

static bool
has_port(const char *text, const char *port)
{
	const char *found = port != NULL ? strstr(text, port) : NULL;

	return found != NULL && found != text &&
	       strchr(":@", found[-1]) != NULL &&
	       !isdigit((unsigned char)found[strlen(port)]);
}

static bool
is_tcp_port(const char *text, const char *port)
{
	const char *rest = after(text, "inet:");

	if (rest == NULL)
		rest = after(text, "inet6:");
	return rest != NULL && has_port(text, port);
}

enum filter_kind
filter_kind(const char *text, const char **name)
{
	*name = text;
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (strcasestr(text, known[i].word) == NULL &&
			!is_tcp_port(text, known[i].port))
			continue;
		*name = known[i].name;
		return known[i].kind;
	}
	return FILTER_UNKNOWN;
}

static void
check_before(struct findings *findings, const char *where, const char *text)
{
	const char *name;

	switch (filter_kind(text, &name)) {
	case FILTER_DKIM:
		find_error(findings,
			"%s: %s (%s) stands before "
			"smime-milter: its DKIM signature would not fit "
			"the signed or encrypted mail; smime-milter must "
			"come first",
			where, name, text);
		return;
	case FILTER_BOTH:
		find_warning(findings,
			"%s: %s (%s) stands before "
			"smime-milter, which is right for scanning; when "
			"it also signs with DKIM, its signature will not "
			"fit: sign with a filter that comes after",
			where, name, text);
		return;
	case FILTER_CONTENT:
	case FILTER_UNKNOWN:
		return;
	}
}

static void
check_after(struct findings *findings, const char *where, const char *text)
{
	const char *name;

	switch (filter_kind(text, &name)) {
	case FILTER_DKIM:
		find_note(findings,
			"%s: %s comes after smime-milter, as it "
			"must",
			where, name);
		return;
	case FILTER_BOTH:
	case FILTER_CONTENT:
		find_warning(findings,
			"%s: %s (%s) comes after "
			"smime-milter: it cannot look into encrypted "
			"mail, and what it changes breaks signatures; "
			"put it before",
			where, name, text);
		return;
	case FILTER_UNKNOWN:
		find_warning(findings,
			"%s: %s comes after smime-milter: when "
			"it changes the content, signatures break",
			where, text);
		return;
	}
}

void
check_order(struct findings *findings, const char *where,
	const struct list *filters, size_t ours)
{
	for (size_t i = 0; i < filters->count; i++) {
		const struct filter *filter = filters->item[i];

		if (i < ours)
			check_before(findings, where, filter->text);
		else if (i > ours)
			check_after(findings, where, filter->text);
	}
}
