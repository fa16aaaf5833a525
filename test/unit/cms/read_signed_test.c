/*
 * Signatures of ours and of OpenSSL, and what must never count as one; the
 * attacks of "Johnny, you are fired" (USENIX Security 2019) have their names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "../cms_fixture.h"
#include "base/clock.h"

static const char text[] = "Content-Type: text/plain\r\n\r\nHello\r\n";

static struct pieces
all_of(struct span content)
{
	struct pieces pieces = { .count = 0 };
	size_t half = content.len / 2;

	pieces_add(&pieces, span_of(content.data, half));
	pieces_add(&pieces, span_of(content.data + half, content.len - half));
	return pieces;
}

/* ---- making ---- */

struct make {
	enum pki_user user;
	unsigned flags; /* beside CMS_BINARY; CMS_DETACHED, CMS_STREAM, ... */
	const EVP_MD *(*digest)(void);
	int salt_bytes; /* 0: PKCS#1 */
	unsigned signers;
	unsigned certificates; /* beside the signer's */
	const char *attribute; /* OID of one more attribute */
	struct span value;
};

static void
add_signer(CMS_ContentInfo *cms, const struct make *make, bool first)
{
	const struct cert *cert = pki_cert(make->user);
	unsigned flags = make->flags | CMS_BINARY | CMS_NOSMIMECAP |
			 CMS_PARTIAL |
			 (make->salt_bytes != 0 ? CMS_KEY_PARAM : 0) |
			 (first ? 0 : CMS_NOCERTS);
	CMS_SignerInfo *info = CMS_add1_signer(cms, cert->x509, cert->key,
		make->digest != NULL ? make->digest() : EVP_sha256(), flags);
	EVP_PKEY_CTX *context;

	assert_non_null(info);
	if (make->salt_bytes != 0) {
		context = CMS_SignerInfo_get0_pkey_ctx(info);
		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(context, make->salt_bytes);
	}
	if (make->attribute != NULL)
		assert_int_equal(
			CMS_signed_add1_attr_by_txt(info, make->attribute,
				V_ASN1_SEQUENCE, make->value.data,
				(int)make->value.len),
			1);
}

static void
make(const struct make *make, struct span content, struct buf *der)
{
	BIO *in = BIO_new_mem_buf(content.data, (int)content.len);
	BIO *out = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms = CMS_sign(
		NULL, NULL, NULL, NULL, make->flags | CMS_BINARY | CMS_PARTIAL);
	char *bytes;
	long len;

	assert_non_null(cms);
	for (unsigned i = 0; i < (make->signers != 0 ? make->signers : 1); i++)
		add_signer(cms, make, i == 0);
	for (unsigned i = 0; i < make->certificates; i++) {
		struct cert *more = pki_issue(PKI_RSA, NULL);

		assert_int_equal(CMS_add1_cert(cms, more->x509), 1);
		cert_unref(more);
	}
	if ((make->flags & CMS_STREAM) != 0)
		assert_int_equal(i2d_CMS_bio_stream(out, cms, in,
					 (int)make->flags | CMS_BINARY),
			1);
	else
		assert_true(CMS_final(cms, in, NULL,
				    make->flags | CMS_BINARY) == 1 &&
			    i2d_CMS_bio(out, cms) == 1);
	len = BIO_get_mem_data(out, &bytes);
	assert_int_equal(buf_add(der, bytes, (size_t)len, NULL), 0);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(out);
	ERR_clear_error();
}

static int
read_it(const struct buf *der, struct span content, bool detached,
	const struct list *more, struct cms_signed *out, struct error *err)
{
	struct pieces pieces = all_of(content);
	int rc;

	memset(err, 0, sizeof(*err));
	rc = cms_read_signed(
		buf_span(der), detached ? &pieces : NULL, more, NULL, out, err);
	assert_int_equal(ERR_peek_error(), 0);
	return rc;
}

static struct cms_signer_report *
report_of(const struct cms_signed *read, size_t at)
{
	assert_true(at < read->signers.count);
	return read->signers.item[at];
}

