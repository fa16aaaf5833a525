/*
 * Bytes in, CMS out (RFC 5652, 5083, 8551), and back as far as checking our
 * own work and recognising others' needs it.  Knows no MIME.
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

/* ---- for tests and later issues: undoing our own work ---- */

/* Verify a detached signature (no trust); out of reach for mails until the
 * inbound issue. */
int cms_verify_detached(struct span der, const struct pieces *content,
	struct error *err) MUST_USE;
int cms_decrypt(struct span der, const struct cert *cert, struct buf *out,
	struct error *err) MUST_USE;

#endif
