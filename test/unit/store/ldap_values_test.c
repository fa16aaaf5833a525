/* Filters, values and kept answers: what needs no directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "store/ldap_internal.h"

static const struct {
	const char *label;
	struct span value;
	const char *escaped;
} values[] = {
	{ "plain", { (const unsigned char *)"a.b@x", 5 }, "a.b@x" },
	{ "star", { (const unsigned char *)"*", 1 }, "\\2a" },
	{ "brackets", { (const unsigned char *)")(x=*", 5 }, "\\29\\28x=\\2a" },
	{ "backslash", { (const unsigned char *)"\\2a", 3 }, "\\5c2a" },
	{ "NUL", { (const unsigned char *)"a\0b", 3 }, "a\\00b" },
	{ "control", { (const unsigned char *)"\r\n\x7f", 3 }, "\\0d\\0a\\7f" },
	{ "UTF-8", { (const unsigned char *)"\xc3\xbc", 2 }, "\\c3\\bc" },
	{ "no UTF-8", { (const unsigned char *)"\xff", 1 }, "\\ff" },
	{ "empty", { (const unsigned char *)"", 0 }, "" },
};

static void
every_value_is_the_value_of_one_assertion(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct buf out = { 0 };

		assert_int_equal(
			ldap_filter_escape(&out, values[i].value, NULL), 0);
		if (!span_is(buf_span(&out), values[i].escaped))
			fail_msg("%s: %.*s", values[i].label, (int)out.len,
				(const char *)out.data);
		buf_clear(&out);
	}
}

static void
the_address_stands_in_each_place_in_each_spelling(void **state UNUSED)
{
	static const struct {
		const char *address, *filter;
	} rows[] = {
		{ "A@X.example", "(|(mail=a@x.example)(p=smtp:a@x.example))" },
		{ "a*@x.example",
			"(|(mail=a\\2a@x.example)(p=smtp:a\\2a@x.example))" },
		{ "a@xn--bcher-kva.example",
			"(|(|(mail=a@xn--bcher-kva.example)"
			"(p=smtp:a@xn--bcher-kva.example))"
			"(|(mail=a@b\\c3\\bccher.example)"
			"(p=smtp:a@b\\c3\\bccher.example)))" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct address *address = NULL;
		struct buf out = { 0 };

		assert_int_equal(
			addr_parse(rows[i].address, &address, NULL), 0);
		assert_int_equal(ldap_filter_make("(|(mail=%s)(p=smtp:%s))",
					 address, &out, NULL),
			0);
		if (!span_is(buf_span(&out), rows[i].filter))
			fail_msg("%s: %.*s", rows[i].address, (int)out.len,
				(const char *)out.data);
		buf_clear(&out);
		address_free(address);
	}
}

/* ---- settings ---- */

static char binary[] = "userCertificate;binary";
static char bare[] = "usercertificate";
static char broken[] = "user Certificate";

static struct store_settings
good_settings(void)
{
	static void *names[] = { binary, bare };

	return (struct store_settings){ .name = "ad",
		.type = "ldap",
		.uri = "ldap://a.example ldaps://b.example:636/ ldapi:///",
		.base = "",
		.filter = "(&(mail=%s)(!(objectClass=device)))",
		.attributes = { names, COUNT_OF(names), 0 },
		.timeout_seconds = 5 };
}

