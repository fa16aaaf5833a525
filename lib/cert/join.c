/* Which key belongs to which certificate? */
#include <openssl/core_names.h>
#include <string.h>

#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

enum { NUMBER_MAX_BYTES = 4096 };

/* Certificates that look like the key's but are not: nobody has one. */
enum { ALIKE_MAX = 64 };

void
pile_drop_doubles(struct cert_pile *pile)
{
	struct cert_index index = { 0 };
	bool *again = mem_array(pile->cert_count, sizeof(*again));
	size_t kept = 0;

	for (size_t i = 0; i < pile->cert_count; i++)
		index_add(&index, pile->cert[i].sha256, i);
	index_sort(&index);
	for (size_t i = 1; i < index.count; i++)
		if (index_row_is(&index, i, index.row[i - 1].key))
			again[index.row[i].item] = true;
	for (size_t i = 0; i < pile->cert_count; i++) {
		if (again[i])
			X509_free(pile->cert[i].x509);
		else
			pile->cert[kept++] = pile->cert[i];
	}
	pile->cert_count = kept;
	mem_free(again);
	index_clear(&index);
}

/* A token's key does not give its numbers away one by one. */
static EVP_PKEY *
public_half(const EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY((EVP_PKEY *)(uintptr_t)key, &der);
	const unsigned char *at = der;
	EVP_PKEY *half = len > 0 ? d2i_PUBKEY(NULL, &at, len) : NULL;

	OPENSSL_free(der);
	return half;
}

/*
 * A number that key and certificate of a pair have in common, cut to its low
 * bytes: good enough to find the few that are then compared in full.
 */
static bool
number_identity(const EVP_PKEY *key, unsigned char out[INDEX_KEY_BYTES])
{
	static const char *const numbers[] = { OSSL_PKEY_PARAM_RSA_N,
		OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_PUB_KEY };
	unsigned char bytes[NUMBER_MAX_BYTES];
	BIGNUM *number = NULL;
	size_t len = INDEX_KEY_BYTES;
	int have = 0;

	memset(out, 0, INDEX_KEY_BYTES);
	if (key == NULL)
		return false;
	if (EVP_PKEY_get_raw_public_key(key, NULL, &len) == 1)
		return len <= INDEX_KEY_BYTES &&
		       EVP_PKEY_get_raw_public_key(key, out, &len) == 1;
	for (size_t i = 0; i < COUNT_OF(numbers) && !have; i++)
		have = EVP_PKEY_get_bn_param(key, numbers[i], &number);
	if (have && BN_num_bytes(number) <= NUMBER_MAX_BYTES) {
		have = BN_bn2lebinpad(number, bytes, NUMBER_MAX_BYTES);
		memcpy(out, bytes, INDEX_KEY_BYTES);
	}
	BN_free(number);
	return have > 0;
}

static bool
key_identity(const EVP_PKEY *key, unsigned char out[INDEX_KEY_BYTES])
{
	EVP_PKEY *half;
	bool known;

	if (key == NULL || number_identity(key, out))
		return key != NULL;
	half = public_half(key);
	known = number_identity(half, out);
	EVP_PKEY_free(half);
	return known;
}

static BIGNUM *
modulus(const EVP_PKEY *key)
{
	BIGNUM *number = NULL;

	(void)!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &number);
	return number;
}

bool
key_belongs(const EVP_PKEY *key, X509 *x509)
{
	const EVP_PKEY *public = X509_get0_pubkey(x509);
	BIGNUM *one, *other;
	EVP_PKEY *half;
	bool same;

	if (X509_check_private_key(x509, key) == 1)
		return true;
	if (public == NULL || cert_key_kind(public) != KEY_RSA_PSS ||
		cert_key_kind(key) != KEY_RSA)
		return false;
	half = public_half(key);
	one = modulus(half);
	other = modulus(public);
	same = one != NULL && other != NULL && BN_cmp(one, other) == 0;
	BN_free(one);
	BN_free(other);
	EVP_PKEY_free(half);
	return same;
}

static bool
join(struct cert_pile *pile, const struct cert_index *index,
	const struct found_key *found)
{
	unsigned char identity[INDEX_KEY_BYTES];
	bool joined = false;
	int alike = 0;

	if (!key_identity(found->key, identity))
		return false;
	for (size_t row = index_find(index, identity);
		index_row_is(index, row, identity) && alike < ALIKE_MAX;
		row++) {
		struct found_cert *cert = &pile->cert[index->row[row].item];

		/* The same key once more has no work left. */
		if (cert->key != NULL &&
			EVP_PKEY_eq(cert->key, found->key) == 1)
			return true;
		if (cert->key != NULL || !key_belongs(found->key, cert->x509)) {
			alike++;
			continue;
		}
		joined = true;
		if (EVP_PKEY_up_ref(found->key) == 1)
			cert->key = found->key;
	}
	return joined;
}

void
pile_join_keys(struct cert_pile *pile)
{
	struct cert_index index = { 0 };
	unsigned char identity[INDEX_KEY_BYTES];

	for (size_t i = 0; pile->key_count && i < pile->cert_count; i++)
		if (key_identity(
			    X509_get0_pubkey(pile->cert[i].x509), identity))
			index_add(&index, identity, i);
	index_sort(&index);
	for (size_t i = 0; i < pile->key_count; i++) {
		char text[64];

		if (join(pile, &index, &pile->key[i]))
			continue;
		cert_describe_key(pile->key[i].key, text, sizeof(text));
		list_add(&pile->warnings,
			mem_printf("%s: a private key (%s) that matches no "
				   "certificate",
				pile->key[i].source, text));
	}
	index_clear(&index);
	crypto_begin();
}
