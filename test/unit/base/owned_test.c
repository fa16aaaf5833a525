/* Folders of the service's user that root makes: links lead it nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/owned.h"

enum { USER = 1234, GROUP = 1235 };

static char folder[64];

static char *
below(const char *name)
{
	return mem_printf("%s/%s", folder, name);
}

static void
run(const char *command)
{
	char *line = mem_printf("cd %s && %s", folder, command);

	if (system(line) != 0)
		fail_msg("%s", command);
	mem_free(line);
}

static int
begin(void **state UNUSED)
{
	strcpy(folder, "/tmp/owned_test.XXXXXX");
	return mkdtemp(folder) != NULL && chmod(folder, 0711) == 0 ? 0 : -1;
}

static int
end(void **state UNUSED)
{
	run("rm -rf top foreign");
	return rmdir(folder);
}

static int
make_below(const char *name, struct error *err)
{
	char *top = below("top"), *path = below(name);
	int result = owned_make_below(top, path, 0750, err);

	mem_free(top);
	mem_free(path);
	return result;
}

static void
what_is_missing_is_made_with_its_mode(void **state UNUSED)
{
	char *top = below("top");
	struct error err = { 0 };

	umask(077);
	assert_int_equal(owned_make_top(top, NULL, 0750, &err), 0);
	assert_int_equal(make_below("top/a/b", &err), 0);
	umask(022);
	run("test $(stat -c %a top) = 750 && test $(stat -c %a top/a) = 750 && "
	    "test $(stat -c %a top/a/b) = 750");
	run("chmod 700 top top/a");
	assert_int_equal(owned_make_top(top, NULL, 0750, &err), 0);
	assert_int_equal(make_below("top/a/b", &err), 0);
	run("test $(stat -c %a top) = 700 && test $(stat -c %a top/a) = 700");
	mem_free(top);
}

static void
what_cannot_be_made_is_said(void **state UNUSED)
{
	struct error err = { 0 };
	char *top = below("no/top");

	assert_int_equal(owned_make_top(top, NULL, 0750, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(make_below("top/a", &err), -1);
	assert_int_equal(
		err.kind, geteuid() == 0 ? ERROR_SYSTEM : ERROR_CONFIG);
	run("mkdir top && echo >top/a");
	assert_int_equal(make_below("top/a/b", &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_non_null(strstr(err.text, "cannot make this folder: Not a"));
	mem_free(top);
}

static void
what_root_makes_belongs_to_the_user(void **state UNUSED)
{
	char *top = below("top");
	struct error err = { 0 };

	if (geteuid() != 0) {
		skip();
		return;
	}
	assert_int_equal(owned_make_top(top, "nobody", 0750, &err), 0);
	run("test $(stat -c %U top) = nobody");
	assert_int_equal(owned_make_top(top, "no such", 0750, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(make_below("top/a/b", &err), 0);
	run("test $(stat -c %U top/a) = nobody && "
	    "test $(stat -c %U top/a/b) = nobody");
	assert_int_equal(setfsuid((uid_t)-1), 0);
	mem_free(top);
}

/* What a worker that was taken over puts in the way. */
static void
root_follows_no_link_of_the_user(void **state UNUSED)
{
	static const struct {
		const char *label, *command;
	} rows[] = {
		{ "a folder", "ln -s ../foreign top/a" },
		{ "a folder below", "mkdir top/a && ln -s ../../foreign "
				    "top/a/b" },
		{ "nothing", "ln -s ../foreign/new top/a" },
		{ "a file", "ln -s ../foreign/secret top/a" },
	};

	if (geteuid() != 0) {
		skip();
		return;
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *make = mem_printf("rm -rf top foreign && mkdir -m 700 "
					"top foreign && echo >foreign/secret "
					"&& %s && chown -Rh %d:%d top",
			rows[i].command, USER, GROUP);
		struct error err = { 0 };

		run(make);
		assert_int_equal(make_below("top/a/b/c", &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		if (strstr(err.text, "user 1234 cannot make") == NULL)
			fail_msg("%s: %s", rows[i].label, err.text);
		run("test \"$(ls foreign)\" = secret && "
		    "test $(stat -c %u%a foreign) = 0700 && "
		    "test $(stat -c %u foreign/secret) = 0");
		mem_free(make);
	}
}

static void
the_first_who_is_not_root_is_the_owner(void **state UNUSED)
{
	static const struct {
		const char *command;
		int user;
	} rows[] = { { "true", 0 }, { "chown 1234 top", 1234 },
		{ "chown 1234 top/a", 1234 }, { "chown 1234 top/a/b", 1234 },
		{ "chown 1234 top && chown 1235 top/a", 1234 },
		{ "rm -r top/a && chown 1234 top", 1234 },
		{ "rm -r top/a && ln -s /root top/a && chown -h 1234 top/a",
			1234 } };

	if (geteuid() != 0) {
		skip();
		return;
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *top = below("top"), *path = below("top/a/b");
		struct owned_was was;
		struct error err = { 0 };

		run("rm -rf top && mkdir -p top/a/b");
		run(rows[i].command);
		assert_int_equal(owned_become(top, path, &was, &err), 0);
		if (setfsuid((uid_t)-1) != rows[i].user)
			fail_msg("%s", rows[i].command);
		owned_become_self(&was);
		assert_int_equal(setfsuid((uid_t)-1), 0);
		mem_free(top);
		mem_free(path);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_missing_is_made_with_its_mode),
		TEST(what_cannot_be_made_is_said),
		TEST(what_root_makes_belongs_to_the_user),
		TEST(root_follows_no_link_of_the_user),
		TEST(the_first_who_is_not_root_is_the_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
