/*
 * tnef_bench: a mail with a winmail.dat of 25 MB (two attachments) unpacked.
 * How fast is that beside a bare base64 decoding and encoding of the same
 * bytes, in turn in this run, and how much memory does it take beyond the mail?
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/random.h"
#include "gateway/unpack.h"

enum { ROUNDS = 5, FILES = 2, FILE_BYTES = 25 * 1024 * 1024 / FILES };

static const double MB = 1024 * 1024;

static void
expect(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "tnef_bench: %s\n", what);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- memory, as the system sees it ---- */

static double
status_of(const char *name)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	double found = 0;

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			found = strtod(line + strlen(name), NULL) * 1024;
	if (file != NULL)
		fclose(file);
	return found;
}

static void
forget_peak(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "w");

	if (file == NULL)
		return;
	fputs("5", file);
	fclose(file);
}

/* ---- the mail ---- */

static void
add(struct buf *out, const void *bytes, size_t len)
{
	expect(buf_add(out, bytes, len, NULL) == 0, "no memory");
}

static void
add_number(struct buf *out, uint32_t number, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++, number >>= 8)
		add(out, &(unsigned char){ (unsigned char)number }, 1);
}

/* MS-OXTNEF 2.1.3.1 */
static void
add_attribute(struct buf *out, unsigned level, uint32_t what, struct span data)
{
	uint32_t sum = 0;

	add_number(out, level, 1);
	add_number(out, what, 4);
	add_number(out, (uint32_t)data.len, 4);
	add(out, data.data, data.len);
	for (size_t i = 0; i < data.len; i++)
		sum += data.data[i];
	add_number(out, sum & 0xffff, 2);
}

static void
make_winmail(struct buf *out)
{
	static const unsigned char rendering[14] = { 1 };
	static const unsigned char version[4] = { 0, 0, 1 };
	unsigned char *bytes = malloc(FILE_BYTES);
	uint32_t state = 1;

	expect(bytes != NULL, "no memory");
	for (size_t i = 0; i < FILE_BYTES; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(state >> 24);
	}
	add_number(out, 0x223e9f78, 4);
	add_number(out, 1, 2);
	add_attribute(out, 1, 0x00089006, span_of(version, sizeof(version)));
	add_attribute(out, 1, 0x00078008, SPAN("IPM.Microsoft Mail.Note\0"));
	for (int i = 0; i < FILES; i++) {
		add_attribute(out, 2, 0x00069002,
			span_of(rendering, sizeof(rendering)));
		add_attribute(out, 2, 0x00018010, SPAN("file.bin\0"));
		add_attribute(out, 2, 0x0006800f, span_of(bytes, FILE_BYTES));
	}
	free(bytes);
}

static void
encode(struct span bytes, struct buf *out)
{
	struct base64 encoder;

	expect(buf_reserve(out, base64_len(bytes.len), NULL) == 0, "no memory");
	base64_init(&encoder, out);
	expect(base64_put(&encoder, bytes, NULL) == 0 &&
			base64_end(&encoder, NULL) == 0,
		"not encoded");
}

static void
make_mail(struct buf *out, size_t *at)
{
	static const char head[] =
		"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
		"Content-Type: text/plain\r\n\r\nhello\r\n--x\r\n"
		"Content-Type: application/ms-tnef; name=winmail.dat\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n";
	struct buf winmail = { 0 };

	make_winmail(&winmail);
	expect(buf_reserve(out, base64_len(winmail.len) + 1024, NULL) == 0,
		"no memory");
	add(out, head, sizeof(head) - 1);
	*at = out->len;
	encode(buf_span(&winmail), out);
	buf_clear(&winmail);
}

/* ---- both in turn ---- */

static double
bare(struct span text)
{
	struct buf bytes = { 0 }, again = { 0 };
	double start = now();

	expect(buf_reserve(&bytes, text.len / 4 * 3 + 3, NULL) == 0 &&
			base64_decode(text, &bytes, NULL) == 0,
		"not decoded");
	encode(buf_span(&bytes), &again);
	start = now() - start;
	buf_clear(&bytes);
	buf_clear(&again);
	return start;
}

static double
unpacked(const struct gateway *gateway, struct span entity, double *memory)
{
	struct outcome outcome = { 0 };
	struct buf out = { 0 };
	double start, before = status_of("VmRSS:");

	forget_peak();
	start = now();
	expect(unpack_entity(gateway, entity, &out, &outcome, NULL, NULL) == 0,
		"not unpacked");
	start = now() - start;
	*memory = status_of("VmHWM:") - before;
	expect(out.len > FILES * (size_t)FILE_BYTES && outcome.note == NULL,
		"not unpacked in whole");
	buf_clear(&out);
	return start;
}

int
main(void)
{
	struct gateway *gateway = gateway_new();
	struct buf mail = { 0 };
	size_t at;
	double size = FILES * (double)FILE_BYTES, memory, most = 0;
	double base64 = 1e9, tnef = 1e9;

	/* As the daemon has it: what is freed is given back. */
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	mime_compose_init();
	make_mail(&mail, &at);
	add(&mail, "--x--\r\n", 7);
	for (int i = 0; i < ROUNDS; i++) {
		double took = bare(span_of(mail.data + at, mail.len - at - 7));

		base64 = took < base64 ? took : base64;
		took = unpacked(gateway, buf_span(&mail), &memory);
		tnef = took < tnef ? took : tnef;
		most = memory > most ? memory : most;
	}
	printf("a winmail.dat of 25 MB; best of %d rounds\n", ROUNDS);
	printf("  %-50s %.0f MB/s\n", "base64 decoded and encoded",
		size / MB / base64);
	printf("  %-50s %.0f MB/s, %.2f of it\n", "unpacked", size / MB / tnef,
		base64 / tnef);
	printf("  %-50s %.2f x its size\n", "memory beyond the mail, at most",
		most / size);
	buf_clear(&mail);
	gateway_free(gateway);
	return 0;
}
