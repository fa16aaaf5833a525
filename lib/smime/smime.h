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

/* ---- reading ---- */

/*
 * The CMS in a root of application/pkcs7-mime and the like, appended to der:
 * the body as it stands, or decoded, whatever its transfer encoding says; what
 * base64 does not have is passed over (RFC 2045 6.8), which smime_detect() does
 * not: clear text may stand there.
 * FORMAT when the root is of another type or holds no CMS.
 */
int smime_cms_of(struct span entity, struct buf *der, enum cms_kind *kind,
	struct error *err) MUST_USE;

/*
 * What SMIME_KIND_OTHER_CMS is to smime_cms_of(): ENCRYPTED, OPAQUE, PLAIN for
 * certificates alone; else OTHER_CMS, with err why.
 */
enum smime_kind smime_kind_of_claim(
	struct span entity, struct error *err) MUST_USE;

/* What a multipart/signed is made of. */
struct smime_parts {
	struct span content;  /* the first part, header included, without
				 the line end before the delimiter */
	struct span line_end; /* that line end, right behind content */
	struct buf signature; /* the second part, decoded: CMS */
};

/*
 * Cut a multipart/signed (RFC 1847 2.1) from its raw bytes.  FORMAT, with a
 * clause that fits behind "the signature cannot be verified:", unless there
 * are exactly two parts, the second of pkcs7-signature, closed, and nothing a
 * reader might show outside of them: the epilogue is blank, the preamble
 * blank or a short text with no line that looks like a delimiter or a field.
 * Nor may there be anything that readers could differ about: more than one
 * boundary parameter; in the header of the second part a line that is no
 * field, a second type, or an encoding other than base64 and none.
 */
int smime_split_signed(struct span entity, struct smime_parts *out,
	struct error *err) MUST_USE;
void smime_parts_clear(struct smime_parts *parts);

enum smime_canonical {
	SMIME_AS_RECEIVED,
	SMIME_CRLF,	  /* lines that ended in LF made CRLF */
	SMIME_FINAL_CRLF, /* with the line end before the delimiter, too */
	SMIME_CANONICALS
};
/*
 * cms_read_signed() over the bytes as received, and, when that does not
 * verify, over the two forms other software is known to sign (RFC 8551 3.1.1
 * asks for CRLF; RFC 2046 5.1.1 counts the last line end to the delimiter).
 * *form says which one verified; what is never tried is anything that would
 * change what is seen.
 */
int smime_read_signed(const struct smime_parts *parts, const struct list *more,
	const struct cms_read_limits *limits, struct cms_signed *out,
	enum smime_canonical *form, struct error *err) MUST_USE;

/*
 * Is this, which has been decrypted, a MIME entity: a header with nothing but
 * Content-* and MIME-Version (and, when its Content-Type says hp= or
 * protected-headers=, the fields of a message: RFC 9788), in UTF-8 and without
 * control bytes?  FORMAT when not: garbage of a wrong key and most of what
 * EFAIL puts in front never pass.
 */
int smime_check_plaintext(struct span entity, struct error *err) MUST_USE;

#endif