static void
patch(struct buf *der, struct span from, struct span to, bool last)
{
	struct span rest = buf_span(der);
	const unsigned char *at, *found = NULL;

	assert_int_equal(from.len, to.len);
	while ((at = span_find(rest, from)) != NULL &&
		(found == NULL || last)) {
		found = at;
		rest.len -= (size_t)(at + 1 - rest.data);
		rest.data = at + 1;
	}
	assert_non_null(found);
	memcpy(der->data + (found - der->data), to.data, to.len);
}

/* ---- what verifies ---- */

static void
every_signature_we_make_verifies(void **state UNUSED)
{
	static const enum pki_user users[] = { PKI_RSA, PKI_PSS, PKI_PSS_SHA256,
		PKI_P256, PKI_P384, PKI_P521 };
	struct span content = pki_content(1000);
	struct pieces pieces = all_of(content);

	for (size_t u = 0; u < COUNT_OF(users); u++)
		for (int d = CRYPTO_SHA256; d < CRYPTO_DIGESTS; d++)
			for (int way = 0; way < 4; way++) {
				struct cms_signer *signer = NULL;
				struct cms_signed read;
				struct buf der = { 0 };
				struct sink sink = buf_sink(&der);
				struct error err;
				bool opaque = (way & 1) != 0;

				if (cms_signer_new(pki_cert(users[u]),
					    (enum crypto_digest)d,
					    (way & 2) != 0 ? CMS_PSS
							   : CMS_PKCS1,
					    pki_chain(), NULL, &signer,
					    &err) != 0)
					continue;
				assert_int_equal(
					(opaque ? cms_sign_opaque
						: cms_sign_detached)(
						signer, &pieces, &sink, &err),
					0);
				assert_int_equal(read_it(&der, content, !opaque,
							 NULL, &read, &err),
					0);
				if (!cms_signed_is_verified(&read))
					fail_msg("%s",
						report_of(&read, 0)->why.text);
				assert_string_equal(report_of(&read, 0)->digest,
					crypto_digest_name(
						(enum crypto_digest)d));
				assert_int_equal(report_of(&read, 0)->weak, 0);
				if (opaque)
					assert_true(span_equal(
						read.content, content));
				cms_signed_clear(&read);
				cms_signer_free(signer);
				buf_clear(&der);
			}
}

static const struct {
	const char *label;
	struct make make;
	const char *digest;
	unsigned weak;
} good[] = {
	{ "detached", { .flags = CMS_DETACHED }, "sha256", 0 },
	{ "opaque", { .flags = 0 }, "sha256", 0 },
	{ "BER", { .flags = CMS_STREAM }, "sha256", 0 },
	{ "SHA-224", { .digest = EVP_sha224 }, "sha224", 0 },
	{ "SHA-384", { .digest = EVP_sha384, .user = PKI_P384 }, "sha384", 0 },
	{ "SHA-1 is weak", { .digest = EVP_sha1 }, "sha1", CMS_WEAK_DIGEST },
	{ "RSA-1024 is weak", { .user = PKI_RSA_SMALL }, "sha256",
		CMS_WEAK_KEY },
	{ "key identifier", { .flags = CMS_USE_KEYID }, "sha256", 0 },
	{ "signingCertificateV2", { .flags = CMS_CADES }, "sha256", 0 },
	{ "signingCertificateV2 with SHA-512",
		{ .flags = CMS_CADES, .digest = EVP_sha512 }, "sha512", 0 },
	{ "PSS, salt 32", { .salt_bytes = 32 }, "sha256", 0 },
	{ "PSS, salt 20", { .salt_bytes = 20 }, "sha256", 0 },
	{ "PSS, salt 222", { .salt_bytes = 222 }, "sha256", 0 },
	{ "PSS, SHA-512", { .salt_bytes = 64, .digest = EVP_sha512 }, "sha512",
		0 },
	{ "three signers", { .signers = 3 }, "sha256", 0 },
	{ "20 more certificates", { .certificates = 20 }, "sha256", 0 },
};

