/* A certificate goes from one user to another, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"
#include "ca_fixture.h"

static struct ca_settings *settings;
static struct ca *ca;
static struct store *store;

static int
set_up(void **state UNUSED)
{
	struct store_settings how = {
		.name = "book", .type = "managed", .state = own_path("state")
	};
	struct list warnings = { 0 };

	settings = house();
	house_create(settings);
	ca = house_unlocked(settings);
	own_run("rm -rf state && mkdir state");
	assert_int_equal(store_open(&how, &store, &warnings, NULL), 0);
	assert_int_equal(store_make(store, NULL), 1);
	list_clear(&warnings, mem_free);
	return 0;
}

static int
tear_down(void **state UNUSED)
{
	store_close(store);
	ca_close(ca);
	ca_settings_free(settings);
	return 0;
}

/* As ca_hand() gives it, appended. */
static void
hand(const char *text, bool with_key, struct buf *out)
{
	const struct ca_entry *entry = house_issue(ca, text);
	struct cert *cert = NULL;
	struct error err = { 0 };

	if (ca_load(ca, entry, with_key, &cert, &err) != 0 ||
		ca_hand(cert, out, &err) != 0)
		fail_msg("%s", err.text);
	cert_unref(cert);
}

static int
take(const char *text, struct span bytes, struct error *err)
{
	const struct ca_place place = { .store = "book",
		.state = own_path("state") };
	struct address *address = NULL;
	int result;

	assert_int_equal(addr_parse(text, &address, NULL), 0);
	result = ca_take(&place, bytes, address, err);
	address_free(address);
	return result;
}

static size_t
count(bool own)
{
	struct list found = { 0 };
	size_t count;

	assert_int_equal(own ? store_list_own(store, &found, NULL)
			     : store_list(store, &found, NULL),
		0);
	count = found.count;
	list_clear(&found, cert_unref);
	return count;
}

static void
what_is_handed_is_taken_and_again_is_fine(void **state UNUSED)
{
	struct buf ours = { 0 }, theirs = { 0 };
	struct error err = { 0 };

	hand("a@example.com", true, &ours);
	hand("p@example.org", false, &theirs);
	assert_null(span_find(buf_span(&theirs), SPAN("PRIVATE")));
	for (int i = 0; i < 2; i++) {
		if (take("A@Example.com", buf_span(&ours), &err) != 0 ||
			take("p@example.org", buf_span(&theirs), &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(count(true), 1);
		/* And the issuer. */
		assert_int_equal(count(false), 3);
	}
	buf_clear(&ours);
	buf_clear(&theirs);
}

static void
what_is_anything_else_is_not_taken(void **state UNUSED)
{
	static const struct {
		const char *label, *address;
		const char *more; /* a certificate for him behind it */
		size_t cut;	  /* so much of the end is missing */
		size_t blanks;	  /* behind it */
		enum error_kind kind;
	} cases[] = {
		{ "another address", "b@example.com", NULL, 0, 0,
			ERROR_CONFIG },
		{ "a domain below", "a@x.example.com", NULL, 0, 0,
			ERROR_CONFIG },
		{ "two of them", "a@example.com", "b@example.com", 0, 0,
			ERROR_FORMAT },
		{ "half of it", "a@example.com", NULL, 400, 0, ERROR_FORMAT },
		{ "too long", "a@example.com", NULL, 0, CA_HAND_MAX_BYTES,
			ERROR_LIMIT },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf bytes = { 0 };
		struct error err = { 0 };

		hand("a@example.com", true, &bytes);
		if (cases[i].more != NULL)
			hand(cases[i].more, true, &bytes);
		bytes.len -= cases[i].cut;
		for (size_t k = 0; k < cases[i].blanks; k++)
			assert_int_equal(buf_add(&bytes, "\n", 1, NULL), 0);
		if (take(cases[i].address, buf_span(&bytes), &err) == 0)
			fail_msg("%s: taken", cases[i].label);
		if (err.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].label, err.text);
		assert_int_equal(count(false), 0);
		buf_clear(&bytes);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_handed_is_taken_and_again_is_fine),
		TEST(what_is_anything_else_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