static void
both_spellings_of_an_attribute_are_asked_for_once(void **state UNUSED)
{
	struct store_settings settings = good_settings();
	struct list warnings = { 0 };
	struct ldap_plan plan = { 0 };
	struct error err = { 0 };

	if (ldap_plan_make(&settings, &plan, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(warnings.count, 0);
	assert_int_equal(plan.uris.count, 3);
	assert_int_equal(plan.kinds.count, 1);
	assert_string_equal(plan.wanted[0], "userCertificate;binary");
	assert_string_equal(plan.wanted[1], "userCertificate");
	assert_null(plan.wanted[2]);
	ldap_plan_clear(&plan);
}

static void *odd_name[] = { broken };

static const struct {
	const char *label, *uri, *filter, *bind_dn, *password;
	const char *ca_file;
	bool start_tls, no_base, odd_attribute, no_attribute;
	const char *says;
} refused[] = {
	{ "no uri", "", NULL, NULL, NULL, NULL, 0, 0, 0, 0, "uri is missing" },
	{ "blanks", "  ", NULL, NULL, NULL, NULL, 0, 0, 0, 0,
		"uri is missing" },
	{ "http", "http://x", NULL, NULL, NULL, NULL, 0, 0, 0, 0,
		"\"http://x\" is no URI of a directory" },
	{ "a name alone", "dc1.example.com", NULL, NULL, NULL, NULL, 0, 0, 0, 0,
		"is no URI of a directory" },
	{ "the second", "ldap://a ldap:x", NULL, NULL, NULL, NULL, 0, 0, 0, 0,
		"\"ldap:x\" is no URI" },
	{ "no host", "ldap://", NULL, NULL, NULL, NULL, 0, 0, 0, 0,
		"names no host" },
	{ "a base in it", "ldap://a/dc=x", NULL, NULL, NULL, NULL, 0, 0, 0, 0,
		"says more than a host" },
	{ "UDP", "cldap://a", NULL, NULL, NULL, NULL, 0, 0, 0, 0, "is no" },
	{ "StartTLS in TLS", "ldaps://a", NULL, NULL, NULL, NULL, 1, 0, 0, 0,
		"cannot be with start_tls" },
	{ "no place", NULL, "(mail=x)", NULL, NULL, NULL, 0, 0, 0, 0,
		"has no %s for the address" },
	{ "open bracket", NULL, "(mail=%s", NULL, NULL, NULL, 0, 0, 0, 0,
		"is no filter" },
	{ "bracket too many", NULL, "(mail=%s))", NULL, NULL, NULL, 0, 0, 0, 0,
		"is no filter" },
	{ "no bracket", NULL, "mail=%s", NULL, NULL, NULL, 0, 0, 0, 0,
		"is no filter" },
	{ "two filters", NULL, "(mail=%s)(x=y)", NULL, NULL, NULL, 0, 0, 0, 0,
		"is no filter" },
	{ "no attribute", NULL, "(%s)", NULL, NULL, NULL, 0, 0, 0, 0,
		"is no filter" },
	{ "broken escape", NULL, "(mail=%s\\2)", NULL, NULL, NULL, 0, 0, 0, 0,
		"is no filter" },
	{ "no password", NULL, NULL, "cn=x", NULL, NULL, 0, 0, 0, 0,
		"password_file is not" },
	{ "nobody's password", NULL, NULL, NULL, "secret\n", NULL, 0, 0, 0, 0,
		"bind_dn is not" },
	{ "empty password", NULL, NULL, "cn=x", "\n", NULL, 0, 0, 0, 0,
		"empty" },
	{ "no base", NULL, NULL, NULL, NULL, NULL, 0, 1, 0, 0,
		"base is missing" },
	{ "odd attribute", NULL, NULL, NULL, NULL, NULL, 0, 0, 1, 0,
		"\"user Certificate\" is no name" },
	{ "no attribute at all", NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 1,
		"attributes: none is set" },
	{ "no authorities", NULL, NULL, NULL, NULL, "/nowhere", 0, 0, 0, 0,
		"ca_file: /nowhere: " },
};

static void
wrong_settings_are_refused_with_a_sentence(void **state UNUSED)
{

	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct store_settings settings = good_settings();
		struct list warnings = { 0 };
		struct store *store = NULL;
		struct error err = { 0 };

		if (refused[i].uri != NULL)
			settings.uri = refused[i].uri;
		if (refused[i].filter != NULL)
			settings.filter = refused[i].filter;
		settings.bind_dn = refused[i].bind_dn;
		settings.ca_file = refused[i].ca_file;
		settings.start_tls = refused[i].start_tls;
		if (refused[i].password != NULL) {
			own_write(
				"pass", span_string(refused[i].password), 0600);
			settings.password_file = own_path("pass");
		}
		if (refused[i].no_base)
			settings.base = NULL;
		if (refused[i].odd_attribute)
			settings.attributes = (struct list){ odd_name, 1, 0 };
		if (refused[i].no_attribute)
			settings.attributes = (struct list){ 0 };
		if (store_open(&settings, &store, &warnings, &err) == 0)
			fail_msg("%s: was not refused", refused[i].label);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_says(refused[i].label, err.text, refused[i].says);
		assert_says(refused[i].label, err.text, "store ad: ");
		list_clear(&warnings, mem_free);
	}
}

/* ---- values ---- */

static char smime_kind[] = "userSMIMECertificate";
static char user_kind[] = "userCertificate";
static void *kinds[] = { smime_kind, user_kind };
static char plan_name[] = "ad";
static const struct ldap_plan plan = { .store = plan_name,
	.kinds = { kinds, COUNT_OF(kinds), 0 } };

static void
add_file(struct ldap_answer *answer, const char *attribute, const char *name)
{
	struct buf bytes = { 0 };
	struct error err = { 0 };

	read_path(pki_path(name), &bytes);
	if (ldap_answer_add(answer, attribute, buf_span(&bytes), &err) != 0)
		fail_msg("%s: %s", name, err.text);
	buf_clear(&bytes);
}

static void
each_form_of_a_value_is_read(void **state UNUSED)
{
	static const struct {
		const char *attribute, *file;
		size_t certs, warnings;
	} rows[] = {
		{ "userCertificate;binary", "alice.der", 1, 0 },
		{ "usercertificate", "alice.der", 1, 0 },
		{ "USERCERTIFICATE;range=0-9", "alice.der", 1, 0 },
		{ "userSMIMECertificate", "alice-der.p7b", 1, 0 },
		{ "userSMIMECertificate;binary", "alice.pem", 1, 0 },
		/* odd but accepted */
		{ "userCertificate", "alice-der.p7b", 1, 0 },
		{ "mail", "alice.der", 0, 0 },
		{ "userCertificateX", "alice.der", 0, 0 },
		/* no certificate, and above all no key */
		{ "userCertificate", "alice.key", 0, 0 },
		{ "userCertificate", "alice.p12", 0, 1 },
		{ "userCertificate", "alice-null.p12", 1, 0 },
		{ "userCertificate", "make-no-sense", 0, 1 },
	};

	own_write("make-no-sense", SPAN("no certificate"), 0600);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ldap_answer answer;
		struct buf bytes = { 0 };
		struct cert *cert;

		ldap_answer_init(&answer, &plan);
		assert_int_equal(
			ldap_answer_begin(&answer, "cn=alice", NULL), 0);
		read_path(strchr(rows[i].file, '.') ? pki_path(rows[i].file)
						    : own_path(rows[i].file),
			&bytes);
		assert_int_equal(ldap_answer_add(&answer, rows[i].attribute,
					 buf_span(&bytes), NULL),
			0);
		assert_int_equal(ldap_answer_end(&answer, NULL), 0);
		if (answer.certs.count != rows[i].certs ||
			answer.warnings.count < rows[i].warnings)
			fail_msg("%s as %s: %zu certificates, %zu warnings",
				rows[i].file, rows[i].attribute,
				answer.certs.count, answer.warnings.count);
		LIST_FOREACH (cert, &answer.certs)
			assert_null(cert->key);
		buf_clear(&bytes);
		ldap_answer_clear(&answer);
	}
}

