/*
 * Revocation lists in files.  What a server sends, and what stands in the
 * cache folder, is read here: nothing but lists is looked for in it, so that
 * nobody out there can have keys derived or chains built.
 */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/crypto.h"
#include "trust/internal.h"

static int
add(X509_CRL *x509, enum crl_origin origin, const char *source,
	struct list *out, struct error *err)
{
	struct crl *crl = NULL;

	if (crl_new(x509, origin, source, &crl, err) != 0)
		return -1;
	list_add(out, crl);
	return 0;
}

int
crl_take(struct cert_pile *pile, enum crl_origin origin, const char *source,
	struct list *out, struct error *err)
{
	struct list found = { 0 };
	X509_CRL *x509;
	int result = 0;

	cert_pile_take_crls(pile, &found);
	LIST_FOREACH (x509, &found) {
		if (result != 0)
			X509_CRL_free(x509);
		else
			result = add(x509, origin, source, out, err);
	}
	list_clear(&found, NULL);
	return result;
}

/* ---- lists and nothing else ---- */

struct reading {
	enum crl_origin origin;
	const char *source;
	struct list *out;
	size_t count;
};

static int
say_none(const struct reading *self, struct error *err)
{
	if (crypto_lacked_memory())
		return error_set(err, ERROR_SYSTEM, "%s: no memory to read it",
			self->source);
	return error_set(err, ERROR_FORMAT, "%s: holds no revocation list",
		self->source);
}

static int
read_list(struct reading *self, struct span bytes, struct error *err)
{
	const unsigned char *at = bytes.data;
	X509_CRL *x509 = d2i_X509_CRL(NULL, &at, (long)bytes.len);

	if (x509 == NULL || at != bytes.data + bytes.len) {
		say_none(self, err);
		X509_CRL_free(x509);
		return -1;
	}
	if (self->count++ == CRL_FILE_LISTS) {
		X509_CRL_free(x509);
		return error_set(err, ERROR_LIMIT,
			"%s: more than %d revocation lists", self->source,
			CRL_FILE_LISTS);
	}
	return add(x509, self->origin, self->source, self->out, err);
}

static int
read_each(struct reading *self, STACK_OF(X509_CRL) * crls, struct error *err)
{
	int result = 0;

	for (int i = 0; result == 0 && i < sk_X509_CRL_num(crls); i++) {
		X509_CRL *x509 = sk_X509_CRL_value(crls, i);

		if (self->count++ == CRL_FILE_LISTS)
			return error_set(err, ERROR_LIMIT,
				"%s: more than %d revocation lists",
				self->source, CRL_FILE_LISTS);
		if (X509_CRL_up_ref(x509) == 1)
			result = add(x509, self->origin, self->source,
				self->out, err);
	}
	return result;
}

/* The lists beside the certificates of a P7B. */
static int
read_pkcs7(struct reading *self, struct span bytes, struct error *err)
{
	const unsigned char *at = bytes.data;
	PKCS7 *pkcs7 = d2i_PKCS7(NULL, &at, (long)bytes.len);
	int result;

	if (pkcs7 == NULL || at != bytes.data + bytes.len ||
		!PKCS7_type_is_signed(pkcs7) || pkcs7->d.sign == NULL)
		result = say_none(self, err);
	else
		result = read_each(self, pkcs7->d.sign->crl, err);
	PKCS7_free(pkcs7);
	return result;
}

static int
read_block(struct reading *self, const char *name, struct span der,
	struct error *err)
{
	if (strcmp(name, PEM_STRING_X509_CRL) == 0)
		return read_list(self, der, err);
	if (strcmp(name, PEM_STRING_PKCS7) == 0)
		return read_pkcs7(self, der, err);
	return 0;
}

static int
read_pem(struct reading *self, struct span bytes, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(bytes.data, (int)bytes.len);
	int result = bio != NULL ? 0 : say_none(self, err);

	while (result == 0) {
		char *name = NULL, *header = NULL;
		unsigned char *data = NULL;
		long len = 0;

		if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
			break;
		result = read_block(
			self, name, (struct span){ data, (size_t)len }, err);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(data);
	}
	BIO_free(bio);
	/* Half of a block is not a file without one. */
	if (result == 0 &&
		ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return say_none(self, err);
	return result;
}

int
crl_read(struct span bytes, enum crl_origin origin, const char *source,
	struct list *out, struct error *err)
{
	struct reading self = { origin, source, out, 0 };
	struct error ignored = { 0 };
	size_t before = out->count;
	int result;

	crypto_begin();
	if (bytes.len > CRL_FILE_BYTES)
		return error_set(err, ERROR_LIMIT, "%s: more than %d bytes",
			source, CRL_FILE_BYTES);
	if (bytes.len == 0 || bytes.data[0] != 0x30)
		result = read_pem(&self, bytes, err);
	else if (read_list(&self, bytes, &ignored) == 0)
		result = 0;
	else
		result = read_pkcs7(&self, bytes, err);
	if (result == 0 && out->count == before)
		result = say_none(&self, err);
	while (result != 0 && out->count > before)
		crl_unref(out->item[--out->count]);
	crypto_begin();
	return result;
}

/* ---- what the administrator names ---- */

int
crl_read_any(struct span bytes, enum crl_origin origin, const char *source,
	struct list *out, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(&cert_limits_default);
	struct cert_file file = {
		.bytes = bytes, .source = source, .without_keys = true
	};
	size_t before = out->count, keys;
	int result = -1;

	if (cert_pile_read(pile, &file, &keys, err) == 0)
		result = crl_take(pile, origin, source, out, err);
	cert_pile_free(pile);
	if (result == 0 && out->count == before)
		return error_set(err, ERROR_FORMAT,
			"%s: holds no revocation list", source);
	return result;
}
