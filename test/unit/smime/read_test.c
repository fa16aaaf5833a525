/* What comes in: roots, multipart/signed, and what decryption gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../cms_fixture.h"
#include "base/base64.h"
#include "smime/smime.h"

#define ENTITY "Content-Type: text/plain\r\n\r\nHello\r\n"

static void
sign_as(struct span content, bool opaque, struct buf *der)
{
	struct pieces pieces = { .count = 0 };
	struct cms_signer *signer = NULL;
	struct sink sink = buf_sink(der);
	struct error err = { 0 };

	pieces_add(&pieces, content);
	assert_int_equal(cms_signer_new(pki_cert(PKI_P256), CRYPTO_SHA256,
				 CMS_PKCS1, NULL, NULL, &signer, &err),
		0);
	assert_int_equal((opaque ? cms_sign_opaque : cms_sign_detached)(
				 signer, &pieces, &sink, &err),
		0);
	cms_signer_free(signer);
}

static void
add_base64(struct buf *out, struct span bytes)
{
	struct base64 encoder;

	base64_init(&encoder, out);
	assert_int_equal(base64_put(&encoder, bytes, NULL), 0);
	assert_int_equal(base64_end(&encoder, NULL), 0);
}

static void
add(struct buf *out, const char *text)
{
	assert_int_equal(buf_add_string(out, text, NULL), 0);
}

/* ---- the CMS of a root ---- */

enum how { RAW, BASE64, BASE64_ONE_LINE, QUOTED };

static const struct {
	const char *label, *header;
	enum how how;
	bool good;
} roots[] = {
	{ "as it should be",
		"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n"
		"Content-Transfer-Encoding: base64\r\n",
		BASE64, true },
	{ "the old type",
		"Content-Type: application/x-pkcs7-mime\r\n"
		"Content-Transfer-Encoding: BASE64\r\n",
		BASE64, true },
	{ "binary",
		"Content-Type: application/pkcs7-mime\r\n"
		"Content-Transfer-Encoding: binary\r\n",
		RAW, true },
	{ "no transfer encoding, binary",
		"Content-Type: application/pkcs7-mime\r\n", RAW, true },
	{ "no transfer encoding, base64",
		"Content-Type: application/pkcs7-mime\r\n", BASE64, true },
	{ "it says 7bit",
		"Content-Type: application/pkcs7-mime\r\n"
		"Content-Transfer-Encoding: 7bit\r\n",
		BASE64_ONE_LINE, true },
	{ "it says base64 and is binary",
		"Content-Type: application/pkcs7-mime\r\n"
		"Content-Transfer-Encoding: base64\r\n",
		RAW, true },
	{ "it says quoted-printable and is base64",
		"Content-Type: application/pkcs7-mime\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n",
		BASE64, true },
	{ "quoted-printable",
		"Content-Type: application/pkcs7-mime\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n",
		QUOTED, true },
	{ "it lies about what it is",
		"Content-Type: application/pkcs7-mime; "
		"smime-type=enveloped-data\r\n"
		"Content-Transfer-Encoding: base64\r\n",
		BASE64, true },
	{ "octet-stream with a name",
		"Content-Type: application/octet-stream; name=smime.P7M\r\n"
		"Content-Transfer-Encoding: base64\r\n",
		BASE64, true },
	{ "octet-stream without one",
		"Content-Type: application/octet-stream\r\n"
		"Content-Transfer-Encoding: base64\r\n",
		BASE64, false },
	{ "text", "Content-Type: text/plain\r\n", BASE64, false },
	{ "no type", "Subject: x\r\n", BASE64, false },
};

static void
add_body(struct buf *out, struct span der, enum how how)
{
	struct buf lines = { 0 };

	switch (how) {
	case RAW:
		assert_int_equal(buf_add_span(out, der, NULL), 0);
		break;
	case BASE64:
		add_base64(out, der);
		break;
	case BASE64_ONE_LINE:
		add_base64(&lines, der);
		for (size_t i = 0; i < lines.len; i++)
			if (lines.data[i] != '\r' && lines.data[i] != '\n')
				assert_int_equal(
					buf_add(out, lines.data + i, 1, NULL),
					0);
		break;
	case QUOTED:
		for (size_t i = 0; i < der.len; i++)
			assert_int_equal(buf_add_format(out, NULL, "=%02X%s",
						 der.data[i],
						 i % 20 == 19 ? "=\r\n" : ""),
				0);
		break;
	}
	buf_clear(&lines);
}