static void
one_certificate_in_both_attributes_is_one(void **state UNUSED)
{
	struct ldap_answer answer;
	const struct cert *cert;

	ldap_answer_init(&answer, &plan);
	assert_int_equal(ldap_answer_begin(&answer, "cn=alice", NULL), 0);
	add_file(&answer, "userCertificate;binary", "alice.der");
	add_file(&answer, "userSMIMECertificate", "alice-der.p7b");
	assert_int_equal(ldap_answer_end(&answer, NULL), 0);
	assert_int_equal(answer.certs.count, 1);
	assert_int_equal(answer.warnings.count, 0);
	cert = answer.certs.item[0];
	assert_string_equal(
		cert->source, "store ad: cn=alice, userSMIMECertificate");
	ldap_answer_clear(&answer);
}

static void
a_revocation_list_in_a_pkcs7_does_no_harm(void **state UNUSED)
{
	struct ldap_answer answer;
	struct buf bytes = { 0 };

	own_run("printf '[ca]\\ndefault_ca=us\\n[us]\\ndatabase=i\\n"
		"default_md=sha256\\n' >c && : >i && "
		"openssl ca -gencrl -config c -cert $P/ca.pem -keyfile "
		"$P/ca.key -crldays 30 -out crl.pem && "
		"openssl crl2pkcs7 -in crl.pem -certfile $P/alice.pem "
		"-outform DER -out both.p7b");
	read_path(own_path("both.p7b"), &bytes);
	ldap_answer_init(&answer, &plan);
	assert_int_equal(ldap_answer_begin(&answer, "cn=alice", NULL), 0);
	assert_int_equal(ldap_answer_add(&answer, "userSMIMECertificate",
				 buf_span(&bytes), NULL),
		0);
	assert_int_equal(ldap_answer_end(&answer, NULL), 0);
	assert_int_equal(answer.certs.count, 1);
	assert_int_equal(answer.warnings.count, 0);
	ldap_answer_clear(&answer);
	buf_clear(&bytes);
}

