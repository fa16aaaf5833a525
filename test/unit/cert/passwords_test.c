/* Passwords of every spelling, and what may be asked for trying them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

/* As a program may make it: a text for the MAC, bytes for the ciphers. */
struct spelling {
	const char *label;
	int cipher; /* of PBES2, or one of PKCS#12's own */
	const char *text;
	const char *bytes;
	int len; /* of bytes */
	const char *given;
	bool opens;
};

#define UTF8 "gr\xc3\xbc\xc3\x9f"
#define LATIN1 "gr\xfc\xdf"
#define UTF16 "\0g\0r\0\xfc\0\xdf\0\0"
/* Each byte of UTF8 for a character. */
#define TWICE "gr\xc3\x83\xc2\xbc\xc3\x83\xc2\x9f"
#define EURO "\xe2\x82\xac 100"
#define DES3 NID_pbe_WithSHA1And3_Key_TripleDES_CBC
#define AES NID_aes_256_cbc

static const struct spelling spellings[] = {
	/* good */
	{ "AES", AES, UTF8, UTF8, 6, UTF8, true },
	{ "3DES", DES3, UTF8, UTF8, 6, UTF8, true },
	{ "no Latin-1, AES", AES, EURO, EURO, 7, EURO, true },
	{ "no Latin-1, 3DES", DES3, EURO, EURO, 7, EURO, true },
	{ "none, 3DES", DES3, NULL, NULL, 0, NULL, true },
	{ "none, AES", AES, NULL, NULL, 0, NULL, true },
	{ "an empty one, 3DES", DES3, "", "", 0, NULL, true },
	{ "an empty one, AES", AES, "", "", 0, NULL, true },
	/* odd but accepted */
	{ "none, and an empty one is set", DES3, NULL, NULL, 0, "", true },
	{ "none, and one is set", DES3, NULL, NULL, 0, UTF8, true },
	{ "an empty one, and one is set", DES3, "", "", 0, UTF8, true },
	{ "Latin-1 for AES", AES, UTF8, LATIN1, 4, UTF8, true },
	{ "UTF-16 for AES", AES, UTF8, UTF16, 10, UTF8, true },
	{ "UTF-16 of ASCII for AES", AES, "abc", "\0a\0b\0c\0\0", 8, "abc",
		true },
	{ "a character for each byte, 3DES", DES3, TWICE, TWICE, 10, UTF8,
		true },
	{ "a character for each byte, AES", AES, TWICE, UTF8, 6, UTF8, true },
	{ "the password itself in Latin-1, AES", AES, UTF8, UTF8, 6, LATIN1,
		true },
	{ "the password itself in Latin-1, 3DES", DES3, UTF8, UTF8, 6, LATIN1,
		true },
	/* refused */
	{ "without dots", AES, UTF8, UTF8, 6, "gruss", false },
	{ "other letters", DES3, UTF8, UTF8, 6, "gr\xc3\xb6\xc3\x9f", false },
	{ "none", AES, UTF8, UTF8, 6, NULL, false },
};

static void
make_file(const struct spelling *how, struct buf *out)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	STACK_OF(PKCS7) *safes = sk_PKCS7_new_null();
	struct cert *user = pki_user("alice");
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(user->key);
	PKCS12 *p12;
	unsigned char *der = NULL;
	int len;

	assert_non_null(PKCS12_add_cert(&bags, user->x509));
	sk_PKCS12_SAFEBAG_push(
		bags, PKCS12_SAFEBAG_create_pkcs8_encrypt(how->cipher,
			      how->bytes, how->len, NULL, 0, 1, info));
	sk_PKCS7_push(safes, PKCS12_pack_p7encdata(how->cipher, how->bytes,
				     how->len, NULL, 0, 1, bags));
	p12 = PKCS12_add_safes(safes, 0);
	assert_int_equal(
		PKCS12_set_mac(p12, how->text, -1, NULL, 0, 1, EVP_sha256()),
		1);
	len = i2d_PKCS12(p12, &der);
	assert_true(len > 0);
	assert_int_equal(buf_add(out, der, (size_t)len, NULL), 0);
	OPENSSL_free(der);
	PKCS12_free(p12);
	PKCS8_PRIV_KEY_INFO_free(info);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	cert_unref(user);
}

static int
load(struct span bytes, const char *password, const struct cert_limits *limits,
	struct loaded *out, struct error *err)
{
	*out = (struct loaded){ 0 };
	return cert_load(bytes, password, "here", limits, &out->certs,
		&out->warnings, err);
}

static void
a_password_opens_it_however_it_was_spelt(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(spellings); i++) {
		const struct spelling *row = &spellings[i];
		struct buf bytes = { 0 };
		struct loaded loaded;
		struct error err = { 0 };
		int result;

		make_file(row, &bytes);
		result =
			load(buf_span(&bytes), row->given, NULL, &loaded, &err);
		if ((result == 0) != row->opens)
			fail_msg("%s: %s", row->label, err.text);
		if (row->opens) {
			assert_non_null(loaded_user(&loaded));
			assert_int_equal(loaded.warnings.count, 0);
		} else {
			assert_int_equal(err.kind, ERROR_CONFIG);
		}
		loaded_clear(&loaded);
		buf_clear(&bytes);
	}
}

