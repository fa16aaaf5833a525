/* What holds of every certificate that was loaded, from whatever bytes. */
#ifndef TEST_FUZZ_CERTS_H
#define TEST_FUZZ_CERTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cert/cert.h"

/* Low, or a fuzzer would spend its time deriving keys. */
static const struct cert_limits fuzz_limits = {
	.file_bytes = 1 << 20,
	.items = 100,
	.kdf_iterations = 100,
	.kdf_file_iterations = 1600,
	.kdf_pile_iterations = 1600,
	.crls = 100,
	.crl_bytes = 1 << 20,
};

#define MUST(condition) must(condition, #condition)

static inline void
must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static inline void
ask_selector(const char *text, const struct cert *cert, bool must_match)
{
	struct cert_selector *selector = NULL;

	if (cert_selector_new(text, &selector, NULL) == 0) {
		bool matches = cert_selector_match(selector, cert);

		MUST(matches || !must_match);
		cert_selector_free(selector);
	} else {
		MUST(!must_match);
	}
}

/* Every question has an answer, and the answers hold together. */
static inline void
ask(const struct cert *cert)
{
	struct address *address;
	struct error why = { 0 };
	char key[64];
	char *subject = cert_subject(cert), *issuer = cert_issuer(cert);
	char *serial = cert_serial(cert);
	char *by_digest = mem_printf("sha256:%s", cert->sha256);
	char *by_subject = mem_printf("subject:%s", subject);

	ask_selector(by_digest, cert, true);
	ask_selector(by_subject, cert, false);
	LIST_FOREACH (address, &cert->addresses) {
		MUST(cert_names_address(cert, address));
		MUST(strpbrk(address->key, "\r\n") == NULL);
	}
	if (cert->key != NULL)
		MUST(X509_check_private_key(cert->x509, cert->key) == 1);
	MUST(cert_fits(cert, CERT_TO_SIGN, false, cert->not_after, &why) != 0 ||
		(cert->key != NULL && cert->may_sign));
	MUST(cert_fits(cert, CERT_TO_ENCRYPT, false, cert->not_after, &why) !=
			0 ||
		cert->may_encrypt);
	cert_key_text(cert, key, sizeof(key));
	(void)cert_is_ca(cert);
	mem_free(subject);
	mem_free(issuer);
	mem_free(serial);
	mem_free(by_digest);
	mem_free(by_subject);
}

/* As one file.  What does not load leaves nothing behind but a sentence. */
static inline int
load_certs(struct span bytes, const char *password)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct error err = { 0 };
	const struct cert *cert;
	int result = cert_load(
		bytes, password, "file", &fuzz_limits, &certs, &warnings, &err);

	if (result == 0) {
		MUST(certs.count != 0);
		LIST_FOREACH (cert, &certs) {
			ask(cert);
		}
	} else {
		MUST(certs.count == 0);
		MUST(err.kind != ERROR_NONE && err.text[0] != '\0');
	}
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	return result;
}

#endif
