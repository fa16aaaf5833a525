/* File, mail and password on their way; openssl opens what is delivered. */
#include "ca/deliver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca_fixture.h"

#define WORDS                                                                  \
	"{address}{name}{organisation}{authority}{serial}{sha256}"             \
	"{until}{file}{contact}"

static struct ca_settings *settings;
static struct ca *ca;
static struct cert *cert;
static struct ca_entry entry;
static struct ca_delivery delivery;
static struct ca_parcel parcel;

static void
write_template(const char *name, const char *text)
{
	char *path = mem_printf("templates/%s", name);

	own_write(path, span_string(text), 0600);
	mem_free(path);
}

static int
set_up(void **state)
{
	struct error err = { 0 };
	const struct ca_entry *issued;

	(void)state;
	settings = house();
	house_create(settings);
	ca = house_unlocked(settings);
	issued = house_issue(ca, "a@example.com");
	assert_int_equal(ca_load(ca, issued, true, &cert, &err), 0);
	entry = *issued;
	delivery = (struct ca_delivery){ .from = (char *)"pki@example.com",
		.templates = mem_string(own_path("templates")) };
	parcel = (struct ca_parcel){ .entry = &entry,
		.cert = cert,
		.to = "a@example.com",
		.password = "open sesame" };
	own_run("rm -rf templates && mkdir templates");
	write_template("delivery.txt", "Subject: For {name}\n\n" WORDS);
	write_template("password.txt", "{password} " WORDS);
	write_template("client-x.txt", "{name} stays\n");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	mem_free(delivery.templates);
	cert_unref(cert);
	ca_close(ca);
	ca_settings_free(settings);
	clock_set(0);
	return 0;
}

/* ---- the password ---- */

static void
passwords_are_of_fair_letters_and_differ(void **state)
{
	enum { COUNT = 2000, SIZE = 25 };
	static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz";
	static char all[COUNT][SIZE];
	unsigned seen[256] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct error err = { 0 };
		char *text = NULL;

		assert_int_equal(ca_make_password(&text, &err), 0);
		assert_int_equal(strlen(text), SIZE - 1);
		for (size_t at = 0; at < SIZE - 1; at++) {
			assert_true(at % 5 == 4 ? text[at] == '-'
						: strchr(alphabet, text[at]) !=
							  NULL);
			seen[(unsigned char)text[at]]++;
		}
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(all[k], text);
		memcpy(all[i], text, SIZE);
		mem_free_secret(text);
	}
	/* 1739 of each are to be expected; a third off never comes by chance.
	 */
	for (const char *c = alphabet; *c != '\0'; c++)
		assert_in_range(seen[(unsigned char)*c], 1150, 2350);
}

/* ---- the file ---- */

