/*
 * A PKI in memory: a root, an intermediate below it, and a user of each kind
 * of key below that.  Made at first use, freed by pki_free().
 */
#ifndef TEST_CMS_FIXTURE_H
#define TEST_CMS_FIXTURE_H

#include "cms/cms.h"

enum pki_user {
	PKI_RSA,	   /* 2048 bits */
	PKI_RSA_OTHER,	   /* 2048 bits, another key */
	PKI_RSA_SMALL,	   /* 1024 bits */
	PKI_RSA_TINY,	   /* 512 bits */
	PKI_PSS,	   /* id-RSASSA-PSS without parameters */
	PKI_PSS_SHA256,	   /* SHA-256, MGF1-SHA-256, salt of 32 at least */
	PKI_PSS_LONG_SALT, /* the same, salt of 48 at least */
	PKI_P256,
	PKI_P384,
	PKI_P521,
	PKI_ED25519,
};
enum { PKI_USERS = PKI_ED25519 + 1 };

/* Borrowed. */
struct cert *pki_cert(enum pki_user user);
/* The intermediate and the root, borrowed. */
STACK_OF(X509) * pki_chain(void);
X509 *pki_root(void);
X509 *pki_intermediate(void);
/* A certificate of its own for the user's key; the caller unrefs it. */
struct cert *pki_issue(enum pki_user user, EVP_PKEY *private_key);
void pki_free(void);

/*
 * Is it a detached signature over the content, and every signer verified?
 * FORMAT when it is none, or what is wrong with the first one.
 */
int pki_verify(struct span der, const struct pieces *content,
	struct error *err) MUST_USE;

/* A 16 bytes' pattern, never two equal lines in a row; owned by nobody. */
struct span pki_content(size_t len);

#endif
