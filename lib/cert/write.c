/* Certificates and keys as files for other programs. */
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "base/mem.h"
#include "cert/internal.h"
#include "crypto/crypto.h"

/*
 * Of the derivation of a key from a password (PBKDF2 with SHA-256, and the
 * MAC of RFC 7292): some tenths of a second for whoever opens the file.  With
 * many keys it is less for each, so that half of what we allow a file opens
 * it.
 */
enum { KDF_ITERATIONS = 200000, KDF_ITERATIONS_MIN = 10000 };
/* Of the derivation that old programs know, on machines as old. */
enum { KDF_LEGACY_ITERATIONS = 10000 };
/* The certificates, the MAC, and what is tried in vain. */
enum { KDF_OTHERS = 4 };

static const char *const names[] = { [CERT_PEM] = "pem",
	[CERT_DER] = "der",
	[CERT_P12] = "p12",
	[CERT_P7B] = "p7b",
	[CERT_SST] = "sst" };

int
cert_form_from_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

static int
failed(struct error *err)
{
	return crypto_fail(
		err, ERROR_CRYPTO, "the certificates cannot be written");
}

/* What a BIO in memory has got; frees it. */
static int
take_bytes(BIO *bio, bool good, struct buf *out, struct error *err)
{
	char *data = NULL;
	long len = good ? BIO_get_mem_data(bio, &data) : 0;
	int result = good ? buf_add(out, data, (size_t)len, err) : failed(err);

	BIO_free(bio);
	return result;
}

static bool
has_key(const struct cert_writing *how, const struct cert *cert)
{
	return how->with_keys && cert->key != NULL;
}

static int
choose_iterations(const struct cert_writing *how, const struct list *certs,
	int *out, struct error *err)
{
	const unsigned budget = cert_limits_default.kdf_file_iterations / 2;
	const struct cert *cert;
	size_t keys = 0;

	LIST_FOREACH (cert, certs)
		keys += has_key(how, cert);
	if (keys > budget / KDF_ITERATIONS_MIN - KDF_OTHERS)
		return error_set(err, ERROR_LIMIT,
			"%zu private keys are more than a file with a password "
			"should hold (%u): whoever reads it would give up",
			keys, budget / KDF_ITERATIONS_MIN - KDF_OTHERS);
	*out = (int)(budget / (keys + KDF_OTHERS));
	if (*out > KDF_ITERATIONS)
		*out = KDF_ITERATIONS;
	if (how->legacy)
		*out = KDF_LEGACY_ITERATIONS;
	return 0;
}

/* ---- what goes along ---- */

static void
add_once(STACK_OF(X509) * all, X509 *x509)
{
	for (int i = 0; i < sk_X509_num(all); i++)
		if (X509_cmp(sk_X509_value(all, i), x509) == 0)
			return;
	sk_X509_push(all, x509);
}

/* The certificates, then the authorities above them; all borrowed. */
static STACK_OF(X509) * everything(const struct list *certs)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	const struct cert *cert;

	if (all == NULL)
		return NULL;
	LIST_FOREACH (cert, certs)
		add_once(all, cert->x509);
	LIST_FOREACH (cert, certs)
		for (int i = 0; i < sk_X509_num(cert->chain); i++)
			add_once(all, sk_X509_value(cert->chain, i));
	return all;
}

/* ---- PEM, DER ---- */

static bool
write_key(
	BIO *bio, const struct cert_writing *how, EVP_PKEY *key, int iterations)
{
	const EVP_CIPHER *cipher = how->password ? EVP_aes_256_cbc() : NULL;
	X509_SIG *encrypted;
	PKCS8_PRIV_KEY_INFO *info;
	bool done;

	if (cipher == NULL)
		return PEM_write_bio_PKCS8PrivateKey(
			       bio, key, NULL, NULL, 0, NULL, NULL) == 1;
	info = EVP_PKEY2PKCS8(key);
	encrypted = info ? PKCS8_encrypt(-1, cipher, how->password,
				   (int)strlen(how->password), NULL, 0,
				   iterations, info)
			 : NULL;
	done = encrypted != NULL && PEM_write_bio_PKCS8(bio, encrypted) == 1;
	X509_SIG_free(encrypted);
	PKCS8_PRIV_KEY_INFO_free(info);
	return done;
}

