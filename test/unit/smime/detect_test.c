#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "smime/smime.h"

/*
 * The smallest skeletons that parse: EnvelopedData with one
 * KeyTransRecipientInfo, and SignedData with one SignerInfo's worth of
 * structure is made by the cms tests; here the form is what counts.
 */
static const unsigned char enveloped[] = {
	0x30,
	0x60,
	0x06,
	0x09,
	0x2a,
	0x86,
	0x48,
	0x86,
	0xf7,
	0x0d,
	0x01,
	0x07,
	0x03,
	0xa0,
	0x53,
	0x30,
	0x51,
	0x02,
	0x01,
	0x00,
	0x31,
	0x1c,
	0x30,
	0x1a,
	0x02,
	0x01,
	0x00,
	0x30,
	0x05,
	0x30,
	0x00,
	0x02,
	0x01,
	0x01,
	0x30,
	0x0b,
	0x06,
	0x09,
	0x2a,
	0x86,
	0x48,
	0x86,
	0xf7,
	0x0d,
	0x01,
	0x01,
	0x01,
	0x04,
	0x01,
	0x42,
	0x30,
	0x2e,
	0x06,
	0x09,
	0x2a,
	0x86,
	0x48,
	0x86,
	0xf7,
	0x0d,
	0x01,
	0x07,
	0x01,
	0x30,
	0x0f,
	0x06,
	0x09,
	0x60,
	0x86,
	0x48,
	0x01,
	0x65,
	0x03,
	0x04,
	0x01,
	0x2a,
	0x04,
	0x02,
	0x41,
	0x41,
	0x80,
	0x10,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
	0x42,
};

static enum smime_kind
detect(const char *header, struct span body)
{
	struct buf entity = { 0 };
	struct error err = { 0 };
	enum smime_kind kind;

	assert_int_equal(buf_add_string(&entity, header, &err), 0);
	assert_int_equal(buf_add_string(&entity, "\r\n", &err), 0);
	assert_int_equal(buf_add_span(&entity, body, &err), 0);
	assert_int_equal(smime_detect(buf_span(&entity), &kind, &err), 0);
	buf_clear(&entity);
	return kind;
}

static enum smime_kind
detect_base64(const char *header, struct span bytes)
{
	struct buf body = { 0 };
	struct base64 encoder;
	struct error err;
	enum smime_kind kind;

	base64_init(&encoder, &body);
	assert_int_equal(base64_put(&encoder, bytes, &err), 0);
	assert_int_equal(base64_end(&encoder, &err), 0);
	kind = detect(header, buf_span(&body));
	buf_clear(&body);
	return kind;
}

static const struct {
	const char *label, *header, *body;
	enum smime_kind kind;
} by_type[] = {
	{ "nothing at all", "", "hello\r\n", SMIME_KIND_PLAIN },
	{ "multipart/signed",
		"Content-Type: multipart/signed; boundary=b;\r\n"
		"\tprotocol=\"application/pkcs7-signature\"\r\n",
		"x", SMIME_KIND_SIGNED },
	{ "in capitals and the old name",
		"CONTENT-TYPE: MULTIPART/SIGNED; BOUNDARY=b;"
		" PROTOCOL=\"Application/X-PKCS7-Signature\"\r\n",
		"x", SMIME_KIND_SIGNED },
	{ "multipart/signed without a protocol",
		"Content-Type: multipart/signed; boundary=b\r\n", "x",
		SMIME_KIND_SIGNED },
	{ "PGP/MIME signed",
		"Content-Type: multipart/signed; boundary=b;"
		" protocol=\"application/pgp-signature\"\r\n",
		"x", SMIME_KIND_PGP_SIGNED },
	{ "multipart/encrypted that holds clear text",
		"Content-Type: multipart/encrypted; boundary=b;"
		" protocol=\"application/pgp-encrypted\"\r\n",
		"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
		"Version: 1\r\n--b\r\n\r\nin clear\r\n--b--\r\n",
		SMIME_KIND_OTHER_PGP },
	{ "PGP/MIME encrypted",
		"Content-Type: multipart/encrypted; boundary=b;"
		" protocol=\"application/pgp-encrypted\"\r\n",
		"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
		"Version: 1\r\n\r\n--b\r\n"
		"Content-Type: application/octet-stream\r\n\r\n"
		"-----BEGIN PGP MESSAGE-----\r\n\r\nwcBM\r\n"
		"-----END PGP MESSAGE-----\r\n\r\n--b--\r\n",
		SMIME_KIND_PGP_ENCRYPTED },
	{ "PGP/MIME encrypted with a clear epilogue",
		"Content-Type: multipart/encrypted; boundary=b;"
		" protocol=\"application/pgp-encrypted\"\r\n",
		"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
		"Version: 1\r\n\r\n--b\r\n"
		"Content-Type: application/octet-stream\r\n\r\n"
		"-----BEGIN PGP MESSAGE-----\r\n\r\nwcBM\r\n"
		"-----END PGP MESSAGE-----\r\n\r\n--b--\r\nin clear\r\n",
		SMIME_KIND_OTHER_PGP },
	{ "PGP within text", "Content-Type: text/plain\r\n",
		"Hello\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\n",
		SMIME_KIND_PGP_INLINE },
	{ "PGP armour that is only quoted", "Content-Type: text/plain\r\n",
		"> -----BEGIN PGP MESSAGE-----\r\n", SMIME_KIND_PLAIN },
	{ "a PGP key in text is no protection", "Content-Type: text/plain\r\n",
		"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n", SMIME_KIND_PLAIN },
	{ "pkcs7-mime that is text",
		"Content-Type: application/pkcs7-mime;"
		" smime-type=enveloped-data; name=smime.p7m\r\n",
		"in clear\r\n", SMIME_KIND_OTHER_CMS },
	{ "an octet-stream named .p7m that is text",
		"Content-Type: application/octet-stream; name=smime.p7m\r\n",
		"in clear\r\n", SMIME_KIND_PLAIN },
};

