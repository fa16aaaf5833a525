/* A folder of files: what is in it counts together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "store/store.h"

struct row {
	const char *label;
	const char *command; /* fills the folder d */
	size_t certs, keys;
	const char *warning; /* NULL: none */
	const char *password_file;
};

static const struct row rows[] = {
	{ "nothing", "true", 0, 0, NULL, NULL },
	{ "single files of every form",
		"cp $P/alice.pem $P/bob.der $P/carol.p7b d", 5, 0, NULL, NULL },
	{ "key and certificate in two files", "cp $P/alice.pem $P/alice.key d",
		1, 1, NULL, NULL },
	{ "key and certificate in two folders",
		"mkdir d/keys && cp $P/alice.pem d && cp $P/alice.key d/keys",
		1, 1, NULL, NULL },
	{ "one password for all of them",
		"cp $P/alice.p12 $P/bob-old.p12 $P/carol.pem d && cp "
		"$P/carol.key d",
		5, 3, NULL, "pass" },
	{ "some without a password", "cp $P/alice.p12 $P/bob-nopass.p12 d", 4,
		2, NULL, "pass" },
	{ "a key without certificate", "cp $P/alice.pem $P/bob.key d", 1, 0,
		"bob.key: a private key (rsa-2048) that matches no certificate",
		NULL },
	{ "one bad file", "cp $P/alice.pem d && echo nothing >d/README", 1, 0,
		"README: neither PEM nor", NULL },
	{ "a wrong password", "cp $P/alice.pem $P/bob.p12 d", 1, 0,
		"bob.p12: the PKCS#12 is encrypted and no password is set",
		NULL },
	{ "a key everybody may read",
		"cp $P/alice.pem $P/alice.key $P/bob.pem $P/bob.key d && chmod "
		"604 d/alice.key",
		2, 1, "alice.key: holds a private key that is not used", NULL },
	{ "a PKCS#12 everybody may read", "cp $P/alice.p12 d && chmod 644 d/*",
		3, 0, "alice.p12: holds a private key that is not used",
		"pass" },
	{ "hidden files and copies of editors",
		"for i in .a.pem a.pem~ a.pem.bak '#a.pem#' a.pem.dpkg-old "
		".a.pem.swp a.PEM.BAK; do cp $P/alice.pem \"d/$i\"; done",
		0, 0, NULL, NULL },
	{ "passwords", "echo secret >d/a.pass && cp $P/alice.pem d", 1, 0, NULL,
		NULL },
	{ "the store's own password file",
		"echo secret >d/word && chmod 600 d/word && cp $P/alice.p12 d",
		3, 1, NULL, "d/word" },
	{ "the same certificate in two files",
		"cp $P/alice.pem d/1.pem && cp $P/alice.der d/2.der && cp "
		"$P/alice.key d",
		1, 1, NULL, NULL },
	{ "a link to a file", "ln -s $P/alice.pem d/link.pem", 1, 0, NULL,
		NULL },
	{ "a link to nothing", "cp $P/alice.pem d && ln -s nothing d/link", 1,
		0, "link: user", NULL },
	{ "a link to the folder itself",
		"cp $P/alice.pem d && ln -s . d/loop && ln -s ../d d/again", 1,
		0, NULL, NULL },
	{ "a folder linked twice",
		"mkdir other && cp $P/bob.pem other && ln -s ../other d/1 && "
		"ln -s ../other d/2",
		1, 0, NULL, NULL },
	{ "a pipe", "cp $P/alice.pem d && mkfifo d/pipe", 1, 0,
		"pipe: is not a file", NULL },
	{ "sixteen folders deep",
		"mkdir -p d/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g && cp $P/bob.pem "
		"d/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g",
		1, 0, NULL, NULL },
	{ "deeper than the limit",
		"mkdir -p d/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h && cp $P/bob.pem "
		"d/1/2/3/4/5/6/7/8/9/a/b/c/d/e/f/g/h && cp $P/alice.pem d",
		1, 0, "too deep", NULL },
	{ "names with blanks", "cp $P/alice.pem 'd/a b.pem'", 1, 0, NULL,
		NULL },
};

