/*
 * cms_bench [SECONDS]: how near signing and encrypting come to the bare
 * operation with the key, all in one run.  Prints a line each:
 *   WHAT  threads  per second  microseconds of processor each  ratio
 * (of processor time, to the bare signature of one thread: it does not hang
 * on what else the machine does), and for large contents MB/s.
 */
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cms/cms.h"

enum { SMALL = 1024, LARGE = 25 << 20, THREADS_MAX = 2 };

struct subject {
	const char *name;
	EVP_PKEY *key;
	struct cert *cert;
	STACK_OF(X509) * chain;
	enum cms_scheme scheme;
	struct cms_signer *signer;
	EVP_PKEY_CTX *prepared;
	enum cms_cipher cipher;
	struct pieces content;
	struct buf der;	     /* what is read */
	struct buf key_der;  /* a key encrypted with PKCS #1 */
	struct buf digested; /* a signature of `bare` */
};

static unsigned char bytes[LARGE];
static double seconds = 1.0;

static void
expect(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "cms_bench: %s\n", what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static X509 *
make_x509(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *x509 = X509_new();
	X509_NAME *subject = X509_get_subject_name(x509);

	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1000);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
		(const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(
		x509, issuer != NULL ? X509_get_subject_name(issuer) : subject);
	X509_set_pubkey(x509, key);
	expect(X509_sign(x509, issuer_key, EVP_sha256()) > 0, "X509_sign");
	return x509;
}

static void
make_subject(struct subject *subject, EVP_PKEY *key, enum cms_scheme scheme,
	const char *name)
{
	EVP_PKEY *root_key = EVP_RSA_gen(2048), *ca_key = EVP_RSA_gen(2048);
	X509 *root = make_x509("Root", root_key, NULL, root_key);
	X509 *ca = make_x509("Intermediate", ca_key, root, root_key);
	struct error err = { 0 };

	*subject = (struct subject){ .name = name,
		.key = key,
		.scheme = scheme,
		.chain = sk_X509_new_null() };
	sk_X509_push(subject->chain, ca);
	expect(cert_new(make_x509(name, key, ca, ca_key), key, NULL,
		       CERT_FROM_FILE, name, &subject->cert, &err) == 0,
		err.text);
	expect(cms_signer_new(subject->cert, CRYPTO_SHA256, scheme,
		       subject->chain, NULL, &subject->signer, &err) == 0,
		err.text);
	subject->prepared = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	expect(EVP_PKEY_sign_init(subject->prepared) > 0, "sign_init");
	if (EVP_PKEY_get_id(key) == EVP_PKEY_RSA && scheme == CMS_PSS) {
		EVP_PKEY_CTX_set_rsa_padding(
			subject->prepared, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(subject->prepared, 32);
	}
	EVP_PKEY_CTX_set_signature_md(subject->prepared, EVP_sha256());
	X509_free(root);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(ca_key);
}

static int
forget(void *self, struct span span, struct error *err)
{
	(void)err;
	*(size_t *)self += span.len;
	return 0;
}

/* ---- what is measured ---- */

static void
bare(struct subject *subject)
{
	static const unsigned char digest[32];
	unsigned char signature[1024];
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(subject->prepared);
	size_t len = sizeof(signature);

	expect(EVP_PKEY_sign(context, signature, &len, digest, sizeof(digest)) >
			0,
		"EVP_PKEY_sign");
	EVP_PKEY_CTX_free(context);
}

static void
detached(struct subject *subject)
{
	size_t len = 0;
	struct sink sink = { forget, &len };
	struct error err = { 0 };

	expect(cms_sign_detached(
		       subject->signer, &subject->content, &sink, &err) == 0,
		err.text);
}

static void
opaque(struct subject *subject)
{
	size_t len = 0;
	struct sink sink = { forget, &len };
	struct error err = { 0 };

	expect(cms_sign_opaque(
		       subject->signer, &subject->content, &sink, &err) == 0,
		err.text);
}

/* The same signature through CMS_sign(), not verified afterwards. */
static void
by_cms_api(struct subject *subject)
{
	unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_DETACHED;
	BIO *in = BIO_new_mem_buf(subject->content.item[0].data,
		(int)subject->content.item[0].len);
	CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, subject->chain, NULL, flags);
	CMS_SignerInfo *info =
		CMS_add1_signer(cms, subject->cert->x509, subject->key,
			EVP_sha256(), flags | CMS_NOSMIMECAP | CMS_KEY_PARAM);
	unsigned char *der = NULL;

	if (subject->scheme == CMS_PSS &&
		EVP_PKEY_get_id(subject->key) == EVP_PKEY_RSA) {
		EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(info);

		EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32);
	}
	expect(CMS_final(cms, in, NULL, flags) == 1, "CMS_final");
	expect(i2d_CMS_ContentInfo(cms, &der) > 0, "i2d");
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
}

