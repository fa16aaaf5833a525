/* Revocation lists in every form of file, made by the openssl command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pkcs12.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"

/* Two lists: ca.crl and in.crl (DER), and the same as PEM. */
#define MAKE                                                                   \
	"printf '[ca]\\ndefault_ca=us\\n[us]\\ndatabase=i\\ndefault_md=sha256" \
	"\\ncrlnumber=n\\n' >c && : >i && echo 01 >n && "                      \
	"openssl ca -gencrl -config c -cert $P/ca.pem -keyfile $P/ca.key "     \
	"-crldays 30 -out ca-crl.pem && "                                      \
	"openssl ca -gencrl -config c -cert $P/intermediate.pem -keyfile "     \
	"$P/intermediate.key -crldays 30 -out in-crl.pem && "                  \
	"openssl crl -in ca-crl.pem -outform DER -out ca.crl && "              \
	"openssl crl -in in-crl.pem -outform DER -out in.crl"

struct read {
	struct list certs, crls, warnings;
	size_t keys;
};

static void
read_clear(struct read *read)
{
	list_clear(&read->certs, cert_unref);
	list_clear(&read->crls, cert_crl_free);
	list_clear(&read->warnings, mem_free);
}

static int
read_bytes(struct span bytes, const struct cert_limits *limits,
	struct read *out, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(limits);
	struct cert_file file = {
		.bytes = bytes, .source = "here", .password = "secret"
	};
	int result;

	*out = (struct read){ 0 };
	result = cert_pile_read(pile, &file, &out->keys, err);
	cert_pile_take_crls(pile, &out->crls);
	cert_pile_take(pile, &out->certs, &out->warnings);
	cert_pile_free(pile);
	return result;
}

static int
read_file(const char *name, const struct cert_limits *limits, struct read *out,
	struct error *err)
{
	struct buf bytes = { 0 };
	int result;

	read_path(own_path(name), &bytes);
	result = read_bytes(buf_span(&bytes), limits, out, err);
	buf_clear(&bytes);
	return result;
}

static const struct {
	const char *label, *file, *command;
	size_t certs, crls;
	const char *warning; /* NULL: there must be none */
} forms[] = {
	/* good */
	{ "DER", "ca.crl", "true", 0, 1, NULL },
	{ "PEM", "ca-crl.pem", "true", 0, 1, NULL },
	{ "PEM, two and text", "two.pem",
		"(echo first; cat ca-crl.pem; echo second; cat in-crl.pem) "
		">two.pem",
		0, 2, NULL },
	{ "DER, two", "two.crl", "cat ca.crl in.crl >two.crl", 0, 2, NULL },
	{ "PEM, beside certificates", "mixed.pem",
		"cat ca-crl.pem $P/chain.pem in-crl.pem >mixed.pem", 2, 2,
		NULL },
	{ "DER, behind a certificate", "mixed.der",
		"cat $P/alice.der ca.crl $P/bob.der >mixed.der", 2, 1, NULL },
	{ "PKCS#7 with both", "both.p7b",
		"openssl crl2pkcs7 -in ca-crl.pem -certfile $P/chain.pem "
		"-outform DER -out both.p7b",
		2, 1, NULL },
	{ "PKCS#7, PEM, lists only", "lists.p7b",
		"openssl crl2pkcs7 -in ca-crl.pem -out lists.p7b", 0, 1, NULL },
	/* odd but accepted */
	{ "base64 without armour", "bare.crl", "base64 ca.crl >bare.crl", 0, 1,
		NULL },
	{ "another label", "label.pem",
		"sed 's/X509 CRL/CRL/' ca-crl.pem >label.pem", 0, 1, NULL },
	{ "version 1", "v1.crl",
		"sed '/crlnumber/d' c >c1 && openssl ca -gencrl -config c1 "
		"-cert $P/ca.pem -keyfile $P/ca.key -crldays 30 | openssl crl "
		"-outform DER -out v1.crl",
		0, 1, NULL },
	{ "DER and something", "more.crl", "(cat ca.crl; echo more) >more.crl",
		0, 1, "5 bytes behind its end" },
	{ "a broken one beside a certificate", "broken.pem",
		"(sed '2s/^MI/MJ/' ca-crl.pem; cat $P/ca.pem) >broken.pem", 1,
		0, "a revocation list that cannot be parsed" },
};

