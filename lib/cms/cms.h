/*
 * Bytes in, CMS out (RFC 5652, 5083, 8551), and back.  Knows no MIME.
 *
 * lint: long, because making and reading share the ciphers and the kinds.
 */
#ifndef CMS_CMS_H
#define CMS_CMS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "cert/cert.h"
#include "crypto/crypto.h"

/* ---- signing ---- */

enum cms_scheme { CMS_PKCS1, CMS_PSS }; /* for RSA keys; EC keys give ECDSA */

/*
 * A key with everything about its signatures that is the same for each mail,
 * prepared once.  Shared by threads.
 */
struct cms_signer;

/*
 * chain: intermediates that go along (no root is ever added); borrowed.
 * encryption: the certificate others shall encrypt to when that is another
 * one (encrypKeyPref attribute), or NULL.  Fails with NOKEY when the key can
 * not make such a signature (PSS with an EC key is ECDSA and no error; PKCS#1
 * with an id-RSASSA-PSS key is PSS; RSA too small for the digest).
 */
int cms_signer_new(struct cert *cert, enum crypto_digest digest,
	enum cms_scheme scheme, STACK_OF(X509) * chain, struct cert *encryption,
	struct cms_signer **out, struct error *err) MUST_USE;
void cms_signer_free(void *signer);
enum crypto_digest cms_signer_digest(const struct cms_signer *signer);

/*
 * A SignedData over the content, DER.  Detached: eContent absent, the DER
 * goes to out.  Opaque: the content inside; memory beyond the content stays
 * small, bytes go to out as they are made.  signedAttrs: contentType,
 * messageDigest, signingTime, SMIMECapabilities of our own,
 * signingCertificateV2, CMSAlgorithmProtection.  What was signed is parsed
 * again and verified before this returns; CRYPTO when it does not.
 */
int cms_sign_detached(const struct cms_signer *signer,
	const struct pieces *content, const struct sink *out,
	struct error *err) MUST_USE;
int cms_sign_opaque(const struct cms_signer *signer,
	const struct pieces *content, const struct sink *out,
	struct error *err) MUST_USE;

/* ---- encrypting ---- */

enum cms_cipher {
	CMS_AES128_CBC,
	CMS_AES192_CBC,
	CMS_AES256_CBC,
	CMS_AES128_GCM,
	CMS_AES256_GCM,
	CMS_3DES,
	CMS_RC2_128
};
enum { CMS_CIPHERS = 7 };
enum cms_transport { CMS_RSA_PKCS1, CMS_RSA_OAEP };

const char *cms_cipher_name(enum cms_cipher cipher); /* "aes-256-cbc" */
int cms_cipher_from_name(const char *name) MUST_USE; /* or -1 */
bool cms_cipher_is_authenticated(enum cms_cipher cipher);
/* A sentence for `check` about ciphers nobody should use, or NULL. */
const char *cms_cipher_warning(enum cms_cipher cipher);
/* RC2 needs the legacy provider: 0, or -1 CONFIG when it is not there. */
int cms_cipher_available(enum cms_cipher cipher, struct error *err) MUST_USE;

struct cms_recipient {
	const struct cert *cert;
	enum cms_transport transport;	/* RSA keys; EC keys: ECDH, SHA-256 */
	enum crypto_digest oaep_digest; /* MGF1 uses the same */
};

/*
 * EnvelopedData, or AuthEnvelopedData for GCM, DER, to all recipients in one
 * CMS; bytes go to out as they are made (header, ciphertext, trailer), so
 * memory beyond the content stays small.  Duplicate certificates get one
 * RecipientInfo.  NOKEY, naming the certificate's source, when nothing can be
 * encrypted to a key, and when there is no recipient.  On failure out may
 * have got a part.
 */
int cms_encrypt(enum cms_cipher cipher, const struct cms_recipient *recipients,
	size_t recipient_count, const struct pieces *content,
	const struct sink *out, struct error *err) MUST_USE;
/*
 * An upper bound for the DER of cms_encrypt, to reserve a buffer once (for
 * keys up to RSA-16384 with issuers of up to 1.9 KB).
 */
size_t cms_encrypted_size_bound(size_t content_len, size_t recipient_count);

/* ---- recognising ---- */

enum cms_kind {
	CMS_KIND_NONE,
	CMS_KIND_DATA,
	CMS_KIND_SIGNED,
	CMS_KIND_ENVELOPED,
	CMS_KIND_AUTH_ENVELOPED,
	CMS_KIND_CERTS_ONLY,
	CMS_KIND_OTHER
};

/*
 * What these bytes (DER or BER) are.  ENVELOPED and AUTH_ENVELOPED only when
 * the whole skeleton parses: at least one RecipientInfo of key transport or
 * key agreement with a key in it, an encrypted content that is not empty and
 * has a length its cipher can make, nothing after the end.  SIGNED has a
 * SignerInfo.  What is cut off or broken is NONE or OTHER.
 */
enum cms_kind cms_recognise(struct span bytes);

/* ---- reading ---- */

struct cms_read_limits {
	unsigned recipients;	  /* RecipientInfos of every kind; 500 */
	unsigned signers;	  /* 8 */
	unsigned certificates;	  /* 64 */
	size_t certificate_bytes; /* each; 64 KiB */
};
/* What NULL stands for, wherever limits are asked for. */
extern const struct cms_read_limits cms_read_limits_default;

