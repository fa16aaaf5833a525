/* PKCS#12 files that the openssl command does not make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

/* A file in the making: safes, each with its own password or none. */
struct making {
	STACK_OF(PKCS7) * safes;
	STACK_OF(PKCS12_SAFEBAG) * bags;
};

static void
add_user(struct making *making, const char *name, const char *key_password)
{
	struct cert *user = pki_user(name);

	assert_non_null(PKCS12_add_cert(&making->bags, user->x509));
	assert_non_null(PKCS12_add_key(&making->bags, user->key, 0, 1,
		key_password ? NID_aes_256_cbc : -1, (char *)key_password));
	cert_unref(user);
}

static void
end_safe(struct making *making, const char *password)
{
	assert_int_equal(PKCS12_add_safe(&making->safes, making->bags,
				 password ? NID_aes_256_cbc : -1, 1, password),
		1);
	sk_PKCS12_SAFEBAG_pop_free(making->bags, PKCS12_SAFEBAG_free);
	making->bags = NULL;
}

static void
end_file(struct making *making, const char *mac_password, struct buf *out)
{
	PKCS12 *p12 = PKCS12_add_safes(making->safes, 0);
	unsigned char *der = NULL;
	int len;

	assert_non_null(p12);
	if (mac_password != NULL)
		assert_int_equal(PKCS12_set_mac(p12, mac_password, -1, NULL, 0,
					 1, EVP_sha256()),
			1);
	len = i2d_PKCS12(p12, &der);
	assert_true(len > 0);
	assert_int_equal(buf_add(out, der, (size_t)len, NULL), 0);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_PKCS7_pop_free(making->safes, PKCS7_free);
	making->safes = NULL;
}

static int
load(struct buf *bytes, const char *password, struct loaded *out,
	struct error *err)
{
	int result;

	*out = (struct loaded){ 0 };
	result = cert_load(buf_span(bytes), password, "here",
		&cert_limits_default, &out->certs, &out->warnings, err);
	buf_clear(bytes);
	return result;
}

static size_t
count_keys(const struct loaded *loaded)
{
	const struct cert *cert;
	size_t keys = 0;

	LIST_FOREACH (cert, &loaded->certs) {
		keys += cert->key != NULL;
	}
	return keys;
}

static void
several_keys_each_find_their_certificate(void **state UNUSED)
{
	struct making making = { 0 };
	struct buf bytes = { 0 };
	struct loaded loaded;

	add_user(&making, "alice", "secret");
	add_user(&making, "bob", NULL);
	end_safe(&making, "secret");
	add_user(&making, "carol", "secret");
	end_safe(&making, NULL);
	end_file(&making, "secret", &bytes);
	assert_int_equal(load(&bytes, "secret", &loaded, NULL), 0);
	assert_int_equal(loaded.certs.count, 3);
	assert_int_equal(count_keys(&loaded), 3);
	loaded_clear(&loaded);
}

