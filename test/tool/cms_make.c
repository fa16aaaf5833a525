/*
 * cms_make sign detached|opaque DIGEST pkcs1|pss CHAIN.pem FILE.p12
 * cms_make encrypt CIPHER pkcs1|oaep DIGEST CERT.pem...
 *
 * CMS of ours for other software to judge: content on stdin, DER on stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cms/cms.h"

enum { FILE_BYTES = 64 << 20, RECIPIENTS_MAX = 100 };

static void
expect(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cms_make: %s\n", what);
	exit(1);
}

static void
load(const char *path, struct list *out)
{
	struct buf bytes = { 0 };
	struct list warnings = { 0 };
	struct error err = { 0 };

	expect(file_read(path, FILE_BYTES, &bytes, &err) == 0, err.text);
	expect(cert_load(buf_span(&bytes), "secret", path, &cert_limits_default,
		       out, &warnings, &err) == 0,
		err.text);
	list_clear(&warnings, mem_free);
	buf_clear(&bytes);
}

static void
read_stdin(struct buf *out)
{
	char bytes[65536];
	struct error err = { 0 };
	size_t len;

	while ((len = fread(bytes, 1, sizeof(bytes), stdin)) != 0)
		expect(buf_add(out, bytes, len, &err) == 0, err.text);
	expect(!ferror(stdin), "cannot read");
}

static int
write_out(void *self, struct span bytes, struct error *err)
{
	if (fwrite(bytes.data, 1, bytes.len, self) == bytes.len)
		return 0;
	return error_set(err, ERROR_SYSTEM, "cannot write");
}

static int
sign(char **word, const struct pieces *content, const struct sink *out,
	struct error *err)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct list authorities = { 0 }, users = { 0 };
	struct cert *cert, *user = NULL;
	struct cms_signer *signer = NULL;
	int digest = crypto_digest_from_name(word[1]);
	int rc;

	expect(digest != -1, "no such digest");
	load(word[3], &authorities);
	load(word[4], &users);
	LIST_FOREACH (cert, &authorities)
		sk_X509_push(chain, cert->x509);
	LIST_FOREACH (cert, &users)
		if (cert->key != NULL)
			user = cert;
	expect(user != NULL, "no key");
	rc = cms_signer_new(user, digest,
		strcmp(word[2], "pss") == 0 ? CMS_PSS : CMS_PKCS1, chain, NULL,
		&signer, err);
	if (rc == 0)
		rc = strcmp(word[0], "opaque") == 0
			     ? cms_sign_opaque(signer, content, out, err)
			     : cms_sign_detached(signer, content, out, err);
	cms_signer_free(signer);
	sk_X509_free(chain);
	list_clear(&users, cert_unref);
	list_clear(&authorities, cert_unref);
	return rc;
}

static int
encrypt(char **word, const struct pieces *content, const struct sink *out,
	struct error *err)
{
	struct cms_recipient to[RECIPIENTS_MAX];
	struct list certs = { 0 };
	int cipher = cms_cipher_from_name(word[0]);
	int digest = crypto_digest_from_name(word[2]);
	struct cert *cert;
	size_t count = 0;
	int rc;

	expect(cipher != -1 && digest != -1, "no such cipher or digest");
	for (char **path = word + 3; *path != NULL; path++)
		load(*path, &certs);
	expect(certs.count <= RECIPIENTS_MAX, "too many recipients");
	LIST_FOREACH (cert, &certs)
		to[count++] = (struct cms_recipient){ cert,
			strcmp(word[1], "oaep") == 0 ? CMS_RSA_OAEP
						     : CMS_RSA_PKCS1,
			digest };
	rc = cms_encrypt(cipher, to, count, content, out, err);
	list_clear(&certs, cert_unref);
	return rc;
}

int
main(int argc, char **argv)
{
	struct sink out = { write_out, stdout };
	struct pieces content = { .count = 0 };
	struct buf bytes = { 0 };
	struct error err = { 0 };
	int rc;

	expect(argc >= 6, "wrong usage");
	read_stdin(&bytes);
	pieces_add(&content, buf_span(&bytes));
	if (strcmp(argv[1], "sign") == 0 && argc == 7)
		rc = sign(argv + 2, &content, &out, &err);
	else
		rc = encrypt(argv + 2, &content, &out, &err);
	expect(rc == 0, err.text);
	buf_clear(&bytes);
	return fflush(stdout) == 0 ? 0 : 1;
}
