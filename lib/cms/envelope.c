#include <string.h>

#include "cms/internal.h"

enum { OCTETS_DEPTH_MAX = 5, CONSTRUCTED_OCTETS = 0x24 };

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

/*
 * How many bytes an OCTET STRING has: its content, or in BER the sum of its
 * pieces, which may be pieces again.  1, or 0 when it is malformed.
 */
static int
count_octets(const struct tlv_reader *reader, const struct tlv *octets,
	size_t *count)
{
	struct tlv_reader level[OCTETS_DEPTH_MAX];
	unsigned depth = 0;
	struct tlv piece;
	int got;

	*count = 0;
	level[0] = tlv_inside(reader, octets);
	for (;;) {
		got = tlv_next(&level[depth], &piece);
		if (got == -1)
			return 0;
		if (got == 0 && depth-- == 0)
			return 1;
		if (got == 0)
			continue;
		if (piece.tag == DER_OCTETS) {
			*count += piece.content.len;
			continue;
		}
		if (piece.tag != CONSTRUCTED_OCTETS ||
			++depth == OCTETS_DEPTH_MAX)
			return 0;
		level[depth] = tlv_inside(&level[depth - 1], &piece);
	}
}

/* An element that must be there and must not be empty. */
static bool
need(struct tlv_reader *reader, unsigned char tag, struct tlv *tlv)
{
	return tlv_take(reader, tag, tlv) == 1 && tlv->content.len != 0;
}

static bool
at_end(const struct tlv_reader *reader)
{
	return reader->rest.len == 0;
}

/* AlgorithmIdentifier ::= SEQUENCE { OID, parameters ANY OPTIONAL } */
static bool
need_algorithm(struct tlv_reader *reader, struct span *whole, struct span *oid)
{
	struct tlv algorithm, part;
	struct tlv_reader in;

	if (!need(reader, DER_SEQUENCE, &algorithm))
		return false;
	in = tlv_inside(reader, &algorithm);
	if (!need(&in, DER_OID, &part))
		return false;
	if (whole != NULL)
		*whole = algorithm.whole;
	if (oid != NULL)
		*oid = part.whole;
	return tlv_next(&in, &part) != -1 && at_end(&in);
}

/* One of two forms of an identifier. */
static bool
need_either(struct tlv_reader *reader, unsigned char a, unsigned char b)
{
	struct tlv part;

	return need(reader, a, &part) || need(reader, b, &part);
}

/* RFC 5652 6.2.1 */
static bool
read_key_transport(struct tlv_reader in)
{
	struct tlv part;

	return need(&in, DER_INTEGER, &part) &&
	       need_either(&in, DER_SEQUENCE, DER_CONTEXT) &&
	       need_algorithm(&in, NULL, NULL) &&
	       need(&in, DER_OCTETS, &part) && at_end(&in);
}

static bool
read_encrypted_key(struct tlv_reader in)
{
	struct tlv part;

	return need_either(&in, DER_SEQUENCE, DER_CONSTRUCTED) &&
	       need(&in, DER_OCTETS, &part) && at_end(&in);
}