static void
each_form_opens_with_its_password_alone(void **state)
{
	static const struct {
		const char *label, *look;
		bool legacy;
	} rows[] = {
		{ "default", "PBES2, PBKDF2, AES-256-CBC.*", false },
		{ "legacy", "pbeWithSHA1And3-KeyTripleDES-CBC", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out = { 0 };
		struct error err = { 0 };
		char *look = mem_printf("openssl pkcs12 -in f.p12 -info -noout "
					"-passin 'pass:open sesame' 2>&1 | "
					"grep -q '%s'",
			rows[i].look);

		delivery.legacy = rows[i].legacy;
		if (ca_make_pkcs12(ca, &delivery, &parcel, &out, &err) != 0)
			fail_msg("%s: %s", rows[i].label, err.text);
		own_write("f.p12", buf_span(&out), 0600);
		own_run(look);
		own_run("openssl pkcs12 -in f.p12 -nodes -passin 'pass:open "
			"sesame' -out f.pem && "
			"test $(grep -c BEGIN.CERT f.pem) = 3 && "
			"openssl pkey -in f.pem -pubout >f1 && openssl x509 "
			"-in f.pem -pubkey -noout >f2 && cmp f1 f2");
		own_run("! openssl pkcs12 -in f.p12 -noout -passin 'pass:open "
			"sesam' 2>/dev/null");
		mem_free(look);
		buf_clear(&out);
	}
	delivery.legacy = false;
}

/* ---- the mail ---- */

/* Of the fields that we write, each once, in lines that end as they should. */
static void
check_header(struct span mail, const char *label)
{
	static const char *const names[] = { "Date", "From", "To", "Subject",
		"Message-ID", "Auto-Submitted", "MIME-Version",
		"Content-Type" };
	const unsigned char *end = span_find(mail, SPAN("\r\n\r\n"));
	unsigned seen[COUNT_OF(names)] = { 0 };
	size_t at = 0, size;

	assert_non_null(end);
	size = (size_t)(end - mail.data) + 2;
	while (at < size) {
		const unsigned char *line = mail.data + at;
		const unsigned char *eol = memchr(line, '\n', size - at);
		bool known = *line == ' ' || *line == '\t';

		if (eol == NULL || eol == line || eol[-1] != '\r' ||
			memchr(line, '\r', (size_t)(eol - line)) != eol - 1)
			fail_msg("%s: a line of the header", label);
		for (size_t i = 0; i < COUNT_OF(names); i++) {
			size_t len = strlen(names[i]);

			if (memcmp(line, names[i], len) == 0 &&
				line[len] == ':') {
				known = true;
				seen[i]++;
			}
		}
		if (!known)
			fail_msg("%s: an unknown field", label);
		at += (size_t)(eol - line) + 1;
	}
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (seen[i] != 1)
			fail_msg("%s: %s", label, names[i]);
}

static void
no_field_adds_another(void **state)
{
	static const char *const evil[] = {
		"x\r\nBcc: b@b.example\r\n\r\nhello",
		"x\nBcc: b@b.example\n\nhello", "x\rBcc: b@b.example",
		"x\r\n\tfolded", "\x1b[2J\x7f\x01",
		"=?utf-8?q?=0aBcc:_b?=", "x{password}{name}",
		"\xc3\x9cnal\xe2\x80\xa8"
		"Bcc: b@b.example",
		"\xff\xfe\xc3", "\"x\" <b@b.example>, c@c.example"
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(evil); i++) {
		char **const fields[] = { &entry.name, &entry.address,
			&entry.organisation, &delivery.contact };

		for (size_t k = 0; k < COUNT_OF(fields); k++) {
			struct buf out = { 0 };
			struct error err = { 0 };
			char *was = *fields[k];

			*fields[k] = (char *)evil[i];
			if (ca_make_mail(ca, &delivery, &parcel, &out, &err) !=
				0)
				fail_msg("%s: %s", evil[i], err.text);
			check_header(buf_span(&out), evil[i]);
			assert_null(
				span_find(buf_span(&out), SPAN("open sesame")));
			*fields[k] = was;
			buf_clear(&out);
		}
	}
}

static void
a_word_is_one_line_and_is_not_read_again(void **state)
{
	char *was = entry.name;
	struct buf out = { 0 };
	struct error err = { 0 };

	(void)state;
	write_template("password.txt", "{name}\n{ {x y} {} {PASSWORD");
	entry.name = (char *)"a\r\nb\x1b{password}";
	assert_int_equal(
		ca_make_password_text(ca, &delivery, &parcel, &out, &err), 0);
	assert_true(span_is(
		buf_span(&out), "a  b {password}\n{ {x y} {} {PASSWORD"));
	entry.name = was;
	buf_clear(&out);
}

static void
templates_that_will_not_do_are_refused(void **state)
{
	static const struct {
		const char *label, *text, *says;
	} rows[] = {
		{ "the password in the mail", "Subject: x\n\n{password}",
			"the password must not stand" },
		{ "in its subject", "Subject: {password}\n\nx",
			"the password must not stand" },
		{ "an unknown word", "Subject: x\n\n{secret}",
			"nothing is known as {secret}" },
		{ "no subject", "Dear {name}\n", "must begin with a line" },
		{ "a subject without an end", "Subject: x",
			"must begin with a line" },
		{ "nothing", "", "must begin with a line" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out = { 0 };
		struct error err = { 0 };

		write_template("delivery.txt", rows[i].text);
		assert_int_equal(
			ca_make_mail(ca, &delivery, &parcel, &out, &err), -1);
		if (err.kind != ERROR_CONFIG ||
			strstr(err.text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].label, err.text);
		assert_int_equal(out.len, 0);
		buf_clear(&out);
	}
}

/* Each byte of a template exchanged for each that means something. */
static void
no_template_does_harm(void **state)
{
	static const char good[] = "{name} {password}{x{{until}}";
	static const char bytes[] = { '{', '}', '\0', '\n', 'a', '9', '\xff' };

	(void)state;
	for (size_t i = 0; i < (sizeof(good) - 1) * sizeof(bytes); i++) {
		char text[sizeof(good)];
		struct buf out = { 0 };
		struct error err = { 0 };

		memcpy(text, good, sizeof(text));
		text[i / sizeof(bytes)] = bytes[i % sizeof(bytes)];
		own_write("templates/password.txt",
			span_of(text, sizeof(good) - 1), 0600);
		if (ca_make_password_text(ca, &delivery, &parcel, &out, &err) !=
			0)
			assert_int_equal(err.kind, ERROR_CONFIG);
		buf_clear(&out);
	}
}

static void
without_a_key_there_is_nothing_to_deliver(void **state)
{
	const struct ca_parcel keyless = { .entry = &entry,
		.cert = cert,
		.to = "a@example.com",
		.password = "x" };
	EVP_PKEY *key = cert->key;
	struct buf out = { 0 };
	struct error err = { 0 };

	(void)state;
	cert->key = NULL;
	assert_int_equal(ca_make_mail(ca, &delivery, &keyless, &out, &err), -1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	cert->key = key;
	buf_clear(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(passwords_are_of_fair_letters_and_differ),
		TEST(each_form_opens_with_its_password_alone),
		TEST(no_field_adds_another),
		TEST(a_word_is_one_line_and_is_not_read_again),
		TEST(templates_that_will_not_do_are_refused),
		TEST(no_template_does_harm),
		TEST(without_a_key_there_is_nothing_to_deliver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
