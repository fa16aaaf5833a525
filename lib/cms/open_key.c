/*
 * What of an envelope OpenSSL gets to see to find the key of its content: one
 * RecipientInfo and the parameters of the cipher, but neither the other
 * recipients nor the ciphertext.
 */
#include <string.h>

#include "cms/internal.h"

/* RSA encrypts in 2 KB at most; a name may be long. */
enum { RECIPIENT_MAX_BYTES = 65536 };

#define PKCS1 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01"
#define X9_63 "\x06\x09\x2b\x81\x05\x10\x86\x48\x3f\x00"
#define SECG "\x06\x06\x2b\x81\x04\x01"
#define NIST_AES "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
#define WRAP_3DES "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x06"

/* RFC 3370 4.2.1, RFC 3560 */
static const char *const transports[] = { PKCS1 "\x01", PKCS1 "\x07" };

/* RFC 5753 7.1.4: dhSinglePass, stdDH and cofactorDH, SHA-1 to SHA-512 */
static const char *const agreements[] = {
	X9_63 "\x02",
	X9_63 "\x03",
	SECG "\x0b\x00",
	SECG "\x0b\x01",
	SECG "\x0b\x02",
	SECG "\x0b\x03",
	SECG "\x0e\x00",
	SECG "\x0e\x01",
	SECG "\x0e\x02",
	SECG "\x0e\x03",
};

/* RFC 3565 2.3.2, RFC 3370 4.3.1; no padding, no others. */
static const char *const wraps[] = {
	NIST_AES "\x05",
	NIST_AES "\x19",
	NIST_AES "\x2d",
	WRAP_3DES,
};

static bool
is_among(struct span oid, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (oid.len == (size_t)(unsigned char)names[i][1] + 2 &&
			memcmp(oid.data, names[i], oid.len) == 0)
			return true;
	return false;
}

/* SEQUENCE { OID, NULL or nothing } */
static bool
is_bare_algorithm(struct tlv_reader in, const char *const *names, size_t count)
{
	struct tlv algorithm, part;

	if (!tlv_need(&in, DER_SEQUENCE, &algorithm) || !tlv_at_end(&in))
		return false;
	in = tlv_inside(&in, &algorithm);
	if (!tlv_need(&in, DER_OID, &part) ||
		!is_among(part.whole, names, count))
		return false;
	return tlv_at_end(&in) || span_equal(in.rest, SPAN("\x05\x00"));
}

/*
 * The originator's key must be in the message (RFC 5753 3.1.1), and its curve,
 * where it is named at all, must have a name.
 */
static bool
is_ephemeral(struct tlv_reader in)
{
	struct tlv key, part;

	if (tlv_take(&in, DER_CONSTRUCTED | 1, &key) != 1 || !tlv_at_end(&in))
		return false;
	in = tlv_inside(&in, &key);
	if (!tlv_need(&in, DER_SEQUENCE, &part))
		return false;
	in = tlv_inside(&in, &part);
	if (!tlv_need(&in, DER_OID, &part) || tlv_at_end(&in))
		return tlv_at_end(&in);
	return (tlv_take(&in, DER_OID, &part) == 1 ||
		       tlv_take(&in, DER_NULL, &part) == 1) &&
	       tlv_at_end(&in);
}

bool
open_key_is_sane(const struct recipient *recipient)
{
	unsigned work = 0;
	struct tlv_reader in = { recipient->algorithm, &work };
	struct tlv_reader originator = { recipient->originator, &work };
	struct tlv part;

	if (recipient->kind == RECIPIENT_TRANSPORT)
		return recipient->info.len <= RECIPIENT_MAX_BYTES &&
		       is_among(recipient->algorithm_oid, transports,
			       COUNT_OF(transports));
	if (recipient->head.len + recipient->key.len > RECIPIENT_MAX_BYTES ||
		!is_among(recipient->algorithm_oid, agreements,
			COUNT_OF(agreements)) ||
		!is_ephemeral(originator))
		return false;
	if (tlv_next(&in, &part) != 1)
		return false;
	in = tlv_inside(&in, &part);
	return tlv_next(&in, &part) == 1 &&
	       is_bare_algorithm(in, wraps, COUNT_OF(wraps));
}

static void
put_recipient(struct der *der, const struct recipient *recipient)
{
	size_t info, keys;

	if (recipient->kind == RECIPIENT_TRANSPORT) {
		der_add(der, recipient->info);
		return;
	}
	info = der_open(der);
	der_add(der, recipient->head);
	keys = der_open(der);
	der_add(der, recipient->key);
	der_close(der, DER_SEQUENCE, keys);
	der_close(der, DER_CONSTRUCTED | 1, info);
}

/*
 * authAttrs are left out: OpenSSL before 3.0.22 cannot read them, and they
 * are given to the cipher by hand.
 */
int
open_key_encode(const struct envelope *envelope,
	const struct recipient *recipient, struct buf *out, struct error *err)
{
	struct der der = { out, err, 0 };
	size_t all = der_open(&der), context, data, part;

	der_add(&der, envelope->authenticated ? OID_AUTH_ENVELOPED_DATA
					      : OID_ENVELOPED_DATA);
	context = der_open(&der);
	data = der_open(&der);
	der_add(&der, envelope->version);
	part = der_open(&der);
	put_recipient(&der, recipient);
	der_close(&der, DER_SET, part);
	part = der_open(&der);
	der_add(&der, envelope->content_type);
	der_add(&der, envelope->algorithm);
	der_close(&der, DER_SEQUENCE, part);
	if (envelope->authenticated)
		der_element(&der, DER_OCTETS, envelope->mac);
	der_close(&der, DER_SEQUENCE, data);
	der_close(&der, DER_CONSTRUCTED, context);
	der_close(&der, DER_SEQUENCE, all);
	return der.failed;
}
