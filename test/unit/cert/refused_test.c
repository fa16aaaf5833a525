/* Files that do not load, and the sentence each gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "crypto/crypto.h"

struct refused {
	const char *label;
	const char *file; /* of the PKI, or made by `command` */
	const char *command;
	const char *password;
	enum error_kind kind;
	const char *says;
};

static const struct refused rows[] = {
	{ "PKCS#12, wrong password", "alice.p12", NULL, "wrong", ERROR_CONFIG,
		"the password does not open the PKCS#12" },
	{ "PKCS#12, no password", "alice.p12", NULL, NULL, ERROR_CONFIG,
		"the PKCS#12 is encrypted and no password is set" },
	{ "PKCS#12, empty password", "alice.p12", NULL, "", ERROR_CONFIG,
		"the password does not open the PKCS#12" },
	{ "old PKCS#12, wrong password", "alice-old.p12", NULL, "wrong",
		ERROR_CONFIG, "the password does not open the PKCS#12" },
	{ "no MAC, wrong password", "alice-nomac.p12", NULL, "wrong",
		ERROR_CONFIG, "the password does not open the PKCS#12" },
	{ "no MAC, no password", "alice-nomac.p12", NULL, NULL, ERROR_CONFIG,
		"no password is set" },
	{ "encrypted key, wrong password", "enc.pem",
		"cat $P/alice.pem $P/alice-enc.key >enc.pem", "wrong",
		ERROR_CONFIG, "the password does not open a private key" },
	{ "encrypted key, no password", "enc.pem", NULL, NULL, ERROR_CONFIG,
		"a private key is encrypted and no password is set" },
	{ "old encrypted key, wrong password", "old.pem",
		"openssl rsa -traditional -aes256 -passout pass:secret -in "
		"$P/alice.key >old.pem && cat $P/alice.pem >>old.pem",
		"wrong", ERROR_CONFIG,
		"the password does not open a private key" },
	{ "old encrypted key, no password", "old.pem", NULL, NULL, ERROR_CONFIG,
		"no password is set" },
	{ "old encrypted key, unknown cipher", "cipher.pem",
		"sed 's/AES-256-CBC/ROT-13-CBC/' old.pem >cipher.pem", "secret",
		ERROR_FORMAT, "encrypted in an unknown way" },
	{ "a key alone", "alice.key", NULL, NULL, ERROR_FORMAT,
		"holds a private key but no certificate" },
	{ "an encrypted key alone", "alice-enc.key", NULL, "secret",
		ERROR_FORMAT, "holds a private key but no certificate" },
	{ "nothing", "empty", ": >empty", NULL, ERROR_FORMAT, "is empty" },
	{ "blanks", "blank", "echo >blank", NULL, ERROR_FORMAT, "is empty" },
	{ "text", "text", "echo hello >text", NULL, ERROR_FORMAT,
		"neither PEM nor a certificate" },
	{ "text in UTF-16", "utf16",
		"(printf '\\377\\376'; echo hello | iconv -t UTF-16LE) >utf16",
		NULL, ERROR_FORMAT, "text in UTF-16 that is not PEM" },
	{ "text that starts as base64", "mi", "echo MIDDLE >mi", NULL,
		ERROR_FORMAT, "broken base64" },
	{ "a request", "csr.pem",
		"openssl req -new -key $P/alice.key -subj /CN=a -config "
		"/dev/null >csr.pem",
		NULL, ERROR_FORMAT, "holds no certificate that can be read" },
	{ "a broken certificate", "broken.der",
		"head -c 300 $P/alice.der >broken.der", NULL, ERROR_FORMAT,
		"a certificate that cannot be parsed" },
	{ "only broken certificates", "broken.pem",
		"sed '2s/^MII/MIJ/' $P/bob.pem >broken.pem", NULL, ERROR_FORMAT,
		"holds no certificate that can be read" },
	{ "half a PKCS#12", "half.p12", "head -c 900 $P/alice.p12 >half.p12",
		"secret", ERROR_FORMAT, "a PKCS#12 that cannot be parsed" },
	{ "half a PKCS#7", "half.p7b", "head -c 900 $P/alice-der.p7b >half.p7b",
		NULL, ERROR_FORMAT, "a PKCS#7 that cannot be parsed" },
	{ "a PKCS#7 without certificates", "none.p7b",
		"echo x | openssl cms -sign -nocerts -nodetach -signer "
		"$P/alice.pem -inkey $P/alice.key -outform DER -out none.p7b",
		NULL, ERROR_FORMAT, "a PKCS#7 without certificates" },
	{ "an encrypted mail", "mail.p7m",
		"echo x | openssl cms -encrypt -outform DER -out mail.p7m "
		"$P/alice.pem",
		NULL, ERROR_FORMAT, "a PKCS#7 without certificates" },
	{ "half an encrypted key", "half.key",
		"openssl pkcs8 -topk8 -in $P/alice.key -outform DER -passout "
		"pass:x | head -c 600 >half.key",
		"x", ERROR_FORMAT, "cannot be parsed" },
	{ "zeros", "zeros", "head -c 4096 /dev/zero >zeros", NULL, ERROR_FORMAT,
		"neither PEM" },
	{ "a long SEQUENCE of nothing", "sequence",
		"printf '\\060\\204\\177\\377\\377\\377' >sequence", NULL,
		ERROR_FORMAT, "neither PEM" },
};

