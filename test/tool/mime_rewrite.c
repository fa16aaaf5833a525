/*
 * mime_rewrite IN OUT: the 7-bit rewriter on a file.  Prints what it did on
 * one line; exit 0 done, 1 refused, 2 usage.  IN and OUT may be the same.
 * mime_rewrite -t IN N: N times, prints MB/s of the rewriter and of the scan.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "mime/mime.h"

enum { LIMIT_BYTES = 1 << 30 };

static const struct mime_limits limits = { .depth = 20, .parts = 20000 };

static int
rewrite(struct span in, const char *path, struct error *err)
{
	struct mime_rewrite report;
	struct buf out;
	int result;

	buf_init(&out, LIMIT_BYTES);
	result = mime_make_fit(in, &limits, &out, &report, err);
	if (result == 0)
		result = file_write_atomic(path, buf_span(&out), 0644, err);
	if (result == 0)
		printf("leaves=%u changed=%u scanned=%zu residue=%u %s%s\n",
			report.leaves, report.changed, report.scanned_bytes,
			report.residue, mime_residue_text(report.residue),
			mime_is_fit(in) ? " (was fit)" : "");
	buf_clear(&out);
	return result;
}

static double
speed(struct span in, int times, int64_t ms)
{
	return (double)in.len * times / 1e3 / (double)(ms == 0 ? 1 : ms);
}

static int
measure(struct span in, int times, struct error *err)
{
	int64_t start = clock_monotonic_ms(), scanned;
	struct mime_rewrite report;
	struct buf out;
	int result = 0, fit = 0;

	for (int i = 0; i < times; i++)
		fit += mime_is_fit(in);
	scanned = clock_monotonic_ms();
	for (int i = 0; i < times && result == 0; i++) {
		buf_init(&out, LIMIT_BYTES);
		result = mime_make_fit(in, &limits, &out, &report, err);
		buf_clear(&out);
	}
	printf("scan %.0f MB/s (fit %d), rewrite %.0f MB/s\n",
		speed(in, times, scanned - start), fit,
		speed(in, times, clock_monotonic_ms() - scanned));
	return result;
}

int
main(int argc, char **argv)
{
	bool timed = argc == 4 && strcmp(argv[1], "-t") == 0;
	struct error err = { 0 };
	struct buf in;
	int result;

	if (argc != 3 && !timed) {
		fprintf(stderr, "usage: mime_rewrite IN OUT | -t IN N\n");
		return 2;
	}
	buf_init(&in, LIMIT_BYTES);
	result = file_read(argv[1 + timed], LIMIT_BYTES, &in, &err);
	if (result == 0 && timed)
		result = measure(buf_span(&in), atoi(argv[3]), &err);
	else if (result == 0)
		result = rewrite(buf_span(&in), argv[2], &err);
	if (result != 0)
		fprintf(stderr, "mime_rewrite: %s\n", err.text);
	buf_clear(&in);
	return result == 0 ? 0 : 1;
}
