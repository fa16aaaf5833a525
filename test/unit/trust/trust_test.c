/* Paths to anchors, and what is said of those that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "pki_fixture.h"
#include "trust/trust.h"

enum { LATE_2020 = 1606780800, NOW = FIXTURE_NOW };

static struct trust *
make_trust(const char *anchor, const char *intermediate)
{
	const char *const anchors[] = { anchor };
	const char *const intermediates[] = { intermediate };
	struct trust_settings settings = { .anchors = anchors,
		.anchor_count = anchor != NULL,
		.intermediates = intermediates,
		.intermediate_count = intermediate != NULL };
	struct trust *trust = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };

	clock_set(NOW);
	if (trust_new(&settings, &trust, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	list_clear(&warnings, mem_free);
	return trust;
}

static int
check(struct trust *trust, const char *path, time_t when, struct error *why)
{
	struct loaded loaded;
	int result;

	load_path(path, NULL, &loaded);
	result = trust_check(trust, loaded.certs.item[0], false, when, why);
	loaded_clear(&loaded);
	return result;
}

/*
 * One row per path.  The openssl command judges the same case; `judge` is
 * false where we are stricter or have the reason in our own words only.
 */
static const struct row {
	const char *name;
	const char *intermediate; /* NULL: none */
	const char *reason;	  /* NULL: trusted */
	bool judge;
} rows[] = {
	{ "alice", "intermediate.pem", NULL, true },
	{ "carol", "intermediate.pem", NULL, true },
	{ "pss", "intermediate.pem", NULL, true },
	{ "any-eku", "intermediate.pem", NULL, true },
	{ "encrypt-only", "intermediate.pem", NULL, true },
	{ "subject-only", "intermediate.pem", NULL, true },
	{ "no-ku", "intermediate.pem", NULL, true },
	{ "inside", "constrained-ca.pem", NULL, true },
	{ "shallow", "deep-chain.pem", NULL, true },
	{ "intermediate", NULL, NULL, true },
	{ "ca", NULL, NULL, true },
	{ "alice", NULL,
		"no anchor or intermediate for issuer CN=Example "
		"Intermediate,O=Example",
		true },
	{ "alice", "deep-chain.pem", "no anchor or intermediate for issuer",
		true },
	{ "untrusted", "intermediate.pem",
		"no anchor or intermediate for issuer CN=Other Root", true },
	{ "untrusted", "other-ca.pem",
		"its root CN=Other Root,O=Example is not one of the anchors",
		true },
	{ "selfsigned", NULL, "it signed itself and is not one of the anchors",
		true },
	{ "other-ca", NULL, "it signed itself and is not one of the anchors",
		true },
	{ "late", "expired-ca.pem",
		"its authority CN=Expired Intermediate,O=Example expired on "
		"2021-01-01",
		true },
	{ "frank-expired", "intermediate.pem", "it expired on 2021-01-01",
		true },
	{ "future", "intermediate.pem", "it is not valid before 2043-01-01",
		true },
	{ "outside", "constrained-ca.pem", "do not permit one of its names",
		true },
	{ "mallory", "staff.pem",
		"CN=alice,O=Example stands above it but is no authority",
		true },
	{ "unsigned", "no-sign-ca.pem", "CN=Intermediate without keyCertSign",
		true },
	{ "deep", "deep-chain.pem", "longer than 8 certificates", true },
	{ "weak", "intermediate.pem", "its key is weak", true },
	{ "sha1", "intermediate.pem", "uses a weak digest", true },
	{ "wrong-eku", "intermediate.pem",
		"its extendedKeyUsage does not allow e-mail", false },
};

static bool
openssl_agrees(const struct row *row)
{
	char *untrusted = row->intermediate
				  ? mem_printf("-untrusted %s/%s", pki_dir(),
					    row->intermediate)
				  : mem_string("");
	char *command = mem_printf(
		"openssl verify -partial_chain -purpose any -auth_level 2 "
		"-verify_depth 6 -attime %d -no-CAfile -no-CApath -trusted "
		"%s/ca.pem %s %s/%s.pem >/dev/null 2>&1",
		NOW, pki_dir(), untrusted, pki_dir(), row->name);
	int status = system(command);

	mem_free(untrusted);
	mem_free(command);
	return (status == 0) == (row->reason == NULL);
}

