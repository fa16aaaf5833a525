#include <string.h>

#include "cms/internal.h"

enum {
	ATTRIBUTES_MAX = 8,
	CERTIFICATES_MAX = 32,
	DIGEST_BYTES_MAX = 64,
	UTC_TIME_BYTES = 13,
	GENERALIZED_TIME_BYTES = 15,
};

/* RFC 8551 2.5.2: what we can read, the best first; never DES or RC2. */
#define AES "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
static const char *const capabilities[] = {
	AES "\x2e", /* aes256-GCM */
	AES "\x06", /* aes128-GCM */
	AES "\x2a", /* aes256-CBC */
	AES "\x02", /* aes128-CBC */
};

/* IssuerAndSerialNumber; SubjectKeyIdentifier is what gpgsm cannot read. */
static void
put_sid(struct der *der, unsigned char tag, const X509 *x509)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
	unsigned char *name = NULL, *number = NULL;
	size_t opened = der_open(der);
	int name_len = i2d_X509_NAME(X509_get_issuer_name(x509), &name);
	int number_len = i2d_ASN1_INTEGER(serial, &number);

	if (name_len > 0 && number_len > 0) {
		der_add(der, span_of(name, (size_t)name_len));
		der_add(der, span_of(number, (size_t)number_len));
		der_close(der, tag, opened);
	} else {
		der->failed = crypto_fail(der->err, ERROR_CRYPTO,
			"issuer and serial number cannot be encoded");
	}
	OPENSSL_free(name);
	OPENSSL_free(number);
}

static bool
contains(STACK_OF(X509) * list, const X509 *x509)
{
	for (int i = 0; i < sk_X509_num(list); i++)
		if (X509_cmp(sk_X509_value(list, i), x509) == 0)
			return true;
	return false;
}

/*
 * RFC 8550 2.3: the certificates a path can be built from, without roots.  A
 * file's chain may hold every CA of a bundle: only issuers of what is already
 * in the list go along.
 */
static int
collect(STACK_OF(X509) * list, STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		for (int c = 0; c < sk_X509_num(chain); c++) {
			X509 *issuer = sk_X509_value(chain, c);

			if (sk_X509_num(list) == CERTIFICATES_MAX)
				return 0;
			if (X509_check_issued(issuer, sk_X509_value(list, i)) !=
					X509_V_OK ||
				X509_self_signed(issuer, 0) != 0 ||
				contains(list, issuer))
				continue;
			if (sk_X509_push(list, issuer) <= 0)
				return -1;
		}
	}
	return 0;
}

/* CertificateSet ::= SET OF, [0] IMPLICIT */
static int
encode_certificates(
	struct cms_signer *signer, STACK_OF(X509) * list, struct error *err)
{
	struct der der = { &signer->certificates, err, 0 };
	unsigned char *encoded[CERTIFICATES_MAX] = { NULL };
	struct span item[CERTIFICATES_MAX];
	int count = sk_X509_num(list), made = 0;

	for (; made < count; made++) {
		int len = i2d_X509(sk_X509_value(list, made), &encoded[made]);

		if (len <= 0) {
			der.failed = crypto_fail(err, ERROR_CRYPTO,
				"a certificate cannot be encoded");
			break;
		}
		item[made] = span_of(encoded[made], (size_t)len);
	}
	if (der.failed == 0)
		der_set_of(&der, DER_CONSTRUCTED, item, (size_t)made);
	for (int i = 0; i < made; i++)
		OPENSSL_free(encoded[i]);
	return der.failed;
}

int
signer_encode_identity(struct cms_signer *signer, STACK_OF(X509) * chain,
	X509 *encryption, struct error *err)
{
	struct der der = { &signer->sid, err, 0 };
	STACK_OF(X509) *list = sk_X509_new_null();
	int rc = -1;

	put_sid(&der, DER_SEQUENCE, signer->cert->x509);
	if (der.failed != 0)
		goto out;
	if (list == NULL || sk_X509_push(list, signer->cert->x509) <= 0 ||
		(encryption != NULL && sk_X509_push(list, encryption) <= 0) ||
		collect(list, chain) != 0) {
		error_set(err, ERROR_SYSTEM, "no memory for a chain");
		goto out;
	}
	rc = encode_certificates(signer, list, err);
out:
	sk_X509_free(list);
	return rc;
}

/* ---- signedAttrs ---- */

/* Attributes one after the other, and where each begins. */
struct attribute_list {
	struct der der;
	size_t start[ATTRIBUTES_MAX + 1];
	size_t count;
};

/* Attribute ::= SEQUENCE { type, SET OF value }, all with one value here. */
static void
add_attribute(struct attribute_list *list, struct span oid, struct span value)
{
	struct der *der = &list->der;
	size_t sequence = der_open(der);

	der_add(der, oid);
	der_element(der, DER_SET, value);
	der_close(der, DER_SEQUENCE, sequence);
	list->start[++list->count] = der->buf->len;
}

static void
put_capabilities(struct der *der)
{
	size_t opened = der_open(der);

	for (size_t i = 0; i < COUNT_OF(capabilities); i++)
		der_element(der, DER_SEQUENCE, span_string(capabilities[i]));
	der_close(der, DER_SEQUENCE, opened);
}

/*
 * RFC 5035 3: SEQUENCE { SEQUENCE OF ESSCertIDv2 { certHash } }.  The hash is
 * SHA-256, the default, whatever the signature uses; the issuer and serial
 * are left out because sid has them.
 */
