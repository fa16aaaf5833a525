/* Connections to directories that refuse a password, or one more of them. */
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
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "store/ldap_internal.h"

enum { CLIENTS_MAX = 64, SECONDS_MAX = 60 };

/* A server that can do no more than answer a bind. */
struct server {
	int listener;
	char uri[64];
	_Atomic int refuses; /* the password */
	_Atomic unsigned limit, clients, binds;
	int client[CLIENTS_MAX];
	pthread_t thread;
};

static void
answer(struct server *server, int fd)
{
	unsigned char said[] = { 0x30, 0x0c, 2, 1, 1, 0x61, 7, 10, 1, 0, 4, 0,
		4, 0 };
	char request[1024];

	if (read(fd, request, sizeof(request)) <= 0)
		return;
	said[9] = server->refuses ? 49 : 0;
	server->binds++;
	if (write(fd, said, sizeof(said)) < 0)
		return;
}

static void *
serve(void *arg)
{
	struct server *server = arg;
	int fd;

	while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
		unsigned number = server->clients++;

		if (number >= server->limit || number >= CLIENTS_MAX) {
			close(fd);
			continue;
		}
		server->client[number] = fd;
		answer(server, fd);
	}
	return NULL;
}

static void
begin(struct server *server)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);

	*server = (struct server){ .limit = CLIENTS_MAX };
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(server->listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(server->listener, 64), 0);
	assert_int_equal(
		getsockname(server->listener, (struct sockaddr *)&at, &len), 0);
	snprintf(server->uri, sizeof(server->uri), "ldap://127.0.0.1:%u",
		ntohs(at.sin_port));
	assert_int_equal(
		pthread_create(&server->thread, NULL, serve, server), 0);
}

static void
end(struct server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (server->client[i] != 0)
			close(server->client[i]);
}