static void
path_is_found_or_what_lacks_is_named(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		char *file = mem_printf("%s.pem", row->name);
		struct trust *trust = make_trust(pki_path("ca.pem"),
			row->intermediate ? pki_path(row->intermediate) : NULL);
		struct error why = { 0 };
		int result = check(trust, pki_path(file), NOW, &why);

		if (row->reason == NULL && result != 0)
			fail_msg("%s: %s", row->name, why.text);
		if (row->reason != NULL) {
			assert_int_equal(result, -1);
			assert_int_equal(why.kind, ERROR_TRUST);
			assert_says(row->name, why.text, row->reason);
		}
		if (row->judge && !openssl_agrees(row))
			fail_msg("%s: openssl says otherwise", row->name);
		trust_free(trust);
		mem_free(file);
	}
}

static void
own_chain_serves_without_intermediates(void **state UNUSED)
{
	struct trust *trust = make_trust(pki_path("ca.pem"), NULL);
	struct cert *alice = pki_user("alice");

	assert_int_equal(trust_check(trust, alice, false, NOW, NULL), 0);
	cert_unref(alice);
	trust_free(trust);
}

static void
without_anchors_nothing_is_trusted(void **state UNUSED)
{
	struct trust *trust = make_trust(NULL, pki_path("intermediate.pem"));
	struct error why = { 0 };

	assert_int_equal(trust_anchor_count(trust), 0);
	assert_int_equal(check(trust, pki_path("alice.pem"), NOW, &why), -1);
	assert_int_equal(why.kind, ERROR_TRUST);
	assert_string_equal(
		why.text, "no trust anchors are configured (trust.anchors)");
	trust_free(trust);
}

/* Neither an intermediate nor a chain that came along is an anchor. */
static void
intermediates_are_not_trusted_by_themselves(void **state UNUSED)
{
	struct trust *trust =
		make_trust(pki_path("other-ca.pem"), pki_path("chain.pem"));
	struct error why = { 0 };
	struct cert *alice = pki_user("alice");

	assert_int_equal(check(trust, pki_path("alice.pem"), NOW, &why), -1);
	assert_int_equal(why.kind, ERROR_TRUST);
	assert_int_equal(trust_check(trust, alice, false, NOW, &why), -1);
	assert_int_equal(why.kind, ERROR_TRUST);
	cert_unref(alice);
	trust_free(trust);
}

static void
any_certificate_may_be_an_anchor(void **state UNUSED)
{
	static const struct {
		const char *anchor, *trusted, *not_trusted;
	} anchors[] = {
		{ "intermediate.pem", "alice.pem", "inside.pem" },
		{ "selfsigned.pem", "selfsigned.pem", "alice.pem" },
		{ "alice.pem", "alice.pem", "bob.pem" },
		{ "alice.pem", "alice.pem", "mallory.pem" },
		{ "roots.pem", "untrusted.pem", "selfsigned.pem" },
		{ "chain.pem", "alice.pem", "untrusted.pem" },
		{ "alice.p7b", "bob.pem", "untrusted.pem" },
		{ "sha1-ca.pem", "sha1-ca.pem", "alice.pem" },
	};

	for (size_t i = 0; i < COUNT_OF(anchors); i++) {
		struct trust *trust =
			make_trust(pki_path(anchors[i].anchor), NULL);
		struct error why = { 0 };

		if (check(trust, pki_path(anchors[i].trusted), NOW, &why) != 0)
			fail_msg("%s: %s", anchors[i].anchor, why.text);
		assert_int_equal(check(trust, pki_path(anchors[i].not_trusted),
					 NOW, &why),
			-1);
		assert_int_equal(why.kind, ERROR_TRUST);
		trust_free(trust);
	}
}

static void
verdict_is_that_of_the_time_asked(void **state UNUSED)
{
	struct trust *trust =
		make_trust(pki_path("ca.pem"), pki_path("expired-ca.pem"));

	/* Each twice, and across: what is kept must not answer for another. */
	for (int i = 0; i < 2; i++) {
		struct error why = { 0 };

		assert_int_equal(
			check(trust, pki_path("late.pem"), LATE_2020, &why), 0);
		assert_int_equal(
			check(trust, pki_path("late.pem"), NOW, &why), -1);
		assert_says("late", why.text, "expired on 2021-01-01");
	}
	trust_free(trust);
}

