/* What stands in a certificate beside name and key (RFC 5280, RFC 8550). */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "ca/internal.h"

enum { CRITICAL = 1, ID_BYTES = 20 };
/* Bits of keyUsage (RFC 5280 4.2.1.3). */
enum {
	DIGITAL_SIGNATURE = 0,
	NON_REPUDIATION = 1,
	KEY_ENCIPHERMENT = 2,
	KEY_AGREEMENT = 4,
	KEY_CERT_SIGN = 5,
	CRL_SIGN = 6
};

static int
failed(const char *what, struct error *err)
{
	return crypto_fail(err, ERROR_CRYPTO,
		"a certificate cannot be given its %s", what);
}

static int
add(X509 *x509, int nid, void *value, bool critical, struct error *err)
{
	if (value != NULL &&
		X509_add1_ext_i2d(x509, nid, value, critical, 0) == 1)
		return 0;
	return failed(OBJ_nid2sn(nid), err);
}

/* ---- whose key ---- */

/* RFC 7093 2, method 1: of SHA-256 the first 160 bits. */
int
extend_ids(X509 *x509, X509 *issuer, struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	ASN1_OCTET_STRING *own = ASN1_OCTET_STRING_new();
	AUTHORITY_KEYID *above = AUTHORITY_KEYID_new();
	const ASN1_OCTET_STRING *id;
	int result = -1;

	if (own == NULL || above == NULL ||
		X509_pubkey_digest(x509, crypto_digest(CRYPTO_SHA256), digest,
			NULL) != 1 ||
		ASN1_OCTET_STRING_set(own, digest, ID_BYTES) != 1) {
		failed("key identifier", err);
		goto out;
	}
	if (add(x509, NID_subject_key_identifier, own, false, err) != 0)
		goto out;
	id = issuer != NULL ? X509_get0_subject_key_id(issuer) : own;
	above->keyid = id != NULL ? ASN1_OCTET_STRING_dup(id) : NULL;
	result = above->keyid != NULL ? add(x509, NID_authority_key_identifier,
						above, false, err)
				      : failed("issuer's key identifier", err);
out:
	ASN1_OCTET_STRING_free(own);
	AUTHORITY_KEYID_free(above);
	return result;
}

/* ---- what for ---- */

static int
add_key_usage(X509 *x509, const int *bits, size_t count, struct error *err)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	bool good = usage != NULL;
	int result;

	for (size_t i = 0; good && i < count; i++)
		good = ASN1_BIT_STRING_set_bit(usage, bits[i], 1) == 1;
	result = good ? add(x509, NID_key_usage, usage, CRITICAL, err)
		      : failed("keyUsage", err);
	ASN1_BIT_STRING_free(usage);
	return result;
}

int
extend_authority(X509 *x509, int path_length, struct error *err)
{
	static const int bits[] = { KEY_CERT_SIGN, CRL_SIGN };
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
	int result = -1;

	if (basic == NULL)
		return failed("basicConstraints", err);
	basic->ca = 0xff;
	basic->pathlen = ASN1_INTEGER_new();
	if (basic->pathlen == NULL ||
		ASN1_INTEGER_set(basic->pathlen, path_length) != 1)
		failed("path length", err);
	else if (add(x509, NID_basic_constraints, basic, CRITICAL, err) == 0)
		result = add_key_usage(x509, bits, COUNT_OF(bits), err);
	BASIC_CONSTRAINTS_free(basic);
	return result;
}

static int
add_purposes(X509 *x509, const struct list *names, struct error *err)
{
	EXTENDED_KEY_USAGE *purposes = EXTENDED_KEY_USAGE_new();
	bool good = purposes != NULL;
	const char *name;
	int result;

	LIST_FOREACH (name, names) {
		ASN1_OBJECT *object = good ? OBJ_txt2obj(name, 0) : NULL;

		good = object != NULL &&
		       sk_ASN1_OBJECT_push(purposes, object) > 0;
	}
	if (good && names->count == 0)
		good = sk_ASN1_OBJECT_push(
			       purposes, OBJ_nid2obj(NID_email_protect)) > 0;
	result = good ? add(x509, NID_ext_key_usage, purposes, false, err)
		      : failed("extendedKeyUsage", err);
	EXTENDED_KEY_USAGE_free(purposes);
	return result;
}

int
extend_usage(X509 *x509, const struct ca_template *template, bool rsa,
	struct error *err)
{
	int bits[3];
	size_t count = 0;

	if (template->sign)
		bits[count++] = DIGITAL_SIGNATURE;
	if (template->non_repudiation)
		bits[count++] = NON_REPUDIATION;
	if (template->encrypt)
		bits[count++] = rsa ? KEY_ENCIPHERMENT : KEY_AGREEMENT;
	if (add_key_usage(x509, bits, count, err) != 0)
		return -1;
	return add_purposes(x509, &template->extended, err);
}

/* ---- whose ---- */

static ASN1_STRING *
text_new(int type, const char *text)
{
	ASN1_STRING *string = ASN1_STRING_type_new(type);

	if (string != NULL && ASN1_STRING_set(string, text, -1) == 1)
		return string;
	ASN1_STRING_free(string);
	return NULL;
}

