/* Issuer by issuer: the path above a certificate, from what was found. */
#include <openssl/x509v3.h>
#include <string.h>

#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

/* Authorities of one name that are tried; renewals, not armies. */
enum { NAMESAKES_MAX = 64 };

/*
 * Signatures that are verified for a certificate of the pile, on the average;
 * where authorities of one name abound, paths are left to whoever trusts.
 */
enum { VERIFIED_EACH = 8, VERIFIED_LEAST = 1000 };

static void
name_key(struct chains *chains, const X509_NAME *name,
	unsigned char out[INDEX_KEY_BYTES])
{
	int done = 0;
	/* Of the canonical form, so that case and blanks do not matter. */
	unsigned long hash = X509_NAME_hash_ex(name, NULL, NULL, &done);

	if (!done)
		atomic_store(&chains->incomplete, true);
	memset(out, 0, INDEX_KEY_BYTES);
	memcpy(out, &hash, sizeof(hash));
}

static bool
is_self_signed(X509 *x509)
{
	return (X509_get_extension_flags(x509) & EXFLAG_SS) != 0;
}

void
chains_init(struct chains *chains, const struct cert_pile *pile)
{
	unsigned char key[INDEX_KEY_BYTES];

	*chains = (struct chains){ .pile = pile };
	atomic_init(&chains->may_verify,
		VERIFIED_LEAST + VERIFIED_EACH * (long)pile->cert_count);
	atomic_init(&chains->incomplete, false);
	for (size_t i = 0; i < pile->cert_count; i++) {
		X509 *x509 = pile->cert[i].x509;

		if (X509_check_ca(x509) == 0 || is_self_signed(x509))
			continue;
		name_key(chains, X509_get_subject_name(x509), key);
		index_add(&chains->by_subject, key, i);
	}
	index_sort(&chains->by_subject);
}

void
chains_clear(struct chains *chains)
{
	index_clear(&chains->by_subject);
}

static bool
has_signed(X509 *issuer, X509 *x509)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	return key != NULL && X509_verify(x509, key) == 1;
}

bool
cert_has_issued(X509 *issuer, X509 *x509)
{
	bool has = X509_check_issued(issuer, x509) == X509_V_OK &&
		   has_signed(issuer, x509);

	crypto_begin();
	return has;
}

/*
 * What an administrator has put side by side is believed when names and key
 * identifiers agree: whoever uses the path verifies it, and 100,000
 * signatures at start would take as long as reading them.
 */
static bool
is_issuer(struct chains *chains, X509 *issuer, X509 *x509)
{
	const ASN1_OCTET_STRING *wanted = X509_get0_authority_key_id(x509);
	const ASN1_OCTET_STRING *has = X509_get0_subject_key_id(issuer);

	if (X509_check_issued(issuer, x509) != X509_V_OK)
		return false;
	if (wanted != NULL && has != NULL &&
		ASN1_OCTET_STRING_cmp(wanted, has) == 0)
		return true;
	if (atomic_fetch_sub(&chains->may_verify, 1) <= 0)
		return false;
	return has_signed(issuer, x509);
}

/* Of several that fit (a renewed authority) the one that lasts longest. */
static X509 *
find_issuer(struct chains *chains, X509 *x509)
{
	const struct cert_index *index = &chains->by_subject;
	unsigned char key[INDEX_KEY_BYTES];
	X509 *best = NULL;
	size_t row, tried = 0;

	if (index->count == 0)
		return NULL;
	name_key(chains, X509_get_issuer_name(x509), key);
	for (row = index_find(index, key);
		index_row_is(index, row, key) && tried < NAMESAKES_MAX; row++) {
		X509 *one = chains->pile->cert[index->row[row].item].x509;

		tried++;
		if (best != NULL && ASN1_TIME_compare(X509_get0_notAfter(one),
					    X509_get0_notAfter(best)) <= 0)
			continue;
		crypto_begin();
		if (is_issuer(chains, one, x509))
			best = one;
		else if (crypto_lacked_memory())
			atomic_store(&chains->incomplete, true);
	}
	return best;
}

STACK_OF(X509) * chains_above(struct chains *chains, X509 *x509)
{
	STACK_OF(X509) *chain = NULL;
	X509 *below = x509, *issuer;

	while (sk_X509_num(chain) < CHAIN_MAX && !is_self_signed(below) &&
		(issuer = find_issuer(chains, below)) != NULL &&
		issuer != x509) {
		if ((chain == NULL && (chain = sk_X509_new_null()) == NULL) ||
			X509_add_cert(chain, issuer,
				X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP) !=
				1) {
			atomic_store(&chains->incomplete, true);
			break;
		}
		below = issuer;
	}
	crypto_begin();
	return chain;
}
