#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "../cms_fixture.h"
#include "base/clock.h"

/* ---- helpers ---- */

static struct cms_signer *
signer_for(
	enum pki_user user, enum crypto_digest digest, enum cms_scheme scheme)
{
	struct cms_signer *signer = NULL;
	struct error err = { 0 };

	if (cms_signer_new(pki_cert(user), digest, scheme, pki_chain(), NULL,
		    &signer, &err) != 0)
		fail_msg("%s", err.text);
	return signer;
}

/* The content in three pieces, as a mail comes. */
static struct pieces
in_pieces(struct span content)
{
	struct pieces pieces = { .count = 0 };
	size_t third = content.len / 3;

	pieces_add(&pieces, span_of(content.data, third));
	pieces_add(&pieces, span_of(content.data + third, third));
	pieces_add(&pieces,
		span_of(content.data + 2 * third, content.len - 2 * third));
	return pieces;
}

static void
sign(const struct cms_signer *signer, struct span content, bool opaque,
	struct buf *der)
{
	struct pieces pieces = in_pieces(content);
	struct sink sink = buf_sink(der);
	struct error err = { 0 };
	int rc = opaque ? cms_sign_opaque(signer, &pieces, &sink, &err)
			: cms_sign_detached(signer, &pieces, &sink, &err);

	if (rc != 0)
		fail_msg("%s", err.text);
	assert_int_equal(ERR_peek_error(), 0);
}

static CMS_ContentInfo *
parse(const struct buf *der)
{
	const unsigned char *at = der->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);

	assert_non_null(cms);
	assert_ptr_equal(at, der->data + der->len);
	return cms;
}

/* OpenSSL as the judge: 1 when the signature is good. */
static int
judge(const struct buf *der, struct span content, bool opaque)
{
	const unsigned char *at = der->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);
	X509_STORE *store = X509_STORE_new();
	BIO *in = BIO_new_mem_buf(
		content.len != 0 ? content.data : (const void *)"",
		(int)content.len);
	BIO *out = BIO_new(BIO_s_mem());
	char *bytes;
	int ok;

	X509_STORE_add_cert(store, pki_root());
	ok = cms != NULL && CMS_verify(cms, NULL, store, opaque ? NULL : in,
				    out, CMS_BINARY | CMS_CADES) == 1;
	if (ok && opaque) {
		long len = BIO_get_mem_data(out, &bytes);

		ok = span_equal(span_of(bytes, (size_t)len), content);
	}
	BIO_free(in);
	BIO_free(out);
	X509_STORE_free(store);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return ok;
}

static CMS_SignerInfo *
only_info(CMS_ContentInfo *cms)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);

	assert_int_equal(sk_CMS_SignerInfo_num(infos), 1);
	return sk_CMS_SignerInfo_value(infos, 0);
}

static const char *
oid_text(const ASN1_OBJECT *object)
{
	static char text[8][64];
	static int turn;
	char *out = text[turn++ % 8];

	OBJ_obj2txt(out, sizeof(text[0]), object, 1);
	return out;
}

/* ---- what a signature is ---- */

static const struct {
	const char *label;
	enum pki_user user;
	enum cms_scheme scheme;
	const char *algorithm[CRYPTO_DIGESTS];
} kinds[] = {
#define RSA_OID "1.2.840.113549.1.1."
	{ "PKCS#1", PKI_RSA, CMS_PKCS1,
		{ RSA_OID "1", RSA_OID "1", RSA_OID "1", RSA_OID "1" } },
	{ "PSS", PKI_RSA, CMS_PSS,
		{ RSA_OID "10", RSA_OID "10", RSA_OID "10", RSA_OID "10" } },
	{ "PSS key", PKI_PSS, CMS_PKCS1,
		{ RSA_OID "10", RSA_OID "10", RSA_OID "10", RSA_OID "10" } },
#define ECDSA_OID                                                              \
	{                                                                      \
		"1.2.840.10045.4.1", "1.2.840.10045.4.3.2",                    \
			"1.2.840.10045.4.3.3", "1.2.840.10045.4.3.4"           \
	}
	{ "P-256", PKI_P256, CMS_PKCS1, ECDSA_OID },
	{ "P-256, PSS wanted", PKI_P256, CMS_PSS, ECDSA_OID },
	{ "P-384", PKI_P384, CMS_PKCS1, ECDSA_OID },
	{ "P-521", PKI_P521, CMS_PKCS1, ECDSA_OID },
};
static const size_t sizes[] = { 0, 1, 15, 16, 17, 57, 65535, 65536,
	(1 << 20) + 3 };

