/*
 * Decryption.  The ciphertext stays where it is and goes piece by piece into
 * the buffer of the caller, which is made as large as it must be once.
 *
 * Nobody outside may learn why a mail could not be opened (Bleichenbacher,
 * Vaudenay, Manger): a key block that does not decrypt is replaced by a random
 * key, as RFC 3218 2.3.2 has it, and the content is decrypted all the same;
 * one RecipientInfo is tried, never a second one.
 */
#include <string.h>

#include "base/mem.h"
#include "cms/internal.h"

enum { CHUNK_BYTES = 1 << 20, BLOCK_MAX_BYTES = 32 };

static int
cannot(struct error *err)
{
	crypto_begin();
	return error_set(err, ERROR_CRYPTO, "it cannot be decrypted");
}

/* ---- may it be opened? ---- */

static int
find_cipher(const struct envelope *envelope, bool legacy_ok,
	const struct read_cipher **out, struct error *err)
{
	const struct read_cipher *cipher = read_cipher_find(envelope);
	char oid[80];

	if (cipher == NULL) {
		oid_text(envelope->cipher_oid, oid, sizeof(oid));
		return error_set(err, ERROR_FORMAT,
			"its cipher %s is none that is read", oid);
	}
	if (envelope->content.whole.len == 0)
		return error_set(
			err, ERROR_FORMAT, "there is no content in it");
	if (!read_cipher_is_sane(cipher, envelope))
		return error_set(err, ERROR_FORMAT,
			"its parameters for %s are wrong", cipher->name);
	if (cipher->legacy && !legacy_ok)
		return error_set(err, ERROR_CONFIG,
			"its cipher %s is only read where legacy ciphers are "
			"allowed",
			cipher->name);
	if (cipher->legacy && crypto_legacy() == NULL)
		return error_set(err, ERROR_CONFIG,
			"its cipher %s needs OpenSSL's legacy provider, which "
			"cannot be loaded",
			cipher->name);
	*out = cipher;
	return 0;
}

/* The first that names the certificate; all are counted. */
static int
find_recipient(const struct envelope *envelope, const struct cert *cert,
	unsigned limit, struct recipient *out, struct error *err)
{
	unsigned work = 0;
	struct recipient_walk walk;
	struct recipient recipient;
	bool found = false;

	if (recipients_begin(&walk, envelope, &work) != 0)
		return error_set(err, ERROR_FORMAT, "this is no envelope");
	while (walk.count <= limit && recipients_next(&walk, &recipient) == 1)
		if (!found && recipient.kind != RECIPIENT_OTHER &&
			party_is(&recipient.id, cert->x509)) {
			*out = recipient;
			found = true;
		}
	if (walk.count > limit)
		return read_too_many(err, "RecipientInfos", limit);
	if (found) {
		crypto_begin();
		return 0;
	}
	if (crypto_lacked_memory())
		return error_set(err, ERROR_SYSTEM, "no memory");
	return error_set(
		err, ERROR_NOKEY, "%s: it is not for this one", cert->source);
}

static int
check_recipient(const struct recipient *recipient, const struct cert *cert,
	struct error *err)
{
	bool rsa = recipient->kind == RECIPIENT_TRANSPORT;

	if (cert->key == NULL)
		return error_set(
			err, ERROR_NOKEY, "%s: there is no key", cert->source);
	if (!open_key_is_sane(recipient))
		return error_set(err, ERROR_FORMAT,
			"its way to protect the key is none that is read");
	/* EVP_PKEY_is_a() is asked nowhere: a token's key answers no. */
	if (EVP_PKEY_get_base_id(X509_get0_pubkey(cert->x509)) !=
		(rsa ? EVP_PKEY_RSA : EVP_PKEY_EC))
		return cannot(err);
	return 0;
}

/* ---- the key of the content ---- */

struct opening {
	const struct envelope *envelope;
	CMS_ContentInfo *cms;
	BIO *filter;
	EVP_CIPHER_CTX *cipher; /* lives in filter */
};

static CMS_RecipientEncryptedKey *
only_key(CMS_RecipientInfo *info)
{
	STACK_OF(CMS_RecipientEncryptedKey) *keys =
		CMS_RecipientInfo_kari_get0_reks(info);

	return sk_CMS_RecipientEncryptedKey_value(keys, 0);
}

/*
 * What comes of it is not asked for: without a key CMS_dataInit() takes a
 * random one.
 */
static void
unwrap(CMS_ContentInfo *cms, CMS_RecipientInfo *info, EVP_PKEY *key)
{
	if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE) {
		if (CMS_RecipientInfo_kari_set0_pkey(info, key) > 0)
			(void)!CMS_RecipientInfo_kari_decrypt(
				cms, info, only_key(info));
		CMS_RecipientInfo_kari_set0_pkey(info, NULL);
		return;
	}
	if (EVP_PKEY_up_ref(key) != 1)
		return;
	if (CMS_RecipientInfo_set0_pkey(info, key) <= 0) {
		EVP_PKEY_free(key);
		return;
	}
	(void)!CMS_RecipientInfo_decrypt(cms, info);
}

static CMS_RecipientInfo *
parse(struct span der, OSSL_LIB_CTX *library, struct opening *opening)
{
	STACK_OF(CMS_RecipientInfo) * infos;
	const unsigned char *at = der.data;

	opening->cms = CMS_ContentInfo_new_ex(library, NULL);
	if (opening->cms == NULL ||
		d2i_CMS_ContentInfo(&opening->cms, &at, (long)der.len) == NULL)
		return NULL;
	infos = CMS_get0_RecipientInfos(opening->cms);
	return at == der.data + der.len && sk_CMS_RecipientInfo_num(infos) == 1
		       ? sk_CMS_RecipientInfo_value(infos, 0)
		       : NULL;
}

