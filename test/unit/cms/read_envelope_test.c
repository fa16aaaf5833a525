/*
 * Envelopes that OpenSSL makes, in every form it can make them, and what must
 * never be opened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "../cms_fixture.h"
#include "base/mem.h"

static const char cannot[] = "it cannot be decrypted";

/* ---- making ---- */

struct make {
	const EVP_CIPHER *(*cipher)(void);
	unsigned flags;		     /* CMS_STREAM: BER; CMS_USE_KEYID */
	const EVP_MD *(*oaep)(void); /* NULL: PKCS#1 */
	const EVP_MD *(*kdf)(void);  /* of key agreement; NULL: SHA-256 */
	bool cofactor;
	bool ukm;
	bool shared_key;   /* and a recipient of another kind */
	unsigned others;   /* recipients before ours */
	unsigned key_bits; /* RC2 */
};

static void
set_up_recipient(CMS_RecipientInfo *info, const struct make *make)
{
	EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);

	if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE) {
		assert_true(EVP_PKEY_CTX_set_ecdh_kdf_md(context,
				    make->kdf != NULL ? make->kdf()
						      : EVP_sha256()) > 0);
		if (make->cofactor)
			assert_true(EVP_PKEY_CTX_set_ecdh_cofactor_mode(
					    context, 1) > 0);
		return;
	}
	if (make->oaep == NULL)
		return;
	assert_true(EVP_PKEY_CTX_set_rsa_padding(
			    context, RSA_PKCS1_OAEP_PADDING) > 0);
	assert_true(EVP_PKEY_CTX_set_rsa_oaep_md(context, make->oaep()) > 0);
}

static void
add_recipients(
	CMS_ContentInfo *cms, const struct make *make, const struct cert *cert)
{
	CMS_RecipientInfo *info;
	ASN1_OCTET_STRING *ukm = NULL;

	if (make->shared_key)
		assert_non_null(CMS_add0_recipient_key(cms, NID_id_aes128_wrap,
			OPENSSL_memdup("0123456789abcdef", 16), 16,
			OPENSSL_memdup("id", 2), 2, NULL, NULL, NULL));
	for (unsigned i = 0; i < make->others; i++)
		assert_non_null(CMS_add1_recipient_cert(
			cms, pki_cert(PKI_RSA_OTHER)->x509, 0));
	info = CMS_add1_recipient_cert(
		cms, cert->x509, make->flags | CMS_KEY_PARAM);
	assert_non_null(info);
	set_up_recipient(info, make);
	if (make->ukm && CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE) {
		X509_ALGOR *algorithm;

		CMS_RecipientInfo_kari_get0_alg(info, &algorithm, &ukm);
		ASN1_OCTET_STRING_set(
			ukm, (const unsigned char *)"ukm of ours", 11);
	}
}

static void
make(const struct make *make, const struct cert *cert, struct span content,
	struct buf *der)
{
	bool legacy = make->key_bits != 0;
	const EVP_CIPHER *cipher = make->cipher();
	BIO *in = BIO_new_mem_buf(content.data, (int)content.len);
	BIO *out = BIO_new(BIO_s_mem());
	bool authenticated =
		(EVP_CIPHER_get_flags(cipher) & EVP_CIPH_FLAG_AEAD_CIPHER) != 0;
	OSSL_LIB_CTX *library = legacy ? crypto_legacy() : NULL;
	CMS_ContentInfo *cms =
		authenticated
			? CMS_AuthEnvelopedData_create_ex(cipher, library, NULL)
			: CMS_EnvelopedData_create_ex(cipher, library, NULL);
	char *bytes;
	long len;

	assert_non_null(cms);
	CMS_set_detached(cms, 0);
	add_recipients(cms, make, cert);
	if ((make->flags & CMS_STREAM) != 0) {
		unsigned char **boundary = NULL;

		assert_int_equal(CMS_stream(&boundary, cms), 1);
		assert_int_equal(i2d_CMS_bio_stream(
					 out, cms, in, CMS_BINARY | CMS_STREAM),
			1);
	} else {
		assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
		assert_int_equal(i2d_CMS_bio(out, cms), 1);
	}
	len = BIO_get_mem_data(out, &bytes);
	assert_int_equal(buf_add(der, bytes, (size_t)len, NULL), 0);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(out);
	ERR_clear_error();
}