static void
check_algorithms(const struct buf *der, const char *digest_oid,
	const char *signature_oid)
{
	CMS_ContentInfo *cms = parse(der);
	X509_ALGOR *digest, *signature;
	const ASN1_OBJECT *object;
	int parameters;

	CMS_SignerInfo_get0_algs(
		only_info(cms), NULL, NULL, &digest, &signature);
	X509_ALGOR_get0(&object, &parameters, NULL, digest);
	assert_string_equal(oid_text(object), digest_oid);
	assert_int_equal(parameters, V_ASN1_UNDEF); /* RFC 5754 2 */
	X509_ALGOR_get0(&object, NULL, NULL, signature);
	assert_string_equal(oid_text(object), signature_oid);
	CMS_ContentInfo_free(cms);
}

static void
every_form_key_digest_and_size_verifies(void **state UNUSED)
{
	static const char *const oids[CRYPTO_DIGESTS] = { "1.3.14.3.2.26",
		"2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2",
		"2.16.840.1.101.3.4.2.3" };

	for (size_t i = 0; i < COUNT_OF(kinds) * CRYPTO_DIGESTS; i++) {
		size_t kind = i / CRYPTO_DIGESTS;
		enum crypto_digest digest = i % CRYPTO_DIGESTS;
		struct cms_signer *signer = signer_for(
			kinds[kind].user, digest, kinds[kind].scheme);

		assert_int_equal(cms_signer_digest(signer), digest);
		for (size_t s = 0; s < COUNT_OF(sizes) * 2; s++) {
			struct span content = pki_content(sizes[s / 2]);
			struct buf der = { 0 };

			sign(signer, content, s % 2, &der);
			if (!judge(&der, content, s % 2))
				fail_msg("%s %s %zu", kinds[kind].label,
					crypto_digest_name(digest),
					content.len);
			check_algorithms(&der, oids[digest],
				kinds[kind].algorithm[digest]);
			assert_int_equal(
				cms_recognise(buf_span(&der)), CMS_KIND_SIGNED);
			buf_clear(&der);
		}
		cms_signer_free(signer);
	}
}

static void
signature_is_der(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(kinds) * 2; i++) {
		struct cms_signer *signer = signer_for(
			kinds[i / 2].user, CRYPTO_SHA256, kinds[i / 2].scheme);
		struct buf der = { 0 };
		unsigned char *again = NULL;
		CMS_ContentInfo *cms;
		int len;

		sign(signer, pki_content(300), i % 2, &der);
		cms = parse(&der);
		len = i2d_CMS_ContentInfo(cms, &again);
		assert_true(span_equal(
			buf_span(&der), span_of(again, (size_t)len)));
		OPENSSL_free(again);
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
		cms_signer_free(signer);
	}
}

static void
content_stands_inside_only_when_opaque(void **state UNUSED)
{
	struct cms_signer *signer =
		signer_for(PKI_RSA, CRYPTO_SHA256, CMS_PKCS1);

	for (int opaque = 0; opaque < 2; opaque++) {
		struct buf der = { 0 };
		CMS_ContentInfo *cms;

		sign(signer, pki_content(100), opaque, &der);
		cms = parse(&der);
		assert_int_equal(CMS_is_detached(cms), !opaque);
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
	}
	cms_signer_free(signer);
}

