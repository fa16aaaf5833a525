#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <malloc.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "../cms_fixture.h"

/* ---- helpers ---- */

static bool
have_legacy(void)
{
	return crypto_legacy() != NULL;
}

static int
encrypt_to(enum cms_cipher cipher, const struct cms_recipient *recipients,
	size_t count, struct span content, struct buf *der, struct error *err)
{
	struct sink sink = buf_sink(der);
	struct pieces pieces = { .count = 0 };
	size_t half = content.len / 2;

	pieces_add(&pieces, span_of(content.data, half));
	pieces_add(&pieces, span_of(content.data + half, content.len - half));
	return cms_encrypt(cipher, recipients, count, &pieces, &sink, err);
}

static void
encrypt(enum cms_cipher cipher, const struct cms_recipient *recipients,
	size_t count, struct span content, struct buf *der)
{
	struct error err = { 0 };

	if (encrypt_to(cipher, recipients, count, content, der, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(ERR_peek_error(), 0);
}

static bool
opens(const struct buf *der, const struct cert *cert, struct span content)
{
	struct buf plain = { 0 };
	struct error err = { 0 };
	bool same = cms_open_envelope(buf_span(der), cert, true, NULL, &plain,
			    &err) == 0 &&
		    span_equal(buf_span(&plain), content);

	buf_clear(&plain);
	return same;
}

static CMS_ContentInfo *
parse(const struct buf *der, bool legacy)
{
	CMS_ContentInfo *cms =
		CMS_ContentInfo_new_ex(legacy ? crypto_legacy() : NULL, NULL);
	const unsigned char *at = der->data;

	assert_non_null(d2i_CMS_ContentInfo(&cms, &at, (long)der->len));
	assert_ptr_equal(at, der->data + der->len);
	return cms;
}

static CMS_RecipientInfo *
recipient_info(CMS_ContentInfo *cms, int at)
{
	return sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), at);
}

/* ---- what it is ---- */

static const struct {
	const char *label;
	enum pki_user user;
	enum cms_transport transport;
	enum crypto_digest digest;
} ways[] = {
	{ "PKCS#1", PKI_RSA, CMS_RSA_PKCS1, CRYPTO_SHA256 },
	{ "OAEP SHA-1", PKI_RSA, CMS_RSA_OAEP, CRYPTO_SHA1 },
	{ "OAEP SHA-256", PKI_RSA, CMS_RSA_OAEP, CRYPTO_SHA256 },
	{ "OAEP SHA-384", PKI_RSA, CMS_RSA_OAEP, CRYPTO_SHA384 },
	{ "OAEP SHA-512", PKI_RSA, CMS_RSA_OAEP, CRYPTO_SHA512 },
	{ "ECDH P-256", PKI_P256, CMS_RSA_PKCS1, CRYPTO_SHA256 },
	{ "ECDH P-384", PKI_P384, CMS_RSA_OAEP, CRYPTO_SHA512 },
	{ "ECDH P-521", PKI_P521, CMS_RSA_PKCS1, CRYPTO_SHA1 },
};
static const size_t sizes[] = { 0, 1, 15, 16, 17, 57, 65535, 65536,
	(1 << 20) + 3 };

static enum cms_kind
expected_kind(enum cms_cipher cipher, size_t content_len)
{
	if (!cms_cipher_is_authenticated(cipher))
		return CMS_KIND_ENVELOPED;
	return content_len != 0 ? CMS_KIND_AUTH_ENVELOPED : CMS_KIND_OTHER;
}

static void
every_cipher_opens(enum cms_cipher cipher)
{
	for (size_t w = 0; w < COUNT_OF(ways); w++) {
		struct cms_recipient to = { pki_cert(ways[w].user),
			ways[w].transport, ways[w].digest };

		for (size_t s = 0; s < COUNT_OF(sizes); s++) {
			struct span content = pki_content(sizes[s]);
			struct buf der = { 0 };

			encrypt(cipher, &to, 1, content, &der);
			if (!opens(&der, to.cert, content))
				fail_msg("%s %s %zu", cms_cipher_name(cipher),
					ways[w].label, content.len);
			assert_int_equal(cms_recognise(buf_span(&der)),
				expected_kind(cipher, content.len));
			assert_true(der.len <=
				    cms_encrypted_size_bound(content.len, 1));
			buf_clear(&der);
		}
	}
}

