/*
 * The rewriter: what it changes, what it leaves, and what it says it could
 * not do.  What every message says before and after is told by the second
 * reader of mime_fixture.h.
 */
#include "../mime_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "mime/mime.h"

static const struct rewrite_row kept[] = {
	KEPT("nothing", ""),
	KEPT("plain", "Content-Type: text/plain\r\n\r\ntext\r\n"),
	KEPT("no header", "\r\ntext\r\n"),
	KEPT("header only", "Content-Type: text/plain\r\n"),
	KEPT("lone MIME-Version", "MIME-Version: 1.0\r\n\r\ntext\r\n"),
	KEPT("quoted-printable", PARTQ),
	KEPT("blanks at line ends of quoted-printable",
		UTF8 QP "\r\na \r\n=C3=BC=20 \t\r\nb= \r\nc\r\n"),
	KEPT("blanks in base64", BINARY B64 "\r\nQUJD \r\n QUJD\r\n"),
	KEPT("preamble, epilogue, blanks behind delimiters",
		MIXED "\r\npre \r\nFrom here\r\n--x \t\r\n\r\na\r\n--x\r\n"
		      "X: y \r\n\r\nb\r\n--x--  \r\nepi \r\n\r\n"),
	KEPT("no close delimiter", MIXED "\r\n--x\r\n\r\na\r\n"),
	KEPT("no close delimiter, no line end", MIXED "\r\n--x\r\n\r\na"),
	KEPT("no delimiter at all", MIXED "\r\njust text \r\nFrom a\r\n"),
	KEPT("no boundary parameter",
		"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\na \r\n"),
	KEPT("empty multipart", MIXED "\r\n"),
	KEPT("empty parts", MIXED "\r\n--x\r\n--x\r\n\r\n--x\r\n\r\n\r\n--x--"),
	KEPT("delimiter right behind the header",
		MIXED "--x\r\n\r\na\r\n--x--"),
	KEPT("delimiter that is longer",
		MIXED "\r\n--x\r\n\r\na\r\n--xy\r\n--x-\r\n--x--y\r\n--x--"),
	KEPT("signature with blanks and From", SIGNED
		"\r\npre\r\n--s\r\n\r\na \r\nFrom b\r\n--s\r\n\r\nsig\r\n"
		"--s-- \r\nepi "),
	KEPT("unknown encoding",
		"Content-Type: text/plain\r\n" CTE "x-uuencode\r\n\r\n"
		"begin 644 a\r\n#86)C \r\n`\r\nend\r\n"),
	KEPT("delivery status with blanks",
		"Content-Type: message/delivery-status\r\n\r\nA: b \r\n"),
	KEPT("blanks in the header", "Content-Type: text/plain; \r\n\r\na"),
};

