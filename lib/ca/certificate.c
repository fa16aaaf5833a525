/* Certificates: made, signed, written, read. */
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/random.h"
#include "ca/internal.h"

enum { SERIAL_BYTES = 16, VERSION_3 = 2, CERT_MAX_BYTES = 64 * 1024 };

static int
failed(const char *what, struct error *err)
{
	return crypto_fail(
		err, ERROR_CRYPTO, "a certificate cannot be %s", what);
}

/* RFC 5280 4.1.2.2: unique, positive; 128 bits that nobody can foresee. */
static int
set_serial(X509 *x509, struct error *err)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *number = NULL;
	int result = -1;

	if (random_bytes(bytes, sizeof(bytes), err) != 0)
		return -1;
	if (bytes[0] == 0)
		bytes[0] = 1; /* so that all are equally long */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	if (number != NULL &&
		BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL)
		result = 0;
	BN_free(number);
	return result == 0 ? 0 : failed("numbered", err);
}

EVP_MD_CTX *
certificate_signing(const struct ca_settings *settings, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how = NULL;
	const EVP_MD *digest = crypto_digest(settings->digest);

	if (ctx != NULL &&
		EVP_DigestSignInit(ctx, &how, digest, NULL, key) == 1 &&
		(settings->scheme != CA_PSS || !key_is_rsa(key) ||
			(EVP_PKEY_CTX_set_rsa_padding(
				 how, RSA_PKCS1_PSS_PADDING) == 1 &&
				EVP_PKEY_CTX_set_rsa_pss_saltlen(
					how, RSA_PSS_SALTLEN_DIGEST) == 1)))
		return ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

static int
fill(X509 *x509, const struct making *making, struct error *err)
{
	const X509_NAME *issuer =
		making->issuer != NULL ? X509_get_subject_name(making->issuer)
				       : making->subject;

	if (X509_set_version(x509, VERSION_3) != 1 ||
		X509_set_subject_name(x509, making->subject) != 1 ||
		X509_set_issuer_name(x509, issuer) != 1 ||
		X509_set_pubkey(x509, making->key) != 1 ||
		ASN1_TIME_set(X509_getm_notBefore(x509), making->from) ==
			NULL ||
		ASN1_TIME_set(X509_getm_notAfter(x509), making->until) == NULL)
		return failed("filled in", err);
	if (set_serial(x509, err) != 0 ||
		extend_ids(x509, making->issuer, err) != 0)
		return -1;
	return making->extend(x509, making->self, err);
}

static int
sign(const struct ca_settings *settings, X509 *x509, EVP_PKEY *key,
	EVP_PKEY *public, struct error *err)
{
	EVP_MD_CTX *ctx = certificate_signing(settings, key);
	int result = -1;

	/* What a broken machine has signed is worse than nothing. */
	if (ctx == NULL || X509_sign_ctx(x509, ctx) <= 0)
		failed("signed", err);
	else if (X509_verify(x509, public) != 1)
		failed("verified", err);
	else
		result = 0;
	EVP_MD_CTX_free(ctx);
	return result;
}

int
certificate_make(const struct ca_settings *settings,
	const struct making *making, X509 **out, struct error *err)
{
	X509 *x509;
	int result = -1;

	crypto_begin();
	x509 = X509_new();
	if (x509 == NULL)
		return failed("made", err);
	if (fill(x509, making, err) == 0 &&
		sign(settings, x509, making->issuer_key,
			making->issuer != NULL
				? X509_get0_pubkey(making->issuer)
				: making->key,
			err) == 0)
		result = crypto_end("making a certificate", err);
	if (result == 0)
		*out = x509;
	else
		X509_free(x509);
	return result;
}

int
certificate_pem(X509 *x509, struct buf *out, struct error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	int result = -1;
	long len;

	if (bio == NULL || PEM_write_bio_X509(bio, x509) != 1) {
		failed("written", err);
	} else {
		len = BIO_get_mem_data(bio, &data);
		result = buf_add(out, data, (size_t)len, err);
	}
	BIO_free(bio);
	return result;
}

int
certificate_read(const char *path, X509 **out, struct error *err)
{
	struct buf bytes = { 0 };
	BIO *bio = NULL;
	int result = -1;

	crypto_begin();
	if (file_read(path, CERT_MAX_BYTES, &bytes, err) != 0)
		goto out;
	bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	*out = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	result = *out != NULL ? 0
			      : crypto_fail(err, ERROR_CONFIG,
					"%s: is no certificate", path);
out:
	BIO_free(bio);
	buf_clear(&bytes);
	return result;
}

int
certificate_sha256(const X509 *x509, char out[CERT_SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (X509_digest(x509, crypto_digest(CRYPTO_SHA256), digest, NULL) != 1)
		return -1;
	hex_write(out, span_of(digest, CERT_SHA256_BYTES));
	return 0;
}

int
serial_text(const ASN1_INTEGER *serial, char out[CA_SERIAL_HEX])
{
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	unsigned char bytes[SERIAL_BYTES];
	int result = number != NULL && BN_num_bytes(number) <= SERIAL_BYTES &&
				     !BN_is_negative(number) &&
				     BN_bn2binpad(number, bytes,
					     SERIAL_BYTES) == SERIAL_BYTES
			     ? 0
			     : -1;

	if (result == 0)
		hex_write(out, span_of(bytes, SERIAL_BYTES));
	BN_free(number);
	return result;
}