static int
load(const char *path, const char *password, const struct cert_limits *limits,
	struct error *err)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct buf bytes = { 0 };
	int result;

	read_path(path, &bytes);
	result = cert_load(buf_span(&bytes), password, "here", limits, &certs,
		&warnings, err);
	if (result != 0)
		assert_int_equal(certs.count, 0);
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	buf_clear(&bytes);
	return result;
}

static void
every_refusal_has_its_own_sentence(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct refused *row = &rows[i];
		struct error err = { 0 };
		const char *path = pki_path(row->file);

		if (row->command != NULL)
			own_run(row->command);
		if (row->command != NULL || strchr(row->file, '.') == NULL ||
			strncmp(row->file, "alice", 5) != 0)
			path = own_path(row->file);
		if (load(path, row->password, NULL, &err) == 0)
			fail_msg("%s: was not refused", row->label);
		if (err.kind != row->kind)
			fail_msg("%s: kind %s: %s", row->label,
				error_kind_name(err.kind), err.text);
		assert_says(row->label, err.text, "here: ");
		assert_says(row->label, err.text, row->says);
		if (row->password != NULL && strlen(row->password) > 3)
			assert_null(strstr(err.text, row->password));
	}
}

static void
nothing_is_derived_beyond_the_limit(void **state UNUSED)
{
	static const struct refused costly[] = {
		{ "MAC", "mac.p12",
			"openssl pkcs12 -export -in $P/alice.pem -inkey "
			"$P/alice.key -maciter -iter 2000 -passout pass:secret "
			"-out mac.p12",
			"secret", ERROR_LIMIT, "takes 2000 iterations" },
		{ "PBES1 without MAC", "pbes1.p12",
			"openssl pkcs12 -export -legacy -in $P/alice.pem "
			"-inkey $P/alice.key -nomac -iter 3000 -passout "
			"pass:secret -out pbes1.p12",
			"secret", ERROR_LIMIT, "takes 3000 iterations" },
		{ "PBES2 key", "pbes2.key",
			"openssl pkcs8 -topk8 -in $P/alice.key -iter 4000 "
			"-passout pass:secret -out pbes2.key",
			"secret", ERROR_LIMIT, "takes 4000 iterations" },
		{ "scrypt key", "scrypt.key",
			"openssl pkcs8 -topk8 -in $P/alice.key -scrypt "
			"-scrypt_N 16384 -passout pass:secret -out scrypt.key",
			"secret", ERROR_LIMIT, "takes 131072 iterations" },
		{ "many keys", "many.pem",
			"openssl pkcs8 -topk8 -in $P/carol.key -iter 1000 "
			"-passout pass:secret -out k && for i in 1 2 3 4 5 6 7 "
			"8 9 10 11 12 13 14 15 16 17; do cat k; done >many.pem",
			"secret", ERROR_LIMIT, "more than 16000 iterations" },
	};
	struct cert_limits limits = cert_limits_default;

	limits.kdf_iterations = 1000;
	limits.kdf_file_iterations = 16000;
	for (size_t i = 0; i < COUNT_OF(costly); i++) {
		struct error err = { 0 };

		own_run(costly[i].command);
		if (load(own_path(costly[i].file), "secret", &limits, &err) ==
			0)
			fail_msg("%s: was not refused", costly[i].label);
		assert_int_equal(err.kind, ERROR_LIMIT);
		assert_says(costly[i].label, err.text, costly[i].says);
	}
}

