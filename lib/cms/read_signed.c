/* Verification of a SignedData (RFC 5652 5.4, 5.6; RFC 8550, RFC 8551). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cms/internal.h"

/* A SignedData on its way through this file. */
struct reading {
	const struct cms_read_limits *limits;
	const struct list *more;
	struct signed_data data;
	struct content_digests digests;
	unsigned work;
	struct cms_signed *out;
};

static struct tlv_reader
reader_of(struct reading *reading, struct span bytes)
{
	return (struct tlv_reader){ bytes, &reading->work };
}

/* ---- one signer ---- */

static struct cert *
find_named(const struct list *certs, const struct party_id *id)
{
	struct cert *cert;

	LIST_FOREACH (cert, certs)
		if (party_is(id, cert->x509))
			return cert;
	return NULL;
}

static int
try_certificate(struct reading *reading, const struct signer_info *info,
	const struct signed_attributes *attributes, X509 *x509, unsigned *weak,
	struct error *why)
{
	if (!signed_attributes_mean(attributes, x509, &reading->work))
		return crypto_fail(why, ERROR_CRYPTO,
			"its signingCertificate means another certificate");
	if (signer_info_check_key(x509, weak, why) != 0)
		return -1;
	return signer_info_verify(info, &reading->data, x509, why);
}

/*
 * Of the certificates that the SignerInfo names (several may share a key
 * identifier) the one that verifies; *found is the first of them, so that
 * something can be said of whose it should have been.
 */
static int
verify_with(struct reading *reading, const struct list *certs,
	const struct signer_info *info,
	const struct signed_attributes *attributes,
	struct cms_signer_report *report, struct cert **found)
{
	struct cert *cert;

	LIST_FOREACH (cert, certs) {
		unsigned weak = 0;
		struct error why = { 0 };

		if (!party_is(&info->id, cert->x509))
			continue;
		report->verified = try_certificate(reading, info, attributes,
					   cert->x509, &weak, &why) == 0;
		if (*found == NULL || report->verified) {
			*found = cert;
			report->why = why;
			report->weak = (report->weak & ~CMS_WEAK_KEY) | weak;
		}
		if (report->verified)
			return 1;
		if (why.kind == ERROR_SYSTEM)
			return -1;
	}
	return *found != NULL;
}

static int
find_signer(struct reading *reading, const struct signer_info *info,
	const struct signed_attributes *attributes,
	struct cms_signer_report *report)
{
	struct cert *found = NULL;
	int got = verify_with(reading, &reading->out->certificates, info,
		attributes, report, &found);

	if (got == 0 && reading->more != NULL)
		got = verify_with(reading, reading->more, info, attributes,
			report, &found);
	if (got == 0 && crypto_lacked_memory())
		return error_set(&report->why, ERROR_SYSTEM, "no memory");
	if (got == 0)
		error_set(&report->why, ERROR_NOKEY,
			"the certificate of its signer is not there");
	if (found != NULL)
		report->cert =
			signed_with_chain(&reading->out->certificates, found);
	return got == -1 ? -1 : 0;
}

/* One digest for content and attributes (RFC 8933 3, RFC 4056 3). */
static bool
is_same_digest(const struct signer_info *info, int digest)
{
	const unsigned char *at = info->signature_oid.data;
	ASN1_OBJECT *oid =
		d2i_ASN1_OBJECT(NULL, &at, (long)info->signature_oid.len);
	int nid = NID_undef;
	bool known = oid != NULL &&
		     OBJ_find_sigid_algs(OBJ_obj2nid(oid), &nid, NULL) == 1;

	ASN1_OBJECT_free(oid);
	return !known || nid == NID_undef || nid == read_digest_nid(digest);
}

/* What can be said before the signer's key is known: 0, or -1 with `why`. */
static int
check_info(struct reading *reading, const struct signer_info *info,
	struct signed_attributes *attributes, struct cms_signer_report *report)
{
	struct error *why = &report->why;
	int digest = read_digest_find(info->digest_oid);
	struct span made;
	char oid[80];

	if (digest == -1) {
		oid_text(info->digest_oid, report->digest,
			sizeof(report->digest));
		oid_text(info->digest_oid, oid, sizeof(oid));
		return error_set(why,
			read_digest_is_broken(info->digest_oid) ? ERROR_FORMAT
								: ERROR_CONFIG,
			"its digest %s is none that is taken", oid);
	}
	snprintf(report->digest, sizeof(report->digest), "%s",
		read_digest_name(digest));
	if (read_digest_nid(digest) == NID_sha1)
		report->weak |= CMS_WEAK_DIGEST;
	if (!is_same_digest(info, digest))
		return error_set(why, ERROR_FORMAT,
			"its content and its signedAttrs have different "
			"digests");
	if (info->attributes_content.len == 0)
		return error_set(why, ERROR_CRYPTO, "it has no signedAttrs");
	if (signed_attributes_read(reader_of(reading, info->attributes_content),
		    attributes, why) != 0 ||
		read_digest_content(&reading->digests, digest, &made, why) != 0)
		return -1;
	return signed_attributes_check(attributes, info,
		reading->data.content_type, made, &reading->work, why);
}

static void
fill_claims(struct reading *reading, const struct signed_attributes *attributes,
	struct cms_signer_report *report)
{
	struct party_id id;
	struct cert *named;

	report->signing_time = signed_attributes_time(attributes);
	if (!signed_attributes_encryption(attributes, &reading->work, &id))
		return;
	named = find_named(&reading->out->certificates, &id);
	if (named != NULL && strcmp(named->sha256, report->cert->sha256) != 0)
		report->encryption =
			signed_with_chain(&reading->out->certificates, named);
}

