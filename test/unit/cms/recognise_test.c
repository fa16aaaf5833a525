#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/cms.h>

#include "../cms_fixture.h"

/* ---- made by others ---- */

enum { DETACHED = CMS_BINARY | CMS_DETACHED, BER = CMS_BINARY | CMS_STREAM };

/* A CMS as OpenSSL writes it: DER, or BER when it is streamed. */
static void
write_out(CMS_ContentInfo *cms, struct span content, unsigned flags,
	struct buf *out)
{
	BIO *in = BIO_new_mem_buf(content.data, (int)content.len);
	BIO *bio = BIO_new(BIO_s_mem());
	struct error err = { 0 };
	char *bytes;
	long len;

	assert_non_null(cms);
	if (flags & CMS_STREAM)
		assert_int_equal(
			i2d_CMS_bio_stream(bio, cms, in, (int)flags), 1);
	else
		assert_int_equal(i2d_CMS_bio(bio, cms), 1);
	len = BIO_get_mem_data(bio, &bytes);
	assert_int_equal(buf_add(out, bytes, (size_t)len, &err), 0);
	BIO_free(in);
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
}

static void
make_signed(unsigned flags, struct buf *out)
{
	struct span content = pki_content(5000);
	struct cert *cert = pki_cert(PKI_P256);
	BIO *in = BIO_new_mem_buf(content.data, (int)content.len);

	write_out(CMS_sign(cert->x509, cert->key, NULL, in, flags), content,
		flags, out);
	BIO_free(in);
}

static void
make_encrypted(const EVP_CIPHER *cipher, enum pki_user user, unsigned flags,
	struct buf *out)
{
	struct span content = pki_content(5000);
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(content.data, (int)content.len);

	sk_X509_push(certs, pki_cert(user)->x509);
	write_out(CMS_encrypt(certs, in, cipher, flags), content, flags, out);
	sk_X509_free(certs);
	BIO_free(in);
}

static void
make_certs_only(struct buf *out)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, pki_chain(), NULL,
		CMS_BINARY | CMS_PARTIAL | CMS_DETACHED);

	write_out(cms, SPAN(""), 0, out);
}

static void
make_data(struct buf *out)
{
	BIO *in = BIO_new_mem_buf("text", 4);

	write_out(CMS_data_create(in, CMS_BINARY), SPAN(""), 0, out);
	BIO_free(in);
}

static void
make_digested(struct buf *out)
{
	BIO *in = BIO_new_mem_buf("text", 4);

	write_out(CMS_digest_create(in, EVP_sha256(), CMS_BINARY), SPAN(""), 0,
		out);
	BIO_free(in);
}

