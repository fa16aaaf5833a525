/* What we write, other programs read; and so do we. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "crypto/crypto.h"

static void
write_form(const char *file, const char *form, const char *password,
	bool with_keys, const struct list *certs)
{
	struct cert_writing how = { .form = (enum cert_form)cert_form_from_name(
					    form),
		.with_keys = with_keys,
		.password = password };
	struct buf out = { 0 };
	struct error err = { 0 };

	if (cert_write(&how, certs, &out, &err) != 0)
		fail_msg("%s: %s", form, err.text);
	own_write(file, buf_span(&out), 0600);
	buf_clear(&out);
}

static const struct row {
	const char *label;
	const char *form;
	const char *password;
	bool with_keys;
	const char *judge; /* a command that reads the file "out" */
	size_t certs;	   /* that we read from it: two users, one authority */
	size_t keys;
	bool cannot_read; /* we have no reader of our own for it here */
} rows[] = {
	{ "PEM", "pem", NULL, false,
		"test $(grep -c 'BEGIN CERT' out) = 3 && ! grep KEY out && "
		"openssl x509 -in out -noout",
		3, 0, false },
	{ "PEM with keys", "pem", NULL, true,
		"test $(grep -c 'BEGIN PRIVATE KEY' out) = 2 && "
		"openssl pkey -in out -noout && openssl x509 -in out -noout",
		3, 2, false },
	{ "PEM with encrypted keys", "pem", "secret", true,
		"test $(grep -c 'BEGIN ENCRYPTED PRIVATE KEY' out) = 2 && "
		"openssl pkey -in out -passin pass:secret -noout && "
		"! openssl pkey -in out -passin pass:wrong -noout && "
		"openssl asn1parse -in out >t && grep -q aes-256-cbc t && "
		"grep -q hmacWithSHA256 t",
		3, 2, false },
	{ "PKCS#12", "p12", "secret", true,
		"openssl pkcs12 -in out -passin pass:secret -nodes >t && "
		"test $(grep -c 'BEGIN PRIVATE KEY' t) = 2 && "
		"test $(grep -c 'BEGIN CERT' t) = 3 && "
		"! openssl pkcs12 -in out -passin pass:wrong -nodes && "
		"openssl pkcs12 -in out -passin pass:secret -info -noout 2>&1 "
		"| grep -q -i -E 'sha256, iteration [0-9]{6}' && "
		"test $(openssl pkcs12 -in out -passin pass:secret -info "
		"-noout 2>&1 | grep -c 'AES-256-CBC.*hmacWithSHA256') = 3",
		3, 2, false },
	{ "PKCS#12 without keys", "p12", "p\303\244ss", false,
		"openssl pkcs12 -in out -passin pass:p\303\244ss -nokeys >t && "
		"test $(grep -c 'BEGIN CERT' t) = 3",
		3, 0, false },
	{ "P7B", "p7b", NULL, false,
		"openssl pkcs7 -inform DER -in out -print_certs >t && "
		"test $(grep -c 'BEGIN CERT' t) = 3",
		3, 0, false },
	{ "SST", "sst", NULL, false,
		/* header, id 0x20, encoding 1; twelve zero bytes at the end */
		"test \"$(head -c 16 out | od -An -tx1 | tr -d ' \\n')\" = "
		"00000000434552542000000001000000 && "
		"test \"$(tail -c 12 out | od -An -tx1 | tr -d ' \\n')\" = "
		"000000000000000000000000 && "
		"n=$(head -c 20 out | tail -c 4 | od -An -tu4 | tr -d ' ') && "
		"head -c $((20 + n)) out | tail -c $n | openssl x509 -inform "
		"DER -noout && test $(wc -c <out) = $((8 + 36 + 12 + "
		"$(for i in alice bob intermediate; do openssl x509 -in "
		"$P/$i.pem -outform DER; done | wc -c)))",
		3, 0, true },
};

static void
gather(struct list *out)
{
	list_add(out, pki_user("alice"));
	list_add(out, pki_user("bob"));
}

