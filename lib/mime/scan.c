#include <stdint.h>
#include <strings.h>

#include "mime/internal.h"

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))
#define HIGH_BITS EACH_BYTE(0x80)

/* Bits for what stands in the bytes seen: looked at eight at a time. */
struct seen {
	uint64_t high;
	uint64_t nul;
	uint64_t cr;
};

static inline uint64_t
has_zero(uint64_t word)
{
	return (word - EACH_BYTE(1)) & ~word;
}

static inline void
see_word(struct seen *seen, const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	seen->high |= word;
	seen->nul |= has_zero(word);
	seen->cr |= has_zero(word ^ EACH_BYTE('\r'));
}

static inline unsigned
byte_flaws(const unsigned char *p, size_t len)
{
	struct seen seen = { 0 };
	unsigned char last[8] = "        ";
	size_t i = 0;

	for (; i + 8 <= len; i += 8)
		see_word(&seen, p + i);
	if (i != len && len >= 8) {
		see_word(&seen, p + len - 8);
	} else if (i != len) {
		memcpy(last, p, len);
		see_word(&seen, last);
	}
	return (seen.high & HIGH_BITS ? FLAW_8BIT : 0U) |
	       (seen.nul & HIGH_BITS ? FLAW_NUL : 0U) |
	       (seen.cr & HIGH_BITS ? FLAW_BARE_CR : 0U);
}

unsigned
mime_line_flaws(struct span line)
{
	const unsigned char *p = line.data;
	size_t end = mime_line_end(line), len = line.len - end;
	unsigned flaws = end == 1 ? FLAW_BARE_LF : 0U;

	if (len == 0)
		return flaws;
	if (len > MIME_LINE_MAX)
		flaws |= FLAW_LONG;
	if (mime_is_blank(p[len - 1]))
		flaws |= FLAW_BLANK;
	if (p[0] == 'F' && len >= 5 && memcmp(p, "From ", 5) == 0)
		flaws |= FLAW_FROM;
	return flaws | byte_flaws(p, len);
}

void
mime_scan(struct span bytes, struct mime_scan *out)
{
	*out = (struct mime_scan){ 0 };
	while (bytes.len != 0) {
		struct span line = mime_line_next(&bytes);
		unsigned flaws = mime_line_flaws(line);

		out->flaws |= flaws;
		for (size_t i = 0; flaws & FLAW_8BIT && i < line.len; i++)
			out->high += line.data[i] >> 7;
	}
}

/*
 * A label that promises more than 7 bits makes some MTAs convert what is
 * 7-bit already, and so break a signature over it.  Whether this line is a
 * label or text that looks like one is for the parser to say.
 */
static bool
may_be_8bit_label(struct span line)
{
	static const char name[] = "content-transfer-encoding";
	static const char *const harmless[] = { "7bit", "base64",
		"quoted-printable" };

	if ((line.data[0] | 32) != 'c' || !span_starts_nocase(line, name))
		return false;
	line.data += sizeof(name) - 1;
	line.len -= sizeof(name) - 1;
	line = span_trim(line);
	if (line.len == 0 || line.data[0] != ':')
		return false;
	line = span_trim(span_of(line.data + 1, line.len - 1));
	for (size_t i = 0; i < COUNT_OF(harmless); i++)
		if (span_is_nocase(line, harmless[i]))
			return false;
	return true;
}

bool
mime_is_fit(struct span entity)
{
	while (entity.len != 0) {
		struct span line = mime_line_next(&entity);

		if (mime_line_flaws(line) != 0 || may_be_8bit_label(line))
			return false;
	}
	return true;
}

const char *
mime_residue_text(unsigned residue)
{
	static const struct {
		enum mime_residue bit;
		const char *text;
	} rows[] = {
		{ MIME_RESIDUE_SIGNED, "8-bit, NUL, bare CR or long lines "
				       "inside a signature" },
		{ MIME_RESIDUE_HEADER, "8-bit, NUL, bare CR or a long line in "
				       "a part's header" },
		{ MIME_RESIDUE_AROUND,
			"8-bit, NUL, bare CR or long lines outside the parts "
			"of a multipart" },
		{ MIME_RESIDUE_ENCODING,
			"8-bit, NUL, bare CR or long lines under an unknown "
			"transfer encoding" },
		{ MIME_RESIDUE_OPAQUE,
			"8-bit, NUL, bare CR or long lines in a part that may "
			"not be re-encoded" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (residue & rows[i].bit)
			return rows[i].text;
	return "nothing";
}
