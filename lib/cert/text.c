#include <ctype.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cert/internal.h"

/* As RFC 2253 says, but UTF-8 stays readable. */
#define NAME_FLAGS (XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB)

static void
make_lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = (char)tolower((unsigned char)*text);
}

char *
cert_name_text(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL, *data = NULL;
	long len;

	if (bio == NULL)
		return mem_string("");
	if (X509_NAME_print_ex(bio, name, 0, NAME_FLAGS) >= 0) {
		len = BIO_get_mem_data(bio, &data);
		text = mem_string_n(data, (size_t)len);
	}
	BIO_free(bio);
	return text ? text : mem_string("");
}

char *
cert_subject(const struct cert *cert)
{
	return cert_name_text(X509_get_subject_name(cert->x509));
}

char *
cert_issuer(const struct cert *cert)
{
	return cert_name_text(X509_get_issuer_name(cert->x509));
}

char *
cert_serial(const struct cert *cert)
{
	BIGNUM *number =
		ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert->x509), NULL);
	char *hex = number ? BN_bn2hex(number) : NULL;
	char *text = mem_string(hex ? hex : "");

	make_lower(text);
	OPENSSL_free(hex);
	BN_free(number);
	return text;
}

enum cert_key_kind
cert_key_kind(const EVP_PKEY *key)
{
	switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_RSA:
		return KEY_RSA;
	case EVP_PKEY_RSA_PSS:
		return KEY_RSA_PSS;
	case EVP_PKEY_EC:
		return KEY_EC;
	}
	return KEY_OTHER;
}

static void
describe_curve(const EVP_PKEY *key, char *out, size_t size)
{
	char group[48] = "";
	const char *nist;
	int nid;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
		group[0] == '\0') {
		snprintf(out, size, "ec-%d", EVP_PKEY_get_bits(key));
		return;
	}
	nid = OBJ_txt2nid(group);
	nist = nid == NID_undef ? NULL : EC_curve_nid2nist(nid);
	snprintf(out, size, "ec-%s", nist ? nist : group);
}

void
cert_describe_key(const EVP_PKEY *key, char *out, size_t size)
{
	const char *name = key ? EVP_PKEY_get0_type_name(key) : NULL;

	switch (cert_key_kind(key)) {
	case KEY_RSA:
		snprintf(out, size, "rsa-%d", EVP_PKEY_get_bits(key));
		break;
	case KEY_RSA_PSS:
		snprintf(out, size, "rsa-pss-%d", EVP_PKEY_get_bits(key));
		break;
	case KEY_EC:
		describe_curve(key, out, size);
		break;
	case KEY_OTHER:
		snprintf(out, size, "%s", name ? name : "unknown");
		break;
	}
	make_lower(out);
}

void
cert_key_text(const struct cert *cert, char *out, size_t size)
{
	cert_describe_key(X509_get0_pubkey(cert->x509), out, size);
}

bool
cert_is_rsa(const struct cert *cert)
{
	return EVP_PKEY_get_base_id(X509_get0_pubkey(cert->x509)) ==
	       EVP_PKEY_RSA;
}

void
cert_date_text(time_t when, char out[11])
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(when, text);
	snprintf(out, 11, "%.10s", text);
}