/* ---- what it covers ---- */

static void
signature_covers_every_byte(void **state UNUSED)
{
	enum { LEN = 300 };
	struct cms_signer *signer = signer_for(PKI_RSA, CRYPTO_SHA256, CMS_PSS);
	unsigned char changed[LEN];
	struct buf der = { 0 };
	struct error err = { 0 };
	struct pieces pieces = { .count = 0 };

	memcpy(changed, pki_content(LEN).data, LEN);
	pieces_add(&pieces, span_of(changed, LEN));
	sign(signer, span_of(changed, LEN), false, &der);
	assert_int_equal(pki_verify(buf_span(&der), &pieces, &err), 0);
	for (size_t i = 0; i < LEN; i++) {
		changed[i] ^= 1;
		assert_int_equal(pki_verify(buf_span(&der), &pieces, &err), -1);
		assert_int_equal(err.kind, ERROR_CRYPTO);
		assert_false(judge(&der, span_of(changed, LEN), false));
		changed[i] ^= 1;
	}
	pieces.item[0].len--;
	assert_int_equal(pki_verify(buf_span(&der), &pieces, &err), -1);
	buf_clear(&der);
	cms_signer_free(signer);
}

static const unsigned char *
find(const struct buf *der, struct span bytes)
{
	const unsigned char *at = span_find(buf_span(der), bytes);

	assert_non_null(at);
	return at;
}

/*
 * All signedAttrs and the signature.  Between them stands the algorithm of
 * the signature, whose copy in the attributes OpenSSL 3.0 does not compare.
 */
static void
a_changed_signature_never_verifies(void **state UNUSED)
{
	static const struct span ecdsa =
		SPAN("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x04");
	static const struct span content_type =
		SPAN("\x30\x18\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03");
	struct cms_signer *signer =
		signer_for(PKI_P256, CRYPTO_SHA256, CMS_PKCS1);
	struct span content = pki_content(50);
	struct buf der = { 0 };
	const unsigned char *begin, *algorithm;

	sign(signer, content, false, &der);
	begin = find(&der, content_type);
	algorithm = find(&der, ecdsa);
	assert_true(algorithm > begin);
	for (size_t i = (size_t)(begin - der.data); i < der.len; i++) {
		if (der.data + i == algorithm)
			i += ecdsa.len - 1;
		der.data[i] ^= 1;
		if (judge(&der, content, false))
			fail_msg("byte %zu is not covered", i);
		der.data[i] ^= 1;
	}
	assert_true(judge(&der, content, false));
	buf_clear(&der);
	cms_signer_free(signer);
}

/* ---- what it says ---- */

#define PKCS9 "1.2.840.113549.1.9."
static const char *const expected_attributes[] = {
	PKCS9 "3",	 /* contentType */
	PKCS9 "5",	 /* signingTime */
	PKCS9 "4",	 /* messageDigest */
	PKCS9 "15",	 /* SMIMECapabilities */
	PKCS9 "16.2.47", /* signingCertificateV2 */
	PKCS9 "52",	 /* CMSAlgorithmProtection */
	PKCS9 "16.2.11", /* encrypKeyPref, only sometimes */
};

static void
check_attributes(const struct buf *der, size_t count)
{
	CMS_ContentInfo *cms = parse(der);
	CMS_SignerInfo *info = only_info(cms);

	assert_int_equal(CMS_signed_get_attr_count(info), count);
	assert_int_equal(CMS_unsigned_get_attr_count(info), -1);
	for (size_t i = 0; i < count; i++) {
		ASN1_OBJECT *object = OBJ_txt2obj(expected_attributes[i], 1);
		int at = CMS_signed_get_attr_by_OBJ(info, object, -1);

		if (at < 0)
			fail_msg("no attribute %s", expected_attributes[i]);
		assert_int_equal(
			X509_ATTRIBUTE_count(CMS_signed_get_attr(info, at)), 1);
		ASN1_OBJECT_free(object);
	}
	CMS_ContentInfo_free(cms);
}

