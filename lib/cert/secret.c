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

/* OpenSSL's own limit to what scrypt may take. */
#define SCRYPT_MEMORY_BYTES ((uint64_t)32 << 20)

/* OpenSSL takes no other length than the cipher's; of a MAC any would do. */
enum { KEY_MAX_BYTES = 1024 };
/* PBKDF2 goes through its rounds once for each so many, at most (SHA-1's). */
enum { KEY_STEP_BYTES = 20 };

static int
refuse_cost(const struct reading *in, const char *what, uint64_t limit,
	struct error *err)
{
	return error_set(err, ERROR_LIMIT,
		"%s: to try %s takes more than %llu iterations", in->source,
		what, (unsigned long long)limit);
}

static int
spend(struct reading *in, uint64_t iterations, struct error *err)
{
	const struct cert_limits *limits = &in->pile->limits;
	uint64_t all;

	if (iterations > limits->kdf_iterations)
		return error_set(err, ERROR_LIMIT,
			"%s: to try a password takes %llu iterations, more "
			"than %u",
			in->source, (unsigned long long)iterations,
			limits->kdf_iterations);
	in->iterations += iterations;
	all = atomic_fetch_add(&in->pile->budget->iterations, iterations) +
	      iterations;
	if (in->iterations > limits->kdf_file_iterations)
		return refuse_cost(
			in, "its passwords", limits->kdf_file_iterations, err);
	if (all > limits->kdf_pile_iterations)
		return refuse_cost(in,
			"the passwords of all files up to this one",
			limits->kdf_pile_iterations, err);
	return 0;
}

static uint64_t
number_of(const ASN1_INTEGER *integer, uint64_t missing)
{
	uint64_t number = missing;

	if (integer != NULL && ASN1_INTEGER_get_uint64(&number, integer) != 1)
		number = UINT64_MAX;
	crypto_begin();
	return number;
}

static int
allow_pbkdf2(struct reading *in, const PBKDF2PARAM *pbkdf2, struct error *err)
{
	uint64_t key_bytes = number_of(pbkdf2->keylength, KEY_STEP_BYTES);
	uint64_t rounds = number_of(pbkdf2->iter, 1);
	uint64_t steps;

	if (key_bytes > KEY_MAX_BYTES)
		return error_set(err, ERROR_LIMIT,
			"%s: to try a password takes a key of %llu bytes, "
			"more than %d",
			in->source, (unsigned long long)key_bytes,
			KEY_MAX_BYTES);
	steps = (key_bytes + KEY_STEP_BYTES - 1) / KEY_STEP_BYTES;
	if (steps > 1 && rounds > UINT64_MAX / steps)
		rounds = UINT64_MAX;
	else if (steps > 1)
		rounds *= steps;
	return spend(in, rounds, err);
}

/* N, r and p (RFC 7914); about as long as that many rounds of a digest. */
static int
allow_scrypt(struct reading *in, const SCRYPT_PARAMS *scrypt, struct error *err)
{
	uint64_t n = number_of(scrypt->costParameter, 1);
	uint64_t r = number_of(scrypt->blockSize, 1);
	uint64_t p = number_of(scrypt->parallelizationParameter, 1);
	uint64_t bytes;

	if (n > UINT32_MAX || r > UINT16_MAX || p > UINT16_MAX ||
		n * r > UINT32_MAX)
		return spend(in, UINT64_MAX, err);
	bytes = 128 * r * (n + 2 + p);
	if (bytes > SCRYPT_MEMORY_BYTES)
		return error_set(err, ERROR_LIMIT,
			"%s: to try a password takes %llu bytes of memory "
			"(scrypt), more than %llu",
			in->source, (unsigned long long)bytes,
			(unsigned long long)SCRYPT_MEMORY_BYTES);
	return spend(in, n * r * p, err);
}

/* PBES2 and PBMAC1 begin alike. */
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
			result = allow_pbkdf2(in, pbkdf2, err);
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
			result = spend(in, number_of(pbes1->iter, 1), err);
	}
	PBE2PARAM_free(pbes2);
	PBEPARAM_free(pbes1);
	crypto_begin();
	return result;
}

int
secret_allow_mac(struct reading *in, const PKCS12 *p12, struct error *err)
{
	const ASN1_INTEGER *iterations = NULL;
	const X509_ALGOR *algorithm = NULL;
	PBE2PARAM *pbmac1;
	int result = 0;

	PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations, p12);
	if (spend(in, number_of(iterations, 1), err) != 0)
		return -1;
	/* RFC 9579: the MAC's own count is not used then. */
	pbmac1 = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
	if (pbmac1 != NULL)
		result = allow_pbes2(in, pbmac1, err);
	PBE2PARAM_free(pbmac1);
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

static bool
is_unsupported(unsigned long code)
{
	static const int reasons[] = { EVP_R_UNKNOWN_PBE_ALGORITHM,
		EVP_R_UNSUPPORTED_CIPHER, EVP_R_UNSUPPORTED_ALGORITHM,
		EVP_R_UNSUPPORTED_PRF, EVP_R_UNSUPPORTED_KEYLENGTH,
		EVP_R_UNSUPPORTED_SALT_TYPE,
		EVP_R_UNSUPPORTED_KEY_DERIVATION_FUNCTION };

	if (ERR_GET_REASON(code) == ERR_R_UNSUPPORTED)
		return true;
	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (ERR_GET_LIB(code) == ERR_LIB_EVP &&
			ERR_GET_REASON(code) == reasons[i])
			return true;
	return false;
}

int
secret_explain(const struct reading *in, const char *what, struct error *err)
{
	bool unsupported = false, no_memory = false;
	unsigned long code;

	while ((code = ERR_get_error()) != 0) {
		no_memory |= ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
		unsupported |= is_unsupported(code);
	}
	if (no_memory)
		return error_set(err, ERROR_SYSTEM, "%s: no memory to open %s",
			in->source, what);
	if (unsupported)
		return error_set(err, ERROR_CONFIG,
			"%s: %s is encrypted in a way that this OpenSSL does "
			"not know",
			in->source, what);
	return 0;
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
