/*
 * CMS in MIME clothes (RFC 8551 3): what is already protected, and an entity
 * signed or encrypted.
 */
#ifndef SMIME_SMIME_H
#define SMIME_SMIME_H

#include "base/buf.h"
#include "cms/cms.h"
#include "mime/mime.h"

enum smime_kind {
	SMIME_KIND_PLAIN,
	SMIME_KIND_SIGNED,    /* multipart/signed with pkcs7-signature */
	SMIME_KIND_OPAQUE,    /* pkcs7-mime with SignedData */
	SMIME_KIND_ENCRYPTED, /* pkcs7-mime whose Enveloped/AuthEnvelopedData
			    parses: the only kind that counts as encrypted
			    against a mandatory rule */
	SMIME_KIND_OTHER_CMS, /* claims to be S/MIME, and is nothing of these */
	SMIME_KIND_PGP_SIGNED,
	SMIME_KIND_PGP_ENCRYPTED, /* PGP/MIME (RFC 3156 4) that holds nothing
				     but armour */
	SMIME_KIND_OTHER_PGP,	  /* multipart/encrypted, and not that */
	SMIME_KIND_PGP_INLINE,
};

/*
 * What is this entity (header, blank line, body)?  Looks at the root only;
 * media types compare case-insensitively, x-pkcs7-* and
 * application/octet-stream named *.p7m count; the CMS decides, never a name.
 */
int smime_detect(
	struct span entity, enum smime_kind *out, struct error *err) MUST_USE;
const char *smime_kind_name(enum smime_kind kind);

/*
 * A protected entity: header fields (Content-*, each ending in CRLF, folded
 * below 78) and the body.  The pieces borrow from `front`, `back` and from the
 * entity that was protected, which must live as long.
 */
struct smime_layer {
	struct buf header;
	struct buf front;
	struct buf back;
	struct pieces body;
};

void smime_layer_clear(struct smime_layer *layer);
/* header + CRLF + body, to be protected again. */
void smime_layer_entity(const struct smime_layer *layer, struct pieces *out);

enum smime_form { SMIME_FORM_DETACHED, SMIME_FORM_OPAQUE };

/*
 * For SMIME_FORM_DETACHED the entity has to be mime_is_fit(), or what
 * mime_make_fit() gave without a residue.  After a failure out is empty, so
 * that it may take another layer.
 */
int smime_sign(const struct cms_signer *signer, enum smime_form form,
	const struct pieces *entity, struct smime_layer *out,
	struct error *err) MUST_USE;
int smime_encrypt(enum cms_cipher cipher, const struct cms_recipient *to,
	size_t count, const struct pieces *entity, struct smime_layer *out,
	struct error *err) MUST_USE;

#endif