static void
signed_attributes_are_these_and_no_others(void **state UNUSED)
{
	for (int digest = 0; digest < CRYPTO_DIGESTS; digest++) {
		struct cms_signer *signer =
			signer_for(PKI_RSA, digest, CMS_PSS);
		struct buf der = { 0 };

		sign(signer, pki_content(10), false, &der);
		check_attributes(&der, 6);
		buf_clear(&der);
		cms_signer_free(signer);
	}
}

/* One attribute's only value, as DER. */
static struct span
attribute_value(CMS_ContentInfo *cms, const char *oid)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	CMS_SignerInfo *info = only_info(cms);
	int at = CMS_signed_get_attr_by_OBJ(info, object, -1);
	ASN1_TYPE *type;

	ASN1_OBJECT_free(object);
	assert_true(at >= 0);
	type = X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(info, at), 0);
	return span_of(type->value.asn1_string->data,
		(size_t)type->value.asn1_string->length);
}

static void
capabilities_are_ours_and_name_nothing_weak(void **state UNUSED)
{
	static const char *const aes[] = { "2.16.840.1.101.3.4.1.46",
		"2.16.840.1.101.3.4.1.6", "2.16.840.1.101.3.4.1.42",
		"2.16.840.1.101.3.4.1.2" };
	struct cms_signer *signer =
		signer_for(PKI_RSA, CRYPTO_SHA256, CMS_PKCS1);
	struct buf der = { 0 };
	CMS_ContentInfo *cms;
	struct span value;
	const unsigned char *at;
	X509_ALGORS *list;

	sign(signer, pki_content(10), false, &der);
	cms = parse(&der);
	value = attribute_value(cms, PKCS9 "15");
	at = value.data;
	list = d2i_X509_ALGORS(NULL, &at, (long)value.len);
	assert_non_null(list);
	assert_int_equal(sk_X509_ALGOR_num(list), COUNT_OF(aes));
	for (size_t i = 0; i < COUNT_OF(aes); i++) {
		const ASN1_OBJECT *object;
		int parameters;

		X509_ALGOR_get0(&object, &parameters, NULL,
			sk_X509_ALGOR_value(list, (int)i));
		assert_string_equal(oid_text(object), aes[i]);
		assert_int_equal(parameters, V_ASN1_UNDEF);
	}
	sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
	CMS_ContentInfo_free(cms);
	buf_clear(&der);
	cms_signer_free(signer);
}

/* RFC 6211: exact copies, the second one under [1]. */
static void
algorithms_are_protected(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct cms_signer *signer = signer_for(
			kinds[i].user, CRYPTO_SHA384, kinds[i].scheme);
		unsigned char *digest = NULL, *signature = NULL;
		struct buf der = { 0 }, expected = { 0 };
		struct error err = { 0 };
		CMS_ContentInfo *cms;
		X509_ALGOR *a, *b;
		struct span value;
		int a_len, b_len, header;

		sign(signer, pki_content(10), false, &der);
		cms = parse(&der);
		CMS_SignerInfo_get0_algs(only_info(cms), NULL, NULL, &a, &b);
		a_len = i2d_X509_ALGOR(a, &digest);
		b_len = i2d_X509_ALGOR(b, &signature);
		signature[0] = 0xa1;
		assert_int_equal(
			buf_add(&expected, digest, (size_t)a_len, &err), 0);
		assert_int_equal(
			buf_add(&expected, signature, (size_t)b_len, &err), 0);
		value = attribute_value(cms, PKCS9 "52");
		header = (int)(value.len - expected.len);
		assert_in_range(header, 2, 3);
		assert_true(
			span_equal(span_of(value.data + header, expected.len),
				buf_span(&expected)));
		OPENSSL_free(digest);
		OPENSSL_free(signature);
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
		buf_clear(&expected);
		cms_signer_free(signer);
	}
}