static void
the_cms_decides_and_no_label(void **state UNUSED)
{
	struct buf der = { 0 };

	sign_as(SPAN(ENTITY), true, &der);
	for (size_t i = 0; i < COUNT_OF(roots); i++) {
		struct buf entity = { 0 }, cms = { 0 };
		struct error err = { 0 };
		enum cms_kind kind;
		int rc;

		add(&entity, roots[i].header);
		add(&entity, "\r\n");
		add_body(&entity, buf_span(&der), roots[i].how);
		rc = smime_cms_of(buf_span(&entity), &cms, &kind, &err);
		if ((rc == 0) != roots[i].good)
			fail_msg("%s: %s", roots[i].label, err.text);
		if (rc == 0) {
			assert_int_equal(kind, CMS_KIND_SIGNED);
			assert_true(span_equal(buf_span(&cms), buf_span(&der)));
		} else {
			assert_int_equal(err.kind, ERROR_FORMAT);
			assert_int_equal(cms.len, 0);
		}
		buf_clear(&cms);
		buf_clear(&entity);
	}
	buf_clear(&der);
}

/* ---- multipart/signed ---- */

#define ROOT                                                                   \
	"Content-Type: multipart/signed; micalg=sha-256;\r\n"                  \
	"\tprotocol=\"application/pkcs7-signature\"; boundary=\"=_b\"\r\n"
#define SIGNATURE                                                              \
	"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n"        \
	"Content-Transfer-Encoding: base64\r\n\r\n@"
#define NESTED                                                                 \
	"Content-Type: multipart/mixed; boundary=\"=_b2\"\r\n\r\n"             \
	"--=_b2\r\n\r\none\r\n--=_b2\r\n\r\ntwo\r\n--=_b2--\r\n"

