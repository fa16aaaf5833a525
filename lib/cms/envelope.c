#include <string.h>

#include "cms/internal.h"

/*
 * What we know about content ciphers: a multiple of what the ciphertext is,
 * and in which of the two structures it stands (RFC 5084, RFC 3565, RFC 3370).
 * Ciphers that are not here are not judged.
 */
#define NIST_AES "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01"
#define RSADSI "\x06\x08\x2a\x86\x48\x86\xf7\x0d\x03"
static const struct {
	const char *oid;
	size_t block_bytes;
	bool authenticated;
} known[] = {
	{ NIST_AES "\x02", 16, false }, /* AES-128-CBC */
	{ NIST_AES "\x16", 16, false }, /* AES-192-CBC */
	{ NIST_AES "\x2a", 16, false }, /* AES-256-CBC */
	{ NIST_AES "\x06", 1, true },	/* AES-128-GCM */
	{ NIST_AES "\x1a", 1, true },	/* AES-192-GCM */
	{ NIST_AES "\x2e", 1, true },	/* AES-256-GCM */
	{ NIST_AES "\x07", 1, true },	/* AES-128-CCM */
	{ NIST_AES "\x1b", 1, true },	/* AES-192-CCM */
	{ NIST_AES "\x2f", 1, true },	/* AES-256-CCM */
	{ RSADSI "\x07", 8, false },	/* 3DES-CBC */
	{ RSADSI "\x02", 8, false },	/* RC2-CBC */
};

static bool
fits_cipher(const struct envelope *envelope)
{
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (span_is(envelope->cipher_oid, known[i].oid))
			return known[i].authenticated ==
				       envelope->authenticated &&
			       envelope->content_len % known[i].block_bytes ==
				       0;
	return true;
}

/* One of two forms of an identifier. */
static bool
need_either(struct tlv_reader *reader, unsigned char a, unsigned char b)
{
	struct tlv part;

	return tlv_need(reader, a, &part) || tlv_need(reader, b, &part);
}

/* RFC 5652 6.2.1 */
static bool
read_key_transport(struct tlv_reader in)
{
	struct tlv part;

	return tlv_need(&in, DER_INTEGER, &part) &&
	       need_either(&in, DER_SEQUENCE, DER_CONTEXT) &&
	       need_algorithm(&in, NULL, NULL) &&
	       tlv_need(&in, DER_OCTETS, &part) && tlv_at_end(&in);
}

static bool
read_encrypted_key(struct tlv_reader in)
{
	struct tlv part;

	return need_either(&in, DER_SEQUENCE, DER_CONSTRUCTED) &&
	       tlv_need(&in, DER_OCTETS, &part) && tlv_at_end(&in);
}

/* RFC 5652 6.2.2 */
static bool
read_key_agreement(struct tlv_reader in)
{
	struct tlv part, keys;
	struct tlv_reader list;

	if (!tlv_need(&in, DER_INTEGER, &part) ||
		!tlv_need(&in, DER_CONSTRUCTED, &part) ||
		tlv_take(&in, DER_CONSTRUCTED | 1, &part) == -1 ||
		!need_algorithm(&in, NULL, NULL) ||
		!tlv_need(&in, DER_SEQUENCE, &keys) || !tlv_at_end(&in))
		return false;
	list = tlv_inside(&in, &keys);
	while (!tlv_at_end(&list))
		if (!tlv_need(&list, DER_SEQUENCE, &part) ||
			!read_encrypted_key(tlv_inside(&list, &part)))
			return false;
	return true;
}

/*
 * Only key transport and key agreement count: S/MIME has no others, and what
 * is protected by a password alone is protected for nobody we know of.
 */
static bool
read_recipients(struct tlv_reader list, struct envelope *envelope)
{
	struct tlv recipient;

	while (!tlv_at_end(&list)) {
		struct tlv_reader in;
		bool counts = true;

		if (tlv_next(&list, &recipient) != 1)
			return false;
		in = tlv_inside(&list, &recipient);
		if (recipient.tag == DER_SEQUENCE) {
			if (!read_key_transport(in))
				return false;
		} else if (recipient.tag == (DER_CONSTRUCTED | 1)) {
			if (!read_key_agreement(in))
				return false;
		} else {
			counts = false;
			if (recipient.tag < (DER_CONSTRUCTED | 2) ||
				recipient.tag > (DER_CONSTRUCTED | 4))
				return false;
		}
		envelope->recipient_count += counts;
	}
	return true;
}

/* EncryptedContentInfo (RFC 5652 6.1) */
static bool
read_content_info(struct tlv_reader in, struct envelope *envelope)
{
	struct tlv *content = &envelope->content;
	struct tlv part;

	if (!tlv_need(&in, DER_OID, &part) ||
		!need_algorithm(
			&in, &envelope->algorithm, &envelope->cipher_oid))
		return false;
	envelope->content_type = part.whole;
	if (tlv_at_end(&in))
		return true;
	if (tlv_next(&in, content) != 1 || !tlv_at_end(&in))
		return false;
	if (content->tag == DER_CONTEXT) {
		envelope->content_len = content->content.len;
		return true;
	}
	return content->tag == DER_CONSTRUCTED &&
	       octets_count(&in, content, &envelope->content_len);
}

/* After the content: RFC 5652 6.1 has one more field, RFC 5083 2.1 three. */
static bool
read_after(struct tlv_reader in, struct envelope *envelope)
{
	unsigned char last = DER_CONSTRUCTED | 1;
	struct tlv part;
	int got;

	envelope->after = in.rest;
	if (envelope->authenticated) {
		got = tlv_take(&in, DER_CONSTRUCTED | 1, &part);
		if (got == 1)
			envelope->attributes = part.content;
		if (got == -1 || tlv_take(&in, DER_OCTETS, &part) != 1)
			return false;
		envelope->mac = part.content;
		last = DER_CONSTRUCTED | 2;
	}
	return tlv_take(&in, last, &part) != -1 && tlv_at_end(&in);
}

static bool
read_enveloped(struct tlv_reader in, struct envelope *envelope)
{
	struct tlv part;
	int got;

	if (!tlv_need(&in, DER_INTEGER, &part))
		return false;
	envelope->version = part.whole;
	got = tlv_take(&in, DER_CONSTRUCTED, &part);
	if (got == 1)
		envelope->originator = part.whole;
	if (got == -1 || !tlv_need(&in, DER_SET, &part))
		return false;
	envelope->recipients = part.whole;
	if (!read_recipients(tlv_inside(&in, &part), envelope) ||
		!tlv_need(&in, DER_SEQUENCE, &part) ||
		!read_content_info(tlv_inside(&in, &part), envelope))
		return false;
	return read_after(in, envelope) && fits_cipher(envelope);
}

int
envelope_read(struct span bytes, struct envelope *envelope)
{
	unsigned work = 0;
	struct tlv_reader reader = { bytes, &work }, content = reader, in;
	struct span oid;

	memset(envelope, 0, sizeof(*envelope));
	if (!content_info_open(&reader, &oid, &content))
		return 0;
	envelope->authenticated = span_equal(oid, OID_AUTH_ENVELOPED_DATA);
	if (!envelope->authenticated && !span_equal(oid, OID_ENVELOPED_DATA))
		return 0;
	return content_info_sequence(&content, &in) &&
	       read_enveloped(in, envelope);
}
