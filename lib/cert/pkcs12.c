/*
 * PKCS#12 (RFC 7292), with several keys and certificates in any order.
 * PKCS12_parse() knows one key only and takes the first certificate.
 */
#include <openssl/pkcs12.h>
#include <string.h>

#include "cert/internal.h"
#include "crypto/crypto.h"

enum { SAFE_DEPTH_MAX = 4 };

/* RFC 9579; not in every OpenSSL's table of names. */
#define PBMAC1 "1.2.840.113549.1.5.14"

/* One password tried on one file. */
struct attempt {
	struct reading *in;
	const struct secret *secret;
};

static int read_bags(const struct attempt *attempt,
	const STACK_OF(PKCS12_SAFEBAG) * bags, int depth, struct error *err);

/* The readers below: 1 read, 0 the password does not fit, -1 an error. */

static int
read_shrouded_key(const struct attempt *attempt, const PKCS12_SAFEBAG *bag,
	struct error *err)
{
	const X509_SIG *encrypted = PKCS12_SAFEBAG_get0_pkcs8(bag);
	EVP_PKEY *key = NULL;
	int opened = 1;

	if (encrypted == NULL)
		return 1;
	if (!attempt->in->without_keys)
		opened = open_key(
			attempt->in, encrypted, attempt->secret, &key, err);
	if (opened != 1)
		return opened;
	return reading_add_key(attempt->in, key, err) == 0 ? 1 : -1;
}

static int
read_clear_key(const struct attempt *attempt, const PKCS12_SAFEBAG *bag,
	struct error *err)
{
	const PKCS8_PRIV_KEY_INFO *info = PKCS12_SAFEBAG_get0_p8inf(bag);
	EVP_PKEY *key = info ? EVP_PKCS82PKEY(info) : NULL;

	if (key == NULL && reading_skip(attempt->in, BAD_KEY, err) != 0)
		return -1;
	return reading_add_key(attempt->in, key, err) == 0 ? 1 : -1;
}

static int
read_certificate(const struct attempt *attempt, const PKCS12_SAFEBAG *bag,
	struct error *err)
{
	X509 *x509;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
		return 1;
	x509 = PKCS12_SAFEBAG_get1_cert(bag);
	if (x509 == NULL)
		return reading_skip(attempt->in,
			       "a certificate that cannot be parsed", err) == 0
			       ? 1
			       : -1;
	return reading_add_cert(attempt->in, x509, err) == 0 ? 1 : -1;
}

static int
read_list(const struct attempt *attempt, const PKCS12_SAFEBAG *bag,
	struct error *err)
{
	X509_CRL *crl;

	if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Crl)
		return 1;
	crl = PKCS12_SAFEBAG_get1_crl(bag);
	if (crl == NULL)
		return reading_skip(attempt->in,
			       "a revocation list that cannot be parsed",
			       err) == 0
			       ? 1
			       : -1;
	return reading_add_crl(attempt->in, crl, err) == 0 ? 1 : -1;
}

static int
read_bag(const struct attempt *attempt, const PKCS12_SAFEBAG *bag, int depth,
	struct error *err)
{
	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_keyBag:
		return read_clear_key(attempt, bag, err);
	case NID_pkcs8ShroudedKeyBag:
		return read_shrouded_key(attempt, bag, err);
	case NID_certBag:
		return read_certificate(attempt, bag, err);
	case NID_crlBag:
		return read_list(attempt, bag, err);
	case NID_safeContentsBag:
		return read_bags(attempt, PKCS12_SAFEBAG_get0_safes(bag),
			depth + 1, err);
	}
	return 1; /* other people's secrets */
}

static int
read_bags(const struct attempt *attempt, const STACK_OF(PKCS12_SAFEBAG) * bags,
	int depth, struct error *err)
{
	int done = 1;

	if (depth > SAFE_DEPTH_MAX)
		return error_set(err, ERROR_LIMIT,
			"%s: a PKCS#12 nested deeper than %d",
			attempt->in->source, SAFE_DEPTH_MAX);
	for (int i = 0; done == 1 && i < sk_PKCS12_SAFEBAG_num(bags); i++)
		done = read_bag(
			attempt, sk_PKCS12_SAFEBAG_value(bags, i), depth, err);
	return done;
}

static int
decrypt_bags(const struct attempt *attempt, const PKCS7 *p7,
	STACK_OF(PKCS12_SAFEBAG) * *out, struct error *err)
{
	const PKCS7_ENC_CONTENT *content =
		p7->d.encrypted ? p7->d.encrypted->enc_data : NULL;
	const struct password *password;
	OSSL_LIB_CTX *context;

	if (content == NULL || content->enc_data == NULL)
		return error_set(err, ERROR_FORMAT,
			"%s: a PKCS#12 that cannot be parsed",
			attempt->in->source);
	if (secret_allow(attempt->in, content->algorithm, err) != 0 ||
		secret_context(
			attempt->in, content->algorithm, &context, err) != 0)
		return -1;
	password = secret_for(attempt->secret, content->algorithm);
	crypto_begin();
	*out = PKCS12_item_decrypt_d2i_ex(content->algorithm,
		ASN1_ITEM_rptr(PKCS12_SAFEBAGS), password->text, password->len,
		content->enc_data, 1, context, NULL);
	if (*out == NULL)
		return secret_explain(attempt->in, "the PKCS#12", err);
	return 1;
}