static const struct {
	const char *label;
	time_t now;
	int type;
	const char *text;
} times[] = {
	{ "a mail of today", 1769860800, V_ASN1_UTCTIME, "260131120000Z" },
	{ "the last second", 2524607999, V_ASN1_UTCTIME, "491231235959Z" },
	{ "the first of 2050", 2524608000, V_ASN1_GENERALIZEDTIME,
		"20500101000000Z" },
	{ "far away", 7258118400, V_ASN1_GENERALIZEDTIME, "22000101000000Z" },
};

static void
signing_time_is_the_clocks(void **state UNUSED)
{
	struct cms_signer *signer =
		signer_for(PKI_P256, CRYPTO_SHA1, CMS_PKCS1);

	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct pieces pieces = in_pieces(pki_content(10));
		struct error err = { 0 };
		struct buf der = { 0 };
		CMS_ContentInfo *cms;
		CMS_SignerInfo *info;
		ASN1_TYPE *type;
		int at;

		clock_set(times[i].now);
		sign(signer, pki_content(10), false, &der);
		clock_set(0);
		cms = parse(&der);
		info = only_info(cms);
		at = CMS_signed_get_attr_by_NID(
			info, NID_pkcs9_signingTime, -1);
		type = X509_ATTRIBUTE_get0_type(
			CMS_signed_get_attr(info, at), 0);
		assert_int_equal(type->type, times[i].type);
		assert_true(span_is(
			span_of(type->value.asn1_string->data,
				(size_t)type->value.asn1_string->length),
			times[i].text));
		assert_int_equal(pki_verify(buf_span(&der), &pieces, &err), 0);
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
	}
	cms_signer_free(signer);
}

static void
an_encryption_certificate_is_named_and_sent(void **state UNUSED)
{
	struct cms_signer *signer = NULL;
	struct error err = { 0 };
	struct buf der = { 0 };
	CMS_ContentInfo *cms;
	STACK_OF(X509) * certs;
	struct cert *other = pki_cert(PKI_RSA_OTHER);
	struct span content = pki_content(10);

	assert_int_equal(cms_signer_new(pki_cert(PKI_RSA), CRYPTO_SHA256,
				 CMS_PKCS1, pki_chain(), other, &signer, &err),
		0);
	sign(signer, content, false, &der);
	assert_true(judge(&der, content, false));
	check_attributes(&der, 7);
	cms = parse(&der);
	certs = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certs), 3);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
	buf_clear(&der);
	cms_signer_free(signer);
}

static void
the_same_certificate_is_no_other_one(void **state UNUSED)
{
	struct cms_signer *signer = NULL;
	struct error err = { 0 };
	struct buf der = { 0 };

	assert_int_equal(
		cms_signer_new(pki_cert(PKI_RSA), CRYPTO_SHA256, CMS_PKCS1,
			NULL, pki_cert(PKI_RSA), &signer, &err),
		0);
	sign(signer, pki_content(10), false, &der);
	check_attributes(&der, 6);
	buf_clear(&der);
	cms_signer_free(signer);
}

static void
roots_and_strangers_stay_at_home(void **state UNUSED)
{
	STACK_OF(X509) *chain = sk_X509_dup(pki_chain());
	struct cms_signer *signer = NULL;
	struct error err = { 0 };
	struct buf der = { 0 };
	CMS_ContentInfo *cms;
	STACK_OF(X509) * certs;

	sk_X509_push(chain, pki_cert(PKI_P384)->x509);
	sk_X509_push(chain, pki_intermediate()); /* a second time */
	assert_int_equal(cms_signer_new(pki_cert(PKI_RSA), CRYPTO_SHA256,
				 CMS_PKCS1, chain, NULL, &signer, &err),
		0);
	sign(signer, pki_content(10), false, &der);
	cms = parse(&der);
	certs = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certs), 2);
	for (int i = 0; i < 2; i++)
		assert_int_not_equal(
			X509_cmp(sk_X509_value(certs, i), pki_root()), 0);
	sk_X509_pop_free(certs, X509_free);
	sk_X509_free(chain);
	CMS_ContentInfo_free(cms);
	buf_clear(&der);
	cms_signer_free(signer);
}

