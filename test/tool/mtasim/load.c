#include "load.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char *const count_names[COUNTS] = { "mails", "signed", "encrypted",
	"unsigned", "wrong_signer", "mixed_up", "rejected", "tempfailed",
	"held", "violations", "io_errors", "retried", "verified" };

/* What must not happen. */
static const enum count bad_counts[] = { COUNT_UNSIGNED, COUNT_WRONG_SIGNER,
	COUNT_MIXED_UP, COUNT_REJECTED, COUNT_TEMPFAILED, COUNT_HELD,
	COUNT_VIOLATIONS, COUNT_IO_ERRORS };

static int
usage(void)
{
	fputs("usage: mtasim load -s SOCKET --mix FILE [-n MAILS] [-c "
	      "CONNECTIONS]\n"
	      "  [-k MAILS_PER_CONNECTION] [--seconds N] [--until FILE] "
	      "[--pause MS]\n"
	      "  [--timeout MS]\n"
	      "  [--check-signer]  whose certificate is in the signature?\n"
	      "  [--verify N]      verify each N-th signature with OpenSSL\n"
	      "  [--retry]         as an MTA does after a temporary failure\n"
	      "  [--json]\n"
	      "A line of FILE: SENDER RCPT[,RCPT] signed|encrypted|plain|any "
	      "SIZE|FILE\n"
	      "  [login=NAME] [client=ADDR]; without: submitted locally\n"
	      "exit: 0 when every mail got what it was to get\n",
		stderr);
	return SIM_USAGE;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct totals {
	unsigned long counts[COUNTS];
	double *latencies;
	size_t latency_count;
	double seconds;
	const char *complaint;
};

static void
add_up(struct totals *totals, const struct worker *workers, unsigned count)
{
	unsigned i;
	int k;

	for (i = 0; i < count; i++) {
		const struct worker *worker = workers + i;
		size_t n = worker->latency_count;

		for (k = 0; k < COUNTS; k++)
			totals->counts[k] += worker->counts[k];
		if (*worker->complaint && !totals->complaint)
			totals->complaint = worker->complaint;
		totals->latencies = must(realloc(totals->latencies,
			(totals->latency_count + n + 1) * sizeof(double)));
		if (n)
			memcpy(totals->latencies + totals->latency_count,
				worker->latencies, n * sizeof(double));
		totals->latency_count += n;
	}
	if (totals->latency_count)
		qsort(totals->latencies, totals->latency_count, sizeof(double),
			by_size);
}

static double
percentile_ms(const struct totals *totals, double part)
{
	size_t n = totals->latency_count;
	size_t at = (size_t)((double)n * part);

	return n ? totals->latencies[at < n ? at : n - 1] * 1000 : 0;
}

static void
print(const struct totals *totals, bool json)
{
	double done = (double)totals->counts[COUNT_MAILS];
	int i;

	if (json)
		printf("{");
	for (i = 0; i < COUNTS; i++)
		printf(json ? "\"%s\": %lu, " : "%s=%lu ", count_names[i],
			totals->counts[i]);
	printf(json ? "\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, "
		    : "p50_ms=%.3f p99_ms=%.3f max_ms=%.3f ",
		percentile_ms(totals, .5), percentile_ms(totals, .99),
		percentile_ms(totals, 1));
	printf(json ? "\"seconds\": %.3f, \"mails_per_second\": %.1f"
		    : "seconds=%.3f mails_per_second=%.1f",
		totals->seconds, done / totals->seconds);
	puts(json ? "}" : "");
	if (totals->complaint)
		fprintf(stderr, "mtasim: %s\n", totals->complaint);
}

static int
take_option(struct load *load, int option, const char *value)
{
	unsigned number = value ? (unsigned)strtoul(value, NULL, 10) : 0;

	switch (option) {
	case 's':
		load->socket = value;
		break;
	case 'n':
		load->mails = number;
		break;
	case 'c':
		load->connections = number;
		break;
	case 'k':
		load->per_connection = number;
		break;
	case 'm':
		return mix_read(load, value);
	case 'S':
		load->seconds = number;
		break;
	case 'u':
		load->until = value;
		break;
	case 'p':
		load->pause_ms = number;
		break;
	case 'T':
		load->timeout_ms = number;
		break;
	case 'g':
		load->check_signer = true;
		break;
	case 'v':
		load->verify_every = number;
		break;
	case 'r':
		load->retry = true;
		break;
	case 'j':
		load->json = true;
		break;
	default:
		return -1;
	}
	return 0;
}

static int
run(struct load *load)
{
	static struct worker workers[THREADS_MAX];
	struct totals totals = { 0 };
	double start = now_seconds();
	unsigned i;
	size_t k;
	int status = 0;

	load->end = load->seconds ? start + load->seconds : 0;
	for (i = 0; i < load->connections; i++) {
		workers[i].load = load;
		workers[i].number = i;
		if (pthread_create(
			    &workers[i].thread, NULL, load_worker, workers + i))
			exit(SIM_USAGE);
	}
	for (i = 0; i < load->connections; i++)
		pthread_join(workers[i].thread, NULL);
	totals.seconds = now_seconds() - start;
	add_up(&totals, workers, load->connections);
	print(&totals, load->json);
	for (k = 0; k < sizeof(bad_counts) / sizeof(*bad_counts); k++)
		if (totals.counts[bad_counts[k]])
			status = 1;
	free(totals.latencies);
	for (i = 0; i < load->connections; i++)
		free(workers[i].latencies);
	return status;
}

int
load_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mix", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 'S' },
		{ "until", required_argument, NULL, 'u' },
		{ "pause", required_argument, NULL, 'p' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "check-signer", no_argument, NULL, 'g' },
		{ "verify", required_argument, NULL, 'v' },
		{ "retry", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	static struct load load = { .mails = 100,
		.connections = 1,
		.per_connection = 10,
		.timeout_ms = 30000,
		.lock = PTHREAD_MUTEX_INITIALIZER };
	int option, status;

	while ((option = getopt_long(argc, argv, "s:n:c:k:", options, NULL)) !=
		-1)
		if (take_option(&load, option, optarg) < 0)
			return usage();
	if (!load.socket || !load.kind_count || optind != argc ||
		!load.connections || load.connections > THREADS_MAX ||
		!load.per_connection)
		return usage();
	status = run(&load);
	mix_free(&load);
	return status;
}
