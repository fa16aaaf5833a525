/*
 * Mails of NSS, Thunderbird, Bouncy Castle, Outlook and RFC 4134, read layer
 * by layer, against what others observed of them: EXPECTED.tsv of the folder
 * SMIME_CORPORA.  Skipped when it is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <glob.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include "base/file.h"
#include "base/mem.h"
#include "smime/smime.h"

enum { FILE_BYTES = 64 << 20, PATH_BYTES = 1024 };

static struct list keys; /* struct cert * */

static const char *
corpora(void)
{
	const char *dir = getenv("SMIME_CORPORA");

	return dir != NULL ? dir : "../shared/corpora";
}

static bool
read_file(const char *path, struct buf *out)
{
	struct error err = { 0 };
	char full[PATH_BYTES];

	snprintf(full, sizeof(full), "%s/%s", corpora(), path);
	return file_read(full, FILE_BYTES, out, &err) == 0;
}

static void
load_keys(const char *pattern)
{
	char full[PATH_BYTES];
	glob_t found;

	snprintf(full, sizeof(full), "%s/%s", corpora(), pattern);
	if (glob(full, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct list warnings = { 0 };
		struct buf bytes = { 0 };
		struct error err = { 0 };

		if (file_read(found.gl_pathv[i], FILE_BYTES, &bytes, &err) == 0)
			(void)!cert_load(buf_span(&bytes), NULL,
				found.gl_pathv[i], &cert_limits_default, &keys,
				&warnings, &err);
		list_clear(&warnings, mem_free);
		buf_clear(&bytes);
	}
	globfree(&found);
}

static int
set_up(void **state UNUSED)
{
	load_keys("*/keys-pem/*.pem");
	load_keys("cms-openssl/test/smime-certs/*.pem");
	return 0;
}

static int
tear_down(void **state UNUSED)
{
	list_clear(&keys, cert_unref);
	return 0;
}

#define NEED(ok)                                                               \
	if (!(ok)) {                                                           \
		print_message("no corpora in %s\n", corpora());                \
		skip();                                                        \
	}

/* ---- one layer ---- */

/* The words before " > ", and where the next ones are. */
static struct span
next_step(const char **at)
{
	const char *end = strstr(*at, " > ");
	size_t len = end != NULL ? (size_t)(end - *at) : strlen(*at);
	struct span step = span_of(*at, len);

	*at += len + (end != NULL ? 3 : 0);
	return step;
}

static bool
starts(struct span step, const char *word)
{
	return span_starts_nocase(step, word);
}

static void
take(struct buf *entity, struct span inside)
{
	struct buf copy = { 0 };

	assert_int_equal(buf_add_span(&copy, inside, NULL), 0);
	buf_clear(entity);
	*entity = copy;
}

/*
 * The judge could not verify some mails of NSS that have been signed with the
 * line end before the delimiter, or that are inside an opaque signature; they
 * have not been tampered with.
 */
static bool
is_tampered(const char *path)
{
	return strstr(path, ".bad.") != NULL ||
	       strstr(path, "mismatch") != NULL;
}

/*
 * Without signedAttrs nothing is verified here, though others do: AS2 and
 * RFC 4134 sign so.
 */
static void
check_signers(const char *path, const struct cms_signed *read, bool good)
{
	const struct cms_signer_report *report;

	LIST_FOREACH (report, &read->signers) {
		if (strcmp(report->why.text, "it has no signedAttrs") == 0) {
			print_message("%s: no signedAttrs\n", path);
			return;
		}
		if (good && !report->verified)
			fail_msg("%s: %s", path, report->why.text);
	}
	if (cms_signed_is_verified(read) && is_tampered(path))
		fail_msg("%s: was tampered with, and verifies", path);
}

static void
undo_detached(const char *path, struct buf *entity, bool good)
{
	struct smime_parts parts;
	struct cms_signed read;
	enum smime_canonical form;
	struct error err = { 0 };

	if (smime_split_signed(buf_span(entity), &parts, &err) != 0)
		fail_msg("%s: %s", path, err.text);
	if (smime_read_signed(&parts, NULL, NULL, &read, &form, &err) == 0)
		check_signers(path, &read, good);
	else if (good || err.kind != ERROR_FORMAT)
		fail_msg("%s: %s", path, err.text);
	cms_signed_clear(&read);
	take(entity, parts.content);
	smime_parts_clear(&parts);
}

static void
undo_opaque(const char *path, struct buf *entity, bool good)
{
	struct buf der = { 0 };
	struct cms_signed read;
	struct error err = { 0 };
	enum cms_kind kind;

	if (smime_cms_of(buf_span(entity), &der, &kind, &err) != 0 ||
		cms_read_signed(
			buf_span(&der), NULL, NULL, NULL, &read, &err) != 0)
		fail_msg("%s: %s", path, err.text);
	assert_int_equal(kind, CMS_KIND_SIGNED);
	check_signers(path, &read, good);
	take(entity, read.content);
	cms_signed_clear(&read);
	buf_clear(&der);
}

static bool
open_with_any(struct span der, struct buf *plain, struct error *err)
{
	struct cms_envelope envelope;
	struct cert *cert;
	bool opened = false;

	if (cms_read_envelope(der, NULL, &envelope, err) != 0)
		return false;
	LIST_FOREACH (cert, &keys)
		if (!opened && cert->key != NULL &&
			cms_envelope_is_for(&envelope, cert) == 1)
			opened = cms_open_envelope(der, cert, true, NULL, plain,
					 err) == 0;
	assert_int_equal(ERR_peek_error(), 0);
	cms_envelope_clear(&envelope);
	return opened;
}

static void
undo_encrypted(const char *path, struct buf *entity)
{
	struct buf der = { 0 }, plain = { 0 };
	struct error err = { 0 };
	enum cms_kind kind;

	/* A file of the corpora may be the CMS alone. */
	if (cms_recognise(buf_span(entity)) != CMS_KIND_NONE)
		take(&der, buf_span(entity));
	else if (smime_cms_of(buf_span(entity), &der, &kind, &err) != 0)
		fail_msg("%s: %s", path, err.text);
	if (!open_with_any(buf_span(&der), &plain, &err))
		fail_msg("%s: %s", path, err.text);
	/* Examples whose content is no MIME. */
	if (smime_check_plaintext(buf_span(&plain), &err) != 0 &&
		strstr(path, "rfc4134") == NULL &&
		strstr(path, "ciphertext_from") == NULL)
		fail_msg("%s: %s", path, err.text);
	take(entity, buf_span(&plain));
	buf_clear(&plain);
	buf_clear(&der);
}

/* ---- what is inside ---- */

static bool
has_sha(struct span bytes, const char *sha)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char hex[17];

	SHA256(bytes.data, bytes.len, hash);
	for (int i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return strncmp(hex, sha, 16) == 0;
}

/* "text/plain len=43 sha=0e41fd9efde31a88", when the mail is no multipart. */
static void
compare_text(const char *path, struct span step, struct span entity)
{
	char line[128];
	const char *sha;
	struct mime_entity parts;

	snprintf(line, sizeof(line), "%.*s", (int)step.len, step.data);
	sha = strstr(line, "sha=");
	if (!starts(step, "text/") || sha == NULL ||
		strstr(line, "len=0 ") != NULL)
		return;
	mime_entity_split(entity, &parts);
	if (!has_sha(parts.body, sha + 4))
		fail_msg("%s: another content (%zu bytes, %s)", path,
			parts.body.len, line);
}

static bool
is_read(const char *observed)
{
	return strncmp(observed, "clearsig=", 9) == 0 ||
	       strncmp(observed, "opaque=", 7) == 0 ||
	       strncmp(observed, "enc[", 4) == 0;
}

static void
follow(const char *path, const char *observed)
{
	struct buf entity = { 0 };
	bool encoded = strstr(path, "qp-soft") != NULL ||
		       strstr(path, "quotable") != NULL;

	assert_true(read_file(path, &entity));
	/* AS2 travels over HTTP. */
	if (span_starts_nocase(buf_span(&entity), "POST ")) {
		unsigned char *lf = memchr(entity.data, '\n', entity.len);

		take(&entity,
			span_of(lf + 1,
				entity.len - (size_t)(lf + 1 - entity.data)));
	}
	while (*observed != '\0') {
		struct span step = next_step(&observed);
		bool good = !starts(step, "clearsig=BAD") &&
			    !starts(step, "opaque=BAD");

		if (starts(step, "clearsig=")) {
			undo_detached(path, &entity, good);
		} else if (starts(step, "opaque=")) {
			undo_opaque(path, &entity, good);
		} else if (starts(step, "enc[")) {
			undo_encrypted(path, &entity);
		} else {
			if (!encoded)
				compare_text(path, step, buf_span(&entity));
			break;
		}
	}
	buf_clear(&entity);
}

static void
every_mail_reads_as_others_saw_it(void **state UNUSED)
{
	struct buf table = { 0 };
	unsigned count = 0;
	char *line, *next;

	NEED(read_file("EXPECTED.tsv", &table));
	assert_int_equal(buf_add(&table, "", 1, NULL), 0);
	for (line = (char *)table.data; line != NULL; line = next) {
		char *end = strchr(line, '\n'), *tab = strchr(line, '\t');
		char *observed = tab != NULL ? strchr(tab + 1, '\t') : NULL;

		next = end != NULL ? end + 1 : NULL;
		if (end != NULL)
			*end = '\0';
		if (observed == NULL || !is_read(observed + 1))
			continue;
		*tab = '\0';
		follow(line, observed + 1);
		count++;
	}
	buf_clear(&table);
	print_message("%u mails\n", count);
	assert_true(count >= 40);
}

/* ---- CMS without a mail around it ---- */

#define BC                                                                     \
	"smime-bouncycastle/pkix/src/test/resources/org/bouncycastle/cms/"     \
	"test/"
#define NSS "smime-nss/nss/tests/smime/interop-openssl/"

static const struct {
	const char *path;
	const char *algorithm; /* encrypted: of the content */
	size_t content_len;
	const char *why; /* signed: NULL, verified; or why not */
} samples[] = {
	{ NSS "fran-oaep_ossl.env", "3DES", 32, NULL },
	{ NSS "fran-ec_ossl-aes128-sha256.env", "AES128", 32, NULL },
	{ "smime-rfc4134/5.1.bin", "3DES", 28, NULL },
	{ "smime-rfc4134/5.2.bin", "RC2", 28, NULL },
	{ "smime-rfc4134/4.1.bin", NULL, 28, "no signedAttrs" },
	{ "smime-rfc4134/4.2.bin", NULL, 28, "no signedAttrs" },
	{ "smime-rfc4134/4.4.bin", NULL, 28, NULL },
	{ "smime-rfc4134/4.6.bin", NULL, 28, "no signedAttrs" },
	{ "smime-rfc4134/4.10.bin", NULL, 28, NULL },
	{ "pkcs7-tika/test.xml.p7m", NULL, 458, NULL },
	{ "pkcs7-tika/testPKCS7_signed_data_def.p7m", NULL, 4, NULL },
	{ "pkcs7-tika/testPKCS7_signed_data_ind.p7m", NULL, 4, NULL },
	{ BC "PSSSignDataSHA1Enc.sig", NULL, 22, NULL },
	{ BC "PSSSignDataSHA256Enc.sig", NULL, 22, NULL },
	{ BC "PSSSignDataSHA512Enc.sig", NULL, 22, NULL },
	{ BC "counterSig.p7m", NULL, 3, NULL },
};

static void
open_sample(size_t at, struct span der)
{
	struct cms_envelope envelope;
	struct buf plain = { 0 };
	struct error err = { 0 };

	assert_int_equal(cms_read_envelope(der, NULL, &envelope, &err), 0);
	assert_string_equal(envelope.algorithm, samples[at].algorithm);
	cms_envelope_clear(&envelope);
	if (!open_with_any(der, &plain, &err))
		fail_msg("%s: %s", samples[at].path, err.text);
	assert_int_equal(plain.len, samples[at].content_len);
	buf_clear(&plain);
}

static void
verify_sample(size_t at, struct span der)
{
	const struct cms_signer_report *report;
	struct cms_signed read;
	struct error err = { 0 };

	if (cms_read_signed(der, NULL, NULL, NULL, &read, &err) != 0)
		fail_msg("%s: %s", samples[at].path, err.text);
	assert_true(read.signers.count > 0);
	assert_int_equal(read.content.len, samples[at].content_len);
	LIST_FOREACH (report, &read.signers)
		if (report->verified != (samples[at].why == NULL) ||
			(samples[at].why != NULL &&
				strstr(report->why.text, samples[at].why) ==
					NULL))
			fail_msg("%s: %s", samples[at].path, report->why.text);
	cms_signed_clear(&read);
}

static void
every_cms_reads_as_others_saw_it(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf der = { 0 };

		NEED(read_file(samples[i].path, &der));
		if (samples[i].algorithm != NULL)
			open_sample(i, buf_span(&der));
		else
			verify_sample(i, buf_span(&der));
		buf_clear(&der);
	}
}

