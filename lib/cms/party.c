/* Whom a RecipientInfo or SignerInfo means (RFC 5652 5.3, 6.2.1, 6.2.2). */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "cms/internal.h"

static void
read_issuer_and_serial(struct tlv_reader in, struct party_id *out)
{
	struct tlv issuer, serial;

	if (tlv_take(&in, DER_SEQUENCE, &issuer) != 1 ||
		!tlv_need(&in, DER_INTEGER, &serial) || !tlv_at_end(&in))
		return;
	out->issuer = issuer.whole;
	out->serial = serial.whole;
}

/*
 * IssuerAndSerialNumber, SubjectKeyIdentifier [0], or RecipientKeyIdentifier
 * [0], which begins with one.
 */
int
party_read(struct tlv_reader *reader, struct party_id *out)
{
	struct tlv part, key_id;
	struct tlv_reader in;

	*out = (struct party_id){ .whole = span_of(NULL, 0) };
	if (tlv_next(reader, &part) != 1)
		return -1;
	out->whole = part.whole;
	in = tlv_inside(reader, &part);
	if (part.tag == DER_SEQUENCE)
		read_issuer_and_serial(in, out);
	else if (part.tag == DER_CONTEXT)
		out->key_id = part.content;
	else if (part.tag == DER_CONSTRUCTED &&
		 tlv_take(&in, DER_OCTETS, &key_id) == 1)
		out->key_id = key_id.content;
	return 1;
}

static X509_NAME *
parse_name(struct span whole)
{
	const unsigned char *at = whole.data;

	if (whole.len == 0)
		return NULL;
	return d2i_X509_NAME(NULL, &at, (long)whole.len);
}

static ASN1_INTEGER *
parse_serial(struct span whole)
{
	const unsigned char *at = whole.data;

	if (whole.len == 0)
		return NULL;
	return d2i_ASN1_INTEGER(NULL, &at, (long)whole.len);
}

static bool
is_key_id(struct span key_id, X509 *x509)
{
	/* OpenSSL caches the extension in the certificate. */
	const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(x509);

	return own != NULL && key_id.len != 0 &&
	       span_equal(key_id, span_of(ASN1_STRING_get0_data(own),
					  (size_t)ASN1_STRING_length(own)));
}

bool
party_is(const struct party_id *id, X509 *x509)
{
	ASN1_INTEGER *serial = parse_serial(id->serial);
	X509_NAME *issuer = NULL;
	bool same = false;

	if (serial != NULL &&
		ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(x509)) == 0) {
		issuer = parse_name(id->issuer);
		same = issuer != NULL &&
		       X509_NAME_cmp(issuer, X509_get_issuer_name(x509)) == 0;
	}
	X509_NAME_free(issuer);
	ASN1_INTEGER_free(serial);
	return same || is_key_id(id->key_id, x509);
}

static char *
serial_text(struct span whole)
{
	ASN1_INTEGER *serial = parse_serial(whole);
	BIGNUM *number =
		serial != NULL ? ASN1_INTEGER_to_BN(serial, NULL) : NULL;
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;
	char *text = mem_string(hex != NULL ? hex : "");

	for (char *c = text; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	OPENSSL_free(hex);
	BN_free(number);
	ASN1_INTEGER_free(serial);
	return text;
}

static char *
name_text(struct span whole)
{
	X509_NAME *name = parse_name(whole);
	char *text = name != NULL ? cert_name_text(name) : mem_string("");

	X509_NAME_free(name);
	return text;
}

enum { KEY_ID_MAX_BYTES = 64, OID_TEXT_BYTES = 80 };

static char *
key_id_text(struct span key_id)
{
	char hex[2 * KEY_ID_MAX_BYTES + 1];

	if (key_id.len > KEY_ID_MAX_BYTES)
		key_id.len = KEY_ID_MAX_BYTES;
	hex_write(hex, key_id);
	return mem_string(hex);
}

void
party_fill(
	const struct party_id *id, struct span algorithm, struct cms_party *out)
{
	char oid[OID_TEXT_BYTES];

	oid_text(algorithm, oid, sizeof(oid));
	out->issuer = name_text(id->issuer);
	out->serial = serial_text(id->serial);
	out->key_id = key_id_text(id->key_id);
	out->key_algorithm = mem_string(oid);
	if (buf_add_span(&out->id, id->whole, NULL) != 0)
		buf_clear(&out->id);
	crypto_begin();
}

void
party_clear(struct cms_party *party)
{
	mem_free(party->issuer);
	mem_free(party->serial);
	mem_free(party->key_id);
	mem_free(party->key_algorithm);
	buf_clear(&party->id);
}

int
cms_party_is(const struct cms_party *party, const struct cert *cert)
{
	unsigned work = 0;
	struct tlv_reader reader = { buf_span(&party->id), &work };
	struct party_id id;
	int is;

	if (party->id.len == 0) /* party_fill() had no memory for it */
		return -1;
	crypto_begin();
	is = party_read(&reader, &id) == 1 && party_is(&id, cert->x509);
	if (!is && crypto_lacked_memory())
		is = -1;
	crypto_begin();
	return is;
}