static const struct rewrite_row composites[] = {
	CHANGED("one of two parts",
		MIXED "\r\npre\r\n--x\r\n\r\na\r\n--x\r\n" PART8
		      "\r\n--x-- \r\nepi\r\n",
		MIXED "\r\npre\r\n--x\r\n\r\na\r\n--x\r\n" PARTQ
		      "\r\n--x-- \r\nepi\r\n"),
	CHANGED("composites become 7bit",
		MIXED BIT8 "\r\n--x\r\n" FWD CTE "binary\r\n\r\n" PART8
			   "\r\n--x--\r\n",
		MIXED CTE "7bit\r\n\r\n--x\r\n" FWD CTE "7bit\r\n\r\n" PARTQ
			  "\r\n--x--\r\n"),
	CHANGED("digest",
		"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n"
		"Subject: s\r\n" PART8 "\r\n--x--\r\n",
		"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\n"
		"Subject: s\r\n" PARTQ "\r\n--x--\r\n"),
	CHANGED("no close delimiter", MIXED "\r\n--x\r\n" PART8 "\r\n",
		MIXED "\r\n--x\r\n" PARTQ "\r\n"),
	CHANGED("outer boundary ends the inner",
		MIXED "\r\n--x\r\nContent-Type: multipart/alternative; "
		      "boundary=y\r\n\r\n--y\r\n" PART8 "\r\n--x\r\n" PART8
		      "\r\n--x--\r\n",
		MIXED "\r\n--x\r\nContent-Type: multipart/alternative; "
		      "boundary=y\r\n\r\n--y\r\n" PARTQ "\r\n--x\r\n" PARTQ
		      "\r\n--x--\r\n"),
	CHANGED("boundaries that begin alike",
		MIXED "\r\n--x\r\nContent-Type: multipart/alternative; "
		      "boundary=xx\r\n\r\n--xx\r\n" PART8 "\r\n--xx--\r\n--x--",
		MIXED "\r\n--x\r\nContent-Type: multipart/alternative; "
		      "boundary=xx\r\n\r\n--xx\r\n" PARTQ
		      "\r\n--xx--\r\n--x--"),
	CHANGED("signature beside a part",
		MIXED "\r\n--x\r\n" SIGNED
		      "\r\n--s\r\n\r\na \r\n--s\r\n\r\nz\r\n"
		      "--s--\r\n--x\r\n" PART8 "\r\n--x--\r\n",
		MIXED "\r\n--x\r\n" SIGNED
		      "\r\n--s\r\n\r\na \r\n--s\r\n\r\nz\r\n"
		      "--s--\r\n--x\r\n" PARTQ "\r\n--x--\r\n"),
	CHANGED("message in a mailbox's clothes",
		FWD "\r\nFrom a@b Mon Jan 1\r\nSubject: s\r\n" PART8,
		FWD "\r\nFrom a@b Mon Jan 1\r\nSubject: s\r\n" PARTQ),
};

/*
 * What the second reader does not read: it knows neither LF nor RFC 2231
 * nor headers without an end.
 */
static const struct rewrite_row untold[] = {
	CHANGED("LF everywhere",
		"Content-Type: multipart/mixed; boundary=x\n\npre\n--x\n"
		"X: y\n\na\n--x\n\n" X40 UE "\nc\n--x--\nepi\n",
		MIXED "\r\npre\r\n--x\r\nX: y\r\n\r\na\r\n--x\r\n" QP "\r\n" X40
		      "=C3=BC\r\nc\r\n--x--\r\nepi\r\n"),
	CHANGED("LF in 7-bit text", "\r\na\nb\r\n", "\r\na\r\nb\r\n"),
	CHANGED("LF in quoted-printable", QP "\r\na=\nb\n",
		QP "\r\na=\r\nb\r\n"),
	CHANGED("LF in binary text",
		"Content-Type: text/x\r\n" CTE "binary\r\n\r\na\nb",
		"Content-Type: text/x\r\n" B64 "\r\nYQpi\r\n"),
	CHANGED("RFC 2231 boundary",
		"Content-Type: multipart/mixed; boundary*0*=us-ascii''a%3D;\r\n"
		" boundary*1=\"b c\"\r\n\r\n--a=b c\r\n" PART8 "\r\n--a=b c--",
		"Content-Type: multipart/mixed; boundary*0*=us-ascii''a%3D;\r\n"
		" boundary*1=\"b c\"\r\n\r\n--a=b c\r\n" PARTQ "\r\n--a=b c--"),
	CHANGED("boundary that ends in a blank",
		"Content-Type: multipart/mixed; boundary=\"x "
		"\"\r\n\r\n--x\r\n" PART8 "\r\n--x --\r\n--x--\r\n",
		"Content-Type: multipart/mixed; boundary=\"x "
		"\"\r\n\r\n--x\r\n" UTF8 QP
		"\r\nein Gru=C3=BC, ein ganz langer, an alle\r\n--x --"
		"\r\n--x--\r\n"),
	CHANGED("long field is folded",
		FWD "\r\nReferences: " X200 " " X200 " " X200 " " X200 " " X200
		    "\r\n\r\na\r\n",
		FWD "\r\nReferences: " X200 " " X200 " " X200 " " X200
		    "\r\n " X200 "\r\n\r\na\r\n"),
	CHANGED("no header and no blank line", X40 "\xfc\r\n",
		"Content-Type: text/plain; charset=unknown-8bit\r\n" QP
		"\r\n" X40 "=FC\r\n"),
	CHANGED("no blank line", UTF8 X40 UE, UTF8 QP "\r\n" X40 "=C3=BC"),
	CHANGED("part without header and blank line",
		MIXED "\r\n--x\r\n" X40 UE "\r\n--x--\r\n",
		MIXED "\r\n--x\r\n" QP "\r\n" X40 "=C3=BC\r\n--x--\r\n"),
	CHANGED("no type", "\r\n" X40 "\xfc",
		"Content-Type: text/plain; charset=unknown-8bit\r\n" QP
		"\r\n" X40 "=FC"),
	CHANGED("MIME-Version but no type",
		"MIME-Version: 1.0\r\n\r\n" X40 "\xfc",
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=unknown-8bit\r\n" QP
		"\r\n" X40 "=FC"),
	CHANGED("raw UTF-8 in a forwarded Subject",
		FWD "\r\nX: y\r\nsubject: Re: gr" UE "n  =\r\n\tund " UE
		    "b_er (a)\r\n\r\na\r\n",
		FWD "\r\nX: y\r\nsubject: Re: =?utf-8?Q?gr=C3=BCn=20=20=3D"
		    "=09und=20=C3=BCb=5Fer?= (a)\r\n\r\na\r\n"),
	CHANGED("more UTF-8 than one encoded word holds",
		FWD "\r\nSubject:" X40 UE UE UE UE UE "\r\n\r\na\r\n",
		FWD "\r\nSubject:=?utf-8?Q?" X40
		    "=C3=BC=C3=BC=C3=BC?=\r\n =?utf-8?Q?=C3=BC=C3=BC?="
		    "\r\n\r\na\r\n"),
	CHANGED("message/global may be encoded",
		"Content-Type: message/global\r\n\r\nSubject: " UE "\r\n\r\n",
		"Content-Type: message/global\r\n" B64
		"\r\nU3ViamVjdDogw7wNCg0K\r\n"),
};

