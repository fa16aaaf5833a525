/* Stores of the type ldap, on a real directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "pki_fixture.h"
#include "slapd_fixture.h"
#include "store/store.h"

static char smime[] = "userSMIMECertificate;binary";
static char user[] = "userCertificate";
static void *attributes[] = { smime, user };

/* What the log would have heard. */
static struct {
	pthread_mutex_t lock;
	struct list texts;
} heard = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
hear(enum event_kind kind UNUSED, const char *text)
{
	pthread_mutex_lock(&heard.lock);
	list_add(&heard.texts, mem_string(text));
	pthread_mutex_unlock(&heard.lock);
}

/* How often this was said; then it is forgotten. */
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

static struct store_settings
settings_for(const char *uri)
{
	return (struct store_settings){ .name = "ad",
		.type = "ldap",
		.uri = uri,
		.base = SLAPD_SUFFIX,
		.filter = "(|(mail=%s)(proxyAddresses=smtp:%s))",
		.attributes = { attributes, COUNT_OF(attributes), 0 },
		.timeout_seconds = 5 };
}

static struct store *
open_ldap(const struct store_settings *settings)
{
	struct list warnings = { 0 };
	struct store *store = NULL;
	struct error err = { 0 };

	if (store_open(settings, &store, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	list_clear(&warnings, mem_free);
	return store;
}

static int
find(struct store *store, const char *text, struct list *out, struct error *err)
{
	struct address *address = NULL;
	int result;

	assert_int_equal(addr_parse(text, &address, NULL), 0);
	result = store_find(store, address, NULL, 0, out, err);
	address_free(address);
	return result;
}

static int
count(struct store *store, const char *text)
{
	struct list found = { 0 };
	struct error err = { 0 };
	int certs;

	if (find(store, text, &found, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	certs = (int)found.count;
	list_clear(&found, cert_unref);
	return certs;
}

static void
assert_fails(struct store *store, const char *text, enum error_kind kind,
	const char *says)
{
	struct list found = { 0 };
	struct error err = { 0 };

	if (find(store, text, &found, &err) == 0)
		fail_msg("%s: found %zu, not \"%s\"", text, found.count, says);
	if (err.kind != kind)
		fail_msg("%s: %s", text, err.text);
	assert_says(text, err.text, says);
	assert_says(text, err.text, "store ad: ");
	assert_int_equal(found.count, 0);
}

static void
everyone_is_found_by_each_of_their_addresses(void **state UNUSED)
{
	static const struct {
		const char *address;
		int certs;
		const char *source;
	} rows[] = {
		{ "paula@partner.example", 1,
			"store ad: cn=Paula,ou=people," SLAPD_SUFFIX
			", userCertificate" },
		{ "PAULA@Partner.Example", 1, "cn=Paula," },
		{ "peter@partner.example", 1, "cn=Peter," },
		{ "first@partner.example", 1, "cn=Peter," },
		{ "carol@example.com", 1, ", userSMIMECertificate" },
		{ "dave@example.com", 1, ", userSMIMECertificate" },
		{ "bob@example.com", 2, ", userSMIMECertificate" },
		{ "frank@example.com", 2, ", userCertificate" },
		{ "post@xn--bcher-kva.example", 1, "cn=Idn," },
		{ "post@b\xc3\xbc"
		  "cher.example",
			1, "cn=Idn," },
		{ "\"a*b(c)d\\\\e\"@example.com", 1, "cn=Odd," },
		{ "nobody@example.com", 0, NULL },
		{ "*@example.com", 0, NULL },
		{ "\"*)(mail=*\"@example.com", 0, NULL },
		{ "\"a*\"@example.com", 0, NULL },
		{ "j\xc3\xb6rg@example.com", 0, NULL },
	};
	struct store_settings settings;
	struct store *store;

	slapd_need();
	settings = settings_for(slapd_uri());
	store = open_ldap(&settings);
	assert_string_equal(store_type(store), "ldap");
	assert_false(store_is_in_memory(store));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct list found = { 0 };
		struct error err = { 0 };
		const struct cert *cert;

		if (find(store, rows[i].address, &found, &err) != 0)
			fail_msg("%s: %s", rows[i].address, err.text);
		if ((int)found.count != rows[i].certs)
			fail_msg("%s: %zu", rows[i].address, found.count);
		if (found.count != 0) {
			cert = found.item[0];
			assert_says(
				rows[i].address, cert->source, rows[i].source);
			assert_null(cert->key);
		}
		list_clear(&found, cert_unref);
	}
	store_close(store);
}

static void
a_signed_pkcs7_brings_its_issuers_along(void **state UNUSED)
{
	struct list found = { 0 };
	struct store_settings settings;
	const struct cert *cert;
	struct store *store;

	slapd_need();
	settings = settings_for(slapd_uri());
	store = open_ldap(&settings);
	assert_int_equal(find(store, "carol@example.com", &found, NULL), 0);
	assert_int_equal(found.count, 1);
	cert = found.item[0];
	assert_false(cert_is_ca(cert));
	assert_int_equal(sk_X509_num(cert->chain), 1);
	list_clear(&found, cert_unref);
	store_close(store);
}

static void
what_is_no_certificate_is_skipped_with_a_word(void **state UNUSED)
{
	struct store_settings settings;
	struct store *store;

	slapd_need();
	settings = settings_for(slapd_uri());
	store = open_ldap(&settings);
	(void)count_heard("");
	assert_int_equal(count(store, "dave@example.com"), 1);
	assert_int_equal(count_heard("store ad: cn=Dave,ou=people," SLAPD_SUFFIX
				     ", userSMIMECertificate: "),
		1);
	store_close(store);
}

static void
attributes_that_differ_are_said_once_a_cache_period(void **state UNUSED)
{
	static const char words[] =
		"store ad: cn=Bob,ou=people," SLAPD_SUFFIX
		": userSMIMECertificate and userCertificate hold different "
		"certificates";
	struct store_settings settings;
	struct store *store;

	slapd_need();
	settings = settings_for(slapd_uri());
	settings.cache_seconds = 300;
	store = open_ldap(&settings);
	(void)count_heard("");
	assert_int_equal(count(store, "bob@example.com"), 2);
	assert_int_equal(count(store, "bob@example.com"), 2);
	assert_int_equal(count_heard(words), 1);
	assert_int_equal(count(store, "frank@example.com"), 2);
	assert_int_equal(count_heard("hold different"), 0);
	store_close(store);
}

/* What it is to be, and whether somebody who only a reader sees is found. */
static const struct {
	const char *label;
	enum { PLAIN, TLS, LOCAL } how;
	bool start_tls, bind;
	int secrets;
} good_ways[] = {
	{ "anonymous", PLAIN, false, false, 0 },
	{ "simple bind", PLAIN, false, true, 1 },
	{ "StartTLS", PLAIN, true, false, 0 },
	{ "StartTLS and bind", PLAIN, true, true, 1 },
	{ "ldaps", TLS, false, false, 0 },
	{ "ldaps and bind", TLS, false, true, 1 },
	{ "ldapi", LOCAL, false, false, 0 },
};

static void
every_way_to_connect_works(void **state UNUSED)
{
	slapd_need();
	for (size_t i = 0; i < COUNT_OF(good_ways); i++) {
		struct store_settings settings = settings_for(
			good_ways[i].how == PLAIN ? slapd_uri()
			: good_ways[i].how == TLS ? slapd_tls_uri()
						  : slapd_local_uri());
		struct list warnings = { 0 };
		struct error err = { 0 };
		struct store *store;

		settings.start_tls = good_ways[i].start_tls;
		settings.ca_file = slapd_path("ca.pem");
		if (good_ways[i].bind) {
			settings.bind_dn = SLAPD_READER;
			settings.password_file = slapd_path("password");
		}
		store = open_ldap(&settings);
		assert_int_equal(store_start(store, &warnings, &err), 0);
		if (warnings.count != 0)
			fail_msg("%s: %s", good_ways[i].label,
				(const char *)warnings.item[0]);
		if (count(store, "paula@partner.example") != 1 ||
			count(store, "secret@example.com") !=
				good_ways[i].secrets)
			fail_msg("%s", good_ways[i].label);
		store_close(store);
	}
}

static void
several_uris_are_tried_in_order(void **state UNUSED)
{
	struct store_settings settings;
	struct store *store;
	char *uris;

	slapd_need();
	uris = mem_printf("ldap://127.0.0.1:1  %s ", slapd_uri());
	settings = settings_for(uris);
	store = open_ldap(&settings);
	assert_int_equal(count(store, "paula@partner.example"), 1);
	store_close(store);
	mem_free(uris);
}

static void
the_password_in_clear_is_warned_of(void **state UNUSED)
{
	struct store_settings settings = settings_for("ldap://127.0.0.1:1");
	struct list warnings = { 0 };
	struct store *store = NULL;

	own_write("password", SPAN("secret\n"), 0600);
	settings.bind_dn = "cn=x";
	settings.password_file = own_path("password");
	assert_int_equal(store_open(&settings, &store, &warnings, NULL), 0);
	assert_int_equal(warnings.count, 1);
	assert_says("", warnings.item[0], "goes to the directory unprotected");
	list_clear(&warnings, mem_free);
	store_close(store);
}

static void
refused_connections_say_why(void **state UNUSED)
{
	struct store_settings settings;
	struct store *store;

	slapd_need();
	own_write("wrong", SPAN("wrong\n"), 0600);
	settings = settings_for(slapd_uri());
	settings.bind_dn = SLAPD_READER;
	settings.password_file = own_path("wrong");
	store = open_ldap(&settings);
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM,
		"bind_dn or password are not accepted");
	store_close(store);

	settings = settings_for(slapd_uri());
	settings.start_tls = true;
	settings.ca_file = slapd_path("other.pem");
	store = open_ldap(&settings);
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM,
		"no TLS: ldap://127.0.0.1:");
	store_close(store);

	settings = settings_for(slapd_tls_uri());
	settings.ca_file = slapd_path("other.pem");
	store = open_ldap(&settings);
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM,
		"/other.pem, not for this host, or not valid now");
	store_close(store);

	/* The system's authorities have not issued it either. */
	settings.ca_file = NULL;
	store = open_ldap(&settings);
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM,
		"its certificate is not issued by an authority in /");
	store_close(store);
}

