/*
 * CMS of others: any bytes as an envelope and as a signature.  Never a crash,
 * a queue with errors in it, or plaintext after a failure; and an answer about
 * recipients that agrees with what is done.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cms/cms.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/*
 * The recipient of the corpus: its key is of this program alone, its name and
 * serial number are those in the files.
 */
static struct cert *
recipient(void)
{
	static struct cert *cert;
	struct error err;
	X509 *x509;
	EVP_PKEY *key;

	if (cert != NULL)
		return cert;
	x509 = X509_new();
	key = EVP_RSA_gen(1024);
	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 4711);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN",
		MBSTRING_ASC, (const unsigned char *)"fuzz", -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_set_pubkey(x509, key);
	if (X509_sign(x509, key, EVP_sha256()) == 0 ||
		cert_new(x509, key, NULL, CERT_FROM_FILE, "fuzz", &cert,
			&err) != 0)
		abort();
	return cert;
}

static void
open_it(struct span bytes, bool legacy)
{
	struct cms_envelope envelope;
	struct buf plain = { 0 };
	struct error err;
	bool is_for = false;

	if (cms_read_envelope(bytes, NULL, &envelope, &err) == 0)
		is_for = cms_envelope_is_for(&envelope, recipient()) == 1;
	cms_envelope_clear(&envelope);
	if (cms_open_envelope(bytes, recipient(), legacy, NULL, &plain, &err) !=
		0) {
		if (plain.len != 0)
			abort();
		for (size_t i = 0; i < plain.size; i++)
			if (plain.data[i] != 0)
				abort();
	} else if (!is_for) {
		abort();
	}
	if (ERR_peek_error() != 0)
		abort();
	buf_clear(&plain);
}

static void
verify_it(struct span bytes, const struct pieces *content)
{
	struct cms_signed read;
	struct error err;
	const struct cms_signer_report *report;

	if (cms_read_signed(bytes, content, NULL, NULL, &read, &err) == 0) {
		LIST_FOREACH (report, &read.signers)
			if (report->verified != (report->why.text[0] == '\0') ||
				(report->verified && report->cert == NULL))
				abort();
	} else if (read.signers.count != 0 || read.certificates.count != 0) {
		abort();
	}
	if (ERR_peek_error() != 0)
		abort();
	cms_signed_clear(&read);
}

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct span bytes = span_of(data, size);
	struct pieces content = { .count = 0 };

	pieces_add(&content, SPAN("Content-Type: text/plain\r\n\r\nHello\r\n"));
	open_it(bytes, true);
	verify_it(bytes, NULL);
	verify_it(bytes, &content);
	return 0;
}