static void
lists_are_found_in_every_form(void **state UNUSED)
{
	own_run(MAKE);
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct error err = { 0 };
		struct read read;

		own_run(forms[i].command);
		if (read_file(forms[i].file, NULL, &read, &err) != 0)
			fail_msg("%s: %s", forms[i].label, err.text);
		if (read.certs.count != forms[i].certs ||
			read.crls.count != forms[i].crls || read.keys != 0)
			fail_msg("%s: %zu certificates and %zu lists",
				forms[i].label, read.certs.count,
				read.crls.count);
		if (forms[i].warning == NULL && read.warnings.count != 0)
			fail_msg("%s: %s", forms[i].label,
				(char *)read.warnings.item[0]);
		if (forms[i].warning != NULL &&
			!list_has(&read.warnings, forms[i].warning))
			fail_msg("%s: not warned of", forms[i].label);
		read_clear(&read);
	}
}

/* The list comes back bit for bit, and its signature is good. */
static void
a_list_is_what_openssl_wrote(void **state UNUSED)
{
	struct buf expected = { 0 };
	unsigned char *der = NULL;
	struct loaded loaded;
	struct read read;
	int len;

	own_run(MAKE);
	read_path(own_path("ca.crl"), &expected);
	load_path(pki_path("ca.pem"), NULL, &loaded);
	assert_int_equal(read_file("ca-crl.pem", NULL, &read, NULL), 0);
	len = i2d_X509_CRL(read.crls.item[0], &der);
	assert_int_equal(len, expected.len);
	assert_memory_equal(der, expected.data, expected.len);
	assert_int_equal(
		X509_CRL_verify(read.crls.item[0],
			X509_get0_pubkey(
				((struct cert *)loaded.certs.item[0])->x509)),
		1);
	OPENSSL_free(der);
	buf_clear(&expected);
	loaded_clear(&loaded);
	read_clear(&read);
}

static void
lists_in_a_pkcs12_are_found(void **state UNUSED)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
	STACK_OF(PKCS7) *safes = NULL;
	struct buf file = { 0 };
	unsigned char *der = NULL;
	const unsigned char *at;
	struct read read;
	PKCS12 *p12;
	X509_CRL *crl;
	int len;

	own_run(MAKE);
	read_path(own_path("ca.crl"), &file);
	at = file.data;
	crl = d2i_X509_CRL(NULL, &at, (long)file.len);
	sk_PKCS12_SAFEBAG_push(bags, PKCS12_SAFEBAG_create_crl(crl));
	assert_int_equal(
		PKCS12_add_safe(&safes, bags, NID_aes_256_cbc, 1, "secret"), 1);
	p12 = PKCS12_add_safes(safes, 0);
	assert_int_equal(
		PKCS12_set_mac(p12, "secret", -1, NULL, 0, 1, EVP_sha256()), 1);
	len = i2d_PKCS12(p12, &der);
	assert_true(len > 0);
	assert_int_equal(
		read_bytes(span_of(der, (size_t)len), NULL, &read, NULL), 0);
	assert_int_equal(read.crls.count, 1);
	assert_int_equal(X509_CRL_match(read.crls.item[0], crl), 0);
	read_clear(&read);
	OPENSSL_free(der);
	PKCS12_free(p12);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	X509_CRL_free(crl);
	buf_clear(&file);
}

static const struct {
	const char *label, *file, *command;
	struct cert_limits limits; /* 0: the usual one */
	enum error_kind kind;
	const char *says;
} refused[] = {
	{ "half a list", "half.crl", "head -c 99 ca.crl >half.crl", { 0 },
		ERROR_FORMAT, "cannot be parsed" },
	{ "only a broken one", "broken.pem",
		"sed '2s/^MI/MJ/' ca-crl.pem >broken.pem", { 0 }, ERROR_FORMAT,
		"holds no certificate that can be read" },
	{ "too many", "many.pem",
		"cat ca-crl.pem ca-crl.pem in-crl.pem >many.pem", { .crls = 2 },
		ERROR_LIMIT, "more than 2 revocation lists" },
	{ "too large", "ca.crl", "true", { .crl_bytes = 99 }, ERROR_LIMIT,
		"more than 99 bytes of revocation lists" },
};

