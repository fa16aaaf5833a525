#include <openssl/provider.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cms/internal.h"

enum { YEAR_GENERALIZED = 2050, YEAR_MAX = 9999 };

struct digest {
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len;
};

/* One mail's signature while it is made. */
struct signing {
	const struct cms_signer *signer;
	struct digest content;
	struct buf attributes; /* DER, SET OF */
	struct buf infos;      /* SignerInfos, with the SET around */
};

static int
digest_pieces(enum crypto_digest kind, const struct pieces *pieces,
	struct digest *out, struct error *err)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int ok = context != NULL &&
		 EVP_DigestInit_ex2(context, crypto_digest(kind), NULL) == 1;

	for (size_t i = 0; ok && i < pieces->count; i++)
		ok = EVP_DigestUpdate(context, pieces->item[i].data,
			     pieces->item[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(context, out->bytes, &out->len) == 1;
	EVP_MD_CTX_free(context);
	if (ok)
		return 0;
	return crypto_fail(err, ERROR_CRYPTO, "the content cannot be hashed");
}

/* RFC 8551 2.5.1: UTCTime, which leaves the century out, up to 2049. */
static int
fill_attributes(struct signing *signing, struct error *err)
{
	char text[CLOCK_TEXT_SIZE];
	const struct attributes *from;
	const char *digits = text;
	time_t now = clock_now();
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL || tm.tm_year + 1900 > YEAR_MAX ||
		now < 0 ||
		strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) == 0)
		return error_set(err, ERROR_SYSTEM, "the clock is wrong");
	from = &signing->signer->attributes[FORM_GENERALIZED];
	if (tm.tm_year + 1900 < YEAR_GENERALIZED) {
		from = &signing->signer->attributes[FORM_UTC];
		digits += 2;
	}
	if (buf_add_span(&signing->attributes, buf_span(&from->der), err) != 0)
		return -1;
	memcpy(signing->attributes.data + from->time_at, digits,
		strlen(digits));
	memcpy(signing->attributes.data + from->digest_at,
		signing->content.bytes, signing->content.len);
	return 0;
}

/*
 * A key that signed when the signer was made and does not now is on a token
 * that has trouble, which passes; other keys only fail when something is
 * broken.
 */
static int
signing_failed(EVP_PKEY_CTX *context, struct error *err)
{
	const EVP_PKEY *key = EVP_PKEY_CTX_get0_pkey(context);
	const OSSL_PROVIDER *provider = EVP_PKEY_get0_provider(key);
	bool elsewhere = provider == NULL ||
			 strcmp(OSSL_PROVIDER_get0_name(provider), "default");

	return crypto_fail(
		err, elsewhere ? ERROR_SYSTEM : ERROR_CRYPTO, "signing failed");
}

/*
 * Without memory OpenSSL 3.0 says "success" for ECDSA with a length of 0 or
 * 2^32 - 1: lengths are not believed.
 */
static int
sign_digest(EVP_PKEY_CTX *context, const struct digest *digest,
	struct buf *signature, struct error *err)
{
	size_t room = 0, len;

	if (EVP_PKEY_sign(context, NULL, &room, digest->bytes, digest->len) <=
			0 ||
		room == 0)
		return signing_failed(context, err);
	if (buf_reserve(signature, room, err) != 0)
		return -1;
	len = room;
	if (EVP_PKEY_sign(context, signature->data, &len, digest->bytes,
		    digest->len) <= 0 ||
		len == 0 || len > room)
		return signing_failed(context, err);
	signature->len = len;
	return 0;
}

/* The digest of the DER with its SET OF tag (RFC 5652 5.4). */
static int
sign_attributes(
	struct signing *signing, struct buf *signature, struct error *err)
{
	struct pieces attributes = { .count = 0 };
	EVP_PKEY_CTX *context = NULL;
	struct digest digest;
	int rc;

	pieces_add(&attributes, buf_span(&signing->attributes));
	if (digest_pieces(signing->signer->digest, &attributes, &digest, err) !=
			0 ||
		signer_key_context(signing->signer, &context, err) != 0)
		return -1;
	rc = sign_digest(context, &digest, signature, err);
	EVP_PKEY_CTX_free(context);
	return rc;
}

/* SET OF SignerInfo (RFC 5652 5.3) */
static int
make_infos(struct signing *signing, struct error *err)
{
	struct der der = { &signing->infos, err, 0 };
	const struct cms_signer *signer = signing->signer;
	struct buf signature = { 0 };
	size_t set, info, attributes;

	if (sign_attributes(signing, &signature, err) != 0) {
		buf_clear(&signature);
		return -1;
	}
	set = der_open(&der);
	info = der_open(&der);
	der_element(&der, DER_INTEGER, SPAN("\x01"));
	der_add(&der, buf_span(&signer->sid));
	der_add(&der, buf_span(&signer->digest_algorithm));
	attributes = signing->infos.len;
	der_add(&der, buf_span(&signing->attributes));
	if (der.failed == 0)
		signing->infos.data[attributes] = DER_CONSTRUCTED;
	der_add(&der, buf_span(&signer->signature_algorithm));
	der_element(&der, DER_OCTETS, buf_span(&signature));
	der_close(&der, DER_SEQUENCE, info);
	der_close(&der, DER_SET, set);
	buf_clear(&signature);
	return der.failed;
}

/*
 * ContentInfo and SignedData up to where the content stands, or would stand
 * (content NULL: detached).  after_len is what follows it.
 */