/* Whatever is changed in them, nothing is verified with another content. */
static void
no_changed_byte_of_a_sample_verifies_as_something_else(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct buf der = { 0 };
		struct cms_signed read;
		struct error err = { 0 };
		struct span content;

		NEED(read_file(samples[i].path, &der));
		if (samples[i].algorithm != NULL || samples[i].why != NULL) {
			buf_clear(&der);
			continue;
		}
		assert_int_equal(cms_read_signed(buf_span(&der), NULL, NULL,
					 NULL, &read, &err),
			0);
		content = read.content;
		for (size_t at = 0; at < der.len; at++) {
			struct cms_signed changed;
			bool inside = at >= (size_t)(content.data - der.data) &&
				      at < (size_t)(content.data - der.data) +
						      content.len;

			der.data[at] ^= (unsigned char)(1 << at % 8);
			if (cms_read_signed(buf_span(&der), NULL, NULL, NULL,
				    &changed, &err) == 0 &&
				cms_signed_is_verified(&changed))
				assert_true(!inside &&
					    changed.content.len == content.len);
			cms_signed_clear(&changed);
			der.data[at] ^= (unsigned char)(1 << at % 8);
		}
		cms_signed_clear(&read);
		buf_clear(&der);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mail_reads_as_others_saw_it),
		cmocka_unit_test(every_cms_reads_as_others_saw_it),
		cmocka_unit_test(
			no_changed_byte_of_a_sample_verifies_as_something_else),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
