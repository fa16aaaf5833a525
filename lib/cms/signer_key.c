#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "cms/internal.h"

enum { PKCS1_OVERHEAD = 11 + 19, ALGORITHM_MAX = 256 };

/*
 * The kind of key is asked of the certificate: a token may call the key of an
 * id-RSASSA-PSS certificate plain RSA.
 */
static EVP_PKEY *
public_key(const struct cms_signer *signer)
{
	return X509_get0_pubkey(signer->cert->x509);
}

/* RFC 4055 1.2: the key's parameters say which digest and least salt. */
static int
check_restrictions(struct cms_signer *signer, struct error *err)
{
	const EVP_MD *md = crypto_digest(signer->digest);
	EVP_PKEY *key = public_key(signer);
	char mandatory[64] = "";
	int least_salt = 0;

	if (EVP_PKEY_get_utf8_string_param(key,
		    OSSL_PKEY_PARAM_MANDATORY_DIGEST, mandatory,
		    sizeof(mandatory), NULL) > 0 &&
		mandatory[0] != '\0' && !EVP_MD_is_a(md, mandatory))
		return crypto_fail(err, ERROR_NOKEY,
			"%s: its key may only sign with %s, not with %s",
			signer->cert->source, mandatory,
			crypto_digest_name(signer->digest));
	if (EVP_PKEY_get_int_param(
		    key, OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &least_salt) > 0 &&
		least_salt > signer->salt_bytes)
		signer->salt_bytes = least_salt;
	crypto_begin(); /* a key without restrictions leaves errors behind */
	return 0;
}

/* RFC 8017 9.1.1 and 9.2: the padded digest has to fit into the modulus. */
static int
check_size(const struct cms_signer *signer, struct error *err)
{
	int bits = EVP_PKEY_get_bits(public_key(signer));
	int digest_bytes = EVP_MD_get_size(crypto_digest(signer->digest));
	int needed_bytes = digest_bytes + PKCS1_OVERHEAD;
	int bytes = (bits + 7) / 8;

	if (signer->pss) {
		needed_bytes = digest_bytes + signer->salt_bytes + 2;
		bytes = (bits - 1 + 7) / 8;
	}
	if (bytes >= needed_bytes)
		return 0;
	return crypto_fail(err, ERROR_NOKEY,
		"%s: an RSA key of %d bits is too small for %s%s",
		signer->cert->source, bits, crypto_digest_name(signer->digest),
		signer->pss ? " with RSASSA-PSS" : "");
}

int
signer_check_key(
	struct cms_signer *signer, enum cms_scheme scheme, struct error *err)
{
	EVP_PKEY *key = public_key(signer);
	bool only_pss;

	if (signer->cert->key == NULL)
		return crypto_fail(err, ERROR_NOKEY, "%s: has no private key",
			signer->cert->source);
	if (key == NULL)
		return crypto_fail(err, ERROR_NOKEY,
			"%s: the certificate's key cannot be read",
			signer->cert->source);
	if (EVP_PKEY_get_id(key) == EVP_PKEY_EC)
		return 0;
	only_pss = EVP_PKEY_get_id(key) == EVP_PKEY_RSA_PSS;
	if (!only_pss && EVP_PKEY_get_id(key) != EVP_PKEY_RSA)
		return crypto_fail(err, ERROR_NOKEY,
			"%s: keys of type %s cannot sign here, only RSA and EC",
			signer->cert->source, EVP_PKEY_get0_type_name(key));
	signer->pss = only_pss || scheme == CMS_PSS;
	signer->salt_bytes = EVP_MD_get_size(crypto_digest(signer->digest));
	if (only_pss && check_restrictions(signer, err) != 0)
		return -1;
	return check_size(signer, err);
}

/*
 * Everything is set by hand: OpenSSL 3.0 would take the largest salt, which
 * gpgsm and GnuTLS refuse.  MGF1 follows the digest by itself.
 */
