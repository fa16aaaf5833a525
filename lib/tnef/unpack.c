/*
 * Compressed RTF (MS-OXRTFCP): runs of eight pieces, each a byte as it is or a
 * place and a length in the last 4096 bytes; or not compressed at all.
 */
#include <string.h>

#include "tnef/stream.h"

enum {
	HEADER_BYTES = 16,
	WINDOW_BYTES = 4096,
	LZFU = 0x75465a4c,
	MELA = 0x414c454d,
	LENGTH_MIN = 2, /* of a reference; its length is in four bits */
};

/* What stands in the window at the beginning (MS-OXRTFCP 2.1.2.1). */
static const char prefix[] =
	"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}"
	"{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
	"MS Sans SerifSymbolArialTimes New RomanCourier"
	"{\\colortbl\\red0\\green0\\blue0\r\n\\par "
	"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct window {
	unsigned char bytes[WINDOW_BYTES];
	unsigned at;
};

static void
window_init(struct window *window)
{
	memset(window->bytes, 0, sizeof(window->bytes));
	memcpy(window->bytes, prefix, sizeof(prefix) - 1);
	window->at = sizeof(prefix) - 1;
}

static void
window_put(struct window *window, unsigned char c)
{
	window->bytes[window->at] = c;
	window->at = (window->at + 1) % WINDOW_BYTES;
}

/*
 * A reference: twelve bits of place, four of length.  It may reach over what
 * it writes itself.  0 at the end, which refers to where is written next.
 */
static int
copy_reference(struct window *window, unsigned reference, struct buf *out,
	struct error *err)
{
	unsigned char copy[LENGTH_MIN + 15];
	unsigned place = reference >> 4;
	unsigned len = (reference & 15) + LENGTH_MIN;

	if (place == window->at)
		return 0;
	for (unsigned i = 0; i < len; i++) {
		copy[i] = window->bytes[(place + i) % WINDOW_BYTES];
		window_put(window, copy[i]);
	}
	return buf_add(out, copy, len, err) != 0 ? -1 : 1;
}

/* One run of up to eight pieces.  1, or 0 at the end. */
static int
unpack_run(struct window *window, struct span *rest, struct buf *out,
	struct error *err)
{
	struct span bytes;
	unsigned control;
	int more;

	if (!tnef_take(rest, 1, &bytes))
		return 0;
	control = bytes.data[0];
	for (unsigned bit = 0; bit < 8; bit++, control >>= 1) {
		if ((control & 1) == 0) {
			if (!tnef_take(rest, 1, &bytes))
				return 0;
			window_put(window, bytes.data[0]);
			if (buf_add(out, bytes.data, 1, err) != 0)
				return -1;
			continue;
		}
		if (!tnef_take(rest, 2, &bytes))
			return 0;
		more = copy_reference(window,
			(unsigned)bytes.data[0] << 8 | bytes.data[1], out, err);
		if (more != 1)
			return more;
	}
	return 1;
}

static int
unpack_lzfu(struct span packed, struct buf *out, struct error *err)
{
	struct window window;
	int more;

	window_init(&window);
	do
		more = unpack_run(&window, &packed, out, err);
	while (more == 1);
	return more;
}

/* CRC-32 without its inversions (MS-OXRTFCP 2.1.3.2). */
static uint32_t
checksum(struct span bytes)
{
	uint32_t table[256];
	uint32_t crc = 0;

	for (uint32_t i = 0; i < COUNT_OF(table); i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^
				   (table[i] & 1 ? 0xedb88320U : 0);
	}
	for (size_t i = 0; i < bytes.len; i++)
		crc = table[(crc ^ bytes.data[i]) & 0xff] ^ crc >> 8;
	return crc;
}

/*
 * The header: the length of what follows, the length of the RTF, how it is
 * packed, and a checksum of the packed bytes.
 */
int
tnef_unpack_rtf(struct span packed, struct buf *out, struct tnef_unpacked *how,
	struct error *err)
{
	uint32_t packed_len, raw_len, kind, crc;
	size_t start = out->len;

	if (!tnef_take_32(&packed, &packed_len) ||
		!tnef_take_32(&packed, &raw_len) ||
		!tnef_take_32(&packed, &kind) || !tnef_take_32(&packed, &crc))
		return error_set(
			err, ERROR_FORMAT, "compressed RTF without its header");
	/* What is counted begins behind the first number. */
	if (packed_len >= HEADER_BYTES - 4 &&
		packed_len - (HEADER_BYTES - 4) < packed.len)
		packed.len = packed_len - (HEADER_BYTES - 4);
	if (kind == MELA) {
		if (raw_len < packed.len)
			packed.len = raw_len;
		how->is_sound = true;
		how->is_whole = raw_len == packed.len;
		return buf_add_span(out, packed, err);
	}
	if (kind != LZFU)
		return error_set(err, ERROR_FORMAT,
			"RTF compressed in an unknown way (0x%08x)", kind);
	if (unpack_lzfu(packed, out, err) != 0)
		return -1;
	how->is_sound = checksum(packed) == crc;
	how->is_whole = out->len - start >= raw_len;
	return 0;
}
