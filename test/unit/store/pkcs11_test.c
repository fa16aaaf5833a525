/* Keys that stay on a token: SoftHSM 2 holds them, openssl judges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "cms/cms.h"
#include "softhsm_fixture.h"
#include "store/pkcs11_module.h"
#include "store/store.h"

enum { PATIENCE_MS = 30000, THREADS = 8, SIGNATURES = 40 };

static const char content[] = "Content-Type: text/plain\r\n\r\nHello.\r\n";

/* ---- helpers ---- */

#define NEED_SOFTHSM                                                           \
	do {                                                                   \
		if (softhsm_module() == NULL)                                  \
			skip();                                                \
	} while (0)

struct opened {
	struct store *store;
	struct list warnings;
	struct error err;
};

static int
try_open(const char *uri, const char *module, const char *pin_file,
	struct opened *out)
{
	struct store_settings settings = { .name = "hsm",
		.type = "pkcs11",
		.uri = uri,
		.module = module,
		.password_file = pin_file };

	*out = (struct opened){ 0 };
	if (store_open(&settings, &out->store, &out->warnings, &out->err) != 0)
		return -1;
	return store_start(out->store, &out->warnings, &out->err);
}

static const char *
pin_file(const char *pin)
{
	own_write("pin", span_string(pin), 0600);
	return own_path("pin");
}

static void
open_token(const char *uri, struct opened *out)
{
	if (try_open(uri, softhsm_module(), pin_file(SOFTHSM_PIN "\n"), out) !=
		0)
		fail_msg("%s: %s", uri, out->err.text);
}

static void
close_token(struct opened *opened)
{
	store_close(opened->store);
	list_clear(&opened->warnings, mem_free);
}

/* The certificates for an address; out may be NULL. */
static int
find(struct opened *opened, const char *name, struct list *found,
	struct error *err)
{
	char *text = mem_printf("%s@example.com", name);
	struct address *address = NULL;
	int result;

	assert_int_equal(addr_parse(text, &address, NULL), 0);
	result = store_find(opened->store, address, NULL, 0, found, err);
	address_free(address);
	mem_free(text);
	return result;
}