static const struct rewrite_row residues[] = {
	RESIDUE("8-bit in a part's header",
		MIXED "\r\n--x\r\nContent-Disposition: a; filename=" UE
		      "\r\n\r\na\r\n--x--",
		MIME_RESIDUE_HEADER),
	RESIDUE("Latin-1 in a forwarded Subject",
		FWD "\r\nSubject: Gr\xfc\xdf\r\n\r\na\r\n",
		MIME_RESIDUE_HEADER),
	RESIDUE("UTF-8 beside an encoded word",
		FWD "\r\nSubject: =?utf-8?Q?a?= " UE "\r\n\r\na\r\n",
		MIME_RESIDUE_HEADER),
	RESIDUE("UTF-8 and a bare CR in a Subject",
		FWD "\r\nSubject: a\r" UE "\r\n\r\na\r\n", MIME_RESIDUE_HEADER),
	RESIDUE("UTF-8 that is too long",
		FWD "\r\nSubject: \xe0\x80\x80\r\n\r\na\r\n",
		MIME_RESIDUE_HEADER),
	RESIDUE("UTF-8 in an address field",
		FWD "\r\nFrom: " UE " <a@b>\r\n\r\na\r\n", MIME_RESIDUE_HEADER),
	RESIDUE("8-bit in the root's header",
		"Content-Type: text/plain; name=" UE "\r\n\r\na\r\n",
		MIME_RESIDUE_HEADER),
	RESIDUE("8-bit in a multipart's header",
		"Content-Type: multipart/mixed; boundary=x; name=" UE
		"\r\n\r\n--x\r\n\r\na\r\n--x--",
		MIME_RESIDUE_HEADER),
	RESIDUE("long field that cannot be folded",
		FWD "\r\nX:\"" X200 " " X1000 "\"\r\n\r\na\r\n",
		MIME_RESIDUE_HEADER),
	RESIDUE("NUL in a header", "X: a\0b\r\n\r\na\r\n", MIME_RESIDUE_HEADER),
	RESIDUE("header that may be text",
		MIXED "\r\n--x\r\n indented\r\n\r\n" X40 UE "\r\n--x--",
		MIME_RESIDUE_HEADER),
	RESIDUE("8-bit in a preamble",
		MIXED "\r\n" UE "\r\n--x\r\n\r\na\r\n--x--",
		MIME_RESIDUE_AROUND),
	RESIDUE("long line in an epilogue",
		MIXED "\r\n--x\r\n\r\na\r\n--x--\r\n" X1000,
		MIME_RESIDUE_AROUND),
	RESIDUE("multipart without delimiter", MIXED "\r\n" UE "\r\n",
		MIME_RESIDUE_AROUND),
	RESIDUE("8-bit in a signature",
		MIXED BIT8 "\r\n--x\r\n" SIGNED BIT8 "\r\n--s\r\n\r\n" UE
			   "\r\n--s\r\n\r\nz\r\n--s--\r\n--x--\r\n",
		MIME_RESIDUE_SIGNED),
	RESIDUE("LF in a signature", SIGNED "\r\n--s\r\n\r\na\nb\r\n--s--",
		MIME_RESIDUE_SIGNED),
	RESIDUE("8-bit in multipart/encrypted",
		"Content-Type: multipart/encrypted; boundary=s\r\n\r\n" UE,
		MIME_RESIDUE_SIGNED),
	RESIDUE("unknown encoding",
		"Content-Type: text/plain\r\n" CTE "x-uuencode\r\n\r\n" UE,
		MIME_RESIDUE_ENCODING),
	RESIDUE("junk behind the encoding",
		"Content-Type: text/plain\r\n" CTE "8bit; x\r\n\r\n" UE,
		MIME_RESIDUE_ENCODING),
	RESIDUE("broken base64 with foreign bytes",
		BINARY B64 "\r\nQUJ\xe4\r\n", MIME_RESIDUE_ENCODING),
	RESIDUE("base64 with text behind its end",
		BINARY B64 "\r\nQUI=\r\nlist " UE "\r\n",
		MIME_RESIDUE_ENCODING),
	RESIDUE("field of nothing",
		MIXED "\r\n--x\r\nX: y\r\n: z\r\n\r\n" X40 UE "\r\n--x--",
		MIME_RESIDUE_HEADER),
	RESIDUE("message/partial",
		"Content-Type: message/partial; id=a; number=1\r\n\r\n" UE,
		MIME_RESIDUE_OPAQUE),
	RESIDUE("delivery status",
		"Content-Type: message/delivery-status\r\n\r\nA: " UE "\r\n",
		MIME_RESIDUE_OPAQUE),
	RESIDUE("multipart in base64", MIXED B64 "\r\n--x\r\n\r\n" UE,
		MIME_RESIDUE_OPAQUE),
	RESIDUE("multipart without boundary",
		"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\n" UE,
		MIME_RESIDUE_OPAQUE),
	RESIDUE("two types",
		MIXED "Content-Type: text/plain\r\n\r\n--x\r\n\r\n" UE,
		MIME_RESIDUE_OPAQUE),
	RESIDUE("message without a blank line before it", FWD UE " x\r\n",
		MIME_RESIDUE_OPAQUE),
};