/* What others would use who look into one attribute alone. */
static void
attributes_differ_by_what_can_be_used_of_them(void **state UNUSED)
{
	static const struct {
		const char *label, *smime[2], *user[2];
		bool differ;
	} rows[] = {
		{ "the same", { "bob.pem" }, { "bob.pem" }, false },
		{ "an old one beside", { "frank.pem" },
			{ "frank.pem", "frank-expired.pem" }, false },
		{ "one to sign beside", { "erin-encrypt.pem", "erin-sign.pem" },
			{ "erin-encrypt.pem" }, false },
		{ "one attribute alone", { "bob.pem", "carol.pem" }, { NULL },
			false },
		{ "two", { "bob.pem" }, { "carol.pem" }, true },
		{ "one more", { "bob.pem" }, { "bob.pem", "carol.pem" }, true },
		{ "only an old one", { "frank-expired.pem" }, { "frank.pem" },
			true },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ldap_answer answer;

		ldap_answer_init(&answer, &plan);
		assert_int_equal(ldap_answer_begin(&answer, "cn=x", NULL), 0);
		for (size_t k = 0; k < 2; k++) {
			if (rows[i].smime[k] != NULL)
				add_file(&answer, "userSMIMECertificate",
					rows[i].smime[k]);
			if (rows[i].user[k] != NULL)
				add_file(&answer, "userCertificate",
					rows[i].user[k]);
		}
		assert_int_equal(ldap_answer_end(&answer, NULL), 0);
		if (list_has(&answer.warnings, "hold different certificates") !=
			rows[i].differ)
			fail_msg("%s", rows[i].label);
		ldap_answer_clear(&answer);
	}
}

static void
an_answer_has_limits(void **state UNUSED)
{
	static unsigned char large[LDAP_VALUE_MAX_BYTES + 1];
	struct ldap_answer answer;
	struct error err = { 0 };
	unsigned good = 0;

	ldap_answer_init(&answer, &plan);
	while (ldap_answer_begin(&answer, "cn=x", &err) == 0)
		good++;
	assert_int_equal(good, LDAP_ENTRIES_MAX);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_says("entries", err.text, "more than 20 entries");
	ldap_answer_clear(&answer);

	assert_int_equal(ldap_answer_begin(&answer, "cn=x", NULL), 0);
	for (good = 0; ldap_answer_add(&answer, "userCertificate", SPAN("x"),
			       &err) == 0;)
		good++;
	assert_int_equal(good, LDAP_VALUES_MAX);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(answer.warnings.count, LDAP_WARNINGS_MAX);
	ldap_answer_clear(&answer);

	/* One value too large is skipped; all of them are too large. */
	assert_int_equal(ldap_answer_begin(&answer, "cn=x", NULL), 0);
	for (good = 0; ldap_answer_add(&answer, "userCertificate",
			       span_of(large, sizeof(large)), &err) == 0;)
		good++;
	assert_int_equal(good, LDAP_ANSWER_MAX_BYTES / sizeof(large));
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_true(list_has(&answer.warnings, "more than 262144 bytes"));
	ldap_answer_clear(&answer);
}

/* ---- kept answers ---- */

static void
answers_are_kept_as_long_as_was_said(void **state UNUSED)
{
	struct ldap_cache *cache = ldap_cache_new(300, 60);
	struct list certs = { 0 }, none = { 0 }, out = { 0 };

	list_add(&certs, pki_user("alice"));
	assert_false(ldap_cache_find(cache, "a@x", 0, &out));
	ldap_cache_keep(cache, "a@x", 1000, &certs);
	ldap_cache_keep(cache, "b@x", 1000, &none);
	assert_true(ldap_cache_find(cache, "a@x", 300999, &out));
	assert_int_equal(out.count, 1);
	assert_false(ldap_cache_find(cache, "a@x", 301000, &out));
	assert_true(ldap_cache_find(cache, "b@x", 60999, &out));
	assert_false(ldap_cache_find(cache, "b@x", 61000, &out));
	assert_false(ldap_cache_find(cache, "A@x", 1000, &out));
	assert_int_equal(out.count, 1);
	/* What was there is there no more, and the other way round. */
	ldap_cache_keep(cache, "a@x", 2000, &none);
	ldap_cache_keep(cache, "b@x", 2000, &certs);
	assert_true(ldap_cache_find(cache, "a@x", 2000, &out));
	assert_int_equal(out.count, 1);
	assert_true(ldap_cache_find(cache, "b@x", 2000, &out));
	assert_int_equal(out.count, 2);
	assert_false(ldap_cache_find(cache, "a@x", 62000, &out));
	assert_true(ldap_cache_find(cache, "b@x", 62000, &out));
	ldap_cache_free(cache);
	list_clear(&out, cert_unref);
	list_clear(&certs, cert_unref);
}