static int
set_parameters(const struct cms_signer *signer, EVP_PKEY_CTX *context)
{
	EVP_PKEY *key = public_key(signer);

	if (EVP_PKEY_sign_init(context) <= 0)
		return 0;
	if (EVP_PKEY_get_id(key) != EVP_PKEY_EC &&
		EVP_PKEY_CTX_set_rsa_padding(
			context, signer->pss ? RSA_PKCS1_PSS_PADDING
					     : RSA_PKCS1_PADDING) <= 0)
		return 0;
	if (EVP_PKEY_CTX_set_signature_md(
		    context, crypto_digest(signer->digest)) <= 0)
		return 0;
	return !signer->pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(
				       context, signer->salt_bytes) > 0;
}

static int
make_context(const struct cms_signer *signer, EVP_PKEY *key,
	enum error_kind kind, EVP_PKEY_CTX **out, struct error *err)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (context != NULL && set_parameters(signer, context)) {
		*out = context;
		return 0;
	}
	EVP_PKEY_CTX_free(context);
	return crypto_fail(err, kind, "%s: its key cannot sign with %s%s",
		signer->cert->source, crypto_digest_name(signer->digest),
		signer->pss ? " and RSASSA-PSS" : "");
}

/*
 * A context belongs to one thread, its copy costs far less than a new one
 * with all look-ups; the prepared one is only read.
 */
int
signer_key_context(
	const struct cms_signer *signer, EVP_PKEY_CTX **out, struct error *err)
{
	if (signer->prepared == NULL)
		return make_context(
			signer, signer->cert->key, ERROR_SYSTEM, out, err);
	*out = EVP_PKEY_CTX_dup(signer->prepared);
	if (*out != NULL)
		return 0;
	return crypto_fail(err, ERROR_SYSTEM, "%s: its key cannot be used",
		signer->cert->source);
}

/*
 * PKCS#1: rsaEncryption, which every reader takes (RFC 3370 3.2); else what
 * OpenSSL says about such a signature.  The certificate's key is asked: it
 * gives the same answer, and a key on a token gives none.
 */
static int
encode_algorithm(struct cms_signer *signer, struct error *err)
{
	EVP_PKEY_CTX *context = NULL;
	int known;
	static const char rsa_encryption[] =
		"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05";
	unsigned char algorithm[ALGORITHM_MAX];
	OSSL_PARAM ask[2] = { OSSL_PARAM_construct_octet_string(
				      OSSL_SIGNATURE_PARAM_ALGORITHM_ID,
				      algorithm, sizeof(algorithm)),
		OSSL_PARAM_construct_end() };

	if (!signer->pss && EVP_PKEY_get_id(public_key(signer)) != EVP_PKEY_EC)
		return buf_add(&signer->signature_algorithm, rsa_encryption,
			sizeof(rsa_encryption), err); /* with the final 00 */
	if (make_context(signer, public_key(signer), ERROR_NOKEY, &context,
		    err) != 0)
		return -1;
	known = EVP_PKEY_CTX_get_params(context, ask) > 0 &&
		OSSL_PARAM_modified(ask) && ask[0].return_size != 0;
	EVP_PKEY_CTX_free(context);
	if (!known)
		return crypto_fail(err, ERROR_NOKEY,
			"%s: its signature has no algorithm identifier",
			signer->cert->source);
	return buf_add(&signer->signature_algorithm, algorithm,
		ask[0].return_size, err);
}

int
signer_prepare_key(struct cms_signer *signer, struct error *err)
{
	EVP_PKEY_CTX *context = NULL;

	if (encode_algorithm(signer, err) != 0 ||
		make_context(signer, signer->cert->key, ERROR_NOKEY, &context,
			err) != 0)
		return -1;
	/* Not every provider can copy: then each mail makes its own. */
	signer->prepared = EVP_PKEY_CTX_dup(context);
	crypto_begin();
	EVP_PKEY_CTX_free(context);
	return 0;
}
