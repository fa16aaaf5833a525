/* How fast are bare signatures here?  What a bench compares with. */
#include "mtasim.h"

#include <getopt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { BARE_THREADS = 64 };

struct signer {
	pthread_t thread;
	EVP_PKEY *key;
	double end;
	unsigned long done;
};

static void *
sign(void *arg)
{
	struct signer *signer = arg;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(signer->key, NULL);
	unsigned char digest[32] = { 1 }, signature[1024];

	if (!context || EVP_PKEY_sign_init(context) <= 0 ||
		EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) <= 0)
		exit(SIM_USAGE);
	while (now_seconds() < signer->end) {
		size_t length = sizeof(signature);

		if (EVP_PKEY_sign(context, signature, &length, digest,
			    sizeof(digest)) <= 0)
			exit(SIM_USAGE);
		signer->done++;
	}
	EVP_PKEY_CTX_free(context);
	return NULL;
}

/* A key of its own per thread: no two wait for one lock. */
static EVP_PKEY *
read_key(const char *path)
{
	FILE *file = fopen(path, "r");
	EVP_PKEY *key =
		file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

	if (!key) {
		perror(path);
		exit(SIM_USAGE);
	}
	fclose(file);
	return key;
}

static double
processor_seconds(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Prints signatures per second, and microseconds of processor for each. */
int
bare_main(int argc, char **argv)
{
	static struct signer signers[BARE_THREADS];
	double seconds = 2, start, used;
	unsigned long done = 0;
	int option, threads = 1, i;

	while ((option = getopt(argc, argv, "c:t:")) != -1)
		if (option == 'c')
			threads = atoi(optarg);
		else if (option == 't')
			seconds = atof(optarg);
	if (optind + 1 != argc || threads < 1 || threads > BARE_THREADS) {
		fputs("usage: mtasim bare [-c THREADS] [-t SECONDS] KEY\n",
			stderr);
		return SIM_USAGE;
	}
	for (i = 0; i < threads; i++)
		signers[i].key = read_key(argv[optind]);
	start = now_seconds();
	used = processor_seconds();
	for (i = 0; i < threads; i++) {
		signers[i].end = start + seconds;
		if (pthread_create(&signers[i].thread, NULL, sign, signers + i))
			return SIM_USAGE;
	}
	for (i = 0; i < threads; i++) {
		pthread_join(signers[i].thread, NULL);
		EVP_PKEY_free(signers[i].key);
		done += signers[i].done;
	}
	printf("%.1f %.1f\n", (double)done / (now_seconds() - start),
		(processor_seconds() - used) * 1e6 / (double)done);
	return 0;
}
