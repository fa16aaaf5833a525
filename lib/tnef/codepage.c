#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "tnef/codepage.h"
#include "tnef/internal.h"

enum { PIECE_BYTES = 1024, UTF16_BE = 1201 };

static const char no_character[] = "\xef\xbf\xbd"; /* U+FFFD */

/* Windows' numbers; iconv's names; the names in mail (NULL: there is none). */
static const struct code_page {
	unsigned number;
	const char *iconv;
	const char *mime;
	bool has_ascii; /* a text of bytes below 0x80 is ASCII */
} code_pages[] = {
	{ 437, "CP437", "ibm437", true },
	{ 708, "ISO-8859-6", "iso-8859-6", true },
	{ 737, "CP737", NULL, true },
	{ 775, "CP775", "ibm775", true },
	{ 850, "CP850", "ibm850", true },
	{ 852, "CP852", "ibm852", true },
	{ 855, "CP855", "ibm855", true },
	{ 857, "CP857", "ibm857", true },
	{ 858, "CP858", "ibm00858", true },
	{ 860, "CP860", "ibm860", true },
	{ 861, "CP861", "ibm861", true },
	{ 862, "CP862", "ibm862", true },
	{ 863, "CP863", "ibm863", true },
	{ 864, "CP864", "ibm864", false },
	{ 865, "CP865", "ibm865", true },
	{ 866, "CP866", "ibm866", true },
	{ 869, "CP869", "ibm869", true },
	{ 874, "CP874", "windows-874", true },
	{ 932, "CP932", "shift_jis", true },
	{ 936, "CP936", "gbk", true },
	{ 949, "CP949", "ks_c_5601-1987", true },
	{ 950, "CP950", "big5", true },
	{ 1200, "UTF-16LE", "utf-16le", false },
	{ 1201, "UTF-16BE", "utf-16be", false },
	{ 1250, "CP1250", "windows-1250", true },
	{ 1251, "CP1251", "windows-1251", true },
	{ 1252, "CP1252", "windows-1252", true },
	{ 1253, "CP1253", "windows-1253", true },
	{ 1254, "CP1254", "windows-1254", true },
	{ 1255, "CP1255", "windows-1255", true },
	{ 1256, "CP1256", "windows-1256", true },
	{ 1257, "CP1257", "windows-1257", true },
	{ 1258, "CP1258", "windows-1258", true },
	{ 1361, "JOHAB", NULL, false },
	{ 10000, "MACINTOSH", "macintosh", true },
	{ 10001, "CP932", "shift_jis", true },
	{ 10002, "BIG5", "big5", true },
	{ 10003, "EUC-KR", "euc-kr", true },
	{ 10007, "MAC-CYRILLIC", NULL, true },
	{ 10008, "GB2312", "gb2312", true },
	{ 10029, "MAC-CENTRALEUROPE", NULL, true },
	{ 20127, "US-ASCII", "us-ascii", true },
	{ 20866, "KOI8-R", "koi8-r", true },
	{ 20932, "EUC-JP", "euc-jp", true },
	{ 20936, "GB2312", "gb2312", true },
	{ 20949, "EUC-KR", "euc-kr", true },
	{ 21866, "KOI8-U", "koi8-u", true },
	{ 28591, "ISO-8859-1", "iso-8859-1", true },
	{ 28592, "ISO-8859-2", "iso-8859-2", true },
	{ 28593, "ISO-8859-3", "iso-8859-3", true },
	{ 28594, "ISO-8859-4", "iso-8859-4", true },
	{ 28595, "ISO-8859-5", "iso-8859-5", true },
	{ 28596, "ISO-8859-6", "iso-8859-6", true },
	{ 28597, "ISO-8859-7", "iso-8859-7", true },
	{ 28598, "ISO-8859-8", "iso-8859-8", true },
	{ 28599, "ISO-8859-9", "iso-8859-9", true },
	{ 28600, "ISO-8859-10", "iso-8859-10", true },
	{ 28601, "ISO-8859-11", NULL, true },
	{ 28603, "ISO-8859-13", "iso-8859-13", true },
	{ 28604, "ISO-8859-14", "iso-8859-14", true },
	{ 28605, "ISO-8859-15", "iso-8859-15", true },
	{ 28606, "ISO-8859-16", "iso-8859-16", true },
	{ 38598, "ISO-8859-8", "iso-8859-8-i", true },
	{ 50220, "ISO-2022-JP", "iso-2022-jp", false },
	{ 50221, "ISO-2022-JP", "iso-2022-jp", false },
	{ 50222, "ISO-2022-JP", "iso-2022-jp", false },
	{ 50225, "ISO-2022-KR", "iso-2022-kr", false },
	{ 50227, "ISO-2022-CN", "iso-2022-cn", false },
	{ 50932, "EUC-JP", "euc-jp", true },
	{ 50949, "EUC-KR", "euc-kr", true },
	{ 51932, "EUC-JP", "euc-jp", true },
	{ 51936, "GB2312", "gb2312", true },
	{ 51949, "EUC-KR", "euc-kr", true },
	{ 51950, "BIG5", "big5", true },
	{ 54936, "GB18030", "gb18030", true },
	{ 65000, "UTF-7", "utf-7", false },
	{ 65001, "UTF-8", "utf-8", true },
};