static int
read_signer(struct reading *reading, struct tlv_reader in, struct error *err)
{
	struct cms_signer_report *report = mem_alloc(sizeof(*report));
	struct signed_attributes attributes = { 0 };
	struct signer_info info;
	int rc = 0;

	list_add(&reading->out->signers, report);
	if (!signer_info_read(in, &info)) {
		party_fill(&info.id, info.signature_oid, &report->party);
		error_set(&report->why, ERROR_FORMAT,
			"its SignerInfo is malformed");
		return 0;
	}
	party_fill(&info.id, info.signature_oid, &report->party);
	if (check_info(reading, &info, &attributes, report) == 0) {
		rc = find_signer(reading, &info, &attributes, report);
	} else {
		struct cert *named =
			find_named(&reading->out->certificates, &info.id);

		if (named != NULL)
			report->cert = signed_with_chain(
				&reading->out->certificates, named);
	}
	if (report->verified)
		fill_claims(reading, &attributes, report);
	crypto_begin();
	if (rc != 0 || report->why.kind == ERROR_SYSTEM)
		return error_set(err, report->why.kind, "%s", report->why.text);
	return 0;
}

static int
read_signers(struct reading *reading, struct error *err)
{
	struct tlv_reader in = reader_of(reading, reading->data.signers);
	struct tlv tlv;
	unsigned count = 0;

	while (!tlv_at_end(&in)) {
		if (tlv_take(&in, DER_SEQUENCE, &tlv) != 1)
			return error_set(err, ERROR_FORMAT,
				"its SignerInfos are malformed");
		if (++count > reading->limits->signers)
			return read_too_many(
				err, "signers", reading->limits->signers);
		if (read_signer(reading, tlv_inside(&in, &tlv), err) != 0)
			return -1;
	}
	return 0;
}

/* ---- the content ---- */

/* RFC 8551 2.4.2: what is signed in mail is of type data. */
static int
read_content(struct reading *reading, struct error *err)
{
	struct signed_data *data = &reading->data;
	struct cms_signed *out = reading->out;
	struct tlv_reader reader = reader_of(reading, data->content.whole);
	struct octets octets;
	struct span piece;
	int got;

	if (!data->has_content)
		return data->signers.len == 0
			       ? 0
			       : error_set(err, ERROR_FORMAT,
					 "there is no content in it");
	if (!span_equal(data->content_type, OID_DATA) ||
		(data->content.tag & ~CONSTRUCTED) != DER_OCTETS)
		return error_set(err, ERROR_FORMAT,
			"what is signed in it is no mail, but another "
			"structure");
	if (data->content.tag == DER_OCTETS) {
		out->content = data->content.content;
		return 0;
	}
	octets_begin(&octets, &reader, &data->content);
	while ((got = octets_next(&octets, &piece)) == 1)
		if (buf_add_span(&out->joined, piece, err) != 0)
			return -1;
	if (got != 0)
		return error_set(err, ERROR_FORMAT, "its content is malformed");
	out->content = buf_span(&out->joined);
	return 0;
}

static int
read_skeleton(struct span cms, struct signed_data *out, struct error *err)
{
	unsigned work = 0;
	struct tlv_reader reader = { cms, &work }, content = reader, in;
	struct span oid;

	if (content_info_open(&reader, &oid, &content) &&
		span_equal(oid, OID_SIGNED_DATA) &&
		content_info_sequence(&content, &in) &&
		signed_data_read(in, out))
		return 0;
	return error_set(err, ERROR_FORMAT, "this is no SignedData");
}

static int
read_all(struct reading *reading, const struct pieces *content, struct span cms,
	struct error *err)
{
	struct pieces inside = { .count = 0 };

	if (read_skeleton(cms, &reading->data, err) != 0)
		return -1;
	if (content != NULL && reading->data.has_content)
		return error_set(err, ERROR_FORMAT,
			"there is content inside a detached signature");
	if (content == NULL && read_content(reading, err) != 0)
		return -1;
	pieces_add(&inside, reading->out->content);
	reading->digests.content = content != NULL ? content : &inside;
	if (signed_read_certificates(&reading->data, reading->limits,
		    &reading->work, reading->out, err) != 0)
		return -1;
	return read_signers(reading, err);
}

int
cms_read_signed(struct span cms, const struct pieces *content,
	const struct list *more, const struct cms_read_limits *limits,
	struct cms_signed *out, struct error *err)
{
	struct reading reading = { .more = more, .out = out };
	int rc;

	memset(out, 0, sizeof(*out));
	out->detached = content != NULL;
	reading.limits = limits != NULL ? limits : &cms_read_limits_default;
	crypto_begin();
	rc = read_all(&reading, content, cms, err);
	if (rc != 0)
		cms_signed_clear(out);
	crypto_begin();
	return rc;
}

static void
free_report(void *p)
{
	struct cms_signer_report *report = p;

	party_clear(&report->party);
	cert_unref(report->cert);
	cert_unref(report->encryption);
	mem_free(report);
}

void
cms_signed_clear(struct cms_signed *out)
{
	list_clear(&out->signers, free_report);
	list_clear(&out->certificates, cert_unref);
	buf_clear(&out->joined);
	memset(out, 0, sizeof(*out));
}

bool
cms_signed_is_verified(const struct cms_signed *out)
{
	struct cms_signer_report *report;

	LIST_FOREACH (report, &out->signers)
		if (!report->verified)
			return false;
	return out->signers.count != 0;
}