static void
encrypt(struct subject *subject)
{
	struct cms_recipient to = { subject->cert, CMS_RSA_PKCS1,
		CRYPTO_SHA256 };
	size_t len = 0;
	struct sink sink = { forget, &len };
	struct error err = { 0 };

	expect(cms_encrypt(subject->cipher, &to, 1, &subject->content, &sink,
		       &err) == 0,
		err.text);
}

/* ---- reading ---- */

static void
bare_decryption(struct subject *subject)
{
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_pkey(NULL, subject->key, NULL);
	unsigned char key[1024];
	size_t len = sizeof(key);

	expect(EVP_PKEY_decrypt_init(context) > 0 &&
			EVP_PKEY_decrypt(context, key, &len,
				subject->key_der.data,
				subject->key_der.len) > 0,
		"EVP_PKEY_decrypt");
	EVP_PKEY_CTX_free(context);
}

static void
bare_verification(struct subject *subject)
{
	static const unsigned char digest[32];
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_pkey(NULL, subject->key, NULL);

	expect(EVP_PKEY_verify_init(context) > 0 &&
			EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) >
				0 &&
			EVP_PKEY_verify(context, subject->digested.data,
				subject->digested.len, digest,
				sizeof(digest)) > 0,
		"EVP_PKEY_verify");
	EVP_PKEY_CTX_free(context);
}

/* Into a buffer of its own each time: that is what a mail costs. */
static void
open_envelope(struct subject *subject)
{
	struct buf plain = { 0 };
	struct error err = { 0 };

	expect(cms_open_envelope(buf_span(&subject->der), subject->cert, false,
		       NULL, &plain, &err) == 0,
		err.text);
	buf_clear(&plain);
}

static void
verify(struct subject *subject, const struct pieces *content)
{
	struct cms_signed read;
	struct error err = { 0 };

	expect(cms_read_signed(buf_span(&subject->der), content, NULL, NULL,
		       &read, &err) == 0 &&
			cms_signed_is_verified(&read),
		err.text);
	cms_signed_clear(&read);
}

static void
verify_detached(struct subject *subject)
{
	verify(subject, &subject->content);
}

static void
verify_opaque(struct subject *subject)
{
	verify(subject, NULL);
}

static void
make_der(struct subject *subject, void (*what)(struct subject *))
{
	struct cms_recipient to = { subject->cert, CMS_RSA_PKCS1,
		CRYPTO_SHA256 };
	struct sink sink = buf_sink(&subject->der);
	struct error err = { 0 };
	int rc;

	buf_clear(&subject->der);
	expect(buf_reserve(&subject->der, pieces_len(&subject->content) + 16384,
		       &err) == 0,
		err.text);
	if (what == open_envelope)
		rc = cms_encrypt(subject->cipher, &to, 1, &subject->content,
			&sink, &err);
	else
		rc = (what == verify_opaque ? cms_sign_opaque
					    : cms_sign_detached)(
			subject->signer, &subject->content, &sink, &err);
	expect(rc == 0, err.text);
}