static void
every_form_that_others_make_verifies(void **state UNUSED)
{
	struct span content = span_string(text);

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		bool detached = (good[i].make.flags & CMS_DETACHED) != 0;
		struct buf der = { 0 };
		struct cms_signed read;
		struct cms_signer_report *report;
		struct error err;

		make(&good[i].make, content, &der);
		if (read_it(&der, content, detached, NULL, &read, &err) != 0)
			fail_msg("%s: %s", good[i].label, err.text);
		report = report_of(&read, 0);
		if (!cms_signed_is_verified(&read))
			fail_msg("%s: %s", good[i].label, report->why.text);
		assert_string_equal(report->digest, good[i].digest);
		assert_int_equal(report->weak, good[i].weak);
		assert_string_equal(report->cert->sha256,
			pki_cert(good[i].make.user)->sha256);
		assert_int_equal(sk_X509_num(report->cert->chain),
			(int)read.certificates.count - 1);
		assert_true(report->signing_time > clock_now() - 600 &&
			    report->signing_time <= clock_now() + 1);
		assert_int_equal(cms_party_is(&report->party,
					 pki_cert(good[i].make.user)),
			1);
		if (!detached)
			assert_true(span_equal(read.content, content));
		cms_signed_clear(&read);
		buf_clear(&der);
	}
}

static void
a_signer_without_certificate_is_looked_for(void **state UNUSED)
{
	struct make how = { .flags = CMS_DETACHED | CMS_NOCERTS };
	struct span content = span_string(text);
	struct list more = { 0 };
	struct cms_signed read;
	struct buf der = { 0 };
	struct error err;

	make(&how, content, &der);
	assert_int_equal(read_it(&der, content, true, NULL, &read, &err), 0);
	assert_false(cms_signed_is_verified(&read));
	assert_int_equal(report_of(&read, 0)->why.kind, ERROR_NOKEY);
	assert_null(report_of(&read, 0)->cert);
	cms_signed_clear(&read);
	list_add(&more, pki_cert(PKI_RSA_OTHER));
	list_add(&more, pki_cert(PKI_RSA));
	assert_int_equal(read_it(&der, content, true, &more, &read, &err), 0);
	assert_true(cms_signed_is_verified(&read));
	cms_signed_clear(&read);
	list_clear(&more, NULL);
	buf_clear(&der);
}

static void
the_certificate_for_encryption_is_named(void **state UNUSED)
{
	struct span content = span_string(text);
	struct pieces pieces = all_of(content);
	struct cms_signer *signer = NULL;
	struct cms_signed read;
	struct buf der = { 0 };
	struct sink sink = buf_sink(&der);
	struct error err;

	assert_int_equal(
		cms_signer_new(pki_cert(PKI_RSA), CRYPTO_SHA256, CMS_PKCS1,
			pki_chain(), pki_cert(PKI_P256), &signer, &err),
		0);
	assert_int_equal(cms_sign_detached(signer, &pieces, &sink, &err), 0);
	assert_int_equal(read_it(&der, content, true, NULL, &read, &err), 0);
	assert_true(cms_signed_is_verified(&read));
	assert_non_null(report_of(&read, 0)->encryption);
	assert_string_equal(report_of(&read, 0)->encryption->sha256,
		pki_cert(PKI_P256)->sha256);
	cms_signed_clear(&read);
	cms_signer_free(signer);
	buf_clear(&der);
}

/* ---- what does not ---- */

static void
expect_bad(const char *label, const struct buf *der, struct span content,
	bool detached, const struct list *more, const char *why)
{
	struct cms_signed read;
	struct error err;

	if (read_it(der, content, detached, more, &read, &err) != 0)
		fail_msg("%s: %s", label, err.text);
	if (cms_signed_is_verified(&read))
		fail_msg("%s: verified", label);
	if (strstr(report_of(&read, 0)->why.text, why) == NULL)
		fail_msg("%s: %s", label, report_of(&read, 0)->why.text);
	cms_signed_clear(&read);
}

#define STR(literal)                                                           \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
#define RSADSI_1 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define PKCS9 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09"
#define ID_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define NIST_HASH "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"
/* CMSAlgorithmProtection of SHA-512 and sha256WithRSAEncryption */
#define WRONG_PROTECTION                                                       \
	"\x30\x1a\x30\x0b" NIST_HASH "\x03\xa1\x0b" RSADSI_1 "\x0b"
#define RIGHT_PROTECTION                                                       \
	"\x30\x1c\x30\x0d" NIST_HASH "\x01\x05\x00\xa1\x0b" RSADSI_1 "\x01"
#define WRONG_V2                                                               \
	"\x30\x28\x30\x26\x30\x24\x04\x20"                                     \
	"0123456789abcdef0123456789abcdef\x30\x00"

