/* A journal that was touched by hand says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca_fixture.h"

static struct ca_settings *settings;

/* Once: three certificates, one revoked, a list. */
static int
set_up(void **state)
{
	struct ca *ca;

	(void)state;
	settings = house();
	house_create(settings);
	ca = house_unlocked(settings);
	house_issue(ca, "a@example.com");
	house_issue(ca, "b@example.com");
	assert_int_equal(
		ca_revoke(ca, house_issue(ca, "c@example.com"), 1, NULL), 0);
	assert_int_equal(ca_crl(ca, 0, NULL), 0);
	assert_no_problems(ca);
	ca_close(ca);
	own_run("rm -rf before && cp -a ca before");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ca_settings_free(settings);
	clock_set(0);
	return 0;
}

static void
a_journal_changed_by_hand_is_not_read(void **state)
{
	static const struct {
		const char *label, *change;
	} rows[] = {
		{ "another address", "sed -i s/b@example/x@example/ journal" },
		{ "another time", "sed -i '3s/2026/2025/' journal" },
		{ "another name for who did it",
			"sed -i '3s/tester/nobody/' journal" },
		{ "a line is missing", "sed -i 3d journal" },
		{ "the first line is missing", "sed -i 1d journal" },
		{ "a line twice", "sed -i 3p journal" },
		{ "lines in another order", "sed -i '3{h;d};4G' journal" },
		{ "an empty line", "sed -i '3s/^/\\n/' journal" },
		{ "a line put in", "sed -i '3i hello' journal" },
		{ "another hash", "sed -i '3s/^./x/' journal" },
		{ "a line at the end", "echo hello >>journal" },
		{ "everything new", "echo hello >journal" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *command = mem_printf("rm -rf ca && cp -a before ca && cd "
					   "ca && %s",
			rows[i].change);
		struct error err = { 0 };
		struct ca *ca = NULL;

		own_run(command);
		if (ca_open(settings, "tester", &ca, &err) == 0)
			fail_msg("%s: was read", rows[i].label);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_says(rows[i].label, err.text, "does not follow");
		mem_free(command);
	}
}

/* What the chain cannot show. */
static void
what_does_not_fit_the_files_is_found(void **state)
{
	static const struct {
		const char *label, *change, *says;
	} rows[] = {
		{ "the last lines are cut off", "sed -i '4,$d' journal",
			"stands in no line" },
		{ "the list's line is cut off", "sed -i '$d' journal",
			"is list 1, but the journal ends with 0" },
		{ "a certificate is gone",
			"rm -f certificates/$(ls certificates | head -n 1)",
			"cannot open" },
		{ "a certificate is another's",
			"set -- certificates/*; cp $1 $2", "not the" },
		{ "a file of others",
			"cp root.pem certificates/"
			"00112233445566778899aabbccddeeff.pem",
			"stands in no line" },
		{ "the list is gone", "rm crl.der", "cannot be read" },
		{ "the list is another's", "cp root.crl crl.der",
			"its signature is not good" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *command = mem_printf("rm -rf ca && cp -a before ca && cd "
					   "ca && %s",
			rows[i].change);
		struct list problems = { 0 };
		struct ca *ca;

		own_run(command);
		ca = house_open(settings);
		assert_int_equal(ca_check(ca, &problems, NULL), 0);
		if (!list_has(&problems, rows[i].says))
			fail_msg("%s: %s", rows[i].label,
				problems.count ? (char *)problems.item[0]
					       : "nothing");
		list_clear(&problems, mem_free);
		ca_close(ca);
		mem_free(command);
	}
}

static void
another_issuer_is_not_taken(void **state)
{
	struct error err = { 0 };
	struct ca *ca = NULL;

	(void)state;
	own_run("rm -rf ca && cp -a before ca && cp ca/root.pem ca/issuer.pem");
	assert_int_equal(ca_open(settings, "tester", &ca, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("issuer", err.text, "created with");
	own_run("rm -rf ca");
	assert_int_equal(ca_open(settings, "tester", &ca, &err), -1);
	assert_says("none", err.text, "ca create");
	own_run("mkdir ca");
	assert_int_equal(ca_open(settings, "tester", &ca, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
}

static void
a_last_line_that_is_not_whole_is_mended(void **state)
{
	static const struct {
		const char *label, *change;
		const char *lines; /* then, with one more */
	} rows[] = {
		{ "half a line", "head -c 40 journal >x; cat x >>journal",
			"7" },
		{ "its end is missing", "truncate -s -1 journal", "7" },
		{ "zeros, after a power failure",
			"head -c 4096 /dev/zero >>journal", "7" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *command = mem_printf("rm -rf ca && cp -a before ca && cd "
					   "ca && %s",
			rows[i].change);
		char *count = mem_printf(
			"test $(wc -l <ca/journal) = %s", rows[i].lines);
		struct error err = { 0 };
		struct ca *ca;

		own_run(command);
		ca = house_open(settings);
		if (ca_note(ca, "hello", (const char *[]){ "to", "you", NULL },
			    &err) != 0)
			fail_msg("%s: %s", rows[i].label, err.text);
		assert_no_problems(ca);
		ca_close(ca);
		own_run(count);
		mem_free(command);
		mem_free(count);
	}
}

static void
the_journal_tells_when_who_and_what(void **state)
{
	struct list lines = { 0 };
	struct ca *ca;

	(void)state;
	own_run("rm -rf ca && cp -a before ca");
	ca = house_open(settings);
	assert_int_equal(ca_audit(ca, &lines, NULL), 0);
	assert_int_equal(lines.count, 6);
	assert_true(list_has(&lines, "1 2026-01-01T00:00:00Z tester create"));
	assert_true(list_has(&lines, "tester issue"));
	assert_true(list_has(&lines, "address=\"b@example.com\""));
	assert_true(list_has(&lines, "reason=\"keyCompromise\""));
	list_clear(&lines, mem_free);
	ca_close(ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_journal_changed_by_hand_is_not_read),
		cmocka_unit_test(what_does_not_fit_the_files_is_found),
		cmocka_unit_test(another_issuer_is_not_taken),
		cmocka_unit_test(a_last_line_that_is_not_whole_is_mended),
		cmocka_unit_test(the_journal_tells_when_who_and_what),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
