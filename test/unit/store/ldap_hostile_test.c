/* Directories that are silent, or say what no directory says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "store/store.h"

/* A server: to each connection it says the same, and then waits. */
struct server {
	int listener;
	char uri[64];
	struct span words; /* NULL: it does not even accept */
	bool hangs_up;
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct server *server = arg;
	char request[1024];
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		/* What it says is the answer to the first request. */
		if (read(fd, request, sizeof(request)) > 0 &&
			write(fd, server->words.data, server->words.len) > 0 &&
			!server->hangs_up)
			while (read(fd, request, sizeof(request)) > 0) {
			}
		close(fd);
	}
	return NULL;
}

static void
begin(struct server *server, const char *scheme)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(server->listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(server->listener, 64), 0);
	assert_int_equal(
		getsockname(server->listener, (struct sockaddr *)&at, &len), 0);
	snprintf(server->uri, sizeof(server->uri), "%s://127.0.0.1:%u", scheme,
		ntohs(at.sin_port));
	if (server->words.data != NULL)
		assert_int_equal(
			pthread_create(&server->thread, NULL, serve, server),
			0);
}

static void
end(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	if (server->words.data != NULL)
		pthread_join(server->thread, NULL);
	close(server->listener);
}

static struct store *
open_ldap(const struct server *server, bool start_tls)
{
	static char user[] = "userCertificate";
	static void *names[] = { user };
	const struct store_settings settings = { .name = "ad",
		.type = "ldap",
		.uri = server->uri,
		.base = "dc=x",
		.filter = "(mail=%s)",
		.start_tls = start_tls,
		.attributes = { names, 1, 0 },
		.timeout_seconds = 1 };
	struct list warnings = { 0 };
	struct store *store = NULL;
	struct error err = { 0 };

	if (store_open(&settings, &store, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	list_clear(&warnings, mem_free);
	return store;
}

static enum error_kind
ask(struct store *store, int64_t deadline_ms, struct error *err)
{
	struct address *address = NULL;
	struct list found = { 0 };
	int result;

	*err = (struct error){ 0 };
	assert_int_equal(addr_parse("a@x.example", &address, NULL), 0);
	result = store_find(store, address, NULL, deadline_ms, &found, err);
	address_free(address);
	assert_int_equal(found.count, 0);
	return result == 0 ? ERROR_NONE : err->kind;
}

#define BIND_DONE "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"
/* An answer to the search with the number 2, as OpenLDAP counts. */
#define ENTRY(octets, body) "\x30" octets "\x02\x01\x02" body

static const struct {
	const char *label, *scheme;
	bool start_tls;
	struct span words;
	bool hangs_up;
} servers[] = {
	{ "silent", "ldap", false, { NULL, 0 }, false },
	{ "silent, StartTLS", "ldap", true, { NULL, 0 }, false },
	{ "silent, ldaps", "ldaps", false, { NULL, 0 }, false },
	{ "hangs up", "ldap", false, SPAN("x"), true },
	{ "garbage", "ldap", false, SPAN("220 mail.example ESMTP\r\n"), false },
	{ "garbage in ldaps", "ldaps", false, SPAN("220 mail.example\r\n"),
		false },
	{ "half a TLS record", "ldaps", false, SPAN("\x16\x03\x03\x40\x00\x02"),
		false },
	{ "garbage for StartTLS", "ldap", true, SPAN("220 mail.example\r\n"),
		false },
	{ "two gigabytes to come", "ldap", false,
		SPAN("\x30\x84\x7f\xff\xff\xff\x02\x01\x01"), false },
	{ "a length of length", "ldap", false,
		SPAN("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff"), false },
	{ "half an answer", "ldap", false, SPAN("\x30\x0c\x02\x01\x01"),
		false },
	{ "bound, then silent", "ldap", false, SPAN(BIND_DONE), false },
	{ "bound, then gone", "ldap", false, SPAN(BIND_DONE), true },
	{ "bound, then garbage", "ldap", false, SPAN(BIND_DONE "\xff\xff\xff"),
		false },
	{ "an entry that is none", "ldap", false,
		SPAN(BIND_DONE ENTRY("\x09", "\x64\x04\x04\x7f\x41\x42")),
		false },
	{ "an answer of the wrong kind", "ldap", false,
		SPAN(BIND_DONE ENTRY(
			"\x0c", "\x61\x07\x0a\x01\x00\x04\x00\x04\x00")),
		false },
	{ "busy", "ldap", false,
		SPAN(BIND_DONE ENTRY(
			"\x0c", "\x65\x07\x0a\x01\x33\x04\x00\x04\x00")),
		false },
};

struct trial {
	struct server server;
	struct store *store;
	enum error_kind kind[2];
	struct error err[2];
	pthread_t thread;
};

/* And again a moment later, when nobody shall wait for it. */
static void *
try_twice(void *arg)
{
	struct trial *trial = arg;

	for (size_t i = 0; i < COUNT_OF(trial->kind); i++)
		trial->kind[i] = ask(trial->store, 0, &trial->err[i]);
	return NULL;
}

/* Never "there is none", and never for longer than the settings say. */
static void
no_such_server_is_ever_taken_for_an_answer(void **state UNUSED)
{
	static struct trial trials[COUNT_OF(servers)];

	for (size_t i = 0; i < COUNT_OF(servers); i++) {
		trials[i].server.words = servers[i].words;
		trials[i].server.hangs_up = servers[i].hangs_up;
		begin(&trials[i].server, servers[i].scheme);
		trials[i].store =
			open_ldap(&trials[i].server, servers[i].start_tls);
		assert_int_equal(pthread_create(&trials[i].thread, NULL,
					 try_twice, &trials[i]),
			0);
	}
	for (size_t i = 0; i < COUNT_OF(servers); i++) {
		pthread_join(trials[i].thread, NULL);
		store_close(trials[i].store);
		end(&trials[i].server);
	}
	for (size_t i = 0; i < COUNT_OF(servers); i++)
		for (size_t k = 0; k < 2; k++) {
			if (trials[i].kind[k] != ERROR_SYSTEM)
				fail_msg("%s: %s", servers[i].label,
					trials[i].err[k].text);
			assert_says(servers[i].label, trials[i].err[k].text,
				"store ad: ");
		}
}

/* An answer that can be read is one, also from here. */
static void
a_server_that_speaks_properly_is_believed(void **state UNUSED)
{
	struct server server = {
		.words = SPAN(BIND_DONE ENTRY(
			"\x0c", "\x65\x07\x0a\x01\x00\x04\x00\x04\x00"))
	};
	struct store *store;
	struct error err;

	begin(&server, "ldap");
	store = open_ldap(&server, false);
	assert_int_equal(ask(store, 0, &err), ERROR_NONE);
	store_close(store);
	end(&server);
}

static void
the_deadline_of_a_mail_comes_before_the_settings(void **state UNUSED)
{
	struct server server = { .words = { NULL, 0 } };
	struct store *store;
	struct error err;

	begin(&server, "ldap");
	store = open_ldap(&server, false);
	assert_int_equal(
		ask(store, clock_monotonic_ms() + 20, &err), ERROR_SYSTEM);
	assert_says("", err.text, "no connection to the directory in time");
	store_close(store);
	end(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_such_server_is_ever_taken_for_an_answer),
		cmocka_unit_test(a_server_that_speaks_properly_is_believed),
		cmocka_unit_test(
			the_deadline_of_a_mail_comes_before_the_settings),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