/* RFC 5652 6.2.2 */
static bool
read_key_agreement(struct tlv_reader in)
{
	struct tlv part, keys;
	struct tlv_reader list;

	if (!need(&in, DER_INTEGER, &part) ||
		!need(&in, DER_CONSTRUCTED, &part) ||
		tlv_take(&in, DER_CONSTRUCTED | 1, &part) == -1 ||
		!need_algorithm(&in, NULL, NULL) ||
		!need(&in, DER_SEQUENCE, &keys) || !at_end(&in))
		return false;
	list = tlv_inside(&in, &keys);
	while (!at_end(&list))
		if (!need(&list, DER_SEQUENCE, &part) ||
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

	while (!at_end(&list)) {
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

	if (!need(&in, DER_OID, &part) ||
		!need_algorithm(
			&in, &envelope->algorithm, &envelope->cipher_oid))
		return false;
	envelope->content_type = part.whole;
	if (at_end(&in))
		return true;
	if (tlv_next(&in, content) != 1 || !at_end(&in))
		return false;
	if (content->tag == DER_CONTEXT) {
		envelope->content_len = content->content.len;
		return true;
	}
	return content->tag == DER_CONSTRUCTED &&
	       count_octets(&in, content, &envelope->content_len);
}

/* After the content: RFC 5652 6.1 has one more field, RFC 5083 2.1 three. */
static bool
read_after(struct tlv_reader in, struct envelope *envelope)
{
	unsigned char last = DER_CONSTRUCTED | 1;
	struct tlv part;

	envelope->after = in.rest;
	if (envelope->authenticated) {
		if (tlv_take(&in, DER_CONSTRUCTED | 1, &part) == -1 ||
			tlv_take(&in, DER_OCTETS, &part) != 1)
			return false;
		envelope->mac = part.content;
		last = DER_CONSTRUCTED | 2;
	}
	return tlv_take(&in, last, &part) != -1 && at_end(&in);
}

static bool
read_enveloped(struct tlv_reader in, struct envelope *envelope)
{
	struct tlv part;
	int got;

	if (!need(&in, DER_INTEGER, &part))
		return false;
	envelope->version = part.whole;
	got = tlv_take(&in, DER_CONSTRUCTED, &part);
	if (got == 1)
		envelope->originator = part.whole;
	if (got == -1 || !need(&in, DER_SET, &part))
		return false;
	envelope->recipients = part.whole;
	if (!read_recipients(tlv_inside(&in, &part), envelope) ||
		!need(&in, DER_SEQUENCE, &part) ||
		!read_content_info(tlv_inside(&in, &part), envelope))
		return false;
	return read_after(in, envelope) && fits_cipher(envelope);
}

/* ContentInfo ::= SEQUENCE { OID, [0] content }, and nothing behind it. */
static int
open_content_info(
	struct tlv_reader *reader, struct span *oid, struct tlv_reader *content)
{
	struct tlv info, part;
	struct tlv_reader in;

	if (!need(reader, DER_SEQUENCE, &info))
		return 0;
	in = tlv_inside(reader, &info);
	if (!need(&in, DER_OID, &part))
		return 0;
	*oid = part.whole;
	if (tlv_take(&in, DER_CONSTRUCTED, &part) != 1 || !at_end(&in) ||
		!at_end(reader))
		content->rest = span_of(NULL, 0);
	else
		*content = tlv_inside(&in, &part);
	return 1;
}

/* The one SEQUENCE that the [0] of a ContentInfo holds. */
static bool
open_sequence(struct tlv_reader *content, struct tlv_reader *in)
{
	struct tlv part;

	if (!need(content, DER_SEQUENCE, &part) || !at_end(content))
		return false;
	*in = tlv_inside(content, &part);
	return true;
}

int
envelope_read(struct span bytes, struct envelope *envelope)
{
	unsigned work = 0;
	struct tlv_reader reader = { bytes, &work }, content = reader, in;
	struct span oid;

	memset(envelope, 0, sizeof(*envelope));
	if (!open_content_info(&reader, &oid, &content))
		return 0;
	envelope->authenticated = span_equal(oid, OID_AUTH_ENVELOPED_DATA);
	if (!envelope->authenticated && !span_equal(oid, OID_ENVELOPED_DATA))
		return 0;
	return open_sequence(&content, &in) && read_enveloped(in, envelope);
}

/* EncapsulatedContentInfo (RFC 5652 5.2): says whether there is content. */
static bool
read_encapsulated(struct tlv_reader in, bool *has_content)
{
	struct tlv part;

	if (!need(&in, DER_OID, &part))
		return false;
	*has_content = !at_end(&in);
	return !*has_content ||
	       (tlv_take(&in, DER_CONSTRUCTED, &part) == 1 && at_end(&in));
}

/* SignedData (RFC 5652 5.1): NONE when it is broken. */
static enum cms_kind
read_signed(struct tlv_reader in)
{
	struct tlv part;
	bool has_content;

	if (!need(&in, DER_INTEGER, &part) ||
		tlv_take(&in, DER_SET, &part) != 1 ||
		!need(&in, DER_SEQUENCE, &part) ||
		!read_encapsulated(tlv_inside(&in, &part), &has_content) ||
		tlv_take(&in, DER_CONSTRUCTED, &part) == -1 ||
		tlv_take(&in, DER_CONSTRUCTED | 1, &part) == -1 ||
		tlv_take(&in, DER_SET, &part) != 1 || !at_end(&in))
		return CMS_KIND_OTHER;
	if (part.content.len != 0)
		return CMS_KIND_SIGNED;
	return has_content ? CMS_KIND_OTHER : CMS_KIND_CERTS_ONLY;
}

static enum cms_kind
recognise_envelope(struct span bytes)
{
	struct envelope envelope;

	if (!envelope_read(bytes, &envelope) || envelope.content_len == 0 ||
		envelope.recipient_count == 0)
		return CMS_KIND_OTHER;
	if (!envelope.authenticated)
		return CMS_KIND_ENVELOPED;
	return envelope.mac.len >= 4 ? CMS_KIND_AUTH_ENVELOPED : CMS_KIND_OTHER;
}

enum cms_kind
cms_recognise(struct span bytes)
{
	unsigned work = 0;
	struct tlv_reader reader = { bytes, &work }, content = reader, in;
	struct tlv part;
	struct span oid;

	if (!open_content_info(&reader, &oid, &content))
		return CMS_KIND_NONE;
	if (span_equal(oid, OID_ENVELOPED_DATA) ||
		span_equal(oid, OID_AUTH_ENVELOPED_DATA))
		return recognise_envelope(bytes);
	if (span_equal(oid, OID_SIGNED_DATA))
		return open_sequence(&content, &in) ? read_signed(in)
						    : CMS_KIND_OTHER;
	if (span_equal(oid, OID_DATA) && tlv_next(&content, &part) == 1)
		return CMS_KIND_DATA;
	return CMS_KIND_OTHER;
}