static const struct {
	const char *label;
	struct make make;
	struct span from, to; /* the last one is patched */
	const char *why;
} bad[] = {
	{ "the signature", { .user = PKI_RSA }, STR("\x04\x82\x01\x00"),
		STR("\x04\x82\x01\x00"), "" },
	{ "MD5", { .digest = EVP_md5 }, { NULL, 0 }, { NULL, 0 },
		"none that is taken" },
	{ "another digest in the signatureAlgorithm", { .user = PKI_P256 },
		STR("\x2a\x86\x48\xce\x3d\x04\x03\x02"),
		STR("\x2a\x86\x48\xce\x3d\x04\x03\x04"), "different digests" },
	{ "another digestAlgorithm", { .user = PKI_RSA }, STR(NIST_HASH "\x01"),
		STR(NIST_HASH "\x03"), "changed" },
	{ "messageDigest missing", { .user = PKI_RSA }, STR(PKCS9 "\x04"),
		STR(PKCS9 "\x44"), "lack contentType or messageDigest" },
	{ "contentType missing", { .user = PKI_RSA }, STR(PKCS9 "\x03"),
		STR(PKCS9 "\x44"), "lack contentType or messageDigest" },
	{ "contentType twice", { .user = PKI_RSA }, STR(PKCS9 "\x05"),
		STR(PKCS9 "\x03"), "has not one value" },
	{ "contentType of something else", { .user = PKI_RSA },
		STR(PKCS9 "\x03\x31\x0b" ID_DATA),
		STR(PKCS9 "\x03\x31\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
			  "\x02"),
		"contentType is not" },
	{ "signingTime changed", { .user = PKI_RSA }, STR(PKCS9 "\x05\x31\x0f"),
		STR(PKCS9 "\x55\x31\x0f"), "is not of the key" },
	{ "CMSAlgorithmProtection of other algorithms",
		{ .attribute = "1.2.840.113549.1.9.52",
			.value = STR(WRONG_PROTECTION) },
		{ NULL, 0 }, { NULL, 0 }, "CMSAlgorithmProtection" },
	{ "signingCertificateV2 of another certificate",
		{ .attribute = "1.2.840.113549.1.9.16.2.47",
			.value = STR(WRONG_V2) },
		{ NULL, 0 }, { NULL, 0 }, "means another certificate" },
	{ "signingCertificate that is malformed",
		{ .attribute = "1.2.840.113549.1.9.16.2.12",
			.value = STR("\x30\x00") },
		{ NULL, 0 }, { NULL, 0 }, "means another certificate" },
	{ "C5: no signedAttrs", { .flags = CMS_NOATTR }, { NULL, 0 },
		{ NULL, 0 }, "no signedAttrs" },
	{ "another signatureAlgorithm", { .user = PKI_RSA },
		STR(RSADSI_1 "\x01\x05\x00\x04\x82\x01\x00"),
		STR(RSADSI_1 "\x0a\x05\x00\x04\x82\x01\x00"),
		"is not of the key" },
};

static void
what_was_changed_never_verifies(void **state UNUSED)
{
	struct span content = span_string(text);

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct buf der = { 0 };

		make(&bad[i].make, content, &der);
		if (bad[i].from.len != 0)
			patch(&der, bad[i].from, bad[i].to, true);
		if (i == 0)
			der.data[der.len - 7] ^= 1;
		expect_bad(
			bad[i].label, &der, content, false, NULL, bad[i].why);
		buf_clear(&der);
	}
}

static void
matching_algorithm_protection_verifies(void **state UNUSED)
{
	struct make how = { .attribute = "1.2.840.113549.1.9.52",
		.value = STR(RIGHT_PROTECTION) };
	struct cms_signed read;
	struct buf der = { 0 };
	struct error err;

	/* NULL is as good as no parameters (RFC 6211 3.1). */
	make(&how, span_string(text), &der);
	assert_int_equal(
		read_it(&der, span_string(text), false, NULL, &read, &err), 0);
	if (!cms_signed_is_verified(&read))
		fail_msg("%s", report_of(&read, 0)->why.text);
	cms_signed_clear(&read);
	buf_clear(&der);
}