static void
large_files_are_refused_by_name_of_the_limit(void **state UNUSED)
{
	struct cert_limits limits = cert_limits_default;
	struct error err = { 0 };

	limits.items = 2;
	assert_int_equal(load(pki_path("staff.pem"), NULL, &limits, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_says("items", err.text, "more than 2 certificates and keys");
	limits = cert_limits_default;
	limits.file_bytes = 100;
	assert_int_equal(load(pki_path("staff.pem"), NULL, &limits, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_says("bytes", err.text, "more than 100 bytes");
}

static void
a_file_that_fails_leaves_nothing_in_the_pile(void **state UNUSED)
{
	struct cert_pile *pile = cert_pile_new(NULL);
	struct list certs = { 0 }, warnings = { 0 };
	struct buf bad = { 0 }, good = { 0 };
	struct cert_file file = { .password = "wrong", .source = "bad" };
	struct error err = { 0 };
	size_t keys;

	own_run("cat $P/bob.pem $P/bob.key $P/alice-enc.key >bad.pem");
	read_path(own_path("bad.pem"), &bad);
	read_path(pki_path("carol.pem"), &good);
	file.bytes = buf_span(&bad);
	assert_int_equal(cert_pile_read(pile, &file, &keys, &err), -1);
	file.bytes = buf_span(&good);
	file.source = "good";
	assert_int_equal(cert_pile_read(pile, &file, &keys, &err), 0);
	cert_pile_take(pile, &certs, &warnings);
	assert_int_equal(certs.count, 1);
	assert_int_equal(warnings.count, 0);
	assert_string_equal(((struct cert *)certs.item[0])->source, "good");
	cert_pile_free(pile);
	list_clear(&certs, cert_unref);
	buf_clear(&bad);
	buf_clear(&good);
}

/* Cut after any byte: all of what was whole, or a sentence. */
static void
a_file_may_end_anywhere(void **state UNUSED)
{
	static const char *const files[] = { "alice.der", "alice.p12",
		"alice-old.p12", "alice-nomac.p12", "alice-null.p12",
		"alice-der.p7b", "alice.p7b", "alice-enc.key", "staff.pem" };

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct buf bytes = { 0 };

		read_path(pki_path(files[i]), &bytes);
		for (size_t len = 0; len < bytes.len; len += 1 + len / 16) {
			struct list certs = { 0 }, warnings = { 0 };
			struct error err = { 0 };
			int result =
				cert_load(span_of(bytes.data, len), "secret",
					"here", NULL, &certs, &warnings, &err);

			assert_int_equal(result == 0, certs.count != 0);
			if (result != 0)
				assert_says(files[i], err.text, "here: ");
			list_clear(&certs, cert_unref);
			list_clear(&warnings, mem_free);
		}
		buf_clear(&bytes);
	}
}

/* So often that with some salt the padding seems good all the same. */
static void
a_wrong_password_is_one_whatever_the_padding(void **state UNUSED)
{
	enum { SALTS = 2000 };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char right[] = "right";

	for (unsigned i = 0; i < SALTS; i++) {
		BIO *bio = BIO_new(BIO_s_mem());
		struct list certs = { 0 }, warnings = { 0 };
		struct error err = { 0 };
		char *bytes;
		long len;

		assert_int_equal(
			PEM_write_bio_PrivateKey_traditional(bio, key,
				EVP_aes_128_cbc(), NULL, 0, NULL, right),
			1);
		len = BIO_get_mem_data(bio, &bytes);
		assert_int_equal(cert_load(span_of(bytes, (size_t)len), "wrong",
					 "here", NULL, &certs, &warnings, &err),
			-1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		BIO_free(bio);
	}
	EVP_PKEY_free(key);
}

static void
a_foreign_key_is_refused(void **state UNUSED)
{
	struct cert *alice = pki_user("alice"), *bob = pki_user("bob");
	struct cert *pss = pki_user("pss"), *made = NULL;
	EVP_PKEY *const keys[] = { bob->key, pss->key };

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct error err = { 0 };

		X509_up_ref(alice->x509);
		EVP_PKEY_up_ref(keys[i]);
		assert_int_equal(cert_new(alice->x509, keys[i], NULL,
					 CERT_IMPORTED, "here", &made, &err),
			-1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_says("foreign key", err.text,
			"the private key does not belong to the certificate");
	}
	cert_unref(alice);
	cert_unref(bob);
	cert_unref(pss);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_refusal_has_its_own_sentence),
		cmocka_unit_test(nothing_is_derived_beyond_the_limit),
		cmocka_unit_test(large_files_are_refused_by_name_of_the_limit),
		cmocka_unit_test(a_file_that_fails_leaves_nothing_in_the_pile),
		cmocka_unit_test(a_file_may_end_anywhere),
		cmocka_unit_test(a_wrong_password_is_one_whatever_the_padding),
		cmocka_unit_test(a_foreign_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