/* ---- RSASSA-PSS ---- */

static const struct {
	enum pki_user user;
	enum crypto_digest digest;
	long salt;
} salts[] = {
	{ PKI_RSA, CRYPTO_SHA1, 20 }, { PKI_RSA, CRYPTO_SHA256, 32 },
	{ PKI_RSA, CRYPTO_SHA384, 48 }, { PKI_RSA, CRYPTO_SHA512, 64 },
	{ PKI_PSS, CRYPTO_SHA512, 64 }, { PKI_PSS_SHA256, CRYPTO_SHA256, 32 },
	{ PKI_PSS_LONG_SALT, CRYPTO_SHA256, 48 }, /* as the key demands */
};

/* RFC 4055 3.1: what is the default (SHA-1, 20) must be left out. */
static void
check_pss(const RSA_PSS_PARAMS *pss, enum crypto_digest digest, long salt)
{
	X509_ALGOR *mgf;
	int nid = EVP_MD_get_type(crypto_digest(digest));

	assert_null(pss->trailerField);
	assert_int_equal(pss->saltLength != NULL
				 ? ASN1_INTEGER_get(pss->saltLength)
				 : 20,
		salt);
	if (digest == CRYPTO_SHA1) {
		assert_null(pss->hashAlgorithm);
		assert_null(pss->maskGenAlgorithm);
		return;
	}
	assert_int_equal(OBJ_obj2nid(pss->hashAlgorithm->algorithm), nid);
	mgf = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(X509_ALGOR), pss->maskGenAlgorithm->parameter);
	assert_int_equal(OBJ_obj2nid(mgf->algorithm), nid);
	X509_ALGOR_free(mgf);
}

static void
salt_is_as_long_as_the_digest(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(salts); i++) {
		struct cms_signer *signer =
			signer_for(salts[i].user, salts[i].digest, CMS_PSS);
		struct buf der = { 0 };
		CMS_ContentInfo *cms;
		X509_ALGOR *algorithm;
		RSA_PSS_PARAMS *pss;

		sign(signer, pki_content(10), false, &der);
		assert_true(judge(&der, pki_content(10), false));
		cms = parse(&der);
		CMS_SignerInfo_get0_algs(
			only_info(cms), NULL, NULL, NULL, &algorithm);
		pss = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter);
		assert_non_null(pss);
		check_pss(pss, salts[i].digest, salts[i].salt);
		RSA_PSS_PARAMS_free(pss);
		CMS_ContentInfo_free(cms);
		buf_clear(&der);
		cms_signer_free(signer);
	}
}

/* ---- refusals ---- */

static const struct {
	const char *label;
	enum pki_user user;
	enum crypto_digest digest;
	enum cms_scheme scheme;
	const char *says;
} refused[] = {
	{ "PSS key for SHA-256 only", PKI_PSS_SHA256, CRYPTO_SHA512, CMS_PSS,
		"not with sha512" },
	{ "the same, SHA-1", PKI_PSS_SHA256, CRYPTO_SHA1, CMS_PKCS1,
		"not with sha1" },
	{ "1024 bits, PSS with SHA-512", PKI_RSA_SMALL, CRYPTO_SHA512, CMS_PSS,
		"1024 bits is too small" },
	{ "512 bits, SHA-512", PKI_RSA_TINY, CRYPTO_SHA512, CMS_PKCS1,
		"512 bits is too small" },
	{ "Ed25519", PKI_ED25519, CRYPTO_SHA512, CMS_PKCS1, "ED25519" },
};