static void
the_content_type_decides_what_is_protected_already(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(by_type); i++) {
		enum smime_kind kind =
			detect(by_type[i].header, span_string(by_type[i].body));

		if (kind != by_type[i].kind)
			fail_msg("%s: %s", by_type[i].label,
				smime_kind_name(kind));
	}
}

static const char *const spellings[] = {
	"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n",
	"content-type: application/x-pkcs7-mime; name=\"smime.p7m\"\r\n",
	"Content-Type: APPLICATION/PKCS7-MIME; smime-type=signed-data\r\n",
	"Content-Type: application/octet-stream; name=\"X.P7M\"\r\n",
	"Content-Type: application/octet-stream\r\n"
	"Content-Disposition: attachment; filename=\"smime.p7m\"\r\n",
};

static void
enveloped_data_counts_as_encrypted_in_every_spelling(void **state)
{
	struct span cms = span_of(enveloped, sizeof(enveloped));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(spellings); i++) {
		char header[300];

		snprintf(header, sizeof(header),
			"%sContent-Transfer-Encoding: base64\r\n",
			spellings[i]);
		assert_int_equal(
			detect_base64(header, cms), SMIME_KIND_ENCRYPTED);
		assert_int_equal(
			detect(spellings[i], cms), SMIME_KIND_ENCRYPTED);
	}
}

static void
a_truncated_cms_never_counts_as_encrypted(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(enveloped); len++)
		assert_int_not_equal(
			detect_base64(spellings[0], span_of(enveloped, len)),
			SMIME_KIND_ENCRYPTED);
}

static void
clear_text_after_a_cms_does_not_count_as_encrypted(void **state)
{
	struct buf bytes = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(
		buf_add(&bytes, enveloped, sizeof(enveloped), &err), 0);
	assert_int_equal(buf_add_string(&bytes, "in clear", &err), 0);
	assert_int_not_equal(
		detect(spellings[0], buf_span(&bytes)), SMIME_KIND_ENCRYPTED);
	buf_clear(&bytes);
}

/* Others pass over what base64 does not have; it may say something. */
static void
text_within_base64_is_passed_over_and_does_not_count_as_encrypted(
	void **state UNUSED)
{
	static const char head[] = "Content-Type: application/pkcs7-mime\r\n"
				   "Content-Transfer-Encoding: base64\r\n\r\n"
				   "\xe7\xa7\x98\xe5\xaf\x86 (!)\r\n";
	struct buf entity = { 0 }, der = { 0 };
	struct base64 encoder;
	enum smime_kind kind;
	enum cms_kind cms;
	struct error err = { 0 };

	assert_int_equal(buf_add_string(&entity, head, &err), 0);
	base64_init(&encoder, &entity);
	assert_int_equal(base64_put(&encoder,
				 span_of(enveloped, sizeof(enveloped)), &err),
		0);
	assert_int_equal(base64_end(&encoder, &err), 0);
	assert_int_equal(buf_add_string(&entity, "=\r\n-- list", &err), 0);
	assert_int_equal(smime_detect(buf_span(&entity), &kind, &err), 0);
	assert_int_equal(kind, SMIME_KIND_OTHER_CMS);
	assert_int_equal(smime_cms_of(buf_span(&entity), &der, &cms, &err), 0);
	assert_true(span_equal(
		buf_span(&der), span_of(enveloped, sizeof(enveloped))));
	assert_int_equal(smime_kind_of_claim(buf_span(&entity), &err),
		SMIME_KIND_ENCRYPTED);
	buf_clear(&der);
	buf_clear(&entity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_content_type_decides_what_is_protected_already),
		cmocka_unit_test(
			enveloped_data_counts_as_encrypted_in_every_spelling),
		cmocka_unit_test(a_truncated_cms_never_counts_as_encrypted),
		cmocka_unit_test(
			clear_text_after_a_cms_does_not_count_as_encrypted),
		cmocka_unit_test(
			text_within_base64_is_passed_over_and_does_not_count_as_encrypted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