/* Encrypted with a key that both know: nobody's certificate is named. */
static void
make_without_recipients(struct buf *out)
{
	static unsigned char password[] = "known to both";
	BIO *in = BIO_new_mem_buf("text", 4);
	CMS_ContentInfo *cms = CMS_encrypt(
		NULL, in, EVP_aes_128_cbc(), CMS_BINARY | CMS_PARTIAL);

	assert_non_null(CMS_add0_recipient_password(cms, -1, -1, -1,
		(unsigned char *)OPENSSL_strdup((char *)password), -1, NULL));
	assert_int_equal(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	write_out(cms, SPAN(""), 0, out);
	BIO_free(in);
}

enum { MADE = 13 };

static enum cms_kind
make(int which, struct buf *out)
{
	switch (which) {
	case 0:
		make_signed(DETACHED, out);
		return CMS_KIND_SIGNED;
	case 1:
		make_signed(CMS_BINARY, out);
		return CMS_KIND_SIGNED;
	case 2:
		make_signed(BER, out);
		return CMS_KIND_SIGNED;
	case 3:
		make_encrypted(EVP_aes_256_cbc(), PKI_RSA, CMS_BINARY, out);
		return CMS_KIND_ENVELOPED;
	case 4:
		make_encrypted(EVP_aes_256_cbc(), PKI_P256, BER, out);
		return CMS_KIND_ENVELOPED;
	case 5:
		make_encrypted(EVP_des_ede3_cbc(), PKI_RSA,
			CMS_BINARY | CMS_USE_KEYID, out);
		return CMS_KIND_ENVELOPED;
	case 6:
		make_encrypted(
			EVP_camellia_256_cbc(), PKI_RSA, CMS_BINARY, out);
		return CMS_KIND_ENVELOPED;
	case 7:
		make_encrypted(EVP_aes_128_gcm(), PKI_RSA, CMS_BINARY, out);
		return CMS_KIND_AUTH_ENVELOPED;
	case 8:
		make_encrypted(EVP_aes_256_gcm(), PKI_P256, BER, out);
		return CMS_KIND_AUTH_ENVELOPED;
	case 9:
		make_certs_only(out);
		return CMS_KIND_CERTS_ONLY;
	case 10:
		make_data(out);
		return CMS_KIND_DATA;
	case 11:
		make_digested(out);
		return CMS_KIND_OTHER;
	}
	make_without_recipients(out);
	return CMS_KIND_OTHER;
}

static void
what_others_make_is_recognised(void **state UNUSED)
{
	for (int which = 0; which < MADE; which++) {
		struct buf der = { 0 };
		enum cms_kind kind = make(which, &der);

		if (cms_recognise(buf_span(&der)) != kind)
			fail_msg("made %d", which);
		buf_clear(&der);
	}
}

static bool
is_broken(enum cms_kind kind)
{
	return kind == CMS_KIND_NONE || kind == CMS_KIND_OTHER;
}

static void
what_is_cut_off_is_nothing(void **state UNUSED)
{
	for (int which = 0; which < MADE; which++) {
		struct buf der = { 0 };

		make(which, &der);
		for (size_t len = 0; len < der.len; len++) {
			/* a copy, so that reading past its end is seen */
			unsigned char *part = malloc(len + 1);

			memcpy(part, der.data, len);
			if (!is_broken(cms_recognise(span_of(part, len))))
				fail_msg("made %d, cut at %zu", which, len);
			free(part);
		}
		buf_clear(&der);
	}
}

static void
what_follows_spoils_it(void **state UNUSED)
{
	static const char *const tails[] = { "\r\n", "x", "\x04\x00" };

	for (int which = 0; which < MADE; which++)
		for (size_t i = 0; i < COUNT_OF(tails) + 1; i++) {
			struct error err = { 0 };
			struct buf der = { 0 };
			struct span tail = i < COUNT_OF(tails)
						   ? span_string(tails[i])
						   : SPAN("\x00\x00");

			make(which, &der);
			assert_int_equal(buf_add_span(&der, tail, &err), 0);
			assert_true(is_broken(cms_recognise(buf_span(&der))));
			buf_clear(&der);
		}
}

/*
 * Whatever a changed byte makes of it, it is answered, and an answer
 * "encrypted" needs an encrypted content and a recipient.
 */
static void
changed_bytes_are_survived(void **state UNUSED)
{
	for (int which = 0; which < MADE; which++) {
		struct buf der = { 0 };

		make(which, &der);
		for (size_t i = 0; i < der.len && i < 1500; i++)
			for (int bit = 0; bit < 8; bit++) {
				der.data[i] ^= (unsigned char)(1 << bit);
				(void)cms_recognise(buf_span(&der));
				der.data[i] ^= (unsigned char)(1 << bit);
			}
		buf_clear(&der);
	}
}

/* ---- made by hand ---- */

#define P7 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
#define AES "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
#define AES_CBC "\x30\x0f" AES "\x2a\x04\x02IV"
#define AES_GCM "\x30\x0f" AES "\x2e\x04\x02IV"
#define UNKNOWN "\x30\x05\x06\x03\x2a\x03\x04"
#define ISSUER "\x30\x05\x30\x00\x02\x01\x07"
#define KEY "\x30\x16\x02\x01\x00" ISSUER UNKNOWN "\x04\x03KEY"
#define NO_KEY "\x30\x13\x02\x01\x00" ISSUER UNKNOWN "\x04\x00"
#define PASSWORD "\xa3\x0f\x02\x01\x00" UNKNOWN "\x04\x03KEY"
#define AGREED_KEY "\x30\x0c" ISSUER "\x04\x03KEY"
#define AGREE                                                                  \
	"\xa1\x21\x02\x01\x03\xa0\x05\xa1\x03\x03\x01\x00" UNKNOWN             \
	"\x30\x0e" AGREED_KEY
#define AGREE_NOBODY                                                           \
	"\xa1\x13\x02\x01\x03\xa0\x05\xa1\x03\x03\x01\x00" UNKNOWN "\x30\x00"
#define VERSION "\x02\x01\x00"
#define BLOCK                                                                  \
	"\x80\x10"                                                             \
	"0123456789abcdef"
#define ABSENT ""

/* A part in a row is a literal: its length is not counted by hand. */
struct part {
	const char *bytes;
	size_t len;
};
#define PART(literal)                                                          \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

static const struct skeleton {
	const char *label;
	struct part oid;
	struct part before;	/* version, originatorInfo */
	struct part recipients; /* content of the SET */
	struct part content;	/* of EncryptedContentInfo */
	struct part after;
	enum cms_kind kind;
} skeletons[] = {
#define ENVELOPED PART(P7 "\x03")
#define AUTH PART("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17")
#define DATA P7 "\x01"
#define MAC                                                                    \
	"\x04\x10"                                                             \
	"0123456789abcdef"
	/* good */
	{ "the plainest", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC BLOCK), PART(""), CMS_KIND_ENVELOPED },
	{ "two recipients", ENVELOPED, PART(VERSION), PART(KEY AGREE),
		PART(DATA AES_CBC BLOCK), PART(""), CMS_KIND_ENVELOPED },
	{ "GCM", AUTH, PART(VERSION), PART(KEY), PART(DATA AES_GCM BLOCK),
		PART(MAC), CMS_KIND_AUTH_ENVELOPED },
	/* odd but accepted */
	{ "an unknown cipher", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA UNKNOWN "\x80\x03xyz"), PART(""),
		CMS_KIND_ENVELOPED },
	{ "a password besides", ENVELOPED, PART(VERSION), PART(PASSWORD KEY),
		PART(DATA AES_CBC BLOCK), PART(""), CMS_KIND_ENVELOPED },
	{ "originator and attributes", ENVELOPED,
		PART(VERSION "\xa0\x02\xa0\x00"), PART(KEY),
		PART(DATA AES_CBC BLOCK), PART("\xa1\x02\x30\x00"),
		CMS_KIND_ENVELOPED },
	{ "attributes around the mac", AUTH, PART(VERSION), PART(KEY),
		PART(DATA AES_GCM BLOCK),
		PART("\xa1\x02\x30\x00" MAC "\xa2\x02\x30\x00"),
		CMS_KIND_AUTH_ENVELOPED },
	{ "content in pieces", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC "\xa0\x16\x04\x08"
				  "01234567"
				  "\x24\x0a\x04\x08"
				  "89abcdef"),
		PART(""), CMS_KIND_ENVELOPED },
	/* refused */
	{ "no recipient", ENVELOPED, PART(VERSION), PART(""),
		PART(DATA AES_CBC BLOCK), PART(""), CMS_KIND_OTHER },
	{ "only a password", ENVELOPED, PART(VERSION), PART(PASSWORD),
		PART(DATA AES_CBC BLOCK), PART(""), CMS_KIND_OTHER },
	{ "a recipient without key", ENVELOPED, PART(VERSION), PART(NO_KEY),
		PART(DATA AES_CBC BLOCK), PART(""), CMS_KIND_OTHER },
	{ "an agreement with nobody", ENVELOPED, PART(VERSION),
		PART(AGREE_NOBODY), PART(DATA AES_CBC BLOCK), PART(""),
		CMS_KIND_OTHER },
	{ "a recipient that is none", ENVELOPED, PART(VERSION),
		PART("\x02\x01\x00"), PART(DATA AES_CBC BLOCK), PART(""),
		CMS_KIND_OTHER },
	{ "rubbish beside a recipient", ENVELOPED, PART(VERSION),
		PART(KEY "\x05\x00"), PART(DATA AES_CBC BLOCK), PART(""),
		CMS_KIND_OTHER },
	{ "no content", ENVELOPED, PART(VERSION), PART(KEY), PART(DATA AES_CBC),
		PART(""), CMS_KIND_OTHER },
	{ "empty content", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC "\x80\x00"), PART(""), CMS_KIND_OTHER },
	{ "empty content in pieces", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC "\xa0\x04\x04\x00\x04\x00"), PART(""),
		CMS_KIND_OTHER },
	{ "pieces that are none", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC "\xa0\x12\x0c\x10"
				  "0123456789abcdef"),
		PART(""), CMS_KIND_OTHER },
	{ "text that no block cipher made", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC "\x80\x05Hello"), PART(""), CMS_KIND_OTHER },
	{ "no algorithm", ENVELOPED, PART(VERSION), PART(KEY), PART(DATA BLOCK),
		PART(""), CMS_KIND_OTHER },
	{ "no version", ENVELOPED, PART(""), PART(KEY),
		PART(DATA AES_CBC BLOCK), PART(""), CMS_KIND_OTHER },
	{ "more after the content", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC BLOCK BLOCK), PART(""), CMS_KIND_OTHER },
	{ "more at the end", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC BLOCK), PART(MAC), CMS_KIND_OTHER },
	{ "GCM without authentication", ENVELOPED, PART(VERSION), PART(KEY),
		PART(DATA AES_GCM BLOCK), PART(""), CMS_KIND_OTHER },
	{ "CBC with a mac", AUTH, PART(VERSION), PART(KEY),
		PART(DATA AES_CBC BLOCK), PART(MAC), CMS_KIND_OTHER },
	{ "GCM without mac", AUTH, PART(VERSION), PART(KEY),
		PART(DATA AES_GCM BLOCK), PART(""), CMS_KIND_OTHER },
	{ "GCM with an empty mac", AUTH, PART(VERSION), PART(KEY),
		PART(DATA AES_GCM BLOCK), PART("\x04\x00"), CMS_KIND_OTHER },
};

