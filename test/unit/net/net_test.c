/* Which URLs and addresses are asked at all; nothing is sent here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "net/net.h"

static const struct address_row {
	const char *text;
	bool is_private;
} addresses[] = {
	/* of everybody */
	{ "1.1.1.1", false },
	{ "9.255.255.255", false },
	{ "11.0.0.0", false },
	{ "100.63.255.255", false },
	{ "100.128.0.0", false },
	{ "126.255.255.255", false },
	{ "128.0.0.1", false },
	{ "172.15.255.255", false },
	{ "172.32.0.0", false },
	{ "192.0.1.1", false },
	{ "192.167.255.255", false },
	{ "192.169.0.0", false },
	{ "198.17.255.255", false },
	{ "198.20.0.0", false },
	{ "223.255.255.255", false },
	{ "2606:4700::1", false },
	{ "fbff::1", false },
	{ "fe00::1", false },
	{ "::ffff:8.8.8.8", false },
	{ "64:ff9b::808:808", false },
	{ "2002:808:808::1", false },
	/* of a few */
	{ "::ffff:0:8.8.8.8", false },
	{ "64:ff9b:2::1", false },
	{ "2001:1::1", false },
	{ "0.0.0.0", true },
	{ "10.0.0.0", true },
	{ "10.255.255.255", true },
	{ "100.64.0.0", true },
	{ "100.127.255.255", true },
	{ "127.0.0.1", true },
	{ "127.255.255.255", true },
	{ "169.254.169.254", true },
	{ "172.16.0.0", true },
	{ "172.31.255.255", true },
	{ "192.0.0.1", true },
	{ "192.168.0.0", true },
	{ "198.18.0.1", true },
	{ "224.0.0.1", true },
	{ "255.255.255.255", true },
	{ "::", true },
	{ "::1", true },
	{ "fc00::1", true },
	{ "fdff::1", true },
	{ "fe80::1", true },
	{ "febf::1", true },
	{ "fec0::1", true },
	{ "ff02::1", true },
	{ "::ffff:127.0.0.1", true },
	{ "::ffff:10.1.2.3", true },
	{ "64:ff9b::7f00:1", true },
	{ "2002:7f00:1::", true },
	{ "::ffff:0:10.1.2.3", true },
	{ "::ffff:0:127.0.0.1", true },
	{ "64:ff9b:1::808:808", true },
	{ "64:ff9b:1:ffff::1", true },
	{ "2001::1", true },
	{ "2001:0:ffff::1", true },
};

static void
addresses_of_the_inside_are_known(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		struct sockaddr_in in = { .sin_family = AF_INET };
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
		bool four = inet_pton(AF_INET, addresses[i].text,
				    &in.sin_addr) == 1;
		const struct sockaddr *address =
			four ? (struct sockaddr *)&in : (struct sockaddr *)&in6;

		if (!four)
			assert_int_equal(inet_pton(AF_INET6, addresses[i].text,
						 &in6.sin6_addr),
				1);
		if (net_is_private(address) != addresses[i].is_private)
			fail_msg("%s", addresses[i].text);
	}
}

static void
what_is_no_address_is_of_the_inside(void **state UNUSED)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	assert_true(net_is_private((struct sockaddr *)&un));
}

static const struct url_row {
	const char *url;
	const char *says; /* NULL: it would be asked for */
	enum error_kind kind;
} urls[] = {
	{ "ftp://h.invalid/x", "protocol \"ftp\"", ERROR_CONFIG },
	{ "file:///etc/passwd", "protocol \"file\"", ERROR_CONFIG },
	{ "gopher://h.invalid/x", "protocol \"gopher\"", ERROR_CONFIG },
	{ "ldaps://h.invalid/x", "protocol \"ldaps\"", ERROR_CONFIG },
	{ "htt://h.invalid/x", "protocol", ERROR_CONFIG },
	{ "", "protocol", ERROR_CONFIG },
	{ "http://", "", ERROR_CONFIG },
	{ "ldap:///cn=x?certificateRevocationList?base", "names no host",
		ERROR_CONFIG },
	{ "http://127.0.0.1/", "127.0.0.1 is a private", ERROR_CONFIG },
	{ "http://127.1/", "is a private", ERROR_CONFIG },
	{ "http://2130706433/", "is a private", ERROR_CONFIG },
	{ "http://0x7f.1/", "is a private", ERROR_CONFIG },
	{ "http://localhost/", "localhost is a private", ERROR_CONFIG },
	{ "http://localhost./", "is a private", ERROR_CONFIG },
	{ "http://a.LocalHost/", "is a private", ERROR_CONFIG },
	{ "http://[::1]/", "is a private", ERROR_CONFIG },
	{ "http://[::ffff:10.0.0.1]:80/", "is a private", ERROR_CONFIG },
	{ "http://user:secret@10.0.0.1/", "10.0.0.1 is a private",
		ERROR_CONFIG },
	{ "ldap://10.0.0.1/cn=x", "is a private", ERROR_CONFIG },
};

