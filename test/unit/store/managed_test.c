/* The managed store: what is written serves at once, whoever wrote it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/event.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "store/store.h"

static struct list events; /* char * */
static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER;

static void
keep_event(enum event_kind kind UNUSED, const char *text)
{
	pthread_mutex_lock(&events_lock);
	list_add(&events, mem_string(text));
	pthread_mutex_unlock(&events_lock);
}

static int
begin(void **state UNUSED)
{
	event_set_sink(keep_event);
	own_run("rm -rf state && mkdir state");
	return 0;
}

static int
end(void **state UNUSED)
{
	list_clear(&events, mem_free);
	return 0;
}

static struct store *
open_there(void)
{
	struct store_settings settings = {
		.name = "book", .type = "managed", .state = own_path("state")
	};
	struct store *store = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };

	if (store_open(&settings, &store, &warnings, &err) != 0 ||
		store_start(store, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(warnings.count, 0);
	return store;
}

/* One that was imported into before. */
static struct store *
open_store(void)
{
	struct store_settings settings = {
		.name = "book", .type = "managed", .state = own_path("state")
	};
	struct store *store = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };

	assert_int_equal(store_open(&settings, &store, &warnings, &err), 0);
	if (store_make(store, &err) < 0)
		fail_msg("%s", err.text);
	store_close(store);
	list_clear(&warnings, mem_free);
	return open_there();
}

static void
import(struct store *store, const struct cert *cert, enum cert_origin origin)
{
	struct error err = { 0 };

	if (store_import(store, cert, origin, &err) != 0)
		fail_msg("%s", err.text);
}

/* Every certificate of a file. */
static void
import_file(struct store *store, const char *path, enum cert_origin origin)
{
	struct loaded loaded;
	struct cert *cert;

	load_path(path, "secret", &loaded);
	LIST_FOREACH (cert, &loaded.certs)
		import(store, cert, origin);
	loaded_clear(&loaded);
}

static int
find(struct store *store, const char *text, struct list *out, struct error *err)
{
	struct address *address = NULL;
	int result;

	assert_int_equal(addr_parse(text, &address, NULL), 0);
	result = store_find(store, address, NULL, 0, out, err);
	address_free(address);
	return result;
}

