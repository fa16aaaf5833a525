/* Revocation lists: numbers rise, nothing is forgotten, openssl reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca_fixture.h"

enum { DAY = 86400, KEY_COMPROMISE = 1 };

static struct ca_settings *settings;
static struct ca *ca;

static int
set_up(void **state)
{
	(void)state;
	settings = house();
	settings->crl_file = mem_string(own_path("house.crl"));
	house_create(settings);
	ca = house_unlocked(settings);
	own_run("rm -f house.crl");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ca_close(ca);
	ca_settings_free(settings);
	clock_set(0);
	return 0;
}

static void
make(unsigned days)
{
	struct error err = { 0 };

	if (ca_crl(ca, days, &err) != 0)
		fail_msg("%s", err.text);
	own_run("openssl crl -inform DER -in house.crl -noout -CAfile "
		"ca/issuer.pem && cmp house.crl ca/crl.der && "
		"openssl crl -inform DER -in house.crl -noout -text >list");
}

static void
revoke(const struct ca_entry *entry, int reason)
{
	struct error err = { 0 };

	if (ca_revoke(ca, entry, reason, &err) != 0)
		fail_msg("%s", err.text);
}

static void
an_empty_list_is_a_list(void **state)
{
	(void)state;
	assert_true(ca_crl_is_due(ca, CA_NOW));
	make(0);
	own_run("grep -q 'No Revoked Certificates' list && grep -A1 'CRL "
		"Number' list | grep -qw 1 && grep -q 'Authority Key' list && "
		"grep -q 'Next Update: Jan 31 00:00:00 2026' list");
	assert_false(ca_crl_is_due(ca, CA_NOW));
}

static void
numbers_rise_and_reasons_stand_there(void **state)
{
	const struct ca_entry *a = house_issue(ca, "a@example.com");
	const struct ca_entry *b = house_issue(ca, "b@example.com");
	char *look = mem_printf(
		"tr '\\n' ' ' <list | grep -qi 'Number: %s *Revocation Date: "
		"Jan  3 00:00:00 2026 GMT *CRL entry extensions: *X509v3 CRL "
		"Reason Code: *Key Compromise'",
		a->serial);

	(void)state;
	make(0);
	clock_set(CA_NOW + 2 * DAY);
	revoke(a, KEY_COMPROMISE);
	assert_true(ca_crl_is_due(ca, CA_NOW + 2 * DAY));
	make(7);
	own_run(look);
	own_run("grep -A1 'CRL Number' list | grep -qw 2 && grep -q 'Next "
		"Update: Jan 10' list");
	revoke(b, 0);
	make(0);
	own_run("test $(grep -c 'Serial Number' list) = 2 && test $(grep -c "
		"'Reason Code' list) = 1 && grep -A1 'CRL Number' list | "
		"grep -qw 3");
	assert_no_problems(ca);
	mem_free(look);
}

static void
openssl_refuses_who_stands_on_it(void **state)
{
	const struct ca_entry *a = house_issue(ca, "a@example.com");
	const struct ca_entry *b = house_issue(ca, "b@example.com");

	(void)state;
	revoke(a, KEY_COMPROMISE);
	make(0);
	own_certificate(ca, a, "a.pem");
	own_certificate(ca, b, "b.pem");
	own_run("openssl crl -inform DER -in house.crl -out list.pem && "
		"openssl crl -inform DER -in ca/root.crl -out root.pem && "
		"v='openssl verify -attime 1767225700 -crl_check_all -CAfile "
		"ca/root.pem -untrusted ca/issuer.pem -CRLfile list.pem "
		"-CRLfile root.pem' && $v b.pem && ! $v a.pem");
}

static void
it_is_due_before_it_ends(void **state)
{
	(void)state;
	make(10);
	assert_false(ca_crl_is_due(ca, CA_NOW + 4 * DAY));
	assert_true(ca_crl_is_due(ca, CA_NOW + 5 * DAY));
	own_run("cp ca/root.crl house.crl && sed -i s/x/x/ house.crl");
	make(10);
	/* Whoever put an old one there. */
	own_run("cp house.crl old.crl");
	make(10);
	own_run("cp old.crl house.crl");
	assert_true(ca_crl_is_due(ca, CA_NOW));
	own_run("rm house.crl");
	assert_true(ca_crl_is_due(ca, CA_NOW));
}

