#include <openssl/rsa.h>
#include <string.h>

#include "cms/internal.h"

/* RFC 8017 7.1.1: what OAEP needs beside the key it carries. */
static int
check_rsa(const struct cms_recipient *recipient, EVP_PKEY *key,
	const struct cipher_row *row, struct error *err)
{
	int digest_bytes;

	if (recipient->transport != CMS_RSA_OAEP)
		return 0;
	digest_bytes = EVP_MD_get_size(crypto_digest(recipient->oaep_digest));
	if (EVP_PKEY_get_size(key) >=
		2 * digest_bytes + 2 + (int)row->key_bytes)
		return 0;
	return crypto_fail(err, ERROR_NOKEY,
		"%s: an RSA key of %d bits is too small for OAEP with %s",
		recipient->cert->source, EVP_PKEY_get_bits(key),
		crypto_digest_name(recipient->oaep_digest));
}

/*
 * EVP_PKEY_is_a() would be the newer question, but without memory it answers
 * no, and a mail would be refused for good.
 */
static int
check_key(const struct cms_recipient *recipient, const struct cipher_row *row,
	struct error *err)
{
	EVP_PKEY *key = X509_get0_pubkey(recipient->cert->x509);

	if (key == NULL)
		return crypto_fail(err, ERROR_NOKEY,
			"%s: the certificate's key cannot be read",
			recipient->cert->source);
	if (EVP_PKEY_get_id(key) == EVP_PKEY_RSA)
		return check_rsa(recipient, key, row, err);
	if (EVP_PKEY_get_id(key) == EVP_PKEY_EC)
		return 0;
	return crypto_fail(err, ERROR_NOKEY,
		"%s: nothing can be encrypted to a key of type %s",
		recipient->cert->source, EVP_PKEY_get0_type_name(key));
}

/*
 * OpenSSL 3.0's own choices are SHA-1 in OAEP, MGF1 and the key derivation:
 * nothing is left to them.
 */
static int
set_parameters(CMS_RecipientInfo *info, const struct cms_recipient *recipient)
{
	EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);
	const EVP_MD *md = crypto_digest(recipient->oaep_digest);

	if (context == NULL)
		return 0;
	if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(
			       context, crypto_digest(CRYPTO_SHA256)) > 0;
	if (recipient->transport == CMS_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(
			       context, RSA_PKCS1_PADDING) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) >
		       0 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(context, md) > 0 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(context, md) > 0;
}

static int
add_recipient(CMS_ContentInfo *cms, const struct cms_recipient *recipient,
	const struct cipher_row *row, struct error *err)
{
	CMS_RecipientInfo *info;

	if (check_key(recipient, row, err) != 0)
		return -1;
	info = CMS_add1_recipient_cert(
		cms, recipient->cert->x509, CMS_KEY_PARAM);
	if (info != NULL && set_parameters(info, recipient))
		return 0;
	return crypto_fail(err, ERROR_CRYPTO,
		"%s: nothing can be encrypted to it", recipient->cert->source);
}

static bool
is_repeated(const struct cms_recipient *recipients, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(recipients[i].cert->sha256,
			    recipients[at].cert->sha256) == 0)
			return true;
	return false;
}

static CMS_ContentInfo *
new_cms(const struct cipher_row *row)
{
	OSSL_LIB_CTX *library = row->legacy ? crypto_legacy() : NULL;

	if (row->authenticated)
		return CMS_AuthEnvelopedData_create_ex(
			row->cipher(), library, NULL);
	return CMS_EnvelopedData_create_ex(row->cipher(), library, NULL);
}

static int
add_all(const struct cipher_row *row, const struct cms_recipient *recipients,
	size_t count, struct started *out, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (is_repeated(recipients, i))
			continue;
		if (add_recipient(out->cms, &recipients[i], row, err) != 0)
			return -1;
		out->recipient_count++;
	}
	return 0;
}

static bool
all_are_right(const struct cipher_row *row,
	const struct cms_recipient *recipients, size_t count,
	const struct started *started)
{
	STACK_OF(CMS_RecipientInfo) *infos =
		CMS_get0_RecipientInfos(started->cms);
	int at = 0;

	for (size_t i = 0; i < count; i++)
		if (!is_repeated(recipients, i) &&
			!recipient_is_right(
				sk_CMS_RecipientInfo_value(infos, at++),
				&recipients[i], row))
			return false;
	return true;
}

/*
 * The key is made and encrypted to all recipients in CMS_dataInit(), which
 * also gives a filter that holds the content cipher.
 */
static int
start(const struct cipher_row *row, const struct cms_recipient *recipients,
	size_t count, struct started *out, struct error *err)
{
	BIO *nowhere = NULL;

	memset(out, 0, sizeof(*out));
	out->cms = new_cms(row);
	if (out->cms == NULL)
		return crypto_fail(
			err, ERROR_CRYPTO, "%s cannot be used", row->name);
	if (add_all(row, recipients, count, out, err) != 0)
		return -1;
	nowhere = BIO_new(BIO_s_null());
	if (nowhere != NULL)
		out->filter = CMS_dataInit(out->cms, nowhere);
	if (out->filter == NULL)
		BIO_free(nowhere);
	if (out->filter == NULL ||
		BIO_get_cipher_ctx(out->filter, &out->cipher) <= 0 ||
		!all_are_right(row, recipients, count, out))
		return crypto_fail(err, ERROR_CRYPTO,
			"the recipients' keys cannot be used");
	return 0;
}

void
started_clear(struct started *started)
{
	BIO_free_all(started->filter);
	CMS_ContentInfo_free(started->cms);
	memset(started, 0, sizeof(*started));
}

/*
 * CMS_dataInit() does not say whose key it could not use, and OpenSSL loses
 * the reason when memory was short.  A key that can never be used is no
 * trouble that passes: each is tried once more, on its own.
 */
static int
blame(const struct cipher_row *row, const struct cms_recipient *recipients,
	size_t count, struct error *err)
{
	struct started alone;

	for (size_t i = 0; i < count; i++) {
		struct error why = { 0 };
		int rc = start(row, &recipients[i], 1, &alone, &why);

		started_clear(&alone);
		if (rc != 0 && why.kind == ERROR_CRYPTO)
			return crypto_fail(err, ERROR_NOKEY, "%s: %s",
				recipients[i].cert->source, why.text);
		if (rc != 0) {
			*err = why;
			return -1;
		}
	}
	return -1;
}

int
start_envelope(const struct cipher_row *row,
	const struct cms_recipient *recipients, size_t count,
	struct started *out, struct error *err)
{
	struct error why = { 0 };

	if (start(row, recipients, count, out, &why) == 0)
		return 0;
	started_clear(out);
	if (err == NULL)
		return -1;
	*err = why;
	if (why.kind == ERROR_CRYPTO)
		return blame(row, recipients, count, err);
	return -1;
}
