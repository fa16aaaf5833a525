/* The attacks on the rule engine: who gets a signature for which address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rule/rule.h"

static const char map_text[] = "# shared mailboxes\n"
			       "ann  info@example.com\tsales@example.com # x\n"
			       "\n"
			       "bob@example.com info@example.com\r\n"
			       "ann ann.other@example.com";

/* "local", "", or an address with or without "login@" in front as L:... */
static struct client
make_client(const char *ip, const char *login)
{
	struct client client = { .login = mem_string(login) };
	struct in_addr v4;

	if (ip == NULL)
		return client;
	if (strcmp(ip, "local") == 0) {
		client.local = true;
	} else if (inet_pton(AF_INET, ip, &v4) == 1) {
		char mapped[64];

		snprintf(mapped, sizeof(mapped), "::ffff:%s", ip);
		assert_int_equal(inet_pton(AF_INET6, mapped, &client.ip), 1);
		client.family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, ip, &client.ip), 1);
		client.family = AF_INET6;
	}
	return client;
}

static void
add_clients(struct list *list, const char *texts)
{
	char *copy = mem_string(texts), *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL) {
		struct client_condition *condition = NULL;
		struct error err = { 0 };

		if (client_condition_new(word, &condition, &err) != 0)
			fail_msg("%s", err.text);
		list_add(list, condition);
	}
	mem_free(copy);
}

struct row {
	const char *label;
	const char *clients; /* NULL: the default */
	enum from_must_be must;
	const char *ip, *login, *mail_from, *from;
	enum entitlement expect;
	const char *why;
};

#define A "ann@example.com"
#define E ENTITLED
#define N NOT_ENTITLED
#define S NOT_THE_SENDER
#define DFLT FROM_BY_CLIENT