/* A path that was missing is found as soon as somebody brings the chain. */
static void
bad_verdict_is_not_kept_for_another_chain(void **state UNUSED)
{
	struct trust *trust = make_trust(pki_path("ca.pem"), NULL);
	struct cert *with_chain = pki_user("alice");
	struct error why = { 0 };

	assert_int_equal(check(trust, pki_path("alice.pem"), NOW, &why), -1);
	assert_int_equal(trust_check(trust, with_chain, false, NOW, &why), 0);
	assert_int_equal(check(trust, pki_path("alice.pem"), NOW, &why), 0);
	cert_unref(with_chain);
	trust_free(trust);
}

static void
authority_for_servers_may_not_issue_for_mail(void **state UNUSED)
{
	struct trust *trust;
	struct error why = { 0 };

	own_run("(echo basicConstraints=critical,CA:true; echo "
		"extendedKeyUsage=serverAuth) >e && openssl ecparam -genkey "
		"-noout -name P-256 -out sk && openssl req -new -key sk -subj "
		"/CN=Servers -config /dev/null -out s.csr && openssl x509 -req "
		"-in s.csr -CA $P/ca.pem -CAkey $P/ca.key -CAserial sr "
		"-CAcreateserial -days 9999 -extfile e -out servers.pem && "
		"openssl req -new -key sk -subj /CN=leaf -config /dev/null "
		"-out l.csr && openssl x509 -req -in l.csr -CA servers.pem "
		"-CAkey sk -CAserial sr2 -CAcreateserial -days 9999 -out "
		"leaf.pem");
	trust = make_trust(pki_path("ca.pem"), own_path("servers.pem"));
	assert_int_equal(
		check(trust, own_path("leaf.pem"), time(NULL), &why), -1);
	assert_int_equal(why.kind, ERROR_TRUST);
	assert_says("servers", why.text,
		"CN=Servers may not issue certificates for e-mail");
	trust_free(trust);
	/* Named as an anchor the administrator has said that it may. */
	trust = make_trust(own_path("servers.pem"), NULL);
	assert_int_equal(
		check(trust, own_path("leaf.pem"), time(NULL), &why), 0);
	trust_free(trust);
}

/* A root as everybody makes it: no keyUsage, no key identifiers. */
static void
plain_root_of_the_openssl_command_is_fine(void **state UNUSED)
{
	struct trust *trust;
	struct error why = { 0 };

	own_run("echo basicConstraints=CA:true >e && openssl ecparam -genkey "
		"-noout -name P-256 -out pk && openssl req -new -key pk -subj "
		"/CN=Plain -config /dev/null -out p.csr && openssl x509 -req "
		"-in p.csr -signkey pk -days 9999 -extfile e -out plain.pem && "
		"openssl req -new -key pk -subj /CN=leaf -config /dev/null "
		"-out l.csr && openssl x509 -req -in l.csr -CA plain.pem "
		"-CAkey pk -CAserial ps -CAcreateserial -days 9999 -out "
		"pleaf.pem");
	trust = make_trust(own_path("plain.pem"), NULL);
	if (check(trust, own_path("pleaf.pem"), time(NULL), &why) != 0)
		fail_msg("%s", why.text);
	trust_free(trust);
}

static void
altered_certificate_is_not_trusted(void **state UNUSED)
{
	struct trust *trust =
		make_trust(pki_path("ca.pem"), pki_path("intermediate.pem"));
	struct buf der = { 0 };
	unsigned char *name;
	struct error why = { 0 };

	read_path(pki_path("alice.der"), &der);
	name = memmem(der.data, der.len, "alice@example.com", 17);
	assert_non_null(name);
	name[0] = 'A';
	own_write("altered.der", buf_span(&der), 0644);
	buf_clear(&der);
	assert_int_equal(check(trust, own_path("altered.der"), NOW, &why), -1);
	assert_int_equal(why.kind, ERROR_TRUST);
	assert_says("altered", why.text, "the signature on CN=alice");
	trust_free(trust);
}

