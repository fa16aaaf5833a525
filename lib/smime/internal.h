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

#endif
