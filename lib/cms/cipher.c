#include <string.h>

#include "cms/internal.h"

#define TRIPLE_DES                                                             \
	"3DES has blocks of 64 bits and is withdrawn (NIST SP 800-131A); "     \
	"use aes-256-cbc"
#define RC2                                                                    \
	"RC2 is broken and hardly read any more (RFC 8551 names it "           \
	"historic); use aes-256-cbc"

/*
 * AlgorithmIdentifiers up to the IV or nonce (RFC 3565, RFC 5084, RFC 3370;
 * 58 is the version that stands for 128 effective bits of RC2).
 */
#define BEGIN(literal)                                                         \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
#define AES "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
#define CBC(oid) BEGIN("\x30\x1d" AES oid "\x04\x10")
#define GCM(oid) BEGIN("\x30\x1e" AES oid "\x30\x11\x04\x0c")
#define RSADSI "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03"

static const struct cipher_row rows[CMS_CIPHERS] = {
	[CMS_AES128_CBC] = { "aes-128-cbc", EVP_aes_128_cbc, CBC("\x02"),
		NID_id_aes128_wrap, 16, 16 },
	[CMS_AES192_CBC] = { "aes-192-cbc", EVP_aes_192_cbc, CBC("\x16"),
		NID_id_aes192_wrap, 24, 16 },
	[CMS_AES256_CBC] = { "aes-256-cbc", EVP_aes_256_cbc, CBC("\x2a"),
		NID_id_aes256_wrap, 32, 16 },
	[CMS_AES128_GCM] = { "aes-128-gcm", EVP_aes_128_gcm, GCM("\x06"),
		NID_id_aes128_wrap, 16, 1, true },
	[CMS_AES256_GCM] = { "aes-256-gcm", EVP_aes_256_gcm, GCM("\x2e"),
		NID_id_aes256_wrap, 32, 1, true },
	[CMS_3DES] = { "3des", EVP_des_ede3_cbc,
		BEGIN("\x30\x14" RSADSI "\x07\x04\x08"),
		NID_id_smime_alg_CMS3DESwrap, 24, 8, .warning = TRIPLE_DES },
	[CMS_RC2_128] = { "rc2-128", EVP_rc2_cbc,
		BEGIN("\x30\x19" RSADSI "\x02\x30\x0d\x02\x01\x3a\x04\x08"),
		NID_id_aes128_wrap, 16, 8, .legacy = true, .warning = RC2 },
};

const struct cipher_row *
cipher_row(enum cms_cipher cipher)
{
	return &rows[cipher];
}

const char *
cms_cipher_name(enum cms_cipher cipher)
{
	return rows[cipher].name;
}

int
cms_cipher_from_name(const char *name)
{
	for (int i = 0; i < CMS_CIPHERS; i++)
		if (strcmp(name, rows[i].name) == 0)
			return i;
	return -1;
}

bool
cms_cipher_is_authenticated(enum cms_cipher cipher)
{
	return rows[cipher].authenticated;
}

const char *
cms_cipher_warning(enum cms_cipher cipher)
{
	return rows[cipher].warning;
}

int
cms_cipher_available(enum cms_cipher cipher, struct error *err)
{
	if (!rows[cipher].legacy || crypto_legacy() != NULL)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"%s needs OpenSSL's legacy provider, which cannot be loaded",
		rows[cipher].name);
}
