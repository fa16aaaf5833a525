/*
 * store_bench: 100,000 certificates (STORE_BENCH_COUNT makes it fewer) in a
 * folder: how near comes a `directory` to the bare parsing of the same bytes,
 * what memory does it take, and how long does a look-up take, there and in a
 * `managed` store?  Times are of the clock on the wall; where two are
 * compared, of the processor, too.
 */
#include <malloc.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "store/store.h"

enum { COUNT = 100000, THREADS_MAX = 2, LOOKUPS = 5000, DER_MAX = 4096 };

struct bench {
	size_t count;
	char *folder;
	struct der {
		unsigned char *bytes;
		size_t len;
		X509 *x509;
	} * der;
};

static void
expect(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "store_bench: %s\n", what);
	exit(1);
}

/* ---- time and memory ---- */

struct moment {
	double wall, processor;
};

static struct moment
moment_now(void)
{
	struct timespec t;
	struct rusage u;

	clock_gettime(CLOCK_MONOTONIC, &t);
	getrusage(RUSAGE_SELF, &u);
	return (struct moment){ (double)t.tv_sec + (double)t.tv_nsec * 1e-9,
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) *
				1e-6 };
}

static struct moment
since(struct moment start)
{
	struct moment end = moment_now();

	return (struct moment){ end.wall - start.wall,
		end.processor - start.processor };
}

/* Of all threads: what is in use, not what was freed and kept. */
static double
used_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)info.uordblks + (double)info.hblkhd;
}

static void
say(const char *what, const char *format, ...)
{
	va_list args;

	printf("  %-50s ", what);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void
say_time(const char *what, struct moment took, size_t count)
{
	say(what, "%.2f s, %.0f us of processor each", took.wall,
		took.processor * 1e6 / (double)count);
}

/* ---- the certificates ---- */

static void
add_extension(X509 *x509, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	expect(extension != NULL && X509_add_ext(x509, extension, -1) == 1,
		value);
	X509_EXTENSION_free(extension);
}

/* What people have: RSA-2048, and the extensions of a public authority. */
static X509 *
make_model(void)
{
	X509 *x509 = X509_new();
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509_NAME *issuer = X509_get_issuer_name(x509);

	X509_set_version(x509, 2);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400L * 365);
	X509_NAME_add_entry_by_txt(issuer, "C", MBSTRING_UTF8,
		(const unsigned char *)"DE", -1, -1, 0);
	X509_NAME_add_entry_by_txt(issuer, "O", MBSTRING_UTF8,
		(const unsigned char *)"Bench", -1, -1, 0);
	X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_UTF8,
		(const unsigned char *)"Bench Authority", -1, -1, 0);
	X509_set_pubkey(x509, key);
	add_extension(x509, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(x509, NID_key_usage,
		"critical,digitalSignature,keyEncipherment");
	add_extension(x509, NID_ext_key_usage, "emailProtection,clientAuth");
	add_extension(x509, NID_subject_key_identifier, "hash");
	add_extension(x509, NID_authority_key_identifier, "keyid");
	add_extension(x509, NID_crl_distribution_points,
		"URI:http://crl.bench.example/authority.crl");
	add_extension(x509, NID_info_access,
		"caIssuers;URI:http://bench.example/authority.cer");
	EVP_PKEY_free(key);
	return x509;
}

static char *
address_of(size_t number)
{
	return mem_printf("user%06zu@bench.example", number);
}

static void
make_one(const struct bench *bench, X509 *model, EVP_PKEY *authority,
	size_t number)
{
	X509 *x509 = X509_dup(model);
	char *address = address_of(number);
	char *alternative = mem_printf("email:%s", address);
	char *path = mem_printf("%s/d/%06zu.cer", bench->folder, number);
	struct der *der = &bench->der[number];
	FILE *file = fopen(path, "wb");

	ASN1_INTEGER_set(X509_get_serialNumber(x509), (long)number + 1000);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN",
		MBSTRING_UTF8, (const unsigned char *)address, -1, -1, 0);
	add_extension(x509, NID_subject_alt_name, alternative);
	expect(X509_sign(x509, authority, EVP_sha256()) > 0, "X509_sign");
	der->len = (size_t)i2d_X509(x509, &der->bytes);
	expect(der->len < DER_MAX && file != NULL &&
			fwrite(der->bytes, 1, der->len, file) == der->len &&
			fclose(file) == 0,
		path);
	X509_free(x509);
	mem_free(address);
	mem_free(alternative);
	mem_free(path);
}