/* put an element around what buf holds; short or indefinite length */
static void
wrap(struct buf *buf, unsigned char tag, bool indefinite)
{
	struct buf inner = *buf;
	unsigned char header[4] = { tag, 0x82, (unsigned char)(inner.len >> 8),
		(unsigned char)inner.len };
	struct error err = { 0 };

	buf_init(buf, 0);
	if (indefinite)
		header[1] = 0x80;
	assert_int_equal(buf_add(buf, header, indefinite ? 2 : 4, &err), 0);
	assert_int_equal(buf_add_span(buf, buf_span(&inner), &err), 0);
	if (indefinite)
		assert_int_equal(buf_add(buf, "\0\0", 2, &err), 0);
	buf_clear(&inner);
}

static void
add(struct buf *buf, struct part part)
{
	struct error err = { 0 };

	assert_int_equal(buf_add(buf, part.bytes, part.len, &err), 0);
}

static void
build(const struct skeleton *row, bool indefinite, struct buf *out)
{
	struct buf recipients = { 0 }, content = { 0 };
	struct error err = { 0 };

	add(&recipients, row->recipients);
	wrap(&recipients, 0x31, indefinite);
	add(&content, row->content);
	wrap(&content, 0x30, indefinite);
	add(out, row->before);
	assert_int_equal(buf_add_span(out, buf_span(&recipients), &err), 0);
	assert_int_equal(buf_add_span(out, buf_span(&content), &err), 0);
	add(out, row->after);
	wrap(out, 0x30, indefinite);
	wrap(out, 0xa0, indefinite);
	buf_clear(&recipients);
	add(&recipients, row->oid);
	assert_int_equal(buf_add_span(&recipients, buf_span(out), &err), 0);
	buf_clear(out);
	*out = recipients;
	wrap(out, 0x30, indefinite);
	buf_clear(&content);
}

