/*
 * What the files of cms share.
 *
 * lint: long, because making and reading share it.
 */
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

enum { CONSTRUCTED = 0x20 }; /* in a tag */

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

/* An element that must be there and must not be empty. */
bool tlv_need(struct tlv_reader *reader, unsigned char tag, struct tlv *tlv);
bool tlv_at_end(const struct tlv_reader *reader);

/* Levels of pieces within pieces. */
enum { OCTETS_DEPTH_MAX = 5 };

struct octets {
	struct tlv_reader level[OCTETS_DEPTH_MAX];
	unsigned depth;
	struct span whole; /* when it is not in pieces */
};

/* tlv: an OCTET STRING, whatever its tag says; constructed means pieces. */
void octets_begin(struct octets *octets, const struct tlv_reader *reader,
	const struct tlv *tlv);
/* 1 with the next piece, 0 at the end, -1 when it is malformed. */
int octets_next(struct octets *octets, struct span *piece) MUST_USE;
/* 1 with the sum of the pieces, 0 when it is malformed. */
int octets_count(const struct tlv_reader *reader, const struct tlv *tlv,
	size_t *count) MUST_USE;

/* AlgorithmIdentifier; whole and oid (whole elements) may be NULL. */
bool need_algorithm(
	struct tlv_reader *reader, struct span *whole, struct span *oid);
/* ContentInfo, with nothing behind it: its type, and what its [0] holds. */
int content_info_open(struct tlv_reader *reader, struct span *oid,
	struct tlv_reader *content);
/* The one SEQUENCE that the [0] of a ContentInfo holds. */
bool content_info_sequence(struct tlv_reader *content, struct tlv_reader *in);
/* "1.2.840.113549.1.1.1" of a whole element. */
void oid_text(struct span oid, char *out, size_t size);

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
	struct span attributes; /* content of authAttrs, or empty */
	struct span mac;	/* its content */
	size_t recipient_count; /* key transport and key agreement only */
	size_t content_len;	/* bytes of ciphertext */
};

/* 1 when the whole skeleton parses, 0 when not. */
int envelope_read(struct span bytes, struct envelope *envelope);

/* party.c: issuer and serial, or a key identifier. */
struct party_id {
	struct span whole;
	struct span issuer, serial; /* whole elements, or empty */
	struct span key_id;	    /* content, or empty */
};

/* One that is malformed names nobody, and is no failure: 1, or -1. */
int party_read(struct tlv_reader *reader, struct party_id *out) MUST_USE;
bool party_is(const struct party_id *id, X509 *x509);
void party_fill(const struct party_id *id, struct span algorithm,
	struct cms_party *out);
void party_clear(struct cms_party *party);

/* read_recipients.c: RecipientInfos, one by one. */
enum recipient_kind {
	RECIPIENT_OTHER, /* a password, a shared key, ... */
	RECIPIENT_TRANSPORT,
	RECIPIENT_AGREEMENT
};
struct recipient {
	enum recipient_kind kind;
	struct party_id id;
	struct span algorithm;	   /* whole AlgorithmIdentifier */
	struct span algorithm_oid; /* whole element */
	struct span info;	   /* key transport: all of it */
	struct span originator;	   /* key agreement: what its [0] holds */
	struct span head;	   /* key agreement: version to algorithm */
	struct span key; /* key agreement: its RecipientEncryptedKey */
};
struct recipient_walk {
	struct tlv_reader list;
	struct tlv_reader keys; /* of a key agreement, when there are more */
	struct recipient agreement;
	unsigned count; /* of all kinds */
};
int recipients_begin(struct recipient_walk *walk,
	const struct envelope *envelope, unsigned *work) MUST_USE;
/* 1; 0 at the end.  What envelope_read() took is not malformed. */
int recipients_next(struct recipient_walk *walk, struct recipient *out);

/* open_key.c: is the way its key is protected one of ours, and sane? */
bool open_key_is_sane(const struct recipient *recipient);
/* A CMS with that RecipientInfo alone, and without content. */
int open_key_encode(const struct envelope *envelope,
	const struct recipient *recipient, struct buf *out,
	struct error *err) MUST_USE;

/* read_envelope.c: LIMIT, "there are more than N WHAT". */
int read_too_many(struct error *err, const char *what, unsigned limit);

