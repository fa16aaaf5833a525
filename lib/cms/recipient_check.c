#include <openssl/rsa.h>

#include "cms/internal.h"

/*
 * Without memory OpenSSL 3.0 was seen to leave the hash out of the parameters
 * of OAEP and to report success: the reader takes SHA-1 for it and cannot
 * open the mail.  So what was asked for is compared with what came out.
 */

static int
nid_of(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	return OBJ_obj2nid(object);
}

/* The AlgorithmIdentifier that is another one's parameter. */
static int
inner_nid(const X509_ALGOR *algorithm)
{
	X509_ALGOR *inner = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(X509_ALGOR), algorithm->parameter);
	int nid = inner != NULL ? nid_of(inner) : NID_undef;

	X509_ALGOR_free(inner);
	return nid;
}

/* RFC 4055 4: what is absent is SHA-1. */
static bool
is_oaep(const X509_ALGOR *algorithm, int digest)
{
	RSA_OAEP_PARAMS *oaep;
	bool right;

	if (nid_of(algorithm) != NID_rsaesOaep)
		return false;
	oaep = ASN1_TYPE_unpack_sequence(
		ASN1_ITEM_rptr(RSA_OAEP_PARAMS), algorithm->parameter);
	if (oaep == NULL)
		return false;
	right = oaep->pSourceFunc == NULL;
	right = right && (oaep->hashFunc != NULL ? nid_of(oaep->hashFunc)
						 : NID_sha1) == digest;
	if (oaep->maskGenFunc == NULL)
		right = right && digest == NID_sha1;
	else
		right = right && nid_of(oaep->maskGenFunc) == NID_mgf1 &&
			inner_nid(oaep->maskGenFunc) == digest;
	RSA_OAEP_PARAMS_free(oaep);
	return right;
}

static bool
is_agreement(CMS_RecipientInfo *info, const struct cipher_row *row)
{
	X509_ALGOR *algorithm = NULL;

	return CMS_RecipientInfo_kari_get0_alg(info, &algorithm, NULL) == 1 &&
	       nid_of(algorithm) == NID_dhSinglePass_stdDH_sha256kdf_scheme &&
	       inner_nid(algorithm) == row->wrap;
}

bool
recipient_is_right(CMS_RecipientInfo *info,
	const struct cms_recipient *recipient, const struct cipher_row *row)
{
	X509_ALGOR *algorithm = NULL;

	if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE)
		return is_agreement(info, row);
	if (CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm) != 1)
		return false;
	if (recipient->transport == CMS_RSA_PKCS1)
		return nid_of(algorithm) == NID_rsaEncryption;
	return is_oaep(algorithm,
		EVP_MD_get_type(crypto_digest(recipient->oaep_digest)));
}