/* The only certificate of an address, or NULL. */
static struct cert *
find_one(struct store *store, const char *text)
{
	struct list found = { 0 };
	struct error err = { 0 };
	struct cert *cert = NULL;

	if (find(store, text, &found, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(found.count <= 1);
	if (found.count == 1)
		cert = cert_ref(found.item[0]);
	list_clear(&found, cert_unref);
	return cert;
}

static bool
has(struct store *store, const char *text)
{
	struct cert *cert = find_one(store, text);

	cert_unref(cert);
	return cert != NULL;
}

static bool
has_key(struct store *store, const char *text)
{
	struct cert *cert = find_one(store, text);
	bool key = cert != NULL && cert->key != NULL;

	cert_unref(cert);
	return key;
}

static size_t
count_all(struct store *store)
{
	struct list all = { 0 };
	struct error err = { 0 };
	size_t count;

	if (store_list(store, &all, &err) != 0)
		fail_msg("%s", err.text);
	count = all.count;
	list_clear(&all, cert_unref);
	return count;
}

static size_t
count_events(const char *piece)
{
	const char *text;
	size_t count = 0;

	LIST_FOREACH (text, &events)
		count += strstr(text, piece) != NULL;
	return count;
}

static void
what_is_imported_is_found_at_once(void **state UNUSED)
{
	struct store *store = open_store(), *other = open_store();
	struct cert *user = pki_user("alice"), *cert;

	assert_false(has(other, "alice@example.com"));
	import(store, user, CERT_IMPORTED);
	cert = find_one(other, "Alice@EXAMPLE.com");
	assert_non_null(cert);
	assert_string_equal(cert->sha256, user->sha256);
	assert_int_equal(cert->origin, CERT_IMPORTED);
	assert_non_null(cert->key);
	assert_int_equal(sk_X509_num(cert->chain), 1);
	assert_non_null(strstr(cert->source, "/stores/book/addresses/"));
	assert_non_null(strstr(cert->source, "/alice@example.com/"));
	assert_false(has(other, "bob@example.com"));
	assert_false(store_is_in_memory(store));
	assert_true(store_is_managed(store));
	cert_unref(cert);
	cert_unref(user);
	store_close(store);
	store_close(other);
	assert_int_equal(events.count, 0);
}

static void
openssl_reads_what_stands_there(void **state UNUSED)
{
	struct store *store = open_store();

	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	store_close(store);
	own_run("cd state/stores/book/addresses/*/alice@example.com && "
		"test $(ls | wc -l) = 2 && "
		"test $(stat -c %a *.key) = 600 && "
		"test \"$(openssl x509 -inform DER -in *.imported.der -noout "
		"-fingerprint -sha256 | tr -d : | tr A-F a-f | sed s/.*=//)\" "
		"= \"$(echo *.key | sed s/.key//)\" && "
		"openssl pkey -in *.key -pubout >../pub && "
		"openssl x509 -inform DER -in *.der -noout -pubkey | "
		"cmp - ../pub");
}

static void
the_better_origin_is_kept(void **state UNUSED)
{
	static const struct {
		const char *label;
		enum cert_origin comes, stands;
	} rows[] = { { "harvested first", CERT_HARVESTED, CERT_HARVESTED },
		{ "then issued", CERT_ISSUED, CERT_ISSUED },
		{ "harvested again", CERT_HARVESTED, CERT_ISSUED },
		{ "imported", CERT_IMPORTED, CERT_IMPORTED },
		{ "issued again", CERT_ISSUED, CERT_IMPORTED },
		{ "from a file", CERT_FROM_FILE, CERT_IMPORTED } };
	struct store *store = open_store();
	struct cert *user = pki_user("paula");

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cert *cert;

		import(store, user, rows[i].comes);
		cert = find_one(store, "paula@partner.example");
		if (cert == NULL || cert->origin != rows[i].stands)
			fail_msg("%s", rows[i].label);
		cert_unref(cert);
	}
	cert_unref(user);
	store_close(store);
	own_run("test $(find state -name '*.der' | wc -l) = 4 && "
		"test $(find state -name '*.imported.der' | wc -l) = 4");
}

static void
a_missing_key_is_added_and_none_is_lost(void **state UNUSED)
{
	struct store *store = open_store();

	import_file(store, pki_path("alice.pem"), CERT_IMPORTED);
	assert_true(has(store, "alice@example.com"));
	assert_false(has_key(store, "alice@example.com"));
	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	assert_true(has_key(store, "alice@example.com"));
	import_file(store, pki_path("alice.pem"), CERT_IMPORTED);
	assert_true(has_key(store, "alice@example.com"));
	store_close(store);
}

static void
a_key_that_others_may_read_is_not_used(void **state UNUSED)
{
	struct store *store = open_store();

	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	own_run("chmod 604 state/stores/book/addresses/*/alice*/*.key");
	for (int i = 0; i < 3; i++) {
		assert_true(has(store, "alice@example.com"));
		assert_false(has_key(store, "alice@example.com"));
	}
	assert_int_equal(
		count_events("holds a private key that is not used"), 1);
	own_run("chmod 600 state/stores/book/addresses/*/alice*/*.key");
	assert_true(has_key(store, "alice@example.com"));
	store_close(store);
}

static void
a_later_authority_completes_the_chain(void **state UNUSED)
{
	struct store *store = open_store();
	struct cert *cert;

	import_file(store, pki_path("alice.pem"), CERT_IMPORTED);
	cert = find_one(store, "alice@example.com");
	assert_int_equal(sk_X509_num(cert->chain), -1);
	cert_unref(cert);
	import_file(store, pki_path("roots.pem"), CERT_IMPORTED);
	import_file(store, pki_path("intermediate.pem"), CERT_IMPORTED);
	cert = find_one(store, "alice@example.com");
	assert_int_equal(sk_X509_num(cert->chain), 1);
	cert_unref(cert);
	import_file(store, pki_path("deep.pem"), CERT_IMPORTED);
	import_file(store, pki_path("deep-chain.pem"), CERT_IMPORTED);
	cert = find_one(store, "deep@example.com");
	assert_true(sk_X509_num(cert->chain) >= 7);
	cert_unref(cert);
	store_close(store);
}

static void
parsed_once_and_not_for_every_look_up(void **state UNUSED)
{
	struct store *store = open_store();
	struct cert *first, *second;

	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	own_run("find state -type d -exec touch -d 2020-01-01 {} +");
	first = find_one(store, "alice@example.com");
	second = find_one(store, "alice@example.com");
	assert_ptr_equal(first, second);
	cert_unref(second);
	own_run("cd state/stores/book/addresses/*/alice* && cp -p *.key k && "
		"mv k *.key");
	second = find_one(store, "alice@example.com");
	assert_ptr_not_equal(first, second);
	assert_non_null(second->key);
	cert_unref(first);
	cert_unref(second);
	store_close(store);
}

static const struct bad_file {
	const char *label, *command, *says; /* NULL: nothing */
} bad_files[] = {
	{ "rubbish", "echo rubbish >$Z.der", "is no certificate" },
	{ "nothing in it", ": >$Z.imported.der", "is no certificate" },
	{ "half of it", "head -c 500 $A >$Z.issued.der", "is no certificate" },
	{ "another certificate", "cp $A $Z.harvested.der",
		"another certificate than its name says" },
	{ "a folder", "mkdir $Z.der", "is a folder" },
	{ "far too large", "head -c 300000 /dev/zero >$Z.pem",
		"more than 262144 bytes" },
	{ "a loop of links", "ln -s $Z.der $Z.der",
		"cannot be read by this process" },
	{ "a note", "echo hello >README", "is skipped" },
	{ "a pipe", "mkfifo $Z.der", "is no certificate" },
	{ "a name in capitals", "cp $A $(echo $Z | tr a-f A-F).der",
		"is skipped" },
	{ "somebody else's certificate",
		"openssl x509 -in $P/bob.pem -outform DER >b && mv b "
		"$(openssl x509 -in $P/bob.pem -noout -fingerprint "
		"-sha256 | sed s/.*=// | tr -d : | tr A-F a-f).der",
		"does not name the address of its folder" },
	{ "another key", "cp $P/bob.key ${A%.imported.der}.key",
		"does not belong to the certificate" },
	{ "an encrypted key", "cp $P/alice-enc.key ${A%.imported.der}.key",
		"no private key in PEM without a password" },
	{ "half a key",
		"head -c 300 $P/alice.key "
		">${A%.imported.der}.key",
		"no private key in PEM without a password" },
	{ "half written", "cp $A $Z.imported.der.Ab12xy", NULL },
	{ "of the file system", "echo x >.nfs000012", NULL },
};
static const char in_alices[] =
	"cd state/stores/book/addresses/*/alice@example.com && "
	"Z=$(printf %063d 0)a A=$(echo *.imported.der) && "
	"chmod u+w * && ";

static void
bad_files_are_said_once_and_spoil_nothing(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(bad_files); i++) {
		struct store *store;
		char *command =
			mem_printf("%s%s", in_alices, bad_files[i].command);

		end(NULL);
		begin(NULL);
		store = open_store();
		import_file(store, pki_path("alice.pem"), CERT_IMPORTED);
		own_run(command);
		own_run("chmod -f 600 state/stores/book/addresses/*/*/*.key; "
			"true");
		for (int j = 0; j < 2; j++)
			if (!has(store, "alice@example.com"))
				fail_msg("%s: not found", bad_files[i].label);
		if (events.count != (bad_files[i].says != NULL))
			fail_msg("%s: said %zu times", bad_files[i].label,
				events.count);
		if (bad_files[i].says != NULL)
			assert_says(bad_files[i].label, events.item[0],
				bad_files[i].says);
		mem_free(command);
		store_close(store);
	}
}