static void
zero_seconds_keep_nothing(void **state UNUSED)
{
	struct ldap_cache *cache = ldap_cache_new(0, 60);
	struct list certs = { 0 }, none = { 0 }, out = { 0 };

	list_add(&certs, pki_user("alice"));
	ldap_cache_keep(cache, "a@x", 0, &none);
	assert_true(ldap_cache_find(cache, "a@x", 1, &out));
	ldap_cache_keep(cache, "a@x", 2, &certs);
	assert_false(ldap_cache_find(cache, "a@x", 2, &out));
	ldap_cache_keep(cache, "b@x", 2, &certs);
	assert_false(ldap_cache_find(cache, "b@x", 2, &out));
	assert_int_equal(out.count, 0);
	ldap_cache_free(cache);
	list_clear(&certs, cert_unref);
}

static void
the_oldest_answer_goes_when_there_are_too_many(void **state UNUSED)
{
	struct ldap_cache *cache = ldap_cache_new(300, 60);
	struct list none = { 0 }, out = { 0 };
	char key[32];

	for (int i = 0; i <= LDAP_CACHE_MAX; i++) {
		snprintf(key, sizeof(key), "%d@x", i);
		ldap_cache_keep(cache, key, 0, &none);
	}
	assert_false(ldap_cache_find(cache, "0@x", 0, &out));
	assert_true(ldap_cache_find(cache, "1@x", 0, &out));
	assert_true(ldap_cache_find(cache, key, 0, &out));
	ldap_cache_free(cache);
}

static void
the_oldest_answer_goes_when_there_are_too_many_certificates(void **state UNUSED)
{
	enum { EACH = LDAP_CACHE_CERTS_MAX / 4 };
	struct ldap_cache *cache = ldap_cache_new(300, 60);
	struct cert *alice = pki_user("alice");
	struct list certs = { 0 }, out = { 0 };
	static const char *const keys[] = { "0@x", "1@x", "2@x", "3@x" };

	for (int i = 0; i < EACH; i++)
		list_add(&certs, cert_ref(alice));
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		ldap_cache_keep(cache, keys[i], 0, &certs);
	assert_true(ldap_cache_find(cache, "0@x", 1, &out));
	/* The same again counts once. */
	ldap_cache_keep(cache, "3@x", 1, &certs);
	assert_true(ldap_cache_find(cache, "0@x", 1, &out));
	list_add(&certs, cert_ref(alice));
	ldap_cache_keep(cache, "4@x", 1, &certs);
	assert_false(ldap_cache_find(cache, "0@x", 1, &out));
	assert_false(ldap_cache_find(cache, "1@x", 1, &out));
	assert_true(ldap_cache_find(cache, "2@x", 1, &out));
	assert_true(ldap_cache_find(cache, "4@x", 1, &out));
	/* What is over makes room as soon as anything is kept. */
	list_clear(&out, cert_unref);
	list_clear(&certs, cert_unref);
	ldap_cache_keep(cache, "5@x", 400000, &out);
	assert_int_equal(atomic_load(&alice->references), 1);
	cert_unref(alice);
	ldap_cache_free(cache);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_is_the_value_of_one_assertion),
		cmocka_unit_test(
			the_address_stands_in_each_place_in_each_spelling),
		cmocka_unit_test(
			both_spellings_of_an_attribute_are_asked_for_once),
		cmocka_unit_test(wrong_settings_are_refused_with_a_sentence),
		cmocka_unit_test(each_form_of_a_value_is_read),
		cmocka_unit_test(a_revocation_list_in_a_pkcs7_does_no_harm),
		cmocka_unit_test(one_certificate_in_both_attributes_is_one),
		cmocka_unit_test(attributes_differ_by_what_can_be_used_of_them),
		cmocka_unit_test(an_answer_has_limits),
		cmocka_unit_test(answers_are_kept_as_long_as_was_said),
		cmocka_unit_test(zero_seconds_keep_nothing),
		cmocka_unit_test(
			the_oldest_answer_goes_when_there_are_too_many),
		cmocka_unit_test(
			the_oldest_answer_goes_when_there_are_too_many_certificates),
	};

	clock_set(FIXTURE_NOW);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
