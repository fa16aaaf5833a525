/* Stores of the types file and directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "pki_fixture.h"
#include "store/store.h"

struct opened {
	struct store *store;
	struct list warnings;
};

static void
open_store(const char *type, const char *path, const char *password_file,
	struct opened *out)
{
	struct store_settings settings = { "here", type, path, password_file };
	struct error err = { 0 };

	*out = (struct opened){ 0 };
	if (store_open(&settings, &out->store, &out->warnings, &err) != 0)
		fail_msg("%s", err.text);
}

static void
close_store(struct opened *opened)
{
	store_close(opened->store);
	list_clear(&opened->warnings, mem_free);
}

static size_t
count_found(struct opened *opened, const char *text, size_t *keys)
{
	struct address *address = NULL;
	struct list found = { 0 };
	const struct cert *cert;
	size_t count;

	assert_int_equal(addr_parse(text, &address, NULL), 0);
	assert_int_equal(
		store_find(opened->store, address, NULL, 0, &found, NULL), 0);
	*keys = 0;
	LIST_FOREACH (cert, &found) {
		*keys += cert->key != NULL;
		assert_true(cert_names_address(cert, address));
	}
	count = found.count;
	list_clear(&found, cert_unref);
	address_free(address);
	return count;
}

static size_t
count_all(struct opened *opened)
{
	struct list all = { 0 };
	size_t count;

	assert_int_equal(store_list(opened->store, &all, NULL), 0);
	count = all.count;
	list_clear(&all, cert_unref);
	return count;
}

static void
types_are_known_or_to_come(void **state UNUSED)
{
	assert_int_equal(store_type_known("file"), 1);
	assert_int_equal(store_type_known("directory"), 1);
	assert_int_equal(store_type_known("ldap"), 1);
	assert_int_equal(store_type_known("pkcs11"), 1);
	assert_int_equal(store_type_known("managed"), 1);
	assert_int_equal(store_type_known("File"), -1);
	assert_int_equal(store_type_known(""), -1);
}

static void
file_is_found_by_address(void **state UNUSED)
{
	static const struct {
		const char *address;
		size_t certs, keys;
	} rows[] = { { "alice@example.com", 1, 1 },
		{ "Alice@EXAMPLE.com", 1, 1 }, { "bob@example.com", 1, 1 },
		{ "carol@example.com", 1, 1 }, { "dave@example.com", 0, 0 },
		{ "alice@example.org", 0, 0 } };
	struct opened opened;

	open_store("file", pki_path("staff.pem"), NULL, &opened);
	assert_string_equal(store_name(opened.store), "here");
	assert_string_equal(store_type(opened.store), "file");
	assert_int_equal(count_all(&opened), 5);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t keys;

		assert_int_equal(count_found(&opened, rows[i].address, &keys),
			rows[i].certs);
		assert_int_equal(keys, rows[i].keys);
	}
	close_store(&opened);
}

static void
file_is_found_by_selector(void **state UNUSED)
{
	struct cert_selector *selector = NULL;
	struct list found = { 0 };
	struct opened opened;

	open_store("file", pki_path("staff.pem"), NULL, &opened);
	assert_int_equal(
		cert_selector_new("subject:O=Example,CN=bob", &selector, NULL),
		0);
	assert_int_equal(
		store_find(opened.store, NULL, selector, 0, &found, NULL), 0);
	assert_int_equal(found.count, 1);
	assert_true(cert_selector_match(selector, found.item[0]));
	list_clear(&found, cert_unref);
	cert_selector_free(selector);
	close_store(&opened);
}

/* A certificate that was found outlives its store: a reload may come. */
static void
what_was_found_outlives_the_store(void **state UNUSED)
{
	struct address *address = NULL;
	struct list found = { 0 };
	struct opened opened;

	open_store("file", pki_path("staff.pem"), NULL, &opened);
	assert_int_equal(addr_parse("bob@example.com", &address, NULL), 0);
	assert_int_equal(
		store_find(opened.store, address, NULL, 0, &found, NULL), 0);
	close_store(&opened);
	assert_int_equal(found.count, 1);
	assert_true(cert_names_address(found.item[0], address));
	address_free(address);
	list_clear(&found, cert_unref);
}

