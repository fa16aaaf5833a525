#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "../cms_fixture.h"
#include "base/file.h"
#include "smime/smime.h"

/* ---- a folder, and the openssl command as the judge ---- */

enum { PATHS = 8 }; /* in use at a time */

static char folder[] = "/tmp/layer-test-XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[PATHS][64];
	static unsigned next;

	next = (next + 1) % PATHS;
	snprintf(path[next], sizeof(path[next]), "%s/%s", folder, name);
	return path[next];
}

static FILE *
open_new(const char *name)
{
	FILE *file = fopen(path_of(name), "w");

	assert_non_null(file);
	return file;
}

static int
setup(void **state)
{
	struct cert *user = pki_cert(PKI_RSA);
	FILE *file;

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	file = open_new("root.pem");
	PEM_write_X509(file, pki_root());
	fclose(file);
	file = open_new("user.pem");
	PEM_write_X509(file, user->x509);
	PEM_write_PrivateKey(file, user->key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "root.pem", "user.pem", "mail",
		"content" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		unlink(path_of(names[i]));
	pki_free();
	return rmdir(folder);
}

static void
run_openssl(const char *const arguments[])
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) != NULL)
			execvp("openssl", (char *const *)arguments);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What openssl finds inside must be the entity, byte for byte. */
static void
check_content(const struct pieces *entity)
{
	struct buf found = { 0 }, wanted = { 0 };
	struct error err;

	assert_int_equal(
		file_read(path_of("content"), 1 << 20, &found, &err), 0);
	assert_int_equal(buf_add_pieces(&wanted, entity, &err), 0);
	assert_int_equal(found.len, wanted.len);
	if (wanted.len != 0)
		assert_memory_equal(found.data, wanted.data, wanted.len);
	buf_clear(&found);
	buf_clear(&wanted);
}

static void
write_mail(const struct smime_layer *layer)
{
	struct pieces whole = { .count = 0 };
	FILE *file = open_new("mail");

	fputs("From: rsa@example.com\r\nMIME-Version: 1.0\r\n", file);
	smime_layer_entity(layer, &whole);
	for (size_t i = 0; i < whole.count; i++)
		fwrite(whole.item[i].data, 1, whole.item[i].len, file);
	assert_int_equal(fclose(file), 0);
}

static void
judge(const struct smime_layer *layer, const struct pieces *entity,
	bool encrypted)
{
	const char *verify[] = { "openssl", "cms", "-verify", "-in",
		path_of("mail"), "-CAfile", path_of("root.pem"), "-out",
		path_of("content"), NULL };
	const char *decrypt[] = { "openssl", "cms", "-decrypt", "-in",
		path_of("mail"), "-recip", path_of("user.pem"), "-out",
		path_of("content"), "-binary", NULL };

	write_mail(layer);
	run_openssl(encrypted ? decrypt : verify);
	check_content(entity);
}

/* ---- the layers ---- */

static const struct layer_case {
	const char *label;
	int form;   /* of the signature, or -1: encrypted */
	int digest; /* or cipher */
	const char *type;
} cases[] = {
	{ "detached, SHA-256", SMIME_FORM_DETACHED, CRYPTO_SHA256,
		"Content-Type: multipart/signed;\r\n" },
	{ "detached, SHA-512", SMIME_FORM_DETACHED, CRYPTO_SHA512,
		"Content-Type: multipart/signed;\r\n" },
	{ "opaque", SMIME_FORM_OPAQUE, CRYPTO_SHA256,
		"Content-Type: application/pkcs7-mime; "
		"smime-type=signed-data;\r\n" },
	{ "CBC", -1, CMS_AES256_CBC,
		"Content-Type: application/pkcs7-mime; "
		"smime-type=enveloped-data;\r\n" },
	{ "GCM", -1, CMS_AES128_GCM,
		"Content-Type: application/pkcs7-mime; "
		"smime-type=authEnveloped-data;\r\n" },
};

static const char *const entities[] = {
	"Content-Type: text/plain\r\n\r\nHello\r\n",
	"Content-Type: text/plain\r\n\r\nno line end after this",
	"Content-Type: text/plain\r\n\r\n",
	"Content-Type: text/plain\r\n\r\n\r\n\r\n",
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
	"--b--\r\n--b\r\n",
};

static void
make(const struct layer_case *c, const struct pieces *entity,
	struct smime_layer *layer)
{
	struct cms_recipient to = { .cert = pki_cert(PKI_RSA) };
	struct cms_signer *signer = NULL;
	struct error err = { 0 };
	int rc;

	*layer = (struct smime_layer){ .header = { 0 } };
	if (c->form < 0) {
		rc = smime_encrypt((enum cms_cipher)c->digest, &to, 1, entity,
			layer, &err);
	} else {
		assert_int_equal(
			cms_signer_new(pki_cert(PKI_RSA),
				(enum crypto_digest)c->digest, CMS_PKCS1,
				pki_chain(), NULL, &signer, &err),
			0);
		rc = smime_sign(
			signer, (enum smime_form)c->form, entity, layer, &err);
		cms_signer_free(signer);
	}
	if (rc != 0)
		fail_msg("%s: %s", c->label, err.text);
}

/* In two pieces, as an entity is that got a Content-Type. */
static struct pieces
in_pieces(const char *text)
{
	struct pieces pieces = { .count = 0 };

	pieces_add(&pieces, span_of(text, 8));
	pieces_add(&pieces, span_of(text + 8, strlen(text) - 8));
	return pieces;
}