static int
open_as(const struct buf *der, const struct cert *cert, struct buf *plain,
	struct error *err)
{
	int rc;

	memset(err, 0, sizeof(*err));
	rc = cms_open_envelope(buf_span(der), cert, false, NULL, plain, err);
	assert_int_equal(ERR_peek_error(), 0);
	return rc;
}

/* Bytes for others of the same length, which must stand there once. */
static void
patch(struct buf *der, struct span from, struct span to)
{
	const unsigned char *at = span_find(buf_span(der), from);

	assert_non_null(at);
	assert_int_equal(from.len, to.len);
	memcpy(der->data + (at - der->data), to.data, to.len);
}

/* ---- what opens ---- */

static const struct {
	const char *label;
	enum pki_user user;
	struct make make;
} good[] = {
	{ "AES-128-CBC", PKI_RSA, { .cipher = EVP_aes_128_cbc } },
	{ "AES-192-CBC", PKI_RSA, { .cipher = EVP_aes_192_cbc } },
	{ "AES-256-CBC", PKI_RSA, { .cipher = EVP_aes_256_cbc } },
	{ "3DES", PKI_RSA, { .cipher = EVP_des_ede3_cbc } },
	{ "AES-128-GCM", PKI_RSA, { .cipher = EVP_aes_128_gcm } },
	{ "AES-192-GCM", PKI_RSA, { .cipher = EVP_aes_192_gcm } },
	{ "AES-256-GCM", PKI_RSA, { .cipher = EVP_aes_256_gcm } },
	{ "BER", PKI_RSA, { .cipher = EVP_aes_256_cbc, .flags = CMS_STREAM } },
	{ "BER, GCM", PKI_P256,
		{ .cipher = EVP_aes_256_gcm, .flags = CMS_STREAM } },
	{ "key identifier", PKI_RSA,
		{ .cipher = EVP_aes_128_cbc, .flags = CMS_USE_KEYID } },
	{ "key identifier, EC", PKI_P256,
		{ .cipher = EVP_aes_128_cbc, .flags = CMS_USE_KEYID } },
	{ "OAEP SHA-1", PKI_RSA,
		{ .cipher = EVP_aes_128_cbc, .oaep = EVP_sha1 } },
	{ "OAEP SHA-224", PKI_RSA,
		{ .cipher = EVP_aes_128_cbc, .oaep = EVP_sha224 } },
	{ "OAEP SHA-256", PKI_RSA,
		{ .cipher = EVP_aes_128_gcm, .oaep = EVP_sha256 } },
	{ "OAEP SHA-384", PKI_RSA,
		{ .cipher = EVP_aes_128_cbc, .oaep = EVP_sha384 } },
	{ "OAEP SHA-512", PKI_RSA,
		{ .cipher = EVP_aes_256_cbc, .oaep = EVP_sha512 } },
	{ "KDF SHA-1", PKI_P256,
		{ .cipher = EVP_aes_128_cbc, .kdf = EVP_sha1 } },
	{ "KDF SHA-224", PKI_P256,
		{ .cipher = EVP_aes_128_cbc, .kdf = EVP_sha224 } },
	{ "KDF SHA-384", PKI_P384,
		{ .cipher = EVP_aes_256_cbc, .kdf = EVP_sha384 } },
	{ "KDF SHA-512", PKI_P521,
		{ .cipher = EVP_aes_256_gcm, .kdf = EVP_sha512 } },
	{ "cofactor", PKI_P256,
		{ .cipher = EVP_aes_128_cbc, .cofactor = true } },
	{ "cofactor, SHA-384", PKI_P384,
		{ .cipher = EVP_aes_192_cbc,
			.kdf = EVP_sha384,
			.cofactor = true } },
	{ "3DES wrap", PKI_P256, { .cipher = EVP_des_ede3_cbc } },
	{ "the 20th recipient", PKI_RSA,
		{ .cipher = EVP_aes_128_cbc, .others = 19 } },
	{ "beside a shared key", PKI_RSA,
		{ .cipher = EVP_aes_128_cbc, .shared_key = true } },
	{ "beside a shared key, EC", PKI_P256,
		{ .cipher = EVP_aes_256_gcm, .shared_key = true } },
};

