#include "base/mem.h"
#include "cms/internal.h"

enum {
	CHUNK_BYTES = 64 * 1024,
	TAG_BYTES = 16, /* RFC 5084: ICV of 16, as the parameters say */
	SIZE_FIXED = 1024,
	SIZE_RECIPIENT = 4096, /* RSA-16384 and an issuer of 1.9 KB */
};

struct encrypting {
	const struct cipher_row *row;
	struct started started;
	struct buf skeleton;	  /* DER of OpenSSL's without the content */
	struct envelope envelope; /* its parts */
	const struct pieces *content;
	const struct sink *out;
	size_t promised; /* bytes of ciphertext the header speaks of */
	size_t written;
};

size_t
cms_encrypted_size_bound(size_t content_len, size_t recipient_count)
{
	return content_len + SIZE_FIXED + recipient_count * SIZE_RECIPIENT;
}

static size_t
ciphertext_len(const struct cipher_row *row, size_t content_len)
{
	if (row->block_bytes == 1)
		return content_len;
	return (content_len / row->block_bytes + 1) * row->block_bytes;
}

/* Identifier and parameters in full length, the IV whatever it is. */
static bool
names_cipher(struct span algorithm, const struct cipher_row *row)
{
	return algorithm.len == 2u + row->algorithm.data[1] &&
	       span_equal(span_of(algorithm.data, row->algorithm.len),
		       row->algorithm);
}

/*
 * The parts of OpenSSL's structure, read by our own reader.  What it made
 * must have a RecipientInfo for everybody: a mail that somebody cannot read
 * is a broken mail.
 */
static int
make_skeleton(struct encrypting *job, struct error *err)
{
	unsigned char *der = NULL;
	int len = i2d_CMS_ContentInfo(job->started.cms, &der);
	int rc;

	if (len <= 0)
		return crypto_fail(
			err, ERROR_CRYPTO, "the envelope cannot be encoded");
	rc = buf_add(&job->skeleton, der, (size_t)len, err);
	OPENSSL_free(der);
	if (rc != 0)
		return -1;
	if (!envelope_read(buf_span(&job->skeleton), &job->envelope) ||
		job->envelope.authenticated != job->row->authenticated ||
		job->envelope.recipient_count != job->started.recipient_count ||
		!names_cipher(job->envelope.algorithm, job->row) ||
		job->envelope.content.whole.len != 0)
		return crypto_fail(err, ERROR_CRYPTO,
			"OpenSSL made an envelope that is not whole");
	return crypto_end("encrypting", err);
}

/*
 * The lengths of all that is open around the content are known before the
 * content is: that makes DER of what is written straight through.
 */
static int
put_head(struct encrypting *job, struct error *err)
{
	const struct envelope *part = &job->envelope;
	struct span oid = part->authenticated ? OID_AUTH_ENVELOPED_DATA
					      : OID_ENVELOPED_DATA;
	size_t after_len = part->authenticated ? der_len(TAG_BYTES) : 0;
	size_t info_len = part->content_type.len + part->algorithm.len +
			  der_len(job->promised);
	size_t data_len = part->version.len + part->recipients.len +
			  der_len(info_len) + after_len;
	struct buf head = { 0 };
	struct der der = { &head, err, 0 };
	int rc;

	der_header(&der, DER_SEQUENCE, oid.len + der_len(der_len(data_len)));
	der_add(&der, oid);
	der_header(&der, DER_CONSTRUCTED, der_len(data_len));
	der_header(&der, DER_SEQUENCE, data_len);
	der_add(&der, part->version);
	der_add(&der, part->recipients);
	der_header(&der, DER_SEQUENCE, info_len);
	der_add(&der, part->content_type);
	der_add(&der, part->algorithm);
	der_header(&der, DER_CONTEXT, job->promised);
	rc = der.failed;
	if (rc == 0)
		rc = sink_put(job->out, buf_span(&head), err);
	buf_clear(&head);
	return rc;
}

static int
put_encrypted(struct encrypting *job, const unsigned char *bytes, int len,
	struct error *err)
{
	if (len == 0)
		return 0;
	job->written += (size_t)len;
	if (job->written > job->promised)
		return error_set(err, ERROR_CRYPTO,
			"the ciphertext is longer than it should be");
	return sink_put(job->out, span_of(bytes, (size_t)len), err);
}

static int
put_piece(struct encrypting *job, struct span piece, unsigned char *chunk,
	struct error *err)
{
	while (piece.len != 0) {
		size_t take = piece.len < CHUNK_BYTES ? piece.len : CHUNK_BYTES;
		int len;

		if (EVP_CipherUpdate(job->started.cipher, chunk, &len,
			    piece.data, (int)take) != 1)
			return crypto_fail(err, ERROR_CRYPTO,
				"the content cannot be encrypted");
		if (put_encrypted(job, chunk, len, err) != 0)
			return -1;
		piece = span_of(piece.data + take, piece.len - take);
	}
	return 0;
}

static int
put_tag(struct encrypting *job, struct error *err)
{
	unsigned char tag[2 + TAG_BYTES] = { DER_OCTETS, TAG_BYTES };

	if (EVP_CIPHER_CTX_ctrl(job->started.cipher, EVP_CTRL_AEAD_GET_TAG,
		    TAG_BYTES, tag + 2) != 1)
		return crypto_fail(err, ERROR_CRYPTO,
			"the content has no authentication tag");
	return sink_put(job->out, span_of(tag, sizeof(tag)), err);
}

static int
put_content(struct encrypting *job, struct error *err)
{
	unsigned char *chunk = mem_alloc(CHUNK_BYTES + EVP_MAX_BLOCK_LENGTH);
	int rc = -1, len = 0;

	for (size_t i = 0; i < job->content->count; i++)
		if (put_piece(job, job->content->item[i], chunk, err) != 0)
			goto out;
	if (EVP_CipherFinal_ex(job->started.cipher, chunk, &len) != 1) {
		crypto_fail(
			err, ERROR_CRYPTO, "the content cannot be encrypted");
		goto out;
	}
	if (put_encrypted(job, chunk, len, err) != 0)
		goto out;
	if (job->written != job->promised) {
		error_set(err, ERROR_CRYPTO,
			"the ciphertext is shorter than it should be");
		goto out;
	}
	if (job->row->authenticated && put_tag(job, err) != 0)
		goto out;
	rc = crypto_end("encrypting", err);
out:
	mem_free(chunk);
	return rc;
}

int
cms_encrypt(enum cms_cipher cipher, const struct cms_recipient *recipients,
	size_t recipient_count, const struct pieces *content,
	const struct sink *out, struct error *err)
{
	struct encrypting job = {
		.row = cipher_row(cipher), .content = content, .out = out
	};
	int rc = -1;

	if (recipient_count == 0)
		return error_set(
			err, ERROR_NOKEY, "there is nobody to encrypt to");
	if (crypto_init(err) != 0 || cms_cipher_available(cipher, err) != 0)
		return -1;
	crypto_begin();
	job.promised = ciphertext_len(job.row, pieces_len(content));
	if (start_envelope(job.row, recipients, recipient_count, &job.started,
		    err) != 0)
		return -1;
	if (make_skeleton(&job, err) != 0 || put_head(&job, err) != 0 ||
		put_content(&job, err) != 0)
		goto out;
	rc = 0;
out:
	started_clear(&job.started);
	buf_clear(&job.skeleton);
	return rc;
}
