/* The extensions of a certificate in words, for people (RFC 5280 4.2). */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

/* Of each kind; more are left out. */
enum { SHOWN_MAX = 64 };

/* The bits of keyUsage in the RFC's words. */
static const struct {
	uint32_t bit;
	const char *word;
} usages[] = {
	{ KU_DIGITAL_SIGNATURE, "digitalSignature" },
	{ KU_NON_REPUDIATION, "nonRepudiation" },
	{ KU_KEY_ENCIPHERMENT, "keyEncipherment" },
	{ KU_DATA_ENCIPHERMENT, "dataEncipherment" },
	{ KU_KEY_AGREEMENT, "keyAgreement" },
	{ KU_KEY_CERT_SIGN, "keyCertSign" },
	{ KU_CRL_SIGN, "cRLSign" },
	{ KU_ENCIPHER_ONLY, "encipherOnly" },
	{ KU_DECIPHER_ONLY, "decipherOnly" },
};

static void
add_text(struct list *out, const void *text, int len)
{
	if (len > 0 && out->count < SHOWN_MAX)
		list_add(out, mem_string_n(text, (size_t)len));
}

static void
add_object(struct list *out, const ASN1_OBJECT *object)
{
	int nid = OBJ_obj2nid(object);
	char text[128];

	if (nid != NID_undef)
		add_text(out, OBJ_nid2sn(nid), (int)strlen(OBJ_nid2sn(nid)));
	else if (OBJ_obj2txt(text, sizeof(text), object, 1) > 0)
		add_text(out, text, (int)strlen(text));
}

static void
add_uri(struct list *out, const GENERAL_NAME *name)
{
	if (name->type == GEN_URI)
		add_text(out,
			ASN1_STRING_get0_data(
				name->d.uniformResourceIdentifier),
			ASN1_STRING_length(name->d.uniformResourceIdentifier));
}

static void
read_usage(X509 *x509, struct list *out)
{
	uint32_t bits = X509_get_key_usage(x509);

	/* All bits: there is no such extension. */
	for (size_t i = 0; bits != UINT32_MAX && i < COUNT_OF(usages); i++)
		if ((bits & usages[i].bit) != 0)
			list_add(out, mem_string(usages[i].word));
}

static void
read_extended_usage(X509 *x509, struct list *out)
{
	EXTENDED_KEY_USAGE *usage =
		X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);

	for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++)
		add_object(out, sk_ASN1_OBJECT_value(usage, i));
	EXTENDED_KEY_USAGE_free(usage);
}

static void
read_crl_points(X509 *x509, struct list *out)
{
	CRL_DIST_POINTS *points =
		X509_get_ext_d2i(x509, NID_crl_distribution_points, NULL, NULL);

	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		const GENERAL_NAMES *names = NULL;

		if (point->distpoint != NULL && point->distpoint->type == 0)
			names = point->distpoint->name.fullname;
		for (int j = 0; j < sk_GENERAL_NAME_num(names); j++)
			add_uri(out, sk_GENERAL_NAME_value(names, j));
	}
	CRL_DIST_POINTS_free(points);
}

static void
read_authority_access(X509 *x509, struct cert_details *out)
{
	AUTHORITY_INFO_ACCESS *access =
		X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);

	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
		const ACCESS_DESCRIPTION *one =
			sk_ACCESS_DESCRIPTION_value(access, i);

		if (OBJ_obj2nid(one->method) == NID_ad_OCSP)
			add_uri(&out->ocsp, one->location);
		if (OBJ_obj2nid(one->method) == NID_ad_ca_issuers)
			add_uri(&out->issuer_at, one->location);
	}
	AUTHORITY_INFO_ACCESS_free(access);
}

static void
read_policies(X509 *x509, struct list *out)
{
	CERTIFICATEPOLICIES *policies =
		X509_get_ext_d2i(x509, NID_certificate_policies, NULL, NULL);

	for (int i = 0; i < sk_POLICYINFO_num(policies); i++)
		add_object(out, sk_POLICYINFO_value(policies, i)->policyid);
	CERTIFICATEPOLICIES_free(policies);
}

void
cert_details_read(const struct cert *cert, struct cert_details *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	unsigned len = 0;

	*out = (struct cert_details){ 0 };
	crypto_begin();
	if (X509_digest(cert->x509, crypto_digest(CRYPTO_SHA1), digest, &len) ==
		1)
		hex_write(out->sha1, span_of(digest, CERT_SHA1_BYTES));
	out->is_authority = cert_is_ca(cert);
	add_object(&out->signature,
		OBJ_nid2obj(X509_get_signature_nid(cert->x509)));
	read_usage(cert->x509, &out->key_usage);
	read_extended_usage(cert->x509, &out->extended_key_usage);
	read_crl_points(cert->x509, &out->crl_points);
	read_authority_access(cert->x509, out);
	read_policies(cert->x509, &out->policies);
	crypto_begin();
}

void
cert_details_clear(struct cert_details *details)
{
	list_clear(&details->signature, mem_free);
	list_clear(&details->key_usage, mem_free);
	list_clear(&details->extended_key_usage, mem_free);
	list_clear(&details->crl_points, mem_free);
	list_clear(&details->ocsp, mem_free);
	list_clear(&details->issuer_at, mem_free);
	list_clear(&details->policies, mem_free);
}