/* rfc822Name, or for NID an otherName with UTF-8 in it. */
static bool
add_name(GENERAL_NAMES *names, int nid, const char *text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *string =
		text_new(nid ? V_ASN1_UTF8STRING : V_ASN1_IA5STRING, text);
	ASN1_TYPE *value = ASN1_TYPE_new();

	if (name == NULL || string == NULL || value == NULL)
		goto out;
	if (nid == 0) {
		GENERAL_NAME_set0_value(name, GEN_EMAIL, string);
		string = NULL;
	} else {
		ASN1_TYPE_set(value, V_ASN1_UTF8STRING, string);
		string = NULL;
		if (GENERAL_NAME_set0_othername(
			    name, OBJ_nid2obj(nid), value) != 1)
			goto out;
		value = NULL;
	}
	if (sk_GENERAL_NAME_push(names, name) > 0)
		name = NULL;
	ASN1_TYPE_free(value);
	return name == NULL;
out:
	GENERAL_NAME_free(name);
	ASN1_STRING_free(string);
	ASN1_TYPE_free(value);
	return false;
}

/* As written, with the domain in A-labels, in both forms (RFC 9598 3). */
static char *
mailbox(const struct address *address)
{
	const char *at = strrchr(address->text, '@');

	return mem_printf("%.*s%s", (int)(at - address->text), address->text,
		strrchr(address->key, '@'));
}

int
extend_names(X509 *x509, const struct ca_template *template,
	const struct address *address, const char *upn, struct error *err)
{
	/* Without a subject this is all there is to go by (4.2.1.6). */
	bool critical = X509_NAME_entry_count(X509_get_subject_name(x509)) == 0;
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	char *text = mailbox(address);
	bool good =
		names != NULL && add_name(names,
					 span_is_ascii(span_string(text))
						 ? 0
						 : NID_id_on_SmtpUTF8Mailbox,
					 text);
	int result;

	if (good && template->upn)
		good = add_name(names, NID_ms_upn, upn != NULL ? upn : text);
	result = good ? add(x509, NID_subject_alt_name, names, critical, err)
		      : failed("subjectAltName", err);
	GENERAL_NAMES_free(names);
	mem_free(text);
	return result;
}

/* ---- where the list is ---- */

int
extend_crl(X509 *x509, const char *url, struct error *err)
{
	CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
	DIST_POINT *point = DIST_POINT_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *string = text_new(V_ASN1_IA5STRING, url);
	int result = -1;

	if (points == NULL || point == NULL || name == NULL || string == NULL)
		goto out;
	GENERAL_NAME_set0_value(name, GEN_URI, string);
	string = NULL;
	point->distpoint = DIST_POINT_NAME_new();
	if (point->distpoint == NULL)
		goto out;
	point->distpoint->type = 0;
	point->distpoint->name.fullname = GENERAL_NAMES_new();
	if (point->distpoint->name.fullname == NULL ||
		sk_GENERAL_NAME_push(point->distpoint->name.fullname, name) <=
			0)
		goto out;
	name = NULL;
	if (sk_DIST_POINT_push(points, point) <= 0)
		goto out;
	point = NULL;
	result = add(x509, NID_crl_distribution_points, points, false, err);
out:
	if (result != 0)
		failed("CRL distribution point", err);
	ASN1_STRING_free(string);
	GENERAL_NAME_free(name);
	DIST_POINT_free(point);
	CRL_DIST_POINTS_free(points);
	return result;
}

/* ---- what its owner can read ---- */

/* SMIMECapabilities (RFC 4262, RFC 8551 2.5.2), the best first. */
int
extend_capabilities(X509 *x509, struct error *err)
{
	static const int ciphers[] = { NID_aes_256_cbc, NID_aes_192_cbc,
		NID_aes_128_cbc };
	X509_ALGORS *list = sk_X509_ALGOR_new_null();
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	unsigned char *der = NULL;
	bool good = list != NULL && octets != NULL;
	int len, result = -1;

	for (size_t i = 0; good && i < COUNT_OF(ciphers); i++) {
		X509_ALGOR *one = X509_ALGOR_new();

		good = one != NULL &&
		       X509_ALGOR_set0(one, OBJ_nid2obj(ciphers[i]),
			       V_ASN1_UNDEF, NULL) == 1;
		if (!good || sk_X509_ALGOR_push(list, one) <= 0)
			X509_ALGOR_free(one);
	}
	len = good ? i2d_X509_ALGORS(list, &der) : 0;
	if (len > 0 && ASN1_OCTET_STRING_set(octets, der, len) == 1)
		extension = X509_EXTENSION_create_by_NID(
			NULL, NID_SMIMECapabilities, 0, octets);
	if (extension != NULL && X509_add_ext(x509, extension, -1) == 1)
		result = 0;
	else
		failed("SMIMECapabilities", err);
	X509_EXTENSION_free(extension);
	OPENSSL_free(der);
	ASN1_OCTET_STRING_free(octets);
	sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
	return result;
}