static void
list_all(const struct row *row, struct list *certs, struct list *warnings)
{
	struct store_settings settings = { "here", "directory", own_path("d"),
		row->password_file ? own_path(row->password_file) : NULL };
	struct store *store = NULL;
	struct error err = { 0 };

	own_run("rm -rf d other && mkdir d");
	own_run(row->command);
	if (store_open(&settings, &store, warnings, &err) != 0)
		fail_msg("%s: %s", row->label, err.text);
	assert_int_equal(store_list(store, certs, NULL), 0);
	store_close(store);
}

static void
folder_is_read_as_a_whole(void **state UNUSED)
{
	own_write("pass", SPAN("secret\n"), 0600);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct list certs = { 0 }, warnings = { 0 };
		const struct cert *cert;
		size_t keys = 0;

		list_all(&rows[i], &certs, &warnings);
		LIST_FOREACH (cert, &certs) {
			keys += cert->key != NULL;
		}
		if (certs.count != rows[i].certs || keys != rows[i].keys)
			fail_msg("%s: %zu certificates, %zu keys",
				rows[i].label, certs.count, keys);
		if (rows[i].warning == NULL && warnings.count != 0)
			fail_msg("%s: %s", rows[i].label,
				(char *)warnings.item[0]);
		if (rows[i].warning != NULL &&
			(!list_has(&warnings, rows[i].warning) ||
				!list_has(&warnings, "store here: ")))
			fail_msg("%s: not warned of", rows[i].label);
		list_clear(&certs, cert_unref);
		list_clear(&warnings, mem_free);
	}
}

static void
issuer_may_stand_anywhere_in_the_folder(void **state UNUSED)
{
	static const struct row row = { "issuer elsewhere",
		"mkdir d/cas && cp $P/alice.pem d && cp $P/intermediate.pem "
		"$P/ca.pem $P/deep-1.pem d/cas",
		4, 0, NULL, NULL };
	struct list certs = { 0 }, warnings = { 0 };
	const struct cert *cert;
	int chains = 0;

	list_all(&row, &certs, &warnings);
	LIST_FOREACH (cert, &certs) {
		if (cert->addresses.count == 0)
			continue;
		assert_int_equal(sk_X509_num(cert->chain), 1);
		chains++;
	}
	assert_int_equal(chains, 1);
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
}

static void
order_is_that_of_the_names(void **state UNUSED)
{
	static const struct row row = { "order",
		"cp $P/carol.pem d/3.pem && cp $P/alice.pem d/1.pem && mkdir "
		"d/2 && cp $P/bob.pem d/2/x.pem",
		3, 0, NULL, NULL };
	static const char *const expected[] = { "CN=alice", "CN=bob",
		"CN=carol" };
	struct list certs = { 0 }, warnings = { 0 };

	list_all(&row, &certs, &warnings);
	assert_int_equal(certs.count, COUNT_OF(expected));
	for (size_t i = 0; i < certs.count; i++) {
		char *subject = cert_subject(certs.item[i]);

		assert_says("order", subject, expected[i]);
		mem_free(subject);
	}
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
}

/* Several certificates of one address are all found, in order. */
static void
one_address_may_have_many_certificates(void **state UNUSED)
{
	struct store_settings settings = { "here", "directory", own_path("d"),
		NULL };
	struct address *address = NULL;
	struct store *store = NULL;
	struct list found = { 0 }, warnings = { 0 };

	own_run("rm -rf d && mkdir d && cp $P/frank.pem $P/frank-expired.pem "
		"$P/erin-sign.pem $P/erin-encrypt.pem d");
	assert_int_equal(store_open(&settings, &store, &warnings, NULL), 0);
	assert_int_equal(addr_parse("frank@example.com", &address, NULL), 0);
	assert_int_equal(store_find(store, address, NULL, 0, &found, NULL), 0);
	assert_int_equal(found.count, 2);
	list_clear(&found, cert_unref);
	address_free(address);
	store_close(store);
}

/*
 * Thousands of addresses that differ in one letter, and as many that are not
 * there: the table gives each its own and no other.
 */
