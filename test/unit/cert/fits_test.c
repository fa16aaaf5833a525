/* What a certificate is good for, and why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

/* NULL: it fits; otherwise a piece of the reason. */
static const struct {
	const char *name;
	const char *sign, *encrypt;
} rows[] = {
	{ "alice", NULL, NULL },
	{ "carol", NULL, NULL },
	{ "dave", NULL, NULL },
	{ "pss", NULL, "its key (rsa-pss-2048) cannot encrypt mail" },
	{ "pss256", NULL, "its key (rsa-pss-2048) cannot encrypt mail" },
	{ "erin-sign", NULL, "does not allow encryption (keyAgreement)" },
	{ "erin-encrypt", "its keyUsage does not allow signing", NULL },
	{ "sign-only", NULL, "does not allow encryption (keyAgreement)" },
	{ "encrypt-only", "its keyUsage does not allow signing", NULL },
	{ "any-eku", NULL, NULL },
	{ "no-ku", NULL, NULL },
	{ "wrong-eku", "its extendedKeyUsage does not allow e-mail",
		"its extendedKeyUsage does not allow e-mail" },
	{ "frank", NULL, NULL },
	{ "frank-expired", "expired on 2021-01-01", "expired on 2021-01-01" },
	{ "future", "not valid before 2043-01-01",
		"not valid before 2043-01-01" },
	{ "weak", "1024 bits, fewer than 2048", "1024 bits, fewer than 2048" },
	{ "no-address", NULL, NULL },
	{ "selfsigned", NULL, NULL },
};

static void
check(const char *name, const struct cert *cert, enum cert_purpose purpose,
	const char *reason)
{
	struct error why = { 0 };
	int fits = cert_fits(cert, purpose, false, FIXTURE_NOW, &why);

	if (reason == NULL && fits != 0)
		fail_msg("%s: %s", name, why.text);
	if (reason == NULL)
		return;
	if (fits == 0)
		fail_msg("%s: fits, but should not: %s", name, reason);
	assert_int_equal(why.kind, ERROR_NOKEY);
	assert_says(name, why.text, reason);
}

static void
each_purpose_needs_its_usage_size_and_time(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cert *cert = pki_user(rows[i].name);

		check(rows[i].name, cert, CERT_TO_SIGN, rows[i].sign);
		check(rows[i].name, cert, CERT_TO_ENCRYPT, rows[i].encrypt);
		cert_unref(cert);
	}
}

static void
signing_needs_the_key(void **state UNUSED)
{
	struct loaded loaded;

	load_path(pki_path("alice.pem"), NULL, &loaded);
	check("alice.pem", loaded.certs.item[0], CERT_TO_SIGN,
		"there is no private key for it");
	check("alice.pem", loaded.certs.item[0], CERT_TO_ENCRYPT, NULL);
	loaded_clear(&loaded);
}

static void
weak_rsa_keys_pass_where_they_may(void **state UNUSED)
{
	struct cert *cert = pki_user("weak");

	assert_int_equal(
		cert_fits(cert, CERT_TO_ENCRYPT, true, FIXTURE_NOW, NULL), 0);
	assert_int_equal(
		cert_fits(cert, CERT_TO_ENCRYPT, false, FIXTURE_NOW, NULL), -1);
	cert_unref(cert);
}

static void
validity_includes_both_ends(void **state UNUSED)
{
	struct cert *cert = pki_user("frank-expired");
	static const struct {
		time_t when;
		int fits;
	} times[] = { { 1577836799, -1 }, { 1577836800, 0 }, { 1609459200, 0 },
		{ 1609459201, -1 } };

	for (size_t i = 0; i < COUNT_OF(times); i++)
		assert_int_equal(cert_fits(cert, CERT_TO_ENCRYPT, false,
					 times[i].when, NULL),
			times[i].fits);
	cert_unref(cert);
}

/* Made on the spot: too costly or too odd for the PKI. */
static const struct {
	const char *label, *command, *reason;
} odd_keys[] = {
	{ "explicit curve",
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit "
		"-nodes -keyout /dev/null -subj /CN=x -config /dev/null "
		"-out odd.pem",
		"parameters of its own" },
	{ "small curve",
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:secp192k1 -nodes -keyout /dev/null -subj "
		"/CN=x -config /dev/null -out odd.pem",
		"192 bits, fewer than 224" },
	{ "Ed25519",
		"openssl req -x509 -newkey ed25519 -nodes -keyout /dev/null "
		"-subj /CN=x -config /dev/null -out odd.pem",
		"its key (ed25519) cannot encrypt mail" },
	{ "unknown critical extension",
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x "
		"-config /dev/null -addext 1.2.3.4=critical,DER:0500 -out "
		"odd.pem",
		"a critical extension that is not known" },
	{ "broken extension",
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x "
		"-config /dev/null -addext keyUsage=DER:0400 -out odd.pem",
		"an extension of it cannot be read" },
	{ "keyEncipherment on EC",
		"openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x "
		"-config /dev/null -addext keyUsage=keyEncipherment -out "
		"odd.pem",
		"(keyAgreement)" },
	{ "keyAgreement on RSA",
		"openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null "
		"-subj /CN=x -config /dev/null -addext keyUsage=keyAgreement "
		"-out odd.pem",
		"(keyEncipherment)" },
};

static void
odd_keys_are_refused(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(odd_keys); i++) {
		struct loaded loaded;

		own_run(odd_keys[i].command);
		load_path(own_path("odd.pem"), NULL, &loaded);
		check(odd_keys[i].label, loaded.certs.item[0], CERT_TO_ENCRYPT,
			odd_keys[i].reason);
		loaded_clear(&loaded);
	}
}

static void
brainpool_and_non_repudiation_are_fine(void **state UNUSED)
{
	struct loaded loaded;
	char key[64];

	own_run("openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:brainpoolP256r1 -nodes -keyout k -subj "
		"/CN=x -config /dev/null -addext "
		"keyUsage=nonRepudiation,keyAgreement -out bp && cat bp k "
		">bp.pem");
	load_path(own_path("bp.pem"), NULL, &loaded);
	assert_int_equal(cert_fits(loaded.certs.item[0], CERT_TO_SIGN, false,
				 time(NULL), NULL),
		0);
	cert_key_text(loaded.certs.item[0], key, sizeof(key));
	assert_string_equal(key, "ec-brainpoolp256r1");
	loaded_clear(&loaded);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_purpose_needs_its_usage_size_and_time),
		cmocka_unit_test(signing_needs_the_key),
		cmocka_unit_test(weak_rsa_keys_pass_where_they_may),
		cmocka_unit_test(validity_includes_both_ends),
		cmocka_unit_test(odd_keys_are_refused),
		cmocka_unit_test(brainpool_and_non_repudiation_are_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
