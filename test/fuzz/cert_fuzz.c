/*
 * Any bytes as a file of certificates, with and without a password.  What
 * loads holds together: keys fit, chains are of issuers, every question has
 * an answer; what does not load leaves nothing behind and says a sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cert/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Low, or the fuzzer would spend its time deriving keys. */
static const struct cert_limits limits = {
	.file_bytes = 1 << 20,
	.items = 100,
	.kdf_iterations = 100,
	.crls = 100,
	.crl_bytes = 1 << 20,
};

#define MUST(condition) must(condition, #condition)

static void
must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static void
ask(const struct cert *cert)
{
	struct address *address;
	struct error why = { 0 };
	char key[64];
	char *subject = cert_subject(cert), *issuer = cert_issuer(cert);
	char *serial = cert_serial(cert);
	char *text = mem_printf("sha256:%s", cert->sha256);
	struct cert_selector *selector = NULL;

	MUST(cert_selector_new(text, &selector, NULL) == 0);
	MUST(cert_selector_match(selector, cert));
	cert_selector_free(selector);
	mem_free(text);
	text = mem_printf("subject:%s", subject);
	if (cert_selector_new(text, &selector, NULL) == 0) {
		(void)cert_selector_match(selector, cert);
		cert_selector_free(selector);
	}
	mem_free(text);
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
}

static void
load(const uint8_t *data, size_t size, const char *password)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct error err = { 0 };
	const struct cert *cert;

	if (cert_load(span_of(data, size), password, "file", &limits, &certs,
		    &warnings, &err) == 0) {
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
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load(data, size, NULL);
	load(data, size, "secret");
	return 0;
}