/* read_cipher.c: content ciphers that are read. */
struct read_cipher {
	const char *oid;
	const char *name;
	unsigned key_bits;
	unsigned block_bytes; /* 1: GCM */
	bool legacy;
};
/* NULL when it is none of ours. */
const struct read_cipher *read_cipher_find(const struct envelope *envelope);
/* For RC2, whose parameters say so. */
unsigned read_cipher_key_bits(
	const struct read_cipher *cipher, const struct envelope *envelope);
/* Are its parameters, the mac and the structure around it sane? */
bool read_cipher_is_sane(
	const struct read_cipher *cipher, const struct envelope *envelope);

/* content_info.c: the parts of a SignedData. */
struct signed_data {
	struct span version;	  /* whole element */
	struct span content_type; /* whole element */
	bool has_content;
	struct tlv content; /* what [0] holds; whole.len 0: nothing */
	struct span certificates, crls, signers; /* contents of their sets */
};
/* 1 when the whole skeleton parses, 0 when not. */
int signed_data_read(struct tlv_reader in, struct signed_data *out) MUST_USE;

/* read_digest.c: each digest of a content is made once. */
enum { READ_DIGESTS = 5 };
struct content_digests {
	const struct pieces *content;
	struct {
		bool done;
		unsigned len;
		unsigned char bytes[EVP_MAX_MD_SIZE];
	} of[READ_DIGESTS];
};
/* Which digest an OID (whole element) names, -1: none that is taken. */
int read_digest_find(struct span oid);
/* MD5: anybody could have made such a signature. */
bool read_digest_is_broken(struct span oid);
const char *read_digest_name(int digest);
int read_digest_nid(int digest);
const EVP_MD *read_digest_md(int digest);
int read_digest_content(struct content_digests *made, int digest,
	struct span *out, struct error *err) MUST_USE;

/* signer_info.c: one SignerInfo. */
struct signer_info {
	struct party_id id;
	struct span version; /* whole elements */
	struct span digest, digest_oid;
	struct span attributes; /* [0]; empty: none */
	struct span attributes_content;
	struct span signature_algorithm, signature_oid;
	struct span signature;
};
/* 1, or 0 when it is malformed. */
int signer_info_read(struct tlv_reader in, struct signer_info *out) MUST_USE;
/*
 * Is the signature over signedAttrs of that key?  0, or -1 with the reason;
 * SYSTEM when it could not be found out.
 */
int signer_info_verify(const struct signer_info *info,
	const struct signed_data *data, X509 *x509, struct error *why) MUST_USE;
/* Is a key worth asking?  Fills CMS_WEAK_KEY into *weak. */
int signer_info_check_key(
	X509 *x509, unsigned *weak, struct error *why) MUST_USE;

/* signed_attributes.c: what the signedAttrs say, where we look. */
struct signed_attributes {
	struct span content_type; /* whole value of each, or empty */
	struct span message_digest;
	struct span signing_time;
	struct span certificate_v1, certificate_v2;
	struct span algorithm_protection;
	struct span encryption; /* encrypKeyPref */
	struct span encryption_microsoft;
};
/* 0, or -1 when one of them stands twice or has not one value. */
int signed_attributes_read(struct tlv_reader in, struct signed_attributes *out,
	struct error *why) MUST_USE;
/* Are the three that bind the signature to something as they must be? */
int signed_attributes_check(const struct signed_attributes *attributes,
	const struct signer_info *info, struct span content_type,
	struct span digest, unsigned *work, struct error *why) MUST_USE;
/* Does signingCertificate, where it is there, mean this one? */
bool signed_attributes_mean(
	const struct signed_attributes *attributes, X509 *x509, unsigned *work);
time_t signed_attributes_time(const struct signed_attributes *attributes);
/* The identifier in encrypKeyPref: true when there is one. */
bool signed_attributes_encryption(const struct signed_attributes *attributes,
	unsigned *work, struct party_id *out);

/* read_certificates.c */
int signed_read_certificates(const struct signed_data *data,
	const struct cms_read_limits *limits, unsigned *work,
	struct cms_signed *out, struct error *err) MUST_USE;
/*
 * A certificate with all others of the mail as what may have issued it; a
 * reference of the caller's own.
 */
struct cert *signed_with_chain(const struct list *certs, struct cert *cert);

#endif
