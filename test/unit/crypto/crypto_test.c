#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "crypto/crypto.h"

static const struct {
	const char *name;
	const char *micalg;
	int bytes;
} digests[CRYPTO_DIGESTS] = {
	[CRYPTO_SHA1] = { "sha1", "sha-1", 20 },
	[CRYPTO_SHA256] = { "sha256", "sha-256", 32 },
	[CRYPTO_SHA384] = { "sha384", "sha-384", 48 },
	[CRYPTO_SHA512] = { "sha512", "sha-512", 64 },
};

static void
every_digest_has_its_names(void **state UNUSED)
{
	struct error err = { 0 };

	assert_int_equal(crypto_init(&err), 0);
	for (int i = 0; i < CRYPTO_DIGESTS; i++) {
		assert_string_equal(crypto_digest_name(i), digests[i].name);
		assert_string_equal(crypto_digest_micalg(i), digests[i].micalg);
		assert_int_equal(crypto_digest_from_name(digests[i].name), i);
		assert_int_equal(
			EVP_MD_get_size(crypto_digest(i)), digests[i].bytes);
	}
}

static void
other_names_are_no_digests(void **state UNUSED)
{
	static const char *const names[] = { "", "md5", "sha-256", "SHA256",
		"sha224", "sha3-256", "sha2566" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(crypto_digest_from_name(names[i]), -1);
}

static void
digests_are_fetched_once(void **state UNUSED)
{
	struct error err = { 0 };
	const EVP_MD *first = crypto_digest(CRYPTO_SHA256);

	assert_int_equal(crypto_init(&err), 0);
	assert_int_equal(crypto_init(&err), 0);
	assert_ptr_equal(crypto_digest(CRYPTO_SHA256), first);
}

static void
the_first_reason_is_told_and_the_queue_is_empty(void **state UNUSED)
{
	struct error err = { 0 };

	crypto_begin();
	ERR_raise(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH);
	ERR_raise(ERR_LIB_X509, ERR_R_X509_LIB);
	assert_int_equal(
		crypto_fail(&err, ERROR_NOKEY, "file %s", "a.pem"), -1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	assert_string_equal(err.text, "file a.pem: key values mismatch");
	assert_int_equal(ERR_peek_error(), 0);
}

static void
what_is_beside_a_reason_is_not_told(void **state UNUSED)
{
	struct error err = { 0 };

	ERR_raise_data(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH, "secret");
	crypto_fail(&err, ERROR_NOKEY, "key");
	assert_null(strstr(err.text, "secret"));
}

static void
without_a_reason_the_sentence_stands_alone(void **state UNUSED)
{
	struct error err = { 0 };

	crypto_begin();
	crypto_fail(&err, ERROR_FORMAT, "this is no CMS");
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(err.text, "this is no CMS");
}

static void
lack_of_memory_passes_by_itself(void **state UNUSED)
{
	struct error err = { 0 };

	ERR_raise(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH);
	ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
	crypto_fail(&err, ERROR_NOKEY, "key");
	assert_int_equal(err.kind, ERROR_SYSTEM);
}

static void
an_error_of_another_mail_is_forgotten(void **state UNUSED)
{
	struct error err = { 0 };

	ERR_raise(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH);
	crypto_begin();
	assert_int_equal(crypto_end("signing", &err), 0);
	assert_int_equal(err.kind, ERROR_NONE);
}

static void
success_with_an_error_in_the_queue_is_no_success(void **state UNUSED)
{
	struct error err = { 0 };

	crypto_begin();
	ERR_raise(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH);
	assert_int_equal(crypto_end("signing", &err), -1);
	assert_int_equal(err.kind, ERROR_CRYPTO);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
legacy_ciphers_stay_in_their_own_library(void **state UNUSED)
{
	OSSL_LIB_CTX *library = crypto_legacy();
	EVP_CIPHER *cipher;

	if (library == NULL) {
		print_message("no legacy provider here\n");
		skip();
	}
	assert_ptr_equal(crypto_legacy(), library);
	cipher = EVP_CIPHER_fetch(library, "RC2-CBC", NULL);
	assert_non_null(cipher);
	EVP_CIPHER_free(cipher);
	assert_null(EVP_CIPHER_fetch(NULL, "RC2-CBC", NULL));
	assert_int_equal(OSSL_PROVIDER_available(NULL, "legacy"), 0);
}

static void
an_old_library_is_warned_of(void **state UNUSED)
{
	bool old = OPENSSL_version_major() == 3 &&
		   OPENSSL_version_minor() == 0 && OPENSSL_version_patch() < 22;

	assert_int_equal(crypto_version_warning() != NULL, old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_digest_has_its_names),
		cmocka_unit_test(other_names_are_no_digests),
		cmocka_unit_test(digests_are_fetched_once),
		cmocka_unit_test(
			the_first_reason_is_told_and_the_queue_is_empty),
		cmocka_unit_test(what_is_beside_a_reason_is_not_told),
		cmocka_unit_test(without_a_reason_the_sentence_stands_alone),
		cmocka_unit_test(lack_of_memory_passes_by_itself),
		cmocka_unit_test(an_error_of_another_mail_is_forgotten),
		cmocka_unit_test(
			success_with_an_error_in_the_queue_is_no_success),
		cmocka_unit_test(legacy_ciphers_stay_in_their_own_library),
		cmocka_unit_test(an_old_library_is_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