static void
keys_that_cannot_are_refused(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct cms_signer *signer = NULL;
		struct error err = { 0 };

		assert_int_equal(cms_signer_new(pki_cert(refused[i].user),
					 refused[i].digest, refused[i].scheme,
					 NULL, NULL, &signer, &err),
			-1);
		assert_null(signer);
		assert_int_equal(err.kind, ERROR_NOKEY);
		if (strstr(err.text, refused[i].says) == NULL)
			fail_msg("%s: %s", refused[i].label, err.text);
		assert_int_equal(ERR_peek_error(), 0);
	}
}

static void
a_small_key_may_still_do_less(void **state UNUSED)
{
	struct span content = pki_content(10);
	struct cms_signer *signer =
		signer_for(PKI_RSA_SMALL, CRYPTO_SHA384, CMS_PSS);
	struct buf der = { 0 };
	struct pieces pieces = in_pieces(content);
	struct error err = { 0 };

	sign(signer, content, false, &der);
	assert_int_equal(pki_verify(buf_span(&der), &pieces, &err), 0);
	buf_clear(&der);
	cms_signer_free(signer);
}

static void
a_certificate_without_key_cannot_sign(void **state UNUSED)
{
	struct cert *cert = pki_issue(PKI_RSA, NULL);
	struct cms_signer *signer = NULL;
	struct error err = { 0 };

	assert_int_equal(cms_signer_new(cert, CRYPTO_SHA256, CMS_PKCS1, NULL,
				 NULL, &signer, &err),
		-1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	cert_unref(cert);
}

/* Forced behind cert_new()'s back: our own check has to find it. */
static void
a_signature_of_another_key_never_leaves(void **state UNUSED)
{
	static const enum pki_user pairs[][2] = {
		{ PKI_RSA, PKI_RSA_OTHER },
		{ PKI_RSA, PKI_P256 },
		{ PKI_P256, PKI_RSA },
	};

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct cert *cert = pki_issue(pairs[i][0], NULL);
		struct cms_signer *signer = NULL;
		struct error err = { 0 };

		cert->key = pki_cert(pairs[i][1])->key;
		EVP_PKEY_up_ref(cert->key);
		assert_int_equal(cms_signer_new(cert, CRYPTO_SHA256, CMS_PKCS1,
					 NULL, NULL, &signer, &err),
			-1);
		assert_int_equal(err.kind, ERROR_NOKEY);
		cert_unref(cert);
	}
}