static void
a_certificate_put_there_by_hand_counts_as_imported(void **state UNUSED)
{
	static const char *const forms[] = { "DER:der", "PEM:pem" };
	struct store *store = open_store();

	import_file(store, pki_path("alice.pem"), CERT_HARVESTED);
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		char *command = mem_printf(
			"cd state/stores/book/addresses/*/alice* && "
			"for i in *.harvested.der; do openssl x509 -inform "
			"DER -in $i -outform %.3s -out ${i%%%%.*}.%s; done",
			forms[i], forms[i] + 4);
		struct cert *cert;

		own_run(command);
		cert = find_one(store, "alice@example.com");
		assert_int_equal(cert->origin, CERT_IMPORTED);
		cert_unref(cert);
		own_run("rm state/stores/book/addresses/*/alice*/*[!d].???; "
			"true");
		mem_free(command);
	}
	store_close(store);
}

static void
names_of_folders_are_safe_whatever_the_address(void **state UNUSED)
{
	static const struct {
		const char *address, *folder;
	} rows[] = {
		{ "a+b_c-d.e@example.com", "a+b_c-d.e@example.com" },
		{ "A.B@EXAMPLE.COM", "a.b@example.com" },
		{ "../../etc@example.com", "%2E.%2F..%2Fetc@example.com" },
		{ "50%@example.com", "50%25@example.com" },
		{ "its*me?@example.com", "its%2Ame%3F@example.com" },
	};
	struct store *store = open_store();

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *make = mem_printf(
			"openssl req -x509 -newkey ec -pkeyopt "
			"ec_paramgen_curve:P-256 -nodes -keyout k -out c.pem "
			"-subj /CN=x -addext \"subjectAltName=email:%s\"",
			rows[i].address);
		char *look = mem_printf("test -d state/stores/book/addresses/*/"
					"'%s'",
			rows[i].folder);

		own_run(make);
		import_file(store, own_path("c.pem"), CERT_IMPORTED);
		own_run(look);
		if (rows[i].address[0] != '.' && !has(store, rows[i].address))
			fail_msg("%s", rows[i].address);
		mem_free(make);
		mem_free(look);
	}
	store_close(store);
}

