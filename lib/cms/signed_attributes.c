/* What signedAttrs say (RFC 5652 11, RFC 5035, RFC 6211, RFC 8551 2.5). */
#include <openssl/err.h>
#include <string.h>

#include "cms/internal.h"

#define PLACE(field) offsetof(struct signed_attributes, field)

static const struct {
	struct span oid; /* its content */
	const char *name;
	size_t place;
} known[] = {
#define OID(literal)                                                           \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
	{ OID(OID_PKCS9 "\x03"), "contentType", PLACE(content_type) },
	{ OID(OID_PKCS9 "\x04"), "messageDigest", PLACE(message_digest) },
	{ OID(OID_PKCS9 "\x05"), "signingTime", PLACE(signing_time) },
	{ OID(OID_PKCS9 "\x10\x02\x0c"), "signingCertificate",
		PLACE(certificate_v1) },
	{ OID(OID_PKCS9 "\x10\x02\x2f"), "signingCertificateV2",
		PLACE(certificate_v2) },
	{ OID(OID_PKCS9 "\x34"), "CMSAlgorithmProtection",
		PLACE(algorithm_protection) },
	{ OID(OID_PKCS9 "\x10\x02\x0b"), "encrypKeyPref", PLACE(encryption) },
	{ OID("\x2b\x06\x01\x04\x01\x82\x37\x10\x04"),
		"the encryption key preference", PLACE(encryption_microsoft) },
};

static int
malformed(struct error *why)
{
	return error_set(why, ERROR_FORMAT, "its signedAttrs are malformed");
}

/*
 * Attribute ::= SEQUENCE { OID, SET OF value }.  What is signed is its DER,
 * which OpenSSL makes of any BER: the content of the OID says what it is,
 * however long its length was written.
 */
static int
read_attribute(
	struct tlv_reader in, struct signed_attributes *out, struct error *why)
{
	struct tlv oid, values, value;
	struct tlv_reader inside;
	struct span *place;
	size_t k = 0;

	if (!tlv_need(&in, DER_OID, &oid) ||
		tlv_take(&in, DER_SET, &values) != 1 || !tlv_at_end(&in))
		return malformed(why);
	while (k < COUNT_OF(known) && !span_equal(oid.content, known[k].oid))
		k++;
	if (k == COUNT_OF(known))
		return 0;
	inside = tlv_inside(&in, &values);
	place = (struct span *)(void *)((char *)out + known[k].place);
	if (place->len != 0 || tlv_next(&inside, &value) != 1 ||
		!tlv_at_end(&inside))
		return error_set(why, ERROR_FORMAT, "its %s has not one value",
			known[k].name);
	*place = value.whole;
	return 0;
}

int
signed_attributes_read(
	struct tlv_reader in, struct signed_attributes *out, struct error *why)
{
	struct tlv attribute;

	memset(out, 0, sizeof(*out));
	while (!tlv_at_end(&in))
		if (tlv_take(&in, DER_SEQUENCE, &attribute) != 1)
			return malformed(why);
		else if (read_attribute(
				 tlv_inside(&in, &attribute), out, why) != 0)
			return -1;
	return 0;
}

/* The content of the one element that the value is. */
static struct span
inside_of(struct span whole, unsigned char tag, unsigned *work)
{
	struct tlv_reader reader = { whole, work };
	struct tlv part;

	return tlv_take(&reader, tag, &part) == 1 ? part.content
						  : span_of(NULL, 0);
}

/* Is it the same algorithm?  Parameters NULL and none are (RFC 6211 3.1). */
static bool
is_same_algorithm(struct span a, struct span b)
{
	const struct span null = SPAN("\x05\x00");

	if (a.len > null.len &&
		memcmp(a.data + a.len - null.len, null.data, null.len) == 0 &&
		a.data[0] == DER_OID && a.len == (size_t)a.data[1] + 4)
		a.len -= null.len;
	if (b.len > null.len &&
		memcmp(b.data + b.len - null.len, null.data, null.len) == 0 &&
		b.data[0] == DER_OID && b.len == (size_t)b.data[1] + 4)
		b.len -= null.len;
	return a.len != 0 && span_equal(a, b);
}

/* SEQUENCE { digestAlgorithm, [1] signatureAlgorithm } (RFC 6211 2) */
static bool
protects(struct span value, const struct signer_info *info, unsigned *work)
{
	struct tlv_reader in = { inside_of(value, DER_SEQUENCE, work), work };
	struct tlv digest, signature;

	return tlv_take(&in, DER_SEQUENCE, &digest) == 1 &&
	       tlv_take(&in, DER_CONSTRUCTED | 1, &signature) == 1 &&
	       tlv_at_end(&in) &&
	       is_same_algorithm(digest.content,
		       inside_of(info->digest, DER_SEQUENCE, work)) &&
	       is_same_algorithm(
		       signature.content, inside_of(info->signature_algorithm,
						  DER_SEQUENCE, work));
}