static void
bad_files_are_configuration_errors(void **state UNUSED)
{
	static const struct {
		const char *anchor, *intermediate, *says;
		enum error_kind kind;
	} files[] = {
		{ "nothing.pem", NULL, "trust.anchors: ", ERROR_CONFIG },
		{ NULL, "nothing.pem", "trust.intermediates: ", ERROR_CONFIG },
		{ "text", NULL, "neither PEM nor", ERROR_FORMAT },
	};

	own_write("text", SPAN("text\n"), 0644);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		const char *anchor =
			own_path(files[i].anchor ? files[i].anchor : "x");
		const char *intermediate = own_path(
			files[i].intermediate ? files[i].intermediate : "x");
		struct trust_settings settings = { .anchors = &anchor,
			.anchor_count = files[i].anchor != NULL,
			.intermediates = &intermediate,
			.intermediate_count = files[i].intermediate != NULL };
		struct trust *trust = NULL;
		struct list warnings = { 0 };
		struct error err = { 0 };

		assert_int_equal(
			trust_new(&settings, &trust, &warnings, &err), -1);
		assert_int_equal(err.kind, files[i].kind);
		assert_says("file", err.text, files[i].says);
	}
}

static void
odd_anchors_are_warned_of_and_described(void **state UNUSED)
{
	const char *const anchors[] = { pki_path("ca.pem"),
		pki_path("expired-ca.pem"), pki_path("selfsigned.pem"),
		pki_path("constrained-ca.pem") };
	struct trust_settings settings = { .anchors = anchors,
		.anchor_count = COUNT_OF(anchors) };
	struct trust *trust = NULL;
	struct list warnings = { 0 }, lines = { 0 };

	clock_set(NOW);
	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	assert_int_equal(trust_anchor_count(trust), COUNT_OF(anchors));
	assert_int_equal(warnings.count, 2);
	assert_true(list_has(&warnings, "expired on 2021-01-01"));
	assert_true(
		list_has(&warnings, "CN=selfsigned,O=Example is no authority"));
	assert_int_equal(trust_describe(trust, &lines, NULL), 0);
	assert_int_equal(lines.count, COUNT_OF(anchors));
	assert_true(list_has(&lines,
		"CN=Example Root,O=Example: everything it issues, until "
		"2045-01-01"));
	assert_true(list_has(&lines, "within its name constraints"));
	assert_true(list_has(&lines, "only this certificate itself"));
	list_clear(&warnings, mem_free);
	list_clear(&lines, mem_free);
	trust_free(trust);
}

struct race {
	struct trust *trust;
	struct list *certs;
	int wrong;
};

static void *
ask_often(void *p)
{
	struct race *race = p;
	struct cert *cert;

	for (int i = 0; i < 50; i++) {
		LIST_FOREACH (cert, race->certs) {
			char *subject = cert_subject(cert);
			bool good = strstr(subject, "CN=alice") ||
				    strstr(subject, "CN=bob") ||
				    strstr(subject, "CN=carol") ||
				    strstr(subject, "CN=Example");

			race->wrong += good != (trust_check(race->trust, cert,
							false, NOW, NULL) == 0);
			mem_free(subject);
		}
	}
	return NULL;
}

static void
threads_get_the_same_answers(void **state UNUSED)
{
	enum { THREADS = 4 };
	struct trust *trust =
		make_trust(pki_path("ca.pem"), pki_path("intermediate.pem"));
	struct race race[THREADS];
	pthread_t thread[THREADS];
	struct loaded loaded;

	own_run("cat $P/staff.pem $P/untrusted.pem $P/selfsigned.pem >race");
	load_path(own_path("race"), NULL, &loaded);
	for (int i = 0; i < THREADS; i++) {
		race[i] = (struct race){ trust, &loaded.certs, 0 };
		assert_int_equal(
			pthread_create(&thread[i], NULL, ask_often, &race[i]),
			0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(race[i].wrong, 0);
	}
	loaded_clear(&loaded);
	trust_free(trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_found_or_what_lacks_is_named),
		cmocka_unit_test(own_chain_serves_without_intermediates),
		cmocka_unit_test(without_anchors_nothing_is_trusted),
		cmocka_unit_test(intermediates_are_not_trusted_by_themselves),
		cmocka_unit_test(any_certificate_may_be_an_anchor),
		cmocka_unit_test(verdict_is_that_of_the_time_asked),
		cmocka_unit_test(bad_verdict_is_not_kept_for_another_chain),
		cmocka_unit_test(authority_for_servers_may_not_issue_for_mail),
		cmocka_unit_test(plain_root_of_the_openssl_command_is_fine),
		cmocka_unit_test(altered_certificate_is_not_trusted),
		cmocka_unit_test(bad_files_are_configuration_errors),
		cmocka_unit_test(odd_anchors_are_warned_of_and_described),
		cmocka_unit_test(threads_get_the_same_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
