#include "cms_fixture.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	const char *type;
	int bits;	   /* RSA */
	const char *group; /* EC */
	int salt_bytes;	   /* -1: no parameters in the key */
} rows[PKI_USERS] = {
	[PKI_RSA] = { "rsa", "RSA", 2048, NULL, -1 },
	[PKI_RSA_OTHER] = { "other", "RSA", 2048, NULL, -1 },
	[PKI_RSA_SMALL] = { "small", "RSA", 1024, NULL, -1 },
	[PKI_RSA_TINY] = { "tiny", "RSA", 512, NULL, -1 },
	[PKI_PSS] = { "pss", "RSA-PSS", 2048, NULL, -1 },
	[PKI_PSS_SHA256] = { "pss-sha256", "RSA-PSS", 2048, NULL, 32 },
	[PKI_PSS_LONG_SALT] = { "pss-long-salt", "RSA-PSS", 2048, NULL, 48 },
	[PKI_P256] = { "p256", "EC", 0, "P-256", -1 },
	[PKI_P384] = { "p384", "EC", 0, "P-384", -1 },
	[PKI_P521] = { "p521", "EC", 0, "P-521", -1 },
	[PKI_ED25519] = { "ed25519", "ED25519", 0, NULL, -1 },
};

static struct cert *made[PKI_USERS];
static X509 *root, *intermediate;
static EVP_PKEY *root_key, *intermediate_key;
static STACK_OF(X509) * chain;
static long serial = 1000;

static void
expect(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fixture: %s\n", what);
	abort();
}

static EVP_PKEY *
make_key(enum pki_user user)
{
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_name(NULL, rows[user].type, NULL);
	EVP_PKEY *key = NULL;

	expect(EVP_PKEY_keygen_init(context) > 0, "keygen");
	if (rows[user].bits != 0)
		EVP_PKEY_CTX_set_rsa_keygen_bits(context, rows[user].bits);
	if (rows[user].group != NULL)
		EVP_PKEY_CTX_set_group_name(context, rows[user].group);
	if (rows[user].salt_bytes >= 0) {
		EVP_PKEY_CTX_set_rsa_pss_keygen_md(context, EVP_sha256());
		EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context, EVP_sha256());
		EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(
			context, rows[user].salt_bytes);
	}
	expect(EVP_PKEY_generate(context, &key) > 0, rows[user].name);
	EVP_PKEY_CTX_free(context);
	return key;
}

static void
extend(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;

	X509V3_set_ctx(&context, NULL, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	expect(extension != NULL && X509_add_ext(x509, extension, -1), value);
	X509_EXTENSION_free(extension);
}

static X509 *
make_x509(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_get_subject_name(x509);
	char address[64];

	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400 * 365);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
		x509, issuer != NULL ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(x509, key);
	extend(x509, NID_subject_key_identifier, "hash");
	if (issuer == NULL || issuer == root) {
		extend(x509, NID_basic_constraints, "critical,CA:TRUE");
		extend(x509, NID_key_usage, "critical,keyCertSign,cRLSign");
	} else {
		snprintf(
			address, sizeof(address), "email:%s@example.com", name);
		extend(x509, NID_subject_alt_name, address);
		extend(x509, NID_ext_key_usage, "emailProtection");
	}
	expect(X509_sign(x509, issuer_key, EVP_sha256()) > 0, "signing");
	return x509;
}

static void
make_authorities(void)
{
	if (root != NULL)
		return;
	root_key = EVP_EC_gen("P-256");
	intermediate_key = EVP_EC_gen("P-256");
	root = make_x509("Test Root", root_key, NULL, root_key);
	intermediate = make_x509(
		"Test Intermediate", intermediate_key, root, root_key);
	chain = sk_X509_new_null();
	sk_X509_push(chain, root);
	sk_X509_push(chain, intermediate);
}

static struct cert *
issue(enum pki_user user, EVP_PKEY *public_key, EVP_PKEY *private_key)
{
	struct error err = { 0 };
	struct cert *cert = NULL;
	X509 *x509;

	make_authorities();
	x509 = make_x509(
		rows[user].name, public_key, intermediate, intermediate_key);
	expect(cert_new(x509, private_key, NULL, CERT_FROM_FILE,
		       rows[user].name, &cert, &err) == 0,
		err.text);
	return cert;
}

struct cert *
pki_cert(enum pki_user user)
{
	if (made[user] == NULL) {
		EVP_PKEY *key = make_key(user);

		made[user] = issue(user, key, key);
	}
	return made[user];
}

struct cert *
pki_issue(enum pki_user user, EVP_PKEY *private_key)
{
	EVP_PKEY *public_key = X509_get0_pubkey(pki_cert(user)->x509);

	if (private_key != NULL)
		EVP_PKEY_up_ref(private_key);
	return issue(user, public_key, private_key);
}

STACK_OF(X509) * pki_chain(void)
{
	make_authorities();
	return chain;
}

X509 *
pki_root(void)
{
	make_authorities();
	return root;
}

X509 *
pki_intermediate(void)
{
	make_authorities();
	return intermediate;
}

static unsigned char *bytes;
static size_t bytes_len;

struct span
pki_content(size_t len)
{
	if (len > bytes_len) {
		bytes = realloc(bytes, len);
		expect(bytes != NULL, "memory");
		for (size_t i = bytes_len; i < len; i++)
			bytes[i] = (unsigned char)(i ^ (i >> 8) ^ (i >> 16));
		bytes_len = len;
	}
	return span_of(bytes, len);
}

void
pki_free(void)
{
	for (int i = 0; i < PKI_USERS; i++) {
		cert_unref(made[i]);
		made[i] = NULL;
	}
	sk_X509_free(chain);
	X509_free(root);
	X509_free(intermediate);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(intermediate_key);
	chain = NULL;
	root = intermediate = NULL;
	root_key = intermediate_key = NULL;
	free(bytes);
	bytes = NULL;
	bytes_len = 0;
}

int
pki_verify(struct span der, const struct pieces *content, struct error *err)
{
	struct cms_signer_report *report;
	struct cms_signed read;
	int rc = 0;

	if (cms_read_signed(der, content, NULL, NULL, &read, err) != 0)
		return -1;
	if (read.signers.count == 0)
		rc = error_set(err, ERROR_FORMAT, "there is no signer");
	LIST_FOREACH (report, &read.signers)
		if (rc == 0 && !report->verified)
			rc = error_set(
				err, report->why.kind, "%s", report->why.text);
	cms_signed_clear(&read);
	return rc;
}