static void
check_back(const struct row *row)
{
	struct loaded loaded;
	const struct cert *cert;
	size_t keys = 0;

	load_path(own_path("out"), row->password, &loaded);
	LIST_FOREACH (cert, &loaded.certs)
		keys += cert->key != NULL;
	if (loaded.certs.count != row->certs || keys != row->keys ||
		loaded.warnings.count != 0)
		fail_msg("%s: %zu certificates, %zu keys", row->label,
			loaded.certs.count, keys);
	loaded_clear(&loaded);
}

static void
every_form_is_read_by_openssl_and_by_us(void **state UNUSED)
{
	struct list certs = { 0 };

	gather(&certs);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		write_form("out", rows[i].form, rows[i].password,
			rows[i].with_keys, &certs);
		own_run(rows[i].judge);
		if (!rows[i].cannot_read)
			check_back(&rows[i]);
	}
	list_clear(&certs, cert_unref);
}

static void
one_certificate_is_der(void **state UNUSED)
{
	struct list certs = { 0 };

	list_add(&certs, pki_user("alice"));
	write_form("out", "der", NULL, false, &certs);
	own_run("openssl x509 -in $P/alice.pem -outform DER | cmp - out");
	list_clear(&certs, cert_unref);
}

static void
each_user_keeps_his_own_key(void **state UNUSED)
{
	static const char *const users[] = { "alice", "bob" };
	struct list certs = { 0 };
	struct loaded loaded;
	struct cert *cert;

	gather(&certs);
	write_form("out", "p12", "secret", true, &certs);
	load_path(own_path("out"), "secret", &loaded);
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		struct cert *user = pki_user(users[i]);
		bool seen = false;

		LIST_FOREACH (cert, &loaded.certs)
			if (strcmp(cert->sha256, user->sha256) == 0)
				seen = EVP_PKEY_eq(cert->key, user->key) == 1;
		assert_true(seen);
		cert_unref(user);
	}
	loaded_clear(&loaded);
	list_clear(&certs, cert_unref);
}

static void
what_a_form_cannot_hold_is_refused(void **state UNUSED)
{
	static const struct {
		const char *label, *form, *password;
		bool with_keys;
		size_t certs;
		enum error_kind kind;
		const char *says;
	} cases[] = {
		{ "no password", "p12", NULL, false, 2, ERROR_CONFIG,
			"needs a password" },
		{ "an empty password", "p12", "", true, 2, ERROR_CONFIG,
			"needs a password" },
		{ "two in DER", "der", NULL, false, 2, ERROR_CONFIG,
			"these are 2" },
		{ "a key in DER", "der", NULL, true, 1, ERROR_CONFIG,
			"no key" },
		{ "a key in P7B", "p7b", NULL, true, 1, ERROR_CONFIG,
			"never holds a private key" },
		{ "a key in SST", "sst", NULL, true, 1, ERROR_CONFIG,
			"never holds a private key" },
		{ "nothing", "pem", NULL, false, 0, ERROR_NOKEY,
			"there is no certificate" },
	};
	struct cert *user = pki_user("alice");

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct cert_writing how = {
			.form = (enum cert_form)cert_form_from_name(
				cases[i].form),
			.with_keys = cases[i].with_keys,
			.password = cases[i].password
		};
		struct list certs = { 0 };
		struct buf out = { 0 };
		struct error err = { 0 };

		for (size_t j = 0; j < cases[i].certs; j++)
			list_add(&certs, cert_ref(user));
		assert_int_equal(cert_write(&how, &certs, &out, &err), -1);
		assert_int_equal(err.kind, cases[i].kind);
		assert_says(cases[i].label, err.text, cases[i].says);
		buf_clear(&out);
		list_clear(&certs, cert_unref);
	}
	cert_unref(user);
	assert_int_equal(cert_form_from_name("pfx"), -1);
	assert_int_equal(cert_form_from_name(""), -1);
}