static void
every_form_that_others_make_opens(void **state UNUSED)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 4096, 100001 };

	for (size_t i = 0; i < COUNT_OF(good); i++)
		for (size_t s = 0; s < COUNT_OF(sizes); s++) {
			const struct cert *cert = pki_cert(good[i].user);
			struct span content = pki_content(sizes[s]);
			struct buf der = { 0 }, plain = { 0 };
			struct error err;

			make(&good[i].make, cert, content, &der);
			assert_int_equal(
				buf_add_string(&plain, "before", NULL), 0);
			if (open_as(&der, cert, &plain, &err) != 0)
				fail_msg("%s: %s", good[i].label, err.text);
			assert_memory_equal(plain.data, "before", 6);
			if (!span_equal(span_of(plain.data + 6, plain.len - 6),
				    content))
				fail_msg("%s: another content", good[i].label);
			/* Reserved once. */
			assert_true(plain.size <= content.len + 256);
			buf_clear(&plain);
			buf_clear(&der);
		}
}

static void
old_ciphers_open_only_where_that_is_allowed(void **state UNUSED)
{
	static const struct {
		const EVP_CIPHER *(*cipher)(void);
		const char *algorithm;
		unsigned bits;
	} rows[] = {
		{ EVP_rc2_40_cbc, "RC2", 40 },
		{ EVP_rc2_64_cbc, "RC2", 64 },
		{ EVP_rc2_cbc, "RC2", 128 },
		{ .cipher = EVP_des_cbc, "DES", 64 },
	};
	const struct cert *cert = pki_cert(PKI_RSA);

	if (crypto_legacy() == NULL)
		skip();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct make how = { .cipher = rows[i].cipher,
			.key_bits = rows[i].bits };
		struct cms_envelope envelope;
		struct buf der = { 0 }, plain = { 0 };
		struct error err;

		make(&how, cert, pki_content(100), &der);
		assert_int_equal(open_as(&der, cert, &plain, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (cms_open_envelope(buf_span(&der), cert, true, NULL, &plain,
			    &err) != 0)
			fail_msg("%s-%u: %s", rows[i].algorithm, rows[i].bits,
				err.text);
		assert_true(span_equal(buf_span(&plain), pki_content(100)));
		assert_int_equal(cms_read_envelope(
					 buf_span(&der), NULL, &envelope, &err),
			0);
		assert_true(envelope.legacy);
		assert_string_equal(envelope.algorithm, rows[i].algorithm);
		assert_int_equal(envelope.key_bits, rows[i].bits);
		cms_envelope_clear(&envelope);
		buf_clear(&plain);
		buf_clear(&der);
	}
}

static void
recipients_and_cipher_are_told_without_a_key(void **state UNUSED)
{
	struct make how = {
		.cipher = EVP_aes_256_gcm, .others = 2, .shared_key = true
	};
	const struct cert *cert = pki_cert(PKI_P256);
	struct cms_envelope envelope;
	struct cms_party *party;
	struct buf der = { 0 };
	struct error err;
	char *serial = cert_serial(cert), *issuer = cert_issuer(cert);

	make(&how, cert, pki_content(10), &der);
	assert_int_equal(
		cms_read_envelope(buf_span(&der), NULL, &envelope, &err), 0);
	assert_true(envelope.authenticated);
	assert_false(envelope.legacy);
	assert_string_equal(envelope.algorithm, "AES256-GCM");
	assert_int_equal(envelope.key_bits, 256);
	assert_int_equal(envelope.recipients.count, 3);
	assert_int_equal(cms_envelope_is_for(&envelope, cert), 1);
	assert_int_equal(
		cms_envelope_is_for(&envelope, pki_cert(PKI_RSA_OTHER)), 1);
	assert_int_equal(cms_envelope_is_for(&envelope, pki_cert(PKI_RSA)), 0);
	for (size_t i = 0; i < envelope.recipients.count; i++) {
		party = envelope.recipients.item[i];
		if (cms_party_is(party, cert) != 1)
			continue;
		assert_string_equal(party->issuer, issuer);
		assert_string_equal(party->serial, serial);
		assert_string_equal(party->key_id, "");
		assert_string_equal(party->key_algorithm, "1.3.132.1.11.1");
	}
	mem_free(serial);
	mem_free(issuer);
	cms_envelope_clear(&envelope);
	buf_clear(&der);
}

/* ---- what does not ---- */

#define NIST_AES "\x60\x86\x48\x01\x65\x03\x04\x01"
#define STR(literal)                                                           \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}

static const struct {
	const char *label;
	enum pki_user user;
	struct make make;
	struct span from, to;
	enum error_kind kind;
} refused[] = {
	{ "GCM named in an EnvelopedData", PKI_RSA,
		{ .cipher = EVP_aes_256_cbc }, STR(NIST_AES "\x2a"),
		STR(NIST_AES "\x2e"), ERROR_FORMAT },
	{ "CBC named in an AuthEnvelopedData (CVE-2026-34182)", PKI_RSA,
		{ .cipher = EVP_aes_256_gcm }, STR(NIST_AES "\x2e"),
		STR(NIST_AES "\x2a"), ERROR_FORMAT },
	{ "CCM", PKI_RSA, { .cipher = EVP_aes_256_gcm }, STR(NIST_AES "\x2e"),
		STR(NIST_AES "\x2f"), ERROR_FORMAT },
	{ "CFB", PKI_RSA, { .cipher = EVP_aes_256_cbc }, STR(NIST_AES "\x2a"),
		STR(NIST_AES "\x2c"), ERROR_FORMAT },
	{ "ECB", PKI_RSA, { .cipher = EVP_aes_256_cbc }, STR(NIST_AES "\x2a"),
		STR(NIST_AES "\x29"), ERROR_FORMAT },
	{ "a tag of 4 bytes promised", PKI_RSA, { .cipher = EVP_aes_128_gcm },
		STR("\x02\x01\x10"), STR("\x02\x01\x04"), ERROR_FORMAT },
	{ "a tag of 12 bytes promised, 16 there", PKI_RSA,
		{ .cipher = EVP_aes_128_gcm }, STR("\x02\x01\x10"),
		STR("\x02\x01\x0c"), ERROR_FORMAT },
	{ "a nonce of 11 bytes (CVE-2025-15467)", PKI_RSA,
		{ .cipher = EVP_aes_128_gcm }, STR("\x30\x11\x04\x0c"),
		STR("\x30\x11\x04\x0b"), ERROR_FORMAT },
	{ "AES wrap with padding (CVE-2026-63072)", PKI_P256,
		{ .cipher = EVP_aes_128_cbc }, STR(NIST_AES "\x05"),
		STR(NIST_AES "\x08"), ERROR_FORMAT },
	{ "a key agreement of another kind", PKI_P256,
		{ .cipher = EVP_aes_128_cbc }, STR("\x2b\x81\x04\x01\x0b\x01"),
		STR("\x2b\x81\x04\x01\x0f\x01"), ERROR_FORMAT },
	{ "RSA-KEM", PKI_RSA, { .cipher = EVP_aes_128_cbc },
		STR("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
		    "\x05"),
		STR("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e"
		    "\x05"),
		ERROR_FORMAT },
};

static void
parameters_no_honest_sender_makes_are_refused(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		const struct cert *cert = pki_cert(refused[i].user);
		struct buf der = { 0 }, plain = { 0 };
		struct error err;

		make(&refused[i].make, cert, pki_content(64), &der);
		patch(&der, refused[i].from, refused[i].to);
		if (open_as(&der, cert, &plain, &err) == 0)
			fail_msg("%s: opened", refused[i].label);
		if (err.kind != refused[i].kind)
			fail_msg("%s: %s", refused[i].label, err.text);
		assert_int_equal(plain.len, 0);
		buf_clear(&plain);
		buf_clear(&der);
	}
}