static void
what_is_no_signature_does_not_verify(void **state UNUSED)
{
	struct pieces content = in_pieces(pki_content(10));
	struct error err = { 0 };

	assert_int_equal(pki_verify(SPAN(""), &content, &err), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_int_equal(
		pki_verify(SPAN("\x30\x03\x02\x01\x00"), &content, &err), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
}

/* Content and attributes could change places otherwise. */
static void
a_signature_without_attributes_does_not_verify(void **state UNUSED)
{
	struct cert *cert = pki_cert(PKI_RSA);
	struct span content = pki_content(10);
	struct pieces pieces = in_pieces(content);
	struct error err = { 0 };
	unsigned char *der = NULL;
	BIO *in = BIO_new_mem_buf(content.data, (int)content.len);
	CMS_ContentInfo *cms = CMS_sign(cert->x509, cert->key, NULL, in,
		CMS_BINARY | CMS_DETACHED | CMS_NOATTR);
	int len = i2d_CMS_ContentInfo(cms, &der);

	assert_int_equal(
		pki_verify(span_of(der, (size_t)len), &pieces, &err), -1);
	assert_int_equal(err.kind, ERROR_CRYPTO);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

/* ---- company ---- */

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
	struct cms_signer *signer =
		signer_for(PKI_P256, CRYPTO_SHA256, CMS_PKCS1);
	struct pieces pieces = in_pieces(pki_content(1000));

	for (int allowed = 0; allowed < 4; allowed++) {
		int left = allowed;
		struct sink sink = { refuse, &left };
		struct error err = { 0 };

		assert_int_equal(
			cms_sign_opaque(signer, &pieces, &sink, &err), -1);
		assert_int_equal(err.kind, ERROR_LIMIT);
		assert_string_equal(err.text, "full");
	}
	cms_signer_free(signer);
}

static void
an_error_of_another_mail_does_not_disturb(void **state UNUSED)
{
	struct cms_signer *signer =
		signer_for(PKI_RSA, CRYPTO_SHA256, CMS_PKCS1);
	struct span content = pki_content(10);
	struct buf der = { 0 };

	ERR_raise(ERR_LIB_CMS, CMS_R_VERIFICATION_FAILURE);
	ERR_raise(ERR_LIB_CMS, ERR_R_MALLOC_FAILURE);
	sign(signer, content, false, &der);
	assert_true(judge(&der, content, false));
	buf_clear(&der);
	cms_signer_free(signer);
}

enum { THREADS = 4, ROUNDS = 50 };

static void *
sign_many(void *p)
{
	struct cms_signer *signer = p;
	uintptr_t bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned char text[32];
		struct pieces pieces = { .count = 0 };
		struct buf der = { 0 };
		struct sink sink = buf_sink(&der);
		struct error err = { 0 };

		memset(text, 'a' + i % 26, sizeof(text));
		pieces_add(&pieces, span_of(text, sizeof(text)));
		bad += cms_sign_detached(signer, &pieces, &sink, &err) != 0 ||
		       pki_verify(buf_span(&der), &pieces, &err) != 0;
		buf_clear(&der);
	}
	return (void *)bad;
}

static void
threads_share_a_signer(void **state UNUSED)
{
	static const enum pki_user users[] = { PKI_RSA, PKI_PSS, PKI_P256 };

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		struct cms_signer *signer =
			signer_for(users[i], CRYPTO_SHA256, CMS_PSS);
		pthread_t thread[THREADS];

		for (int t = 0; t < THREADS; t++)
			assert_int_equal(pthread_create(&thread[t], NULL,
						 sign_many, signer),
				0);
		for (int t = 0; t < THREADS; t++) {
			void *bad = NULL;

			pthread_join(thread[t], &bad);
			assert_null(bad);
		}
		cms_signer_free(signer);
	}
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
		cmocka_unit_test(every_form_key_digest_and_size_verifies),
		cmocka_unit_test(signature_is_der),
		cmocka_unit_test(content_stands_inside_only_when_opaque),
		cmocka_unit_test(signature_covers_every_byte),
		cmocka_unit_test(a_changed_signature_never_verifies),
		cmocka_unit_test(signed_attributes_are_these_and_no_others),
		cmocka_unit_test(capabilities_are_ours_and_name_nothing_weak),
		cmocka_unit_test(algorithms_are_protected),
		cmocka_unit_test(signing_time_is_the_clocks),
		cmocka_unit_test(an_encryption_certificate_is_named_and_sent),
		cmocka_unit_test(the_same_certificate_is_no_other_one),
		cmocka_unit_test(roots_and_strangers_stay_at_home),
		cmocka_unit_test(salt_is_as_long_as_the_digest),
		cmocka_unit_test(keys_that_cannot_are_refused),
		cmocka_unit_test(a_small_key_may_still_do_less),
		cmocka_unit_test(a_certificate_without_key_cannot_sign),
		cmocka_unit_test(a_signature_of_another_key_never_leaves),
		cmocka_unit_test(what_is_no_signature_does_not_verify),
		cmocka_unit_test(
			a_signature_without_attributes_does_not_verify),
		cmocka_unit_test(a_sink_that_refuses_is_heard),
		cmocka_unit_test(an_error_of_another_mail_does_not_disturb),
		cmocka_unit_test(threads_share_a_signer),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
