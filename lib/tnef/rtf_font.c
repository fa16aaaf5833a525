#include "base/compiler.h"
#include "tnef/rtf.h"

/* RTF 1.9.1, "Font Table". */
static const struct {
	long charset;
	unsigned code_page;
} charsets[] = {
	{ 0, 1252 },
	{ 77, 10000 },
	{ 78, 10001 },
	{ 79, 10003 },
	{ 80, 10008 },
	{ 81, 10002 },
	{ 89, 10007 },
	{ 128, 932 },
	{ 129, 949 },
	{ 130, 1361 },
	{ 134, 936 },
	{ 136, 950 },
	{ 161, 1253 },
	{ 162, 1254 },
	{ 163, 1258 },
	{ 177, 1255 },
	{ 178, 1256 },
	{ 179, 1256 },
	{ 180, 1256 },
	{ 181, 1255 },
	{ 186, 1257 },
	{ 204, 1251 },
	{ 222, 874 },
	{ 238, 1250 },
	{ 254, 437 },
	{ 255, 850 },
};

unsigned
tnef_rtf_charset_page(long charset)
{
	for (size_t i = 0; i < COUNT_OF(charsets); i++)
		if (charsets[i].charset == charset)
			return charsets[i].code_page;
	return 0;
}

/* What mail has of these: bullets, arrows, and the faces of AutoCorrect. */
static const struct {
	unsigned char byte;
	unsigned short character;
} wingdings[] = {
	{ 'J', 0x263a },
	{ 'L', 0x2639 },
	{ 'l', 0x25cf },
	{ 'n', 0x25a0 },
	{ 'o', 0x25a1 },
	{ 'q', 0x2751 },
	{ 'v', 0x2756 },
	{ 0x9f, 0x2022 },
	{ 0xa7, 0x25aa },
	{ 0xa8, 0x25fb },
	{ 0xd8, 0x27a2 },
	{ 0xdf, 0x2190 },
	{ 0xe0, 0x2192 },
	{ 0xe1, 0x2191 },
	{ 0xe2, 0x2193 },
	{ 0xe8, 0x2794 },
	{ 0xfb, 0x2717 },
	{ 0xfc, 0x2713 },
	{ 0xfd, 0x2612 },
	{ 0xfe, 0x2611 },
};

/* Any other sign of such a font is a bullet: that is what lists use. */
unsigned
tnef_rtf_symbol(enum rtf_symbols symbols, unsigned char byte)
{
	for (size_t i = 0; symbols == RTF_WINGDINGS && i < COUNT_OF(wingdings);
		i++)
		if (wingdings[i].byte == byte)
			return wingdings[i].character;
	return byte < 0x80 ? 0 : 0x2022;
}
