/* What a certificate says: addresses, names, keys; and how it is picked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

static const struct {
	const char *name;
	const char *keys; /* separated by blanks, "" for none */
} addresses[] = {
	{ "alice", "alice@example.com" },
	{ "subject-only", "subject-only@example.com" },
	{ "several", "alice2@example.com alias@example.com "
		     "third.person@example.com" },
	{ "upper", "upper@example.com" },
	{ "idn", "post@xn--bcher-kva.example "
		 "j\xc3\xb6rg@xn--bcher-kva.example" },
	{ "no-address", "" },
	{ "nul", "" },
};

static void
every_address_is_read_and_folded(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		struct cert *cert = pki_user(addresses[i].name);
		const struct address *address;
		char all[512] = "";

		LIST_FOREACH (address, &cert->addresses) {
			if (all[0] != '\0')
				strcat(all, " ");
			strcat(all, address->key);
		}
		assert_string_equal(all, addresses[i].keys);
		cert_unref(cert);
	}
}

/* The truncated address and the whole of it: neither is taken. */
static void
address_with_a_nul_names_nobody(void **state UNUSED)
{
	static const char *const texts[] = { "a@example.com",
		"a@example.com.evil.example" };
	struct cert *cert = pki_user("nul");

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct address *address = NULL;

		assert_int_equal(addr_parse(texts[i], &address, NULL), 0);
		assert_false(cert_names_address(cert, address));
		address_free(address);
	}
	cert_unref(cert);
}

static const struct {
	const char *label, *san, *address;
	bool named;
} alternative_names[] = {
	{ "plain", "email:a@b.example", "a@b.example", true },
	{ "case", "email:a@b.example", "A@B.Example", true },
	{ "other domain", "email:a@b.example", "a@c.example", false },
	{ "a host name", "DNS:b.example", "a@b.example", false },
	{ "a URI", "URI:mailto:a@b.example", "a@b.example", false },
	{ "a line end inside", "DER:300d810b614062634040400a62632e64", "a@bc",
		false },
	{ "UTF-8 in an IA5String", "DER:3009810761c3bc40622e63",
		"a\xc3\xbc@b.c", false },
	{ "no address at all", "DER:3005810361626364", "abc", false },
	{ "an SmtpUTF8Mailbox in ASCII",
		"otherName:1.3.6.1.5.5.7.8.9;UTF8:q@b.example", "q@b.example",
		true },
	{ "an SmtpUTF8Mailbox that is no UTF8String",
		"otherName:1.3.6.1.5.5.7.8.9;IA5:q@b.example", "q@b.example",
		false },
	{ "another otherName", "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:q@b.c",
		"q@b.c", false },
};

static void
only_addresses_of_mail_are_taken(void **state UNUSED)
{
	own_run("openssl ecparam -genkey -noout -name P-256 -out k");
	for (size_t i = 0; i < COUNT_OF(alternative_names); i++) {
		struct address *address = NULL;
		struct loaded loaded;
		char *command = mem_printf(
			"openssl req -x509 -key k -subj /CN=x -config "
			"/dev/null -addext 'subjectAltName=%s' -out san.pem",
			alternative_names[i].san);

		own_run(command);
		load_path(own_path("san.pem"), NULL, &loaded);
		assert_int_equal(addr_parse(alternative_names[i].address,
					 &address, NULL) == 0 &&
					 cert_names_address(
						 loaded.certs.item[0], address),
			alternative_names[i].named);
		address_free(address);
		loaded_clear(&loaded);
		mem_free(command);
	}
}

static void
names_and_keys_have_a_text(void **state UNUSED)
{
	static const struct {
		const char *name, *subject, *key;
	} texts[] = {
		{ "alice", "CN=alice,O=Example", "rsa-2048" },
		{ "carol", "CN=carol,O=Example", "ec-p-256" },
		{ "dave", "CN=dave,O=Example", "ec-p-384" },
		{ "pss", "CN=pss,O=Example", "rsa-pss-2048" },
		{ "subject-only",
			"emailAddress=subject-only@example.com,"
			"CN=Old Style,O=Example",
			"ec-p-256" },
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct cert *cert = pki_user(texts[i].name);
		char *subject = cert_subject(cert);
		char *issuer = cert_issuer(cert);
		char key[64];

		cert_key_text(cert, key, sizeof(key));
		assert_string_equal(subject, texts[i].subject);
		assert_string_equal(
			issuer, "CN=Example Intermediate,O=Example");
		assert_string_equal(key, texts[i].key);
		mem_free(subject);
		mem_free(issuer);
		cert_unref(cert);
	}
}