static void
only_a_whole_skeleton_is_encrypted(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(skeletons) * 2; i++) {
		const struct skeleton *row = &skeletons[i / 2];
		struct buf der = { 0 };
		enum cms_kind kind;

		build(row, i % 2, &der);
		kind = cms_recognise(buf_span(&der));
		if (kind != row->kind)
			fail_msg("%s%s: %d", row->label,
				i % 2 ? ", indefinite" : "", kind);
		buf_clear(&der);
	}
}

static void
a_built_skeleton_cut_off_is_nothing(void **state UNUSED)
{
	struct buf der = { 0 };

	build(&skeletons[1], true, &der);
	for (size_t len = 0; len < der.len; len++)
		assert_true(is_broken(cms_recognise(span_of(der.data, len))));
	buf_clear(&der);
}

static const struct {
	const char *label;
	struct part bytes;
} hostile[] = {
	{ "nothing", PART("") },
	{ "text", PART("Content-Type: text/plain\r\n\r\nHello\r\n") },
	{ "base64", PART("MIAGCSqGSIb3DQEHA6CAMIACAQAxggFF") },
	{ "one byte", PART("\x30") },
	{ "a length of 2^64 - 1",
		PART("\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff" P7 "\x03") },
	{ "a length of 2^63",
		PART("\x30\x88\x80\x00\x00\x00\x00\x00\x00\x00" P7 "\x03") },
	{ "a length of nine bytes",
		PART("\x30\x89\x00\x00\x00\x00\x00\x00\x00\x00\x10" P7
		     "\x03") },
	{ "a length of 127 bytes", PART("\x30\xff" P7 "\x03") },
	{ "a length beyond the end", PART("\x30\x20" P7 "\x03") },
	{ "an inner length beyond the outer", PART("\x30\x0d" P7 "\x03\xa0\x03"
						   "abc") },
	{ "indefinite but primitive",
		PART("\x30\x80\x06\x80\x00\x00\x00\x00") },
	{ "no end of contents", PART("\x30\x80" P7 "\x03\xa0\x80") },
	{ "a high tag number", PART("\x3f\x81\x01\x00") },
	{ "an object identifier alone", PART(P7 "\x03") },
	{ "no content", PART("\x30\x0b" P7 "\x03") },
	{ "empty content", PART("\x30\x0d" P7 "\x03\xa0\x00") },
	{ "content that is no sequence",
		PART("\x30\x0f" P7 "\x03\xa0\x02\x04\x00") },
	{ "signed without anything",
		PART("\x30\x0f" P7 "\x02\xa0\x02\x30\x00") },
};