static const struct row rows[] = {
	/* good */
	{ "login and envelope", NULL, DFLT, "192.0.2.1", "ann", A, A, E, 0 },
	{ "local", NULL, DFLT, "local", NULL, A, A, E, 0 },
	{ "other case in From", NULL, DFLT, "local", NULL, A,
		"Ann <ANN@Example.com>", E, 0 },
	{ "named network", "192.0.2.0/24", DFLT, "192.0.2.9", NULL, "x@y", A, E,
		0 },
	{ "named host", "192.0.2.9", DFLT, "192.0.2.9", NULL, A, A, E, 0 },
	{ "named IPv6 network", "2001:db8::/32", DFLT, "2001:db8::7", NULL,
		"x@y", A, E, 0 },
	{ "IPv4 as IPv6", "192.0.2.0/24", DFLT, "::ffff:192.0.2.9", NULL, A, A,
		E, 0 },
	{ "network as IPv6", "::ffff:192.0.2.0/120", DFLT, "192.0.2.9", NULL, A,
		A, E, 0 },
	{ "login is From", NULL, FROM_LOGIN, "192.0.2.1", A, "x@y", A, E, 0 },
	{ "login is From in another case", NULL, FROM_LOGIN, "192.0.2.1",
		"Ann@EXAMPLE.com", A, A, E, 0 },
	{ "login map", NULL, FROM_LOGIN, "192.0.2.1", "ann", A,
		"info@example.com", E, 0 },
	{ "login map, second word", NULL, FROM_LOGIN, "192.0.2.1", "ann", A,
		"sales@example.com", E, 0 },
	{ "login map, another line", NULL, FROM_LOGIN, "192.0.2.1", "ann", A,
		"Ann.Other@example.com", E, 0 },
	{ "login map, login as address", NULL, FROM_LOGIN, "192.0.2.1",
		"Bob@example.com", A, "info@example.com", E, 0 },
	{ "any", NULL, FROM_ANY, "192.0.2.1", "ann", "x@y", A, E, 0 },
	{ "everybody of IPv4", "0.0.0.0/0", DFLT, "198.51.100.1", NULL, A, A, E,
		0 },
	{ "everybody of IPv6", "::/0", DFLT, "2001:db8::1", NULL, A, A, E, 0 },
	/* odd */
	{ "no From: MAIL FROM", NULL, DFLT, "local", NULL, A, NULL, E, 0 },
	{ "group of one", NULL, DFLT, "local", NULL, A, "Team: " A ";", E, 0 },
	{ "two From, both his", NULL, DFLT, "local", NULL, A, A ", " A, E, 0 },
	{ "first condition does not fit, second does",
		"192.0.2.1 local 198.51.100.0/24", DFLT, "198.51.100.3", NULL,
		"x@y", A, E, 0 },
	/* attacks and refusals */
	{ "From written outside", NULL, DFLT, "198.51.100.1", NULL, A, A, N,
		"the client (198.51.100.1) is none of the clients" },
	{ "From written outside by IPv6", NULL, DFLT, "2001:db8::1", NULL, A, A,
		N, "the client (2001:db8::1)" },
	{ "client without address", NULL, DFLT, NULL, NULL, A, A, N,
		"the client (unknown)" },
	{ "127.0.0.1 with a port is not local", NULL, DFLT, "127.0.0.1", NULL,
		A, A, N, "the client (127.0.0.1)" },
	{ "::1 with a port is not local", NULL, DFLT, "::1", NULL, A, A, N,
		"the client (::1)" },
	{ "local is not 127.0.0.1", "127.0.0.1", DFLT, "local", NULL, A, A, N,
		"the client (local)" },
	{ "empty login is none", NULL, DFLT, "192.0.2.1", "", A, A, N, 0 },
	{ "neighbour of a network", "192.0.2.0/24", DFLT, "192.0.3.1", NULL, A,
		A, N, 0 },
	{ "neighbour of a host", "192.0.2.8", DFLT, "192.0.2.9", NULL, A, A, N,
		0 },
	{ "odd prefix", "192.0.2.128/25", DFLT, "192.0.2.127", NULL, A, A, N,
		0 },
	{ "neighbour in IPv6", "2001:db8::/33", DFLT, "2001:db8:8000::1", NULL,
		A, A, N, 0 },
	{ "::/0 is not IPv4", "::/0", DFLT, "192.0.2.1", NULL, A, A, N, 0 },
	{ "::/0 is not mapped IPv4", "::/0", DFLT, "::ffff:192.0.2.1", NULL, A,
		A, N, 0 },
	{ "clients named without authenticated", "192.0.2.0/24", DFLT,
		"198.51.100.1", "ann", A, A, N, "198.51.100.1, authenticated" },
	{ "colleague in From", NULL, DFLT, "192.0.2.1", "ann", A,
		"bob@example.com", S,
		"From <bob@example.com> is not MAIL FROM <" A ">" },
	{ "colleague in From, local", NULL, DFLT, "local", NULL, A,
		"bob@example.com", S, 0 },
	{ "colleague by login", NULL, FROM_LOGIN, "192.0.2.1", A,
		"bob@example.com", "bob@example.com", S,
		"does not belong to the login" },
	{ "colleague's address in the map", NULL, FROM_LOGIN, "192.0.2.1",
		"bob@example.com", A, "sales@example.com", S, 0 },
	{ "login in another case than the map", NULL, FROM_LOGIN, "192.0.2.1",
		"ANN", A, "info@example.com", S, 0 },
	{ "part of a login", NULL, FROM_LOGIN, "192.0.2.1", "an", A,
		"info@example.com", S, 0 },
	{ "login that is the local part", NULL, FROM_LOGIN, "192.0.2.1", "ann",
		A, A, S, 0 },
	{ "login rule, local client without login", NULL, FROM_LOGIN, "local",
		NULL, A, A, N, "asks for a login" },
	{ "login rule, named network", "192.0.2.0/24", FROM_LOGIN, "192.0.2.1",
		NULL, A, A, N, "asks for a login" },
	{ "login rule, no From", NULL, FROM_LOGIN, "192.0.2.1", "ann",
		"bob@example.com", NULL, S, 0 },
	{ "envelope rule, named network", "192.0.2.0/24", FROM_ENVELOPE,
		"192.0.2.1", NULL, "x@y", A, S, 0 },
	{ "authenticated in a named network", "192.0.2.0/24 authenticated",
		DFLT, "192.0.2.1", "ann", A, "bob@example.com", S, 0 },
	{ "two From, one a colleague's", NULL, DFLT, "local", NULL, A,
		A ", bob@example.com", S, 0 },
	{ "two From by login", NULL, FROM_LOGIN, "192.0.2.1", A, A,
		"bob@example.com, " A, S, 0 },
	{ "group with a colleague", NULL, DFLT, "local", NULL, A,
		"Team: " A ", bob@example.com;", S, 0 },
	{ "spoof in the display name", NULL, DFLT, "local", NULL, A,
		"\"" A "\" <eve@example.net>", S, "<eve@example.net>" },
	{ "spoof in a comment", NULL, DFLT, "local", NULL, A,
		"eve@example.net (" A ")", S, "<eve@example.net>" },
	{ "spoof in an encoded word", NULL, DFLT, "local", NULL, A,
		"=?utf-8?Q?ann=40example.com?= <eve@example.net>", S,
		"<eve@example.net>" },
	{ "homograph", NULL, DFLT, "local", NULL, A, "ann@ex\xd0\xb0mple.com",
		S, 0 },
	{ "homograph login", NULL, FROM_LOGIN, "192.0.2.1",
		"ann@ex\xd0\xb0mple.com", A, A, S, 0 },
	{ "null sender", NULL, DFLT, "local", NULL, "", A, N,
		"delivery reports and other mail from <> are not signed" },
	{ "null sender from a named network", "192.0.2.0/24", FROM_ANY,
		"192.0.2.1", NULL, "", A, N, "delivery reports" },
	{ "null sender without From", NULL, DFLT, "local", NULL, "", NULL, N,
		0 },
};

