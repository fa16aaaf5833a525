/*
 * One leaf at a time through the rewriter: quoted-printable, base64, labels.
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

#define X76 X36 X40 "\r\n"
#define X36 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct rewrite_row leaves[] = {
	CHANGED("8-bit text", PART8, PARTQ),
	CHANGED("8-bit text without label",
		UTF8 "\r\n" X40 " gr" UE "n = \tgreen\r\n",
		UTF8 QP "\r\n" X40 " gr=C3=BCn =3D \tgreen\r\n"),
	CHANGED("7bit that is not", UTF8 CTE "7bit\r\n\r\n" X40 UE,
		UTF8 QP "\r\n" X40 "=C3=BC"),
	CHANGED("mostly 8-bit", UTF8 BIT8 "\r\n" UE UE "ab\r\n",
		UTF8 B64 "\r\nw7zDvGFiDQo=\r\n"),
	CHANGED("name and case of the field stay",
		UTF8
		"CONTENT-transfer-ENCODING  :8Bit (why)\r\nX: y\r\n\r\n" X40 UE,
		UTF8 "CONTENT-transfer-ENCODING  : quoted-printable\r\nX: y\r\n"
		     "\r\n" X40 "=C3=BC"),
	CHANGED("two labels", UTF8 BIT8 "X: y\r\n" B64 "\r\n" X40 UE,
		UTF8 QP "X: y\r\n\r\n" X40 "=C3=BC"),
	CHANGED("trailing blanks", "\r\na \r\nb\t\r\n\r\n  \r\nc ",
		QP "\r\na=20\r\nb=09\r\n\r\n =20\r\nc=20"),
	CHANGED("From", "\r\nFrom a\r\n From b\r\nFromage\r\n",
		QP "\r\n=46rom a\r\n From b\r\nFromage\r\n"),
	CHANGED("single dot comes along", "\r\n.\r\n..\r\na \r\n",
		QP "\r\n=2E\r\n..\r\na=20\r\n"),
	CHANGED("bare CR in text", "\r\na\rb\r\n", QP "\r\na=0Db\r\n"),
	CHANGED("CR before CRLF", "\r\na\r\r\n", QP "\r\na=0D\r\n"),
	CHANGED("CR at the end", "\r\na\r", QP "\r\na=0D"),
	CHANGED("NUL", "\r\na\0b\r\n", B64 "\r\nYQBiDQo=\r\n"),
	CHANGED("long line", "\r\n" X1000 "\r\n",
		QP "\r\n" X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n" X40
		   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\n"
		   "xxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
	CHANGED("line of 76 is not broken",
		"\r\n" X40 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\na \r\n",
		QP "\r\n" X40 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"
		   "a=20\r\n"),
	CHANGED("our break makes no delimiter and no From",
		MIXED "\r\n--x\r\n\r\n" X40 X40 " \r\n" X40
		      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy--x\r\n" X40
		      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyFrom a\r\n--x--",
		MIXED "\r\n--x\r\n" QP "\r\n" X40
		      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx=\r\nxxxxx=20\r\n" X40
		      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy=\r\n=2D-x\r\n" X40
		      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy=\r\n=46rom a\r\n"
		      "--x--"),
	CHANGED("binary", BINARY CTE "binary\r\n\r\n\0\1\r\n\xff\n\r",
		BINARY B64 "\r\nAAENCv8KDQ==\r\n"),
	CHANGED("7-bit bytes with blanks", BINARY "\r\na \r\n",
		BINARY B64 "\r\nYSANCg==\r\n"),
	CHANGED("label of what is 7-bit", UTF8 BIT8 "\r\ntext\r\n",
		UTF8 CTE "7bit\r\n\r\ntext\r\n"),
	CHANGED("8-bit in quoted-printable",
		UTF8 QP "\r\na=C3=BC" UE "b \r\n=\r\nFrom c=\r\n==41=G =\r\n",
		UTF8 QP
		"\r\na=C3=BC=C3=BCb \r\n=\r\n=46rom c=\r\n==41=G =\r\n"),
	CHANGED("From and a blank in quoted-printable",
		UTF8 QP "\r\nFrom \r\nFrom\r\n",
		UTF8 QP "\r\n=46rom \r\nFrom\r\n"),
	CHANGED("lone = before what is encoded", UTF8 QP "\r\na=" UE "=\r\n",
		UTF8 QP "\r\na=3D=C3=BC=\r\n"),
	CHANGED("foreign bytes in base64",
		BINARY B64 "\r\nQU\xe4JD\r\nQ\rUJD\r\n",
		BINARY B64 "\r\nQUJDQUJD\r\n"),
	CHANGED("long lines in base64 without padding",
		BINARY B64 "\r\n" X1000 "xx\r\n",
		BINARY B64
		"\r\n" X76 X76 X76 X76 X76 X76 X76 X76 X76 X76 X76 X76 X76
		"xxxxxxxxxxxxxx\r\n"),
	CHANGED("text in a part that nothing closes",
		MIXED "\r\n--x\r\n" UTF8 BIT8 "\r\n" UE UE "\r\n",
		MIXED "\r\n--x\r\n" UTF8 QP "\r\n=C3=BC=C3=BC\r\n"),
	CHANGED("message/rfc822 in base64 is wrapped again",
		FWD B64 "\r\nU3ViamVj\xe4"
			"dDogcw0KDQp4DQo=\r\n",
		FWD B64 "\r\nU3ViamVjdDogcw0KDQp4DQo=\r\n"),
	CHANGED("unreadable type is text", "Content-Type: text\r\n\r\n" X40 UE,
		"Content-Type: text\r\n" QP "\r\n" X40 "=C3=BC"),
};

static void
leaves_that_offend_are_encoded(void **state)
{
	(void)state;
	try_rewrites(leaves, COUNT_OF(leaves), true);
}

/* Every kind of offence at every place of a part. */
static void
content_survives_every_offence_at_every_place(void **state)
{
	static const char *const offences[] = { "\xe4", "\r", "From ", " \r\n",
		"\r\nFrom ", "=", "\r\n.\r\n", "\r\n--", X200, "\xff\xfe\xfd" };
	static const char text[] = "Hello, world:\r\n\r\n--y\r\nfrom me.";
	char message[1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(offences) * sizeof(text); i++) {
		size_t at = i / COUNT_OF(offences);
		struct rewrite_row row = { .label = "offence" };
		struct mime_rewrite report;
		struct buf out = { 0 };

		if (text[at] == '\n')
			continue;
		snprintf(message, sizeof(message),
			MIXED
			"\r\npre\r\n--x\r\nX: y\r\n\r\n%.*s%s%s\r\n--x--\r\n",
			(int)at, text, offences[i % COUNT_OF(offences)],
			text + at);
		row.in = span_string(message);
		make_fit_or_fail(row.in, &out, &report);
		assert_int_equal(report.residue, 0);
		assert_true(is_safe(buf_span(&out)));
		says_the_same(&row, buf_span(&out));
		buf_clear(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_that_offend_are_encoded),
		cmocka_unit_test(content_survives_every_offence_at_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