/* C1 */
static void
content_inside_a_detached_signature_is_refused(void **state UNUSED)
{
	struct make how = { .flags = 0 };
	struct cms_signed read;
	struct buf der = { 0 };
	struct error err;

	make(&how, span_string(text), &der);
	assert_int_equal(
		read_it(&der, span_string(text), true, NULL, &read, &err), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_non_null(strstr(err.text, "content inside a detached"));
	assert_int_equal(read.signers.count, 0);
	buf_clear(&der);
}

static void
an_opaque_signature_without_content_is_refused(void **state UNUSED)
{
	struct make how = { .flags = CMS_DETACHED };
	struct cms_signed read;
	struct buf der = { 0 };
	struct error err;

	make(&how, span_string(text), &der);
	assert_int_equal(
		read_it(&der, span_string(text), false, NULL, &read, &err), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	buf_clear(&der);
}

/* C2 */
static void
one_bad_signer_of_several_spoils_it(void **state UNUSED)
{
	struct make how = { .signers = 2 };
	struct cms_signed read;
	struct buf der = { 0 };
	struct error err;

	make(&how, span_string(text), &der);
	der.data[der.len - 7] ^= 1;
	assert_int_equal(
		read_it(&der, span_string(text), false, NULL, &read, &err), 0);
	assert_int_equal(read.signers.count, 2);
	assert_true(report_of(&read, 0)->verified);
	assert_false(report_of(&read, 1)->verified);
	assert_false(cms_signed_is_verified(&read));
	cms_signed_clear(&read);
	buf_clear(&der);
}

/* C3 */
static void
certificates_without_a_signer_are_not_signed(void **state UNUSED)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	CMS_ContentInfo *cms;
	unsigned char *bytes = NULL;
	struct buf der = { 0 };
	struct cms_signed read;
	struct error err;
	int len;

	sk_X509_push(certs, pki_cert(PKI_RSA)->x509);
	cms = CMS_sign(NULL, NULL, certs, NULL, CMS_DETACHED | CMS_PARTIAL);
	len = i2d_CMS_ContentInfo(cms, &bytes);
	ERR_clear_error();
	assert_int_equal(buf_add(&der, bytes, (size_t)len, NULL), 0);
	for (int detached = 0; detached < 2; detached++) {
		assert_int_equal(read_it(&der, span_string(text), detached != 0,
					 NULL, &read, &err),
			0);
		assert_int_equal(read.signers.count, 0);
		assert_int_equal(read.certificates.count, 1);
		assert_false(cms_signed_is_verified(&read));
		cms_signed_clear(&read);
	}
	OPENSSL_free(bytes);
	sk_X509_free(certs);
	CMS_ContentInfo_free(cms);
	buf_clear(&der);
}

/*
 * C5: signedAttrs taken away, and their DER made the content: the signature is
 * right, OpenSSL and others say so.  It is what one gets who signs that DER
 * without attributes, byte for byte.
 */
static void
stripped_signed_attributes_do_not_verify(void **state UNUSED)
{
	struct make whole = { .flags = CMS_DETACHED };
	struct make stripped = { .flags = CMS_DETACHED | CMS_NOATTR };
	struct span head = SPAN(
		"\xa0\x69\x30\x18" PKCS9 "\x03\x31\x0b" ID_DATA "\x30\x1c");
	unsigned char set[2 + 0x69];
	struct buf der = { 0 }, attack = { 0 };
	const unsigned char *at;

	make(&whole, span_string(text), &der);
	at = span_find(buf_span(&der), head);
	assert_non_null(at);
	memcpy(set, at, sizeof(set));
	set[0] = 0x31;
	make(&stripped, span_of(set, sizeof(set)), &attack);
	/* The same signature indeed. */
	assert_memory_equal(
		der.data + der.len - 256, attack.data + attack.len - 256, 256);
	expect_bad("stripped", &attack, span_of(set, sizeof(set)), true, NULL,
		"no signedAttrs");
	buf_clear(&attack);
	buf_clear(&der);
}

/* One byte more in each element of definite length that `at` is inside of. */
static void
lengthen(struct buf *der, size_t at)
{
	size_t from = 0, to = der->len;

	while (from < to) {
		unsigned char *length = der->data + from + 1;
		size_t bytes = *length < 0x80 ? 0 : *length & 0x7f;
		size_t content = bytes == 0 ? *length : 0;
		unsigned char *last = length + bytes;

		for (size_t i = 1; i <= bytes; i++)
			content = content << 8 | length[i];
		from += 2 + bytes;
		if (at < from)
			return;
		if (at >= from + content) {
			from += content;
			continue;
		}
		to = from + content;
		assert_int_not_equal(*last, bytes == 0 ? 0x7f : 0xff);
		++*last;
	}
}

/* 06 0b ... becomes 06 81 0b ..., which is BER of the same. */
static void
write_length_long(struct buf *der, struct span oid)
{
	const unsigned char *found = span_find(buf_span(der), oid);
	size_t at;

	assert_non_null(found);
	at = (size_t)(found - der->data) + 1;
	lengthen(der, at - 1);
	assert_int_equal(buf_add(der, "", 1, NULL), 0);
	memmove(der->data + at + 1, der->data + at, der->len - 1 - at);
	der->data[at] = 0x81;
}

static void
openssl_verifies(const struct buf *der)
{
	const unsigned char *at = der->data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);

	assert_non_null(cms);
	assert_int_equal(CMS_verify(cms, NULL, NULL, NULL, NULL,
				 CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY),
		1);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
}