static void
every_cipher_key_and_size_opens(void **state UNUSED)
{
	for (int cipher = 0; cipher < CMS_CIPHERS; cipher++)
		if (cipher != CMS_RC2_128 || have_legacy())
			every_cipher_opens(cipher);
}

static void
envelope_is_der(void **state UNUSED)
{
	for (int cipher = 0; cipher < CMS_CIPHERS; cipher++) {
		struct cms_recipient to[] = {
			{ pki_cert(PKI_RSA), CMS_RSA_OAEP, CRYPTO_SHA256 },
			{ pki_cert(PKI_P256), CMS_RSA_PKCS1, CRYPTO_SHA1 },
		};
		struct buf der = { 0 };
		unsigned char *again = NULL;
		CMS_ContentInfo *cms;
		int len;

		if (cipher == CMS_RC2_128 && !have_legacy())
			continue;
		encrypt(cipher, to, 2, pki_content(70000), &der);
		cms = parse(&der, cipher == CMS_RC2_128);
		len = i2d_CMS_ContentInfo(cms, &again);
		assert_true(span_equal(
			buf_span(&der), span_of(again, (size_t)len)));
		OPENSSL_free(again);
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
	}
}

static const struct {
	enum cms_cipher cipher;
	const char *algorithm; /* its DER */
	size_t len;
	const char *wrap; /* for ECDH */
} algorithms[] = {
#define AES "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
#define WRAP "2.16.840.1.101.3.4.1."
	{ CMS_AES128_CBC, "\x30\x1d" AES "\x02\x04\x10", 15, WRAP "5" },
	{ CMS_AES192_CBC, "\x30\x1d" AES "\x16\x04\x10", 15, WRAP "25" },
	{ CMS_AES256_CBC, "\x30\x1d" AES "\x2a\x04\x10", 15, WRAP "45" },
	{ CMS_AES128_GCM, "\x30\x1e" AES "\x06\x30\x11\x04\x0c", 17, WRAP "5" },
	{ CMS_AES256_GCM, "\x30\x1e" AES "\x2e\x30\x11\x04\x0c", 17,
		WRAP "45" },
	{ CMS_3DES, "\x30\x14\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x07\x04\x08",
		14, "1.2.840.113549.1.9.16.3.6" },
	/* RFC 3370 5.2: 58 stands for 128 effective bits */
	{ CMS_RC2_128,
		"\x30\x19\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03\x02"
		"\x30\x0d\x02\x01\x3a\x04\x08",
		19, WRAP "5" },
};

static void
content_cipher_says_what_it_is(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		struct cms_recipient to = { pki_cert(PKI_RSA), CMS_RSA_PKCS1,
			CRYPTO_SHA256 };
		struct buf der = { 0 };

		if (algorithms[i].cipher == CMS_RC2_128 && !have_legacy())
			continue;
		encrypt(algorithms[i].cipher, &to, 1, pki_content(100), &der);
		if (span_find(buf_span(&der), span_of(algorithms[i].algorithm,
						      algorithms[i].len)) ==
			NULL)
			fail_msg("%s", cms_cipher_name(algorithms[i].cipher));
		buf_clear(&der);
	}
}

static void
check_oaep(const X509_ALGOR *algorithm, enum crypto_digest digest)
{
	RSA_OAEP_PARAMS *oaep = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(RSA_OAEP_PARAMS), algorithm->parameter);
	int nid = EVP_MD_get_type(crypto_digest(digest));
	X509_ALGOR *mgf;

	assert_non_null(oaep);
	assert_null(oaep->pSourceFunc);
	if (digest == CRYPTO_SHA1) { /* the default must be left out */
		assert_null(oaep->hashFunc);
		assert_null(oaep->maskGenFunc);
	} else {
		assert_int_equal(OBJ_obj2nid(oaep->hashFunc->algorithm), nid);
		mgf = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR),
			oaep->maskGenFunc->parameter);
		assert_int_equal(OBJ_obj2nid(mgf->algorithm), nid);
		X509_ALGOR_free(mgf);
	}
	RSA_OAEP_PARAMS_free(oaep);
}