static void
check_row(const struct row *row, const struct login_map *map)
{
	struct rule rule = { .name = mem_string("r"),
		.from_must_be = row->must };
	struct client client = make_client(row->ip, row->login);
	struct address *mail_from = NULL;
	struct list from = { 0 };
	struct sender sender = { .from = &from, .known = true };
	struct error err = { 0 };
	enum entitlement got;

	if (row->clients != NULL)
		add_clients(&rule.clients, row->clients);
	assert_int_equal(
		addr_parse_path(span_string(row->mail_from), &mail_from, &err),
		0);
	sender.mail_from = mail_from;
	if (row->from != NULL &&
		addr_parse_mailboxes(span_string(row->from), &from, &err) != 0)
		fail_msg("%s: %s", row->label, err.text);
	sender.single = from.count == 1;
	got = rule_entitlement(&rule, &sender, &client, map, &err);
	if (got != row->expect)
		fail_msg("%s: %d, %s", row->label, got, err.text);
	if (got != ENTITLED &&
		(err.kind != ERROR_TRUST ||
			(row->why != NULL && !strstr(err.text, row->why))))
		fail_msg("%s: kind %d, %s", row->label, err.kind, err.text);
	list_clear(&from, address_free);
	address_free(mail_from);
	client_clear(&client);
	rule_clear(&rule);
}