static void
make_all(struct bench *bench)
{
	EVP_PKEY *authority = EVP_EC_gen("P-256");
	char *path = mem_printf("%s/d", bench->folder);
	struct moment start = moment_now();
	X509 *model = make_model();

	/* One without a signature cannot be copied. */
	expect(X509_sign(model, authority, EVP_sha256()) > 0, "X509_sign");
	expect(mkdir(path, 0700) == 0, path);
	bench->der = mem_array(bench->count, sizeof(*bench->der));
	for (size_t i = 0; i < bench->count; i++)
		make_one(bench, model, authority, i);
	say("certificates made", "%zu in %.1f s, %zu bytes each", bench->count,
		since(start).wall, bench->der[0].len);
	X509_free(model);
	EVP_PKEY_free(authority);
	mem_free(path);
}

/* ---- bare parsing ---- */

struct share {
	pthread_t thread;
	struct bench *bench;
	size_t first, step;
};

static void *
parse_share(void *p)
{
	struct share *share = p;

	for (size_t i = share->first; i < share->bench->count;
		i += share->step) {
		struct der *der = &share->bench->der[i];
		const unsigned char *at = der->bytes;

		der->x509 = d2i_X509(NULL, &at, (long)der->len);
		expect(der->x509 != NULL, "d2i_X509");
	}
	return NULL;
}

static struct moment
parse_bare(struct bench *bench, size_t threads)
{
	struct share shares[THREADS_MAX];
	struct moment start = moment_now(), took;

	for (size_t i = 0; i < threads; i++) {
		shares[i] = (struct share){
			.bench = bench, .first = i, .step = threads
		};
		expect(pthread_create(&shares[i].thread, NULL, parse_share,
			       &shares[i]) == 0,
			"a thread");
	}
	for (size_t i = 0; i < threads; i++)
		pthread_join(shares[i].thread, NULL);
	took = since(start);
	for (size_t i = 0; i < bench->count; i++)
		X509_free(bench->der[i].x509);
	return took;
}

/* ---- stores ---- */

static struct store *
open_store(const struct store_settings *settings)
{
	struct store *store = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };

	if (store_open(settings, &store, &warnings, &err) != 0)
		expect(0, err.text);
	/* A managed one has yet to be made. */
	if (store_is_managed(store) && store_make(store, &err) > 0)
		list_clear(&warnings, mem_free);
	if (store_start(store, &warnings, &err) != 0)
		expect(0, err.text);
	if (warnings.count != 0)
		expect(0, warnings.item[0]);
	return store;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Addresses from all over, each asked once. */
static void
look_up(const struct bench *bench, struct store *store, const char *what)
{
	size_t count = bench->count < LOOKUPS ? bench->count : LOOKUPS;
	double *took = mem_array(count, sizeof(*took));

	for (size_t i = 0; i < count; i++) {
		char *text = address_of(i * 7919 % bench->count);
		struct address *address = NULL;
		struct list found = { 0 };
		struct moment start;

		expect(addr_parse(text, &address, NULL) == 0, text);
		start = moment_now();
		expect(store_find(store, address, NULL, 0, &found, NULL) == 0,
			text);
		took[i] = since(start).wall * 1e6;
		expect(found.count == 1, text);
		list_clear(&found, cert_unref);
		address_free(address);
		mem_free(text);
	}
	qsort(took, count, sizeof(*took), by_size);
	say(what, "%.1f us median, %.1f us p99", took[count / 2],
		took[count * 99 / 100]);
	mem_free(took);
}