static struct cert *
find_one(struct opened *opened, const char *name)
{
	struct list found = { 0 };
	struct error err = { 0 };
	struct cert *cert;

	if (find(opened, name, &found, &err) != 0)
		fail_msg("%s: %s", name, err.text);
	if (found.count != 1)
		fail_msg("%s: %zu certificates", name, found.count);
	cert = found.item[0];
	list_clear(&found, NULL);
	return cert;
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

static int
put_into(void *self, struct span bytes, struct error *err)
{
	return buf_add_span(self, bytes, err);
}

static int
sign(const struct cms_signer *signer, bool opaque, struct buf *der,
	struct error *err)
{
	struct pieces pieces = { .count = 0 };
	struct sink sink = { put_into, der };

	pieces_add(&pieces, span_string(content));
	return opaque ? cms_sign_opaque(signer, &pieces, &sink, err)
		      : cms_sign_detached(signer, &pieces, &sink, err);
}

/* Until it is so; the token is looked for in the background. */
static bool
comes_true(bool (*question)(void *self), void *self)
{
	int64_t end = clock_monotonic_ms() + PATIENCE_MS;
	struct timespec pause = { 0, 20000000 };

	while (!question(self)) {
		if (clock_monotonic_ms() > end)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* ---- what is on a token ---- */

static void
certificates_are_joined_with_their_keys(void **state UNUSED)
{
	static const struct {
		const char *label, *name;
		size_t certs;
		bool key;
		int chain;
	} rows[] = {
		{ "RSA", "alice", 1, true, 1 },
		{ "elliptic curve", "carol", 1, true, 1 },
		{ "id-RSASSA-PSS", "pss", 1, true, 1 },
		{ "RSA key under another id", "bob", 1, true, 1 },
		{ "no key", "dave", 1, false, 1 },
		{ "not there", "erin", 0, false, 0 },
	};
	struct opened opened;

	NEED_SOFTHSM;
	softhsm_token("joined");
	softhsm_put("joined", "alice", "01");
	softhsm_put("joined", "carol", "02");
	softhsm_put("joined", "pss", "03");
	softhsm_put_cert("joined", "bob", "04");
	softhsm_put_key("joined", "bob", "44");
	softhsm_put_cert("joined", "dave", "05");
	softhsm_put_cert("joined", "intermediate", "06");
	softhsm_put_cert("joined", "ca", "07");
	softhsm_put_key("joined", "several", "08");
	open_token("pkcs11:token=joined", &opened);
	assert_int_equal(opened.warnings.count, 1);
	assert_says("warning", opened.warnings.item[0],
		"store hsm: pkcs11:token=joined;object=several: a private key");
	assert_int_equal(count_all(&opened), 7);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct list found = { 0 };
		const struct cert *cert;

		assert_int_equal(find(&opened, rows[i].name, &found, NULL), 0);
		if (found.count != rows[i].certs)
			fail_msg("%s: %zu certificates", rows[i].label,
				found.count);
		LIST_FOREACH (cert, &found) {
			if ((cert->key != NULL) != rows[i].key)
				fail_msg("%s: key is %p", rows[i].label,
					(void *)cert->key);
			if (sk_X509_num(cert->chain) != rows[i].chain)
				fail_msg("%s: a chain of %d", rows[i].label,
					sk_X509_num(cert->chain));
			assert_says(rows[i].label, cert->source,
				"pkcs11:token=joined;object=");
		}
		list_clear(&found, cert_unref);
	}
	close_token(&opened);
}

static void
the_uri_picks_token_and_certificate(void **state UNUSED)
{
	static const struct {
		const char *uri, *name;
		size_t all;
		int chain;
	} rows[] = {
		{ "pkcs11:token=first", "alice", 3, 1 },
		{ "pkcs11:token=second%20one", "bob", 1, 0 },
		{ "pkcs11:token=first;object=carol", "carol", 1, 1 },
		{ "pkcs11:token=first;id=%01", "alice", 1, 1 },
		{ "pkcs11:object=alice;token=first;type=cert", "alice", 1, 1 },
		{ "pkcs11:model=SoftHSM%20v2;token=first", "alice", 3, 1 },
	};
	struct opened opened;

	NEED_SOFTHSM;
	softhsm_token("first");
	softhsm_token("second one");
	softhsm_put("first", "alice", "01");
	softhsm_put("first", "carol", "02");
	softhsm_put_cert("first", "intermediate", "03");
	softhsm_put("second one", "bob", "01");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cert *cert;

		open_token(rows[i].uri, &opened);
		cert = find_one(&opened, rows[i].name);
		if (count_all(&opened) != rows[i].all)
			fail_msg("%s: %zu", rows[i].uri, count_all(&opened));
		assert_non_null(cert->key);
		assert_int_equal(opened.warnings.count, 0);
		if (rows[i].chain)
			assert_int_equal(
				sk_X509_num(cert->chain), rows[i].chain);
		close_token(&opened);
		cert_unref(cert); /* outlives its store */
	}
}

static void
two_tokens_serve_at_once(void **state UNUSED)
{
	struct opened first, second;
	struct cert *cert;

	NEED_SOFTHSM;
	open_token("pkcs11:token=first", &first);
	open_token("pkcs11:token=second%20one", &second);
	cert = find_one(&first, "alice");
	cert_unref(cert);
	close_token(&first);
	cert = find_one(&second, "bob");
	assert_non_null(cert->key);
	cert_unref(cert);
	close_token(&second);
}

/* ---- signing ---- */

static void
signatures_of_every_kind_verify(void **state UNUSED)
{
	static const struct {
		const char *label, *name;
		enum crypto_digest digest;
		enum cms_scheme scheme;
		bool opaque;
	} rows[] = {
		{ "RSA", "alice", CRYPTO_SHA256, CMS_PKCS1, false },
		{ "RSA, opaque", "alice", CRYPTO_SHA512, CMS_PKCS1, true },
		{ "PSS", "alice", CRYPTO_SHA256, CMS_PSS, false },
		{ "PSS, opaque", "alice", CRYPTO_SHA384, CMS_PSS, true },
		{ "id-RSASSA-PSS", "pss", CRYPTO_SHA256, CMS_PKCS1, false },
		{ "ECDSA", "carol", CRYPTO_SHA256, CMS_PKCS1, false },
		{ "ECDSA, opaque", "carol", CRYPTO_SHA384, CMS_PSS, true },
	};
	struct opened opened;

	NEED_SOFTHSM;
	softhsm_token("signs");
	softhsm_put("signs", "alice", "01");
	softhsm_put("signs", "carol", "02");
	softhsm_put("signs", "pss", "03");
	softhsm_put_cert("signs", "intermediate", "04");
	open_token("pkcs11:token=signs", &opened);
	own_write("content", span_string(content), 0600);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cert *cert = find_one(&opened, rows[i].name);
		struct cms_signer *signer = NULL;
		struct buf der = { 0 };
		struct error err = { 0 };

		if (cms_signer_new(cert, rows[i].digest, rows[i].scheme,
			    cert->chain, NULL, &signer, &err) != 0 ||
			sign(signer, rows[i].opaque, &der, &err) != 0)
			fail_msg("%s: %s", rows[i].label, err.text);
		own_write("signed", buf_span(&der), 0600);
		own_run(rows[i].opaque
				? "openssl cms -verify -binary -inform DER -in "
				  "signed -CAfile $P/ca.pem -out got && "
				  "cmp got content"
				: "openssl cms -verify -binary -inform DER -in "
				  "signed -CAfile $P/ca.pem -content content "
				  "-out got && cmp got content");
		buf_clear(&der);
		cms_signer_free(signer);
		cert_unref(cert);
	}
	close_token(&opened);
}

