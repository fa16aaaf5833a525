/* Between the files of smime/ only. */
#ifndef SMIME_INTERNAL_H
#define SMIME_INTERNAL_H

#include "smime/smime.h"

/*
 * Is the body of this multipart/encrypted PGP/MIME as RFC 3156 4 has it, with
 * nothing readable beside the armour?  Two parts, the second one armour from
 * its first line to its last, a short preamble at most, a blank epilogue.
 */
bool smime_is_pgp_mime(const struct mime_type *type, struct span body);

/* detect.c: a type that CMS travels as; *claims: and nothing else does. */
bool smime_is_cms_type(
	const struct mime_type *type, struct span header, bool *claims);
/*
 * The CMS a body holds: itself, or decoded into held.  kind NONE: there is
 * none.  SYSTEM is the only error.
 */
int smime_decode_cms(const struct mime_entity *entity, struct buf *held,
	struct span *cms, enum cms_kind *kind, struct error *err) MUST_USE;

/* parts.c: what ends a part of a multipart. */
enum smime_end { SMIME_END_NONE, SMIME_END_NEXT, SMIME_END_LAST };
/* Bytes up to a delimiter line, which is taken from *rest too. */
struct span smime_until_delimiter(
	struct span *rest, struct span boundary, enum smime_end *end);

/* OPAQUE, ENCRYPTED, or OTHER_CMS. */
enum smime_kind smime_kind_of_cms(enum cms_kind cms);

#endif
