/* DER: certificates, lists, keys, and what else a SEQUENCE may be. */
#include <openssl/pem.h>
#include <string.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

/* The head of the value at the start of der; its content, or a NULL span. */
static struct span
enter(struct span der, int *tag)
{
	const unsigned char *at = der.data;
	long len = 0;
	int class = 0, flags;

	*tag = -1;
	if (der.len == 0 || der.len > INT_MAX)
		return (struct span){ 0 };
	flags = ASN1_get_object(&at, &len, tag, &class, (long)der.len);
	if (flags == 0x80 || class != V_ASN1_UNIVERSAL) {
		*tag = -1;
		return (struct span){ 0 };
	}
	/* Indefinite, or longer than the file: what there is of it. */
	if ((flags & 0x81) != 0)
		len = (long)(der.data + der.len - at);
	return span_of(at, (size_t)len);
}

/* Version 3 is a PKCS#12 (RFC 7292); private keys have 0 or 1. */
static bool
is_three(struct span number)
{
	return number.len == 1 && number.data[0] == 3;
}

int
read_der(struct reading *in, struct span bytes, struct error *err)
{
	int outer, inner, innermost;
	struct span first = enter(bytes, &outer);
	struct span second = enter(first, &inner);

	if (outer == V_ASN1_SEQUENCE && inner == V_ASN1_INTEGER)
		return is_three(second) ? read_pkcs12(in, bytes, err)
					: read_plain_key(in, bytes, err);
	if (outer == V_ASN1_SEQUENCE && inner == V_ASN1_OBJECT)
		return read_pkcs7(in, bytes, err);
	if (outer != V_ASN1_SEQUENCE || inner != V_ASN1_SEQUENCE)
		return error_set(err, ERROR_FORMAT,
			"%s: neither PEM nor a certificate, PKCS#7 or PKCS#12",
			in->source);
	enter(second, &innermost);
	if (innermost == V_ASN1_OBJECT)
		return read_encrypted_key(in, bytes, err);
	return read_certificates(in, bytes, false, err);
}

/* Line ends and padding behind a DER value are common and harmless. */
void
reading_check_end(
	struct reading *in, const unsigned char *at, const unsigned char *end)
{
	while (at < end && (*at == '\0' || *at == '\n' || *at == '\r'))
		at++;
	if (at < end)
		reading_warn(in, "%zu bytes behind its end were skipped",
			(size_t)(end - at));
}

/* 1 read, 0 it is neither, -1 an error. */
static int
read_next(struct reading *in, const unsigned char **at,
	const unsigned char *end, bool trusted, struct error *err)
{
	const unsigned char *next = *at;
	long len = (long)(end - *at);
	X509 *x509 = trusted ? d2i_X509_AUX(NULL, &next, len)
			     : d2i_X509(NULL, &next, len);
	X509_CRL *crl;

	if (x509 != NULL) {
		*at = next;
		return reading_add_cert(in, x509, err) == 0 ? 1 : -1;
	}
	next = *at;
	crl = trusted ? NULL : d2i_X509_CRL(NULL, &next, len);
	if (crl == NULL)
		return 0;
	*at = next;
	return reading_add_crl(in, crl, err) == 0 ? 1 : -1;
}

int
read_certificates(
	struct reading *in, struct span der, bool trusted, struct error *err)
{
	const unsigned char *at = der.data, *end = der.data + der.len;
	size_t read = 0;

	do {
		int done = read_next(in, &at, end, trusted, err);

		if (done < 0)
			return -1;
		if (done == 0 && read == 0)
			return crypto_fail(err, ERROR_FORMAT,
				"%s: a certificate that cannot be parsed",
				in->source);
		if (done == 0 && crypto_lacked_memory())
			return error_set(
				err, ERROR_SYSTEM, "%s: no memory", in->source);
		if (done == 0)
			break;
		read++;
	} while (at < end && *at == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED));
	reading_check_end(in, at, end);
	crypto_begin();
	return 0;
}

int
read_crl(struct reading *in, struct span der, struct error *err)
{
	const unsigned char *at = der.data;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);

	if (crl == NULL)
		return crypto_fail(err, ERROR_FORMAT,
			"%s: a revocation list that cannot be parsed",
			in->source);
	reading_check_end(in, at, der.data + der.len);
	return reading_add_crl(in, crl, err);
}

int
read_plain_key(struct reading *in, struct span der, struct error *err)
{
	const unsigned char *at = der.data;
	EVP_PKEY *key = NULL;

	if (!in->without_keys) {
		key = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
		if (key == NULL && reading_skip(in, BAD_KEY, err) != 0)
			return -1;
		crypto_begin();
	}
	return reading_add_key(in, key, err);
}