static void
what_is_held_can_be_let_go(void **state)
{
	const struct ca_entry *a = house_issue(ca, "a@example.com");
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ca_revoke(ca, a, CA_UNHELD, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	revoke(a, CA_HELD);
	make(0);
	own_run("grep -q 'Certificate Hold' list");
	assert_int_equal(ca_entry_state(a, CA_NOW), CA_REVOKED);
	revoke(a, CA_UNHELD);
	make(0);
	own_run("grep -q 'No Revoked' list");
	assert_int_equal(ca_entry_state(a, CA_NOW), CA_VALID);
	revoke(a, KEY_COMPROMISE);
	assert_int_equal(ca_revoke(ca, a, CA_UNHELD, &err), -1);
	assert_int_equal(ca_revoke(ca, a, KEY_COMPROMISE, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("twice", err.text, "revoked already");
}

/* One that somebody made with the same key. */
static void
another_list_of_the_issuer_is_taken_over(void **state)
{
	struct buf bytes = { 0 };
	struct error err = { 0 };
	size_t added = 0;

	(void)state;
	house_issue(ca, "a@example.com");
	own_run("rm -rf else && mkdir else && cd else && : >db && echo 0a>n && "
		"printf '[ca]\\ndefault_ca=x\\n[x]\\ndatabase=db\\n"
		"crlnumber=n\\ndefault_md=sha256\\ndefault_crl_days=9\\n"
		"crl_extensions=y\\n[y]\\nauthorityKeyIdentifier=keyid\\n' >c "
		"&& printf 'R\\t280101000000Z\\t251224120000Z,keyCompromise\\t"
		"00112233445566778899AABBCCDDEEFF\\tunknown\\t/CN=x\\n' >db && "
		"openssl ca -gencrl -config c -keyfile ../ca/issuer.key -cert "
		"../ca/issuer.pem -passin 'pass:" CA_PASSWORD
		"' -out ../e.crl");
	read_path(own_path("e.crl"), &bytes);
	if (ca_crl_import(ca, buf_span(&bytes), &added, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(added, 1);
	/* Again is fine. */
	assert_int_equal(ca_crl_import(ca, buf_span(&bytes), &added, &err), 0);
	assert_int_equal(added, 0);
	make(0);
	own_run("grep -A1 'CRL Number' list | grep -qw 11 && grep -qi "
		"'112233445566778899AABBCCDDEEFF' list && grep -q "
		"'Revocation Date: Dec 24 12:00:00 2025' list && grep -q 'Key "
		"Compromise' list");
	assert_no_problems(ca);
	buf_clear(&bytes);
}

static void
a_list_of_others_is_not_taken_over(void **state)
{
	static const struct {
		const char *label, *make;
		enum error_kind kind;
	} rows[] = {
		{ "the root's", "cp ca/root.crl x", ERROR_TRUST },
		{ "a changed one", "head -c -1 ca/crl.der >x; printf x >>x",
			ERROR_TRUST },
		{ "nothing", ": >x", ERROR_FORMAT },
		{ "a certificate", "cp ca/root.pem x", ERROR_FORMAT },
	};

	(void)state;
	make(0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf bytes = { 0 };
		struct error err = { 0 };
		size_t added = 0;

		own_run(rows[i].make);
		read_path(own_path("x"), &bytes);
		if (ca_crl_import(ca, buf_span(&bytes), &added, &err) == 0 ||
			err.kind != rows[i].kind)
			fail_msg("%s: %s", rows[i].label, err.text);
		buf_clear(&bytes);
	}
}

static void
the_daemon_is_warned_before_it_ends(void **state)
{
	static const struct {
		const char *label;
		int days;
		const char *says; /* NULL: nothing */
	} rows[] = {
		{ "new", 0, NULL },
		{ "halfway", 6, NULL },
		{ "nobody has made a new one", 10, "nobody has made" },
		{ "over", 13, "has ended on 2026-01-13" },
	};
	struct list lines = { 0 };

	(void)state;
	ca_crl_concern(settings, CA_NOW, &lines);
	assert_true(list_has(&lines, "there is no revocation list"));
	list_clear(&lines, mem_free);
	make(12);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ca_crl_concern(
			settings, CA_NOW + (time_t)rows[i].days * DAY, &lines);
		if (rows[i].says == NULL ? lines.count != 0
					 : !list_has(&lines, rows[i].says))
			fail_msg("%s", rows[i].label);
		list_clear(&lines, mem_free);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_list_is_a_list),
		TEST(numbers_rise_and_reasons_stand_there),
		TEST(openssl_refuses_who_stands_on_it),
		TEST(it_is_due_before_it_ends),
		TEST(what_is_held_can_be_let_go),
		TEST(another_list_of_the_issuer_is_taken_over),
		TEST(a_list_of_others_is_not_taken_over),
		TEST(the_daemon_is_warned_before_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