static void
openssl_reads_every_layer_and_finds_the_entity_unchanged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t k = 0; k < COUNT_OF(entities); k++) {
			struct pieces entity = in_pieces(entities[k]);
			struct smime_layer layer;

			make(&cases[i], &entity, &layer);
			judge(&layer, &entity, cases[i].form < 0);
			smime_layer_clear(&layer);
		}
}

/* The longest line, and that all end in CRLF and are ASCII. */
static size_t
longest_line(const struct pieces *text)
{
	size_t longest = 0, len = 0;
	int before = 0;

	for (size_t i = 0; i < text->count; i++)
		for (size_t k = 0; k < text->item[i].len; k++) {
			int c = text->item[i].data[k];

			assert_true(c < 127);
			assert_int_equal(c == '\n', before == '\r');
			len = c == '\n' ? 0 : len + (c != '\r');
			longest = len > longest ? len : longest;
			before = c;
		}
	assert_int_equal(before, '\n');
	return longest;
}

static void
header_and_base64_stay_below_78_columns(void **state)
{
	struct pieces entity = in_pieces(entities[0]);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct pieces header = { .count = 0 };
		struct smime_layer layer;

		make(&cases[i], &entity, &layer);
		pieces_add(&header, buf_span(&layer.header));
		assert_true(longest_line(&header) < 78);
		assert_true(longest_line(&layer.body) < 78);
		assert_true(layer.header.len > strlen(cases[i].type));
		assert_memory_equal(layer.header.data, cases[i].type,
			strlen(cases[i].type));
		smime_layer_clear(&layer);
	}
}

/* The value of boundary="..." */
static struct span
boundary_of(const struct smime_layer *layer)
{
	const struct span start = SPAN("\tboundary=\"");
	const unsigned char *at = span_find(buf_span(&layer->header), start);
	const unsigned char *end;

	assert_non_null(at);
	at += start.len;
	end = memchr(
		at, '"', (size_t)(layer->header.data + layer->header.len - at));
	assert_non_null(end);
	return span_of(at, (size_t)(end - at));
}

static void
the_entity_stands_between_two_delimiters_that_it_does_not_hold(void **state)
{
	(void)state;
	for (size_t k = 0; k < COUNT_OF(entities); k++) {
		struct pieces entity = in_pieces(entities[k]);
		char before[200], after[200];
		struct smime_layer layer;
		struct buf body = { 0 };
		const char *text;
		struct span boundary;

		make(&cases[0], &entity, &layer);
		boundary = boundary_of(&layer);
		snprintf(before, sizeof(before), "\r\n--%.*s\r\n",
			(int)boundary.len, boundary.data);
		snprintf(after, sizeof(after), "\r\n--%.*s--\r\n",
			(int)boundary.len, boundary.data);
		assert_int_equal(buf_add_pieces(&body, &layer.body, NULL), 0);
		assert_int_equal(buf_add(&body, "", 1, NULL), 0);
		text = strstr((const char *)body.data, before);
		assert_non_null(text);
		text += strlen(before);
		assert_memory_equal(text, entities[k], strlen(entities[k]));
		text += strlen(entities[k]);
		assert_memory_equal(text, before, strlen(before));
		text = strstr(text + 1, after);
		assert_non_null(text);
		assert_string_equal(text, after);
		assert_null(strstr(entities[k], before + 4));
		buf_clear(&body);
		smime_layer_clear(&layer);
	}
}

static void
a_layer_may_be_protected_again(void **state)
{
	struct pieces entity = in_pieces(entities[1]), whole = { .count = 0 };
	struct smime_layer inner, outer;

	(void)state;
	make(&cases[0], &entity, &inner);
	smime_layer_entity(&inner, &whole);
	make(&cases[3], &whole, &outer);
	judge(&outer, &whole, true);
	smime_layer_clear(&outer);
	smime_layer_clear(&inner);
}

/* What has failed is not to be found below the next layer. */
static void
a_layer_that_failed_is_empty(void **state)
{
	struct pieces entity = in_pieces(entities[0]);
	struct cms_recipient nobody = { .cert = pki_cert(PKI_ED25519) };
	struct smime_layer layer = { .header = { 0 } };

	(void)state;
	for (size_t count = 0; count < 2; count++) {
		struct error err = { 0 };

		assert_int_equal(smime_encrypt(CMS_AES256_CBC, &nobody, count,
					 &entity, &layer, &err),
			-1);
		assert_int_equal(err.kind, ERROR_NOKEY);
		assert_int_equal(layer.header.len, 0);
		assert_int_equal(layer.front.len, 0);
		assert_int_equal(layer.back.len, 0);
		assert_int_equal(layer.body.count, 0);
	}
	make(&cases[0], &entity, &layer);
	judge(&layer, &entity, false);
	smime_layer_clear(&layer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			openssl_reads_every_layer_and_finds_the_entity_unchanged),
		cmocka_unit_test(header_and_base64_stay_below_78_columns),
		cmocka_unit_test(
			the_entity_stands_between_two_delimiters_that_it_does_not_hold),
		cmocka_unit_test(a_layer_may_be_protected_again),
		cmocka_unit_test(a_layer_that_failed_is_empty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
