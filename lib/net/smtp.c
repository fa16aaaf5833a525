/* Lines to and from an SMTP server, over a connection that curl has made. */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/internal.h"

/* How often keep_working is asked while nothing comes. */
enum { SLICE_MS = 250 };

#if LIBCURL_VERSION_NUM >= 0x075500
static CURLcode
allow_smtp(CURL *curl)
{
	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
}
#else
static CURLcode
allow_smtp(CURL *curl)
{
	return curl_easy_setopt(curl, CURLOPT_PROTOCOLS,
		(long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
}
#endif

static int
on_progress(void *p, curl_off_t a UNUSED, curl_off_t b UNUSED,
	curl_off_t c UNUSED, curl_off_t d UNUSED)
{
	const struct submit_settings *settings = p;

	return settings->keep_working != NULL &&
	       settings->keep_working(settings->arg) == 0;
}

static int
set_login(CURL *curl, const struct submit_settings *settings)
{
	if (settings->login == NULL)
		return 0;
	return curl_easy_setopt(curl, CURLOPT_SASL_IR, 1L) != 0 ||
			       curl_easy_setopt(curl, CURLOPT_USERNAME,
				       settings->login) != 0 ||
			       curl_easy_setopt(curl, CURLOPT_PASSWORD,
				       settings->password) != 0
		       ? -1
		       : 0;
}

static int
set_tls(CURL *curl, const struct submit_settings *settings)
{
	if (curl_easy_setopt(curl, CURLOPT_USE_SSL,
		    settings->start_tls ? (long)CURLUSESSL_ALL
					: (long)CURLUSESSL_NONE) != 0)
		return -1;
	if (settings->ca_file == NULL)
		return 0;
	return curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != 0 ||
			       curl_easy_setopt(curl, CURLOPT_CAINFO,
				       settings->ca_file) != 0
		       ? -1
		       : 0;
}

static int
set_options(CURL *curl, const struct submit_settings *settings, char *detail)
{
	long seconds = (long)settings->timeout_seconds;

	if (curl_easy_setopt(curl, CURLOPT_URL, settings->uri) != 0 ||
		allow_smtp(curl) != 0 ||
		curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L) != 0 ||
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != 0 ||
		curl_easy_setopt(curl, CURLOPT_PROXY, "") != 0 ||
		curl_easy_setopt(
			curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) != 0 ||
		curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L) != 0 ||
		curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, seconds) != 0 ||
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, seconds) != 0 ||
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) != 0 ||
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) !=
			0 ||
		curl_easy_setopt(
			curl, CURLOPT_XFERINFODATA, (void *)settings) != 0 ||
		curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail) != 0)
		return -1;
	return set_tls(curl, settings) != 0 ? -1 : set_login(curl, settings);
}

int
smtp_connect(struct smtp *smtp, struct error *err)
{
	char detail[CURL_ERROR_SIZE] = "";
	CURLcode code;

	smtp->curl = curl_easy_init();
	if (smtp->curl == NULL ||
		set_options(smtp->curl, smtp->settings, detail) != 0)
		return error_set(
			err, ERROR_SYSTEM, "libcurl cannot speak SMTP");
	code = curl_easy_perform(smtp->curl);
	curl_easy_setopt(smtp->curl, CURLOPT_ERRORBUFFER, NULL);
	if (code != CURLE_OK)
		return error_set(err, ERROR_SYSTEM, "%s: %s",
			smtp->settings->uri,
			detail[0] != '\0' ? detail : curl_easy_strerror(code));
	smtp->out = mem_alloc(SMTP_OUT_BYTES);
	return 0;
}

void
smtp_close(struct smtp *smtp)
{
	if (smtp->curl != NULL)
		curl_easy_cleanup(smtp->curl);
	if (smtp->out != NULL)
		mem_wipe(smtp->out, SMTP_OUT_BYTES);
	mem_free(smtp->out);
	*smtp = (struct smtp){ 0 };
}

static int
lose(struct smtp *smtp, struct error *err, const char *why)
{
	smtp->lost = true;
	return error_set(err, ERROR_SYSTEM, "%s: %s", smtp->settings->uri, why);
}

/*
 * Asked before each step, and not only where nothing comes: a peer may always
 * have another byte.
 */
static int
check_time(struct smtp *smtp, int64_t until_ms, struct error *err)
{
	if (clock_monotonic_ms() < until_ms)
		return 0;
	return lose(smtp, err, "no answer in time");
}