/* Its certificate is for the address 127.0.0.1, not for this name. */
static void
a_certificate_of_another_host_is_refused(void **state UNUSED)
{
	struct store_settings settings;
	struct store *store;
	char *uri;

	slapd_need();
	uri = mem_printf("ldaps://localhost%s", strrchr(slapd_tls_uri(), ':'));
	settings = settings_for(uri);
	settings.ca_file = slapd_path("ca.pem");
	store = open_ldap(&settings);
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM,
		"not for this host");
	store_close(store);
	mem_free(uri);
}

static void
what_the_directory_refuses_is_not_none(void **state UNUSED)
{
	struct store_settings settings;
	struct store *store;
	struct list warnings = { 0 };

	slapd_need();
	settings = settings_for(slapd_uri());
	settings.base = "ou=nowhere," SLAPD_SUFFIX;
	store = open_ldap(&settings);
	assert_int_equal(store_start(store, &warnings, NULL), 0);
	assert_int_equal(warnings.count, 1);
	assert_says("start", warnings.item[0],
		"store ad: base \"ou=nowhere," SLAPD_SUFFIX
		"\" is not in the directory");
	list_clear(&warnings, mem_free);
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM,
		"is not in the directory");
	store_close(store);

	settings = settings_for(slapd_uri());
	store = open_ldap(&settings);
	assert_fails(store, "many@example.com", ERROR_LIMIT,
		"more entries for one address");
	assert_int_equal(count(store, "paula@partner.example"), 1);
	store_close(store);
}

