/*
 * ca_bench: how near does issuing come to the bare generation of a key and a
 * signature, with syncs and escrow; and what do 10,000 certificates
 * (CA_BENCH_COUNT) cost to issue, list, revoke and put on a list?
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "ca/ca.h"

enum { COUNT = 10000, RSA_SECONDS = 20 };

static const struct ca_template rsa = { .name = (char *)"rsa",
	.days = 10,
	.key = CA_RSA_2048,
	.sign = true,
	.encrypt = true,
	.capabilities = true },
				ec = { .name = (char *)"ec",
					.days = 10,
					.key = CA_P256,
					.sign = true,
					.encrypt = true,
					.capabilities = true };

static void
expect(int ok, const char *what, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "ca_bench: %s: %s\n", what, err ? err->text : "");
	exit(1);
}

struct moment {
	double wall, processor;
};

static struct moment
since(struct moment start)
{
	struct timespec t;
	struct rusage u;

	clock_gettime(CLOCK_MONOTONIC, &t);
	getrusage(RUSAGE_SELF, &u);
	return (struct moment){ (double)t.tv_sec + (double)t.tv_nsec * 1e-9 -
					start.wall,
		(double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			(double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) *
				1e-6 -
			start.processor };
}

static struct moment
now(void)
{
	return since((struct moment){ 0, 0 });
}

static void
say(const char *what, size_t count, struct moment took)
{
	printf("  %-46s %8.2f s  %9.1f each second\n", what, took.wall,
		(double)count / took.wall);
}

/* ---- RSA: beside the bare work ---- */

/* Finding primes is luck: all ways use the same keys, made once. */
static struct moment
bare(EVP_PKEY **keys, size_t count)
{
	struct moment start = now();

	for (size_t i = 0; i < count; i++) {
		unsigned char text[1000] = { 1 }, signature[512];
		size_t len = sizeof(signature);
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		keys[i] = EVP_RSA_gen(2048);
		expect(keys[i] != NULL &&
				EVP_DigestSignInit(ctx, NULL, EVP_sha256(),
					NULL, keys[0]) == 1 &&
				EVP_DigestSign(ctx, signature, &len, text,
					sizeof(text)) == 1,
			"a bare signature", NULL);
		EVP_MD_CTX_free(ctx);
	}
	return since(start);
}

/* All but finding the primes: what issuing adds to it. */
static struct moment
issue_made(struct ca *ca, EVP_PKEY **keys, size_t count, size_t batch)
{
	struct moment start = now();
	struct error err = { 0 };

	for (size_t done = 0; done < count; done += batch) {
		struct ca_request requests[CA_BATCH_MAX] = { 0 };

		for (size_t i = 0; i < batch; i++)
			requests[i] = (struct ca_request){ .template = &rsa,
				.address = "alice@example.com",
				.made = keys[done + i] };
		expect(ca_issue(ca, requests, batch, &err) == 0, "issue", &err);
		for (size_t i = 0; i < batch; i++) {
			requests[i].made = NULL; /* ours */
			ca_request_clear(&requests[i]);
		}
	}
	return since(start);
}

struct sums {
	struct moment bare, one, batch;
};

static void
add(struct moment *sum, struct moment took)
{
	sum->wall += took.wall;
	sum->processor += took.processor;
}

/* What is bare contains a signature, which issuing makes, too. */
static void
say_rate(const char *what, struct moment bare, struct moment more, size_t count)
{
	printf("  %-32s %7.2f ms  rate %.2f of the bare one (of processor "
	       "time %.2f)\n",
		what, more.wall / (double)count * 1e3,
		bare.wall / (bare.wall + more.wall),
		bare.processor / (bare.processor + more.processor));
}

static void
compare(struct ca *ca)
{
	enum { ROUND = CA_BATCH_MAX };
	EVP_PKEY *keys[ROUND];
	struct moment start = now();
	struct sums sums = { 0 };
	size_t count = 0;

	while (since(start).wall < RSA_SECONDS) {
		add(&sums.bare, bare(keys, ROUND));
		add(&sums.one, issue_made(ca, keys, ROUND, 1));
		add(&sums.batch, issue_made(ca, keys, ROUND, ROUND));
		for (size_t i = 0; i < ROUND; i++)
			EVP_PKEY_free(keys[i]);
		count += ROUND;
	}
	printf("RSA-2048, %zu keys, with syncs and escrow\n", count);
	printf("  %-32s %7.2f ms\n", "a bare key and a bare signature",
		sums.bare.wall / (double)count * 1e3);
	say_rate("issuing adds, one at a time", sums.bare, sums.one, count);
	say_rate("issuing adds, in batches", sums.bare, sums.batch, count);
}

