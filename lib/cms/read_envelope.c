/* What can be said of an envelope without a key. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cms/internal.h"

const struct cms_read_limits cms_read_limits_default = {
	.recipients = 500,
	.signers = 8,
	.certificates = 64,
	.certificate_bytes = 64 * 1024,
};

int
read_too_many(struct error *err, const char *what, unsigned limit)
{
	return error_set(
		err, ERROR_LIMIT, "there are more than %u %s", limit, what);
}

static int
read_all_recipients(const struct envelope *envelope, unsigned limit,
	struct list *out, struct error *err)
{
	unsigned work = 0;
	struct recipient_walk walk;
	struct recipient recipient;
	struct cms_party *party;

	if (recipients_begin(&walk, envelope, &work) != 0)
		return error_set(err, ERROR_FORMAT, "this is no envelope");
	while (recipients_next(&walk, &recipient) == 1) {
		if (walk.count > limit)
			break;
		if (recipient.kind == RECIPIENT_OTHER)
			continue;
		party = mem_alloc(sizeof(*party));
		party_fill(&recipient.id, recipient.algorithm_oid, party);
		list_add(out, party);
	}
	if (walk.count > limit)
		return read_too_many(err, "RecipientInfos", limit);
	return 0;
}

static void
describe_cipher(const struct envelope *envelope, struct cms_envelope *out)
{
	const struct read_cipher *cipher = read_cipher_find(envelope);

	out->authenticated = envelope->authenticated;
	if (cipher == NULL) {
		oid_text(envelope->cipher_oid, out->algorithm,
			sizeof(out->algorithm));
		return;
	}
	snprintf(out->algorithm, sizeof(out->algorithm), "%s", cipher->name);
	out->key_bits = read_cipher_key_bits(cipher, envelope);
	out->legacy = cipher->legacy;
}

int
cms_read_envelope(struct span cms, const struct cms_read_limits *limits,
	struct cms_envelope *out, struct error *err)
{
	struct envelope envelope;

	memset(out, 0, sizeof(*out));
	if (limits == NULL)
		limits = &cms_read_limits_default;
	crypto_begin();
	if (!envelope_read(cms, &envelope))
		return error_set(err, ERROR_FORMAT, "this is no envelope");
	describe_cipher(&envelope, out);
	if (read_all_recipients(&envelope, limits->recipients, &out->recipients,
		    err) != 0) {
		cms_envelope_clear(out);
		return -1;
	}
	/* What could not be read has a text that says so: "". */
	crypto_begin();
	return 0;
}

static void
free_party(void *p)
{
	party_clear(p);
	mem_free(p);
}

void
cms_envelope_clear(struct cms_envelope *envelope)
{
	list_clear(&envelope->recipients, free_party);
	memset(envelope, 0, sizeof(*envelope));
}

int
cms_envelope_is_for(
	const struct cms_envelope *envelope, const struct cert *cert)
{
	struct cms_party *party;
	int is, answer = 0;

	LIST_FOREACH (party, &envelope->recipients) {
		is = cms_party_is(party, cert);
		if (is == 1)
			return 1;
		if (is < 0)
			answer = -1;
	}
	return answer;
}