static void
key_transport_is_what_was_asked_for(void **state UNUSED)
{
	for (size_t w = 0; w < COUNT_OF(ways); w++) {
		struct cms_recipient to = { pki_cert(ways[w].user),
			ways[w].transport, ways[w].digest };
		struct buf der = { 0 };
		CMS_ContentInfo *cms;
		CMS_RecipientInfo *info;
		X509_ALGOR *algorithm;

		encrypt(CMS_AES256_CBC, &to, 1, pki_content(100), &der);
		cms = parse(&der, false);
		info = recipient_info(cms, 0);
		if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE) {
			CMS_RecipientInfo_kari_get0_alg(info, &algorithm, NULL);
			assert_int_equal(OBJ_obj2nid(algorithm->algorithm),
				NID_dhSinglePass_stdDH_sha256kdf_scheme);
		} else {
			CMS_RecipientInfo_ktri_get0_algs(
				info, NULL, NULL, &algorithm);
			assert_int_equal(OBJ_obj2nid(algorithm->algorithm),
				to.transport == CMS_RSA_OAEP
					? NID_rsaesOaep
					: NID_rsaEncryption);
			if (to.transport == CMS_RSA_OAEP)
				check_oaep(algorithm, ways[w].digest);
		}
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
	}
}

static void
key_wrap_is_as_strong_as_the_cipher(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		struct cms_recipient to = { pki_cert(PKI_P256), CMS_RSA_PKCS1,
			CRYPTO_SHA256 };
		struct buf der = { 0 };
		CMS_ContentInfo *cms;
		X509_ALGOR *algorithm, *wrap;
		char text[64];

		if (algorithms[i].cipher == CMS_RC2_128 && !have_legacy())
			continue;
		encrypt(algorithms[i].cipher, &to, 1, pki_content(100), &der);
		cms = parse(&der, algorithms[i].cipher == CMS_RC2_128);
		CMS_RecipientInfo_kari_get0_alg(
			recipient_info(cms, 0), &algorithm, NULL);
		wrap = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(X509_ALGOR), algorithm->parameter);
		OBJ_obj2txt(text, sizeof(text), wrap->algorithm, 1);
		assert_string_equal(text, algorithms[i].wrap);
		X509_ALGOR_free(wrap);
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
	}
}

/* ---- recipients ---- */

static void
everybody_named_can_read_it(void **state UNUSED)
{
	struct cms_recipient to[COUNT_OF(ways)];

	for (size_t w = 0; w < COUNT_OF(ways); w++)
		to[w] = (struct cms_recipient){
			pki_issue(ways[w].user, pki_cert(ways[w].user)->key),
			ways[w].transport, ways[w].digest
		};
	for (int cipher = 0; cipher < CMS_RC2_128; cipher++) {
		struct span content = pki_content(1000);
		struct buf der = { 0 };

		encrypt(cipher, to, COUNT_OF(to), content, &der);
		for (size_t w = 0; w < COUNT_OF(to); w++)
			assert_true(opens(&der, to[w].cert, content));
		assert_false(opens(&der, pki_cert(PKI_RSA_OTHER), content));
		buf_clear(&der);
	}
	for (size_t w = 0; w < COUNT_OF(ways); w++)
		cert_unref((void *)to[w].cert);
}

static void
five_hundred_recipients_are_served(void **state UNUSED)
{
	enum { COUNT = 500 };
	struct cms_recipient *to = calloc(COUNT, sizeof(*to));
	struct span content = pki_content(1000);
	struct buf der = { 0 };
	CMS_ContentInfo *cms;

	for (size_t i = 0; i < COUNT; i++) {
		enum pki_user user = i % 10 == 0 ? PKI_P256 : PKI_RSA;

		to[i] = (struct cms_recipient){ pki_issue(user,
							pki_cert(user)->key),
			i % 3 == 0, CRYPTO_SHA256 };
	}
	encrypt(CMS_AES256_GCM, to, COUNT, content, &der);
	assert_true(der.len <= cms_encrypted_size_bound(content.len, COUNT));
	cms = parse(&der, false);
	assert_int_equal(
		sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)), COUNT);
	CMS_ContentInfo_free(cms);
	assert_true(opens(&der, to[0].cert, content));
	assert_true(opens(&der, to[COUNT - 1].cert, content));
	buf_clear(&der);
	for (size_t i = 0; i < COUNT; i++)
		cert_unref((void *)to[i].cert);
	free(to);
}

