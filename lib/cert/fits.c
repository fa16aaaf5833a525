/* May it be used for that, now?  RFC 8550 4.4, RFC 5280 4.2.1. */
#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "cert/internal.h"

enum {
	RSA_WEAK_BITS = 1024,
	RSA_MIN_BITS = 2048,
	RSA_MAX_BITS = 8192,
	EC_MIN_BITS = 224
};

/* By kind of key: what it can do at all, and the keyUsage bit it needs. */
static const struct {
	bool known;
	uint32_t sign; /* any of these bits; 0: it cannot */
	uint32_t encrypt;
	const char *encrypt_bit;
} kinds[] = {
	[KEY_RSA] = { true, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION,
		KU_KEY_ENCIPHERMENT, "keyEncipherment" },
	[KEY_RSA_PSS] = { true, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, 0,
		NULL },
	[KEY_EC] = { true, KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION,
		KU_KEY_AGREEMENT, "keyAgreement" },
	[KEY_OTHER] = { false, 0, 0, NULL },
};

static int
refuse_kind(const EVP_PKEY *key, enum cert_purpose purpose, struct error *why)
{
	char text[64];

	cert_describe_key(key, text, sizeof(text));
	return error_set(why, ERROR_NOKEY, "its key (%s) cannot %s mail", text,
		purpose == CERT_TO_SIGN ? "sign" : "encrypt");
}

int
cert_usage_allows(X509 *x509, enum cert_purpose purpose, struct error *why)
{
	const EVP_PKEY *key = X509_get0_pubkey(x509);
	enum cert_key_kind kind = cert_key_kind(key);
	uint32_t wanted = purpose == CERT_TO_SIGN ? kinds[kind].sign
						  : kinds[kind].encrypt;
	uint32_t flags = X509_get_extension_flags(x509);

	if (wanted == 0)
		return refuse_kind(key, purpose, why);
	if ((flags & EXFLAG_INVALID) != 0)
		return error_set(
			why, ERROR_NOKEY, "an extension of it cannot be read");
	if ((flags & EXFLAG_CRITICAL) != 0)
		return error_set(why, ERROR_NOKEY,
			"it has a critical extension that is not known");
	/* Both getters answer "all bits" when there is no such extension. */
	if ((X509_get_key_usage(x509) & wanted) == 0)
		return purpose == CERT_TO_SIGN
			       ? error_set(why, ERROR_NOKEY,
					 "its keyUsage does not allow signing")
			       : error_set(why, ERROR_NOKEY,
					 "its keyUsage does not allow "
					 "encryption "
					 "(%s)",
					 kinds[kind].encrypt_bit);
	if ((X509_get_extended_key_usage(x509) & (XKU_SMIME | XKU_ANYEKU)) == 0)
		return error_set(why, ERROR_NOKEY,
			"its extendedKeyUsage does not allow e-mail "
			"(emailProtection)");
	return 0;
}

static int
check_rsa(int bits, bool weak_ok, struct error *why)
{
	int least = weak_ok ? RSA_WEAK_BITS : RSA_MIN_BITS;

	if (bits < least)
		return error_set(why, ERROR_NOKEY,
			"its RSA key is weak: %d bits, fewer than %d", bits,
			least);
	if (bits > RSA_MAX_BITS)
		return error_set(why, ERROR_NOKEY,
			"its RSA key has %d bits, more than %d", bits,
			RSA_MAX_BITS);
	return 0;
}

static int
check_ec(const EVP_PKEY *key, struct error *why)
{
	int explicit_parameters = 0;

	/* RFC 5480 2.1.1: only named curves; others are an old attack. */
	if (EVP_PKEY_get_int_param(key,
		    OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
		    &explicit_parameters) == 1 &&
		explicit_parameters)
		return error_set(why, ERROR_NOKEY,
			"its EC key has parameters of its own instead of a "
			"named curve");
	if (EVP_PKEY_get_bits(key) < EC_MIN_BITS)
		return error_set(why, ERROR_NOKEY,
			"its EC key is weak: %d bits, fewer than %d",
			EVP_PKEY_get_bits(key), EC_MIN_BITS);
	return 0;
}

static int
check_strength(const EVP_PKEY *key, bool weak_ok, struct error *why)
{
	switch (cert_key_kind(key)) {
	case KEY_RSA:
	case KEY_RSA_PSS:
		return check_rsa(EVP_PKEY_get_bits(key), weak_ok, why);
	case KEY_EC:
		return check_ec(key, why);
	case KEY_OTHER:
		break;
	}
	return 0;
}

static int
check_time(const struct cert *cert, time_t now, struct error *why)
{
	char date[11];

	if (now > cert->not_after) {
		cert_date_text(cert->not_after, date);
		return error_set(why, ERROR_NOKEY, "expired on %s", date);
	}
	if (now < cert->not_before) {
		cert_date_text(cert->not_before, date);
		return error_set(why, ERROR_NOKEY, "not valid before %s", date);
	}
	return 0;
}

int
cert_fits(const struct cert *cert, enum cert_purpose purpose, bool weak_ok,
	time_t now, struct error *why)
{
	if (cert_usage_allows(cert->x509, purpose, why) != 0 ||
		check_strength(X509_get0_pubkey(cert->x509), weak_ok, why) !=
			0 ||
		check_time(cert, now, why) != 0)
		return -1;
	if (purpose == CERT_TO_SIGN && cert->key == NULL)
		return error_set(
			why, ERROR_NOKEY, "there is no private key for it");
	return 0;
}