static void
a_name_that_is_too_long_becomes_a_digest(void **state UNUSED)
{
	struct store *store = open_store();
	char address[320];

	memset(address, 'x', 250);
	strcpy(address + 250, "@example.com");
	{
		char *make = mem_printf(
			"openssl req -x509 -newkey ec -pkeyopt "
			"ec_paramgen_curve:P-256 -nodes -keyout k -out c.pem "
			"-subj /CN=x -addext \"subjectAltName=email:%s\"",
			address);

		own_run(make);
		mem_free(make);
	}
	import_file(store, own_path("c.pem"), CERT_IMPORTED);
	assert_true(has(store, address));
	own_run("test -d state/stores/book/addresses/*/%sha256-*");
	store_close(store);
}

static struct list
select_certs(struct store *store, const char *text)
{
	struct cert_selector *selector = NULL;
	struct list found = { 0 };
	struct error err = { 0 };

	assert_int_equal(cert_selector_new(text, &selector, &err), 0);
	if (store_find(store, NULL, selector, 0, &found, &err) != 0)
		fail_msg("%s", err.text);
	cert_selector_free(selector);
	return found;
}

static void
selectors_find_by_digest_and_by_subject(void **state UNUSED)
{
	struct store *store = open_store();
	struct cert *user = pki_user("no-address");
	char *subject = cert_subject(user);
	char *rows[] = { mem_printf("sha256:%s", user->sha256),
		mem_printf("subject:%s", subject),
		mem_printf("sha256:%064d", 0),
		mem_string("subject:CN=nobody") };

	import(store, user, CERT_ISSUED);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct list found = select_certs(store, rows[i]);

		assert_int_equal(found.count, i < 2);
		if (i < 2) {
			struct cert *cert = found.item[0];

			assert_string_equal(cert->sha256, user->sha256);
			assert_non_null(cert->key);
			assert_int_equal(cert->origin, CERT_ISSUED);
		}
		list_clear(&found, cert_unref);
		mem_free(rows[i]);
	}
	mem_free(subject);
	cert_unref(user);
	store_close(store);
}