/* 0 when something may be done again. */
static int
wait_for(struct smtp *smtp, short events, bool stubborn, struct error *err)
{
	const struct submit_settings *settings = smtp->settings;
	struct pollfd wait = { -1, events, 0 };
	curl_socket_t fd = CURL_SOCKET_BAD;
	int got;

	curl_easy_getinfo(smtp->curl, CURLINFO_ACTIVESOCKET, &fd);
	wait.fd = (int)fd;
	if (fd == CURL_SOCKET_BAD)
		return lose(smtp, err, "the connection is gone");
	if (!stubborn && settings->keep_working != NULL &&
		settings->keep_working(settings->arg) == 0)
		return lose(smtp, err, "given up, since the MTA has");
	got = poll(&wait, 1, SLICE_MS);
	if (got < 0 && errno != EINTR)
		return lose(smtp, err, strerror(errno));
	return 0;
}

static int64_t
deadline(const struct smtp *smtp)
{
	return clock_monotonic_ms() +
	       (int64_t)smtp->settings->timeout_seconds * 1000;
}

int
smtp_flush(struct smtp *smtp, struct error *err)
{
	int64_t until_ms = deadline(smtp);
	size_t done = 0;

	if (smtp->lost)
		return lose(smtp, err, "the connection is gone");
	while (done < smtp->out_len) {
		size_t sent = 0;
		CURLcode code;

		if (check_time(smtp, until_ms, err) != 0)
			return -1;
		code = curl_easy_send(smtp->curl, smtp->out + done,
			smtp->out_len - done, &sent);
		done += sent;
		if (code == CURLE_AGAIN) {
			if (wait_for(smtp, POLLOUT, false, err) != 0)
				return -1;
		} else if (code != CURLE_OK) {
			return lose(smtp, err, "the connection was closed");
		}
	}
	smtp->out_len = 0;
	return 0;
}

int
smtp_put(struct smtp *smtp, struct span bytes, struct error *err)
{
	while (bytes.len != 0) {
		size_t room = SMTP_OUT_BYTES - smtp->out_len;
		size_t len = bytes.len < room ? bytes.len : room;

		memcpy(smtp->out + smtp->out_len, bytes.data, len);
		smtp->out_len += len;
		bytes.data += len;
		bytes.len -= len;
		if (smtp->out_len == SMTP_OUT_BYTES &&
			smtp_flush(smtp, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- answers ---- */

/* One line without its end; longer ones are no SMTP (RFC 5321 4.5.3.1.5). */
static int
read_line(struct smtp *smtp, char line[SMTP_LINE_BYTES], int64_t until_ms,
	bool stubborn, struct error *err)
{
	for (;;) {
		char *end = memchr(smtp->in, '\n', smtp->in_len);
		size_t got = 0, len;
		CURLcode code;

		if (end != NULL) {
			len = (size_t)(end - smtp->in);
			memcpy(line, smtp->in, len);
			line[len] = '\0';
			line[strcspn(line, "\r")] = '\0';
			smtp->in_len -= len + 1;
			memmove(smtp->in, end + 1, smtp->in_len);
			return 0;
		}
		if (check_time(smtp, until_ms, err) != 0)
			return -1;
		if (smtp->in_len == sizeof(smtp->in))
			return lose(smtp, err, "an answer that is no SMTP");
		code = curl_easy_recv(smtp->curl, smtp->in + smtp->in_len,
			sizeof(smtp->in) - smtp->in_len, &got);
		smtp->in_len += got;
		if (code == CURLE_AGAIN) {
			if (wait_for(smtp, POLLIN, stubborn, err) != 0)
				return -1;
		} else if (code != CURLE_OK || got == 0) {
			return lose(smtp, err, "the connection was closed");
		}
	}
}

/* Printable ASCII: it may become part of a reply of our own. */
static void
keep_text(char *to, const char *from)
{
	size_t len = 0;

	for (; *from != '\0' && len + 1 < SUBMIT_ANSWER_BYTES; from++)
		to[len++] = *from >= 32 && *from < 127 ? *from : '?';
	to[len] = '\0';
}

int
smtp_read(struct smtp *smtp, struct smtp_answer *answer, struct error *err)
{
	int64_t until_ms = deadline(smtp);
	char line[SMTP_LINE_BYTES];

	if (smtp->lost)
		return lose(smtp, err, "the connection is gone");
	do {
		if (read_line(smtp, line, until_ms, answer->stubborn, err) != 0)
			return -1;
		if (strspn(line, "0123456789") < 3 ||
			(line[3] != ' ' && line[3] != '-' && line[3] != '\0'))
			return lose(smtp, err, "an answer that is no SMTP");
		if (answer->each != NULL && line[3] != '\0')
			answer->each(answer->arg, line + 4);
	} while (line[3] == '-');
	answer->code = (unsigned)strtoul(line, NULL, 10);
	keep_text(answer->text, line[3] != '\0' ? line + 4 : "");
	return 0;
}