static void
put_head(struct der *der, const struct cms_signer *signer,
	const struct pieces *content, size_t after_len)
{
	size_t content_len = content != NULL ? pieces_len(content) : 0;
	size_t octets_len = der_len(content_len);
	size_t encap_len =
		OID_DATA.len + (content != NULL ? der_len(octets_len) : 0);
	struct span algorithm = buf_span(&signer->digest_algorithm);
	size_t signed_len =
		3 + der_len(algorithm.len) + der_len(encap_len) + after_len;

	der_header(der, DER_SEQUENCE,
		OID_SIGNED_DATA.len + der_len(der_len(signed_len)));
	der_add(der, OID_SIGNED_DATA);
	der_header(der, DER_CONSTRUCTED, der_len(signed_len));
	der_header(der, DER_SEQUENCE, signed_len);
	der_element(der, DER_INTEGER, SPAN("\x01"));
	der_element(der, DER_SET, algorithm);
	der_header(der, DER_SEQUENCE, encap_len);
	der_add(der, OID_DATA);
	if (content == NULL)
		return;
	der_header(der, DER_CONSTRUCTED, octets_len);
	der_header(der, DER_OCTETS, content_len);
}

/* Our SignerInfos, read by OpenSSL as a stranger would read them. */
static int
check_signer_info(CMS_ContentInfo *cms, const struct signing *signing)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	X509 *x509 = signing->signer->cert->x509;
	CMS_SignerInfo *info;
	ASN1_OCTET_STRING *digest;

	if (sk_CMS_SignerInfo_num(infos) != 1)
		return 0;
	info = sk_CMS_SignerInfo_value(infos, 0);
	if (CMS_SignerInfo_cert_cmp(info, x509) != 0)
		return 0;
	CMS_SignerInfo_set1_signer_cert(info, x509);
	digest = CMS_signed_get0_data_by_OBJ(info,
		OBJ_nid2obj(NID_pkcs9_messageDigest), -3, V_ASN1_OCTET_STRING);
	if (digest == NULL ||
		!span_equal(span_of(ASN1_STRING_get0_data(digest),
				    (size_t)ASN1_STRING_length(digest)),
			span_of(signing->content.bytes, signing->content.len)))
		return 0;
	return CMS_SignerInfo_verify(info) > 0;
}

/*
 * What was signed is verified before a byte of it leaves: parsed again, the
 * signature checked with the certificate's key by OpenSSL's CMS code, which
 * shares nothing with the way it was made.  The certificates are left out of
 * the copy that is parsed: they are the same bytes for each mail, and reading
 * them would cost as much as a third of a signature.  The content is not
 * hashed a second time: each step of the hash was asked for its result, and
 * a second pass would halve the speed for large mails.
 */
static int
check(const struct signing *signing, struct error *err)
{
	struct buf copy = { 0 };
	struct der der = { &copy, err, 0 };
	const unsigned char *at;
	CMS_ContentInfo *cms = NULL;
	int rc = -1;

	put_head(&der, signing->signer, NULL, signing->infos.len);
	der_add(&der, buf_span(&signing->infos));
	if (der.failed != 0)
		goto out;
	at = copy.data;
	cms = d2i_CMS_ContentInfo(NULL, &at, (long)copy.len);
	if (cms == NULL || at != copy.data + copy.len ||
		!check_signer_info(cms, signing)) {
		crypto_fail(err, ERROR_CRYPTO,
			"the signature just made does not verify");
		goto out;
	}
	rc = crypto_end("signing", err);
out:
	CMS_ContentInfo_free(cms);
	buf_clear(&copy);
	return rc;
}

static int
put_out(const struct signing *signing, const struct pieces *content,
	const struct sink *out, struct error *err)
{
	struct span certificates = buf_span(&signing->signer->certificates);
	struct span infos = buf_span(&signing->infos);
	struct buf head = { 0 };
	struct der der = { &head, err, 0 };
	int rc;

	put_head(&der, signing->signer, content, certificates.len + infos.len);
	rc = der.failed;
	if (rc == 0)
		rc = sink_put(out, buf_span(&head), err);
	for (size_t i = 0; rc == 0 && content != NULL && i < content->count;
		i++)
		rc = sink_put(out, content->item[i], err);
	if (rc == 0)
		rc = sink_put(out, certificates, err);
	if (rc == 0)
		rc = sink_put(out, infos, err);
	buf_clear(&head);
	return rc;
}

static int
sign(const struct cms_signer *signer, const struct pieces *content, bool opaque,
	const struct sink *out, struct error *err)
{
	struct signing signing = { .signer = signer };
	int rc = -1;

	crypto_begin();
	if (digest_pieces(signer->digest, content, &signing.content, err) !=
			0 ||
		fill_attributes(&signing, err) != 0 ||
		make_infos(&signing, err) != 0 || check(&signing, err) != 0)
		goto out;
	rc = put_out(&signing, opaque ? content : NULL, out, err);
out:
	buf_clear(&signing.attributes);
	buf_clear(&signing.infos);
	return rc;
}

int
cms_sign_detached(const struct cms_signer *signer, const struct pieces *content,
	const struct sink *out, struct error *err)
{
	return sign(signer, content, false, out, err);
}

int
cms_sign_opaque(const struct cms_signer *signer, const struct pieces *content,
	const struct sink *out, struct error *err)
{
	return sign(signer, content, true, out, err);
}