static void
nobody_gets_a_signature_for_an_address_that_is_not_his(void **state)
{
	struct login_map *map = NULL;
	struct error err = { 0 };

	(void)state;
	if (login_map_parse(span_string(map_text), "logins", &map, &err) != 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		check_row(&rows[i], map);
	login_map_free(map);
}

static void
without_a_map_only_the_login_itself_counts(void **state)
{
	static const struct row own = { "own", NULL, FROM_LOGIN, "192.0.2.1", A,
		A, A, E, 0 };
	static const struct row other = { "other", NULL, FROM_LOGIN,
		"192.0.2.1", "ann", A, "info@example.com", S, 0 };

	(void)state;
	check_row(&own, NULL);
	check_row(&other, NULL);
}

static const struct {
	const char *text, *says;
} refused_clients[] = {
	{ "", "is no client" },
	{ "Authenticated", "is no client" },
	{ "localhost", "is no client" },
	{ "*", "is no client" },
	{ "192.0.2", "is no client" },
	{ "192.0.2.256", "is no client" },
	{ "192.0.02.1", "is no client" },
	{ "192.0.2.1 ", "is no client" },
	{ "/24", "is no client" },
	{ "192.0.2.0/", "prefix is a number of bits from 0 to 32" },
	{ "192.0.2.0/33", "prefix is a number of bits from 0 to 32" },
	{ "192.0.2.0/-1", "prefix" },
	{ "192.0.2.0/+8", "prefix" },
	{ "192.0.2.0/24x", "prefix" },
	{ "192.0.2.0/4294967320", "prefix" },
	{ "2001:db8::/129", "prefix is a number of bits from 0 to 128" },
	{ "192.0.2.1/24", "bits behind its prefix" },
	{ "2001:db8::1/32", "bits behind its prefix" },
	{ "[2001:db8::1]", "is no client" },
	{ "1111111111111111111111111111111111111111111111111111",
		"is no address" },
};

static void
what_is_no_client_is_a_configuration_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused_clients); i++) {
		struct client_condition *condition = NULL;
		struct error err = { 0 };

		if (client_condition_new(
			    refused_clients[i].text, &condition, &err) == 0)
			fail_msg("taken: %s", refused_clients[i].text);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (strstr(err.text, refused_clients[i].says) == NULL)
			fail_msg("%s: %s", refused_clients[i].text, err.text);
	}
}

static const struct {
	const char *label, *text;
	size_t len;
	const char *says;
} refused_maps[] = {
	{ "no address", "ann\n", 0, "logins:1: login \"ann\" has no address" },
	{ "only a comment behind", "ann # x\n", 0, "logins:1: " },
	{ "third line", "# x\n\nann ann\n", 0, "logins:3: \"ann\"" },
	{ "pattern", "ann *@example.com\n", 0, "not patterns" },
	{ "question mark", "ann a?@example.com\n", 0, "not patterns" },
	{ "brackets", "ann <a@b>\n", 0, "logins:1: " },
	{ "comma", "ann a@b,c@d\n", 0, "logins:1: " },
	{ "NUL", "ann a@b\0c\n", 10, "logins:1: a NUL" },
	{ "second is broken", "ann a@b c\n", 0, "\"c\"" },
};

static void
a_broken_login_map_names_file_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused_maps); i++) {
		struct login_map *map = NULL;
		struct error err = { 0 };
		size_t len = refused_maps[i].len ? refused_maps[i].len
						 : strlen(refused_maps[i].text);

		if (login_map_parse(span_of(refused_maps[i].text, len),
			    "logins", &map, &err) == 0)
			fail_msg("taken: %s", refused_maps[i].label);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (strstr(err.text, refused_maps[i].says) == NULL)
			fail_msg("%s: %s", refused_maps[i].label, err.text);
	}
}

static void
an_empty_login_map_is_one(void **state)
{
	static const char *const texts[] = { "", "\n\n", "# nobody\n",
		" \t \r\n#" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct login_map *map = NULL;

		assert_int_equal(
			login_map_parse(span_string(texts[i]), "l", &map, NULL),
			0);
		login_map_free(map);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			nobody_gets_a_signature_for_an_address_that_is_not_his),
		cmocka_unit_test(without_a_map_only_the_login_itself_counts),
		cmocka_unit_test(what_is_no_client_is_a_configuration_error),
		cmocka_unit_test(a_broken_login_map_names_file_and_line),
		cmocka_unit_test(an_empty_login_map_is_one),
	};

	return cmocka_run_group_tests_name(
		"rule/entitlement", tests, NULL, NULL);
}