static int
write_pem(const struct cert_writing *how, const struct list *certs,
	STACK_OF(X509) * all, struct buf *out, struct error *err)
{
	const struct cert *cert;
	int iterations = 0;
	bool good;
	BIO *bio;

	if (how->password != NULL &&
		choose_iterations(how, certs, &iterations, err) != 0)
		return -1;
	bio = BIO_new(BIO_s_secmem());
	good = bio != NULL;
	LIST_FOREACH (cert, certs)
		if (good && has_key(how, cert))
			good = write_key(bio, how, cert->key, iterations);
	for (int i = 0; good && i < sk_X509_num(all); i++)
		good = PEM_write_bio_X509(bio, sk_X509_value(all, i)) == 1;
	return take_bytes(bio, good, out, err);
}

static int
write_der(const struct cert_writing *how, const struct list *certs,
	STACK_OF(X509) * all UNUSED, struct buf *out, struct error *err)
{
	const struct cert *cert = certs->item[0];
	BIO *bio;

	if (how->with_keys)
		return error_set(err, ERROR_CONFIG,
			"a file in DER holds one certificate and no key (pem "
			"and p12 do)");
	if (certs->count != 1)
		return error_set(err, ERROR_CONFIG,
			"a file in DER holds one certificate, and these are "
			"%zu",
			certs->count);
	bio = BIO_new(BIO_s_mem());
	return take_bytes(
		bio, bio && i2d_X509_bio(bio, cert->x509) == 1, out, err);
}

/* ---- PKCS#7 ---- */

static int
no_keys(const struct cert_writing *how, const char *form, struct error *err)
{
	if (!how->with_keys)
		return 0;
	return error_set(err, ERROR_CONFIG,
		"a file of the form %s never holds a private key (pem and p12 "
		"do)",
		form);
}

/* Signed by nobody: RFC 5652 5.1, "degenerate". */
static int
write_p7b(const struct cert_writing *how, const struct list *certs UNUSED,
	STACK_OF(X509) * all, struct buf *out, struct error *err)
{
	PKCS7 *p7 = NULL;
	BIO *bio = NULL;
	bool good;

	if (no_keys(how, "p7b", err) != 0)
		return -1;
	p7 = PKCS7_new();
	bio = BIO_new(BIO_s_mem());
	good = p7 != NULL && bio != NULL &&
	       PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
	       PKCS7_content_new(p7, NID_pkcs7_data) == 1 &&
	       PKCS7_set_detached(p7, 1) == 1;
	for (int i = 0; good && i < sk_X509_num(all); i++)
		good = PKCS7_add_certificate(p7, sk_X509_value(all, i)) == 1;
	good = good && i2d_PKCS7_bio(bio, p7) == 1;
	PKCS7_free(p7);
	return take_bytes(bio, good, out, err);
}

/* ---- PKCS#12 ---- */

/* What ties a key to its certificate, and a name to show for both. */
static bool
label(PKCS12_SAFEBAG *bag, const struct cert *cert)
{
	unsigned char id[EVP_MAX_MD_SIZE];
	const struct address *address =
		cert->addresses.count ? cert->addresses.item[0] : NULL;
	unsigned len = 0;

	return bag != NULL &&
	       X509_digest(cert->x509, crypto_digest(CRYPTO_SHA1), id, &len) ==
		       1 &&
	       PKCS12_add_localkeyid(bag, id, (int)len) == 1 &&
	       (address == NULL || PKCS12_add_friendlyname_utf8(
					   bag, address->text, -1) == 1);
}

static const struct cert *
owner_of(const struct cert_writing *how, const struct list *certs, X509 *x509)
{
	const struct cert *cert;

	LIST_FOREACH (cert, certs)
		if (has_key(how, cert) && X509_cmp(cert->x509, x509) == 0)
			return cert;
	return NULL;
}

