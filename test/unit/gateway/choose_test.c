/*
 * Several certificates for one address, and what cannot be told now: without
 * memory the path of a good certificate is not found, and that a second one
 * is not to be trusted is no reason to refuse the mail for good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gateway/internal.h"
#include "gateway_fixture.h"
#include "pki_fixture.h"
#include "store/internal.h"

enum { ALLOCATIONS_MAX = 20000, FAILING_MAX = 8 };

static long countdown = -1; /* allocations until some fail; -1: none will */
static long failing;	    /* how many fail then */

static int
is_due(void)
{
	if (countdown < 0)
		return 0;
	if (countdown > 0) {
		countdown--;
		return 0;
	}
	if (--failing == 0)
		countdown = -1;
	return 1;
}

static void *
fail_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return is_due() ? NULL : malloc(size);
}

static void *
fail_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return is_due() ? NULL : realloc(old, size);
}

static void
plain_free(void *old, const char *file, int line)
{
	(void)file;
	(void)line;
	free(old);
}

static char folder[] = "/tmp/choose-test-XXXXXX";

static int
setup(void **state)
{
	char *command;
	int rc;

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	command = mem_printf("cp %s/bob.pem %s/a.pem && chmod 600 %s/a.pem && "
			     "openssl req -x509 -newkey rsa:2048 -nodes"
			     " -subj /CN=bob -days 9000 -keyout /dev/null"
			     " -addext subjectAltName=email:bob@example.com"
			     " -out %s/b.pem 2>/dev/null",
		pki_dir(), folder, folder, folder);
	rc = system(command);
	mem_free(command);
	return rc;
}

static int
teardown(void **state)
{
	char *command = mem_printf("rm -rf %s", folder);
	int rc = system(command);

	(void)state;
	mem_free(command);
	return rc;
}

static struct store *
open_store(void)
{
	struct store_settings settings = {
		.name = "two", .type = "directory", .path = folder
	};
	struct list warnings = { 0 };
	struct store *store = NULL;

	assert_int_equal(store_open(&settings, &store, &warnings, NULL), 0);
	list_clear(&warnings, mem_free);
	return store;
}

static struct trust *
open_trust(enum trust_revocation revocation)
{
	char *root = mem_printf("%s/ca.pem", pki_dir());
	char *chain = mem_printf("%s/intermediate.pem", pki_dir());
	const char *anchors[] = { root }, *intermediates[] = { chain };
	struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 1,
		.intermediates = intermediates,
		.intermediate_count = 1,
		.revocation = revocation };
	struct list warnings = { 0 };
	struct trust *trust = NULL;

	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	list_clear(&warnings, mem_free);
	mem_free(root);
	mem_free(chain);
	return trust;
}

static struct address *
bob(void)
{
	struct address *address = NULL;

	assert_int_equal(addr_parse("bob@example.com", &address, NULL), 0);
	return address;
}

static void
the_trusted_one_is_chosen_and_the_other_explained(void **state)
{
	struct store *store = open_store();
	struct list stores = { 0 }, candidates = { 0 };
	struct choice choice = { .stores = &stores,
		.address = bob(),
		.purpose = CERT_TO_ENCRYPT,
		.trust = open_trust(TRUST_REVOCATION_OFF) };
	const struct candidate *candidate;
	struct cert *cert = NULL;
	unsigned refused = 0;
	struct error err = { 0 };

	(void)state;
	list_add(&stores, store);
	assert_int_equal(choose_cert(&choice, &candidates, &cert, &err), 0);
	assert_non_null(strstr(cert->source, "/a.pem"));
	LIST_FOREACH (candidate, &candidates)
		if (candidate->refused != NULL) {
			refused++;
			assert_non_null(strstr(candidate->source, "/b.pem"));
		}
	assert_int_equal(candidates.count, 2);
	assert_int_equal(refused, 1);
	cert_unref(cert);
	list_clear(&candidates, candidate_free);
	list_clear(&stores, store_close);
	trust_free(choice.trust);
	address_free((void *)choice.address);
}