/* The openssl command says the same of serial number and fingerprint. */
static void
serial_and_sha256_are_those_openssl_prints(void **state UNUSED)
{
	struct cert *cert = pki_user("alice");
	char *serial = cert_serial(cert), *expected;
	struct buf said = { 0 };

	own_run("openssl x509 -in $P/alice.pem -noout -serial -fingerprint "
		"-sha256 | sed 's/.*=//' | tr -d ':\\n' | tr A-F a-f >said");
	read_path(own_path("said"), &said);
	expected = mem_printf("%s%s", serial, cert->sha256);
	assert_int_equal(said.len, strlen(expected));
	assert_memory_equal(said.data, expected, said.len);
	mem_free(expected);
	mem_free(serial);
	buf_clear(&said);
	cert_unref(cert);
}

static const struct {
	const char *name, *text;
	bool matches;
} selections[] = {
	{ "alice", "subject:CN=alice,O=Example", true },
	{ "alice", "subject:O=Example,CN=alice", true },
	{ "alice", "subject: cn = ALICE , o = example ", true },
	{ "alice", "SUBJECT:CN=alice;O=Example", true },
	{ "alice", "subject:CN=alice+O=Example", true },
	{ "alice", "subject:CN=\"alice\",O=\"Example\"", true },
	{ "alice", "subject:CN=al\\69ce,O=Example", true },
	{ "alice", "subject:2.5.4.3=alice,OID.2.5.4.10=Example", true },
	{ "alice", "subject:commonName=alice,organizationName=Example", true },
	{ "alice", "subject:CN=alice", false },
	{ "alice", "subject:CN=bob,O=Example", false },
	{ "alice", "subject:CN=alice,O=Example,C=DE", false },
	{ "alice", "subject:CN=alice,OU=Example", false },
	{ "subject-only",
		"subject:E=subject-only@example.com,CN=old  style,O=Example",
		true },
	{ "subject-only",
		"subject:emailAddress=Subject-Only@example.com,CN=Old Style,"
		"O=Example",
		true },
	{ "alice",
		"sha256:"
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		false },
};

static void
selector_matches_in_any_order_case_and_spacing(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(selections); i++) {
		struct cert *cert = pki_user(selections[i].name);
		struct cert_selector *selector = NULL;
		struct error err = { 0 };

		if (cert_selector_new(selections[i].text, &selector, &err) != 0)
			fail_msg("%s", err.text);
		if (cert_selector_match(selector, cert) !=
			selections[i].matches)
			fail_msg("%s and %s", selections[i].text,
				selections[i].name);
		assert_string_equal(
			cert_selector_text(selector), selections[i].text);
		cert_selector_free(selector);
		cert_unref(cert);
	}
}

static void
selector_by_sha256_takes_colons_and_capitals(void **state UNUSED)
{
	struct cert *cert = pki_user("alice");
	struct cert_selector *selector = NULL;
	char text[128] = "sha256:";
	size_t n = strlen(text);

	for (size_t i = 0; cert->sha256[i] != '\0'; i += 2)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%c",
			i ? ":" : "", cert->sha256[i], cert->sha256[i + 1]);
	for (char *c = text + 7; *c != '\0'; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
	assert_int_equal(cert_selector_new(text, &selector, NULL), 0);
	assert_true(cert_selector_match(selector, cert));
	cert_selector_free(selector);
	cert_unref(cert);
}

static const struct {
	const char *text, *says;
} bad_selectors[] = {
	{ "", "neither" },
	{ "alice", "neither" },
	{ "issuer:CN=x", "neither" },
	{ "sha256:", "64 hexadecimal digits" },
	{ "sha256:abc", "64 hexadecimal digits" },
	{ "sha256:0000000000000000000000000000000000000000000000000000000000000"
	  "00g",
		"64 hexadecimal digits" },
	{ "sha256:0000000000000000000000000000000000000000000000000000000000000"
	  "0000",
		"64 hexadecimal digits" },
	{ "subject:", "without \"=\"" },
	{ "subject:alice", "without \"=\"" },
	{ "subject:CN=alice,", "without \"=\"" },
	{ "subject:CM=alice", "unknown attribute \"CM\"" },
	{ "subject:/O=Example/CN=alice", "unknown attribute" },
	{ "subject:CN=\"alice", "a quotation mark is open" },
};

static void
bad_selectors_are_configuration_errors(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(bad_selectors); i++) {
		struct cert_selector *selector = NULL;
		struct error err = { 0 };

		if (cert_selector_new(bad_selectors[i].text, &selector, &err) ==
			0)
			fail_msg("%s was taken", bad_selectors[i].text);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_says(
			bad_selectors[i].text, err.text, bad_selectors[i].says);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_is_read_and_folded),
		cmocka_unit_test(address_with_a_nul_names_nobody),
		cmocka_unit_test(only_addresses_of_mail_are_taken),
		cmocka_unit_test(names_and_keys_have_a_text),
		cmocka_unit_test(serial_and_sha256_are_those_openssl_prints),
		cmocka_unit_test(
			selector_matches_in_any_order_case_and_spacing),
		cmocka_unit_test(selector_by_sha256_takes_colons_and_capitals),
		cmocka_unit_test(bad_selectors_are_configuration_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
