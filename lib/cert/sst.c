/*
 * Microsoft's serialized store (MS-OSHARED 2.3.2.5): a header, elements, an
 * end marker; every number is 32 bits, little-endian.  Properties stand before
 * the item they belong to and say nothing that is needed here.
 */
#include <stdint.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

enum {
	NUMBER_BYTES = 4,
	HEADER_BYTES = 2 * NUMBER_BYTES,
	ELEMENT_BYTES = 3 * NUMBER_BYTES, /* id, encoding, length */
	VERSION = 0,
	VERSION_MAX = 0xff, /* of what is taken for a store at all */
	ENCODING_ASN1 = 1,
	ID_MAX = 0xffff
};

#define TYPE_CERT 0x54524543 /* "CERT" */

enum { ID_END = 0, ID_CERT = 32, ID_CRL = 33, ID_CTL = 34 };

struct element {
	uint32_t id, encoding, length;
	struct span content;
};

static uint32_t
number_at(struct span bytes, size_t at)
{
	const unsigned char *byte = bytes.data + at;

	return (uint32_t)byte[0] | (uint32_t)byte[1] << 8 |
	       (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
}

static struct span
rest_of(struct span bytes, size_t from)
{
	return span_of(bytes.data + from, bytes.len - from);
}

/* 1 and *rest stands behind it, 0 at the end, -1 when it is not whole. */
static int
next_element(struct span *rest, struct element *out)
{
	*out = (struct element){ 0 };
	if (rest->len < NUMBER_BYTES)
		return -1;
	out->id = number_at(*rest, 0);
	if (out->id == ID_END)
		return 0;
	if (out->id > ID_MAX || rest->len < ELEMENT_BYTES)
		return -1;
	out->encoding = number_at(*rest, NUMBER_BYTES);
	out->length = number_at(*rest, HEADER_BYTES);
	if (out->length > rest->len - ELEMENT_BYTES)
		return -1;
	out->content = span_of(rest->data + ELEMENT_BYTES, out->length);
	*rest = rest_of(*rest, ELEMENT_BYTES + out->length);
	return 1;
}

/*
 * What the registry of Windows holds: the elements of one item, without
 * header and end.  Only when all of it is in order, lest it is something else.
 */
static bool
is_one_item(struct span bytes)
{
	struct element element;
	size_t items = 0;
	int found;

	while ((found = next_element(&bytes, &element)) > 0) {
		if (element.encoding != ENCODING_ASN1)
			return false;
		items += element.id == ID_CERT || element.id == ID_CRL;
	}
	return items == 1 && (found == 0 || bytes.len == 0);
}

/*
 * Of any version and type, so that the sentence can say which.  Text may have
 * the letters of the type there, but no number as small as a version.
 */
static bool
has_header(struct span bytes)
{
	struct element first;
	struct span rest;

	if (bytes.len < HEADER_BYTES || number_at(bytes, 0) > VERSION_MAX)
		return false;
	if (number_at(bytes, NUMBER_BYTES) == TYPE_CERT)
		return true;
	rest = rest_of(bytes, HEADER_BYTES);
	return number_at(bytes, 0) == VERSION &&
	       next_element(&rest, &first) > 0 &&
	       first.encoding == ENCODING_ASN1;
}

static int
check_header(const struct reading *in, struct span bytes, struct error *err)
{
	uint32_t version = number_at(bytes, 0);
	uint32_t type = number_at(bytes, NUMBER_BYTES);

	if (version != VERSION)
		return error_set(err, ERROR_FORMAT,
			"%s: a serialized store (SST) of version %u, which is "
			"not known",
			in->source, version);
	if (type != TYPE_CERT)
		return error_set(err, ERROR_FORMAT,
			"%s: a serialized store (SST) of type %08x, which is "
			"not known",
			in->source, type);
	return 0;
}

bool
sst_is(struct span bytes)
{
	return has_header(bytes) || is_one_item(bytes);
}

/* One item that is damaged is a warning and spoils no other. */
static int
read_item(struct reading *in, const struct element *element, struct error *err)
{
	const unsigned char *at = element->content.data;
	const unsigned char *end = at + element->length;
	X509 *x509 = NULL;
	X509_CRL *crl = NULL;

	crypto_begin();
	if (element->id == ID_CERT)
		x509 = d2i_X509(NULL, &at, (long)element->length);
	else
		crl = d2i_X509_CRL(NULL, &at, (long)element->length);
	if (x509 == NULL && crl == NULL)
		return reading_skip(in,
			element->id == ID_CERT
				? "a certificate that cannot be parsed"
				: "a revocation list that cannot be parsed",
			err);
	crypto_begin();
	reading_check_end(in, at, end);
	return x509 != NULL ? reading_add_cert(in, x509, err)
			    : reading_add_crl(in, crl, err);
}

static int
read_element(
	struct reading *in, const struct element *element, struct error *err)
{
	bool is_item = element->id == ID_CERT || element->id == ID_CRL;

	if (is_item || element->id == ID_CTL)
		in->may_be_empty = false;
	if (element->encoding != ENCODING_ASN1) {
		reading_warn(in,
			"an element (%u) in encoding %u, which is not known, "
			"was skipped",
			element->id, element->encoding);
		return 0;
	}
	return is_item ? read_item(in, element, err) : 0;
}

static void
end_sst(struct reading *in, struct span bytes, struct span rest, bool ended,
	bool must_end)
{
	size_t marker = rest.len < ELEMENT_BYTES ? rest.len : ELEMENT_BYTES;

	if (ended) {
		reading_check_end(in, rest.data + marker, rest.data + rest.len);
		return;
	}
	if (rest.len == 0 && !must_end)
		return;
	in->may_be_empty = false;
	reading_warn(in,
		rest.len == 0 ? "its end marker is missing, after %zu bytes: "
				"it may have been cut short"
			      : "it is damaged or cut short at byte %zu: only "
				"what stands before was read",
		bytes.len - rest.len);
}

int
read_sst(struct reading *in, struct span bytes, struct error *err)
{
	bool with_header = has_header(bytes);
	struct span rest = rest_of(bytes, with_header ? HEADER_BYTES : 0);
	struct element element;
	int found;

	if (with_header && check_header(in, bytes, err) != 0)
		return -1;
	in->may_be_empty = true;
	while ((found = next_element(&rest, &element)) > 0)
		if (read_element(in, &element, err) != 0)
			return -1;
	end_sst(in, bytes, rest, found == 0, with_header);
	return 0;
}