static void
key_with_another_password_is_said_so(void **state UNUSED)
{
	struct making making = { 0 };
	struct buf bytes = { 0 };
	struct loaded loaded;
	struct error err = { 0 };

	add_user(&making, "alice", "other");
	end_safe(&making, "secret");
	end_file(&making, "secret", &bytes);
	assert_int_equal(load(&bytes, "secret", &loaded, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("other", err.text, "a private key has another one");
	loaded_clear(&loaded);
}

static void
a_password_of_utf8_opens_it(void **state UNUSED)
{
	static const char password[] = "gr\xc3\xbc\xc3\x9f dich";
	struct making making = { 0 };
	struct buf bytes = { 0 };
	struct loaded loaded;

	add_user(&making, "alice", password);
	end_safe(&making, password);
	end_file(&making, password, &bytes);
	assert_int_equal(load(&bytes, password, &loaded, NULL), 0);
	assert_int_equal(count_keys(&loaded), 1);
	loaded_clear(&loaded);
}

/* With no MAC, a password of NULL and an empty one are both tried. */
static void
empty_passwords_of_both_kinds_open_it(void **state UNUSED)
{
	static const char *const macs[] = { "", NULL };

	for (size_t i = 0; i < COUNT_OF(macs); i++) {
		struct making making = { 0 };
		struct buf bytes = { 0 };
		struct loaded loaded;

		add_user(&making, "alice", "");
		end_safe(&making, "");
		end_file(&making, macs[i], &bytes);
		assert_int_equal(load(&bytes, NULL, &loaded, NULL), 0);
		assert_int_equal(count_keys(&loaded), 1);
		loaded_clear(&loaded);
	}
}

static void
nested_safes_end_at_a_depth(void **state UNUSED)
{
	static const struct {
		int depth, result;
	} rows[] = { { 1, 0 }, { 4, 0 }, { 5, -1 } };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct making making = { 0 };
		struct buf bytes = { 0 };
		struct loaded loaded;
		struct error err = { 0 };

		add_user(&making, "alice", NULL);
		for (int d = 0; d < rows[i].depth; d++) {
			PKCS12_SAFEBAG *bag = PKCS12_SAFEBAG_new();

			/* OpenSSL has no call that makes this kind. */
			unsigned char *der = NULL, head[] = { 0x30, 0x82, 0, 0,
				0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
				0x01, 0x0c, 0x0a, 0x01, 0x06, 0xa0, 0x82, 0,
				0 };
			int len = ASN1_item_i2d((ASN1_VALUE *)making.bags, &der,
				ASN1_ITEM_rptr(PKCS12_SAFEBAGS));
			const unsigned char *at;
			struct buf nested = { 0 };

			head[2] = (unsigned char)((len + 17) >> 8);
			head[3] = (unsigned char)(len + 17);
			head[19] = (unsigned char)(len >> 8);
			head[20] = (unsigned char)len;
			assert_int_equal(
				buf_add(&nested, head, sizeof(head), NULL), 0);
			assert_int_equal(
				buf_add(&nested, der, (size_t)len, NULL), 0);
			at = nested.data;
			PKCS12_SAFEBAG_free(bag);
			bag = d2i_PKCS12_SAFEBAG(NULL, &at, (long)nested.len);
			assert_non_null(bag);
			sk_PKCS12_SAFEBAG_pop_free(
				making.bags, PKCS12_SAFEBAG_free);
			making.bags = sk_PKCS12_SAFEBAG_new_null();
			sk_PKCS12_SAFEBAG_push(making.bags, bag);
			OPENSSL_free(der);
			buf_clear(&nested);
		}
		end_safe(&making, NULL);
		end_file(&making, NULL, &bytes);
		assert_int_equal(
			load(&bytes, NULL, &loaded, &err), rows[i].result);
		if (rows[i].result != 0)
			assert_int_equal(err.kind, ERROR_LIMIT);
		loaded_clear(&loaded);
	}
}

static void
keys_can_be_counted_and_left_alone(void **state UNUSED)
{
	static const char *const files[] = { "alice.p12", "staff.pem" };
	static const size_t expected[] = { 1, 3 };

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct cert_pile *pile = cert_pile_new(NULL);
		struct loaded loaded = { 0 };
		struct buf bytes = { 0 };
		struct cert_file file = { .password = "secret",
			.source = "here",
			.without_keys = true };
		size_t keys = 0;

		read_path(pki_path(files[i]), &bytes);
		file.bytes = buf_span(&bytes);
		assert_int_equal(cert_pile_read(pile, &file, &keys, NULL), 0);
		cert_pile_take(pile, &loaded.certs, &loaded.warnings);
		assert_int_equal(keys, expected[i]);
		assert_int_equal(count_keys(&loaded), 0);
		assert_true(loaded.certs.count >= 3);
		loaded_clear(&loaded);
		cert_pile_free(pile);
		buf_clear(&bytes);
	}
}