static void
make_bare(struct subject *subject)
{
	static const unsigned char digest[32];
	EVP_PKEY_CTX *sign = EVP_PKEY_CTX_dup(subject->prepared);
	EVP_PKEY_CTX *encrypt =
		EVP_PKEY_CTX_new_from_pkey(NULL, subject->key, NULL);
	size_t len = 1024;

	expect(buf_reserve(&subject->digested, len, NULL) == 0 &&
			EVP_PKEY_sign(sign, subject->digested.data, &len,
				digest, sizeof(digest)) > 0,
		"EVP_PKEY_sign");
	subject->digested.len = len;
	len = 1024;
	expect(buf_reserve(&subject->key_der, len, NULL) == 0 &&
			EVP_PKEY_encrypt_init(encrypt) > 0 &&
			EVP_PKEY_encrypt(encrypt, subject->key_der.data, &len,
				digest, 32) > 0,
		"EVP_PKEY_encrypt");
	subject->key_der.len = len;
	EVP_PKEY_CTX_free(sign);
	EVP_PKEY_CTX_free(encrypt);
}

/* ---- measuring ---- */

struct run {
	void (*what)(struct subject *);
	struct subject *subject;
	double until;
	long count;
};

static void *
loop(void *p)
{
	struct run *run = p;

	do {
		run->what(run->subject);
		run->count++;
	} while (now() < run->until);
	return NULL;
}

static double
processor(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static double cost; /* processor time of one, in seconds */

static double
per_second(void (*what)(struct subject *), struct subject *subject, int threads)
{
	struct run run[THREADS_MAX];
	pthread_t thread[THREADS_MAX];
	double start = now(), used = processor();
	long count = 0;

	for (int i = 0; i < threads; i++) {
		run[i] = (struct run){ what, subject, start + seconds, 0 };
		expect(pthread_create(&thread[i], NULL, loop, &run[i]) == 0,
			"pthread_create");
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(thread[i], NULL);
		count += run[i].count;
	}
	cost = (processor() - used) / (double)count;
	return (double)count / (now() - start);
}

static const struct {
	const char *label;
	void (*what)(struct subject *);
	int threads;
} rows[] = {
	{ "bare signature", bare, 1 },
	{ "bare signature", bare, 2 },
	{ "CMS API, unverified", by_cms_api, 1 },
	{ "CMS API, unverified", by_cms_api, 2 },
	{ "detached", detached, 1 },
	{ "detached", detached, 2 },
	{ "opaque", opaque, 1 },
};

static void
measure_small(struct subject *subject)
{
	double unit = 0;

	subject->content = (struct pieces){ .count = 0 };
	pieces_add(&subject->content, span_of(bytes, SMALL));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double rate =
			per_second(rows[i].what, subject, rows[i].threads);

		if (i == 0)
			unit = cost;
		printf("%-10s 1 KB  %-20s %d  %8.0f/s %7.1f us  %.2f\n",
			subject->name, rows[i].label, rows[i].threads, rate,
			cost * 1e6, unit / cost);
	}
}

static void
measure_large(struct subject *subject)
{
	double size = (double)LARGE / 1e6;

	subject->content = (struct pieces){ .count = 0 };
	pieces_add(&subject->content, span_of(bytes, LARGE));
	printf("%-10s 25 MB %-20s 1  %9.0f MB/s\n", subject->name, "detached",
		size * per_second(detached, subject, 1));
	printf("%-10s 25 MB %-20s 1  %9.0f MB/s\n", subject->name, "opaque",
		size * per_second(opaque, subject, 1));
	for (int i = 0; i < CMS_RC2_128; i++) {
		subject->cipher = i;
		printf("%-10s 25 MB %-20s 1  %9.0f MB/s\n", subject->name,
			cms_cipher_name(i),
			size * per_second(encrypt, subject, 1));
	}
}

