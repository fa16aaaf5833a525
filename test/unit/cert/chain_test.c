/* The chain of a certificate: its own path, issuer by issuer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

static const struct {
	const char *label;
	const char *command; /* makes all.pem */
	const char *subject; /* of the certificate that is looked at */
	const char *chain;   /* CNs, separated by commas */
} rows[] = {
	{ "in order", "cat $P/alice.pem $P/chain.pem >all.pem", "CN=alice",
		"Example Intermediate" },
	{ "out of order",
		"cat $P/ca.pem $P/intermediate.pem $P/alice.pem "
		">all.pem",
		"CN=alice", "Example Intermediate" },
	{ "no issuer there", "cat $P/alice.pem $P/ca.pem >all.pem", "CN=alice",
		"" },
	{ "authorities of others are left out",
		"cat $P/alice.pem $P/inside.pem $P/constrained-ca.pem "
		"$P/deep-*.pem $P/chain.pem >all.pem",
		"CN=inside", "Constrained Intermediate" },
	{ "a long one", "cat $P/deep-?.pem $P/shallow.pem >all.pem",
		"CN=shallow", "Deep 6,Deep 5,Deep 4,Deep 3,Deep 2,Deep 1" },
	{ "longer than anybody trusts",
		"cat $P/deep-?.pem $P/deep.pem "
		">all.pem",
		"CN=deep,",
		"Deep 9,Deep 8,Deep 7,Deep 6,Deep 5,Deep 4,Deep 3,Deep 2" },
	{ "who is no authority issues nothing",
		"cat $P/alice.pem $P/mallory.pem >all.pem", "CN=mallory", "" },
	{ "nor does one without keyCertSign",
		"cat $P/unsigned.pem $P/no-sign-ca.pem >all.pem", "CN=unsigned",
		"" },
	{ "a root has none", "cat $P/chain.pem >all.pem", "CN=Example Root",
		"" },
	{ "an authority has one, too", "cat $P/deep-?.pem >all.pem",
		"CN=Deep 2", "Deep 1" },
	{ "a namesake with another key",
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=Top "
		"-config /dev/null -out x.pem && openssl req -new -newkey ec "
		"-pkeyopt ec_paramgen_curve:P-256 -nodes -keyout n.key -subj "
		"'/O=Example/CN=Example Intermediate' -config /dev/null | "
		"(echo basicConstraints=CA:true >e; openssl x509 -req -CA "
		"x.pem -CAkey x.key -CAcreateserial -days 99999 -extfile e "
		"-out n.pem) && cat n.pem $P/alice.pem $P/intermediate.pem "
		">all.pem",
		"CN=alice", "Example Intermediate" },
};

static void
describe_chain(const struct cert *cert, char *out, size_t size)
{
	out[0] = '\0';
	for (int i = 0; i < sk_X509_num(cert->chain); i++) {
		char cn[128] = "";

		X509_NAME_get_text_by_NID(
			X509_get_subject_name(sk_X509_value(cert->chain, i)),
			NID_commonName, cn, sizeof(cn));
		assert_true(strlen(out) + strlen(cn) + 2 < size);
		if (i != 0)
			strcat(out, ",");
		strcat(out, cn);
	}
}

static void
chain_holds_the_own_path_only(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct cert *cert;
		struct loaded loaded;
		char chain[512] = "(not found)";

		own_run(rows[i].command);
		load_path(own_path("all.pem"), NULL, &loaded);
		LIST_FOREACH (cert, &loaded.certs) {
			char *subject = cert_subject(cert);

			if (strstr(subject, rows[i].subject) != NULL)
				describe_chain(cert, chain, sizeof(chain));
			mem_free(subject);
		}
		if (strcmp(chain, rows[i].chain) != 0)
			fail_msg("%s: %s", rows[i].label, chain);
		loaded_clear(&loaded);
	}
}

/* The namesake's certificate must not be taken although its name fits. */
static void
chain_is_of_those_who_signed(void **state UNUSED)
{
	const struct cert *cert;
	struct loaded loaded;

	own_run("cat n.pem $P/alice.pem $P/intermediate.pem >all.pem");
	load_path(own_path("all.pem"), NULL, &loaded);
	LIST_FOREACH (cert, &loaded.certs) {
		if (cert->chain != NULL)
			assert_int_equal(X509_verify(cert->x509,
						 X509_get0_pubkey(sk_X509_value(
							 cert->chain, 0))),
				1);
	}
	loaded_clear(&loaded);
}

/* Of a renewed authority the certificate that lasts longest. */
static void
renewed_authority_is_preferred(void **state UNUSED)
{
	struct loaded loaded;
	const struct cert *cert;
	size_t seen = 0;

	own_run("(echo basicConstraints=critical,CA:true; echo "
		"subjectKeyIdentifier=hash) >e && openssl x509 -req -in "
		"$(openssl req -new -key $P/intermediate.key -subj "
		"'/O=Example/CN=Example Intermediate' -config /dev/null -out "
		"i.csr; echo i.csr) -CA $P/ca.pem -CAkey $P/ca.key "
		"-CAserial s -CAcreateserial -days 36500 -extfile e -out "
		"renewed.pem && cat $P/intermediate.pem renewed.pem "
		"$P/alice.pem >all.pem");
	load_path(own_path("all.pem"), NULL, &loaded);
	LIST_FOREACH (cert, &loaded.certs) {
		char *subject = cert_subject(cert);

		if (strstr(subject, "CN=alice") != NULL) {
			assert_int_equal(sk_X509_num(cert->chain), 1);
			assert_true(
				ASN1_TIME_compare(
					X509_get0_notAfter(
						sk_X509_value(cert->chain, 0)),
					X509_get0_notAfter(cert->x509)) > 0);
			seen++;
		}
		mem_free(subject);
	}
	assert_int_equal(seen, 1);
	loaded_clear(&loaded);
}

static void
authorities_are_told_from_users(void **state UNUSED)
{
	struct loaded loaded;

	load_path(pki_path("chain.pem"), NULL, &loaded);
	assert_true(cert_is_ca(loaded.certs.item[0]));
	assert_true(cert_is_ca(loaded.certs.item[1]));
	loaded_clear(&loaded);
	load_path(pki_path("alice.pem"), NULL, &loaded);
	assert_false(cert_is_ca(loaded.certs.item[0]));
	loaded_clear(&loaded);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_holds_the_own_path_only),
		cmocka_unit_test(chain_is_of_those_who_signed),
		cmocka_unit_test(renewed_authority_is_preferred),
		cmocka_unit_test(authorities_are_told_from_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
