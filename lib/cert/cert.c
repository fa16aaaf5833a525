#include <openssl/x509v3.h>
#include <string.h>

#include "base/hex.h"
#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

const struct cert_limits cert_limits_default = {
	.file_bytes = (size_t)64 << 20,
	.items = 100000,
	.kdf_iterations = 10000000,
	.kdf_file_iterations = 160000000,
	.kdf_pile_iterations = 1280000000,
	.crls = 10000,
	.crl_bytes = (size_t)64 << 20,
};

static int
read_time(const ASN1_TIME *from, time_t *out)
{
	struct tm tm;

	if (from == NULL || ASN1_TIME_to_tm(from, &tm) != 1)
		return -1;
	*out = timegm(&tm);
	return 0;
}

int
cert_digest(const X509 *x509, unsigned char out[CERT_SHA256_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	/* X509_digest() would look for the algorithm anew each time. */
	int len = i2d_X509(x509, &der), done;

	done = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL,
				  crypto_digest(CRYPTO_SHA256), NULL) == 1;
	OPENSSL_free(der);
	if (!done)
		return -1;
	memcpy(out, digest, CERT_SHA256_BYTES);
	return 0;
}

static int
read_fingerprint(
	const X509 *x509, const unsigned char *known, char out[CERT_SHA256_HEX])
{
	unsigned char digest[CERT_SHA256_BYTES];

	if (known == NULL && cert_digest(x509, digest) != 0)
		return -1;
	if (known == NULL)
		known = digest;
	hex_write(out, span_of(known, CERT_SHA256_BYTES));
	return 0;
}

/*
 * All that is ever asked is read now: later many threads look at the
 * certificate and none may be the first to fill OpenSSL's caches.
 */
static int
read_all(struct cert *cert, const unsigned char *sha256, struct error *err)
{
	/* Fills the cache of extensions; its answer is of no interest. */
	X509_check_purpose(cert->x509, -1, 0);
	if (read_fingerprint(cert->x509, sha256, cert->sha256) != 0)
		return crypto_fail(err, ERROR_SYSTEM,
			"%s: a certificate cannot be digested", cert->source);
	if (read_time(X509_get0_notBefore(cert->x509), &cert->not_before) ||
		read_time(X509_get0_notAfter(cert->x509), &cert->not_after))
		return error_set(err, ERROR_FORMAT,
			"%s: a certificate whose dates cannot be read",
			cert->source);
	if (cert->key != NULL && !key_belongs(cert->key, cert->x509))
		return crypto_fail(err, ERROR_CONFIG,
			"%s: the private key does not belong to the "
			"certificate",
			cert->source);
	cert_read_addresses(cert->x509, &cert->addresses);
	cert->may_sign = cert_usage_allows(cert->x509, CERT_TO_SIGN, NULL) == 0;
	cert->may_encrypt =
		cert_usage_allows(cert->x509, CERT_TO_ENCRYPT, NULL) == 0;
	return 0;
}

int
cert_new(X509 *x509, EVP_PKEY *key, STACK_OF(X509) * chain,
	enum cert_origin origin, const char *source, struct cert **out,
	struct error *err)
{
	return cert_make(x509, key, chain, origin, source, NULL, out, err);
}

int
cert_make(X509 *x509, EVP_PKEY *key, STACK_OF(X509) * chain,
	enum cert_origin origin, const char *source,
	const unsigned char *sha256, struct cert **out, struct error *err)
{
	struct cert *cert = mem_alloc(sizeof(*cert));
	int result;

	crypto_begin();
	atomic_init(&cert->references, 1);
	cert->x509 = x509;
	cert->key = key;
	cert->chain = chain;
	cert->origin = origin;
	cert->source = mem_string(source);
	result = read_all(cert, sha256, err);
	if (crypto_lacked_memory())
		result = error_set(err, ERROR_SYSTEM,
			"%s: no memory to read a certificate", source);
	if (result != 0)
		goto out;
	*out = cert;
	cert = NULL;
out:
	/* An odd extension leaves its trace in the queue of errors. */
	crypto_begin();
	cert_unref(cert);
	return result;
}

struct cert *
cert_ref(struct cert *cert)
{
	atomic_fetch_add_explicit(&cert->references, 1, memory_order_relaxed);
	return cert;
}

void
cert_unref(void *p)
{
	struct cert *cert = p;

	if (cert == NULL || atomic_fetch_sub_explicit(&cert->references, 1,
				    memory_order_acq_rel) != 1)
		return;
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	sk_X509_pop_free(cert->chain, X509_free);
	list_clear(&cert->addresses, address_free);
	mem_free(cert->source);
	mem_free(cert);
}

void
cert_retire(struct cert *cert)
{
	atomic_store(&cert->retired, true);
}

bool
cert_is_retired(const struct cert *cert)
{
	return atomic_load(&cert->retired);
}

bool
cert_names_address(const struct cert *cert, const struct address *address)
{
	struct address *named;

	LIST_FOREACH (named, &cert->addresses) {
		if (addr_equal(named, address))
			return true;
	}
	return false;
}

bool
cert_is_ca(const struct cert *cert)
{
	return X509_check_ca(cert->x509) != 0;
}