struct crew {
	const struct cms_signer *signer[2];
	_Atomic int failed, next;
};

/* Each signature is verified with its certificate before sign() returns. */
static void *
sign_many(void *p)
{
	struct crew *crew = p;
	int first = crew->next++;

	for (int i = 0; i < SIGNATURES; i++) {
		struct buf der = { 0 };
		struct error err = { 0 };

		if (sign(crew->signer[(first + i) % 2], false, &der, &err) != 0)
			crew->failed++;
		buf_clear(&der);
	}
	return NULL;
}

static void
many_threads_sign_with_two_keys_of_one_token(void **state UNUSED)
{
	struct cms_signer *signer[2] = { NULL, NULL };
	pthread_t thread[THREADS];
	struct crew crew = { .failed = 0 };
	struct opened opened;

	NEED_SOFTHSM;
	open_token("pkcs11:token=signs", &opened);
	for (int i = 0; i < 2; i++) {
		struct cert *cert =
			find_one(&opened, i == 0 ? "alice" : "carol");

		assert_int_equal(cms_signer_new(cert, CRYPTO_SHA256, CMS_PKCS1,
					 NULL, NULL, &signer[i], NULL),
			0);
		crew.signer[i] = signer[i];
		cert_unref(cert);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, sign_many, &crew);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(crew.failed, 0);
	cms_signer_free(signer[0]);
	cms_signer_free(signer[1]);
	close_token(&opened);
}

/* ---- decrypting ---- */

static void
what_was_encrypted_opens(void **state UNUSED)
{
	static const struct {
		const char *label, *name;
		enum cms_cipher cipher;
		enum cms_transport transport;
		enum crypto_digest digest;
	} rows[] = {
		{ "PKCS #1", "alice", CMS_AES256_CBC, CMS_RSA_PKCS1, 0 },
		{ "OAEP SHA-1", "alice", CMS_AES128_CBC, CMS_RSA_OAEP,
			CRYPTO_SHA1 },
		{ "OAEP SHA-256", "alice", CMS_AES256_GCM, CMS_RSA_OAEP,
			CRYPTO_SHA256 },
		{ "ECDH P-256", "carol", CMS_AES256_CBC, CMS_RSA_PKCS1, 0 },
		{ "ECDH P-384", "dave", CMS_AES256_GCM, CMS_RSA_PKCS1, 0 },
	};
	struct opened opened;

	NEED_SOFTHSM;
	softhsm_token("opens");
	softhsm_put("opens", "alice", "01");
	softhsm_put("opens", "carol", "02");
	softhsm_put("opens", "dave", "03");
	open_token("pkcs11:token=opens", &opened);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct cert *cert = find_one(&opened, rows[i].name);
		struct cms_recipient to = { cert, rows[i].transport,
			rows[i].digest };
		struct pieces pieces = { .count = 0 };
		struct buf der = { 0 }, plain = { 0 };
		struct sink sink = { put_into, &der };
		struct error err = { 0 };

		pieces_add(&pieces, span_string(content));
		if (cms_encrypt(rows[i].cipher, &to, 1, &pieces, &sink, &err) !=
				0 ||
			cms_open_envelope(buf_span(&der), cert, true, NULL,
				&plain, &err) != 0)
			fail_msg("%s: %s", rows[i].label, err.text);
		assert_true(span_is(buf_span(&plain), content));
		buf_clear(&plain);
		/* Spoilt input is no trouble of the token. */
		der.data[der.len / 2] ^= 1;
		(void)!cms_open_envelope(
			buf_span(&der), cert, true, NULL, &plain, NULL);
		assert_false(cert_is_retired(cert));
		buf_clear(&plain);
		buf_clear(&der);
		cert_unref(cert);
	}
	close_token(&opened);
}