static void
bad_and_excessive_lists_are_refused(void **state UNUSED)
{
	own_run(MAKE);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct cert_limits limits = cert_limits_default;
		struct error err = { 0 };
		struct read read;

		if (refused[i].limits.crls != 0)
			limits.crls = refused[i].limits.crls;
		if (refused[i].limits.crl_bytes != 0)
			limits.crl_bytes = refused[i].limits.crl_bytes;
		own_run(refused[i].command);
		if (read_file(refused[i].file, &limits, &read, &err) == 0)
			fail_msg("%s: was not refused", refused[i].label);
		assert_int_equal(err.kind, refused[i].kind);
		assert_says(refused[i].label, err.text, refused[i].says);
		assert_int_equal(read.crls.count, 0);
		read_clear(&read);
	}
}

static void
lists_alone_are_no_certificates(void **state UNUSED)
{
	struct list certs = { 0 }, warnings = { 0 };
	struct buf bytes = { 0 };
	struct error err = { 0 };

	own_run(MAKE);
	read_path(own_path("ca-crl.pem"), &bytes);
	assert_int_equal(cert_load(buf_span(&bytes), NULL, "here", NULL, &certs,
				 &warnings, &err),
		-1);
	assert_int_equal(err.kind, ERROR_FORMAT);
	assert_string_equal(
		err.text, "here: holds no certificate that can be read");
	buf_clear(&bytes);
}

/* The room that a file took is free again when the file fails. */
static void
lists_of_a_file_that_fails_are_forgotten(void **state UNUSED)
{
	struct cert_limits limits = cert_limits_default;
	struct list crls = { 0 };
	struct cert_pile *pile;
	struct buf bad = { 0 }, good = { 0 };
	struct cert_file file = { .source = "bad" };
	size_t keys;

	own_run(MAKE " && cat ca-crl.pem in-crl.pem $P/alice-enc.key >bad.pem "
		     "&& cat in-crl.pem ca-crl.pem >good.pem");
	limits.crls = 2;
	limits.crl_bytes = 1024;
	pile = cert_pile_new(&limits);
	read_path(own_path("bad.pem"), &bad);
	read_path(own_path("good.pem"), &good);
	file.bytes = buf_span(&bad);
	assert_int_equal(cert_pile_read(pile, &file, &keys, NULL), -1);
	file.bytes = buf_span(&good);
	assert_int_equal(cert_pile_read(pile, &file, &keys, NULL), 0);
	cert_pile_take_crls(pile, &crls);
	assert_int_equal(crls.count, 2);
	list_clear(&crls, cert_crl_free);
	cert_pile_free(pile);
	buf_clear(&bad);
	buf_clear(&good);
}

/* Parts of a pile share its room, and what they hold is counted once. */
static void
parts_of_a_pile_share_its_room(void **state UNUSED)
{
	struct cert_limits limits = cert_limits_default;
	struct list crls = { 0 };
	struct cert_pile *pile, *part[3];
	struct buf bytes = { 0 };
	struct cert_file file = { .source = "here" };
	struct error err = { 0 };
	size_t keys;

	own_run(MAKE);
	read_path(own_path("ca-crl.pem"), &bytes);
	file.bytes = buf_span(&bytes);
	limits.crls = 2;
	pile = cert_pile_new(&limits);
	for (int i = 0; i < 3; i++) {
		part[i] = cert_pile_part(pile);
		assert_int_equal(cert_pile_read(part[i], &file, &keys, &err),
			i < 2 ? 0 : -1);
	}
	assert_int_equal(err.kind, ERROR_LIMIT);
	for (int i = 0; i < 3; i++) {
		cert_pile_append(pile, part[i]);
		cert_pile_free(part[i]);
	}
	cert_pile_take_crls(pile, &crls);
	assert_int_equal(crls.count, 2);
	list_clear(&crls, cert_crl_free);
	/* What was taken makes room again. */
	assert_int_equal(cert_pile_read(pile, &file, &keys, &err), 0);
	cert_pile_free(pile);
	buf_clear(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_found_in_every_form),
		cmocka_unit_test(a_list_is_what_openssl_wrote),
		cmocka_unit_test(lists_in_a_pkcs12_are_found),
		cmocka_unit_test(bad_and_excessive_lists_are_refused),
		cmocka_unit_test(lists_alone_are_no_certificates),
		cmocka_unit_test(lists_of_a_file_that_fails_are_forgotten),
		cmocka_unit_test(parts_of_a_pile_share_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
