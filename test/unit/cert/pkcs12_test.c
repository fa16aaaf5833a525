/* PKCS#12 files that the openssl command does not make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pkcs12.h>
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_keys_each_find_their_certificate),
		cmocka_unit_test(key_with_another_password_is_said_so),
		cmocka_unit_test(a_password_of_utf8_opens_it),
		cmocka_unit_test(empty_passwords_of_both_kinds_open_it),
		cmocka_unit_test(nested_safes_end_at_a_depth),
		cmocka_unit_test(keys_can_be_counted_and_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