static void
measure_directory(struct bench *bench)
{
	char *path = mem_printf("%s/d", bench->folder);
	const struct store_settings settings = {
		.name = "bench", .type = "directory", .path = path
	};
	struct moment one, two, open, again;
	double before, after;
	struct store *store, *next;

	one = parse_bare(bench, 1);
	say_time("bare d2i_X509, 1 thread", one, bench->count);
	two = parse_bare(bench, 2);
	say_time("bare d2i_X509, 2 threads", two, bench->count);
	before = used_bytes();
	again = moment_now();
	store = open_store(&settings);
	open = since(again);
	after = used_bytes();
	say_time("directory, from files", open, bench->count);
	say("  to the bare 2 threads", "%.2f (of processor time %.2f)",
		open.wall / two.wall, open.processor / two.processor);
	say("  memory for a certificate", "%.1f KB",
		(after - before) / (double)bench->count / 1024);
	look_up(bench, store, "  look-up");
	again = moment_now();
	next = open_store(&settings);
	store_close(store);
	say("  reload (a second one, the first closed)", "%.2f s",
		since(again).wall);
	store_close(next);
	mem_free(path);
}

static void
hex_digest(const void *data, size_t len, char out[CERT_SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	expect(EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) == 1,
		"EVP_Digest");
	for (unsigned i = 0; i < CERT_SHA256_BYTES; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* As smime-milter.conf(5) says it: the importing program would sync each. */
static void
fill_managed(const struct bench *bench)
{
	char *root = mem_printf("%s/state/stores/bench", bench->folder);
	char *above = mem_printf("%s/addresses", root);

	expect(mkdir(above, 0750) == 0, above);
	for (size_t i = 0; i < bench->count; i++) {
		char digest[CERT_SHA256_HEX], shard[CERT_SHA256_HEX];
		char *address = address_of(i);
		char *from = mem_printf("%s/d/%06zu.cer", bench->folder, i);
		char *below, *path;

		hex_digest(address, strlen(address), shard);
		hex_digest(bench->der[i].bytes, bench->der[i].len, digest);
		below = mem_printf("%s/%.2s", above, shard);
		mkdir(below, 0750);
		path = mem_printf("%s/%s", below, address);
		expect(mkdir(path, 0750) == 0, path);
		mem_free(below);
		below = mem_printf("%s/%s.imported.der", path, digest);
		expect(link(from, below) == 0, below);
		mem_free(address);
		mem_free(from);
		mem_free(below);
		mem_free(path);
	}
	mem_free(root);
	mem_free(above);
}

static void
measure_managed(const struct bench *bench)
{
	char *state = mem_printf("%s/state", bench->folder);
	const struct store_settings settings = {
		.name = "bench", .type = "managed", .state = state
	};
	struct store *store;
	struct moment start;

	store_close(open_store(&settings));
	fill_managed(bench);
	start = moment_now();
	store = open_store(&settings);
	say("managed, open and start", "%.6f s", since(start).wall);
	look_up(bench, store, "  look-up, the first of each address");
	look_up(bench, store, "  look-up again");
	store_close(store);
	mem_free(state);
}

/* In memory where there is such a place: disks are not what is measured. */
static char in_memory[] = "/dev/shm/smime-store-bench-XXXXXX";
static char on_disk[] = "/tmp/smime-store-bench-XXXXXX";
static char *folder;

static void
clean_up(void)
{
	char *command = mem_printf("rm -rf %s", folder);

	if (system(command) != 0)
		fprintf(stderr, "%s is left behind\n", folder);
	mem_free(command);
}

int
main(void)
{
	const char *wanted = getenv("STORE_BENCH_COUNT");
	struct bench bench = { .count = COUNT };

	if (wanted != NULL && atoi(wanted) > 0)
		bench.count = (size_t)atoi(wanted);
	folder = mkdtemp(in_memory);
	if (folder == NULL)
		folder = mkdtemp(on_disk);
	expect(folder != NULL, on_disk);
	atexit(clean_up);
	bench.folder = folder;
	expect(crypto_init(NULL) == 0, "crypto_init");
	printf("%zu certificates in stores, in %s\n", bench.count, folder);
	make_all(&bench);
	measure_directory(&bench);
	measure_managed(&bench);
	for (size_t i = 0; i < bench.count; i++)
		OPENSSL_free(bench.der[i].bytes);
	mem_free(bench.der);
	return 0;
}
