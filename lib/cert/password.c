/*
 * One password, the ways in which programs have turned it into bytes.  PKCS#12
 * wants UTF-16 (RFC 7292 B.1), PBES2 takes bytes and says UTF-8 is best (RFC
 * 8018 3); not every program has read that.
 */
#include <openssl/crypto.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

static void
add(struct secrets *secrets, struct password text, struct password raw)
{
	struct secret *secret = &secrets->item[secrets->count++];

	*secret = (struct secret){ .text = text, .raw = raw };
}

/* Borrowed until secrets_clear(). */
static struct password
keep(struct secrets *secrets, void *bytes, int len)
{
	struct kept *kept = &secrets->kept[secrets->kept_count++];

	*kept = (struct kept){ bytes, len > 0 ? (size_t)len : 0 };
	return (struct password){ bytes, len };
}

static bool
is_same(struct password a, struct password b)
{
	return a.len == b.len && memcmp(a.text, b.text, (size_t)a.len) == 0;
}

/* UTF-16 as UTF-8, or nothing. */
static struct password
to_utf8(struct secrets *secrets, const unsigned char *utf16, int len)
{
	char *utf8 = OPENSSL_uni2utf8(utf16, len);

	if (utf8 == NULL)
		return (struct password){ 0 };
	return keep(secrets, utf8, (int)strlen(utf8));
}

static struct password
to_latin1(struct secrets *secrets, const unsigned char *utf16, int len)
{
	int count = len / 2 - 1; /* without the NUL at its end */
	unsigned char *latin1;

	for (int i = 0; i < count; i++)
		if (utf16[2 * i] != 0)
			return (struct password){ 0 };
	latin1 = OPENSSL_malloc((size_t)count + 1);
	if (latin1 == NULL)
		return (struct password){ 0 };
	for (int i = 0; i < count; i++)
		latin1[i] = utf16[2 * i + 1];
	return keep(secrets, latin1, count);
}

static void
add_all(struct secrets *secrets, struct password given)
{
	unsigned char *utf16 = NULL, *each = NULL;
	int utf16_len = 0, each_len = 0;
	struct password utf8, latin1, twice;

	add(secrets, given, given);
	/* What is not UTF-8 is taken for Latin-1. */
	if (OPENSSL_utf82uni(given.text, given.len, &utf16, &utf16_len) == NULL)
		return;
	utf8 = to_utf8(secrets, utf16, utf16_len);
	latin1 = to_latin1(secrets, utf16, utf16_len);
	if (utf8.text != NULL && !is_same(utf8, given))
		add(secrets, given, utf8);
	if (latin1.text != NULL && !is_same(latin1, given))
		add(secrets, given, latin1);
	/* NSS once gave PBES2 the UTF-16 of PKCS#12. */
	add(secrets, given, keep(secrets, utf16, utf16_len));
	/* OpenSSL before 1.1 made a character of each byte of UTF-8. */
	if (OPENSSL_asc2uni(given.text, given.len, &each, &each_len) == NULL)
		return;
	twice = to_utf8(secrets, each, each_len);
	keep(secrets, each, each_len);
	if (twice.text != NULL && !is_same(twice, given))
		add(secrets, twice, given);
}

void
secrets_init(struct secrets *secrets, const char *password, bool or_none)
{
	const struct password nothing = { NULL, 0 }, empty = { "", 0 };

	*secrets = (struct secrets){ 0 };
	if (password != NULL && password[0] != '\0')
		add_all(secrets,
			(struct password){ password, (int)strlen(password) });
	if (or_none) {
		add(secrets, nothing, nothing);
		add(secrets, empty, empty);
	}
	crypto_begin();
}

void
secrets_clear(struct secrets *secrets)
{
	for (size_t i = 0; i < secrets->kept_count; i++)
		OPENSSL_clear_free(
			secrets->kept[i].bytes, secrets->kept[i].len);
	*secrets = (struct secrets){ 0 };
}

const struct password *
secret_for(const struct secret *secret, const X509_ALGOR *algorithm)
{
	static const int of_pkcs12[] = { NID_pbe_WithSHA1And128BitRC4,
		NID_pbe_WithSHA1And40BitRC4,
		NID_pbe_WithSHA1And3_Key_TripleDES_CBC,
		NID_pbe_WithSHA1And2_Key_TripleDES_CBC,
		NID_pbe_WithSHA1And128BitRC2_CBC,
		NID_pbe_WithSHA1And40BitRC2_CBC };
	int nid = OBJ_obj2nid(algorithm->algorithm);

	for (size_t i = 0; i < COUNT_OF(of_pkcs12); i++)
		if (nid == of_pkcs12[i])
			return &secret->text;
	return &secret->raw;
}