static void
urls_are_refused_before_anything_is_sent(void **state UNUSED)
{
	const struct net_settings settings = { .timeout_seconds = 5,
		.limit_bytes = 1000 };

	assert_int_equal(net_init(NULL), 0);
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct buf out = { 0 };
		struct error err = { 0 };

		assert_int_equal(
			net_fetch(urls[i].url, &settings, &out, &err), -1);
		if (err.kind != urls[i].kind ||
			strstr(err.text, urls[i].says) == NULL)
			fail_msg("%s: %s", urls[i].url, err.text);
		assert_int_equal(out.len, 0);
		buf_clear(&out);
	}
}

static void
urls_that_can_be_fetched_are_told_from_others(void **state UNUSED)
{
	char *longest = mem_alloc(NET_URL_BYTES + 2);

	assert_true(net_can_fetch("http://h.example/a.crl"));
	assert_true(net_can_fetch("https://h.example"));
	assert_true(net_can_fetch("HTTP://h.example:81/a?b"));
	assert_true(net_can_fetch("ldap://h.example/cn=x?a?base"));
	assert_false(net_can_fetch("ldaps://h.example/cn=x?a?base"));
	assert_false(net_can_fetch("ldap:///cn=x?a?base"));
	assert_false(net_can_fetch("file:///x"));
	assert_false(net_can_fetch("http://h.example/a\nb"));
	assert_false(net_can_fetch("x"));
	memset(longest, 'x', NET_URL_BYTES + 1);
	memcpy(longest, "http://h.example/", 17);
	assert_false(net_can_fetch(longest));
	longest[NET_URL_BYTES] = '\0';
	assert_true(net_can_fetch(longest));
	mem_free(longest);
}

static const struct proxy_row {
	const char *url, *says; /* NULL: it may be one */
} proxies[] = {
	{ "http://proxy.example.com:3128", NULL },
	{ "https://proxy.example.com", NULL },
	{ "HTTP://127.0.0.1:8080/", NULL },
	{ "socks5h://[::1]:1080", NULL },
	{ "proxy.example.com:3128", "it is no URL" },
	{ "x", "it is no URL" },
	{ "http://", "" },
	{ "http://p:port", "it is no URL" },
	{ "ftp://proxy.example.com", "begins with http://" },
	{ "socks5://proxy.example.com", "begins with http://" },
	{ "http://ann:secret@proxy.example.com", "name or password" },
	{ "http://ann@proxy.example.com", "name or password" },
	{ "http://proxy.example.com/x", "behind host and port" },
};

static void
proxies_are_judged_before_they_are_asked(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(proxies); i++) {
		struct error err = { 0 };
		int result = net_check_proxy(proxies[i].url, &err);

		if ((result == 0) != (proxies[i].says == NULL))
			fail_msg("%s: %s", proxies[i].url, err.text);
		if (result == 0)
			continue;
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (strstr(err.text, proxies[i].says) == NULL ||
			strstr(err.text, "secret") != NULL)
			fail_msg("%s: %s", proxies[i].url, err.text);
	}
}

static void
stop_ends_it(void **state UNUSED)
{
	const atomic_bool stop = true;
	const struct net_settings settings = { .timeout_seconds = 60,
		.limit_bytes = 1000,
		.allow_private = true,
		.stop = &stop };
	struct buf out = { 0 };
	struct error err = { 0 };

	/* Nobody listens on port 1, or somebody does: both must end. */
	assert_int_equal(
		net_fetch("http://127.0.0.1:1/", &settings, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_the_inside_are_known),
		cmocka_unit_test(what_is_no_address_is_of_the_inside),
		cmocka_unit_test(urls_are_refused_before_anything_is_sent),
		cmocka_unit_test(urls_that_can_be_fetched_are_told_from_others),
		cmocka_unit_test(proxies_are_judged_before_they_are_asked),
		cmocka_unit_test(stop_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