static PKCS12 *
make_p12(const struct cert_writing *how, const struct list *certs,
	STACK_OF(X509) * all, int iterations)
{
	const int cipher = how->legacy ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC
				       : NID_aes_256_cbc;
	STACK_OF(PKCS12_SAFEBAG) *open = NULL, *keys = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	PKCS12 *p12 = NULL;
	bool good = true;

	for (int i = 0; good && i < sk_X509_num(all); i++) {
		X509 *x509 = sk_X509_value(all, i);
		const struct cert *cert = owner_of(how, certs, x509);
		PKCS12_SAFEBAG *bag = PKCS12_add_cert(&open, x509);

		good = bag != NULL && (cert == NULL || label(bag, cert));
		if (good && cert != NULL)
			good = label(PKCS12_add_key(&keys, cert->key, 0,
					     iterations, cipher, how->password),
				cert);
	}
	good = good &&
	       PKCS12_add_safe(
		       &safes, open, cipher, iterations, how->password) == 1 &&
	       (keys == NULL ||
		       PKCS12_add_safe(&safes, keys, -1, 0, NULL) == 1);
	if (good)
		p12 = PKCS12_add_safes(safes, 0);
	if (p12 != NULL &&
		PKCS12_set_mac(p12, how->password, -1, NULL, 0, iterations,
			how->legacy ? EVP_sha1() : EVP_sha256()) != 1) {
		PKCS12_free(p12);
		p12 = NULL;
	}
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(open, PKCS12_SAFEBAG_free);
	sk_PKCS12_SAFEBAG_pop_free(keys, PKCS12_SAFEBAG_free);
	return p12;
}

static int
write_p12(const struct cert_writing *how, const struct list *certs,
	STACK_OF(X509) * all, struct buf *out, struct error *err)
{
	PKCS12 *p12;
	BIO *bio;
	int iterations = 0;
	bool good;

	if (how->password == NULL || how->password[0] == '\0')
		return error_set(
			err, ERROR_CONFIG, "a PKCS#12 needs a password");
	if (choose_iterations(how, certs, &iterations, err) != 0)
		return -1;
	p12 = make_p12(how, certs, all, iterations);
	bio = BIO_new(BIO_s_mem());
	good = p12 != NULL && bio != NULL && i2d_PKCS12_bio(bio, p12) == 1;
	PKCS12_free(p12);
	return take_bytes(bio, good, out, err);
}

/* ---- SST: Microsoft's serialized store ([MS-OSHARED] 2.3.2.5) ---- */

enum {
	SST_VERSION = 0,
	SST_CERT = 0x20,
	SST_ENCODING = 1, /* ASN.1 */
	SST_END = 0
};
#define SST_MARK 0x54524543u /* "CERT" */

static int
add_number(struct buf *out, uint32_t number, struct error *err)
{
	const unsigned char bytes[4] = { (unsigned char)number,
		(unsigned char)(number >> 8), (unsigned char)(number >> 16),
		(unsigned char)(number >> 24) };

	return buf_add(out, bytes, sizeof(bytes), err);
}

static int
add_element(struct buf *out, X509 *x509, struct error *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x509, &der), result = -1;

	if (len <= 0)
		return failed(err);
	if (add_number(out, SST_CERT, err) == 0 &&
		add_number(out, SST_ENCODING, err) == 0 &&
		add_number(out, (uint32_t)len, err) == 0)
		result = buf_add(out, der, (size_t)len, err);
	OPENSSL_free(der);
	return result;
}

static int
write_sst(const struct cert_writing *how, const struct list *certs UNUSED,
	STACK_OF(X509) * all, struct buf *out, struct error *err)
{
	if (no_keys(how, "sst", err) != 0 ||
		add_number(out, SST_VERSION, err) != 0 ||
		add_number(out, SST_MARK, err) != 0)
		return -1;
	for (int i = 0; i < sk_X509_num(all); i++)
		if (add_element(out, sk_X509_value(all, i), err) != 0)
			return -1;
	/* The end: an id and eight bytes of nothing. */
	for (int i = 0; i < 3; i++)
		if (add_number(out, SST_END, err) != 0)
			return -1;
	return 0;
}

static int (*const writers[])(const struct cert_writing *how,
	const struct list *certs, STACK_OF(X509) * all, struct buf *out,
	struct error *err) = { [CERT_PEM] = write_pem,
	[CERT_DER] = write_der,
	[CERT_P12] = write_p12,
	[CERT_P7B] = write_p7b,
	[CERT_SST] = write_sst };

int
cert_write(const struct cert_writing *how, const struct list *certs,
	struct buf *out, struct error *err)
{
	STACK_OF(X509) *all = NULL;
	int result = -1;

	if (certs->count == 0)
		return error_set(err, ERROR_NOKEY, "there is no certificate");
	crypto_begin();
	all = everything(certs);
	if (all == NULL) {
		failed(err);
		goto out;
	}
	if (writers[how->form](how, certs, all, out, err) != 0)
		goto out;
	result = crypto_end("writing certificates", err);
out:
	sk_X509_free(all);
	crypto_begin();
	return result;
}