/* ---- what comes in ---- */

static const struct {
	const char *label;
	void (*what)(struct subject *);
	void (*bare)(struct subject *);
} reading[] = {
	{ "bare decryption", bare_decryption, NULL },
	{ "envelope opened", open_envelope, bare_decryption },
	{ "bare verification", bare_verification, NULL },
	{ "detached verified", verify_detached, bare_verification },
	{ "opaque verified", verify_opaque, bare_verification },
};

static void
measure_reading(struct subject *subject)
{
	double unit = 0;

	subject->content = (struct pieces){ .count = 0 };
	pieces_add(&subject->content, span_of(bytes, SMALL));
	subject->cipher = CMS_AES256_CBC;
	make_bare(subject);
	for (size_t i = 0; i < COUNT_OF(reading); i++) {
		double rate;

		if (reading[i].bare != NULL)
			make_der(subject, reading[i].what);
		rate = per_second(reading[i].what, subject, 1);
		if (reading[i].bare == NULL)
			unit = cost;
		printf("%-10s 1 KB  %-20s 1  %8.0f/s %7.1f us  %.2f\n",
			subject->name, reading[i].label, rate, cost * 1e6,
			unit / cost);
	}
}

/* The most memory the process ever had, in bytes. */
static double
peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss * 1024;
}

static void
measure_large_one(struct subject *subject, const char *label,
	void (*what)(struct subject *))
{
	double before, rate;

	make_der(subject, what);
	before = peak();
	rate = per_second(what, subject, 1);
	printf("%-10s 25 MB %-20s 1  %9.0f MB/s  peak +%.2f x content\n",
		subject->name, label, (double)LARGE / 1e6 * rate,
		(peak() - before) / LARGE);
}

static void
measure_reading_large(struct subject *subject)
{
	subject->content = (struct pieces){ .count = 0 };
	pieces_add(&subject->content, span_of(bytes, LARGE));
	measure_large_one(subject, "opaque verified", verify_opaque);
	measure_large_one(subject, "detached verified", verify_detached);
	subject->cipher = CMS_AES256_CBC;
	measure_large_one(subject, "opened, CBC", open_envelope);
	subject->cipher = CMS_AES256_GCM;
	measure_large_one(subject, "opened, GCM", open_envelope);
}

int
main(int argc, char **argv)
{
	struct subject subject[3];

	if (argc > 1)
		seconds = atof(argv[1]);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)("line of text..\r\n"[i % 16]);
	make_subject(&subject[0], EVP_RSA_gen(2048), CMS_PKCS1, "rsa2048");
	make_subject(&subject[1], EVP_RSA_gen(2048), CMS_PSS, "rsa-pss");
	make_subject(&subject[2], EVP_EC_gen("P-256"), CMS_PKCS1, "p256");
	for (int i = 0; i < 3; i++)
		measure_small(&subject[i]);
	subject[0].cipher = CMS_AES256_CBC;
	subject[0].content = (struct pieces){ .count = 0 };
	pieces_add(&subject[0].content, span_of(bytes, SMALL));
	for (int threads = 1; threads <= THREADS_MAX; threads++)
		printf("%-10s 1 KB  %-20s %d  %9.0f/s\n", "rsa2048",
			"aes-256-cbc", threads,
			per_second(encrypt, &subject[0], threads));
	measure_reading(&subject[0]);
	measure_reading_large(&subject[0]);
	measure_large(&subject[0]);
	for (int i = 0; i < 3; i++) {
		cms_signer_free(subject[i].signer);
		cert_unref(subject[i].cert);
		sk_X509_pop_free(subject[i].chain, X509_free);
		EVP_PKEY_CTX_free(subject[i].prepared);
		buf_clear(&subject[i].der);
		buf_clear(&subject[i].key_der);
		buf_clear(&subject[i].digested);
	}
	return 0;
}
