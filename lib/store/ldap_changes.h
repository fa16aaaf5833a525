/* What becomes of the values of an entry. */
#ifndef STORE_LDAP_CHANGES_H
#define STORE_LDAP_CHANGES_H

#include <ldap.h>
#include <stdbool.h>

#include "cert/cert.h"
#include "store/publish.h"

enum { VALUES_MAX = 200 };

struct changes {
	/* userCertificate: owned */
	struct berval *add[VALUES_MAX + 1], *remove[VALUES_MAX + 1];
	size_t adds, removes;
	/* userSMIMECertificate: of what was read */
	struct berval *kept[VALUES_MAX + 1], *gone[VALUES_MAX + 1];
	size_t keeps, goes;
	struct berval smime; /* of the publication */
	bool new;	     /* it is to be there, and is not */
};

/* Of packs (NULL: none) there are fewer than VALUES_MAX. */
void changes_find(const struct store_publication *publication,
	struct berval **certificates, struct berval **packs,
	struct changes *out);
void changes_clear(struct changes *changes);

#endif