/*
 * Whom a RecipientInfo is for, or whose a SignerInfo is, as the CMS has it:
 * issuer and serial, or the key identifier; what is not there is "".
 */
struct cms_party {
	char *issuer;	     /* RFC 2253 */
	char *serial;	     /* lower-case hex, as cert_serial() */
	char *key_id;	     /* lower-case hex */
	char *key_algorithm; /* dotted OID of what encrypted the key, or of
				the signature */
	struct buf id; /* the identifier as it stood, for cms_party_is() */
};
/* Does it name this certificate?  1, 0, or -1: no memory to find out. */
int cms_party_is(
	const struct cms_party *party, const struct cert *cert) MUST_USE;

/* What can be said of an EnvelopedData or AuthEnvelopedData without a key. */
struct cms_envelope {
	bool authenticated;	/* AuthEnvelopedData */
	char algorithm[32];	/* "AES128", "AES256-GCM", "3DES", "RC2", "DES",
				   or a dotted OID */
	unsigned key_bits;	/* 0: not known */
	bool legacy;		/* RC2, DES: only where a rule allows it */
	struct list recipients; /* struct cms_party *: key transport and key
				   agreement; the others are not listed */
};

/*
 * DER or BER.  FORMAT when it is no envelope, LIMIT; on failure out is empty.
 * The algorithm may be one that cms_open_envelope() will refuse.
 */
int cms_read_envelope(struct span cms, const struct cms_read_limits *limits,
	struct cms_envelope *out, struct error *err) MUST_USE;
void cms_envelope_clear(struct cms_envelope *envelope);
/* Is one of its RecipientInfos for this certificate?  1, 0 or -1, likewise. */
int cms_envelope_is_for(
	const struct cms_envelope *envelope, const struct cert *cert) MUST_USE;

/*
 * Open it with the key of that certificate; only RecipientInfos that name the
 * certificate are tried, and those of passwords and shared keys never reach
 * OpenSSL.  Ciphers: AES-CBC, AES-GCM and 3DES; RC2 and DES (CBC) when
 * legacy_ok.  Appended to out, which holds nothing new unless padding or tag
 * have vouched for all of it.  The memory used beside the CMS is out itself.
 *
 * CRYPTO, with one text for bad padding, bad tag, wrong key and broken key
 * blocks ("it cannot be decrypted"); FORMAT: no envelope, or parameters no
 * honest sender makes; NOKEY: not for this certificate, or there is no key;
 * LIMIT; CONFIG: a cipher that needs legacy_ok; SYSTEM: no memory, the token
 * is gone.  Nobody outside may learn which of them it was.
 */
int cms_open_envelope(struct span cms, const struct cert *cert, bool legacy_ok,
	const struct cms_read_limits *limits, struct buf *out,
	struct error *err) MUST_USE;

enum { CMS_WEAK_DIGEST = 1, CMS_WEAK_KEY = 2 };

/* What one SignerInfo comes to. */
struct cms_signer_report {
	struct cms_party party;
	struct cert *cert;	 /* NULL: neither in the CMS nor among `more`;
				    owned; its chain: the CMS's other ones */
	struct cert *encryption; /* which encrypKeyPref names, or NULL */
	bool verified;		 /* the bytes are the key holder's: trust is
				    another question */
	unsigned weak;		 /* CMS_WEAK_DIGEST: SHA-1; CMS_WEAK_KEY: RSA
				    and DSA below 2048, EC below 224 bits */
	time_t signing_time;	 /* a claim; 0: none */
	char digest[16];	 /* "sha256"; a dotted OID is cut */
	struct error why;	 /* when it is not verified */
};

struct cms_signed {
	bool detached;
	struct list signers;	  /* struct cms_signer_report * */
	struct list certificates; /* struct cert *: what can be read of them */
	unsigned crl_count;
	struct span content; /* opaque: lies in `cms` when it is one piece, */
	struct buf joined;   /* or here */
};

/*
 * Verify a SignedData, DER or BER: detached over content, or opaque (content
 * NULL).  more: struct cert * to look for a signer's certificate when the CMS
 * carries none; may be NULL.  FORMAT: no SignedData, content inside a detached
 * signature, no content in an opaque one; LIMIT; SYSTEM.  A bad signature is
 * no error, its report says why; no signers (certs-only): signers.count is 0.
 * out->content borrows from cms; on failure out is empty.
 *
 * signedAttrs are required, since without them content and attributes can
 * change places; contentType and messageDigest once, with one value;
 * signingCertificate(V2) and CMSAlgorithmProtection must match where they
 * are there; one digest for content and attributes (RFC 8933).  MD5 and RSA
 * above 8192 bits never verify.
 */
int cms_read_signed(struct span cms, const struct pieces *content,
	const struct list *more, const struct cms_read_limits *limits,
	struct cms_signed *out, struct error *err) MUST_USE;
void cms_signed_clear(struct cms_signed *out);
/* Is there a signer, and is each of them verified? */
bool cms_signed_is_verified(const struct cms_signed *out);

#endif
