/* What the files of net share. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "net/net.h"

/* ldif.c: the first value in curl's text of an LDAP entry; FORMAT. */
int ldif_first_value(
	struct span text, struct buf *out, struct error *err) MUST_USE;

/* address.c: is host (of a URL, perhaps in [ ]) a private address, as it
 * stands?  A name is not, but for localhost. */
bool host_is_private(const char *host);

#endif
