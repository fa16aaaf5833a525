/*
 * Passwords: what a file may cost before a key is derived from one (RFC 8018,
 * RFC 7292, RFC 7914), and where OpenSSL keeps the old algorithms.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

/* All keys of one file together may take this often the limit of one. */
enum { FILE_FACTOR = 16 };

static int
spend(struct reading *in, uint64_t iterations, struct error *err)
{
	uint64_t limit = in->pile->limits.kdf_iterations;

	if (iterations > limit)
		return error_set(err, ERROR_LIMIT,
			"%s: to try a password takes %llu iterations, more "
			"than %llu",
			in->source, (unsigned long long)iterations,
			(unsigned long long)limit);
	in->iterations += iterations;
	if (in->iterations > FILE_FACTOR * limit)
		return error_set(err, ERROR_LIMIT,
			"%s: to try its passwords takes more than %llu "
			"iterations",
			in->source, (unsigned long long)(FILE_FACTOR * limit));
	return 0;
}

int
secret_allow_iterations(
	struct reading *in, const ASN1_INTEGER *count, struct error *err)
{
	uint64_t iterations = 1; /* the DEFAULT of a PKCS#12 MAC */

	if (count != NULL && ASN1_INTEGER_get_uint64(&iterations, count) != 1)
		iterations = UINT64_MAX;
	crypto_begin();
	return spend(in, iterations, err);
}

static int
allow_scrypt(struct reading *in, const SCRYPT_PARAMS *scrypt, struct error *err)
{
	const ASN1_INTEGER *const factors[] = { scrypt->costParameter,
		scrypt->blockSize, scrypt->parallelizationParameter };
	uint64_t cost = 1, factor;

	for (size_t i = 0; i < COUNT_OF(factors); i++) {
		if (ASN1_INTEGER_get_uint64(&factor, factors[i]) != 1 ||
			factor > UINT32_MAX || cost > UINT32_MAX)
			cost = UINT64_MAX;
		else
			cost *= factor;
	}
	return spend(in, cost, err);
}

static int
allow_pbes2(struct reading *in, const PBE2PARAM *pbes2, struct error *err)
{
	const ASN1_TYPE *parameter = pbes2->keyfunc->parameter;
	PBKDF2PARAM *pbkdf2 = NULL;
	SCRYPT_PARAMS *scrypt = NULL;
	int result = 0; /* what is not known here, OpenSSL will not derive */

	switch (OBJ_obj2nid(pbes2->keyfunc->algorithm)) {
	case NID_id_pbkdf2:
		pbkdf2 = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
		if (pbkdf2 != NULL)
			result = secret_allow_iterations(in, pbkdf2->iter, err);
		break;
	case NID_id_scrypt:
		scrypt = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
		if (scrypt != NULL)
			result = allow_scrypt(in, scrypt, err);
		break;
	}
	PBKDF2PARAM_free(pbkdf2);
	SCRYPT_PARAMS_free(scrypt);
	return result;
}

int
secret_allow(struct reading *in, const X509_ALGOR *algorithm, struct error *err)
{
	PBE2PARAM *pbes2 = NULL;
	PBEPARAM *pbes1 = NULL;
	int result = 0;

	if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
		pbes2 = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
		if (pbes2 != NULL)
			result = allow_pbes2(in, pbes2, err);
	} else {
		pbes1 = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
		if (pbes1 != NULL)
			result = secret_allow_iterations(in, pbes1->iter, err);
	}
	PBE2PARAM_free(pbes2);
	PBEPARAM_free(pbes1);
	crypto_begin();
	return result;
}

static bool
is_legacy(const X509_ALGOR *algorithm)
{
	static const int legacy[] = { NID_pbe_WithSHA1And40BitRC2_CBC,
		NID_pbe_WithSHA1And128BitRC2_CBC, NID_pbe_WithSHA1And40BitRC4,
		NID_pbe_WithSHA1And128BitRC4, NID_pbeWithMD2AndDES_CBC,
		NID_pbeWithMD5AndDES_CBC, NID_pbeWithSHA1AndDES_CBC,
		NID_pbeWithMD2AndRC2_CBC, NID_pbeWithMD5AndRC2_CBC,
		NID_pbeWithSHA1AndRC2_CBC, NID_rc2_cbc, NID_des_cbc };
	int nid = OBJ_obj2nid(algorithm->algorithm);
	PBE2PARAM *pbes2;

	if (nid == NID_pbes2) {
		pbes2 = ASN1_TYPE_unpack_sequence(
			ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
		nid = pbes2 ? OBJ_obj2nid(pbes2->encryption->algorithm)
			    : NID_undef;
		PBE2PARAM_free(pbes2);
	}
	for (size_t i = 0; i < COUNT_OF(legacy); i++)
		if (nid == legacy[i])
			return true;
	return false;
}

int
secret_context(const struct reading *in, const X509_ALGOR *algorithm,
	OSSL_LIB_CTX **out, struct error *err)
{
	*out = NULL;
	if (is_legacy(algorithm) && (*out = crypto_legacy()) == NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: encrypted with an old algorithm (RC2, RC4 or "
			"DES), and OpenSSL's legacy provider cannot be loaded",
			in->source);
	return 0;
}

bool
secret_is_unsupported(void)
{
	bool unsupported = false;
	unsigned long code;

	while ((code = ERR_get_error()) != 0) {
		int reason = ERR_GET_REASON(code);

		if (reason == ERR_R_UNSUPPORTED ||
			(ERR_GET_LIB(code) == ERR_LIB_EVP &&
				(reason == EVP_R_UNKNOWN_PBE_ALGORITHM ||
					reason == EVP_R_UNSUPPORTED_CIPHER ||
					reason == EVP_R_UNSUPPORTED_ALGORITHM ||
					reason == EVP_R_UNSUPPORTED_PRF ||
					reason ==
						EVP_R_UNSUPPORTED_KEY_DERIVATION_FUNCTION)))
			unsupported = true;
	}
	return unsupported;
}

int
secret_refused(const struct reading *in, const char *what, struct error *err)
{
	crypto_begin();
	if (in->password == NULL)
		return error_set(err, ERROR_CONFIG,
			"%s: %s is encrypted and no password is set "
			"(password_file)",
			in->source, what);
	return error_set(err, ERROR_CONFIG, "%s: the password does not open %s",
		in->source, what);
}