static int
read_safe(const struct attempt *attempt, PKCS7 *p7, struct error *err)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	int done = 1;

	switch (OBJ_obj2nid(p7->type)) {
	case NID_pkcs7_data:
		bags = p7->d.data ? PKCS12_unpack_p7data(p7) : NULL;
		if (bags == NULL)
			return crypto_fail(err, ERROR_FORMAT,
				"%s: a PKCS#12 that cannot be parsed",
				attempt->in->source);
		break;
	case NID_pkcs7_encrypted:
		done = decrypt_bags(attempt, p7, &bags, err);
		break;
	default:
		reading_warn(attempt->in, "a part of it that is encrypted for "
					  "a public key was skipped");
	}
	if (done == 1)
		done = read_bags(attempt, bags, 0, err);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return done;
}

static int
read_safes(const struct attempt *attempt, const PKCS12 *p12, struct error *err)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	int done = 1;

	if (safes == NULL)
		return crypto_fail(err, ERROR_FORMAT,
			"%s: a PKCS#12 that cannot be parsed",
			attempt->in->source);
	for (int i = 0; done == 1 && i < sk_PKCS7_num(safes); i++)
		done = read_safe(attempt, sk_PKCS7_value(safes, i), err);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return done;
}

/* 1 it fits, or there is none; 0 it does not; -1 an error. */
static int
check_mac(const struct attempt *attempt, PKCS12 *p12, struct error *err)
{
	const struct password *text = &attempt->secret->text;

	if (PKCS12_mac_present(p12) == 0)
		return 1;
	if (secret_allow_mac(attempt->in, p12, err) != 0)
		return -1;
	crypto_begin();
	if (PKCS12_verify_mac(p12, text->text, text->len) == 1)
		return 1;
	if (crypto_lacked_memory())
		return error_set(err, ERROR_SYSTEM,
			"%s: no memory to try its password",
			attempt->in->source);
	return 0;
}

static int
try_secret(const struct attempt *attempt, PKCS12 *p12, struct error *err)
{
	struct pile_mark start = reading_mark(attempt->in);
	int done;

	crypto_begin();
	done = read_safes(attempt, p12, err);
	if (done != 1)
		reading_go_back(attempt->in, &start);
	return done;
}

/*
 * Programs that leave the password empty do it in two ways, and a store's
 * password need not fit the files that have none.
 */
static int
try_secrets(struct reading *in, const struct secrets *secrets, PKCS12 *p12,
	bool *mac_fits, struct error *err)
{
	int done = 0, fits = 0;

	for (size_t i = 0; done == 0 && i < secrets->count; i++) {
		const struct secret *secret = &secrets->item[i];
		struct attempt attempt = { in, secret };

		if (i == 0 || secret->text.text != secret[-1].text.text)
			fits = check_mac(&attempt, p12, err);
		if (fits == 1)
			done = try_secret(&attempt, p12, err);
		else if (fits < 0)
			done = -1;
		*mac_fits |= fits == 1;
	}
	return done;
}

static int
refuse(const struct reading *in, const PKCS12 *p12, bool mac_fits,
	struct error *err)
{
	const X509_ALGOR *mac = NULL;
	char name[64] = "";

	PKCS12_get0_mac(NULL, &mac, NULL, NULL, p12);
	if (mac != NULL)
		OBJ_obj2txt(name, sizeof(name), mac->algorithm, 1);
	crypto_begin();
	if (mac != NULL && mac_fits)
		return error_set(err, ERROR_CONFIG,
			"%s: its password opens the PKCS#12, but not "
			"everything in it (a private key has another one)",
			in->source);
	if (strcmp(name, PBMAC1) == 0)
		return error_set(err, ERROR_CONFIG,
			"%s: a PKCS#12 protected with PBMAC1, which this "
			"OpenSSL cannot check (export it with a MAC of the "
			"usual kind)",
			in->source);
	return secret_refused(in, "the PKCS#12", err);
}

int
read_pkcs12(struct reading *in, struct span der, struct error *err)
{
	const unsigned char *at = der.data;
	PKCS12 *p12 = d2i_PKCS12(NULL, &at, (long)der.len);
	struct secrets secrets;
	bool mac_fits = false;
	int done;

	if (p12 == NULL)
		return crypto_fail(err, ERROR_FORMAT,
			"%s: a PKCS#12 that cannot be parsed", in->source);
	reading_check_end(in, at, der.data + der.len);
	secrets_init(&secrets, in->password, true);
	done = try_secrets(in, &secrets, p12, &mac_fits, err);
	if (done == 0)
		refuse(in, p12, mac_fits, err);
	secrets_clear(&secrets);
	PKCS12_free(p12);
	crypto_begin();
	return done == 1 ? 0 : -1;
}