/* 5.4: they never reach OpenSSL, whatever password one might have. */
static void
password_recipients_are_no_recipients(void **state UNUSED)
{
	CMS_ContentInfo *cms = CMS_EnvelopedData_create(EVP_aes_128_cbc());
	BIO *in = BIO_new_mem_buf("hello", 5);
	unsigned char *bytes = NULL;
	struct buf der = { 0 }, plain = { 0 };
	struct cms_envelope envelope;
	struct error err;
	int len;

	CMS_set_detached(cms, 0);
	assert_non_null(CMS_add0_recipient_password(cms, -1, NID_undef,
		NID_undef, (unsigned char *)OPENSSL_strdup("secret"), 6, NULL));
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	len = i2d_CMS_ContentInfo(cms, &bytes);
	assert_int_equal(buf_add(&der, bytes, (size_t)len, NULL), 0);
	assert_int_equal(
		cms_read_envelope(buf_span(&der), NULL, &envelope, &err), 0);
	assert_int_equal(envelope.recipients.count, 0);
	assert_int_equal(open_as(&der, pki_cert(PKI_RSA), &plain, &err), -1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	cms_envelope_clear(&envelope);
	buf_clear(&der);
	OPENSSL_free(bytes);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

static void
more_recipients_than_the_limit_are_refused(void **state UNUSED)
{
	struct make how = { .cipher = EVP_aes_128_cbc, .others = 4 };
	const struct cert *cert = pki_cert(PKI_RSA);
	struct cms_read_limits limits = cms_read_limits_default;
	struct cms_envelope envelope;
	struct buf der = { 0 }, plain = { 0 };
	struct error err = { 0 };

	make(&how, cert, pki_content(10), &der);
	limits.recipients = 5;
	assert_int_equal(cms_open_envelope(buf_span(&der), cert, false, &limits,
				 &plain, &err),
		0);
	buf_clear(&plain);
	limits.recipients = 4;
	assert_int_equal(cms_open_envelope(buf_span(&der), cert, false, &limits,
				 &plain, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(
		cms_read_envelope(buf_span(&der), &limits, &envelope, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_int_equal(envelope.recipients.count, 0);
	buf_clear(&der);
}

static void
who_is_no_recipient_is_told_so(void **state UNUSED)
{
	struct make how = { .cipher = EVP_aes_128_cbc };
	struct cert *keyless = NULL;
	struct buf der = { 0 }, plain = { 0 };
	struct error err;

	make(&how, pki_cert(PKI_RSA), pki_content(10), &der);
	assert_int_equal(
		open_as(&der, pki_cert(PKI_RSA_OTHER), &plain, &err), -1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	X509_up_ref(pki_cert(PKI_RSA)->x509);
	assert_int_equal(cert_new(pki_cert(PKI_RSA)->x509, NULL, NULL,
				 CERT_FROM_FILE, "test", &keyless, &err),
		0);
	assert_int_equal(open_as(&der, keyless, &plain, &err), -1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	cert_unref(keyless);
	buf_clear(&der);
}

/* ---- oracles (Bleichenbacher, Vaudenay, Manger) ---- */

/* Our certificate with somebody else's key: a wrong key. */
static struct cert *
with_key_of(enum pki_user user, enum pki_user other)
{
	struct cert *cert = mem_alloc(sizeof(*cert));

	memset(cert, 0, sizeof(*cert));
	cert->references = 1;
	cert->x509 = pki_cert(user)->x509;
	cert->key = pki_cert(other)->key;
	cert->source = mem_string("test");
	return cert;
}

static void
expect_same_failure(const struct buf *der, const struct cert *cert)
{
	struct buf plain = { 0 };
	struct error err;

	assert_int_equal(buf_add_string(&plain, "before", NULL), 0);
	if (open_as(der, cert, &plain, &err) == 0) {
		/* 1 of 256 random keys gives a padding that is one. */
		buf_clear(&plain);
		return;
	}
	assert_int_equal(err.kind, ERROR_CRYPTO);
	assert_string_equal(err.text, cannot);
	assert_int_equal(plain.len, 6);
	for (size_t i = 6; i < plain.size; i++)
		assert_int_equal(plain.data[i], 0);
	buf_clear(&plain);
}

static void
every_failure_has_the_same_words(void **state UNUSED)
{
	static const struct {
		enum pki_user user, other;
		struct make make;
	} rows[] = {
		{ PKI_RSA, PKI_RSA_OTHER, { .cipher = EVP_aes_128_cbc } },
		{ PKI_RSA, PKI_RSA_OTHER, { .cipher = EVP_aes_128_gcm } },
		{ PKI_RSA, PKI_RSA_OTHER,
			{ .cipher = EVP_aes_256_cbc, .oaep = EVP_sha256 } },
		{ PKI_P256, PKI_P384, { .cipher = EVP_aes_128_gcm } },
		{ PKI_P256, PKI_P384, { .cipher = EVP_aes_128_cbc } },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct cert *cert = pki_cert(rows[i].user);
		struct cert *wrong = with_key_of(rows[i].user, rows[i].other);
		bool rsa = rows[i].user == PKI_RSA;
		const unsigned char *key;
		struct buf der = { 0 };
		size_t middle;

		make(&rows[i].make, cert, pki_content(160), &der);
		expect_same_failure(&der, wrong);
		/* The last block or the tag. */
		der.data[der.len - 1] ^= 1;
		expect_same_failure(&der, cert);
		der.data[der.len - 1] ^= 1;
		/* The encrypted key: 256 bytes, or 24 of a wrapped one. */
		key = span_find(buf_span(&der),
			rsa ? SPAN("\x04\x82\x01\x00") : SPAN("\x04\x18"));
		assert_non_null(key);
		middle = (size_t)(key - der.data) + 12;
		der.data[middle] ^= 1;
		expect_same_failure(&der, cert);
		buf_clear(&der);
		mem_free(wrong->source);
		mem_free(wrong);
	}
}

/* 5.5: with the block of a guess first, the second, right one is not tried. */
static void
only_one_key_block_is_tried(void **state UNUSED)
{
	const struct cert *cert = pki_cert(PKI_RSA);
	CMS_ContentInfo *cms;
	unsigned char *bytes = NULL;
	struct buf twice = { 0 };
	BIO *in = BIO_new_mem_buf("hello", 5);
	int len;

	cms = CMS_AuthEnvelopedData_create(EVP_aes_128_gcm());
	CMS_set_detached(cms, 0);
	assert_non_null(CMS_add1_recipient_cert(cms, cert->x509, 0));
	assert_non_null(CMS_add1_recipient_cert(cms, cert->x509, 0));
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	len = i2d_CMS_ContentInfo(cms, &bytes);
	assert_int_equal(buf_add(&twice, bytes, (size_t)len, NULL), 0);
	for (size_t i = 0; i < twice.len; i++) {
		/* The first encrypted key of 256 bytes. */
		if (memcmp(twice.data + i, "\x04\x82\x01\x00", 4) != 0)
			continue;
		twice.data[i + 100] ^= 1;
		break;
	}
	expect_same_failure(&twice, cert);
	buf_clear(&twice);
	OPENSSL_free(bytes);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

/* ---- EFAIL and broken bytes ---- */

/* Whatever is changed: nothing opens as something else. */
static void
no_changed_bit_opens_a_gcm_envelope_as_something_else(void **state UNUSED)
{
	static const enum pki_user users[] = { PKI_RSA, PKI_P256 };
	struct make how = { .cipher = EVP_aes_128_gcm };
	struct span content = pki_content(33);

	for (size_t u = 0; u < COUNT_OF(users); u++) {
		const struct cert *cert = pki_cert(users[u]);
		struct buf der = { 0 };

		make(&how, cert, content, &der);
		for (size_t i = 0; i < 8 * der.len; i += 3) {
			struct buf plain = { 0 };
			struct error err;

			der.data[i / 8] ^= (unsigned char)(1 << i % 8);
			if (open_as(&der, cert, &plain, &err) == 0)
				assert_true(
					span_equal(buf_span(&plain), content));
			else
				assert_int_equal(plain.len, 0);
			buf_clear(&plain);
			der.data[i / 8] ^= (unsigned char)(1 << i % 8);
		}
		buf_clear(&der);
	}
}

static void
no_part_of_an_envelope_opens(void **state UNUSED)
{
	static const struct make ways[] = { { .cipher = EVP_aes_128_cbc },
		{ .cipher = EVP_aes_128_gcm },
		{ .cipher = EVP_aes_128_cbc, .flags = CMS_STREAM } };
	const struct cert *cert = pki_cert(PKI_RSA);

	for (size_t w = 0; w < COUNT_OF(ways); w++) {
		struct buf der = { 0 }, plain = { 0 };
		struct error err;
		size_t whole;

		make(&ways[w], cert, pki_content(50), &der);
		whole = der.len;
		for (der.len = 0; der.len < whole; der.len++) {
			assert_int_equal(open_as(&der, cert, &plain, &err), -1);
			assert_int_equal(err.kind, ERROR_FORMAT);
		}
		/* Nor with something behind it. */
		der.len = whole;
		assert_int_equal(buf_add(&der, "\0", 1, NULL), 0);
		assert_int_equal(open_as(&der, cert, &plain, &err), -1);
		assert_int_equal(err.kind, ERROR_FORMAT);
		buf_clear(&der);
	}
}

/* ---- built by hand ---- */

static void
put(struct buf *out, unsigned char tag, struct span content)
{
	unsigned char header[4] = { tag, 0x82,
		(unsigned char)(content.len >> 8), (unsigned char)content.len };

	assert_int_equal(buf_add(out, header, 4, NULL), 0);
	assert_int_equal(buf_add_span(out, content, NULL), 0);
}

static void
wrap(struct buf *buf, unsigned char tag)
{
	struct buf out = { 0 };

	put(&out, tag, buf_span(buf));
	buf_clear(buf);
	*buf = out;
}

static void
add_issuer_and_serial(struct buf *out, const struct cert *cert)
{
	unsigned char *issuer = NULL, *serial = NULL;
	struct buf both = { 0 };
	int len = i2d_X509_NAME(X509_get_issuer_name(cert->x509), &issuer);

	assert_int_equal(buf_add(&both, issuer, (size_t)len, NULL), 0);
	len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert->x509), &serial);
	assert_int_equal(buf_add(&both, serial, (size_t)len, NULL), 0);
	put(out, 0x30, buf_span(&both));
	OPENSSL_free(issuer);
	OPENSSL_free(serial);
	buf_clear(&both);
}

static void
add_key_transport(struct buf *out, const struct cert *cert,
	const unsigned char *key, size_t key_len)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(cert->key, NULL);
	unsigned char block[512];
	size_t len = sizeof(block);
	struct buf info = { 0 };

	assert_true(EVP_PKEY_encrypt_init(context) > 0);
	assert_true(EVP_PKEY_encrypt(context, block, &len, key, key_len) > 0);
	assert_int_equal(buf_add(&info, "\x02\x01\x00", 3, NULL), 0);
	add_issuer_and_serial(&info, cert);
	assert_int_equal(buf_add(&info,
				 "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d"
				 "\x01\x01\x01\x05\x00",
				 15, NULL),
		0);
	put(&info, 0x04, span_of(block, len));
	wrap(&info, 0x30);
	put(out, 0x31, buf_span(&info));
	buf_clear(&info);
	EVP_PKEY_CTX_free(context);
}

#define ATTRIBUTES                                                             \
	"\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03\x31\x0b"         \
	"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"

/* AuthEnvelopedData with authAttrs (RFC 5083 2.1), pieces as deep as asked. */
static void
build(struct buf *out, struct span content, unsigned depth, bool attributes)
{
	static const unsigned char key[16] = "0123456789abcdef";
	static const unsigned char nonce[12] = "a nonce of o";
	const struct span set = SPAN("\x31\x1a" ATTRIBUTES);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	unsigned char text[256], tag[16];
	struct buf data = { 0 }, info = { 0 }, pieces = { 0 };
	int len = 0, rest = 0;

	EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, key, nonce);
	if (attributes)
		EVP_EncryptUpdate(cipher, NULL, &len, set.data, (int)set.len);
	EVP_EncryptUpdate(cipher, text, &len, content.data, (int)content.len);
	EVP_EncryptFinal_ex(cipher, text + len, &rest);
	EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, tag);
	EVP_CIPHER_CTX_free(cipher);

	assert_int_equal(buf_add(&data, "\x02\x01\x00", 3, NULL), 0);
	add_key_transport(&data, pki_cert(PKI_RSA), key, sizeof(key));
	assert_int_equal(
		buf_add(&info,
			"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
			"\x30\x1e\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x06"
			"\x30\x11\x04\x0c"
			"a nonce of o"
			"\x02\x01\x10",
			11 + 32, NULL),
		0);
	if (depth == 0) {
		put(&info, 0x80, span_of(text, (size_t)len));
	} else {
		put(&pieces, 0x04, span_of(text, 7));
		put(&pieces, 0x04, span_of(text, 0));
		put(&pieces, 0x04, span_of(text + 7, (size_t)len - 7));
		for (unsigned i = 1; i < depth; i++)
			wrap(&pieces, 0x24);
		put(&info, 0xa0, buf_span(&pieces));
	}
	put(&data, 0x30, buf_span(&info));
	if (attributes)
		put(&data, 0xa1, SPAN(ATTRIBUTES));
	put(&data, 0x04, span_of(tag, sizeof(tag)));
	wrap(&data, 0x30);
	wrap(&data, 0xa0);
	assert_int_equal(
		buf_add(out,
			"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17",
			13, NULL),
		0);
	assert_int_equal(buf_add_span(out, buf_span(&data), NULL), 0);
	wrap(out, 0x30);
	buf_clear(&data);
	buf_clear(&info);
	buf_clear(&pieces);
}

static void
authenticated_attributes_are_authenticated(void **state UNUSED)
{
	struct buf der = { 0 }, plain = { 0 };
	struct error err;

	build(&der, pki_content(40), 0, true);
	if (open_as(&der, pki_cert(PKI_RSA), &plain, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(span_equal(buf_span(&plain), pki_content(40)));
	buf_clear(&plain);
	patch(&der, SPAN("\x01\x09\x03\x31"), SPAN("\x01\x09\x04\x31"));
	assert_int_equal(open_as(&der, pki_cert(PKI_RSA), &plain, &err), -1);
	assert_int_equal(err.kind, ERROR_CRYPTO);
	buf_clear(&der);
}

static void
pieces_within_pieces_have_a_limit(void **state UNUSED)
{
	for (unsigned depth = 0; depth < 8; depth++) {
		struct buf der = { 0 }, plain = { 0 };
		struct error err;
		int rc;

		build(&der, pki_content(40), depth, false);
		rc = open_as(&der, pki_cert(PKI_RSA), &plain, &err);
		assert_int_equal(rc, depth <= 5 ? 0 : -1);
		if (rc == 0)
			assert_true(
				span_equal(buf_span(&plain), pki_content(40)));
		else
			assert_int_equal(err.kind, ERROR_FORMAT);
		buf_clear(&plain);
		buf_clear(&der);
	}
}

static int
end(void **state UNUSED)
{
	pki_free();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_that_others_make_opens),
		cmocka_unit_test(old_ciphers_open_only_where_that_is_allowed),
		cmocka_unit_test(recipients_and_cipher_are_told_without_a_key),
		cmocka_unit_test(parameters_no_honest_sender_makes_are_refused),
		cmocka_unit_test(password_recipients_are_no_recipients),
		cmocka_unit_test(more_recipients_than_the_limit_are_refused),
		cmocka_unit_test(who_is_no_recipient_is_told_so),
		cmocka_unit_test(every_failure_has_the_same_words),
		cmocka_unit_test(only_one_key_block_is_tried),
		cmocka_unit_test(
			no_changed_bit_opens_a_gcm_envelope_as_something_else),
		cmocka_unit_test(no_part_of_an_envelope_opens),
		cmocka_unit_test(authenticated_attributes_are_authenticated),
		cmocka_unit_test(pieces_within_pieces_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