static struct ldap_pool *
open_pool(const char *uris, bool with_password)
{
	static char user[] = "userCertificate";
	static void *names[] = { user };
	struct store_settings settings = { .name = "ad",
		.type = "ldap",
		.uri = uris,
		.base = "dc=x",
		.filter = "(mail=%s)",
		.attributes = { names, 1, 0 },
		.timeout_seconds = 30 };
	struct list warnings = { 0 };
	struct ldap_plan plan = { 0 };
	struct ldap_pool *pool;
	struct error err = { 0 };

	if (with_password) {
		own_write("password", SPAN("secret\n"), 0600);
		settings.bind_dn = "cn=reader";
		settings.password_file = own_path("password");
	}
	ldap_connection_prepare();
	if (ldap_plan_make(&settings, &plan, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	list_clear(&warnings, mem_free);
	pool = ldap_pool_new(&plan);
	ldap_pool_announce(pool);
	return pool;
}

static struct ldap *
take(struct ldap_pool *pool)
{
	struct error err = { 0 };
	struct ldap *ld = NULL;

	if (ldap_pool_take(pool, clock_monotonic_ms() + SECONDS_MAX * 1000, &ld,
		    &err) != 0)
		fail_msg("%s", err.text);
	return ld;
}

static void
assert_none(struct ldap_pool *pool, int ms, const char *says)
{
	struct error err = { 0 };
	struct ldap *ld = NULL;

	assert_int_equal(
		ldap_pool_take(pool, clock_monotonic_ms() + ms, &ld, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_says("take", err.text, says);
}

/* What the log would have heard; its lock is not the pool's. */
static struct {
	pthread_mutex_t lock;
	struct list texts;
	struct ldap_pool *pool;
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
hear(enum event_kind kind UNUSED, const char *text)
{
	pthread_mutex_lock(&heard.lock);
	list_add(&heard.texts, mem_string(text));
	pthread_mutex_unlock(&heard.lock);
	if (heard.pool != NULL)
		ldap_pool_announce(heard.pool);
}

static unsigned
count_heard(const char *piece)
{
	const char *text;
	unsigned count = 0;

	pthread_mutex_lock(&heard.lock);
	LIST_FOREACH (text, &heard.texts)
		count += strstr(text, piece) != NULL;
	list_clear(&heard.texts, mem_free);
	pthread_mutex_unlock(&heard.lock);
	return count;
}

static void *
take_and_give(void *arg)
{
	struct ldap_pool *pool = arg;
	struct ldap *ld = NULL;

	if (ldap_pool_take(pool, clock_monotonic_ms() + SECONDS_MAX * 1000, &ld,
		    NULL) != 0)
		return arg;
	ldap_pool_give(pool, ld);
	return NULL;
}

/* Or the account is locked before the administrator has heard of it. */
static void
a_refused_password_is_offered_once_though_old_connections_work(
	void **state UNUSED)
{
	const struct timespec pause = { 0, 10000000 };
	struct server server;
	struct ldap_pool *pool;
	struct ldap *old;
	pthread_t thread[8];
	void *failed;

	begin(&server);
	pool = open_pool(server.uri, true);
	(void)count_heard("");
	old = take(pool);
	server.refuses = 1;
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, take_and_give, pool),
			0);
	while (server.binds < 2)
		nanosleep(&pause, NULL);
	assert_none(pool, 100, "");
	ldap_pool_give(pool, old);
	for (size_t i = 0; i < COUNT_OF(thread); i++) {
		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
	for (int i = 0; i < 10; i++) {
		old = take(pool);
		assert_none(pool, 20, "");
		ldap_pool_give(pool, old);
	}
	assert_int_equal(server.binds, 2);
	assert_int_equal(count_heard("are not accepted"), 1);
	ldap_pool_free(pool);
	end(&server);
}

static void
a_refused_password_is_offered_to_no_other_server(void **state UNUSED)
{
	struct server first, second;
	struct ldap_pool *pool;
	char *uris;

	begin(&first);
	begin(&second);
	first.refuses = second.refuses = 1;
	uris = mem_printf("%s %s", first.uri, second.uri);
	pool = open_pool(uris, true);
	for (int i = 0; i < 3; i++)
		assert_none(pool, 30000, "are not accepted");
	assert_int_equal(first.binds + second.binds, 1);
	ldap_pool_free(pool);
	mem_free(uris);
	end(&first);
	end(&second);
}

static void
a_refused_password_is_said_although_another_server_is_down(void **state UNUSED)
{
	struct server server;
	struct ldap_pool *pool;
	char *uris;

	begin(&server);
	server.refuses = 1;
	uris = mem_printf("ldap://127.0.0.1:1 %s", server.uri);
	pool = open_pool(uris, true);
	assert_none(pool, 30000, "are not accepted");
	ldap_pool_free(pool);
	mem_free(uris);
	end(&server);
}

/* Who waits gets one that is given back. */
static void
a_connection_too_many_fails_nobody_who_waits(void **state UNUSED)
{
	struct server server;
	struct ldap_pool *pool;
	struct ldap *ld;

	begin(&server);
	server.limit = 1;
	pool = open_pool(server.uri, false);
	(void)count_heard("");
	ld = take(pool);
	for (int i = 0; i < 3; i++)
		assert_none(
			pool, 200, "no connection to the directory in time");
	ldap_pool_give(pool, ld);
	ld = take(pool);
	ldap_pool_give(pool, ld);
	assert_int_equal(count_heard("have to wait"), 0);
	ldap_pool_free(pool);
	end(&server);
}

/* A log that stands still must not hold up those who look up. */
static void
nothing_is_said_while_others_are_shut_out(void **state UNUSED)
{
	struct ldap_pool *pool = open_pool("ldap://127.0.0.1:1", false);
	struct list lines = { 0 };

	(void)count_heard("");
	heard.pool = pool;
	assert_none(pool, 30000, "nobody listens there");
	ldap_pool_concern(pool, &lines);
	assert_int_equal(lines.count, 1);
	assert_says("", lines.item[0], "store ad: since 20");
	assert_says("", lines.item[0], ": nobody listens there");
	list_clear(&lines, mem_free);
	assert_int_equal(count_heard("have to wait"), 1);
	heard.pool = NULL;
	ldap_pool_free(pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_refused_password_is_offered_once_though_old_connections_work),
		cmocka_unit_test(
			a_refused_password_is_offered_to_no_other_server),
		cmocka_unit_test(
			a_refused_password_is_said_although_another_server_is_down),
		cmocka_unit_test(a_connection_too_many_fails_nobody_who_waits),
		cmocka_unit_test(nothing_is_said_while_others_are_shut_out),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(300);
	event_set_sink(hear);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