static void
what_is_fit_is_not_touched(void **state)
{
	(void)state;
	try_rewrites(kept, COUNT_OF(kept), true);
}

static void
the_bytes_around_an_encoded_leaf_stay(void **state)
{
	(void)state;
	try_rewrites(composites, COUNT_OF(composites), true);
}

static void
line_ends_folds_and_long_names_are_repaired(void **state)
{
	(void)state;
	try_rewrites(untold, COUNT_OF(untold), false);
}

static void
what_cannot_be_made_fit_is_said_and_left(void **state)
{
	(void)state;
	try_rewrites(residues, COUNT_OF(residues), false);
}

static void
what_was_in_the_buffer_stays_before_it(void **state)
{
	struct mime_rewrite report;
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(buf_add_string(&out, "before", NULL), 0);
	make_fit_or_fail(SPAN("\r\na"), &out, &report);
	assert_true(span_is(buf_span(&out), "before\r\na"));
	assert_int_equal(report.leaves, 1);
	assert_int_equal(report.changed, 0);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_fit_is_not_touched),
		cmocka_unit_test(the_bytes_around_an_encoded_leaf_stay),
		cmocka_unit_test(line_ends_folds_and_long_names_are_repaired),
		cmocka_unit_test(what_cannot_be_made_fit_is_said_and_left),
		cmocka_unit_test(what_was_in_the_buffer_stays_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
