/*
 * A chapter of store.h: certificates into a directory, so that other people's
 * mail programs find them.
 */
#ifndef STORE_PUBLISH_H
#define STORE_PUBLISH_H

#include "base/buf.h"
#include "base/list.h"

struct address;
struct store;
struct store_publisher;

/*
 * A connection of its own to the directory of a store of the type ldap, bound
 * as somebody who may write there (NULL: as the store is).  Strings are
 * borrowed.  CONFIG when the store is no directory, SYSTEM.
 */
int store_publisher_open(struct store *store, const char *bind_dn,
	const char *password, struct store_publisher **out,
	struct error *err) MUST_USE;
void store_publisher_close(struct store_publisher *publisher);

/* What the address's entry shall hold of ours; the rest stays as it is. */
struct store_publication {
	const struct list *present; /* struct cert *: the first is in smime */
	const struct list *absent;  /* struct cert * */
	struct span smime;	    /* userSMIMECertificate; data NULL: none */
};
enum store_published { STORE_NO_ENTRY, STORE_AS_IT_WAS, STORE_CHANGED };
/*
 * Found by the filter of the store.  An entry that somebody else changes in
 * between is read again: no change is lost.  CONFIG when the address has
 * several entries, or the directory does not let us write.
 */
int store_publish(struct store_publisher *publisher,
	const struct address *address,
	const struct store_publication *publication, enum store_published *out,
	struct error *err) MUST_USE;

#endif
