#include "cms/internal.h"

/* AlgorithmIdentifier ::= SEQUENCE { OID, parameters ANY OPTIONAL } */
bool
need_algorithm(struct tlv_reader *reader, struct span *whole, struct span *oid)
{
	struct tlv algorithm, part;
	struct tlv_reader in;

	if (!tlv_need(reader, DER_SEQUENCE, &algorithm))
		return false;
	in = tlv_inside(reader, &algorithm);
	if (!tlv_need(&in, DER_OID, &part))
		return false;
	if (whole != NULL)
		*whole = algorithm.whole;
	if (oid != NULL)
		*oid = part.whole;
	return tlv_next(&in, &part) != -1 && tlv_at_end(&in);
}

/* ContentInfo ::= SEQUENCE { OID, [0] content }, and nothing behind it. */
int
content_info_open(
	struct tlv_reader *reader, struct span *oid, struct tlv_reader *content)
{
	struct tlv info, part;
	struct tlv_reader in;

	if (!tlv_need(reader, DER_SEQUENCE, &info))
		return 0;
	in = tlv_inside(reader, &info);
	if (!tlv_need(&in, DER_OID, &part))
		return 0;
	*oid = part.whole;
	if (tlv_take(&in, DER_CONSTRUCTED, &part) != 1 || !tlv_at_end(&in) ||
		!tlv_at_end(reader))
		content->rest = span_of(NULL, 0);
	else
		*content = tlv_inside(&in, &part);
	return 1;
}

bool
content_info_sequence(struct tlv_reader *content, struct tlv_reader *in)
{
	struct tlv part;

	if (!tlv_need(content, DER_SEQUENCE, &part) || !tlv_at_end(content))
		return false;
	*in = tlv_inside(content, &part);
	return true;
}

void
oid_text(struct span oid, char *out, size_t size)
{
	const unsigned char *at = oid.data;
	ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)oid.len);

	out[0] = '\0';
	if (object != NULL)
		OBJ_obj2txt(out, (int)size, object, 1);
	ASN1_OBJECT_free(object);
}

/* EncapsulatedContentInfo (RFC 5652 5.2) */
static bool
read_encapsulated(struct tlv_reader in, struct signed_data *out)
{
	struct tlv part;
	struct tlv_reader inside;

	if (!tlv_need(&in, DER_OID, &part))
		return false;
	out->content_type = part.whole;
	if (tlv_at_end(&in))
		return true;
	if (tlv_take(&in, DER_CONSTRUCTED, &part) != 1 || !tlv_at_end(&in))
		return false;
	inside = tlv_inside(&in, &part);
	out->has_content = true;
	/* PKCS #7 (RFC 2315) allowed anything here. */
	return tlv_next(&inside, &out->content) != -1;
}

/* A set that may be absent. */
static bool
take_set(struct tlv_reader *in, unsigned char tag, struct span *out)
{
	struct tlv part;
	int got = tlv_take(in, tag, &part);

	*out = got == 1 ? part.content : span_of(NULL, 0);
	return got != -1;
}

/* RFC 5652 5.1 */
int
signed_data_read(struct tlv_reader in, struct signed_data *out)
{
	struct tlv part;

	*out = (struct signed_data){ .has_content = false };
	if (!tlv_need(&in, DER_INTEGER, &part))
		return 0;
	out->version = part.whole;
	if (tlv_take(&in, DER_SET, &part) != 1 ||
		!tlv_need(&in, DER_SEQUENCE, &part) ||
		!read_encapsulated(tlv_inside(&in, &part), out) ||
		!take_set(&in, DER_CONSTRUCTED, &out->certificates) ||
		!take_set(&in, DER_CONSTRUCTED | 1, &out->crls) ||
		tlv_take(&in, DER_SET, &part) != 1 || !tlv_at_end(&in))
		return 0;
	out->signers = part.content;
	return 1;
}
