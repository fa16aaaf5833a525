/*
 * The content ciphers that are read, and what must be true of their
 * parameters before OpenSSL sees them.
 */
#include "cms/internal.h"

#define NIST_AES "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
#define RSADSI "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03"
#define OIW_DES_CBC "\x06\x05\x2b\x0e\x03\x02\x07"

static const struct read_cipher ciphers[] = {
	{ NIST_AES "\x02", "AES128", 128, 16, false },
	{ NIST_AES "\x16", "AES192", 192, 16, false },
	{ NIST_AES "\x2a", "AES256", 256, 16, false },
	{ NIST_AES "\x06", "AES128-GCM", 128, 1, false },
	{ NIST_AES "\x1a", "AES192-GCM", 192, 1, false },
	{ NIST_AES "\x2e", "AES256-GCM", 256, 1, false },
	{ RSADSI "\x07", "3DES", 192, 8, false },
	{ RSADSI "\x02", "RC2", 0, 8, true },
	{ OIW_DES_CBC, "DES", 64, 8, true },
};

/* RC2ParameterVersion (RFC 2268 6): what stands for how many bits. */
static const struct {
	unsigned char version;
	unsigned bits;
} rc2_versions[] = { { 160, 40 }, { 120, 64 }, { 58, 128 } };

/* RFC 5084 3.2 */
enum { GCM_NONCE_BYTES = 12, GCM_TAG_MIN = 12, GCM_TAG_MAX = 16 };

const struct read_cipher *
read_cipher_find(const struct envelope *envelope)
{
	for (size_t i = 0; i < COUNT_OF(ciphers); i++)
		if (span_is(envelope->cipher_oid, ciphers[i].oid))
			return &ciphers[i];
	return NULL;
}

/* What stands behind the OID. */
static struct tlv_reader
parameters(const struct envelope *envelope, unsigned *work)
{
	struct tlv_reader reader = { envelope->algorithm, work }, in;
	struct tlv part;

	if (tlv_next(&reader, &part) != 1)
		return reader;
	in = tlv_inside(&reader, &part);
	if (tlv_next(&in, &part) != 1)
		in.rest.len = 0;
	return in;
}

static bool
is_octets(struct tlv_reader *in, size_t len)
{
	struct tlv part;

	return tlv_take(in, DER_OCTETS, &part) == 1 && part.content.len == len;
}

/* SEQUENCE { aes-nonce, aes-ICVlen DEFAULT 12 }, and the mac is that long. */
static bool
gcm_is_sane(struct tlv_reader in, size_t mac_len)
{
	struct tlv part;
	struct tlv_reader inside;
	size_t tag = 12;
	int got;

	if (!tlv_need(&in, DER_SEQUENCE, &part) || !tlv_at_end(&in))
		return false;
	inside = tlv_inside(&in, &part);
	if (!is_octets(&inside, GCM_NONCE_BYTES))
		return false;
	got = tlv_take(&inside, DER_INTEGER, &part);
	if (got == -1 || !tlv_at_end(&inside) ||
		(got == 1 && part.content.len != 1))
		return false;
	if (got == 1)
		tag = part.content.data[0];
	return tag >= GCM_TAG_MIN && tag <= GCM_TAG_MAX && tag == mac_len;
}

/* RC2-CBCParameter (RFC 3370 5.2); 0 bits: none that is known. */
static unsigned
rc2_bits(struct tlv_reader in)
{
	struct tlv part, version;
	struct tlv_reader inside;
	struct span number;

	if (!tlv_need(&in, DER_SEQUENCE, &part) || !tlv_at_end(&in))
		return 0;
	inside = tlv_inside(&in, &part);
	if (!tlv_need(&inside, DER_INTEGER, &version) ||
		!is_octets(&inside, 8) || !tlv_at_end(&inside))
		return 0;
	number = version.content;
	if (number.len == 2 && number.data[0] == 0)
		number = span_of(number.data + 1, 1);
	for (size_t i = 0; i < COUNT_OF(rc2_versions); i++)
		if (number.len == 1 &&
			number.data[0] == rc2_versions[i].version)
			return rc2_versions[i].bits;
	return 0;
}

unsigned
read_cipher_key_bits(
	const struct read_cipher *cipher, const struct envelope *envelope)
{
	unsigned work = 0;

	if (cipher->key_bits != 0)
		return cipher->key_bits;
	return rc2_bits(parameters(envelope, &work));
}

bool
read_cipher_is_sane(
	const struct read_cipher *cipher, const struct envelope *envelope)
{
	unsigned work = 0;
	struct tlv_reader in = parameters(envelope, &work);

	if (envelope->authenticated != (cipher->block_bytes == 1))
		return false;
	if (envelope->authenticated)
		return gcm_is_sane(in, envelope->mac.len);
	if (envelope->content_len == 0 ||
		envelope->content_len % cipher->block_bytes != 0)
		return false;
	if (cipher->key_bits == 0)
		return rc2_bits(in) != 0;
	return is_octets(&in, cipher->block_bytes) && tlv_at_end(&in);
}
