#include "cms/internal.h"

int
recipients_begin(struct recipient_walk *walk, const struct envelope *envelope,
	unsigned *work)
{
	struct tlv_reader reader = { envelope->recipients, work };
	struct tlv set;

	*walk = (struct recipient_walk){ .list = reader };
	if (tlv_next(&reader, &set) != 1)
		return -1;
	walk->list = tlv_inside(&reader, &set);
	walk->keys = walk->list;
	walk->keys.rest.len = 0;
	return 0;
}

/* RFC 5652 6.2.1 */
static bool
read_transport(struct tlv_reader in, struct recipient *out)
{
	struct tlv part;

	out->kind = RECIPIENT_TRANSPORT;
	return tlv_next(&in, &part) == 1 && party_read(&in, &out->id) == 1 &&
	       need_algorithm(&in, &out->algorithm, &out->algorithm_oid);
}

/* RFC 5652 6.2.2; the keys, one for each recipient, follow one by one. */
static bool
read_agreement(struct recipient_walk *walk, struct tlv_reader in)
{
	struct recipient *out = &walk->agreement;
	const unsigned char *start = in.rest.data;
	struct tlv part;

	*out = (struct recipient){ .kind = RECIPIENT_AGREEMENT };
	if (tlv_next(&in, &part) != 1 ||
		tlv_take(&in, DER_CONSTRUCTED, &part) != 1)
		return false;
	out->originator = part.content;
	if (tlv_take(&in, DER_CONSTRUCTED | 1, &part) == -1 ||
		!need_algorithm(&in, &out->algorithm, &out->algorithm_oid))
		return false;
	out->head = span_of(start, (size_t)(in.rest.data - start));
	if (tlv_next(&in, &part) != 1)
		return false;
	walk->keys = tlv_inside(&in, &part);
	return true;
}

static bool
next_key(struct recipient_walk *walk, struct recipient *out)
{
	struct tlv key;
	struct tlv_reader in;

	if (tlv_next(&walk->keys, &key) != 1)
		return false;
	in = tlv_inside(&walk->keys, &key);
	*out = walk->agreement;
	out->key = key.whole;
	walk->count++;
	return party_read(&in, &out->id) == 1;
}

int
recipients_next(struct recipient_walk *walk, struct recipient *out)
{
	struct tlv info;

	for (;;) {
		if (!tlv_at_end(&walk->keys))
			return next_key(walk, out);
		if (tlv_next(&walk->list, &info) != 1)
			return 0;
		*out = (struct recipient){ .info = info.whole };
		if (info.tag == (DER_CONSTRUCTED | 1)) {
			if (!read_agreement(
				    walk, tlv_inside(&walk->list, &info)))
				return 0;
			continue;
		}
		walk->count++;
		if (info.tag != DER_SEQUENCE)
			return 1;
		return read_transport(tlv_inside(&walk->list, &info), out);
	}
}