/* In certificates/ as in an address's folder. */
static void
a_digest_finds_what_was_put_there_by_hand(void **state UNUSED)
{
	static const char *const ends[] = { "der", "pem", "imported.pem",
		"issued.pem", "harvested.pem" };
	struct store *store = open_store();
	struct cert *user = pki_user("alice");
	char *word = mem_printf("sha256:%s", user->sha256);

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		char *command = mem_printf(
			"rm -rf state/stores/book/* && "
			"mkdir -p state/stores/book/certificates/%.2s && cd "
			"state/stores/book/certificates/%.2s && openssl x509 "
			"-in $P/alice.pem -outform %s -out %s.%s",
			user->sha256, user->sha256,
			strstr(ends[i], "pem") ? "PEM" : "DER", user->sha256,
			ends[i]);
		struct list found;

		own_run(command);
		found = select_certs(store, word);
		if (found.count != 1)
			fail_msg("%s: not found", ends[i]);
		list_clear(&found, cert_unref);
		assert_int_equal(store_remove(store, user->sha256, NULL), 1);
		found = select_certs(store, word);
		assert_int_equal(found.count, 0);
		mem_free(command);
	}
	mem_free(word);
	cert_unref(user);
	store_close(store);
}

static void
what_is_removed_is_gone_everywhere(void **state UNUSED)
{
	struct store *store = open_store();
	struct cert *user = pki_user("several");
	struct address *address;

	import(store, user, CERT_IMPORTED);
	assert_true(user->addresses.count > 1);
	LIST_FOREACH (address, &user->addresses)
		assert_true(has_key(store, address->text));
	assert_int_equal(store_remove(store, user->sha256, NULL), 1);
	LIST_FOREACH (address, &user->addresses)
		assert_false(has(store, address->text));
	assert_int_equal(store_remove(store, user->sha256, NULL), 0);
	own_run("test -z \"$(find state -name '*.key')\" && "
		"test -z \"$(find state -mindepth 4 -path "
		"'*/addresses/*/*')\"");
	/* Its authority stays. */
	assert_int_equal(count_all(store), 1);
	cert_unref(user);
	store_close(store);
}

static void
what_stands_in_one_folder_only_is_removed_too(void **state UNUSED)
{
	struct store *store = open_store();
	struct cert *user = pki_user("several");

	import(store, user, CERT_IMPORTED);
	own_run("rm -r state/stores/book/certificates");
	assert_int_equal(store_remove(store, user->sha256, NULL), 1);
	own_run("test -z \"$(find state -name '*.key')\"");
	import(store, user, CERT_IMPORTED);
	own_run("for i in state/stores/book/certificates/*/*.der; do "
		"echo broken >$i.x && mv $i.x $i; done");
	assert_int_equal(store_remove(store, user->sha256, NULL), 1);
	own_run("test -z \"$(find state -name '*.key')\"");
	cert_unref(user);
	store_close(store);
}

static void
importing_again_repairs_what_is_broken(void **state UNUSED)
{
	static const char *const damages[] = {
		"for i in $(find . -name '*.der'); do echo >$i.x; "
		"mv $i.x $i; done",
		"for i in $(find . -name '*.key'); do echo >$i.x; "
		"mv $i.x $i; done",
		"find . -name '*.key' | xargs chmod 644", "rm -r addresses",
		"rm -r certificates", "rm -r authorities",
		"find . -type f | xargs rm"
	};
	struct store *store = open_store();

	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	for (size_t i = 0; i < COUNT_OF(damages); i++) {
		char *command =
			mem_printf("cd state/stores/book && %s", damages[i]);
		struct cert *cert;

		own_run(command);
		import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
		cert = find_one(store, "alice@example.com");
		if (cert == NULL || cert->key == NULL ||
			sk_X509_num(cert->chain) != 1)
			fail_msg("%s", damages[i]);
		cert_unref(cert);
		mem_free(command);
	}
	store_close(store);
}

static void
remains_of_a_crash_are_ignored_and_swept(void **state UNUSED)
{
	struct store *store = open_store();

	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	own_run("cd state/stores/book/addresses/*/alice* && "
		"cp *.der $(echo *.der).aaaaaa && cp *.key "
		"$(echo *.key).bbbbbb && touch -d '2 days ago' *.??????; "
		"cp -p *.der $(echo *.der).cccccc");
	assert_true(has_key(store, "alice@example.com"));
	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	own_run("cd state/stores/book/addresses/*/alice* && "
		"test -e *.cccccc && ! ls *.aaaaaa && ! ls *.bbbbbb");
	assert_int_equal(events.count, 0);
	store_close(store);
}