/* Our own reader allows a file 160 million iterations in all. */
static void
many_keys_have_fewer_iterations_each(void **state UNUSED)
{
	static const struct {
		const char *form;
		size_t keys;
		const char *judge; /* NULL: refused */
	} counts[] = {
		{ "p12", 1, "grep -q 'Iteration 200000$'" },
		{ "p12", 396, "grep -q 'Iteration 200000$'" },
		{ "p12", 1000, "grep -q 'Iteration 79681$'" },
		{ "p12", 7996, "grep -q 'Iteration 10000$'" },
		{ "p12", 7997, NULL },
		{ "pem", 7997, NULL },
	};
	struct cert *user = pki_user("alice");

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct cert_writing how = {
			.form = (enum cert_form)cert_form_from_name(
				counts[i].form),
			.with_keys = true,
			.password = "secret"
		};
		struct list certs = { 0 };
		struct buf out = { 0 };
		struct error err = { 0 };
		char *judge = mem_printf("openssl pkcs12 -info -noout -passin "
					 "pass:secret -in out 2>&1 | %s",
			counts[i].judge ? counts[i].judge : "");
		int result;

		for (size_t j = 0; j < counts[i].keys; j++)
			list_add(&certs, user);
		result = cert_write(&how, &certs, &out, &err);
		assert_int_equal(result, counts[i].judge != NULL ? 0 : -1);
		if (counts[i].judge == NULL) {
			assert_int_equal(err.kind, ERROR_LIMIT);
			assert_says(counts[i].form, err.text, "(7996)");
		} else {
			own_write("out", buf_span(&out), 0600);
			own_run(judge);
		}
		mem_free(judge);
		buf_clear(&out);
		list_clear(&certs, NULL);
	}
	cert_unref(user);
}

static void
extensions_are_shown_in_the_words_of_the_rfc(void **state UNUSED)
{
	struct cert_details details;
	struct loaded loaded;

	own_run("openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:P-256 -nodes -keyout k -out c.pem -subj "
		"/CN=x -addext keyUsage=digitalSignature,keyAgreement -addext "
		"extendedKeyUsage=emailProtection,1.2.3.4.5 -addext "
		"crlDistributionPoints=URI:http://a.example/x.crl -addext "
		"'authorityInfoAccess=OCSP;URI:http://o.example/,"
		"caIssuers;URI:http://i.example/ca.cer' -addext "
		"certificatePolicies=1.2.3.4");
	load_path(own_path("c.pem"), NULL, &loaded);
	cert_details_read(loaded.certs.item[0], &details);
	assert_int_equal(details.key_usage.count, 2);
	assert_string_equal(details.key_usage.item[0], "digitalSignature");
	assert_string_equal(details.key_usage.item[1], "keyAgreement");
	assert_int_equal(details.extended_key_usage.count, 2);
	assert_string_equal(
		details.extended_key_usage.item[0], "emailProtection");
	assert_string_equal(details.extended_key_usage.item[1], "1.2.3.4.5");
	assert_string_equal(
		details.crl_points.item[0], "http://a.example/x.crl");
	assert_string_equal(details.ocsp.item[0], "http://o.example/");
	assert_string_equal(
		details.issuer_at.item[0], "http://i.example/ca.cer");
	assert_string_equal(details.policies.item[0], "1.2.3.4");
	assert_string_equal(details.signature.item[0], "ecdsa-with-SHA256");
	assert_int_equal(strlen(details.sha1), 40);
	cert_details_clear(&details);
	loaded_clear(&loaded);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read_by_openssl_and_by_us),
		cmocka_unit_test(one_certificate_is_der),
		cmocka_unit_test(each_user_keeps_his_own_key),
		cmocka_unit_test(what_a_form_cannot_hold_is_refused),
		cmocka_unit_test(many_keys_have_fewer_iterations_each),
		cmocka_unit_test(extensions_are_shown_in_the_words_of_the_rfc),
	};

	if (crypto_init(NULL) != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