/* "@" stands for the signature, in base64. */
static const struct {
	const char *label, *mail;
	const char *content; /* NULL: refused */
	const char *why;
} mails[] = {
	{ "as it should be",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n" SIGNATURE
		     "\r\n--=_b--\r\n",
		ENTITY, NULL },
	{ "the content ends at its delimiter",
		ROOT "\r\n--=_b\r\nContent-Type: text/plain\r\n\r\nHello"
		     "\r\n--=_b\r\n" SIGNATURE "--=_b--\r\n",
		"Content-Type: text/plain\r\n\r\nHello", NULL },
	{ "no header in the content",
		ROOT "\r\n--=_b\r\n\r\nHello\r\n--=_b\r\n" SIGNATURE
		     "\r\n--=_b--\r\n",
		"\r\nHello", NULL },
	{ "blanks behind the delimiters",
		ROOT "\r\n--=_b \t \r\n" ENTITY "\r\n--=_b  \r\n" SIGNATURE
		     "\r\n--=_b-- \r\n\r\n \r\n",
		ENTITY, NULL },
	{ "LF",
		"Content-Type: multipart/signed; boundary==_b\n\n--=_b\n"
		"Content-Type: text/plain\n\nHello\n\n--=_b\n" SIGNATURE
		"\n--=_b--",
		"Content-Type: text/plain\n\nHello\n", NULL },
	{ "a preamble as most have one",
		ROOT
		"\r\nThis is an S/MIME signed message\r\n\r\n--=_b\r\n" ENTITY
		"\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		ENTITY, NULL },
	{ "a multipart inside, whose boundary begins like ours",
		ROOT "\r\n--=_b\r\n" NESTED "\r\n--=_b\r\n" SIGNATURE
		     "\r\n--=_b--\r\n",
		NESTED, NULL },
	{ "the old type of the signature",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n"
		     "Content-Type: application/x-pkcs7-signature\r\n"
		     "Content-Transfer-Encoding: base64\r\n\r\n@"
		     "\r\n--=_b--\r\n",
		ENTITY, NULL },
	{ "a third part",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n" SIGNATURE
		     "\r\n--=_b\r\n\r\nPay me\r\n--=_b--\r\n",
		NULL, "more than two parts" },
	{ "an unsigned part in front",
		ROOT "\r\n--=_b\r\n\r\nPay me\r\n--=_b\r\n" ENTITY
		     "\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		NULL, "more than two parts" },
	{ "one part", ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b--\r\n", NULL,
		"fewer than two parts" },
	{ "no part", ROOT "\r\nHello\r\n", NULL, "fewer than two parts" },
	{ "no body", ROOT, NULL, "fewer than two parts" },
	{ "no last delimiter",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n" SIGNATURE, NULL,
		"cut off" },
	{ "cut off in the content", ROOT "\r\n--=_b\r\n" ENTITY, NULL,
		"cut off" },
	{ "text in the epilogue",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n" SIGNATURE
		     "\r\n--=_b--\r\nPay me\r\n",
		NULL, "outside" },
	{ "a preamble that looks like a delimiter",
		ROOT "\r\n--=_B\r\n\r\nPay me\r\n--=_b\r\n" ENTITY
		     "\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		NULL, "outside" },
	{ "a preamble that looks like a part",
		ROOT
		"\r\nContent-Type: text/html\r\n\r\nPay\r\n--=_b\r\n" ENTITY
		"\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		NULL, "outside" },
	{ "two Content-Types",
		"Content-Type: text/html\r\n" ROOT "\r\n--=_b\r\n" ENTITY
		"\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		NULL, "not one Content-Type" },
	{ "an encoded multipart",
		ROOT "Content-Transfer-Encoding: base64\r\n\r\n--=_b\r\n" ENTITY
		     "\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		NULL, "encoded" },
	{ "multipart/mixed",
		"Content-Type: multipart/mixed; "
		"boundary==_b\r\n\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n" SIGNATURE
		"\r\n--=_b--\r\n",
		NULL, "no multipart/signed" },
	{ "PGP",
		"Content-Type: multipart/signed; boundary==_b; "
		"protocol=\"application/pgp-signature\"\r\n\r\n--=_b\r\n" ENTITY
		"\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		NULL, "protocol" },
	{ "no boundary",
		"Content-Type: multipart/signed\r\n\r\n--=_b\r\n" ENTITY
		"\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n",
		NULL, "no boundary" },
	{ "a signature of another type",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n"
		     "Content-Type: text/plain\r\n\r\n@\r\n--=_b--\r\n",
		NULL, "no S/MIME signature" },
	{ "a signature that is none",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n"
		     "Content-Type: application/pkcs7-signature\r\n\r\nHello"
		     "\r\n--=_b--\r\n",
		NULL, "cannot be decoded" },
};

static void
fill_in(struct buf *out, const char *mail, struct span der)
{
	const char *at = strchr(mail, '@');

	if (at == NULL) {
		add(out, mail);
		return;
	}
	assert_int_equal(buf_add(out, mail, (size_t)(at - mail), NULL), 0);
	add_base64(out, der);
	add(out, at + 1);
}

static void
exactly_two_parts_are_a_signed_mail(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(mails); i++) {
		struct buf der = { 0 }, mail = { 0 };
		struct smime_parts parts;
		struct cms_signed read;
		enum smime_canonical form;
		struct error err = { 0 };
		const char *content = mails[i].content;
		int rc;

		sign_as(span_string(content != NULL ? content : ENTITY), false,
			&der);
		fill_in(&mail, mails[i].mail, buf_span(&der));
		rc = smime_split_signed(buf_span(&mail), &parts, &err);
		if ((rc == 0) != (content != NULL))
			fail_msg("%s: %s", mails[i].label, err.text);
		if (rc != 0) {
			assert_int_equal(err.kind, ERROR_FORMAT);
			if (strstr(err.text, mails[i].why) == NULL)
				fail_msg("%s: %s", mails[i].label, err.text);
		} else {
			assert_true(span_is(parts.content, content));
			assert_int_equal(smime_read_signed(&parts, NULL, NULL,
						 &read, &form, &err),
				0);
			assert_true(cms_signed_is_verified(&read));
			assert_int_equal(form, SMIME_AS_RECEIVED);
			cms_signed_clear(&read);
		}
		smime_parts_clear(&parts);
		buf_clear(&mail);
		buf_clear(&der);
	}
}

#define MAIL(content)                                                          \
	ROOT "\r\n--=_b\r\n" content "\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--"   \
	     "\r\n"

static const struct {
	const char *label, *was_signed, *mail;
	int form; /* -1: not verified */
} canonical[] = {
	{ "LF on the way", "A: b\r\n\r\nHello\r\n", MAIL("A: b\n\nHello\n"),
		SMIME_CRLF },
	{ "LF signed", "A: b\n\nHello\n", MAIL("A: b\n\nHello\n"),
		SMIME_AS_RECEIVED },
	{ "the last line end signed", "A: b\r\n\r\nHello\r\n",
		MAIL("A: b\r\n\r\nHello"), SMIME_FINAL_CRLF },
	{ "both", "A: b\r\n\r\nHello\r\n", MAIL("A: b\n\nHello"),
		SMIME_FINAL_CRLF },
	{ "a blank more", "A: b\r\n\r\nHello\r\n",
		MAIL("A: b\r\n\r\nHello \r\n"), -1 },
	{ "a line more", "A: b\r\n\r\nHello\r\n",
		MAIL("A: b\r\n\r\nHello\r\n\r\n"), -1 },
	{ "a line less", "A: b\r\n\r\nHello\r\n\r\n\r\n",
		MAIL("A: b\r\n\r\nHello"), -1 },
	{ "another letter", "A: b\r\n\r\nHello\r\n",
		MAIL("A: b\r\n\r\nJello\r\n"), -1 },
};

static void
line_ends_are_a_second_try_and_nothing_else_is(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(canonical); i++) {
		struct buf der = { 0 }, mail = { 0 };
		struct smime_parts parts;
		struct cms_signed read;
		enum smime_canonical form;
		struct error err = { 0 };

		sign_as(span_string(canonical[i].was_signed), false, &der);
		fill_in(&mail, canonical[i].mail, buf_span(&der));
		assert_int_equal(
			smime_split_signed(buf_span(&mail), &parts, &err), 0);
		assert_int_equal(smime_read_signed(&parts, NULL, NULL, &read,
					 &form, &err),
			0);
		if (cms_signed_is_verified(&read) !=
				(canonical[i].form != -1) ||
			(canonical[i].form != -1 &&
				(int)form != canonical[i].form))
			fail_msg("%s: form %d", canonical[i].label, form);
		cms_signed_clear(&read);
		smime_parts_clear(&parts);
		buf_clear(&mail);
		buf_clear(&der);
	}
}

#define TYPED(parameters)                                                      \
	"Content-Type: multipart/signed; " parameters                          \
	"\r\n\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n" SIGNATURE "\r\n--=_b--\r\n"
#define AS_SECOND(header)                                                      \
	ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n"                            \
	     "Content-Type: application/pkcs7-signature\r\n" header            \
	     "\r\n@\r\n--=_b--\r\n"

static const struct {
	const char *label, *mail;
	const char *why; /* NULL: taken */
} differing[] = {
	{ "one boundary", TYPED("boundary=\"=_b\""), NULL },
	{ "one in the extended form", TYPED("boundary*=us-ascii''=_b"), NULL },
	{ "other parameters that have the word in them",
		TYPED("x-boundary=y; boundary=\"=_b\"; boundaryless=1; "
		      "name=\"boundary\"; boundary"),
		NULL },
	{ "two boundaries", TYPED("boundary=\"=_b\"; boundary=\"=_c\""),
		"more than one boundary" },
	{ "the same twice", TYPED("boundary=\"=_b\"; BOUNDARY=\"=_b\""),
		"more than one boundary" },
	{ "an extended one beside it",
		TYPED("boundary=\"=_c\"; boundary*=us-ascii''=_b"),
		"more than one boundary" },
	{ "a segment beside it", TYPED("boundary=\"=_b\"; boundary*0=\"=_c\""),
		"more than one boundary" },
	{ "segments", TYPED("boundary*0=\"=\"; boundary*1=\"_b\""),
		"more than one boundary" },
	{ "a second one in quotes",
		TYPED("name=\"x; boundary==_c; y\"; boundary=\"=_b\""),
		"more than one boundary" },
	{ "a second one in a comment",
		TYPED("(; boundary==_c;) boundary=\"=_b\"; boundary=\"=_b\""),
		"more than one boundary" },
	{ "a comment before its '='",
		TYPED("boundary=\"=_b\";\r\n\tboundary (x) =\"=_c\""),
		"more than one boundary" },
	{ "no transfer encoding", AS_SECOND(""), NULL },
	{ "7bit", AS_SECOND("Content-Transfer-Encoding: 7bit\r\n"), NULL },
	{ "text in the header of the signature",
		AS_SECOND("Pay me, please\r\n"
			  "Content-Transfer-Encoding: base64\r\n"),
		"no field" },
	{ "a field without a name in it",
		AS_SECOND(": Pay me, please\r\n"
			  "Content-Transfer-Encoding: base64\r\n"),
		"no field" },
	{ "no blank line in front of the signature",
		ROOT "\r\n--=_b\r\n" ENTITY "\r\n--=_b\r\n"
		     "Content-Type: application/pkcs7-signature\r\n"
		     "@\r\n--=_b--\r\n",
		"no field" },
	{ "a second type of the signature",
		AS_SECOND("Content-Type: text/html\r\n"), "not one type" },
	{ "a second encoding of the signature",
		AS_SECOND("Content-Transfer-Encoding: 7bit\r\n"
			  "Content-Transfer-Encoding: base64\r\n"),
		"not one type" },
	{ "quoted-printable",
		AS_SECOND("Content-Transfer-Encoding: quoted-printable\r\n"),
		"transfer encoding" },
	{ "uuencode", AS_SECOND("Content-Transfer-Encoding: x-uuencode\r\n"),
		"transfer encoding" },
};

/* The reader would show another part than the one that is verified. */
static void
a_boundary_that_readers_differ_about_is_refused(void **state UNUSED)
{
	struct buf der = { 0 };

	sign_as(SPAN(ENTITY), false, &der);
	for (size_t i = 0; i < COUNT_OF(differing); i++) {
		struct buf mail = { 0 };
		struct smime_parts parts;
		struct error err = { 0 };
		int rc;

		fill_in(&mail, differing[i].mail, buf_span(&der));
		rc = smime_split_signed(buf_span(&mail), &parts, &err);
		if ((rc == 0) != (differing[i].why == NULL))
			fail_msg("%s: %s", differing[i].label, err.text);
		if (rc == 0) {
			assert_true(span_is(parts.content, ENTITY));
		} else {
			assert_int_equal(err.kind, ERROR_FORMAT);
			if (strstr(err.text, differing[i].why) == NULL)
				fail_msg(
					"%s: %s", differing[i].label, err.text);
		}
		smime_parts_clear(&parts);
		buf_clear(&mail);
	}
	buf_clear(&der);
}

/* C1: OpenSSL's own tool is content with that. */
static void
an_opaque_signature_as_the_second_part_is_refused(void **state UNUSED)
{
	struct buf der = { 0 }, mail = { 0 };
	struct smime_parts parts;
	struct cms_signed read;
	enum smime_canonical form;
	struct error err = { 0 };

	sign_as(SPAN(ENTITY), true, &der);
	fill_in(&mail, MAIL(ENTITY), buf_span(&der));
	assert_int_equal(smime_split_signed(buf_span(&mail), &parts, &err), 0);
	assert_int_equal(
		smime_read_signed(&parts, NULL, NULL, &read, &form, &err), -1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_int_equal(read.signers.count, 0);
	smime_parts_clear(&parts);
	buf_clear(&mail);
	buf_clear(&der);
}

static void
a_mail_cut_off_anywhere_is_no_signed_mail(void **state UNUSED)
{
	struct buf der = { 0 }, mail = { 0 };
	struct span whole;

	sign_as(SPAN(ENTITY), false, &der);
	fill_in(&mail, MAIL(ENTITY), buf_span(&der));
	whole = buf_span(&mail);
	/* The last line end may be missing, and the blank line is text. */
	for (size_t len = 0; len + 2 < whole.len; len++) {
		struct smime_parts parts;
		struct error err = { 0 };

		assert_int_equal(smime_split_signed(span_of(whole.data, len),
					 &parts, &err),
			-1);
		assert_int_equal(err.kind, ERROR_FORMAT);
		smime_parts_clear(&parts);
	}
	buf_clear(&mail);
	buf_clear(&der);
}

/* ---- plaintext ---- */

#define STR(literal)                                                           \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
#define GARBAGE "\x93\x8a\xfe\x10\xc3\x28\xa0\xff"

static const struct {
	const char *label;
	struct span text;
	bool good;
} plaintexts[] = {
	{ "text", STR("Content-Type: text/plain\r\n\r\nHello"), true },
	{ "a folded field",
		STR("content-type: multipart/mixed;\r\n\tboundary=x\r\n\r\nx"),
		true },
	{ "LF", STR("Content-Type: text/plain\n\nHello\n"), true },
	{ "MIME-Version and others",
		STR("MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
		    "Content-Language: de\r\nContent-ID: <a@b>\r\n\r\nx"),
		true },
	{ "no Content-Type",
		STR("Content-Transfer-Encoding: 7bit\r\n\r\nHello"), true },
	{ "UTF-8 in a parameter",
		STR("Content-Type: text/plain; name=\"\xc3\xa4.txt\"\r\n\r\n"),
		true },
	{ "header protection (RFC 9788)",
		STR("Subject: Hello\r\nFrom: a@b.example\r\n"
		    "Content-Type: text/plain; hp=\"cipher\"\r\n\r\nHello"),
		true },
	{ "protected-headers",
		STR("Content-Type: text/plain; protected-headers=v1\r\n"
		    "Subject: Hello\r\n\r\nHello"),
		true },
	{ "a message that is wrapped",
		STR("Content-Type: message/rfc822\r\n\r\nFrom: a@b\r\n\r\nx"),
		true },
	{ "a body with any bytes",
		STR("Content-Type: application/octet-stream\r\n\r\n\0\1\2\xff"),
		true },
	{ "a type without subtype",
		STR("Content-Type: text; charset=us-ascii\r\n\r\nHello"),
		true },
	{ "a Content-Type that cannot be read",
		STR("Content-Type: ;;;\r\n\r\nHello"), true },
	{ "nothing", STR(""), false },
	{ "no field", STR("Hello\r\n"), false },
	{ "a blank line first", STR("\r\nHello\r\n"), false },
	{ "EFAIL: a field in front",
		STR("X-Evil: injected\r\nContent-Type: text/plain\r\n\r\nx"),
		false },
	{ "EFAIL: garbage in a field",
		STR("Content-Type: text/html; a=" GARBAGE "\r\n\r\nHello"),
		false },
	{ "EFAIL: garbage before the first field",
		STR(GARBAGE "\r\nContent-Type: text/html\r\n\r\nHello"),
		false },
	{ "EFAIL: garbage behind a Content-Type that cannot be read",
		STR("Content-Type: ;;" GARBAGE "\r\n\r\nHello"), false },
	{ "EFAIL: garbage that ends a Content-Type too soon",
		STR("Content-Type: t\r\n" GARBAGE "/html\r\n\r\nHello"),
		false },
	{ "EFAIL: a line of other bytes behind one that cannot be read",
		STR("Content-Type: ;;\r\nabc\r\n\r\nHello"), false },
	{ "garbage", STR(GARBAGE GARBAGE), false },
	{ "a NUL", STR("Content-Type: text/plain\0\r\n\r\nHello"), false },
	{ "a CR", STR("Content-Type: text/plain\rX: y\r\n\r\nHello"), false },
	{ "DEL", STR("Content-Type: text/plain\x7f\r\n\r\nHello"), false },
	{ "two Content-Types",
		STR("Content-Type: text/plain\r\nContent-Type: text/html\r\n"
		    "\r\nHello"),
		false },
	{ "Subject without header protection",
		STR("Content-Type: text/plain\r\nSubject: x\r\n\r\nHello"),
		false },
	{ "no blank line", STR("Content-Type: text/plain\r\nHello\r\n"),
		false },
	{ "header protection in a Content-Type that cannot be read",
		STR("Content-Type: ; hp=\"cipher\"\r\nSubject: x\r\n\r\nHello"),
		false },
	{ "Content- and nothing", STR("Content-: x\r\n\r\nHello"), false },
};

static void
only_a_mime_entity_is_a_plaintext(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(plaintexts); i++) {
		struct error err = { 0 };
		int rc = smime_check_plaintext(plaintexts[i].text, &err);

		if ((rc == 0) != plaintexts[i].good)
			fail_msg("%s: %s", plaintexts[i].label, err.text);
		if (rc != 0)
			assert_int_equal(err.kind, ERROR_FORMAT);
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
		cmocka_unit_test(the_cms_decides_and_no_label),
		cmocka_unit_test(exactly_two_parts_are_a_signed_mail),
		cmocka_unit_test(
			line_ends_are_a_second_try_and_nothing_else_is),
		cmocka_unit_test(
			an_opaque_signature_as_the_second_part_is_refused),
		cmocka_unit_test(
			a_boundary_that_readers_differ_about_is_refused),
		cmocka_unit_test(a_mail_cut_off_anywhere_is_no_signed_mail),
		cmocka_unit_test(only_a_mime_entity_is_a_plaintext),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
