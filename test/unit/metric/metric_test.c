#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "metric/metric.h"

static void
counters_add_up(void **state)
{
	int64_t before = metric_get(METRIC_MAILS_SIGNED);

	(void)state;
	metric_add(METRIC_MAILS_SIGNED, 2);
	metric_add(METRIC_MAILS_SIGNED, 3);
	assert_int_equal(metric_get(METRIC_MAILS_SIGNED), before + 5);
}

static void
every_metric_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < METRIC_COUNT; i++) {
		const char *name = metric_name((enum metric)i);

		assert_non_null(name);
		for (const char *c = name; *c != '\0'; c++)
			assert_true(islower((unsigned char)*c) || *c == '_');
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
				name, metric_name((enum metric)k));
	}
}

static void
shared_counters_are_seen_by_both_processes(void **state)
{
	void *memory = mmap(NULL, metric_bytes(), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int status;

	(void)state;
	assert_true(memory != MAP_FAILED);
	metric_share(memory);
	assert_int_equal(metric_get(METRIC_RELOADS), 0);
	child = fork();
	if (child == 0) {
		metric_add(METRIC_RELOADS, 7);
		_exit(0);
	}
	assert_true(waitpid(child, &status, 0) == child);
	assert_int_equal(metric_get(METRIC_RELOADS), 7);
	metric_share(NULL);
	munmap(memory, metric_bytes());
}

static void
the_text_is_openmetrics(void **state)
{
	struct buf out = { 0 };
	char *text, *line, *rest;
	int rows = 0;

	(void)state;
	metric_add(METRIC_SESSIONS_OPEN, 3);
	assert_int_equal(metric_print(&out, NULL), 0);
	text = mem_string_n(out.data, out.len);
	assert_non_null(
		strstr(text, "# TYPE smime_milter_mails_signed counter\n"
			     "# HELP smime_milter_mails_signed "));
	assert_non_null(strstr(text, "\nsmime_milter_mails_signed_total "));
	assert_non_null(
		strstr(text, "# TYPE smime_milter_sessions_open gauge"));
	assert_non_null(strstr(text, "\nsmime_milter_sessions_open 3\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL)
		rows += line[0] != '#' && line[0] != '\0';
	assert_int_equal(rows, METRIC_COUNT);
	metric_add(METRIC_SESSIONS_OPEN, -3);
	mem_free(text);
	buf_clear(&out);
}

static void
a_text_beyond_the_buffer_fails_politely(void **state)
{
	struct buf out = { .limit_bytes = 100 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(metric_print(&out, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(every_metric_has_a_name_of_its_own),
		cmocka_unit_test(shared_counters_are_seen_by_both_processes),
		cmocka_unit_test(the_text_is_openmetrics),
		cmocka_unit_test(a_text_beyond_the_buffer_fails_politely),
	};

	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