static void
a_selector_finds_nothing_in_a_directory(void **state UNUSED)
{
	struct store_settings settings;
	struct cert_selector *selector = NULL;
	struct list found = { 0 };
	struct store *store;

	settings = settings_for("ldap://127.0.0.1:1");
	store = open_ldap(&settings);
	assert_int_equal(
		cert_selector_new("subject:CN=paula", &selector, NULL), 0);
	assert_int_equal(store_find(store, NULL, selector, 0, &found, NULL), 0);
	assert_int_equal(store_list(store, &found, NULL), 0);
	assert_int_equal(found.count, 0);
	cert_selector_free(selector);
	store_close(store);
}

static void
answers_are_kept_and_failures_are_not(void **state UNUSED)
{
	struct store_settings settings;
	struct store *store;

	slapd_need();
	settings = settings_for(slapd_uri());
	settings.cache_seconds = settings.negative_cache_seconds = 300;
	store = open_ldap(&settings);
	assert_int_equal(count(store, "paula@partner.example"), 1);
	assert_int_equal(count(store, "nobody@example.com"), 0);
	slapd_stop();
	assert_int_equal(count(store, "paula@partner.example"), 1);
	assert_int_equal(count(store, "nobody@example.com"), 0);
	assert_fails(store, "carol@example.com", ERROR_SYSTEM,
		"nobody listens there");
	slapd_start();
	store_close(store);

	settings.cache_seconds = settings.negative_cache_seconds = 0;
	store = open_ldap(&settings);
	assert_int_equal(count(store, "paula@partner.example"), 1);
	assert_int_equal(count(store, "nobody@example.com"), 0);
	slapd_stop();
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM, "");
	assert_fails(store, "nobody@example.com", ERROR_SYSTEM, "");
	slapd_start();
	store_close(store);
}

