/* Where mails are submitted to, as it stands in the configuration. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "net/internal.h"

static bool
has_part(CURLU *parsed, CURLUPart part)
{
	char *text = NULL;
	bool there = curl_url_get(parsed, part, &text, 0) == CURLUE_OK &&
		     text != NULL && text[0] != '\0' && strcmp(text, "/") != 0;

	curl_free(text);
	return there;
}

int
net_check_submit(const char *uri, struct error *err)
{
	struct span text = span_string(uri);
	CURLU *parsed = curl_url();
	int result = -1;

	if (parsed == NULL)
		error_set(err, ERROR_SYSTEM, "no memory to read a URL");
	else if ((!span_starts_nocase(text, "smtp://") &&
			 !span_starts_nocase(text, "smtps://")) ||
		 curl_url_set(parsed, CURLUPART_URL, uri, 0) != CURLUE_OK ||
		 !has_part(parsed, CURLUPART_HOST))
		error_set(err, ERROR_CONFIG,
			"it is no URL such as smtp://127.0.0.1:10026");
	else if (has_part(parsed, CURLUPART_USER))
		error_set(err, ERROR_CONFIG,
			"a name or password cannot stand in it");
	else if (has_part(parsed, CURLUPART_PATH))
		error_set(err, ERROR_CONFIG,
			"nothing may stand behind host and port");
	else
		result = 0;
	curl_url_cleanup(parsed);
	return result;
}

static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	/* As getaddrinfo reads it: 127.1 is an address too. */
	if (inet_aton(host, &v4) != 0)
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcasecmp(host, "localhost") == 0 ||
	       strcasecmp(host, "localhost.") == 0;
}

bool
net_submit_stays_here(const char *uri)
{
	char *host = NULL, bare[64] = "";
	CURLU *parsed = curl_url();
	bool here = false;

	if (parsed != NULL &&
		curl_url_set(parsed, CURLUPART_URL, uri, 0) == CURLUE_OK &&
		curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		size_t len = strlen(host);

		if (host[0] == '[' && len > 2 && len - 2 < sizeof(bare))
			memcpy(bare, host + 1, len - 2);
		here = is_loopback(bare[0] != '\0' ? bare : host);
	}
	curl_free(host);
	curl_url_cleanup(parsed);
	return here;
}
