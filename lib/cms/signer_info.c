/* One signature (RFC 5652 5.3 to 5.6), checked by OpenSSL's CMS code. */
#include "cms/internal.h"

enum {
	SIGNER_MAX_BYTES = 65536,
	RSA_MAX_BITS = 8192,
	RSA_WEAK_BITS = 2048,
	EC_WEAK_BITS = 224,
};

int
signer_info_read(struct tlv_reader in, struct signer_info *out)
{
	struct tlv part;
	int got;

	*out = (struct signer_info){ .version = span_of(NULL, 0) };
	if (!tlv_need(&in, DER_INTEGER, &part))
		return 0;
	out->version = part.whole;
	if (party_read(&in, &out->id) != 1 ||
		!need_algorithm(&in, &out->digest, &out->digest_oid))
		return 0;
	got = tlv_take(&in, DER_CONSTRUCTED, &part);
	if (got == 1) {
		out->attributes = part.whole;
		out->attributes_content = part.content;
	}
	if (got == -1 ||
		!need_algorithm(
			&in, &out->signature_algorithm, &out->signature_oid) ||
		!tlv_need(&in, DER_OCTETS, &part))
		return 0;
	out->signature = part.whole;
	return tlv_take(&in, DER_CONSTRUCTED | 1, &part) != -1 &&
	       tlv_at_end(&in);
}

int
signer_info_check_key(X509 *x509, unsigned *weak, struct error *why)
{
	EVP_PKEY *key = X509_get0_pubkey(x509);
	int bits;

	if (key == NULL)
		return crypto_fail(why, ERROR_FORMAT,
			"the key of its certificate cannot be read");
	bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		if (EVP_PKEY_get_field_type(key) == 0 ||
			EVP_PKEY_get_group_name(key, NULL, 0, NULL) != 1)
			return crypto_fail(why, ERROR_FORMAT,
				"the curve of its key has no name");
		*weak |= bits < EC_WEAK_BITS ? CMS_WEAK_KEY : 0;
		return 0;
	}
	if (bits > RSA_MAX_BITS)
		return error_set(why, ERROR_LIMIT,
			"its key of %d bits is larger than %d", bits,
			RSA_MAX_BITS);
	*weak |= bits < RSA_WEAK_BITS ? CMS_WEAK_KEY : 0;
	return 0;
}

/* A SignedData with this signer alone, without content and certificates. */
static int
encode(const struct signer_info *info, const struct signed_data *data,
	struct buf *out, struct error *err)
{
	struct der der = { out, err, 0 };
	size_t all = der_open(&der), context, signed_data, part, signer;

	der_add(&der, OID_SIGNED_DATA);
	context = der_open(&der);
	signed_data = der_open(&der);
	der_add(&der, data->version);
	der_element(&der, DER_SET, info->digest);
	der_element(&der, DER_SEQUENCE, data->content_type);
	part = der_open(&der);
	signer = der_open(&der);
	der_add(&der, info->version);
	der_add(&der, info->id.whole);
	der_add(&der, info->digest);
	der_add(&der, info->attributes);
	der_add(&der, info->signature_algorithm);
	der_add(&der, info->signature);
	der_close(&der, DER_SEQUENCE, signer);
	der_close(&der, DER_SET, part);
	der_close(&der, DER_SEQUENCE, signed_data);
	der_close(&der, DER_CONSTRUCTED, context);
	der_close(&der, DER_SEQUENCE, all);
	return der.failed;
}

static bool
verify(struct span der, X509 *x509)
{
	const unsigned char *at = der.data;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der.len);
	STACK_OF(CMS_SignerInfo) *infos =
		cms != NULL ? CMS_get0_SignerInfos(cms) : NULL;
	CMS_SignerInfo *info;
	bool good = false;

	if (infos != NULL && at == der.data + der.len &&
		sk_CMS_SignerInfo_num(infos) == 1) {
		info = sk_CMS_SignerInfo_value(infos, 0);
		/* Counting them is the last look at what was parsed. */
		if (CMS_signed_get_attr_count(info) > 0) {
			CMS_SignerInfo_set1_signer_cert(info, x509);
			good = CMS_SignerInfo_verify(info) > 0;
		}
	}
	CMS_ContentInfo_free(cms);
	return good;
}

int
signer_info_verify(const struct signer_info *info,
	const struct signed_data *data, X509 *x509, struct error *why)
{
	struct buf der = { 0 };
	bool good, lacked;

	if (info->attributes.len + info->signature.len > SIGNER_MAX_BYTES)
		return error_set(why, ERROR_LIMIT,
			"its SignerInfo is larger than %d bytes",
			SIGNER_MAX_BYTES);
	if (encode(info, data, &der, why) != 0) {
		buf_clear(&der);
		return -1;
	}
	good = verify(buf_span(&der), x509);
	lacked = crypto_lacked_memory();
	/* OpenSSL does not always say that it lacked memory. */
	if (!good && !lacked) {
		good = verify(buf_span(&der), x509);
		lacked = crypto_lacked_memory();
	}
	buf_clear(&der);
	if (lacked)
		return error_set(why, ERROR_SYSTEM, "no memory");
	if (good)
		return 0;
	return error_set(why, ERROR_CRYPTO,
		"the signature is not of the key in the certificate, or it "
		"was changed");
}
