/* Compressed RTF: the examples of MS-OXRTFCP, and what is not as it says. */
#include "../tnef_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tnef/internal.h"

/* MS-OXRTFCP 3.1.1 and 3.1.2: a simple text, and one that runs into itself. */
static const unsigned char simple[] = { 0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c,
	0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72,
	0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68,
	0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d,
	0x0a, 0x80, 0x0f, 0xa0 };
static const unsigned char crossing[] = { 0x1a, 0, 0, 0, 0x1c, 0, 0, 0, 0x4c,
	0x5a, 0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00, 0x04, 0x20, 0x57,
	0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0 };
static const char mela[] = "\x12\0\0\0\6\0\0\0MELA\0\0\0\0{\\rtf}";

static const struct {
	const char *label;
	struct span packed;
	const char *rtf;
	bool is_sound;
	bool is_whole;
} good[] = {
#define BYTES(array)                                                           \
	{                                                                      \
		(const unsigned char *)(array), sizeof(array)                  \
	}
#define TEXT(literal)                                                          \
	{                                                                      \
		(const unsigned char *)(literal), sizeof(literal) - 1          \
	}
	{ "simple", BYTES(simple),
		"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n", true,
		true },
	{ "crossing", BYTES(crossing), "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}", true,
		true },
	{ "not compressed", TEXT(mela), "{\\rtf}", true, true },
	{ "not compressed, cut off",
		TEXT("\x12\0\0\0\7\0\0\0MELA\0\0\0\0{\\rtf}"), "{\\rtf}", true,
		false },
	{ "not compressed, more behind it",
		TEXT("\x12\0\0\0\5\0\0\0MELA\0\0\0\0{\\rtf}"), "{\\rtf", true,
		true },
	{ "nothing in it", TEXT("\x0c\0\0\0\0\0\0\0LZFu\0\0\0\0"), "", true,
		true },
	{ "a wrong checksum", TEXT("\x0f\0\0\0\2\0\0\0LZFu\1\2\3\4\0ab"), "ab",
		false, true },
	{ "shorter than it says",
		TEXT("\x0f\0\0\0\xff\xff\xff\xffLZFu\1\2\3\4\0ab"), "ab", false,
		false },
	{ "a length of 4 GB", TEXT("\xff\xff\xff\xff\2\0\0\0LZFu\1\2\3\4\0ab"),
		"ab", false, true },
	{ "half a reference", TEXT("\x10\0\0\0\2\0\0\0LZFu\1\2\3\4\4ab\1"),
		"ab", false, true },
	{ "a reference to what was never written is zeros",
		TEXT("\x0f\0\0\0\2\0\0\0LZFu\1\2\3\4\1\xff\0"), "", false,
		true },
};

static void
what_is_packed_comes_out(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct tnef_unpacked how = { 0 };
		struct error err = { 0 };
		struct buf rtf = { 0 };

		print_message("%s\n", good[i].label);
		if (tnef_unpack_rtf(good[i].packed, &rtf, &how, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(how.is_sound, good[i].is_sound);
		assert_int_equal(how.is_whole, good[i].is_whole);
		if (good[i].rtf[0] != '\0') {
			assert_int_equal(rtf.len, strlen(good[i].rtf));
			assert_memory_equal(rtf.data, good[i].rtf, rtf.len);
		}
		buf_clear(&rtf);
	}
}

static const struct {
	const char *label;
	struct span packed;
} bad[] = {
	{ "nothing", TEXT("") },
	{ "half a header", TEXT("\x0f\0\0\0\2\0\0\0LZFu\1\2\3") },
	{ "another way of packing", TEXT("\x0f\0\0\0\2\0\0\0ZIPx\1\2\3\4ab") },
};

static void
what_is_not_packed_is_refused(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct tnef_unpacked how = { 0 };
		struct error err = { 0 };
		struct buf rtf = { 0 };

		assert_int_equal(
			tnef_unpack_rtf(bad[i].packed, &rtf, &how, &err), -1);
		assert_int_equal(err.kind, ERROR_FORMAT);
		buf_clear(&rtf);
	}
}

/* Eight references of 17 bytes in 17: it cannot grow faster. */
static void
it_grows_eightfold_at_most_and_ends_at_its_limit(void **state UNUSED)
{
	enum { RUNS = 1000, RUN_BYTES = 17 };
	struct tnef_unpacked how = { 0 };
	struct error err = { 0 };
	struct buf packed = { 0 };
	struct buf rtf = { 0 };

	made_number(&packed, 4, RUNS * RUN_BYTES + 12);
	made_number(&packed, 4, UINT32_MAX);
	made_number(&packed, 4, 0x75465a4c);
	made_number(&packed, 4, 0);
	for (int i = 0; i < RUNS; i++) {
		made_number(&packed, 1, 0xff);
		for (int j = 0; j < 8; j++) /* from place 1, 17 bytes */
			made_number(&packed, 2, 0x1f00);
	}
	assert_int_equal(
		tnef_unpack_rtf(buf_span(&packed), &rtf, &how, &err), 0);
	assert_true(rtf.len > 0 && rtf.len <= 8 * packed.len);
	buf_clear(&rtf);
	buf_init(&rtf, 1000);
	assert_int_equal(
		tnef_unpack_rtf(buf_span(&packed), &rtf, &how, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&rtf);
	buf_clear(&packed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_comes_out),
		cmocka_unit_test(what_is_not_packed_is_refused),
		cmocka_unit_test(
			it_grows_eightfold_at_most_and_ends_at_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
