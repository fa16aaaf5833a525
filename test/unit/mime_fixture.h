/*
 * What a message says, told by a second reader that shares no code with the
 * library: slow, simple, and for CRLF only.
 */
#ifndef TEST_MIME_FIXTURE_H
#define TEST_MIME_FIXTURE_H

#include "mime/mime.h"

/*
 * Appends, for every entity, its fields without Content-Transfer-Encoding
 * (unfolded), what stands around its parts, and its decoded content.
 */
void tell_message(struct span message, struct buf *out);

/* 7-bit, CRLF only, no NUL, no line over 998. */
bool is_safe(struct span bytes);

/* ---- rows: a message, what becomes of it, and what could not be done ---- */

#define UTF8 "Content-Type: text/plain; charset=utf-8\r\n"
#define CTE "Content-Transfer-Encoding: "
#define BIT8 CTE "8bit\r\n"
#define QP CTE "quoted-printable\r\n"
#define B64 CTE "base64\r\n"
#define UE "\xc3\xbc"
#define MIXED "Content-Type: multipart/mixed; boundary=x\r\n"
#define SIGNED                                                                 \
	"Content-Type: multipart/signed; boundary=s;\r\n"                      \
	" protocol=\"application/pkcs7-signature\"\r\n"
#define FWD "Content-Type: message/rfc822\r\n"
#define BINARY "Content-Type: application/octet-stream\r\n"
#define PART8 UTF8 BIT8 "\r\nein Gru" UE ", ein ganz langer, an alle"
#define PARTQ UTF8 QP "\r\nein Gru=C3=BC, ein ganz langer, an alle"
#define X40 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X200 X40 X40 X40 X40 X40
#define X1000 X200 X200 X200 X200 X200

struct rewrite_row {
	const char *label;
	struct span in;
	struct span out; /* data NULL: the same bytes */
	unsigned residue;
};

#define S(literal)                                                             \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
#define CHANGED(label, in, out)                                                \
	{                                                                      \
		label, S(in), S(out), 0                                        \
	}
#define KEPT(label, in)                                                        \
	{                                                                      \
		label, S(in), { NULL, 0 }, 0                                   \
	}
#define RESIDUE(label, in, residue)                                            \
	{                                                                      \
		label, S(in), { NULL, 0 }, residue                             \
	}

/* mime_make_fit() with the default limits; it must not fail. */
void make_fit_or_fail(
	struct span in, struct buf *out, struct mime_rewrite *report);
void says_the_same(const struct rewrite_row *row, struct span after);
/*
 * Each row gives its output and its residue, is safe when it has none, and
 * does not change when rewritten again; tell: and says the same as before.
 */
void try_rewrites(const struct rewrite_row *rows, size_t count, bool tell);

#endif
