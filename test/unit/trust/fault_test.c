/*
 * A program of its own: OpenSSL takes its allocator before anything else.
 * Each allocation of a check is made to fail, one after the other: what was
 * revoked is never good, whatever was missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "crypto/crypto.h"
#include "fault_fixture.h"
#include "trust/trust.h"

/* alice is revoked in part.crl, which speaks for her distribution point. */
static const char script[] =
	"printf 'crlDistributionPoints=URI:http://x.example/a.crl\\n' >ext && "
	"openssl req -new -key $P/alice.key -subj /CN=alice -config /dev/null "
	"-out csr && openssl x509 -req -in csr -CA $P/intermediate.pem -CAkey "
	"$P/intermediate.key -CAserial srl -CAcreateserial -days 99 -extfile "
	"ext -out alice.pem && printf '[ca]\\ndefault_ca=us\\n[us]\\ndatabase="
	"idx\\ndefault_md=sha256\\ncrlnumber=num\\ncrl_extensions=e\\n[e]\\n"
	"issuingDistributionPoint=critical,@i\\n[i]\\nfullname=URI:http://"
	"x.example/a.crl\\n' >cnf && echo 01 >num && printf 'R\\t440101000000Z"
	"\\t251201000000Z\\t%s\\tunknown\\t/CN=x\\n' $(openssl x509 -in "
	"alice.pem -noout -serial | sed 's/.*=//') >idx && openssl ca -config "
	"cnf -gencrl -cert $P/intermediate.pem -keyfile $P/intermediate.key "
	"-crldays 9 -out part.crl";

static struct trust *
make_trust(void)
{
	const char *const anchors[] = { pki_path("chain.pem") };
	const char *const crls[] = { own_path("part.crl") };
	const struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 1,
		.crls = crls,
		.crl_count = 1,
		.revocation = TRUST_REVOCATION_SOFT };
	struct trust *trust = NULL;
	struct list warnings = { 0 };

	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	list_clear(&warnings, mem_free);
	return trust;
}

static void
lack_of_memory_never_makes_a_revoked_one_good(void **state UNUSED)
{
	enum { ALLOCATIONS_MAX = 100000 };
	struct loaded alice;
	long failures = 0;

	own_run(script);
	load_path(own_path("alice.pem"), NULL, &alice);
	for (long nth = 1; nth < ALLOCATIONS_MAX; nth++) {
		struct trust *trust = make_trust();
		struct error why = { 0 };
		int result;
		bool reached;

		fault_countdown = nth;
		result = trust_check(
			trust, alice.certs.item[0], false, time(NULL), &why);
		reached = fault_countdown == 0;
		fault_countdown = -1;
		if (result == 0)
			fail_msg("allocation %ld: good", nth);
		failures += why.kind == ERROR_SYSTEM;
		trust_free(trust);
		if (!reached) {
			assert_int_equal(why.kind, ERROR_TRUST);
			assert_says("at last", why.text, "it was revoked");
			break;
		}
	}
	loaded_clear(&alice);
	/* Most are survived: a refusal is asked for twice. */
	print_message("%ld times it could not be told\n", failures);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lack_of_memory_never_makes_a_revoked_one_good),
	};

	if (fault_begin() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