/* From here on every failure but trouble of our own is the same one. */
static int
trouble_or_cannot(struct error *err)
{
	if (crypto_had_trouble())
		return error_set(err, ERROR_SYSTEM,
			"it cannot be decrypted now: no memory, or the token "
			"is gone");
	return cannot(err);
}

static int
start(struct opening *opening, const struct recipient *recipient,
	const struct cert *cert, OSSL_LIB_CTX *library, struct error *err)
{
	CMS_RecipientInfo *info;
	struct buf der = { 0 };
	BIO *nowhere;
	int rc = -1;

	if (open_key_encode(opening->envelope, recipient, &der, err) != 0)
		goto out;
	info = parse(buf_span(&der), library, opening);
	if (info == NULL) {
		rc = trouble_or_cannot(err);
		goto out;
	}
	unwrap(opening->cms, info, cert->key);
	if (crypto_had_trouble()) {
		rc = error_set(err, ERROR_SYSTEM,
			"%s: its key cannot be used now", cert->source);
		goto out;
	}
	nowhere = BIO_new(BIO_s_null());
	if (nowhere != NULL)
		opening->filter = CMS_dataInit(opening->cms, nowhere);
	if (opening->filter == NULL)
		BIO_free(nowhere);
	rc = opening->filter != NULL && BIO_get_cipher_ctx(opening->filter,
						&opening->cipher) > 0
		     ? 0
		     : trouble_or_cannot(err);
out:
	buf_clear(&der);
	return rc;
}

/* ---- the content ---- */

static bool
update(EVP_CIPHER_CTX *cipher, struct span in, struct buf *out)
{
	while (in.len != 0) {
		int some = in.len < CHUNK_BYTES ? (int)in.len : CHUNK_BYTES;
		int made;

		if (EVP_DecryptUpdate(cipher, out->data + out->len, &made,
			    in.data, some) != 1)
			return false;
		out->len += (size_t)made;
		in = span_of(in.data + some, in.len - (size_t)some);
	}
	return true;
}

/*
 * authAttrs are authenticated with the tag of a SET (RFC 5083 2.2).  They are
 * taken to be DER, as they must be.
 */
static bool
update_attributes(EVP_CIPHER_CTX *cipher, struct span attributes)
{
	struct buf set = { 0 };
	struct der der = { &set, NULL, 0 };
	bool done;
	int made;

	if (attributes.data == NULL)
		return true;
	der_element(&der, DER_SET, attributes);
	done = der.failed == 0 && set.len <= CHUNK_BYTES &&
	       EVP_DecryptUpdate(cipher, NULL, &made, set.data, (int)set.len) ==
		       1;
	buf_clear(&set);
	return done;
}

static bool
decrypt(const struct opening *opening, struct buf *out)
{
	const struct envelope *envelope = opening->envelope;
	unsigned work = 0;
	struct tlv_reader reader = { envelope->content.whole, &work };
	struct octets octets;
	struct span piece;
	int made = 0, got;

	if (!update_attributes(opening->cipher, envelope->attributes))
		return false;
	octets_begin(&octets, &reader, &envelope->content);
	while ((got = octets_next(&octets, &piece)) == 1)
		if (!update(opening->cipher, piece, out))
			return false;
	if (got != 0 || EVP_DecryptFinal_ex(opening->cipher,
				out->data + out->len, &made) != 1)
		return false;
	out->len += (size_t)made;
	return true;
}

/* What the buffer had held before stays; what was added is taken back. */
static int
decrypt_into(const struct opening *opening, struct buf *out, struct error *err)
{
	size_t before = out->len;

	if (buf_reserve(out, opening->envelope->content_len + BLOCK_MAX_BYTES,
		    err) != 0)
		return -1;
	if (decrypt(opening, out) && !crypto_had_trouble())
		return 0;
	mem_wipe(out->data + before, out->size - before);
	out->len = before;
	if (before == 0)
		buf_clear(out);
	return trouble_or_cannot(err);
}

static int
open_it(const struct envelope *envelope, const struct recipient *recipient,
	const struct cert *cert, OSSL_LIB_CTX *library, struct buf *out,
	struct error *err)
{
	struct opening opening = { .envelope = envelope };
	int rc = start(&opening, recipient, cert, library, err);

	if (rc == 0)
		rc = decrypt_into(&opening, out, err);
	BIO_free_all(opening.filter);
	CMS_ContentInfo_free(opening.cms);
	crypto_begin();
	return rc;
}

int
cms_open_envelope(struct span cms, const struct cert *cert, bool legacy_ok,
	const struct cms_read_limits *limits, struct buf *out,
	struct error *err)
{
	const struct read_cipher *cipher = NULL;
	struct recipient recipient = { .kind = RECIPIENT_OTHER };
	struct envelope envelope;

	if (limits == NULL)
		limits = &cms_read_limits_default;
	crypto_begin();
	if (!envelope_read(cms, &envelope))
		return error_set(err, ERROR_FORMAT, "this is no envelope");
	if (find_recipient(&envelope, cert, limits->recipients, &recipient,
		    err) != 0 ||
		find_cipher(&envelope, legacy_ok, &cipher, err) != 0 ||
		check_recipient(&recipient, cert, err) != 0) {
		crypto_begin();
		return -1;
	}
	return open_it(&envelope, &recipient, cert,
		cipher->legacy ? crypto_legacy() : NULL, out, err);
}
