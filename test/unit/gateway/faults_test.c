/*
 * Every allocation inside OpenSSL fails once while a mail is signed and
 * encrypted for a mandatory recipient: what leaves is protected, or a
 * tempfail, and never clear text or a broken signature.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"
#include "fault_fixture.h"
#include "gateway_fixture.h"

enum { ALLOCATIONS_MAX = 20000 };

static const char rules[] =
	"sign = ( { sender = \"*@example.com\"; stores = \"all\";"
	" otherwise = \"reject\"; scheme = \"pss\"; } );\n"
	"encrypt = ( { recipient = \"bob@example.com\"; stores = \"all\";"
	" otherwise = \"reject\"; key_transport = \"oaep\"; } );\n";
static const struct fixture_mail letter = { "local", "alice@example.com",
	"bob@example.com",
	"From: alice@example.com\nTo: bob@example.com\nMIME-Version: 1.0\n"
	"Content-Type: text/plain\n\nThe secret word is mellon\n" };

/* What bob reads: the decrypted entity, or NULL. */
static char *
read_as_bob(const struct outcome *outcome, const struct cert *bob)
{
	struct buf text = { 0 }, der = { 0 }, plain = { 0 };
	struct error err;
	char *result = NULL;

	if (buf_add_pieces(&text, &outcome->body, &err) == 0 &&
		base64_decode(buf_span(&text), &der, &err) == 0 &&
		cms_open_envelope(
			buf_span(&der), bob, true, NULL, &plain, &err) == 0)
		result = mem_string_n(plain.data, plain.len);
	buf_clear(&text);
	buf_clear(&der);
	buf_clear(&plain);
	return result;
}

static void
check_outcome(const struct outcome *outcome, const struct cert *bob, long k)
{
	char *seen;

	if (outcome->verdict == VERDICT_TEMPFAIL)
		return;
	if (outcome->verdict != VERDICT_ACCEPT || !outcome->encrypted ||
		!outcome->signed_)
		fail_msg("allocation %ld: verdict %s encrypted %d signed %d: "
			 "%s",
			k, verdict_name(outcome->verdict), outcome->encrypted,
			outcome->signed_, outcome->error.text);
	seen = read_as_bob(outcome, bob);
	if (seen == NULL || strstr(seen, "mellon") == NULL ||
		strstr(seen, "multipart/signed") == NULL)
		fail_msg("allocation %ld: bob cannot read it", k);
	mem_free(seen);
}

static struct cert *
find_bob(struct conf *conf)
{
	struct address *address = NULL;
	struct list found = { 0 };
	struct cert *bob;

	assert_int_equal(addr_parse("bob@example.com", &address, NULL), 0);
	assert_int_equal(store_find(conf->gateway->stores.item[0], address,
				 NULL, 0, &found, NULL),
		0);
	assert_int_not_equal(found.count, 0);
	bob = cert_ref(found.item[0]);
	list_clear(&found, cert_unref);
	address_free(address);
	return bob;
}

static void
no_failing_allocation_lets_a_mail_out_in_clear(void **state)
{
	struct conf *conf = fixture_conf(rules);
	struct cert *bob = find_bob(conf);
	long k, left = 0;

	(void)state;
	for (k = 1; k < ALLOCATIONS_MAX && left == 0; k++) {
		struct outcome outcome;
		struct mail mail;

		fixture_mail(&mail, &letter);
		outcome_init(&outcome);
		fault_countdown = k;
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		left = fault_countdown;
		fault_countdown = 0;
		check_outcome(&outcome, bob, k);
		outcome_clear(&outcome);
		mail_clear(&mail);
	}
	assert_true(k > 100 && k < ALLOCATIONS_MAX);
	cert_unref(bob);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			no_failing_allocation_lets_a_mail_out_in_clear),
	};

	if (fault_begin() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