/* Until it is found; the back-off is over within seconds. */
static bool
is_found_again(struct store *store, const char *text)
{
	int64_t end = clock_monotonic_ms() + 30000;

	do {
		const struct timespec pause = { 0, 50000000 };
		struct list found = { 0 };
		bool good = find(store, text, &found, NULL) == 0 &&
			    found.count == 1;

		list_clear(&found, cert_unref);
		if (good)
			return true;
		nanosleep(&pause, NULL);
	} while (clock_monotonic_ms() < end);
	return false;
}

static void
a_directory_that_comes_back_serves_again(void **state UNUSED)
{
	const struct timespec pause = { 0, 50000000 };
	int64_t end = clock_monotonic_ms() + 60000;
	struct list warnings = { 0 }, lines = { 0 };
	struct store_settings settings;
	struct store *store;

	slapd_need();
	settings = settings_for(slapd_uri());
	slapd_stop();
	store = open_ldap(&settings);
	assert_int_equal(store_start(store, &warnings, NULL), 0);
	assert_int_equal(warnings.count, 1);
	assert_says("start", warnings.item[0], "mails that need it");
	list_clear(&warnings, mem_free);
	(void)count_heard("");
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM, "");
	slapd_start();
	assert_true(is_found_again(store, "paula@partner.example"));
	assert_int_equal(count_heard("the directory answers again"), 1);
	slapd_stop();
	assert_fails(store, "paula@partner.example", ERROR_SYSTEM, "");
	assert_int_equal(count_heard("mails that need it have to wait"), 1);
	store_concern(store, &lines);
	assert_int_equal(lines.count, 1);
	assert_says("concern", lines.item[0], "nobody listens there");
	slapd_start();
	/* It is found out although nobody looks anything up. */
	do {
		nanosleep(&pause, NULL);
		list_clear(&lines, mem_free);
		store_concern(store, &lines);
	} while (lines.count != 0 && clock_monotonic_ms() < end);
	assert_int_equal(lines.count, 0);
	assert_int_equal(count(store, "paula@partner.example"), 1);
	store_close(store);
}