static void
large_store_gives_everybody_his_own(void **state UNUSED)
{
	enum { MANY = 500 };
	struct store_settings settings = { "here", "file", own_path("many"),
		NULL };
	struct store *store = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };

	own_run("openssl ecparam -genkey -noout -name P-256 -out mk; "
		"for i in $(seq 500); do printf 'email.%d=u%d@example.com\\n' "
		"$i $i; done >names; (printf '[req]\\ndistinguished_name=d\\n"
		"[d]\\n[x]\\nsubjectAltName=@n\\n[n]\\n'; cat names) >c; "
		"openssl req -x509 -new -key mk -subj /CN=x -config c "
		"-extensions x -out many");
	if (store_open(&settings, &store, &warnings, &err) != 0)
		fail_msg("%s", err.text);
	for (int i = 1; i <= 2 * MANY; i++) {
		struct address *address = NULL;
		struct list found = { 0 };
		char text[64];

		snprintf(text, sizeof(text), "U%d@example.com", i);
		assert_int_equal(addr_parse(text, &address, NULL), 0);
		assert_int_equal(
			store_find(store, address, NULL, 0, &found, NULL), 0);
		assert_int_equal(found.count, i <= MANY);
		list_clear(&found, cert_unref);
		address_free(address);
	}
	store_close(store);
	list_clear(&warnings, mem_free);
}

/* A certificate of "uN", signed by itself, and its key. */
static void
write_one(int number, EVP_PKEY *key)
{
	X509 *x509 = X509_new();
	X509_NAME *name = X509_get_subject_name(x509);
	char text[32], *file;
	unsigned char *der = NULL;
	int len;

	snprintf(text, sizeof(text), "u%04d", number);
	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), number + 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), 0);
	X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)text, -1, -1, 0);
	X509_set_issuer_name(x509, name);
	X509_set_pubkey(x509, key);
	assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
	len = i2d_X509(x509, &der);
	file = mem_printf("d/%s.cer", text);
	own_write(file, span_of(der, (size_t)len), 0600);
	mem_free(file);
	OPENSSL_free(der);
	X509_free(x509);
}

/* More files than one thread takes at a time. */
static void
however_many_threads_read_the_store_is_the_same(void **state UNUSED)
{
	enum { MANY = 700 };
	struct store_settings settings = { "here", "directory", own_path("d"),
		NULL };
	EVP_PKEY *key = EVP_EC_gen("P-256");

	own_run("rm -rf d && mkdir d");
	for (int i = 0; i < MANY; i++)
		write_one(i, key);
	EVP_PKEY_free(key);
	own_run("cd d && cp $P/alice.key a.key && cp $P/alice.pem z.pem && "
		"cp $P/bob.key u0300z.key && chmod 644 u0300z.key && "
		"echo bad >u0200x && echo bad >u0600x");
	for (int round = 0; round < 2; round++) {
		struct store *store = NULL;
		struct list all = { 0 }, warnings = { 0 };
		struct cert *last;

		assert_int_equal(
			store_open(&settings, &store, &warnings, NULL), 0);
		assert_int_equal(store_list(store, &all, NULL), 0);
		assert_int_equal(all.count, MANY + 1);
		for (int i = 0; i < MANY; i++) {
			char *subject = cert_subject(all.item[i]), text[32];

			snprintf(text, sizeof(text), "CN=u%04d", i);
			assert_string_equal(subject, text);
			mem_free(subject);
		}
		last = all.item[MANY];
		assert_non_null(last->key);
		assert_int_equal(warnings.count, 3);
		assert_says("first", warnings.item[0], "u0200x");
		assert_says("second", warnings.item[1], "u0300z.key");
		assert_says("third", warnings.item[2], "u0600x");
		list_clear(&all, cert_unref);
		list_clear(&warnings, mem_free);
		store_close(store);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folder_is_read_as_a_whole),
		cmocka_unit_test(issuer_may_stand_anywhere_in_the_folder),
		cmocka_unit_test(order_is_that_of_the_names),
		cmocka_unit_test(one_address_may_have_many_certificates),
		cmocka_unit_test(large_store_gives_everybody_his_own),
		cmocka_unit_test(
			however_many_threads_read_the_store_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
