/*
 * Whatever ends in the middle: at each call that changes something on the
 * disk, the process is killed, or the disk is full.  Afterwards journal, files
 * and lists agree, and work goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca_fixture.h"

/* ---- the disk ---- */

enum trouble { NONE, KILLED, HALF_WRITTEN, FULL };
enum { KILLED_CODE = 77, FAILED_CODE = 78, CALLS_MAX = 200 };

static enum trouble trouble;
static int calls_left;

/* At the call that is meant: does it fail, or is this the end? */
static bool
fails(void)
{
	if (trouble == NONE || --calls_left > 0)
		return false;
	if (trouble == KILLED)
		_exit(KILLED_CODE);
	errno = ENOSPC;
	return true;
}

ssize_t
write(int fd, const void *bytes, size_t len)
{
	if (trouble == HALF_WRITTEN && --calls_left == 0) {
		syscall(SYS_write, fd, bytes, len / 2);
		_exit(KILLED_CODE);
	}
	if (trouble != HALF_WRITTEN && fails())
		return -1;
	return syscall(SYS_write, fd, bytes, len);
}

int
rename(const char *from, const char *to)
{
	if (trouble == KILLED && fails())
		return -1;
	return (int)syscall(SYS_rename, from, to);
}

int
fsync(int fd)
{
	if (trouble != HALF_WRITTEN && fails())
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	if (trouble != HALF_WRITTEN && fails())
		return -1;
	return (int)syscall(SYS_fdatasync, fd);
}

/* ---- what is done ---- */

static int
issue_three(struct ca *ca)
{
	struct ca_request requests[3] = { 0 };
	struct error err = { 0 };
	int result;

	for (size_t i = 0; i < COUNT_OF(requests); i++)
		requests[i] = (struct ca_request){ .template = quick(),
			.address = "alice@example.com",
			.internal = i == 0 };
	result = ca_issue(ca, requests, COUNT_OF(requests), &err);
	for (size_t i = 0; i < COUNT_OF(requests); i++)
		ca_request_clear(&requests[i]);
	return result;
}

static int
revoke_one(struct ca *ca)
{
	struct list found = { 0 };
	struct error err = { 0 };
	int result;

	ca_find(ca, "bob@example.com", &found);
	result = ca_revoke(ca, found.item[0], 1, &err);
	list_clear(&found, NULL);
	return result == 0 ? ca_crl(ca, 0, &err) : -1;
}

static int
supersede_one(struct ca *ca)
{
	struct list found = { 0 };
	struct error err = { 0 };
	struct ca_request request = { .template = quick(),
		.address = "bob@example.com",
		.supersedes = true };
	int result;

	ca_find(ca, "bob@example.com", &found);
	request.renews = found.item[0];
	result = ca_issue(ca, &request, 1, &err);
	ca_request_clear(&request);
	list_clear(&found, NULL);
	return result;
}

static int
make_list(struct ca *ca)
{
	return ca_crl(ca, 0, NULL);
}

static int
issue_again(struct ca *ca)
{
	house_issue(ca, "carol@example.com");
	return 0;
}

/* ---- and what is left of it ---- */

/* A batch is there, or it is not; or the power failed while it was recorded. */
static void
assert_all_or_none(struct ca *ca, const char *address, size_t least,
	size_t most, bool some)
{
	struct list found = { 0 };

	ca_find(ca, address, &found);
	if (found.count > most || found.count < least ||
		(!some && found.count != least && found.count != most))
		fail_msg("%zu certificates of %s", found.count, address);
	list_clear(&found, NULL);
}

static struct ca *
begin(struct ca_settings *settings)
{
	struct ca *ca;

	house_create(settings);
	ca = house_unlocked(settings);
	house_issue(ca, "bob@example.com");
	own_run("rm -rf before && cp -a ca before");
	return ca;
}

/*
 * The exit code of a child that meets trouble at the call of that number; ca
 * stays as it was.
 */
static int
try(struct ca *ca, int (*act)(struct ca *ca), enum trouble kind, int call)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		trouble = kind;
		calls_left = call;
		_exit(act(ca) == 0 ? 0 : FAILED_CODE);
	}
	assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
assert_good(const struct ca_settings *settings, bool some)
{
	struct ca *ca = house_open(settings);

	assert_no_problems(ca);
	assert_all_or_none(ca, "alice@example.com", 0, 3, some);
	assert_all_or_none(ca, "bob@example.com", 1, 2, false);
	ca_close(ca);
	own_run("test -z \"$(ls ca/new)\"");
}

static void
meet(int (*act)(struct ca *ca), enum trouble kind)
{
	struct ca_settings *settings = house();
	struct ca *ca = begin(settings);
	int code, call = 0;

	do {
		own_run("rm -rf ca && cp -a before ca");
		code = try(ca, act, kind, ++call);
		assert_true(call < CALLS_MAX);
		assert_good(settings, kind == HALF_WRITTEN);
		/* And work goes on. */
		assert_int_equal(try(ca, issue_again, NONE, 0), 0);
		assert_good(settings, kind == HALF_WRITTEN);
	} while (code != 0);
	assert_true(call > 2);
	ca_close(ca);
	ca_settings_free(settings);
	clock_set(0);
}

static void
killed_while_issuing(void **state)
{
	(void)state;
	meet(issue_three, KILLED);
}

static void
killed_while_revoking(void **state)
{
	(void)state;
	meet(revoke_one, KILLED);
}

static void
killed_while_superseding(void **state)
{
	(void)state;
	meet(supersede_one, KILLED);
}

static void
killed_with_half_of_it_written(void **state)
{
	(void)state;
	meet(issue_three, HALF_WRITTEN);
	meet(revoke_one, HALF_WRITTEN);
}

static void
the_disk_is_full_while_issuing(void **state)
{
	(void)state;
	meet(issue_three, FULL);
}

static void
the_disk_is_full_while_revoking(void **state)
{
	(void)state;
	meet(revoke_one, FULL);
}

static void
what_was_not_issued_for_want_of_room_left_no_trace(void **state)
{
	struct ca_settings *settings = house();
	struct ca *ca = begin(settings);

	(void)state;
	assert_int_equal(try(ca, issue_three, FULL, 1), FAILED_CODE);
	own_run("cmp ca/journal before/journal && test -z \"$(ls ca/new)\"");
	ca_close(ca);
	ca_settings_free(settings);
	clock_set(0);
}

static void
a_number_of_a_list_is_never_used_twice(void **state)
{
	struct ca_settings *settings = house();
	struct ca *ca = begin(settings);

	(void)state;
	for (int call = 1; call < 8; call++) {
		own_run("rm -rf ca && cp -a before ca");
		(void)try(ca, revoke_one, KILLED, call);
		(void)try(ca, make_list, NONE, 0);
		(void)try(ca, make_list, NONE, 0);
		own_run("! grep -o ' crl number=[0-9]*' ca/journal | sort | "
			"uniq -d | grep -q .");
		own_run("openssl crl -inform DER -in ca/crl.der -noout "
			"-CAfile ca/issuer.pem");
	}
	ca_close(ca);
	ca_settings_free(settings);
	clock_set(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_while_issuing),
		cmocka_unit_test(killed_while_revoking),
		cmocka_unit_test(killed_while_superseding),
		cmocka_unit_test(killed_with_half_of_it_written),
		cmocka_unit_test(the_disk_is_full_while_issuing),
		cmocka_unit_test(the_disk_is_full_while_revoking),
		cmocka_unit_test(
			what_was_not_issued_for_want_of_room_left_no_trace),
		cmocka_unit_test(a_number_of_a_list_is_never_used_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
