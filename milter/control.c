/* The parent's end of the control socket: a little state per connection. */
#include "control/control.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "filing.h"
#include "parent.h"

/* For a peer that says nothing, or does not read; and for a reload. */
enum { TALK_MS = 10 * 1000, RELOAD_MS = 300 * 1000 };

void
control_close(struct connection *connection)
{
	if (connection->state == CONNECTION_FREE)
		return;
	close(connection->fd);
	control_reply_clear(&connection->reply);
	*connection = (struct connection){ .fd = -1 };
}

struct pollfd
control_pollfd(const struct connection *connection)
{
	struct pollfd wait = { -1, 0, 0 };

	if (connection->state == CONNECTION_FREE)
		return wait;
	wait.fd = connection->fd;
	switch (connection->state) {
	case CONNECTION_FREE:
	case CONNECTION_WAITS: /* errors and hang-ups are told all the same */
		break;
	case CONNECTION_ASKS:
		wait.events = POLLIN;
		break;
	case CONNECTION_HEARS:
		wait.events = POLLOUT;
		break;
	}
	return wait;
}

static bool
is_slow(const struct connection *connection)
{
	return connection->state == CONNECTION_ASKS ||
	       connection->state == CONNECTION_HEARS;
}

/* Those that say nothing must not keep others out: the oldest makes room. */
static struct connection *
find_free(struct parent *parent)
{
	struct connection *oldest = NULL;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *one = &parent->connections[i];

		if (one->state == CONNECTION_FREE)
			return one;
		if (is_slow(one) &&
			(oldest == NULL ||
				one->deadline_ms < oldest->deadline_ms))
			oldest = one;
	}
	if (oldest != NULL)
		control_close(oldest);
	return oldest;
}

void
control_accept_all(struct parent *parent)
{
	struct connection *connection;
	int fd;

	/* Not more at once, or the newest would push each other out unread. */
	for (unsigned i = 0; i < CONNECTIONS_MAX / 2; i++) {
		fd = control_accept(parent->control);
		if (fd < 0)
			return;
		connection = find_free(parent);
		if (connection == NULL) {
			close(fd);
			continue;
		}
		*connection = (struct connection){ .state = CONNECTION_ASKS,
			.fd = fd,
			.deadline_ms = clock_monotonic_ms() + TALK_MS };
	}
}

static void
send_some(struct connection *connection)
{
	/* All sent, or the peer has gone: both are the end. */
	if (control_send(connection->fd, &connection->reply, NULL) != 0)
		control_close(connection);
}

static void
answer(struct connection *connection, int code, struct span text)
{
	connection->state = CONNECTION_HEARS;
	connection->deadline_ms = clock_monotonic_ms() + TALK_MS;
	if (control_reply_set(&connection->reply, code, text, NULL) != 0)
		control_close(connection);
	else
		send_some(connection);
}

void
control_answer_reload(
	struct parent *parent, unsigned number, int code, struct span text)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &parent->connections[i];

		if (connection->state == CONNECTION_WAITS &&
			connection->waits_for <= number)
			answer(connection, code, text);
	}
}

/* ---- requests, a row each ---- */

static void
do_reload(
	struct parent *parent, struct connection *connection, const char *word)
{
	(void)word;
	if (parent->stopping) {
		answer(connection, CONTROL_TROUBLE,
			SPAN("the daemon is stopping\n"));
		return;
	}
	/* One under way may have read the file before it was changed. */
	connection->state = CONNECTION_WAITS;
	connection->deadline_ms = clock_monotonic_ms() + RELOAD_MS;
	connection->waits_for = parent->reload_number + 1;
	reload_begin(parent, RELOAD_WANTED);
}

static void
do_log(struct parent *parent, struct connection *connection, const char *word)
{
	int level = log_level_from_name(word);

	(void)parent;
	if (level < 0) {
		answer(connection, CONTROL_NO,
			SPAN("a log level is one of error, warning, info, "
			     "debug\n"));
		return;
	}
	log_set_level((enum log_level)level);
	log_warning("log level is %s from now on",
		log_level_name((enum log_level)level));
	answer(connection, CONTROL_YES, SPAN(""));
}