static void
a_certificate_named_twice_gets_one_copy(void **state UNUSED)
{
	struct cms_recipient to[] = {
		{ pki_cert(PKI_RSA), CMS_RSA_PKCS1, CRYPTO_SHA256 },
		{ pki_cert(PKI_P256), CMS_RSA_PKCS1, CRYPTO_SHA256 },
		{ pki_cert(PKI_RSA), CMS_RSA_OAEP, CRYPTO_SHA256 },
		{ pki_cert(PKI_P256), CMS_RSA_PKCS1, CRYPTO_SHA256 },
	};
	struct buf der = { 0 };
	CMS_ContentInfo *cms;

	encrypt(CMS_AES128_CBC, to, COUNT_OF(to), pki_content(10), &der);
	cms = parse(&der, false);
	assert_int_equal(
		sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)), 2);
	CMS_ContentInfo_free(cms);
	buf_clear(&der);
}

static void
two_mails_have_nothing_in_common(void **state UNUSED)
{
	struct cms_recipient to = { pki_cert(PKI_RSA), CMS_RSA_PKCS1,
		CRYPTO_SHA256 };

	for (int cipher = 0; cipher < CMS_RC2_128; cipher++) {
		struct buf a = { 0 }, b = { 0 };
		size_t tail = 64;

		encrypt(cipher, &to, 1, pki_content(200), &a);
		encrypt(cipher, &to, 1, pki_content(200), &b);
		assert_int_equal(a.len, b.len);
		assert_memory_not_equal(
			a.data + a.len - tail, b.data + b.len - tail, tail);
		buf_clear(&a);
		buf_clear(&b);
	}
}

/* ---- refusals ---- */

static const struct {
	const char *label;
	enum pki_user user;
	enum cms_transport transport;
	enum crypto_digest digest;
	const char *says;
} refused[] = {
	{ "a key for PSS only", PKI_PSS, CMS_RSA_PKCS1, CRYPTO_SHA256,
		"RSA-PSS" },
	{ "Ed25519", PKI_ED25519, CMS_RSA_PKCS1, CRYPTO_SHA256, "ED25519" },
	{ "1024 bits, OAEP with SHA-512", PKI_RSA_SMALL, CMS_RSA_OAEP,
		CRYPTO_SHA512, "too small for OAEP with sha512" },
	{ "512 bits, OAEP with SHA-256", PKI_RSA_TINY, CMS_RSA_OAEP,
		CRYPTO_SHA256, "too small for OAEP with sha256" },
};

