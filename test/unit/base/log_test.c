#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What is written to stderr meanwhile: begin, say something, end. */
static int saved_stderr = -1, pipe_ends[2];

static void
begin(void)
{
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	assert_int_equal(pipe(pipe_ends), 0);
	assert_true(dup2(pipe_ends[1], STDERR_FILENO) >= 0);
	close(pipe_ends[1]);
}

static void
end(char *out, size_t size)
{
	ssize_t got;
	size_t len = 0;

	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	close(saved_stderr);
	while (len + 1 < size &&
		(got = read(pipe_ends[0], out + len, size - 1 - len)) > 0)
		len += (size_t)got;
	out[len] = '\0';
	close(pipe_ends[0]);
}

static int
setup(void **state)
{
	(void)state;
	log_open(LOG_TO_STDERR, 0);
	log_share_level(NULL);
	log_set_level(LOG_LEVEL_INFO);
	return 0;
}

static void
one_call_is_one_line(void **state)
{
	char text[512];

	(void)state;
	begin();
	log_info("from=<%s> rcpts=%d", "a@example.com", 2);
	end(text, sizeof(text));
	assert_non_null(strstr(text, "info: from=<a@example.com> rcpts=2\n"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void
control_characters_cannot_end_or_forge_a_line(void **state)
{
	static const struct {
		const char *label, *text, *logged;
	} cases[] = {
		{ "line feed", "a\nb", "a\\x0ab" },
		{ "CR and LF", "a\r\nb", "a\\x0d\\x0ab" },
		{ "escape", "\033[2J", "\\x1b[2J" },
		{ "delete", "a\177", "a\\x7f" },
		{ "UTF-8 stays", "j\303\270rn", "j\303\270rn" },
		{ "percent is no format", "100 %s %n", "100 %s %n" },
		{ "tab", "a\tb", "a\\x09b" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin();
		log_error("%s", cases[i].text);
		end(text, sizeof(text));
		if (strstr(text, cases[i].logged) == NULL)
			fail_msg("%s: %s", cases[i].label, text);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	}
}

static void
a_level_hides_what_is_below_it(void **state)
{
	char text[512];

	(void)state;
	log_set_level(LOG_LEVEL_WARNING);
	begin();
	log_debug("one");
	log_info("two");
	log_warning("three");
	log_error("four");
	end(text, sizeof(text));
	assert_null(strstr(text, "one"));
	assert_null(strstr(text, "two"));
	assert_non_null(strstr(text, "warning: three\n"));
	assert_non_null(strstr(text, "error: four\n"));
}

static void
the_level_can_live_in_shared_memory(void **state)
{
	_Atomic int level = LOG_LEVEL_ERROR;

	(void)state;
	log_share_level(&level);
	assert_int_equal(log_level(), LOG_LEVEL_ERROR);
	atomic_store(&level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level(), LOG_LEVEL_DEBUG);
	log_set_level(LOG_LEVEL_INFO);
	assert_int_equal(atomic_load(&level), LOG_LEVEL_INFO);
	log_share_level(NULL);
}

static void
level_names_go_both_ways(void **state)
{
	static const char *const names[] = { "error", "warning", "info",
		"debug" };
	static const char *const refused[] = { "", "Debug", "warn", "info ",
		"3" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		int level = log_level_from_name(names[i]);

		assert_int_equal(level, (int)i);
		assert_string_equal(
			log_level_name((enum log_level)level), names[i]);
	}
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		assert_int_equal(log_level_from_name(refused[i]), -1);
}

static void
a_very_long_line_is_cut_not_split(void **state)
{
	size_t size = 40000;
	char *text = malloc(size), *long_word = malloc(20001);

	(void)state;
	memset(long_word, '\n', 20000);
	long_word[20000] = '\0';
	begin();
	log_info("%s", long_word);
	end(text, size);
	assert_true(strlen(text) < 10000);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
	free(long_word);
}

static void
errno_is_left_alone(void **state)
{
	char text[512];

	(void)state;
	begin();
	errno = EPERM;
	log_info("hello");
	assert_int_equal(errno, EPERM);
	end(text, sizeof(text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_call_is_one_line, setup),
		cmocka_unit_test_setup(
			control_characters_cannot_end_or_forge_a_line, setup),
		cmocka_unit_test_setup(a_level_hides_what_is_below_it, setup),
		cmocka_unit_test_setup(
			the_level_can_live_in_shared_memory, setup),
		cmocka_unit_test_setup(level_names_go_both_ways, setup),
		cmocka_unit_test_setup(
			a_very_long_line_is_cut_not_split, setup),
		cmocka_unit_test_setup(errno_is_left_alone, setup),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