static void
hostile_bytes_are_nothing(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(hostile); i++)
		if (!is_broken(cms_recognise(span_of(
			    hostile[i].bytes.bytes, hostile[i].bytes.len))))
			fail_msg("%s", hostile[i].label);
	assert_int_equal(cms_recognise(span_of(NULL, 0)), CMS_KIND_NONE);
}

/* Depth costs no stack and ends somewhere; so does the number of pieces. */
static void
depth_and_number_have_limits(void **state UNUSED)
{
	static const struct {
		const char *label;
		struct part unit;
		size_t times;
	} rows[] = {
		{ "indefinite in indefinite", PART("\x30\x80"), 1000000 },
		{ "octets in octets", PART("\x24\x80"), 1000000 },
		{ "one-byte pieces", PART("\x04\x01x"), 5000000 },
		{ "empty pieces", PART("\x04\x00"), 5000000 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct skeleton row = skeletons[0];
		struct buf der = { 0 }, content = { 0 };
		struct error err = { 0 };

		add(&content, (struct part)PART(DATA AES_CBC "\xa0\x80"));
		assert_int_equal(
			buf_reserve(&content, rows[i].times * rows[i].unit.len,
				&err),
			0);
		for (size_t n = 0; n < rows[i].times; n++)
			add(&content, rows[i].unit);
		add(&content, (struct part)PART("\x00\x00"));
		row.content =
			(struct part){ (char *)content.data, content.len };
		build(&row, true, &der);
		if (!is_broken(cms_recognise(buf_span(&der))))
			fail_msg("%s", rows[i].label);
		buf_clear(&der);
		buf_clear(&content);
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
		cmocka_unit_test(what_others_make_is_recognised),
		cmocka_unit_test(what_is_cut_off_is_nothing),
		cmocka_unit_test(what_follows_spoils_it),
		cmocka_unit_test(changed_bytes_are_survived),
		cmocka_unit_test(only_a_whole_skeleton_is_encrypted),
		cmocka_unit_test(a_built_skeleton_cut_off_is_nothing),
		cmocka_unit_test(hostile_bytes_are_nothing),
		cmocka_unit_test(depth_and_number_have_limits),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
