#include "filing.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "addr/addr.h"
#include "base/leave.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/gateway.h"
#include "sandbox.h"

/* For the peer to send, and to read; for all of it, whatever hangs. */
enum { TALK_MS = 10 * 1000, WHOLE_SECONDS = 60 };

/* What is asked for. */
struct filing {
	const struct conf *conf;
	int fd;
	size_t bytes;
	struct address *address;
	const char *store; /* of conf */
};

/* ---- the process of its own ---- */

static int
read_bytes(const char *text, size_t *out, struct error *err)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || value == 0)
		return error_set(
			err, ERROR_FORMAT, "the request does not say how long");
	if (value > CA_HAND_MAX_BYTES)
		return error_set(err, ERROR_LIMIT,
			"a certificate with its key and chain has at most %d "
			"bytes",
			CA_HAND_MAX_BYTES);
	*out = value;
	return 0;
}

int
filing_find_store(const struct conf *conf, const char *name, const char **out,
	struct error *err)
{
	const char *one;

	LIST_FOREACH (one, &conf->managed) {
		if (strcmp(one, name) != 0)
			continue;
		*out = one;
		return 0;
	}
	return error_set(err, ERROR_CONFIG,
		"the daemon has no store \"%s\" of the type \"managed\"", name);
}

/* An address of ours has no blank, the name of a store may. */
static int
parse(struct filing *filing, char *words, struct error *err)
{
	char *address = words + strcspn(words, " "), *store;

	if (*address != '\0')
		*address++ = '\0';
	store = address + strcspn(address, " ");
	if (*store != '\0')
		*store++ = '\0';
	if (read_bytes(words, &filing->bytes, err) != 0 ||
		filing_find_store(filing->conf, store, &filing->store, err) !=
			0)
		return -1;
	return addr_parse(address, &filing->address, err);
}

static int
file(struct filing *filing, struct error *err)
{
	const struct ca_place place = { .store = filing->store,
		.state = filing->conf->state,
		.user = filing->conf->user };
	struct buf bytes = { .limit_bytes = CA_HAND_MAX_BYTES };
	int result = -1;

	if (control_take(filing->fd, filing->bytes, TALK_MS, &bytes, err) == 0)
		result =
			ca_take(&place, buf_span(&bytes), filing->address, err);
	buf_clear(&bytes);
	/* Nobody needs to be told any more that it is wanted. */
	if (result == 0)
		gateway_wanted_drop(filing->conf->state, filing->address);
	return result;
}

/* Nothing of the parent's stays open but the connection and stderr. */
static void
keep_only(struct filing *filing)
{
	closelog();
	if (filing->fd != STDERR_FILENO + 1 &&
		dup2(filing->fd, STDERR_FILENO + 1) < 0)
		_exit(EX_OSERR);
	filing->fd = STDERR_FILENO + 1;
	closefrom(STDERR_FILENO + 2);
	log_open(filing->conf->log_target, filing->conf->log_facility);
}

static void
set_signals(void)
{
	sigset_t none;

	unsetenv("NOTIFY_SOCKET");
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	alarm(WHOLE_SECONDS);
}

static _Noreturn void
run(const struct parent *parent, int fd, char *words, uid_t peer)
{
	struct filing filing = { .conf = parent->conf, .fd = fd };
	const char *missing = NULL;
	struct error err = { 0 };
	int code = CONTROL_YES;

	keep_only(&filing);
	set_signals();
	if (sandbox_drop_root(&parent->identity, &err) != 0 ||
		sandbox_seal(&missing, &err) != 0 ||
		parse(&filing, words, &err) != 0 || file(&filing, &err) != 0)
		code = err.kind == ERROR_SYSTEM ? CONTROL_TROUBLE : CONTROL_NO;
	if (code == CONTROL_YES)
		log_info("store %s: a certificate for %s is filed for user "
			 "number %lu",
			filing.store, filing.address->text,
			(unsigned long)peer);
	else
		log_warning("nothing is filed for user number %lu: %s",
			(unsigned long)peer, err.text);
	control_answer(filing.fd, code, err.text, TALK_MS);
	address_free(filing.address);
	mem_free(words);
	leave(EXIT_SUCCESS);
}

/* ---- the parent ---- */

static pid_t *
find(struct parent *parent, pid_t pid)
{
	for (size_t i = 0; i < FILINGS_MAX; i++)
		if (parent->filings[i] == pid)
			return &parent->filings[i];
	return NULL;
}

int
filing_start(
	struct parent *parent, int fd, const char *words, struct error *err)
{
	pid_t *place = find(parent, 0), pid;
	struct control_peer peer;

	if (place == NULL)
		return error_set(err, ERROR_SYSTEM,
			"%d certificates are being filed already, try later",
			FILINGS_MAX);
	if (control_peer_of(fd, &peer, err) != 0)
		return -1;
	pid = fork();
	if (pid < 0)
		return error_set(err, ERROR_SYSTEM,
			"cannot start a process: "
			"%s",
			strerror(errno));
	if (pid == 0)
		run(parent, fd, mem_string(words), peer.uid);
	*place = pid;
	return 0;
}

void
filing_ended(struct parent *parent, pid_t pid)
{
	pid_t *place = find(parent, pid);

	if (place != NULL)
		*place = 0;
}
