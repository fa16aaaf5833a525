/*
 * A program of its own: OpenSSL takes its allocator before anything else.
 * Allocations of issuing, revoking and listing are made to fail, every so many
 * of them: it is done, or it was not, and says that memory is short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca_fixture.h"
#include "fault_fixture.h"

/* Behind the certificate, deriving a key from a password takes most of them. */
enum { ALLOCATIONS_MAX = 200000, DENSE = 5000, STEP = 17, STRIDE = 1999 };

/* Nothing here depends on them, and they take their time. */
int
fsync(int fd UNUSED)
{
	return 0;
}

int
fdatasync(int fd UNUSED)
{
	return 0;
}

/* ---- acts ---- */

static EVP_PKEY *key;

static int
issue(struct ca *ca, struct error *err)
{
	struct ca_request request = { .template = quick(),
		.address = "a@example.com",
		.name = "Alice",
		.made = key };
	int result;

	EVP_PKEY_up_ref(key);
	result = ca_issue(ca, &request, 1, err);
	if (result == 0)
		assert_non_null(request.cert->key);
	ca_request_clear(&request);
	return result;
}

static int
load(struct ca *ca, struct error *err)
{
	struct list all = { 0 };
	struct cert *cert = NULL;
	int result;

	ca_list(ca, &all);
	result = ca_load(ca, all.item[0], true, &cert, err);
	if (result == 0)
		assert_non_null(cert->key);
	cert_unref(cert);
	list_clear(&all, NULL);
	return result;
}

static int
revoke_and_list(struct ca *ca, struct error *err)
{
	const struct ca_entry *entry =
		ca_current(ca, "a@example.com", clock_now());

	if (entry != NULL && ca_revoke(ca, entry, 1, err) != 0)
		return -1;
	return ca_crl(ca, 0, err);
}

/* ---- each of them, over and over ---- */

static void
meet(int (*act)(struct ca *ca, struct error *err))
{
	struct ca_settings *settings = house();
	struct ca *ca;
	long failures = 0, nth = 0, left = 0;

	house_create(settings);
	ca = house_unlocked(settings);
	house_issue(ca, "b@example.com");
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(act(ca, NULL), 0);
	while (left <= 0 && nth < ALLOCATIONS_MAX) {
		struct error why = { 0 };
		int result;

		nth += nth < DENSE ? STEP : STRIDE;
		fault_countdown = nth;
		result = act(ca, &why);
		left = fault_countdown;
		fault_countdown = -1;
		/* A key that cannot be decoded may seem to be another's. */
		if (result != 0 && why.kind != ERROR_SYSTEM &&
			why.kind != ERROR_CRYPTO && act != load)
			fail_msg("allocation %ld: %s", nth, why.text);
		failures += result != 0;
	}
	assert_no_problems(ca);
	assert_true(failures > 5);
	ca_close(ca);
	ca = house_unlocked(settings);
	assert_no_problems(ca);
	ca_close(ca);
	ca_settings_free(settings);
	clock_set(0);
}

static void
a_certificate_is_issued_or_memory_is_short(void **state UNUSED)
{
	meet(issue);
}

static void
a_certificate_is_read_or_memory_is_short(void **state UNUSED)
{
	meet(load);
}

static void
a_list_is_made_or_memory_is_short(void **state UNUSED)
{
	meet(revoke_and_list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_is_issued_or_memory_is_short),
		cmocka_unit_test(a_certificate_is_read_or_memory_is_short),
		cmocka_unit_test(a_list_is_made_or_memory_is_short),
	};
	int failed;

	if (fault_begin() != 0)
		return 1;
	key = EVP_EC_gen("P-256");
	failed = key == NULL || cmocka_run_group_tests(tests, NULL, NULL) != 0;
	EVP_PKEY_free(key);
	return failed;
}
