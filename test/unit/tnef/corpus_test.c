/*
 * Samples of Outlook and Exchange in three public collections, with the files
 * others took out of them: SMIME_CORPORA/tnef-*.  Skipped when not there.
 */
#include "../tnef_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>
#include <glob.h>

#include "base/file.h"
#include "base/mem.h"
#include "tnef/stream.h"

enum { FILE_BYTES = 64 << 20, IID_BYTES = 16 };

static const char *
corpora(void)
{
	const char *dir = getenv("SMIME_CORPORA");

	return dir != NULL ? dir : "../shared/corpora";
}

static bool
read_file(const char *path, struct buf *out)
{
	return file_read(path, FILE_BYTES, out, NULL) == 0;
}

/* ---- what we read ---- */

/* Others write '_' for what they do not like in a name. */
static bool
is_same_name(const char *ours, const char *theirs)
{
	for (; *ours != '\0' && *theirs != '\0'; ours++, theirs++)
		if (*ours != *theirs && isalnum((unsigned char)*ours) &&
			isalnum((unsigned char)*theirs))
			return false;
	return *ours == *theirs;
}

/* They leave the interface of an object before its bytes. */
static bool
is_same_data(struct span ours, struct span theirs)
{
	return span_equal(ours, theirs) ||
	       (theirs.len == ours.len + IID_BYTES &&
		       span_equal(ours,
			       span_of(theirs.data + IID_BYTES, ours.len)));
}

static bool
has_item(struct span sample, const char *name, struct span expected)
{
	struct tnef_message *message = made_read(sample);
	const struct tnef_item *item;
	bool found = false;

	LIST_FOREACH (item, &message->items)
		found |= item->name != NULL && is_same_name(item->name, name) &&
			 is_same_data(item->data, expected);
	tnef_message_free(message);
	return found;
}

static bool
has_rtf(struct span sample, struct span expected)
{
	struct tnef_reader reader = { .attachments = 99, .properties = 9999 };
	struct tnef_message message = { 0 };
	struct tnef_unpacked how = { 0 };
	struct tnef_raw raw = { 0 };
	struct buf rtf = { 0 };
	bool found;

	tnef_collect(&reader, sample, &raw, &message);
	found = tnef_unpack_rtf(tnef_get_bytes(tnef_find(
					&raw.properties, TNEF_RTF_COMPRESSED)),
			&rtf, &how, NULL) == 0 &&
		how.is_sound && how.is_whole &&
		span_equal(buf_span(&rtf), expected);
	tnef_raw_clear(&raw);
	list_clear(&message.problems, mem_free);
	buf_clear(&rtf);
	return found;
}

static bool
has_html(struct span sample, struct span expected)
{
	struct tnef_message *message = made_read(sample);
	const struct tnef_item *body = tnef_message_body(message, "text/html");
	bool found = body != NULL && span_equal(body->data, expected);

	tnef_message_free(message);
	return found;
}

static bool
holds(struct span sample, const char *name, struct span expected)
{
	struct span text = span_string(name);

	if (span_ends_nocase(text, "-body.rtf") || span_is(text, "message.rtf"))
		return has_rtf(sample, expected);
	if (span_ends_nocase(text, "-body.html"))
		return has_html(sample, expected);
	return has_item(sample, name, expected);
}

/* ---- what others took out ---- */

/* 1 when it was compared, 0 when their file is not there. */
static unsigned
compare(const char *sample_path, const char *path, const char *name)
{
	struct buf sample = { 0 };
	struct buf expected = { 0 };
	unsigned compared = 0;

	if (read_file(sample_path, &sample) && read_file(path, &expected)) {
		print_message("%s in %s\n", name, sample_path);
		assert_true(
			holds(buf_span(&sample), name, buf_span(&expected)));
		compared = 1;
	}
	buf_clear(&sample);
	buf_clear(&expected);
	return compared;
}