/* 1 when allocations failed, 0 when there were not so many. */
static int
choose_while_failing(struct choice *choice, long first, long count)
{
	struct error err = { 0 };
	struct cert *cert = NULL;
	int rc, reached;

	choice->trust = open_trust(TRUST_REVOCATION_OFF);
	countdown = first;
	failing = count;
	rc = choose_cert(choice, NULL, &cert, &err);
	reached = countdown <= 0;
	countdown = -1;
	if (rc != 0 && err.kind != ERROR_SYSTEM)
		fail_msg("%ld allocations from %ld on: %s: %s", count, first,
			error_kind_name(err.kind), err.text);
	cert_unref(cert);
	trust_free(choice->trust);
	return reached;
}

/* A path is looked for twice: so many fail that neither finds it. */
static void
what_cannot_be_told_now_is_never_a_refusal(void **state)
{
	struct list stores = { 0 };
	struct choice choice = {
		.stores = &stores, .address = bob(), .purpose = CERT_TO_ENCRYPT
	};
	long first;

	(void)state;
	list_add(&stores, open_store());
	for (long count = 1; count <= FAILING_MAX; count *= 2) {
		for (first = 0; first < ALLOCATIONS_MAX; first++)
			if (!choose_while_failing(&choice, first, count))
				break;
		assert_true(first > 10 && first < ALLOCATIONS_MAX);
	}
	list_clear(&stores, store_close);
	address_free((void *)choice.address);
}

static void
a_store_that_cannot_tell_matters_only_when_no_other_one_can(void **state)
{
	struct list stores = { 0 };
	struct choice choice = {
		.stores = &stores, .address = bob(), .purpose = CERT_TO_ENCRYPT
	};
	struct address *bob_address = (struct address *)choice.address;
	struct address *nobody = NULL;
	struct cert *cert = NULL;
	struct error err = { 0 };

	(void)state;
	list_add(&stores, fixture_dead_directory());
	list_add(&stores, open_store());
	assert_int_equal(choose_cert(&choice, NULL, &cert, &err), 0);
	cert_unref(cert);
	assert_int_equal(addr_parse("no@example.com", &nobody, NULL), 0);
	choice.address = nobody;
	assert_int_equal(choose_cert(&choice, NULL, &cert, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "store dead"));
	list_clear(&stores, store_close);
	address_free(bob_address);
	address_free(nobody);
}

static int
find_too_many(struct store *store, const struct address *address,
	const struct cert_selector *selector, int64_t deadline_ms,
	struct list *out, struct error *err)
{
	(void)store;
	(void)address;
	(void)selector;
	(void)deadline_ms;
	(void)out;
	return error_set(err, ERROR_LIMIT, "too many entries");
}

/* A certificate whose revocation is unknown beside a store that has a limit. */
static void
a_limit_does_not_outweigh_what_cannot_be_told(void **state)
{
	static const struct store_driver driver = { .type = "odd",
		.find = find_too_many };
	struct store odd = { .driver = &driver, .name = (char *)"odd" };
	struct list stores = { 0 };
	struct choice choice = { .stores = &stores,
		.address = bob(),
		.purpose = CERT_TO_ENCRYPT,
		.trust = open_trust(TRUST_REVOCATION_HARD) };
	struct store *two = open_store();
	struct cert *cert = NULL;
	struct error err = { 0 };

	(void)state;
	list_add(&stores, &odd);
	assert_int_equal(choose_cert(&choice, NULL, &cert, &err), -1);
	assert_int_equal(err.kind, ERROR_LIMIT);
	list_add(&stores, two);
	assert_int_equal(choose_cert(&choice, NULL, &cert, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	store_close(two);
	list_clear(&stores, NULL);
	trust_free(choice.trust);
	address_free((void *)choice.address);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_trusted_one_is_chosen_and_the_other_explained),
		cmocka_unit_test(what_cannot_be_told_now_is_never_a_refusal),
		cmocka_unit_test(
			a_store_that_cannot_tell_matters_only_when_no_other_one_can),
		cmocka_unit_test(a_limit_does_not_outweigh_what_cannot_be_told),
	};

	if (CRYPTO_set_mem_functions(fail_malloc, fail_realloc, plain_free) !=
		1)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
