#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

struct place {
	char folder[32];
	char path[64];
};

static int
setup(void **state)
{
	struct place *place = mem_alloc(sizeof(*place));

	strcpy(place->folder, "/tmp/file_test.XXXXXX");
	if (mkdtemp(place->folder) == NULL)
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/f", place->folder);
	*state = place;
	return 0;
}

static int
teardown(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	rmdir(place->folder);
	mem_free(place);
	return 0;
}

static void
write_file(const struct place *place, const char *text, mode_t mode)
{
	assert_int_equal(
		file_write_atomic(place->path, span_string(text), mode, NULL),
		0);
}

static void
what_is_written_is_read_with_its_mode(void **state)
{
	struct place *place = *state;
	struct buf out = { 0 };
	struct stat st;

	write_file(place, "first", 0600);
	write_file(place, "second", 0640);
	assert_int_equal(stat(place->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(file_read(place->path, 100, &out, NULL), 0);
	assert_true(span_is(buf_span(&out), "second"));
	buf_clear(&out);
	/* Nothing is left beside it. */
	unlink(place->path);
	assert_int_equal(rmdir(place->folder), 0);
	assert_int_equal(mkdir(place->folder, 0700), 0);
}

static void
trouble_names_the_path_and_the_reason(void **state)
{
	struct place *place = *state;
	struct error err = { 0 };
	struct buf out = { 0 };

	assert_int_equal(file_read(place->path, 100, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, place->path));
	assert_non_null(strstr(err.text, "No such file"));
	assert_int_equal(file_read(place->folder, 100, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "folder"));
	buf_clear(&out);
}

static void
a_file_beyond_the_limit_is_refused(void **state)
{
	struct place *place = *state;
	struct error err = { 0 };
	struct buf out = { 0 };

	write_file(place, "0123456789", 0600);
	assert_int_equal(file_read(place->path, 10, &out, &err), 0);
	buf_clear(&out);
	assert_int_equal(file_read(place->path, 9, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&out);
}

static void
a_secret_everybody_can_read_is_refused(void **state)
{
	static const struct {
		mode_t mode;
		int result;
	} cases[] = { { 0600, 0 }, { 0400, 0 }, { 0640, 0 }, { 0660, 0 },
		{ 0644, -1 }, { 0604, -1 }, { 0602, -1 }, { 0666, -1 } };
	struct place *place = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct error err = { 0 };
		struct buf out = { 0 };

		write_file(place, "secret", cases[i].mode);
		assert_int_equal(file_read_secret(place->path, 100, &out, &err),
			cases[i].result);
		if (cases[i].result != 0)
			assert_int_equal(err.kind, ERROR_CONFIG);
		assert_null(strstr(err.text, "secret\n"));
		assert_int_equal(file_is_world_readable(place->path, NULL),
			cases[i].result != 0);
		buf_clear(&out);
	}
	unlink(place->path);
	assert_int_equal(file_is_world_readable(place->path, NULL), -1);
}

static void
a_password_is_the_first_line(void **state)
{
	static const struct {
		const char *text, *password;
	} cases[] = { { "open sesame\n", "open sesame" },
		{ "no end", "no end" }, { "dos\r\nmore", "dos" },
		{ " blanks stay \n", " blanks stay " }, { "\n", "" },
		{ "", "" } };
	struct place *place = *state;
	char *password;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		write_file(place, cases[i].text, 0600);
		password = NULL;
		assert_int_equal(
			file_read_password(place->path, &password, NULL), 0);
		assert_string_equal(password, cases[i].password);
		mem_free_secret(password);
	}
}

static void
a_password_with_a_nul_or_of_a_book_is_refused(void **state)
{
	static char book[8000];
	struct place *place = *state;
	struct error err = { 0 };
	char *password = NULL;

	assert_int_equal(
		file_write_atomic(place->path, SPAN("a\0b\n"), 0600, NULL), 0);
	assert_int_equal(file_read_password(place->path, &password, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	memset(book, 'b', sizeof(book) - 1);
	write_file(place, book, 0600);
	assert_int_equal(file_read_password(place->path, &password, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	assert_null(password);
}

static void
writing_where_nobody_may_is_explained(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(file_write_atomic("/nonexistent/folder/f", SPAN("x"),
				 0600, &err),
		-1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "/nonexistent/folder/f"));
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_PLACE(what_is_written_is_read_with_its_mode),
		IN_A_PLACE(trouble_names_the_path_and_the_reason),
		IN_A_PLACE(a_file_beyond_the_limit_is_refused),
		IN_A_PLACE(a_secret_everybody_can_read_is_refused),
		IN_A_PLACE(a_password_is_the_first_line),
		IN_A_PLACE(a_password_with_a_nul_or_of_a_book_is_refused),
		IN_A_PLACE(writing_where_nobody_may_is_explained),
	};

	return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