/* Each file in FOLDER/SAMPLE/ stands in FOLDER/SAMPLE.tnef. */
static unsigned
compare_folder(const char *sample_path)
{
	char *pattern = mem_printf("%.*s/*",
		(int)(strlen(sample_path) - strlen(".tnef")), sample_path);
	unsigned compared = 0;
	glob_t found;

	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			compared += compare(sample_path, found.gl_pathv[i],
				strrchr(found.gl_pathv[i], '/') + 1);
		globfree(&found);
	}
	mem_free(pattern);
	return compared;
}

/* Each line of SAMPLE.list names ../baselines/LINE.baseline. */
static unsigned
compare_list(const char *sample_path)
{
	size_t stem = strlen(sample_path) - strlen(".tnef");
	char *path = mem_printf("%.*s.list", (int)stem, sample_path);
	struct buf lines = { 0 };
	unsigned compared = 0;
	char *text, *rest;
	const char *line;

	if (!read_file(path, &lines))
		buf_reset(&lines);
	text = mem_string_n(lines.data, lines.len);
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *file = mem_printf("%s/tnef-verdammelt/files/baselines/"
					"%s.baseline",
			corpora(), line);

		if (*line != '\0')
			compared += compare(sample_path, file, line);
		mem_free(file);
	}
	mem_free(text);
	mem_free(path);
	buf_clear(&lines);
	return compared;
}

static unsigned
compare_all(const char *pattern, unsigned (*one)(const char *))
{
	char *full = mem_printf("%s/%s", corpora(), pattern);
	unsigned compared = 0;
	glob_t found;

	if (glob(full, 0, NULL, &found) != 0) {
		print_message("%s: not there\n", full);
		mem_free(full);
		skip();
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		compared += one(found.gl_pathv[i]);
	globfree(&found);
	mem_free(full);
	return compared;
}

static void
the_samples_of_mimekit_give_their_files(void **state UNUSED)
{
	assert_true(compare_all("tnef-mimekit/*.tnef", compare_folder) >= 20);
}

static void
the_samples_of_tnef_give_their_files(void **state UNUSED)
{
	assert_true(compare_all("tnef-verdammelt/files/datafiles/*.tnef",
			    compare_list) >= 20);
}

static void
the_samples_of_ytnef_give_their_files(void **state UNUSED)
{
	static const struct {
		const char *sample;
		const char *name;
	} rows[] = {
		{ "one-file.tnef", "AUTHORS" },
		{ "missing-filenames.tnef", "generpts.src" },
		{ "missing-filenames.tnef", "TechlibDEC99.doc" },
		{ "missing-filenames.tnef", "TechlibDEC99-JAN00.doc" },
		{ "missing-filenames.tnef", "TechlibNOV99.doc" },
		{ "long-filename.tnef", "allproductsmar2000.dat" },
		{ "winmail.dat", "zappa_av1.jpg" },
		{ "winmail.dat", "bookmark.htm" },
	};
	unsigned compared = 0;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *sample = mem_printf(
			"%s/tnef-ytnef/%s", corpora(), rows[i].sample);
		char *path = mem_printf(
			"%s/tnef-ytnef/results/%s", corpora(), rows[i].name);

		compared += compare(sample, path, rows[i].name);
		mem_free(sample);
		mem_free(path);
	}
	if (compared == 0) {
		print_message("%s/tnef-ytnef: not there\n", corpora());
		skip();
	}
	assert_int_equal(compared, COUNT_OF(rows));
}

static unsigned
read_whole(const char *path)
{
	struct buf sample = { 0 };
	struct tnef_message *message;

	assert_true(read_file(path, &sample));
	message = made_read(buf_span(&sample));
	print_message("%s\n", path);
	assert_false(message->is_incomplete);
	tnef_message_free(message);
	buf_clear(&sample);
	return 1;
}

static void
nothing_of_a_sample_is_lost(void **state UNUSED)
{
	assert_true(compare_all("tnef-*/*.tnef", read_whole) >= 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_samples_of_mimekit_give_their_files),
		cmocka_unit_test(the_samples_of_tnef_give_their_files),
		cmocka_unit_test(the_samples_of_ytnef_give_their_files),
		cmocka_unit_test(nothing_of_a_sample_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
