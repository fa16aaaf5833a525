/* A revocation list is made and signed (RFC 5280 5). */
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "ca/internal.h"

enum {
	VERSION_2 = 1,
};

static int
failed(struct error *err)
{
	return crypto_fail(
		err, ERROR_CRYPTO, "a revocation list cannot be made");
}

/* ---- making ---- */

static bool
set_times(X509_CRL *crl, time_t now, time_t next)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, now);
	ASN1_TIME *until = ASN1_TIME_set(NULL, next);
	bool good = from != NULL && until != NULL &&
		    X509_CRL_set1_lastUpdate(crl, from) == 1 &&
		    X509_CRL_set1_nextUpdate(crl, until) == 1;

	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	return good;
}

static bool
add_number(X509_CRL *crl, unsigned long number)
{
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	bool good =
		value != NULL && ASN1_INTEGER_set_uint64(value, number) == 1 &&
		X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;

	ASN1_INTEGER_free(value);
	return good;
}

static bool
add_issuer_id(X509_CRL *crl, X509 *issuer)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
	AUTHORITY_KEYID *above = AUTHORITY_KEYID_new();
	bool good = above != NULL && id != NULL;

	if (good)
		above->keyid = ASN1_OCTET_STRING_dup(id);
	good = good && above->keyid != NULL &&
	       X509_CRL_add1_ext_i2d(
		       crl, NID_authority_key_identifier, above, 0, 0) == 1;
	AUTHORITY_KEYID_free(above);
	return good;
}

static X509_CRL *
crl_new(X509 *issuer, unsigned long number, time_t now, time_t next)
{
	X509_CRL *crl = X509_CRL_new();

	if (crl != NULL && X509_CRL_set_version(crl, VERSION_2) == 1 &&
		X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) ==
			1 &&
		set_times(crl, now, next) && add_issuer_id(crl, issuer) &&
		add_number(crl, number))
		return crl;
	X509_CRL_free(crl);
	return NULL;
}

/* unspecified is better left out (5.3.1). */
static bool
add_reason(X509_REVOKED *revoked, int reason)
{
	ASN1_ENUMERATED *value;
	bool good;

	if (reason <= 0)
		return true;
	value = ASN1_ENUMERATED_new();
	good = value != NULL && ASN1_ENUMERATED_set(value, reason) == 1 &&
	       X509_REVOKED_add1_ext_i2d(
		       revoked, NID_crl_reason, value, 0, 0) == 1;
	ASN1_ENUMERATED_free(value);
	return good;
}

static bool
add_entry(X509_CRL *crl, const struct ca_entry *entry)
{
	X509_REVOKED *revoked = X509_REVOKED_new();
	ASN1_TIME *when = ASN1_TIME_set(NULL, entry->revoked);
	BIGNUM *number = NULL;
	ASN1_INTEGER *serial = NULL;
	bool good;

	if (BN_hex2bn(&number, entry->serial) != 0)
		serial = BN_to_ASN1_INTEGER(number, NULL);
	good = revoked != NULL && when != NULL && serial != NULL &&
	       X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
	       X509_REVOKED_set_revocationDate(revoked, when) == 1 &&
	       add_reason(revoked, entry->reason) &&
	       X509_CRL_add0_revoked(crl, revoked) == 1;
	if (!good)
		X509_REVOKED_free(revoked);
	ASN1_TIME_free(when);
	ASN1_INTEGER_free(serial);
	BN_free(number);
	return good;
}

static int
sign(const struct ca_settings *settings, X509_CRL *crl, X509 *issuer,
	EVP_PKEY *key, struct buf *out, struct error *err)
{
	EVP_MD_CTX *ctx = certificate_signing(settings, key);
	unsigned char *der = NULL;
	int len = 0, result = -1;

	if (ctx != NULL && X509_CRL_sort(crl) == 1 &&
		X509_CRL_sign_ctx(crl, ctx) > 0 &&
		X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1)
		len = i2d_X509_CRL(crl, &der);
	if (len > 0)
		result = buf_add(out, der, (size_t)len, err);
	else
		failed(err);
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	return result;
}

int
list_make_empty(const struct ca_settings *settings, X509 *issuer, EVP_PKEY *key,
	time_t now, time_t next, struct buf *out, struct error *err)
{
	X509_CRL *crl;
	int result;

	crypto_begin();
	crl = crl_new(issuer, 1, now, next);
	result = crl != NULL ? sign(settings, crl, issuer, key, out, err)
			     : failed(err);
	X509_CRL_free(crl);
	return result;
}

int
list_make(struct ca *ca, time_t now, time_t next, size_t *entries,
	struct buf *out, struct error *err)
{
	X509_CRL *crl;
	const struct ca_entry *entry;
	bool good;
	int result;

	crypto_begin();
	crl = crl_new(ca->issuer, ca->crl_number + 1, now, next);
	good = crl != NULL;
	LIST_FOREACH (entry, &ca->entries)
		if (good && entry->revoked != 0) {
			good = add_entry(crl, entry);
			(*entries)++;
		}
	result = good ? sign(ca->settings, crl, ca->issuer, ca->key, out, err)
		      : failed(err);
	X509_CRL_free(crl);
	return result;
}
