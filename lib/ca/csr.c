/* A request of somebody else: is the key in it any good? */
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/mem.h"
#include "ca/internal.h"

enum { CSR_MAX_BYTES = 64 * 1024 };
enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192 };

/*
 * FIPS 186-5 5.4: odd and above 2^16, small ones are an old attack.  OpenSSL
 * has no use for more than 64 bits, Windows for more than 32.
 */
enum { EXPONENT_BITS_MIN = 17, EXPONENT_BITS_MAX = 32 };

/* For which others can encrypt, and whose signatures they can verify. */
static const char *const curves[] = { "prime256v1", "secp384r1", "secp521r1",
	"brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1" };

static int
check_exponent(const EVP_PKEY *key, struct error *err)
{
	BIGNUM *e = NULL;
	bool good =
		EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		BN_is_odd(e) && BN_num_bits(e) >= EXPONENT_BITS_MIN &&
		BN_num_bits(e) <= EXPONENT_BITS_MAX;

	BN_free(e);
	return good ? 0
		    : error_set(err, ERROR_CONFIG,
			      "the public exponent of its RSA key is not sane: "
			      "an odd number from 65537 on, of up to %d bits",
			      EXPONENT_BITS_MAX);
}

static int
check_rsa(const EVP_PKEY *key, struct error *err)
{
	int bits = EVP_PKEY_get_bits(key);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return error_set(err, ERROR_CONFIG,
			"its RSA key has %d bits, which is not from %d to %d",
			bits, RSA_BITS_MIN, RSA_BITS_MAX);
	return check_exponent(key, err);
}

/* RFC 5480 2.1.1: parameters of one's own are an old attack. */
static int
check_ec(const EVP_PKEY *key, struct error *err)
{
	char group[32] = "";
	int own = 0;

	if (EVP_PKEY_get_int_param(key,
		    OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
		    &own) == 1 &&
		own == 0 &&
		EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1)
		for (size_t i = 0; i < COUNT_OF(curves); i++)
			if (strcmp(group, curves[i]) == 0)
				return 0;
	return error_set(err, ERROR_CONFIG,
		"its EC key is on none of the curves that are taken: P-256, "
		"P-384, P-521, brainpoolP256r1, -P384r1 and -P512r1, by name");
}

/* Is it the point, or the modulus, that it should be?  Comes last: it costs. */
static int
check_value(EVP_PKEY *key, struct error *err)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	int good = context != NULL ? EVP_PKEY_public_check(context) : -1;

	EVP_PKEY_CTX_free(context);
	return good == 1 ? 0
			 : crypto_fail(err, ERROR_CONFIG,
				   "its key is no valid public key");
}

static int
check_key(EVP_PKEY *key, struct error *err)
{
	int id = EVP_PKEY_get_base_id(key), result;

	if (id == EVP_PKEY_RSA)
		result = check_rsa(key, err);
	else if (id == EVP_PKEY_EC)
		result = check_ec(key, err);
	else
		result = error_set(err, ERROR_CONFIG,
			"its key is neither RSA nor EC, nothing else is "
			"taken");
	return result == 0 ? check_value(key, err) : -1;
}

static X509_REQ *
parse(struct span bytes)
{
	const unsigned char *at = bytes.data;
	X509_REQ *csr;
	BIO *bio;

	if (bytes.len != 0 && bytes.data[0] == 0x30)
		return d2i_X509_REQ(NULL, &at, (long)bytes.len);
	bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	/* With a passphrase nobody is asked for one. */
	csr = bio != NULL ? PEM_read_bio_X509_REQ(bio, NULL, NULL, (void *)"")
			  : NULL;
	BIO_free(bio);
	return csr;
}

int
ca_read_csr(struct span bytes, X509_REQ **out, struct error *err)
{
	X509_REQ *csr = NULL;
	EVP_PKEY *key;
	int result = -1;

	if (bytes.len > CSR_MAX_BYTES)
		return error_set(err, ERROR_LIMIT,
			"a certificate request has no more than %d bytes",
			CSR_MAX_BYTES);
	crypto_begin();
	csr = parse(bytes);
	if (csr == NULL)
		return crypto_fail(err, ERROR_FORMAT,
			"there is no certificate request (PKCS#10)");
	key = X509_REQ_get0_pubkey(csr);
	if (key == NULL)
		crypto_fail(err, ERROR_FORMAT, "its key cannot be read");
	else if (check_key(key, err) != 0)
		;
	else if (X509_REQ_verify(csr, key) != 1)
		crypto_fail(err, ERROR_FORMAT,
			"its signature is not made with its key");
	else
		result = crypto_end("reading a request", err);
	if (result == 0) {
		*out = csr;
		csr = NULL;
	}
	X509_REQ_free(csr);
	return result;
}