static void
the_same_holds_of_an_encrypted_key(void **state UNUSED)
{
	static const char *const commands[] = {
		"printf 'gr\\303\\274\\303\\237\\n' >word && openssl pkcs8 "
		"-topk8 -in $P/alice.key -passout file:word >k.pem && cat "
		"$P/alice.pem >>k.pem",
		"printf 'gr\\374\\337\\n' >word && openssl pkcs8 -topk8 -in "
		"$P/alice.key -passout file:word >k.pem && cat $P/alice.pem "
		">>k.pem",
		"printf 'gr\\303\\274\\303\\237\\n' >word && openssl pkcs8 "
		"-topk8 -v1 PBE-SHA1-3DES -in $P/alice.key -passout file:word "
		">k.pem && cat $P/alice.pem >>k.pem",
	};

	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		struct loaded loaded;

		own_run(commands[i]);
		load_path(own_path("k.pem"), UTF8, &loaded);
		assert_non_null(loaded_user(&loaded));
		loaded_clear(&loaded);
	}
}

/* By the corpus of the fuzzer: each would take hours, or all memory. */
static const struct {
	const char *file, *says;
} bombs[] = {
	{ "mac-count", "takes 4611686018427387904 iterations" },
	{ "mac-negative", "iterations, more than 10000000" },
	{ "pbmac1-count", "takes 4294967296 iterations" },
	{ "pbkdf2-count", "takes 1099511627776 iterations" },
	{ "pbkdf2-large-key", "takes a key of 2147483647 bytes" },
	{ "scrypt-large", "iterations, more than 10000000" },
	{ "scrypt-memory", "bytes of memory (scrypt), more than 33554432" },
};

static void
what_would_take_hours_is_refused_at_once(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(bombs); i++) {
		char *path = mem_printf(
			"test/fuzz/corpus/pkcs12/%s.p12", bombs[i].file);
		struct buf bytes = { 0 };
		struct loaded loaded;
		struct error err = { 0 };

		read_path(path, &bytes);
		assert_int_equal(
			load(buf_span(&bytes), "secret", NULL, &loaded, &err),
			-1);
		if (err.kind != ERROR_LIMIT)
			fail_msg("%s: %s", path, err.text);
		assert_says(path, err.text, "here: ");
		assert_says(path, err.text, bombs[i].says);
		loaded_clear(&loaded);
		buf_clear(&bytes);
		mem_free(path);
	}
}

/* Many files that are cheap one by one are not cheap together. */
static void
all_files_together_have_a_limit_too(void **state UNUSED)
{
	struct cert_limits limits = cert_limits_default;
	struct cert_pile *pile;
	struct buf bytes = { 0 };
	struct cert_file file = { .password = "secret", .source = "here" };
	struct error err = { 0 };
	size_t keys;
	int result = 0;

	limits.kdf_pile_iterations = 20000;
	pile = cert_pile_new(&limits);
	read_path(pki_path("alice.p12"), &bytes);
	file.bytes = buf_span(&bytes);
	assert_int_equal(cert_pile_read(pile, &file, &keys, &err), 0);
	for (int i = 0; i < 20 && result == 0; i++)
		result = cert_pile_read(pile, &file, &keys, &err);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_says("pile", err.text,
		"here: to try the passwords of all files up to this one takes "
		"more than 20000 iterations");
	cert_pile_free(pile);
	buf_clear(&bytes);
}

/* Nor are they when several threads read some of them each. */
static void
parts_of_a_pile_have_one_limit_together(void **state UNUSED)
{
	struct cert_limits limits = cert_limits_default;
	struct cert_pile *pile, *part;
	struct buf bytes = { 0 };
	struct cert_file file = { .password = "secret", .source = "here" };
	struct error err = { 0 };
	size_t keys;
	int result = 0, parts = 0;

	limits.kdf_pile_iterations = 20000;
	pile = cert_pile_new(&limits);
	read_path(pki_path("alice.p12"), &bytes);
	file.bytes = buf_span(&bytes);
	for (; parts < 20 && result == 0; parts++) {
		part = cert_pile_part(pile);
		result = cert_pile_read(part, &file, &keys, &err);
		cert_pile_append(pile, part);
		cert_pile_free(part);
	}
	assert_int_equal(result, -1);
	assert_in_range(parts, 2, 19);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_says("parts", err.text, "all files up to this one");
	cert_pile_free(pile);
	buf_clear(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_opens_it_however_it_was_spelt),
		cmocka_unit_test(the_same_holds_of_an_encrypted_key),
		cmocka_unit_test(what_would_take_hours_is_refused_at_once),
		cmocka_unit_test(all_files_together_have_a_limit_too),
		cmocka_unit_test(parts_of_a_pile_have_one_limit_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
