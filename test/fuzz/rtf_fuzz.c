/*
 * Any bytes as RTF, read in all three ways: no more comes out than the bytes
 * allow, and it is UTF-8.
 */
#include <stdint.h>

#include "must.h"
#include "tnef/rtf.h"

/* \emdash is the least that gives three bytes; a byte may be U+FFFD; a link
 * is at most shown once more, in <>. */
enum { GROWTH = 5, EXTRA_BYTES = 16, LIMIT_BYTES = 1 << 26 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must_be_utf8(struct span s)
{
	struct tnef_converters converters = { 0 };
	struct error err;
	struct buf out = { 0 };

	MUST(tnef_convert(&converters, &out, s, 65001, &err) == 0);
	MUST(converters.bad_bytes == 0 && span_equal(buf_span(&out), s));
	tnef_converters_clear(&converters);
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tnef_rtf_kind kinds[] = { TNEF_RTF_HTML,
		TNEF_RTF_TEXT, TNEF_RTF_OTHER };
	struct span in = span_of(data, size);

	(void)tnef_rtf_kind(in);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct tnef_rtf_report report;
		struct error err = { 0 };
		struct buf out;

		buf_init(&out, LIMIT_BYTES);
		if (tnef_rtf_write(in, kinds[i], &out, &report, &err) != 0)
			MUST(err.kind == ERROR_LIMIT);
		MUST(out.len <= GROWTH * size + EXTRA_BYTES);
		must_be_utf8(buf_span(&out));
		buf_clear(&out);
	}
	return 0;
}