static X509 *
make_certificate(EVP_PKEY *key, int number)
{
	X509 *x509 = X509_new();
	char name[16];

	snprintf(name, sizeof(name), "user %d", number);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN",
		MBSTRING_ASC, (unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	ASN1_INTEGER_set(X509_get_serialNumber(x509), number + 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_set_pubkey(x509, key);
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	return x509;
}

/* Keys first, certificates backwards: the order says nothing. */
static void
a_hundred_users_share_a_file(void **state UNUSED)
{
	enum { USERS = 100 };
	struct making making = { 0 };
	X509 *certs[USERS];
	struct buf bytes = { 0 };
	struct loaded loaded;

	for (int i = 0; i < USERS; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");

		certs[i] = make_certificate(key, i);
		assert_non_null(PKCS12_add_key(
			&making.bags, key, 0, 1, NID_aes_256_cbc, "secret"));
		EVP_PKEY_free(key);
	}
	end_safe(&making, NULL);
	for (int i = USERS; i-- > 0;) {
		assert_non_null(PKCS12_add_cert(&making.bags, certs[i]));
		X509_free(certs[i]);
	}
	end_safe(&making, "secret");
	end_file(&making, "secret", &bytes);
	assert_int_equal(load(&bytes, "secret", &loaded, NULL), 0);
	assert_int_equal(loaded.certs.count, USERS);
	assert_int_equal(count_keys(&loaded), USERS);
	assert_int_equal(loaded.warnings.count, 0);
	loaded_clear(&loaded);
}

static const struct {
	const char *file; /* of the fuzzer's corpus */
	size_t certs, keys, warnings;
} others[] = {
	{ "ber", 1, 1, 0 },
	{ "lists", 1, 1, 0 },
	{ "secret-bag", 1, 0, 0 },
	{ "public-key-mode", 1, 0, 1 },
	{ "broken-parts", 1, 0, 3 },
	{ "nested", 2, 1, 0 },
};

static void
odd_parts_spoil_no_other(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		char *path = mem_printf(
			"test/fuzz/corpus/pkcs12/%s.p12", others[i].file);
		struct loaded loaded;

		load_path(path, "secret", &loaded);
		if (loaded.certs.count != others[i].certs ||
			count_keys(&loaded) != others[i].keys ||
			loaded.warnings.count != others[i].warnings)
			fail_msg("%s: %zu certificates, %zu keys, %zu warnings",
				path, loaded.certs.count, count_keys(&loaded),
				loaded.warnings.count);
		loaded_clear(&loaded);
		mem_free(path);
	}
}

static void
a_mac_of_every_digest_is_checked(void **state UNUSED)
{
	static const char *const digests[] = { "md5", "sha1", "sha224",
		"sha256", "sha384", "sha512", "sha3-256", "sha512-256" };

	for (size_t i = 0; i < COUNT_OF(digests); i++) {
		char *command = mem_printf(
			"openssl pkcs12 -export -in $P/alice.pem -inkey "
			"$P/alice.key -macalg %s -passout pass:secret -out "
			"mac.p12",
			digests[i]);
		struct loaded loaded = { 0 };
		struct error err = { 0 };
		struct buf bytes = { 0 };

		own_run(command);
		load_path(own_path("mac.p12"), "secret", &loaded);
		assert_int_equal(count_keys(&loaded), 1);
		loaded_clear(&loaded);
		read_path(own_path("mac.p12"), &bytes);
		bytes.data[bytes.len - 1] ^= 1; /* the iteration count */
		assert_int_equal(load(&bytes, "secret", &loaded, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		loaded_clear(&loaded);
		mem_free(command);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_keys_each_find_their_certificate),
		cmocka_unit_test(key_with_another_password_is_said_so),
		cmocka_unit_test(a_password_of_utf8_opens_it),
		cmocka_unit_test(empty_passwords_of_both_kinds_open_it),
		cmocka_unit_test(nested_safes_end_at_a_depth),
		cmocka_unit_test(a_hundred_users_share_a_file),
		cmocka_unit_test(odd_parts_spoil_no_other),
		cmocka_unit_test(a_mac_of_every_digest_is_checked),
		cmocka_unit_test(keys_can_be_counted_and_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