static const struct {
	const char *label, *type, *file, *mode, *password, *says;
	enum error_kind kind;
} refused[] = {
	{ "no type", NULL, "x", NULL, NULL, "it has no type", ERROR_CONFIG },
	{ "unknown type", "sql", "x", NULL, NULL, "there is no type \"sql\"",
		ERROR_CONFIG },
	{ "type to come", "pkcs11", "x", NULL, NULL, "not in this version",
		ERROR_CONFIG },
	{ "no path", "file", NULL, NULL, NULL, "path is missing",
		ERROR_CONFIG },
	{ "no such file", "file", "nothing", NULL, NULL,
		"cannot open it: No such file or directory", ERROR_CONFIG },
	{ "no such folder", "directory", "nothing", NULL, NULL,
		"cannot open it: No such file or directory", ERROR_CONFIG },
	{ "a folder as a file", "file", ".", NULL, NULL, "is a folder",
		ERROR_CONFIG },
	{ "a file as a folder", "directory", "alice.p12", "600", NULL,
		"Not a directory", ERROR_CONFIG },
	{ "no password", "file", "alice.p12", "600", NULL, "no password is set",
		ERROR_CONFIG },
	{ "wrong password", "file", "alice.p12", "600", "wrong",
		"the password does not open", ERROR_CONFIG },
	{ "everybody may read the key", "file", "staff.pem", "604", NULL,
		"holds a private key, but everybody may read or write it",
		ERROR_CONFIG },
	{ "everybody may write the key", "file", "staff.pem", "602", NULL,
		"everybody may read or write it", ERROR_CONFIG },
	{ "everybody may read the encrypted key", "file", "alice.p12", "644",
		"secret", "everybody may read or write it", ERROR_CONFIG },
	{ "a key alone", "file", "alice.key", "600", NULL,
		"holds a private key but no certificate", ERROR_CONFIG },
};

static void
unusable_stores_are_refused_with_a_sentence(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct store_settings settings = { .name = "here",
			.type = refused[i].type };
		struct store *store = NULL;
		struct list warnings = { 0 };
		struct error err = { 0 };

		if (refused[i].mode != NULL)
			own_copy(refused[i].file, refused[i].file,
				(unsigned)strtoul(refused[i].mode, NULL, 8));
		if (refused[i].file != NULL)
			settings.path = own_path(refused[i].file);
		if (refused[i].password != NULL) {
			own_write(
				"pass", span_string(refused[i].password), 0600);
			settings.password_file = own_path("pass");
		}
		if (store_open(&settings, &store, &warnings, &err) == 0)
			fail_msg("%s: was not refused", refused[i].label);
		assert_int_equal(err.kind, refused[i].kind);
		assert_says(refused[i].label, err.text, refused[i].says);
		assert_says(refused[i].label, err.text, "store here: ");
		list_clear(&warnings, mem_free);
	}
}

/* The sentence names path, user and reason.  Root may read everything. */
static void
unreadable_file_names_path_user_and_reason(void **state UNUSED)
{
	struct store_settings settings = { "here", "file",
		own_path("closed.pem"), NULL };
	struct store *store = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };
	bool root = geteuid() == 0;

	own_copy("alice.pem", "closed.pem", 0);
	own_run("chmod 711 .");
	if (root && seteuid(65534) != 0)
		skip();
	assert_int_equal(store_open(&settings, &store, &warnings, &err), -1);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("path", err.text, "/closed.pem: user ");
	assert_says("user", err.text, root ? "user nobody cannot" : "cannot");
	assert_says("reason", err.text, "Permission denied");
}

static void
certificates_may_be_read_by_everybody(void **state UNUSED)
{
	struct opened opened;

	own_copy("alice.pem", "public.pem", 0644);
	open_store("file", own_path("public.pem"), NULL, &opened);
	assert_int_equal(count_all(&opened), 1);
	close_store(&opened);
}

/* Of a file and of a folder; once, then the store has none. */
static void
lists_beside_certificates_are_handed_on(void **state UNUSED)
{
	static const char *const types[] = { "file", "directory" };

	own_run("printf '[ca]\\ndefault_ca=u\\n[u]\\ndatabase=i\\n"
		"default_md=sha256\\n' >c && : >i && openssl ca -gencrl "
		"-config c -cert $P/ca.pem -keyfile $P/ca.key -crldays 30 "
		"-out crl.pem && rm -rf lists && mkdir lists && cp crl.pem "
		"$P/alice.pem lists && cat $P/alice.pem crl.pem >both.pem");
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct store_settings settings = { .name = "here",
			.type = types[i],
			.path = own_path(i == 0 ? "both.pem" : "lists") };
		struct list warnings = { 0 }, crls = { 0 }, again = { 0 };
		struct store *store = NULL;
		struct error err = { 0 };

		if (store_open(&settings, &store, &warnings, &err) != 0)
			fail_msg("%s: %s", types[i], err.text);
		assert_int_equal(warnings.count, 0);
		store_take_crls(store, &crls);
		assert_int_equal(crls.count, 1);
		store_take_crls(store, &again);
		assert_int_equal(again.count, 0);
		X509_CRL_free(crls.item[0]);
		list_clear(&crls, NULL);
		store_close(store);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_known_or_to_come),
		cmocka_unit_test(file_is_found_by_address),
		cmocka_unit_test(file_is_found_by_selector),
		cmocka_unit_test(what_was_found_outlives_the_store),
		cmocka_unit_test(unusable_stores_are_refused_with_a_sentence),
		cmocka_unit_test(unreadable_file_names_path_user_and_reason),
		cmocka_unit_test(certificates_may_be_read_by_everybody),
		cmocka_unit_test(lists_beside_certificates_are_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