int
signed_attributes_check(const struct signed_attributes *attributes,
	const struct signer_info *info, struct span content_type,
	struct span digest, unsigned *work, struct error *why)
{
	struct span claimed =
		inside_of(attributes->message_digest, DER_OCTETS, work);

	if (attributes->content_type.len == 0 ||
		attributes->message_digest.len == 0)
		return error_set(why, ERROR_FORMAT,
			"its signedAttrs lack contentType or messageDigest");
	if (!span_equal(attributes->content_type, content_type))
		return error_set(why, ERROR_FORMAT,
			"its contentType is not that of the content");
	if (attributes->algorithm_protection.len != 0 &&
		!protects(attributes->algorithm_protection, info, work))
		return error_set(why, ERROR_CRYPTO,
			"its algorithms were changed (CMSAlgorithmProtection)");
	if (claimed.len != digest.len || !span_equal(claimed, digest))
		return error_set(why, ERROR_CRYPTO,
			"the content was changed after it was signed");
	return 0;
}

static bool
is_hash_of(struct span hash, const EVP_MD *md, const X509 *x509)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (md == NULL)
		return false;
	/* It fails for want of memory only, and OpenSSL does not say so. */
	if (X509_digest(x509, md, bytes, &len) != 1) {
		ERR_raise(ERR_LIB_X509, ERR_R_MALLOC_FAILURE);
		return false;
	}
	return span_equal(hash, span_of(bytes, len));
}

/*
 * The first certificate is the signer's (RFC 5035 3 and 4).  Its hash is over
 * all of it, so what else the attribute says is not needed.
 */
static bool
first_is(struct span value, bool v2, const X509 *x509, unsigned *work)
{
	struct tlv_reader in = { inside_of(value, DER_SEQUENCE, work), work };
	struct tlv part, algorithm;
	const EVP_MD *md = v2 ? EVP_sha256() : EVP_sha1();
	int digest;

	if (tlv_take(&in, DER_SEQUENCE, &part) != 1)
		return false;
	in = tlv_inside(&in, &part);
	if (tlv_take(&in, DER_SEQUENCE, &part) != 1)
		return false;
	in = tlv_inside(&in, &part);
	if (v2 && tlv_take(&in, DER_SEQUENCE, &algorithm) == 1) {
		struct tlv_reader oid = tlv_inside(&in, &algorithm);

		if (!tlv_need(&oid, DER_OID, &part))
			return false;
		digest = read_digest_find(part.whole);
		md = digest == -1 ? NULL : read_digest_md(digest);
	}
	return tlv_take(&in, DER_OCTETS, &part) == 1 &&
	       is_hash_of(part.content, md, x509);
}

bool
signed_attributes_mean(
	const struct signed_attributes *attributes, X509 *x509, unsigned *work)
{
	return (attributes->certificate_v1.len == 0 ||
		       first_is(attributes->certificate_v1, false, x509,
			       work)) &&
	       (attributes->certificate_v2.len == 0 ||
		       first_is(attributes->certificate_v2, true, x509, work));
}

time_t
signed_attributes_time(const struct signed_attributes *attributes)
{
	const unsigned char *at = attributes->signing_time.data;
	ASN1_TIME *time = NULL;
	struct tm tm = { 0 };
	time_t result = 0;

	if (attributes->signing_time.len != 0)
		time = d2i_ASN1_TIME(
			NULL, &at, (long)attributes->signing_time.len);
	if (time != NULL && ASN1_TIME_to_tm(time, &tm) == 1)
		result = timegm(&tm);
	ASN1_TIME_free(time);
	return result > 0 ? result : 0;
}

/*
 * SMIMEEncryptionKeyPreference (RFC 8551 2.5.3): [0] IssuerAndSerialNumber,
 * [1] RecipientKeyIdentifier, [2] SubjectKeyIdentifier, all IMPLICIT; that of
 * Microsoft is an IssuerAndSerialNumber.
 */
bool
signed_attributes_encryption(const struct signed_attributes *attributes,
	unsigned *work, struct party_id *out)
{
	struct tlv_reader in = { attributes->encryption, work };
	struct tlv part, inside, serial;

	*out = (struct party_id){ .whole = span_of(NULL, 0) };
	if (attributes->encryption.len == 0) {
		in.rest = attributes->encryption_microsoft;
		return in.rest.len != 0 && party_read(&in, out) == 1;
	}
	if (tlv_next(&in, &part) != 1)
		return false;
	in = tlv_inside(&in, &part);
	out->whole = part.whole;
	if (part.tag == (DER_CONTEXT | 2)) {
		out->key_id = part.content;
	} else if (part.tag == (DER_CONSTRUCTED | 1) &&
		   tlv_take(&in, DER_OCTETS, &inside) == 1) {
		out->key_id = inside.content;
	} else if (part.tag == DER_CONSTRUCTED &&
		   tlv_take(&in, DER_SEQUENCE, &inside) == 1 &&
		   tlv_need(&in, DER_INTEGER, &serial)) {
		out->issuer = inside.whole;
		out->serial = serial.whole;
	}
	return true;
}