/* Mail waits for a token, and is not called undecryptable. */
static void
a_token_that_is_gone_is_no_fault_of_the_mail(void **state UNUSED)
{
	static const char *const names[] = { "alice", "carol" };

	NEED_SOFTHSM;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct opened opened;
		struct cms_recipient to = { .transport = CMS_RSA_PKCS1 };
		struct pieces pieces = { .count = 0 };
		struct buf der = { 0 }, plain = { 0 };
		struct sink sink = { put_into, &der };
		struct error err = { 0 };
		struct cert *cert;

		softhsm_token(names[i]);
		softhsm_put(names[i], names[i], "01");
		open_token(i == 0 ? "pkcs11:token=alice" : "pkcs11:token=carol",
			&opened);
		cert = find_one(&opened, names[i]);
		to.cert = cert;
		pieces_add(&pieces, span_string(content));
		assert_int_equal(cms_encrypt(CMS_AES128_CBC, &to, 1, &pieces,
					 &sink, &err),
			0);
		close_token(&opened);
		assert_int_equal(cms_open_envelope(buf_span(&der), cert, false,
					 NULL, &plain, &err),
			-1);
		if (err.kind != ERROR_SYSTEM)
			fail_msg("%s: %s", names[i], err.text);
		buf_clear(&plain);
		buf_clear(&der);
		cert_unref(cert);
	}
}

/* ---- what is refused ---- */

static void
refusals_have_their_own_sentences(void **state UNUSED)
{
	static const struct {
		const char *label, *uri, *module, *pin;
		enum error_kind kind;
		const char *says;
	} rows[] = {
		{ "wrong PIN", "pkcs11:token=refuses", "", "9999", ERROR_CONFIG,
			"the PIN in password_file is wrong" },
		{ "short PIN", "pkcs11:token=refuses", "", "1", ERROR_CONFIG,
			"PIN in password_file" },
		{ "no PIN", "pkcs11:token=refuses", "", NULL, ERROR_CONFIG,
			"wants a PIN (password_file)" },
		{ "two tokens", "pkcs11:model=SoftHSM%20v2", "", "1234",
			ERROR_CONFIG, "fits more than one token" },
		{ "no module", "pkcs11:token=refuses", "/nowhere/x.so", "1234",
			ERROR_CONFIG, "module cannot be loaded" },
		{ "another library", "pkcs11:token=refuses", "libcrypto.so.3",
			"1234", ERROR_CONFIG, "this is no PKCS #11 library" },
	};
	struct opened opened;

	NEED_SOFTHSM;
	softhsm_token("refuses");
	softhsm_token("refuses too");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *module = rows[i].module[0] == '\0'
					     ? softhsm_module()
					     : rows[i].module;

		if (try_open(rows[i].uri, module,
			    rows[i].pin ? pin_file(rows[i].pin) : NULL,
			    &opened) == 0)
			fail_msg("%s: opened", rows[i].label);
		assert_int_equal(opened.err.kind, rows[i].kind);
		assert_says(rows[i].label, opened.err.text, rows[i].says);
		close_token(&opened);
	}
	own_write("open-pin", span_string(SOFTHSM_PIN), 0644);
	assert_int_equal(try_open("pkcs11:token=refuses", softhsm_module(),
				 own_path("open-pin"), &opened),
		-1);
	assert_int_equal(opened.err.kind, ERROR_CONFIG);
	close_token(&opened);
}

/* A card locks after a few. */
static void
a_wrong_pin_is_tried_once_and_never_the_last_time(void **state UNUSED)
{
	static const struct {
		const char *label, *flags;
		unsigned logins;
		const char *says;
	} rows[] = {
		{ "wrong", "0", 1, "the PIN in password_file is wrong" },
		{ "one was wrong before", "10000", 1,
			"the PIN in password_file is wrong" },
		{ "the last try", "20000", 0, "one more wrong PIN locks it" },
		{ "locked", "40000", 0, "the PIN is locked" },
	};
	const char *module = softhsm_watched_module();
	struct opened opened;

	if (module == NULL)
		skip();
	softhsm_token("counts");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		module = softhsm_watched_module();
		own_write("flags", span_string(rows[i].flags), 0600);
		if (try_open("pkcs11:token=counts", module, pin_file("9876"),
			    &opened) == 0)
			fail_msg("%s: opened", rows[i].label);
		assert_int_equal(opened.err.kind, ERROR_CONFIG);
		assert_says(rows[i].label, opened.err.text, rows[i].says);
		if (softhsm_logins() != rows[i].logins)
			fail_msg("%s: %u logins", rows[i].label,
				softhsm_logins());
		close_token(&opened);
	}
}