_Static_assert(COUNT_OF(code_pages) <= TNEF_CODE_PAGES_MAX,
	"a converter for every row");

static const struct code_page *
find_row(unsigned number)
{
	for (size_t i = 0; i < COUNT_OF(code_pages); i++)
		if (code_pages[i].number == number)
			return &code_pages[i];
	return NULL;
}

const char *
tnef_charset(unsigned code_page)
{
	const struct code_page *row = find_row(code_page);

	return row != NULL ? row->mime : NULL;
}

/* Opened when it is first needed; NULL where this iconv does not know it. */
static iconv_t
converter(struct tnef_converters *converters, const struct code_page *row)
{
	void **open = &converters->open[row - code_pages];

	if (*open == NULL) {
		iconv_t made = iconv_open("UTF-8", row->iconv);

		if (made == (iconv_t)-1)
			return NULL;
		*open = made;
	}
	return *open;
}

/* A letter that the next one might have put an accent on (windows-1255). */
static int
drain(iconv_t cd, struct buf *out, struct error *err)
{
	char piece[PIECE_BYTES], *to = piece;
	size_t room = sizeof(piece);

	iconv(cd, NULL, NULL, &to, &room);
	return buf_add(out, piece, sizeof(piece) - room, err);
}

/* What iconv stopped at, a byte or half of a pair, is left out and marked. */
static int
step_over(struct tnef_converters *converters, const struct code_page *row,
	char **from, size_t *left, struct buf *out, struct error *err)
{
	bool is_pair = row->number == TNEF_UTF16 || row->number == UTF16_BE;
	size_t step = is_pair && *left > 1 ? 2 : 1;

	converters->bad_bytes++;
	*from += step;
	*left -= step;
	return buf_add_string(out, no_character, err);
}

static int
run(struct tnef_converters *converters, const struct code_page *row, iconv_t cd,
	struct buf *out, struct span text, struct error *err)
{
	char *from = (char *)text.data;
	size_t left = text.len;

	iconv(cd, NULL, NULL, NULL, NULL);
	while (left != 0) {
		char piece[PIECE_BYTES], *to = piece;
		size_t room = sizeof(piece);
		bool is_bad =
			iconv(cd, &from, &left, &to, &room) == (size_t)-1 &&
			errno != E2BIG;

		if (buf_add(out, piece, sizeof(piece) - room, err) != 0)
			return -1;
		/* Where bytes mean what those before them say, they go on. */
		if (is_bad && row->has_ascii && drain(cd, out, err) != 0)
			return -1;
		if (is_bad &&
			step_over(converters, row, &from, &left, out, err) != 0)
			return -1;
	}
	return drain(cd, out, err);
}

int
tnef_convert(struct tnef_converters *converters, struct buf *out,
	struct span text, unsigned code_page, struct error *err)
{
	const struct code_page *row = find_row(code_page);
	iconv_t cd;

	if (row == NULL) {
		converters->unknown = code_page;
		row = find_row(TNEF_WESTERN);
	}
	if (row->has_ascii && span_is_ascii(text))
		return buf_add_span(out, text, err);
	cd = converter(converters, row);
	if (cd == NULL) {
		converters->unknown = code_page;
		row = find_row(TNEF_WESTERN);
		cd = converter(converters, row);
	}
	if (cd == NULL)
		return error_set(err, ERROR_SYSTEM,
			"iconv cannot convert windows-1252 (its modules are "
			"missing)");
	return run(converters, row, cd, out, text, err);
}

void
tnef_converters_clear(struct tnef_converters *converters)
{
	for (size_t i = 0; i < COUNT_OF(code_pages); i++)
		if (converters->open[i] != NULL)
			iconv_close(converters->open[i]);
	*converters = (struct tnef_converters){ 0 };
}

int
tnef_add_utf8(struct buf *out, struct span text, unsigned code_page,
	struct error *err)
{
	struct tnef_converters converters = { 0 };
	int result = tnef_convert(&converters, out, text, code_page, err);

	tnef_converters_clear(&converters);
	return result;
}

int
tnef_add_character(struct buf *out, unsigned long c, struct error *err)
{
	unsigned char utf8[4];

	if (c < 0x80) {
		utf8[0] = (unsigned char)c;
		return buf_add(out, utf8, 1, err);
	}
	if (c < 0x800) {
		utf8[0] = (unsigned char)(0xc0 | c >> 6);
		utf8[1] = (unsigned char)(0x80 | (c & 0x3f));
		return buf_add(out, utf8, 2, err);
	}
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return buf_add_string(out, no_character, err);
	if (c < 0x10000) {
		utf8[0] = (unsigned char)(0xe0 | c >> 12);
		utf8[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
		utf8[2] = (unsigned char)(0x80 | (c & 0x3f));
		return buf_add(out, utf8, 3, err);
	}
	utf8[0] = (unsigned char)(0xf0 | c >> 18);
	utf8[1] = (unsigned char)(0x80 | (c >> 12 & 0x3f));
	utf8[2] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
	utf8[3] = (unsigned char)(0x80 | (c & 0x3f));
	return buf_add(out, utf8, 4, err);
}
