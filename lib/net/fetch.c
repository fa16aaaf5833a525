#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

#define PROTOCOLS "http,https,ldap"
#define REDIRECT_PROTOCOLS "http,https"
/* All of them leave looking up names to the proxy. */
#define PROXY_PROTOCOLS "http,https,socks5h"
/* What base64 and the names around it add to a value of a directory. */
enum { LDIF_FACTOR = 2, LDIF_MORE_BYTES = 4096 };

/* By name since 7.85; the bits are deprecated there. */
#if LIBCURL_VERSION_NUM >= 0x075500
static CURLcode
set_protocols(CURL *curl)
{
	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, PROTOCOLS);
}
#else
static CURLcode
set_protocols(CURL *curl)
{
	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
		(long)(CURLPROTO_HTTP | CURLPROTO_HTTPS | CURLPROTO_LDAP));
}
#endif

struct fetching {
	const struct net_settings *settings;
	struct buf bytes;
	struct error failure; /* why we stopped it, when we did */
	int64_t deadline_ms;
};

int
net_init(struct error *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_set(err, ERROR_SYSTEM, "libcurl does not start");
	return 0;
}

/* ---- URLs ---- */

/* As curl reads it; "" when there is none, or it is no URL. */
static char *
host_of(const char *url)
{
	CURLU *parsed = curl_url();
	char *text = NULL, *copy;

	if (parsed == NULL ||
		curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_HOST, &text, 0) != CURLUE_OK)
		text = NULL;
	copy = mem_string(text != NULL ? text : "");
	curl_free(text);
	curl_url_cleanup(parsed);
	return copy;
}