/* The connection that waits leads nowhere; the look-up does not fail. */
static void
a_restart_between_two_lookups_is_not_noticed(void **state UNUSED)
{
	struct store_settings settings;
	struct store *store;

	slapd_need();
	settings = settings_for(slapd_uri());
	store = open_ldap(&settings);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(count(store, "paula@partner.example"), 1);
		slapd_stop();
		slapd_start();
	}
	assert_int_equal(count(store, "paula@partner.example"), 1);
	store_close(store);
}

struct crowd {
	struct store *store;
	_Atomic int wrong;
};

static void *
look_up_often(void *arg)
{
	struct crowd *crowd = arg;
	static const struct {
		const char *address;
		size_t certs;
	} rows[] = { { "paula@partner.example", 1 }, { "bob@example.com", 2 },
		{ "carol@example.com", 1 }, { "nobody@example.com", 0 },
		{ "frank@example.com", 2 } };

	for (size_t i = 0; i < 100; i++) {
		struct list found = { 0 };

		if (find(crowd->store, rows[i % COUNT_OF(rows)].address, &found,
			    NULL) != 0 ||
			found.count != rows[i % COUNT_OF(rows)].certs)
			crowd->wrong++;
		list_clear(&found, cert_unref);
	}
	return NULL;
}

static void
threads_share_connections_and_answers(void **state UNUSED)
{
	pthread_t thread[40];

	slapd_need();
	for (unsigned cached = 0; cached < 2; cached++) {
		struct store_settings settings = settings_for(slapd_uri());
		struct crowd crowd = { .wrong = 0 };

		settings.cache_seconds = settings.negative_cache_seconds =
			cached * 300;
		crowd.store = open_ldap(&settings);
		for (size_t i = 0; i < COUNT_OF(thread); i++)
			assert_int_equal(pthread_create(&thread[i], NULL,
						 look_up_often, &crowd),
				0);
		for (size_t i = 0; i < COUNT_OF(thread); i++)
			pthread_join(thread[i], NULL);
		assert_int_equal(crowd.wrong, 0);
		store_close(crowd.store);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everyone_is_found_by_each_of_their_addresses),
		cmocka_unit_test(a_signed_pkcs7_brings_its_issuers_along),
		cmocka_unit_test(what_is_no_certificate_is_skipped_with_a_word),
		cmocka_unit_test(
			attributes_that_differ_are_said_once_a_cache_period),
		cmocka_unit_test(every_way_to_connect_works),
		cmocka_unit_test(several_uris_are_tried_in_order),
		cmocka_unit_test(the_password_in_clear_is_warned_of),
		cmocka_unit_test(refused_connections_say_why),
		cmocka_unit_test(a_certificate_of_another_host_is_refused),
		cmocka_unit_test(what_the_directory_refuses_is_not_none),
		cmocka_unit_test(a_selector_finds_nothing_in_a_directory),
		cmocka_unit_test(answers_are_kept_and_failures_are_not),
		cmocka_unit_test(a_directory_that_comes_back_serves_again),
		cmocka_unit_test(a_restart_between_two_lookups_is_not_noticed),
		cmocka_unit_test(threads_share_connections_and_answers),
	};

	signal(SIGPIPE, SIG_IGN);
	/* Nothing of this must count, or half of the tests fail. */
	setenv("LDAPTLS_REQCERT", "never", 1);
	setenv("LDAPTLS_CACERT", "/dev/null", 1);
	setenv("LDAPSIZELIMIT", "1", 1);
	setenv("LDAPSASL_MECH", "none", 1);
	event_set_sink(hear);
	clock_set(FIXTURE_NOW);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
