/* What the files of cms share. */
#ifndef CMS_INTERNAL_H
#define CMS_INTERNAL_H

#include <openssl/cms.h>

#include "cms/cms.h"
#include "cms/der.h"

/* ---- signing ---- */

enum time_form { FORM_UTC, FORM_GENERALIZED, TIME_FORMS };

/* The content of signedAttrs, with two places to fill in for each mail. */
struct attributes {
	struct buf der;
	size_t time_at;
	size_t digest_at;
};

struct cms_signer {
	struct cert *cert;
	enum crypto_digest digest;
	bool pss;
	int salt_bytes;
	EVP_PKEY_CTX *prepared; /* copied for each mail; NULL: made anew */
	struct buf sid;
	struct buf digest_algorithm;
	struct buf signature_algorithm;
	struct buf certificates;
	struct attributes attributes[TIME_FORMS];
};

/* signer_key.c: does the key fit, and a context ready to sign a digest. */
int signer_check_key(struct cms_signer *signer, enum cms_scheme scheme,
	struct error *err) MUST_USE;
int signer_key_context(const struct cms_signer *signer, EVP_PKEY_CTX **out,
	struct error *err) MUST_USE;
int signer_prepare_key(struct cms_signer *signer, struct error *err) MUST_USE;

/* signer_attributes.c: sid, certificates and signedAttrs, pre-encoded. */
int signer_encode_identity(struct cms_signer *signer, STACK_OF(X509) * chain,
	X509 *encryption, struct error *err) MUST_USE;
int signer_encode_attributes(struct cms_signer *signer, X509 *encryption,
	struct error *err) MUST_USE;

/* ---- encrypting ---- */

struct cipher_row {
	const char *name;
	const EVP_CIPHER *(*cipher)(void);
	struct span algorithm; /* how its AlgorithmIdentifier begins */
	int wrap;	       /* NID of the key wrap for key agreement */
	size_t key_bytes;
	size_t block_bytes; /* 1: the ciphertext is as long as the content */
	bool authenticated;
	bool legacy; /* needs crypto_legacy() */
	const char *warning;
};

const struct cipher_row *cipher_row(enum cms_cipher cipher);

/* The recipients' part is made, the content not yet encrypted. */
struct started {
	CMS_ContentInfo *cms;
	BIO *filter;
	EVP_CIPHER_CTX *cipher; /* lives in filter */
	size_t recipient_count; /* without repeated certificates */
};

/* recipient_check.c: is the RecipientInfo what was asked for? */
bool recipient_is_right(CMS_RecipientInfo *info,
	const struct cms_recipient *recipient, const struct cipher_row *row);
int start_envelope(const struct cipher_row *row,
	const struct cms_recipient *recipients, size_t count,
	struct started *out, struct error *err) MUST_USE;
void started_clear(struct started *started);

/* ---- reading ---- */

enum { CMS_DEPTH_MAX = 16, CMS_ELEMENTS_MAX = 4000000 };

/*
 * Elements one after the other.  work is shared by all readers of one
 * recognition, so that the whole of it is bounded.
 */
struct tlv_reader {
	struct span rest;
	unsigned *work;
};

struct tlv {
	unsigned char tag; /* low tag numbers only: CMS has no others */
	struct span content;
	struct span whole;
};

/* 1 with the next element, 0 at the end, -1 when it is malformed. */
int tlv_next(struct tlv_reader *reader, struct tlv *tlv) MUST_USE;
/* The next element when it has that tag: 1 (taken), 0, or -1 malformed. */
int tlv_take(
	struct tlv_reader *reader, unsigned char tag, struct tlv *tlv) MUST_USE;
struct tlv_reader tlv_inside(
	const struct tlv_reader *reader, const struct tlv *tlv);

/* The parts of an EnvelopedData or AuthEnvelopedData. */
struct envelope {
	bool authenticated;
	struct span version;	/* whole elements */
	struct span originator; /* or empty */
	struct span recipients;
	struct span content_type;
	struct span algorithm;
	struct span cipher_oid;
	struct tlv content;	/* whole.len 0: absent */
	struct span after;	/* authAttrs, mac, unprotectedAttrs */
	struct span mac;	/* its content */
	size_t recipient_count; /* key transport and key agreement only */
	size_t content_len;	/* bytes of ciphertext */
};

/* 1 when the whole skeleton parses, 0 when not. */
int envelope_read(struct span bytes, struct envelope *envelope);

#endif