static void
put_signing_certificate(struct der *der, const X509 *x509)
{
	unsigned char hash[DIGEST_BYTES_MAX];
	unsigned hash_len = 0;
	size_t outer = der_open(der), list = der_open(der);
	size_t id = der_open(der);

	if (X509_digest(x509, crypto_digest(CRYPTO_SHA256), hash, &hash_len) !=
		1) {
		der->failed = crypto_fail(der->err, ERROR_CRYPTO,
			"a certificate cannot be hashed");
		return;
	}
	der_element(der, DER_OCTETS, span_of(hash, hash_len));
	der_close(der, DER_SEQUENCE, id);
	der_close(der, DER_SEQUENCE, list);
	der_close(der, DER_SEQUENCE, outer);
}

/* RFC 6211 2: SEQUENCE { digestAlgorithm, [1] IMPLICIT signatureAlgorithm } */
static void
put_protection(struct der *der, const struct cms_signer *signer)
{
	size_t opened = der_open(der), signature;

	der_add(der, buf_span(&signer->digest_algorithm));
	signature = der_open(der);
	der_add(der, buf_span(&signer->signature_algorithm));
	if (der->failed == 0)
		der->buf->data[signature] = DER_CONSTRUCTED | 1;
	der_close(der, DER_SEQUENCE, opened);
}

/* The attributes that are the same for each mail. */
static void
add_constant(struct attribute_list *list, const struct cms_signer *signer,
	X509 *encryption)
{
	struct buf value = { 0 };
	struct der der = { &value, list->der.err, 0 };

	add_attribute(list, OID_CONTENT_TYPE, OID_DATA);
	put_capabilities(&der);
	add_attribute(list, OID_SMIME_CAPABILITIES, buf_span(&value));
	buf_reset(&value);
	put_signing_certificate(&der, signer->cert->x509);
	add_attribute(list, OID_SIGNING_CERTIFICATE_V2, buf_span(&value));
	buf_reset(&value);
	put_protection(&der, signer);
	add_attribute(list, OID_ALGORITHM_PROTECTION, buf_span(&value));
	if (encryption != NULL) {
		buf_reset(&value);
		put_sid(&der, DER_CONSTRUCTED, encryption);
		add_attribute(list, OID_ENCRYP_KEY_PREF, buf_span(&value));
	}
	if (der.failed != 0)
		list->der.failed = der.failed;
	buf_clear(&value);
}

/* The two that change, with room for their values. */
static void
add_changing(
	struct attribute_list *list, size_t digest_len, enum time_form form)
{
	static const unsigned char room[DIGEST_BYTES_MAX];
	unsigned char bytes[2 + DIGEST_BYTES_MAX];
	struct buf value = { 0 };
	struct der der = { &value, list->der.err, 0 };

	if (form == FORM_UTC)
		der_element(&der, DER_UTC_TIME, span_of(room, UTC_TIME_BYTES));
	else
		der_element(&der, DER_GENERALIZED_TIME,
			span_of(room, GENERALIZED_TIME_BYTES));
	add_attribute(list, OID_SIGNING_TIME, buf_span(&value));
	bytes[0] = DER_OCTETS;
	bytes[1] = (unsigned char)digest_len;
	memcpy(bytes + 2, room, digest_len);
	add_attribute(list, OID_MESSAGE_DIGEST, span_of(bytes, 2 + digest_len));
	if (der.failed != 0)
		list->der.failed = der.failed;
	buf_clear(&value);
}

/* Where, in the set, the attribute that came from `bytes` ends. */
static size_t
end_in_set(size_t header_len, const struct span *item, size_t count,
	const unsigned char *bytes)
{
	size_t at = header_len;

	for (size_t i = 0; i < count; i++) {
		at += item[i].len;
		if (item[i].data == bytes)
			break;
	}
	return at;
}

/*
 * The order of the set hangs on lengths and object identifiers only, never on
 * the two values: it can be made once.
 */
static int
encode_form(struct cms_signer *signer, X509 *encryption, enum time_form form,
	struct error *err)
{
	struct attributes *out = &signer->attributes[form];
	size_t digest_len =
		(size_t)EVP_MD_get_size(crypto_digest(signer->digest));
	size_t time_len =
		form == FORM_UTC ? UTC_TIME_BYTES : GENERALIZED_TIME_BYTES;
	struct buf bytes = { 0 };
	struct attribute_list list = { .der = { &bytes, err, 0 } };
	struct der der = { &out->der, err, 0 };
	struct span item[ATTRIBUTES_MAX];
	const unsigned char *time_from, *digest_from;
	size_t header_len;

	add_changing(&list, digest_len, form);
	add_constant(&list, signer, encryption);
	der.failed = list.der.failed;
	if (der.failed != 0)
		goto out;
	for (size_t i = 0; i < list.count; i++)
		item[i] = span_of(bytes.data + list.start[i],
			list.start[i + 1] - list.start[i]);
	time_from = item[0].data;
	digest_from = item[1].data;
	der_set_of(&der, DER_SET, item, list.count);
	header_len = out->der.len - bytes.len;
	out->time_at =
		end_in_set(header_len, item, list.count, time_from) - time_len;
	out->digest_at = end_in_set(header_len, item, list.count, digest_from) -
			 digest_len;
out:
	buf_clear(&bytes);
	return der.failed;
}

int
signer_encode_attributes(
	struct cms_signer *signer, X509 *encryption, struct error *err)
{
	for (int form = 0; form < TIME_FORMS; form++)
		if (encode_form(signer, encryption, form, err) != 0)
			return -1;
	return 0;
}
