#include "cms/internal.h"

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

static enum cms_kind
recognise_signed(struct tlv_reader *content)
{
	struct tlv_reader in;
	struct signed_data data;

	if (!content_info_sequence(content, &in) ||
		!signed_data_read(in, &data))
		return CMS_KIND_OTHER;
	if (data.signers.len != 0)
		return CMS_KIND_SIGNED;
	return data.has_content ? CMS_KIND_OTHER : CMS_KIND_CERTS_ONLY;
}

enum cms_kind
cms_recognise(struct span bytes)
{
	unsigned work = 0;
	struct tlv_reader reader = { bytes, &work }, content = reader;
	struct tlv part;
	struct span oid;

	if (!content_info_open(&reader, &oid, &content))
		return CMS_KIND_NONE;
	if (span_equal(oid, OID_ENVELOPED_DATA) ||
		span_equal(oid, OID_AUTH_ENVELOPED_DATA))
		return recognise_envelope(bytes);
	if (span_equal(oid, OID_SIGNED_DATA))
		return recognise_signed(&content);
	if (span_equal(oid, OID_DATA) && tlv_next(&content, &part) == 1)
		return CMS_KIND_DATA;
	return CMS_KIND_OTHER;
}