/* ---- many ---- */

static void
issue_many(struct ca *ca, size_t count)
{
	struct error err = { 0 };

	for (size_t done = 0; done < count; done += CA_BATCH_MAX) {
		struct ca_request requests[CA_BATCH_MAX] = { 0 };
		char *address[CA_BATCH_MAX];
		size_t batch = count - done < CA_BATCH_MAX ? count - done
							   : CA_BATCH_MAX;

		for (size_t i = 0; i < batch; i++) {
			address[i] =
				mem_printf("user%zu@example.com", done + i);
			requests[i].template = &ec;
			requests[i].address = address[i];
		}
		expect(ca_issue(ca, requests, batch, &err) == 0, "issue", &err);
		for (size_t i = 0; i < batch; i++) {
			ca_request_clear(&requests[i]);
			mem_free(address[i]);
		}
	}
}

static void
revoke_all(struct ca *ca)
{
	struct list all = { 0 };
	struct error err = { 0 };
	const struct ca_entry *entry;

	ca_list(ca, &all);
	LIST_FOREACH (entry, &all)
		expect(ca_revoke(ca, entry, 1, &err) == 0, "revoke", &err);
	list_clear(&all, NULL);
}

static struct ca *
open_unlocked(const struct ca_settings *settings)
{
	struct error err = { 0 };
	struct ca *ca = NULL;

	expect(ca_open(settings, "bench", &ca, &err) == 0, "open", &err);
	expect(ca_unlock(ca, "secret", &err) == 0, "unlock", &err);
	return ca;
}

static void
many(const struct ca_settings *settings, struct ca *ca, size_t count)
{
	struct list problems = { 0 };
	struct error err = { 0 };
	struct moment start = now();

	printf("%zu certificates of P-256\n", count);
	issue_many(ca, count);
	say("issued, in batches", count, since(start));
	ca_close(ca);
	start = now();
	ca = open_unlocked(settings);
	say("opened (with half a second for the passphrase)", count,
		since(start));
	ca_close(ca);
	start = now();
	expect(ca_open(settings, "bench", &ca, &err) == 0, "open", &err);
	say("listed", count, since(start));
	start = now();
	revoke_all(ca);
	say("revoked, one by one", count, since(start));
	expect(ca_unlock(ca, "secret", &err) == 0, "unlock", &err);
	start = now();
	expect(ca_crl(ca, 0, &err) == 0, "list", &err);
	say("put on a list", count, since(start));
	start = now();
	expect(ca_check(ca, &problems, &err) == 0 && problems.count == 0,
		"check", &err);
	say("checked, each with its signature and key", count, since(start));
	ca_close(ca);
}

int
main(void)
{
	static const struct ca_names names = { "Root", "Issuer", NULL, 200,
		100 };
	char folder[] = "/tmp/smime-ca-bench-XXXXXX";
	const char *wanted = getenv("CA_BENCH_COUNT");
	struct ca_settings settings = { .name = (char *)"bench",
		.key = CA_RSA_2048,
		.digest = CRYPTO_SHA256,
		.crl_days = 30 };
	struct error err = { 0 };
	char *command;
	struct ca *ca;

	expect(mkdtemp(folder) != NULL, "a folder", NULL);
	settings.path = mem_printf("%s/ca", folder);
	expect(ca_create(&settings, &names, "secret", "bench", &err) == 0,
		"create", &err);
	ca = open_unlocked(&settings);
	compare(ca);
	many(&settings, ca, wanted ? (size_t)atol(wanted) : COUNT);
	command = mem_printf("rm -rf %s", folder);
	expect(system(command) == 0, "clean up", NULL);
	mem_free(command);
	mem_free(settings.path);
	return 0;
}
