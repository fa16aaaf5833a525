/*
 * A program of its own: OpenSSL takes its allocator before anything else.
 * Each allocation of the reading of a directory's answer is made to fail, one
 * after the other: there are all certificates, or it cannot be told now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "crypto/crypto.h"
#include "fault_fixture.h"
#include "pki_fixture.h"
#include "store/ldap_internal.h"

static long left; /* of it, after a reading */

static char user[] = "userCertificate";
static char smime[] = "userSMIMECertificate";
static char name[] = "ad";
static void *kinds[] = { user, smime };
static const struct ldap_plan plan = { .store = name,
	.kinds = { kinds, COUNT_OF(kinds), 0 } };

static int
read_answer(const struct buf *der, const struct buf *pkcs7, size_t *certs,
	size_t *addresses, struct error *err)
{
	struct ldap_answer answer;
	const struct cert *cert;
	int result = -1;

	*certs = *addresses = 0;
	ldap_answer_init(&answer, &plan);
	if (ldap_answer_begin(&answer, "cn=x", err) != 0 ||
		ldap_answer_add(&answer, user, buf_span(der), err) != 0 ||
		ldap_answer_add(&answer, smime, buf_span(pkcs7), err) != 0 ||
		ldap_answer_end(&answer, err) != 0)
		goto out;
	*certs = answer.certs.count;
	LIST_FOREACH (cert, &answer.certs)
		*addresses += cert->addresses.count;
	result = 0;
out:
	left = fault_countdown;
	fault_countdown = -1;
	ldap_answer_clear(&answer);
	return result;
}

static void
nothing_goes_missing_from_an_answer_for_lack_of_memory(void **state UNUSED)
{
	enum { ALLOCATIONS_MAX = 100000 };
	struct buf der = { 0 }, pkcs7 = { 0 };
	size_t whole, addressed, certs, addresses;
	struct error err = { 0 };
	long failures = 0, nth;
	bool reached = true;

	own_run("openssl crl2pkcs7 -nocrl -certfile $P/alice.pem -certfile "
		"$P/chain.pem -outform DER -out p7");
	read_path(pki_path("bob.der"), &der);
	read_path(own_path("p7"), &pkcs7);
	for (int twice = 0; twice < 2; twice++)
		if (read_answer(&der, &pkcs7, &whole, &addressed, &err) != 0)
			fail_msg("%s", err.text);
	assert_int_equal(whole, 2);
	assert_true(addressed >= 2);
	for (nth = 1; reached && nth < ALLOCATIONS_MAX; nth++) {
		struct error why = { 0 };
		int result;

		fault_countdown = nth;
		result = read_answer(&der, &pkcs7, &certs, &addresses, &why);
		if (result == 0 && (certs != whole || addresses != addressed))
			fail_msg("allocation %ld: %zu certificates, %zu "
				 "addresses",
				nth, certs, addresses);
		if (result != 0) {
			failures++;
			assert_int_equal(why.kind, ERROR_SYSTEM);
		}
		reached = left <= 0;
	}
	assert_true(failures > 5);
	buf_clear(&der);
	buf_clear(&pkcs7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			nothing_goes_missing_from_an_answer_for_lack_of_memory),
	};

	if (fault_begin() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