/* In lower case. */
static char *
scheme_of(const char *url)
{
	size_t len = strcspn(url, ":");
	char *scheme = mem_string_n(url, url[len] == ':' ? len : 0);

	for (char *at = scheme; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at |= 'a' - 'A';
	return scheme;
}

static bool
is_listed(const char *word, const char *words)
{
	size_t len = strlen(word);

	for (const char *at = words; len != 0 && at != NULL;
		at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (strncmp(at, word, len) == 0 &&
			(at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

static int
check_url(const char *url, const struct net_settings *settings,
	const char *protocols, struct error *err)
{
	char *scheme = scheme_of(url), *host = host_of(url);
	int result = -1;

	if (strlen(url) > NET_URL_BYTES)
		error_set(err, ERROR_CONFIG, "the URL has more than %d bytes",
			NET_URL_BYTES);
	else if (!is_listed(scheme, protocols))
		error_set(err, ERROR_CONFIG,
			"nothing is fetched by the protocol \"%s\"", scheme);
	else if (host[0] == '\0')
		error_set(err, ERROR_CONFIG, "the URL names no host");
	else if (!settings->allow_private && host_is_private(host))
		error_set(err, ERROR_CONFIG, "%s is a private address", host);
	else
		result = 0;
	mem_free(scheme);
	mem_free(host);
	return result;
}

bool
net_can_fetch(const char *url)
{
	const struct net_settings any = { .allow_private = true };

	return check_url(url, &any, PROTOCOLS, NULL) == 0;
}

/* What it says of a part of the URL, or NULL. */
static char *
part_of(CURLU *parsed, CURLUPart part)
{
	char *text = NULL, *copy;

	if (curl_url_get(parsed, part, &text, 0) != CURLUE_OK)
		return NULL;
	copy = mem_string(text);
	curl_free(text);
	return copy;
}

static int
judge_proxy(CURLU *parsed, const char *url, struct error *err)
{
	char *scheme = scheme_of(url), *host = part_of(parsed, CURLUPART_HOST);
	char *user = part_of(parsed, CURLUPART_USER);
	char *path = part_of(parsed, CURLUPART_PATH);
	int result = -1;

	if (!is_listed(scheme, PROXY_PROTOCOLS))
		error_set(err, ERROR_CONFIG,
			"a proxy begins with http://, https:// or socks5h://");
	else if (host == NULL || host[0] == '\0')
		error_set(err, ERROR_CONFIG, "it names no host");
	else if (user != NULL)
		error_set(err, ERROR_CONFIG,
			"a name or password for the proxy cannot stand in it");
	else if (path != NULL && strcmp(path, "/") != 0)
		error_set(err, ERROR_CONFIG,
			"nothing may stand behind host and port");
	else
		result = 0;
	mem_free(scheme);
	mem_free(host);
	mem_free(user);
	mem_free(path);
	return result;
}

int
net_check_proxy(const char *url, struct error *err)
{
	CURLU *parsed = curl_url();
	int result = -1;

	if (parsed == NULL)
		error_set(err, ERROR_SYSTEM, "no memory to read a URL");
	else if (strstr(url, "://") == NULL ||
		 curl_url_set(parsed, CURLUPART_URL, url,
			 CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		error_set(err, ERROR_CONFIG,
			"it is no URL such as http://proxy.example.com:3128");
	else
		result = judge_proxy(parsed, url, err);
	curl_url_cleanup(parsed);
	return result;
}

/* ---- what curl asks while it works ---- */

static size_t
on_bytes(char *data, size_t size, size_t count, void *p)
{
	struct fetching *self = p;

	if (buf_add(&self->bytes, data, size * count, &self->failure) != 0)
		return 0;
	return size * count;
}

/* The address is the one that is connected to, whatever led there. */
static curl_socket_t
on_socket(void *p, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct fetching *self = p;

	(void)purpose;
	/* The proxy is the administrator's own. */
	if (!self->settings->allow_private && self->settings->proxy == NULL &&
		net_is_private(&address->addr)) {
		error_set(&self->failure, ERROR_CONFIG,
			"its host has a private address");
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		address->protocol);
}

static int
on_progress(void *p, curl_off_t total, curl_off_t now, curl_off_t up_total,
	curl_off_t up_now)
{
	const struct fetching *self = p;

	(void)total, (void)now, (void)up_total, (void)up_now;
	return self->settings->stop != NULL &&
	       atomic_load(self->settings->stop);
}

/* ---- one request ---- */

static int
set_options(CURL *curl, struct fetching *self, const char *url)
{
	const struct net_settings *settings = self->settings;
	const char *proxy = settings->proxy != NULL ? settings->proxy : "";
	long left = (long)(self->deadline_ms - clock_monotonic_ms());
	int bad = 0;

	bad |= curl_easy_setopt(curl, CURLOPT_URL, url);
	bad |= set_protocols(curl);
	bad |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(curl, CURLOPT_PROXY, proxy);
	bad |= curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
	bad |= curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	bad |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	bad |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left > 0 ? left : 1L);
	bad |= curl_easy_setopt(
		curl, CURLOPT_USERAGENT, "smime-milter/" SMIME_MILTER_VERSION);
	bad |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	bad |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, self);
	bad |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	bad |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, self);
	bad |= curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	bad |= curl_easy_setopt(curl, CURLOPT_XFERINFODATA, self);
	bad |= curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	return bad;
}

static int
explain(CURLcode code, CURL *curl, const char *detail, struct fetching *self,
	struct error *err)
{
	long status = 0;

	if (self->failure.kind != ERROR_NONE) {
		*err = self->failure;
		return -1;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return error_set(err, ERROR_SYSTEM,
			"the server answers with status %ld", status);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, ERROR_SYSTEM,
			"no whole answer within %u seconds",
			self->settings->timeout_seconds);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_set(err, ERROR_SYSTEM, "given up, being stopped");
	return error_set(err, ERROR_SYSTEM, "%s",
		detail[0] != '\0' ? detail : curl_easy_strerror(code));
}

/* *next is where the answer leads to, or NULL when it is one. */
static int
ask_once(struct fetching *self, const char *url, char **next, struct error *err)
{
	CURL *curl = curl_easy_init();
	char detail[CURL_ERROR_SIZE] = "";
	char *location = NULL;
	CURLcode code;
	int result = -1;

	buf_reset(&self->bytes);
	if (curl == NULL || set_options(curl, self, url) != 0 ||
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail) != 0) {
		error_set(err, ERROR_SYSTEM, "libcurl cannot ask for it");
		goto out;
	}
	code = curl_easy_perform(curl);
	if (code != CURLE_OK) {
		explain(code, curl, detail, self, err);
		goto out;
	}
	curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location);
	*next = mem_string(location);
	result = 0;
out:
	curl_easy_cleanup(curl);
	return result;
}

static int
follow(struct fetching *self, const char *url, struct error *err)
{
	char *at = mem_string(url), *next = NULL;
	int result = -1;

	for (int hops = 0;; hops++) {
		if (check_url(at, self->settings,
			    hops ? REDIRECT_PROTOCOLS : PROTOCOLS, err) != 0)
			break;
		if (ask_once(self, at, &next, err) != 0)
			break;
		if (next == NULL) {
			result = 0;
			break;
		}
		if (hops == NET_REDIRECTS_MAX) {
			error_set(err, ERROR_LIMIT, "more than %d redirects",
				NET_REDIRECTS_MAX);
			break;
		}
		mem_free(at);
		at = next;
		next = NULL;
	}
	mem_free(at);
	mem_free(next);
	return result;
}

static int
keep(struct fetching *self, const char *url, struct buf *out, struct error *err)
{
	struct span bytes = buf_span(&self->bytes);
	struct buf value;
	int result = -1;

	if (!span_starts_nocase(span_string(url), "ldap:"))
		return buf_add_span(out, bytes, err);
	buf_init(&value, self->settings->limit_bytes);
	if (ldif_first_value(bytes, &value, err) == 0)
		result = buf_add_span(out, buf_span(&value), err);
	buf_clear(&value);
	return result;
}

int
net_fetch(const char *url, const struct net_settings *settings, struct buf *out,
	struct error *err)
{
	struct fetching self = { .settings = settings,
		.deadline_ms = clock_monotonic_ms() +
			       (int64_t)settings->timeout_seconds * 1000 };
	bool ldap = span_starts_nocase(span_string(url), "ldap:");
	int result = -1;

	buf_init(&self.bytes,
		ldap ? settings->limit_bytes * LDIF_FACTOR + LDIF_MORE_BYTES
		     : settings->limit_bytes);
	if (follow(&self, url, err) == 0)
		result = keep(&self, url, out, err);
	buf_clear(&self.bytes);
	return result;
}