static const struct {
	const char *oid;
	struct span value, bytes;
	const char *why;
} hidden[] = {
	{ "1.2.840.113549.1.9.16.2.47", STR(WRONG_V2),
		STR("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x2f"),
		"means another certificate" },
	{ "1.2.840.113549.1.9.16.2.12", STR("\x30\x00"),
		STR("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0c"),
		"means another certificate" },
	{ "1.2.840.113549.1.9.52", STR(WRONG_PROTECTION), STR(PKCS9 "\x34"),
		"CMSAlgorithmProtection" },
};

/*
 * The signature is over the DER of signedAttrs: whoever writes them again in
 * BER leaves it right, and must not hide an attribute from us that way.
 */
static void
an_attribute_does_not_hide_behind_a_long_length(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(hidden); i++) {
		struct make how = { .attribute = hidden[i].oid,
			.value = hidden[i].value };
		struct buf der = { 0 };

		make(&how, span_string(text), &der);
		write_length_long(&der, hidden[i].bytes);
		openssl_verifies(&der);
		expect_bad(hidden[i].oid, &der, span_string(text), false, NULL,
			hidden[i].why);
		buf_clear(&der);
	}
}

static void
a_key_above_8192_bits_is_not_used(void **state UNUSED)
{
	struct make how = { .flags = CMS_DETACHED | CMS_NOCERTS };
	struct span content = span_string(text);
	unsigned char modulus[1100], exponent[] = { 1, 0, 1 };
	OSSL_PARAM numbers[] = { OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N,
					 modulus, sizeof(modulus)),
		OSSL_PARAM_construct_BN(
			OSSL_PKEY_PARAM_RSA_E, exponent, sizeof(exponent)),
		OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	X509 *x509 = X509_dup(pki_cert(PKI_RSA)->x509);
	struct cert *large = NULL;
	struct list more = { 0 };
	struct buf der = { 0 };
	struct error err;

	memset(modulus, 0xa5, sizeof(modulus));
	assert_true(EVP_PKEY_fromdata_init(context) > 0 &&
		    EVP_PKEY_fromdata(
			    context, &key, EVP_PKEY_PUBLIC_KEY, numbers) > 0);
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	assert_true(X509_sign(x509, pki_cert(PKI_RSA)->key, EVP_sha256()) > 0);
	assert_int_equal(cert_new(x509, NULL, NULL, CERT_FROM_FILE, "test",
				 &large, &err),
		0);
	list_add(&more, large);
	make(&how, content, &der);
	expect_bad("RSA-8800", &der, content, true, &more, "larger than 8192");
	list_clear(&more, cert_unref);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
	buf_clear(&der);
}

/* ---- limits ---- */