static void
answer_printed(struct parent *parent, struct connection *connection,
	int (*print)(struct parent *, struct buf *, struct error *))
{
	struct buf text = { .limit_bytes = CONTROL_ANSWER_MAX / 2 };
	struct error err;

	if (print(parent, &text, &err) != 0)
		answer(connection, CONTROL_TROUBLE, span_string(err.text));
	else
		answer(connection, CONTROL_YES, buf_span(&text));
	buf_clear(&text);
}

static void
do_status(
	struct parent *parent, struct connection *connection, const char *word)
{
	answer_printed(parent, connection,
		strcmp(word, "json") == 0 ? status_print_json : status_print);
}

static void
do_metrics(
	struct parent *parent, struct connection *connection, const char *word)
{
	(void)word;
	answer_printed(parent, connection, status_print_metrics);
}

/* To be asked before anything is issued. */
static void
do_may_file(
	struct parent *parent, struct connection *connection, const char *word)
{
	const char *store;
	struct error err;

	if (filing_find_store(parent->conf, word, &store, &err) != 0)
		answer(connection, CONTROL_NO, span_string(err.text));
	else
		answer(connection, CONTROL_YES, SPAN(""));
}

static void
do_file(struct parent *parent, struct connection *connection, const char *word)
{
	struct error err;

	if (filing_start(parent, connection->fd, word, &err) != 0)
		answer(connection, CONTROL_TROUBLE, span_string(err.text));
	else
		control_close(connection); /* it is answered from there */
}

enum right { RIGHT_LOOK, RIGHT_FILE, RIGHT_CHANGE };

static const struct request {
	const char *name;
	enum right right; /* who may? */
	void (*run)(struct parent *parent, struct connection *connection,
		const char *word);
} requests[] = {
	{ "status", RIGHT_LOOK, do_status },
	{ "metrics", RIGHT_LOOK, do_metrics },
	{ "may-file", RIGHT_FILE, do_may_file },
	{ "file", RIGHT_FILE, do_file },
	{ "reload", RIGHT_CHANGE, do_reload },
	{ "log", RIGHT_CHANGE, do_log },
};

static bool
may(const struct parent *parent, const struct control_peer *peer,
	enum right right)
{
	if (right == RIGHT_LOOK ||
		(right == RIGHT_FILE && parent->filer != (uid_t)-1 &&
			parent->filer == peer->uid))
		return true;
	for (size_t i = 0; i < parent->writer_count; i++)
		if (parent->writers[i] == peer->uid)
			return true;
	return false;
}

static void
obey(struct parent *parent, struct connection *connection)
{
	char *word = connection->request.text +
		     strcspn(connection->request.text, " ");
	const char *name = connection->request.text;
	struct control_peer peer;

	if (*word != '\0')
		*word++ = '\0';
	if (control_peer_of(connection->fd, &peer, NULL) != 0) {
		control_close(connection);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		if (strcmp(requests[i].name, name) != 0)
			continue;
		if (may(parent, &peer, requests[i].right)) {
			requests[i].run(parent, connection, word);
			return;
		}
		log_warning("user number %lu may not ask for %s",
			(unsigned long)peer.uid, requests[i].name);
		answer(connection, CONTROL_TROUBLE,
			SPAN("only root, the daemon's user and those named in "
			     "control.writers may do that\n"));
		return;
	}
	answer(connection, CONTROL_TROUBLE,
		SPAN("the daemon does not know this request\n"));
}

void
control_advance(struct parent *parent, struct connection *connection)
{
	struct error err;
	int whole;

	switch (connection->state) {
	case CONNECTION_FREE:
		break;
	case CONNECTION_WAITS: /* it has hung up */
		control_close(connection);
		break;
	case CONNECTION_HEARS:
		send_some(connection);
		break;
	case CONNECTION_ASKS:
		whole = control_receive(
			connection->fd, &connection->request, &err);
		if (whole == 1)
			obey(parent, connection);
		else if (whole < 0 && err.kind == ERROR_SYSTEM)
			control_close(connection);
		else if (whole < 0)
			answer(connection, CONTROL_TROUBLE,
				span_string(err.text));
		break;
	}
}