/* An address without a certificate may be sent clear mail: not by accident. */
static void
a_folder_that_is_gone_is_not_a_no(void **state UNUSED)
{
	struct store *store = open_store();
	struct list found = { 0 };
	struct error err = { 0 };

	own_run("mv state away");
	assert_int_equal(find(store, "alice@example.com", &found, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_says("find", err.text, "is its file system mounted?");
	assert_int_equal(store_list(store, &found, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	own_run("mv away state");
	assert_int_equal(find(store, "alice@example.com", &found, &err), 0);
	assert_int_equal(found.count, 0);
	store_close(store);
}

/* What is not mounted must not seem to be empty. */
static void
only_make_makes_a_store(void **state UNUSED)
{
	struct store_settings settings = {
		.name = "book", .type = "managed", .state = own_path("state")
	};
	struct cert *user = pki_user("alice");
	struct store *store = NULL;
	struct list warnings = { 0 }, found = { 0 };
	struct error err = { 0 };

	own_run("rmdir state");
	assert_int_equal(store_open(&settings, &store, &warnings, &err), 0);
	assert_int_equal(warnings.count, 1);
	assert_says("open", warnings.item[0], "store book: ");
	assert_says("open", warnings.item[0], "is its file system mounted?");
	assert_int_equal(store_start(store, &warnings, &err), 0);
	assert_int_equal(find(store, "alice@example.com", &found, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_says("find", err.text, "smimectl cert import --empty");
	assert_int_equal(store_import(store, user, CERT_IMPORTED, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	own_run("test ! -e state");
	assert_int_equal(store_make(store, &err), 1);
	assert_int_equal(store_make(store, &err), 0);
	assert_int_equal(find(store, "alice@example.com", &found, &err), 0);
	import(store, user, CERT_IMPORTED);
	assert_true(has_key(store, "alice@example.com"));
	list_clear(&warnings, mem_free);
	cert_unref(user);
	store_close(store);
}

static void
root_makes_and_fills_no_store_behind_a_link(void **state UNUSED)
{
	static const char *const links[] = {
		"ln -s ../foreign state/stores",
		"ln -s ../foreign/new state/stores",
		"mkdir state/stores && ln -s ../../foreign state/stores/book",
		"mkdir state/stores && ln -s ../../foreign/new "
		"state/stores/book",
	};
	struct cert *user = pki_user("alice");

	if (geteuid() != 0) {
		cert_unref(user);
		skip();
		return;
	}
	for (size_t i = 0; i < COUNT_OF(links); i++) {
		struct store_settings settings = { .name = "book",
			.type = "managed",
			.state = own_path("state"),
			.user = "nobody" };
		struct store *store = NULL;
		struct list warnings = { 0 };
		struct error err = { 0 };

		begin(NULL);
		own_run("chmod 711 . && rm -rf foreign && mkdir -m 700 "
			"foreign");
		own_run(links[i]);
		own_run("chown -hR nobody state");
		assert_int_equal(
			store_open(&settings, &store, &warnings, &err), 0);
		if (store_make(store, &err) >= 0 &&
			store_import(store, user, CERT_IMPORTED, &err) == 0)
			fail_msg("%s", links[i]);
		own_run("test -z \"$(ls foreign)\" && "
			"test $(stat -c %u%a foreign) = 0700");
		list_clear(&warnings, mem_free);
		store_close(store);
	}
	cert_unref(user);
}

static void
what_cannot_be_opened_is_a_configuration_error(void **state UNUSED)
{
	static const struct {
		const char *label, *command, *says;
	} rows[] = {
		{ "a file in its place",
			"mkdir state/stores && echo >state/stores/book",
			"is not a folder" },
		{ "a file above it", "echo >state/stores",
			"cannot be seen by this process" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct store_settings settings = { .name = "book",
			.type = "managed",
			.state = own_path("state") };
		struct store *store = NULL;
		struct list warnings = { 0 };
		struct error err = { 0 };

		begin(NULL);
		own_run(rows[i].command);
		assert_int_equal(
			store_open(&settings, &store, &warnings, &err), -1);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_says(rows[i].label, err.text, "store book: ");
		assert_says(rows[i].label, err.text, rows[i].says);
	}
}

static void
what_cannot_be_written_is_said(void **state UNUSED)
{
	struct store *store = open_store();
	struct cert *user = pki_user("alice");
	struct error err = { 0 };

	own_run("echo >state/stores/book/addresses");
	assert_int_equal(store_import(store, user, CERT_IMPORTED, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("import", err.text, "store book: ");
	assert_says("import", err.text, "cannot be written");
	own_run("rm state/stores/book/addresses");
	assert_int_equal(store_import(store, user, CERT_IMPORTED, &err), 0);
	assert_true(has_key(store, "alice@example.com"));
	cert_unref(user);
	store_close(store);
}

static void
other_stores_take_no_imports(void **state UNUSED)
{
	struct store_settings settings = {
		.name = "here", .type = "file", .path = pki_path("staff.pem")
	};
	struct list warnings = { 0 };
	struct cert *user = pki_user("alice");
	struct store *store = NULL;
	struct error err = { 0 };

	assert_int_equal(store_open(&settings, &store, &warnings, &err), 0);
	assert_false(store_is_managed(store));
	assert_int_equal(store_import(store, user, CERT_IMPORTED, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(store_remove(store, user->sha256, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("remove", err.text, "only the certificates of a");
	list_clear(&warnings, mem_free);
	cert_unref(user);
	store_close(store);
}

static void
what_root_imports_belongs_to_the_owner_of_the_folder(void **state UNUSED)
{
	struct store *store;
	struct error err = { 0 };
	struct cert *user;

	if (geteuid() != 0) {
		skip();
		return;
	}
	store = open_store();
	own_run("chmod 711 . && chown -R 1234:1235 state");
	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	own_run("test -z \"$(find state ! -uid 1234 -o ! -gid 1235)\" && "
		"test -n \"$(find state -name '*.key' -perm 600)\" && "
		"test -z \"$(find state/stores -perm /7)\"");
	/* A link of the owner's leads root nowhere. */
	own_run("mkdir -m 700 -p roots && rm -r state/stores/book/addresses && "
		"ln -s ../../../roots state/stores/book/addresses");
	user = pki_user("bob");
	assert_int_equal(store_import(store, user, CERT_IMPORTED, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("link", err.text, "(user 1234)");
	cert_unref(user);
	store_close(store);
}

/* ---- how much is opened ---- */

static int watcher;

static int
watch_folder(const char *path, const struct stat *st UNUSED, int type,
	struct FTW *at UNUSED)
{
	if (type != FTW_D)
		return 0;
	return inotify_add_watch(watcher, path, IN_OPEN) < 0;
}

/* Files and folders that were opened since; the latter count twice at most. */
static size_t
count_opened(void)
{
	char space[4096]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	size_t count = 0;
	ssize_t len;

	while ((len = read(watcher, space, sizeof(space))) > 0)
		for (ssize_t at = 0; at < len; count++)
			at += (ssize_t)sizeof(struct inotify_event) +
			      ((struct inotify_event *)(void *)(space + at))
				      ->len;
	return count;
}

/* Of a store with that many addresses. */
static void
count_look_ups(unsigned addresses, size_t *first, size_t *again, size_t *absent)
{
	char *fill = mem_printf(
		"cd state/stores/book && c=$(echo "
		"certificates/*/*.imported.der | sed 's/ .*//') && "
		"seq %u | while read i; do d=addresses/$((i %% 90 + "
		"10))/u$i@x; "
		"mkdir -p $d && ln $c $d/$(printf %%064d $i).imported.der; "
		"done; find . -type d -exec touch -d 2020-01-01 {} +",
		addresses);
	const char *folder = own_path("state/stores");
	struct store *store = open_store();

	import_file(store, pki_path("alice.p12"), CERT_IMPORTED);
	store_close(store);
	own_run(fill);
	watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watcher < 0 || nftw(folder, watch_folder, 16, FTW_PHYS) != 0) {
		close(watcher);
		skip();
	}
	(void)count_opened();
	store = open_there();
	assert_int_equal(count_opened(), 0);
	assert_true(has_key(store, "alice@example.com"));
	*first = count_opened();
	assert_true(has_key(store, "alice@example.com"));
	*again = count_opened();
	assert_false(has(store, "nobody@example.com"));
	*absent = count_opened();
	store_close(store);
	close(watcher);
	mem_free(fill);
}

static void
a_look_up_opens_no_more_among_many(void **state UNUSED)
{
	size_t first[2], again[2], absent[2];

	count_look_ups(1, &first[0], &again[0], &absent[0]);
	begin(NULL);
	count_look_ups(2000, &first[1], &again[1], &absent[1]);
	assert_int_equal(first[0], first[1]);
	assert_int_equal(again[0], again[1]);
	assert_int_equal(absent[0], absent[1]);
	/* Two folders, certificate, key and authority. */
	assert_true(first[1] >= 5 && first[1] <= 10);
	assert_true(again[1] <= 2);
	assert_int_equal(absent[1], 0);
}

/* ---- threads ---- */

struct crowd {
	struct store *store;
	atomic_bool done;
	atomic_int wrong;
};

static void *
look_up(void *p)
{
	struct crowd *crowd = p;

	while (!atomic_load(&crowd->done)) {
		struct list found = { 0 };
		struct error err = { 0 };

		if (find(crowd->store, "alice@example.com", &found, &err) !=
				0 ||
			found.count != 1 ||
			((struct cert *)found.item[0])->key == NULL)
			atomic_fetch_add(&crowd->wrong, 1);
		list_clear(&found, cert_unref);
		if (find(crowd->store, "paula@partner.example", &found, &err) !=
			0)
			atomic_fetch_add(&crowd->wrong, 1);
		list_clear(&found, cert_unref);
	}
	return NULL;
}

static void
threads_find_while_others_write(void **state UNUSED)
{
	enum { THREADS = 4, ROUNDS = 40 };
	struct crowd crowd = { .store = open_store() };
	struct store *writer = open_store();
	struct cert *stays = pki_user("alice"), *comes = pki_user("paula");
	pthread_t threads[THREADS];

	import(writer, stays, CERT_HARVESTED);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, look_up, &crowd);
	for (size_t i = 0; i < ROUNDS; i++) {
		import(writer, stays, i < 20 ? CERT_HARVESTED : CERT_IMPORTED);
		import(writer, comes, CERT_HARVESTED);
		assert_int_equal(store_remove(writer, comes->sha256, NULL), 1);
	}
	atomic_store(&crowd.done, true);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crowd.wrong), 0);
	assert_int_equal(events.count, 0);
	cert_unref(stays);
	cert_unref(comes);
	store_close(writer);
	store_close(crowd.store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_imported_is_found_at_once),
		TEST(openssl_reads_what_stands_there),
		TEST(the_better_origin_is_kept),
		TEST(a_missing_key_is_added_and_none_is_lost),
		TEST(a_key_that_others_may_read_is_not_used),
		TEST(a_later_authority_completes_the_chain),
		TEST(parsed_once_and_not_for_every_look_up),
		TEST(bad_files_are_said_once_and_spoil_nothing),
		TEST(a_certificate_put_there_by_hand_counts_as_imported),
		TEST(names_of_folders_are_safe_whatever_the_address),
		TEST(a_name_that_is_too_long_becomes_a_digest),
		TEST(selectors_find_by_digest_and_by_subject),
		TEST(a_digest_finds_what_was_put_there_by_hand),
		TEST(what_is_removed_is_gone_everywhere),
		TEST(what_stands_in_one_folder_only_is_removed_too),
		TEST(importing_again_repairs_what_is_broken),
		TEST(remains_of_a_crash_are_ignored_and_swept),
		TEST(a_folder_that_is_gone_is_not_a_no),
		TEST(only_make_makes_a_store),
		TEST(root_makes_and_fills_no_store_behind_a_link),
		TEST(what_cannot_be_opened_is_a_configuration_error),
		TEST(what_cannot_be_written_is_said),
		TEST(other_stores_take_no_imports),
		TEST(what_root_imports_belongs_to_the_owner_of_the_folder),
		TEST(a_look_up_opens_no_more_among_many),
		TEST(threads_find_while_others_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