static void
uris_are_read_as_the_standard_says(void **state UNUSED)
{
	static const struct {
		const char *uri, *says; /* NULL: it is good */
	} rows[] = {
		{ "pkcs11:", NULL },
		{ "pkcs11:token=a", NULL },
		{ "pkcs11:token=a;object=%C3%A4;id=%00%ff?module-path=/x.so",
			NULL },
		{ "pkcs11:slot-id=3;type=private;", NULL },
		{ "PKCS11:token=a", "begins with \"pkcs11:\"" },
		{ "/dev/token", "begins with \"pkcs11:\"" },
		{ "", "begins with \"pkcs11:\"" },
		{ "pkcs11:token", "a part without \"=\"" },
		{ "pkcs11:token=a;;object=b", "a part without \"=\"" },
		{ "pkcs11:token=a;token=b", "token stands twice" },
		{ "pkcs11:id=%01;id=%02", "id stands twice" },
		{ "pkcs11:token=a%", "without two hex digits" },
		{ "pkcs11:token=a%1", "without two hex digits" },
		{ "pkcs11:token=a%1g", "without two hex digits" },
		{ "pkcs11:token=a%00b", "a NUL in token" },
		{ "pkcs11:tokens=a", "there is no \"tokens\"" },
		{ "pkcs11:type=public", "none of: cert, private" },
		{ "pkcs11:token=a?pin-value=1234", "a file of its own" },
		{ "pkcs11:token=a?pin-source=/x", "a file of its own" },
		{ "pkcs11:module-path=/x", "there is no \"module-path\"" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct token_uri uri = { 0 };
		struct error err = { 0 };
		int result = token_uri_parse(rows[i].uri, &uri, &err);

		if ((result == 0) != (rows[i].says == NULL))
			fail_msg("%s: %d %s", rows[i].uri, result, err.text);
		if (rows[i].says != NULL) {
			assert_int_equal(err.kind, ERROR_CONFIG);
			assert_says(rows[i].uri, err.text, rows[i].says);
		}
		token_uri_clear(&uri);
	}
}

static void
a_long_uri_is_refused(void **state UNUSED)
{
	struct token_uri uri = { 0 };
	struct error err = { 0 };
	char *text = mem_alloc(400);

	strcpy(text, "pkcs11:token=");
	memset(text + strlen(text), 'a', 300);
	assert_int_equal(token_uri_parse(text, &uri, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	strcpy(text, "pkcs11:id=");
	memset(text + strlen(text), 'a', 300 - strlen(text));
	assert_int_equal(token_uri_parse(text, &uri, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	mem_free(text);
}

/* ---- tokens that come and go ---- */

static bool
has_alice(void *p)
{
	struct list found = { 0 };
	int result = find(p, "alice", &found, NULL);
	bool has = result == 0 && found.count == 1;

	list_clear(&found, cert_unref);
	return has;
}

static bool
has_gone(void *p)
{
	struct list found = { 0 };
	struct error err = { 0 };
	int result = find(p, "alice", &found, &err);

	list_clear(&found, cert_unref);
	return result == -1 && err.kind == ERROR_SYSTEM;
}

static void
a_token_that_is_missing_at_the_start_may_come(void **state UNUSED)
{
	struct list all = { 0 };
	struct opened opened;
	struct error err = { 0 };

	NEED_SOFTHSM;
	softhsm_token("late");
	softhsm_put("late", "alice", "01");
	softhsm_pull();
	open_token("pkcs11:token=late", &opened);
	assert_int_equal(opened.warnings.count, 1);
	assert_says("warning", opened.warnings.item[0], "no such token");
	assert_true(has_gone(&opened));
	assert_int_equal(store_list(opened.store, &all, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	softhsm_push();
	assert_true(comes_true(has_alice, &opened));
	close_token(&opened);
}

static void
a_token_that_goes_and_comes_back_signs_again(void **state UNUSED)
{
	struct cms_signer *signer = NULL;
	struct buf der = { 0 };
	struct opened opened;
	struct error err = { 0 };
	struct cert *cert;

	NEED_SOFTHSM;
	open_token("pkcs11:token=late", &opened);
	cert = find_one(&opened, "alice");
	assert_int_equal(cms_signer_new(cert, CRYPTO_SHA256, CMS_PKCS1, NULL,
				 NULL, &signer, NULL),
		0);
	softhsm_pull();
	assert_int_equal(sign(signer, false, &der, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_true(comes_true(has_gone, &opened));
	assert_true(cert_is_retired(cert));
	softhsm_push();
	assert_true(comes_true(has_alice, &opened));
	/* The old handle stays dead, a new one works. */
	assert_int_equal(sign(signer, false, &der, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	cms_signer_free(signer);
	cert_unref(cert);
	cert = find_one(&opened, "alice");
	assert_false(cert_is_retired(cert));
	assert_int_equal(cms_signer_new(cert, CRYPTO_SHA256, CMS_PKCS1, NULL,
				 NULL, &signer, NULL),
		0);
	assert_int_equal(sign(signer, false, &der, &err), 0);
	buf_clear(&der);
	close_token(&opened);
	/* After its store it is an error, not a crash. */
	assert_int_equal(sign(signer, false, &der, &err), -1);
	buf_clear(&der);
	cms_signer_free(signer);
	cert_unref(cert);
}

static bool
is_refused(void *p)
{
	struct list found = { 0 };
	struct error err = { 0 };
	int result = find(p, "alice", &found, &err);

	list_clear(&found, cert_unref);
	return result == -1 && err.kind == ERROR_SYSTEM &&
	       strstr(err.text, "PIN in password_file is wrong") != NULL;
}

static void
a_pin_that_is_wrong_after_all_is_not_tried_again(void **state UNUSED)
{
	const char *module = softhsm_watched_module();
	struct timespec longer = { 2, 500000000 };
	struct cms_signer *signer = NULL;
	struct buf der = { 0 };
	struct opened opened;
	struct cert *cert;
	unsigned logins;

	if (module == NULL)
		skip();
	if (try_open("pkcs11:token=late", module, pin_file(SOFTHSM_PIN),
		    &opened) != 0)
		fail_msg("%s", opened.err.text);
	cert = find_one(&opened, "alice");
	assert_int_equal(cms_signer_new(cert, CRYPTO_SHA256, CMS_PKCS1, NULL,
				 NULL, &signer, NULL),
		0);
	softhsm_pull();
	assert_int_equal(sign(signer, false, &der, NULL), -1);
	assert_true(comes_true(has_gone, &opened));
	own_write("refuse", SPAN("now"), 0600);
	softhsm_push();
	assert_true(comes_true(is_refused, &opened));
	logins = softhsm_logins();
	nanosleep(&longer, NULL); /* more than an attempt would wait */
	assert_int_equal(softhsm_logins(), logins);
	cms_signer_free(signer);
	cert_unref(cert);
	close_token(&opened);
}

static struct token_module *
module_of(const struct opened *opened)
{
	return ((struct token *)opened->store->own)->module;
}

/* One sentence while it is gone, none before and after. */
static void
expect_concerns(struct opened *opened, const char *piece)
{
	struct list lines = { 0 };

	store_concern(opened->store, &lines);
	assert_int_equal(lines.count, piece != NULL);
	if (piece != NULL)
		assert_says("concern", lines.item[0], piece);
	list_clear(&lines, mem_free);
}

static void
a_token_that_is_gone_is_a_concern(void **state UNUSED)
{
	struct opened opened;

	NEED_SOFTHSM;
	open_token("pkcs11:token=late", &opened);
	expect_concerns(&opened, NULL);
	clock_set(FIXTURE_NOW);
	softhsm_pull();
	keeper_wake(module_of(&opened), true, false);
	assert_true(comes_true(has_gone, &opened));
	expect_concerns(&opened, "no such token is here, since 2026-01-01");
	/* Nobody waits for a token that is being opened. */
	pthread_rwlock_wrlock(&module_of(&opened)->use);
	expect_concerns(&opened, "store hsm: ");
	pthread_rwlock_unlock(&module_of(&opened)->use);
	clock_set(0);
	softhsm_push();
	assert_true(comes_true(has_alice, &opened));
	expect_concerns(&opened, NULL);
	close_token(&opened);
}

static char last_event[512];
static _Atomic int opened_again;

static void
hear(enum event_kind kind UNUSED, const char *text)
{
	if (strstr(text, "store hsm: the token was opened again") != NULL)
		opened_again++;
	snprintf(last_event, sizeof(last_event), "%s", text);
}

static bool
was_opened_again(void *p UNUSED)
{
	return opened_again > 0;
}

static int64_t
wait_of(struct token_module *module)
{
	int64_t wait_ms;

	pthread_mutex_lock(&module->lock);
	wait_ms = module->missing ? module->wait_ms : 0;
	pthread_mutex_unlock(&module->lock);
	return wait_ms;
}

static bool
waits_long(void *p)
{
	return wait_of(p) == 60000;
}

static bool
waits_longer(void *p)
{
	return wait_of(p) == 120000;
}

static void
a_missing_token_disturbs_its_neighbour_rarely(void **state UNUSED)
{
	struct opened good, missing;
	struct token_module *module;

	NEED_SOFTHSM;
	event_set_sink(hear);
	opened_again = 0;
	open_token("pkcs11:token=late", &good);
	open_token("pkcs11:token=nowhere", &missing);
	module = module_of(&good);
	assert_true(comes_true(waits_long, module));
	assert_true(has_alice(&good));
	/* As if a minute had passed. */
	pthread_mutex_lock(&module->lock);
	module->tried_ms -= 60000;
	pthread_cond_signal(&module->changed);
	pthread_mutex_unlock(&module->lock);
	assert_true(comes_true(waits_longer, module));
	assert_true(has_alice(&good));
	/* It was there all the time. */
	if (opened_again != 0)
		fail_msg("%s", last_event);
	close_token(&missing);
	close_token(&good);
	event_set_sink(NULL);
}

/* Everything on the module is opened anew, with or without a reason. */
static void
open_all_anew(struct opened *opened)
{
	softhsm_pull();
	keeper_wake(module_of(opened), true, false);
	assert_true(comes_true(has_gone, opened));
	opened_again = 0;
	softhsm_push();
	assert_true(comes_true(has_alice, opened));
	assert_true(comes_true(was_opened_again, NULL));
}

static size_t
count_past(const struct opened *opened)
{
	struct token_module *module = module_of(opened);
	const struct token_opening *past;
	size_t count = 0;

	assert_int_equal(module_enter(module, 0, NULL), 0);
	for (past = module->past; past != NULL; past = past->next)
		count++;
	module_leave(module);
	return count;
}

static void
openings_go_with_their_last_key(void **state UNUSED)
{
	struct opened opened;
	struct cert *cert;

	NEED_SOFTHSM;
	event_set_sink(hear);
	open_token("pkcs11:token=late", &opened);
	cert = find_one(&opened, "alice");
	open_all_anew(&opened);
	assert_true(count_past(&opened) >= 1);
	cert_unref(cert);
	open_all_anew(&opened);
	open_all_anew(&opened);
	assert_int_equal(count_past(&opened), 0);
	close_token(&opened);
	event_set_sink(NULL);
}

static void *
enter_once(void *p)
{
	int64_t begun = clock_monotonic_ms();

	assert_int_equal(opening_enter(p), -1);
	assert_in_range(clock_monotonic_ms() - begun, 5000, 20000);
	return NULL;
}

static void
a_key_does_not_wait_for_ever(void **state UNUSED)
{
	struct token_module *module;
	struct opened opened;
	pthread_t thread;

	NEED_SOFTHSM;
	open_token("pkcs11:token=late", &opened);
	module = module_of(&opened);
	pthread_rwlock_wrlock(&module->use);
	pthread_create(&thread, NULL, enter_once, module->current);
	pthread_join(thread, NULL);
	pthread_rwlock_unlock(&module->use);
	close_token(&opened);
}

/* ---- the way through a provider ---- */

static void
what_an_ossl_store_gives_becomes_certificates(void **state UNUSED)
{
	struct cert_pile *pile = cert_pile_new(NULL);
	struct list wanted = { 0 }, certs = { 0 }, warnings = { 0 };
	char *address = mem_printf("file:%s", pki_path("alice.p12"));
	struct error err = { 0 };
	struct cert *cert;
	X509 *x509;
	bool has_key = false;

	if (provider_fill(pile, &wanted, address, "secret", &err) != 0)
		fail_msg("%s", err.text);
	assert_true(wanted.count > 0);
	cert_pile_take(pile, &certs, &warnings);
	LIST_FOREACH (cert, &certs)
		has_key = has_key || cert->key != NULL;
	assert_true(has_key);
	LIST_FOREACH (x509, &wanted)
		X509_free(x509);
	list_clear(&wanted, NULL);
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	cert_pile_free(pile);
	pile = cert_pile_new(NULL);
	assert_int_equal(
		provider_fill(pile, &wanted, "file:/nowhere", NULL, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	cert_pile_free(pile);
	mem_free(address);
}

/* Without libp11 a file stands for the token, which OSSL_STORE opens too. */
static void
begin_provided(struct token *token, struct store *store, const char *pin,
	enum error_kind kind)
{
	struct list warnings = { 0 };
	struct error err = { 0 };

	*token = (struct token){ .store = store,
		.uri.text = mem_printf("file:%s", own_path("card.p12")),
		.pin = (char *)(uintptr_t)pin };
	pthread_mutex_init(&token->lock, NULL);
	pthread_mutex_init(&token->saying, NULL);
	if (provider_begin(token, &warnings, &err) !=
		(kind == ERROR_NONE ? 0 : -1))
		fail_msg("%s", err.text);
	assert_int_equal(err.kind, kind);
	list_clear(&warnings, mem_free);
}

static void
end_provided(struct token *token)
{
	holdings_clear(&token->store->holdings);
	mem_free(token->uri.text);
}

static bool
is_there(void *p)
{
	struct token *token = p;
	bool there;

	assert_int_equal(provider_enter(token, 0, NULL), 0);
	there = token->state == TOKEN_UP;
	provider_leave(token);
	return there;
}

static void
a_provider_s_token_that_is_missing_may_come(void **state UNUSED)
{
	struct store store = { .name = mem_string("hsm") };
	struct token token;

	own_run("rm -f card.p12");
	begin_provided(&token, &store, "secret", ERROR_SYSTEM);
	assert_int_equal(token.state, TOKEN_DOWN);
	own_run("cp $P/alice.p12 card.p12");
	assert_false(is_there(&token)); /* it is not looked for each time */
	assert_true(comes_true(is_there, &token));
	assert_true(store.holdings.certs.count > 0);
	end_provided(&token);
	mem_free(store.name);
}

static void
a_provider_s_token_with_nothing_on_it_is_missing(void **state UNUSED)
{
	struct store store = { .name = mem_string("hsm") };
	struct token token;

	own_run("rm -f card.p12 && mkdir card.p12");
	begin_provided(&token, &store, "secret", ERROR_SYSTEM);
	assert_int_equal(token.state, TOKEN_DOWN);
	end_provided(&token);
	own_run("rmdir card.p12");
	mem_free(store.name);
}

static void
a_provider_s_token_that_refuses_its_pin_is_left_alone(void **state UNUSED)
{
	struct store store = { .name = mem_string("hsm") };
	struct token token;

	own_run("cp $P/alice.p12 card.p12");
	begin_provided(&token, &store, "wrong", ERROR_CONFIG);
	assert_int_equal(token.state, TOKEN_REFUSED);
	assert_says("PIN", token.why.text, "not tried again");
	token.retry_at_ms = 0;
	assert_false(is_there(&token));
	assert_int_equal(token.state, TOKEN_REFUSED);
	end_provided(&token);
	mem_free(store.name);
}

static void
a_provider_takes_one_module_only(void **state UNUSED)
{
	struct error err = { 0 };

	unsetenv("PKCS11_PROVIDER_MODULE");
	assert_int_equal(provider_choose_module(NULL, &err), 0);
	assert_int_equal(provider_choose_module("/a.so", &err), 0);
	assert_int_equal(provider_choose_module("/a.so", &err), 0);
	assert_int_equal(provider_choose_module("/b.so", &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("second", err.text, "/a.so");
	assert_string_equal(getenv("PKCS11_PROVIDER_MODULE"), "/a.so");
	unsetenv("PKCS11_PROVIDER_MODULE");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_joined_with_their_keys),
		cmocka_unit_test(the_uri_picks_token_and_certificate),
		cmocka_unit_test(two_tokens_serve_at_once),
		cmocka_unit_test(signatures_of_every_kind_verify),
		cmocka_unit_test(many_threads_sign_with_two_keys_of_one_token),
		cmocka_unit_test(what_was_encrypted_opens),
		cmocka_unit_test(a_token_that_is_gone_is_no_fault_of_the_mail),
		cmocka_unit_test(refusals_have_their_own_sentences),
		cmocka_unit_test(
			a_wrong_pin_is_tried_once_and_never_the_last_time),
		cmocka_unit_test(uris_are_read_as_the_standard_says),
		cmocka_unit_test(a_long_uri_is_refused),
		cmocka_unit_test(a_token_that_is_missing_at_the_start_may_come),
		cmocka_unit_test(a_token_that_goes_and_comes_back_signs_again),
		cmocka_unit_test(
			a_pin_that_is_wrong_after_all_is_not_tried_again),
		cmocka_unit_test(a_token_that_is_gone_is_a_concern),
		cmocka_unit_test(a_missing_token_disturbs_its_neighbour_rarely),
		cmocka_unit_test(openings_go_with_their_last_key),
		cmocka_unit_test(a_key_does_not_wait_for_ever),
		cmocka_unit_test(what_an_ossl_store_gives_becomes_certificates),
		cmocka_unit_test(a_provider_s_token_that_is_missing_may_come),
		cmocka_unit_test(
			a_provider_s_token_with_nothing_on_it_is_missing),
		cmocka_unit_test(
			a_provider_s_token_that_refuses_its_pin_is_left_alone),
		cmocka_unit_test(a_provider_takes_one_module_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