static void
limits_are_kept(void **state UNUSED)
{
	struct make signers = { .signers = 3 }, certs = { .certificates = 4 };
	struct cms_read_limits limits = cms_read_limits_default;
	struct cms_signed read;
	struct buf der = { 0 };
	struct error err;

	make(&signers, span_string(text), &der);
	for (limits.signers = 2; limits.signers <= 3; limits.signers++) {
		assert_int_equal(cms_read_signed(buf_span(&der), NULL, NULL,
					 &limits, &read, &err),
			limits.signers == 3 ? 0 : -1);
		if (limits.signers == 2)
			assert_int_equal(err.kind, ERROR_LIMIT);
		cms_signed_clear(&read);
	}
	buf_clear(&der);
	make(&certs, span_string(text), &der);
	for (limits.certificates = 4; limits.certificates <= 5;
		limits.certificates++) {
		assert_int_equal(cms_read_signed(buf_span(&der), NULL, NULL,
					 &limits, &read, &err),
			limits.certificates == 5 ? 0 : -1);
		if (limits.certificates == 4)
			assert_int_equal(err.kind, ERROR_LIMIT);
		cms_signed_clear(&read);
	}
	limits = cms_read_limits_default;
	limits.certificate_bytes = 100;
	assert_int_equal(cms_read_signed(buf_span(&der), NULL, NULL, &limits,
				 &read, &err),
		-1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&der);
}

/* ---- broken bytes ---- */

static void
no_changed_bit_verifies_with_another_content(void **state UNUSED)
{
	struct make how = { .user = PKI_P256 };
	struct span content = span_string(text);
	struct buf der = { 0 };

	make(&how, content, &der);
	for (size_t i = 0; i < 8 * der.len; i++) {
		struct cms_signed read;
		struct error err;

		der.data[i / 8] ^= (unsigned char)(1 << i % 8);
		if (read_it(&der, content, false, NULL, &read, &err) == 0 &&
			cms_signed_is_verified(&read))
			assert_true(span_equal(read.content, content));
		cms_signed_clear(&read);
		der.data[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	buf_clear(&der);
}

static void
no_changed_content_verifies(void **state UNUSED)
{
	struct make how = { .user = PKI_P256, .flags = CMS_DETACHED };
	struct buf der = { 0 };
	char changed[sizeof(text)];

	make(&how, span_string(text), &der);
	for (size_t i = 0; i < 8 * (sizeof(text) - 1); i++) {
		memcpy(changed, text, sizeof(text));
		changed[i / 8] = (char)(changed[i / 8] ^ (1 << i % 8));
		expect_bad("a bit", &der, span_of(changed, sizeof(text) - 1),
			true, NULL, "the content was changed");
	}
	buf_clear(&der);
}

static void
no_part_of_a_signature_verifies(void **state UNUSED)
{
	static const unsigned flags[] = { CMS_DETACHED, 0, CMS_STREAM };

	for (size_t f = 0; f < COUNT_OF(flags); f++) {
		struct make how = { .user = PKI_P256, .flags = flags[f] };
		struct cms_signed read;
		struct buf der = { 0 };
		struct error err;
		size_t whole;

		make(&how, span_string(text), &der);
		whole = der.len;
		for (der.len = 0; der.len < whole; der.len++) {
			assert_int_equal(read_it(&der, span_string(text),
						 f == 0, NULL, &read, &err),
				-1);
			assert_int_equal(err.kind, ERROR_FORMAT);
		}
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
		cmocka_unit_test(every_signature_we_make_verifies),
		cmocka_unit_test(every_form_that_others_make_verifies),
		cmocka_unit_test(a_signer_without_certificate_is_looked_for),
		cmocka_unit_test(the_certificate_for_encryption_is_named),
		cmocka_unit_test(what_was_changed_never_verifies),
		cmocka_unit_test(matching_algorithm_protection_verifies),
		cmocka_unit_test(
			content_inside_a_detached_signature_is_refused),
		cmocka_unit_test(
			an_opaque_signature_without_content_is_refused),
		cmocka_unit_test(one_bad_signer_of_several_spoils_it),
		cmocka_unit_test(certificates_without_a_signer_are_not_signed),
		cmocka_unit_test(stripped_signed_attributes_do_not_verify),
		cmocka_unit_test(
			an_attribute_does_not_hide_behind_a_long_length),
		cmocka_unit_test(a_key_above_8192_bits_is_not_used),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(no_changed_bit_verifies_with_another_content),
		cmocka_unit_test(no_changed_content_verifies),
		cmocka_unit_test(no_part_of_a_signature_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