static void
keys_that_cannot_are_refused_by_name(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct cms_recipient to[] = {
			{ pki_cert(PKI_RSA), CMS_RSA_PKCS1, CRYPTO_SHA256 },
			{ pki_cert(refused[i].user), refused[i].transport,
				refused[i].digest },
		};
		struct error err = { 0 };
		struct buf der = { 0 };

		assert_int_equal(encrypt_to(CMS_AES256_CBC, to, 2,
					 pki_content(10), &der, &err),
			-1);
		assert_int_equal(err.kind, ERROR_NOKEY);
		if (strstr(err.text, refused[i].says) == NULL ||
			strstr(err.text, to[1].cert->source) == NULL)
			fail_msg("%s: %s", refused[i].label, err.text);
		assert_int_equal(der.len, 0);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

/* A modulus that OpenSSL will not calculate with. */
static EVP_PKEY *
giant_key(void)
{
	enum { BITS = 20480 }; /* more than OPENSSL_RSA_MAX_MODULUS_BITS */
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new();
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	BN_set_bit(n, BITS - 1);
	BN_set_bit(n, 0);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_ulong(build, OSSL_PKEY_PARAM_RSA_E, 65537);
	params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_fromdata_init(context);
	EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
	assert_non_null(key);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(context);
	BN_free(n);
	return key;
}

/* Only CMS_dataInit() finds out, and it does not say whose it is. */
static void
a_key_that_turns_out_useless_is_refused_by_name(void **state UNUSED)
{
	struct cms_recipient to[] = {
		{ pki_cert(PKI_RSA), CMS_RSA_PKCS1, CRYPTO_SHA256 },
		{ NULL, CMS_RSA_PKCS1, CRYPTO_SHA256 },
	};
	X509 *x509 = X509_dup(to[0].cert->x509);
	EVP_PKEY *key = giant_key();
	struct error err = { 0 };
	struct buf der = { 0 };
	struct cert *cert = NULL;

	X509_set_pubkey(x509, key);
	assert_true(i2d_re_X509_tbs(x509, NULL) > 0);
	EVP_PKEY_free(key);
	assert_int_equal(cert_new(x509, NULL, NULL, CERT_FROM_FILE, "giant",
				 &cert, &err),
		0);
	to[1].cert = cert;
	assert_int_equal(
		encrypt_to(CMS_AES256_CBC, to, 2, pki_content(10), &der, &err),
		-1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	assert_non_null(strstr(err.text, "giant: "));
	cert_unref(cert);
}

static void
nobody_is_no_recipient(void **state UNUSED)
{
	struct error err = { 0 };
	struct buf der = { 0 };

	assert_int_equal(encrypt_to(CMS_AES256_CBC, NULL, 0, pki_content(10),
				 &der, &err),
		-1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	assert_int_equal(der.len, 0);
}

static int
refuse(void *self, struct span bytes UNUSED, struct error *err)
{
	int *left = self;

	if ((*left)-- > 0)
		return 0;
	return error_set(err, ERROR_LIMIT, "full");
}

static void
a_sink_that_refuses_is_heard(void **state UNUSED)
{
	struct cms_recipient to = { pki_cert(PKI_P256), CMS_RSA_PKCS1,
		CRYPTO_SHA256 };
	struct pieces pieces = { .count = 0 };

	pieces_add(&pieces, pki_content(1000));
	for (int allowed = 0; allowed < 3; allowed++) {
		int left = allowed;
		struct sink sink = { refuse, &left };
		struct error err = { 0 };

		assert_int_equal(cms_encrypt(CMS_AES256_GCM, &to, 1, &pieces,
					 &sink, &err),
			-1);
		assert_int_equal(err.kind, ERROR_LIMIT);
	}
}

static void
an_error_of_another_mail_does_not_disturb(void **state UNUSED)
{
	struct cms_recipient to = { pki_cert(PKI_RSA), CMS_RSA_PKCS1,
		CRYPTO_SHA256 };
	struct span content = pki_content(10);
	struct buf der = { 0 };

	ERR_raise(ERR_LIB_CMS, ERR_R_MALLOC_FAILURE);
	encrypt(CMS_AES256_CBC, &to, 1, content, &der);
	assert_true(opens(&der, to.cert, content));
	buf_clear(&der);
}

enum { THREADS = 4, ROUNDS = 20 };

static void *
encrypt_many(void *p)
{
	const struct cms_recipient *to = p;
	uintptr_t bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned char text[100];
		struct buf der = { 0 };
		struct error err = { 0 };

		memset(text, 'a' + i, sizeof(text));
		bad += encrypt_to(i % CMS_CIPHERS, to, 2,
			       span_of(text, sizeof(text)), &der, &err) != 0 ||
		       !opens(&der, to[i % 2].cert,
			       span_of(text, sizeof(text)));
		buf_clear(&der);
	}
	return (void *)bad;
}

static void
threads_share_recipients(void **state UNUSED)
{
	struct cms_recipient to[] = {
		{ pki_cert(PKI_RSA), CMS_RSA_OAEP, CRYPTO_SHA256 },
		{ pki_cert(PKI_P256), CMS_RSA_PKCS1, CRYPTO_SHA256 },
	};
	pthread_t thread[THREADS];

	if (!have_legacy())
		skip();
	for (int t = 0; t < THREADS; t++)
		assert_int_equal(
			pthread_create(&thread[t], NULL, encrypt_many, to), 0);
	for (int t = 0; t < THREADS; t++) {
		void *bad = NULL;

		pthread_join(thread[t], &bad);
		assert_null(bad);
	}
}

/* ---- tampering, for what authenticates ---- */

static void
gcm_notices_every_changed_byte(void **state UNUSED)
{
	struct cms_recipient to = { pki_cert(PKI_P256), CMS_RSA_PKCS1,
		CRYPTO_SHA256 };
	struct span content = pki_content(100);
	struct buf der = { 0 }, plain = { 0 };
	struct error err = { 0 };

	encrypt(CMS_AES256_GCM, &to, 1, content, &der);
	for (size_t i = der.len - 100 - 18; i < der.len; i++) {
		der.data[i] ^= 1;
		assert_int_equal(cms_open_envelope(buf_span(&der), to.cert,
					 true, NULL, &plain, &err),
			-1);
		assert_int_equal(plain.len, 0);
		der.data[i] ^= 1;
	}
	buf_clear(&der);
}

static void
what_is_not_encrypted_does_not_open(void **state UNUSED)
{
	struct buf plain = { 0 };
	struct error err = { 0 };

	assert_int_equal(cms_open_envelope(SPAN("Content-Type: text/plain"),
				 pki_cert(PKI_RSA), true, NULL, &plain, &err),
		-1);
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* ---- memory ---- */

struct watch {
	size_t most;
	size_t largest_put;
	size_t total;
};

static size_t
in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static int
watch(void *self, struct span bytes, struct error *err UNUSED)
{
	struct watch *seen = self;
	size_t now = in_use();

	if (now > seen->most)
		seen->most = now;
	if (bytes.len > seen->largest_put)
		seen->largest_put = bytes.len;
	seen->total += bytes.len;
	return 0;
}

static void
memory_does_not_grow_with_the_content(void **state UNUSED)
{
	enum { CONTENT = 25 << 20, EXTRA = 512 << 10 };
	struct span content = pki_content(CONTENT);
	struct cms_recipient to = { pki_cert(PKI_RSA), CMS_RSA_PKCS1,
		CRYPTO_SHA256 };
	struct pieces pieces = { .count = 0 };
	struct cms_signer *signer = NULL;
	struct error err = { 0 };

	pieces_add(&pieces, content);
	assert_int_equal(cms_signer_new(pki_cert(PKI_RSA), CRYPTO_SHA256,
				 CMS_PSS, pki_chain(), NULL, &signer, &err),
		0);
	for (int way = 0; way < CMS_RC2_128 + 2; way++) {
		struct watch seen = { 0 };
		struct sink sink = { watch, &seen };
		size_t before = in_use();
		int rc;

		if (way == CMS_RC2_128)
			rc = cms_sign_detached(signer, &pieces, &sink, &err);
		else if (way > CMS_RC2_128)
			rc = cms_sign_opaque(signer, &pieces, &sink, &err);
		else
			rc = cms_encrypt(way, &to, 1, &pieces, &sink, &err);
		assert_int_equal(rc, 0);
		assert_true(seen.most < before + EXTRA);
		if (way < CMS_RC2_128)
			assert_true(seen.largest_put <= 65536 + 32);
		if (way != CMS_RC2_128)
			assert_in_range(
				seen.total, CONTENT, CONTENT + (64 << 10));
	}
	cms_signer_free(signer);
}

/* ---- names ---- */

static void
every_cipher_has_its_name(void **state UNUSED)
{
	static const char *const names[CMS_CIPHERS] = { "aes-128-cbc",
		"aes-192-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm",
		"3des", "rc2-128" };
	struct error err = { 0 };

	for (int i = 0; i < CMS_CIPHERS; i++) {
		assert_string_equal(cms_cipher_name(i), names[i]);
		assert_int_equal(cms_cipher_from_name(names[i]), i);
		assert_int_equal(cms_cipher_warning(i) != NULL,
			i == CMS_3DES || i == CMS_RC2_128);
		assert_int_equal(cms_cipher_available(i, &err),
			i == CMS_RC2_128 && !have_legacy() ? -1 : 0);
	}
}

static void
other_names_are_no_ciphers(void **state UNUSED)
{
	static const char *const names[] = { "", "aes-256", "AES-256-CBC",
		"des", "rc2-40", "rc2", "aes-192-gcm", "null" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(cms_cipher_from_name(names[i]), -1);
}

static int
tear_down(void **state UNUSED)
{
	pki_free();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cipher_key_and_size_opens),
		cmocka_unit_test(envelope_is_der),
		cmocka_unit_test(content_cipher_says_what_it_is),
		cmocka_unit_test(key_transport_is_what_was_asked_for),
		cmocka_unit_test(key_wrap_is_as_strong_as_the_cipher),
		cmocka_unit_test(everybody_named_can_read_it),
		cmocka_unit_test(five_hundred_recipients_are_served),
		cmocka_unit_test(a_certificate_named_twice_gets_one_copy),
		cmocka_unit_test(two_mails_have_nothing_in_common),
		cmocka_unit_test(keys_that_cannot_are_refused_by_name),
		cmocka_unit_test(
			a_key_that_turns_out_useless_is_refused_by_name),
		cmocka_unit_test(nobody_is_no_recipient),
		cmocka_unit_test(a_sink_that_refuses_is_heard),
		cmocka_unit_test(an_error_of_another_mail_does_not_disturb),
		cmocka_unit_test(threads_share_recipients),
		cmocka_unit_test(gcm_notices_every_changed_byte),
		cmocka_unit_test(what_is_not_encrypted_does_not_open),
		cmocka_unit_test(memory_does_not_grow_with_the_content),
		cmocka_unit_test(every_cipher_has_its_name),
		cmocka_unit_test(other_names_are_no_ciphers),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
