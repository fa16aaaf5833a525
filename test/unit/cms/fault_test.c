#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cms_fixture.h"
#include "../fault_fixture.h"

/*
 * A program of its own: OpenSSL takes its allocator before anything else.
 * Each allocation of an operation is made to fail, one after the other (of
 * long operations each nth): there must be an error or a right result, never
 * a wrong one.
 */

enum { ALLOCATIONS_MAX = 20000, LEN = 1000 };

/* What is done with failing memory, and what must be right afterwards. */
struct operation {
	const char *label;
	enum pki_user user;
	bool opaque; /* signing */
	enum cms_scheme scheme;
	int cipher; /* encrypting, when not -1 */
	enum cms_transport transport;
	enum pki_user other; /* the second recipient */
};

static int
make(const struct operation *op, const struct cms_signer *signer,
	struct buf *der, struct error *err)
{
	struct cms_recipient to[] = {
		{ pki_cert(op->user), op->transport, CRYPTO_SHA256 },
		{ pki_cert(op->other), CMS_RSA_PKCS1, CRYPTO_SHA256 },
	};
	struct sink sink = buf_sink(der);
	struct pieces pieces = { .count = 0 };

	pieces_add(&pieces, pki_content(LEN));
	if (op->cipher != -1)
		return cms_encrypt(op->cipher, to, 2, &pieces, &sink, err);
	if (op->opaque)
		return cms_sign_opaque(signer, &pieces, &sink, err);
	return cms_sign_detached(signer, &pieces, &sink, err);
}

static bool
is_right(const struct operation *op, const struct buf *der)
{
	struct pieces pieces = { .count = 0 };
	struct error err = { 0 };
	struct buf plain = { 0 };
	bool right;

	pieces_add(&pieces, pki_content(LEN));
	if (op->cipher == -1)
		return cms_recognise(buf_span(der)) == CMS_KIND_SIGNED &&
		       pki_verify(buf_span(der), &pieces, &err) == 0;
	right = cms_open_envelope(buf_span(der), pki_cert(op->user), true, NULL,
			&plain, &err) == 0 &&
		span_equal(buf_span(&plain), pki_content(LEN));
	buf_reset(&plain);
	right = right &&
		cms_open_envelope(buf_span(der), pki_cert(op->other), true,
			NULL, &plain, &err) == 0 &&
		span_equal(buf_span(&plain), pki_content(LEN));
	buf_clear(&plain);
	return right;
}

/* 1 when the nth allocation was never reached. */
static int
fail_at(const struct operation *op, const struct cms_signer *signer, long nth,
	long *failures)
{
	struct error err = { 0 };
	struct buf der = { 0 };
	long left;
	int rc;

	fault_countdown = nth;
	rc = make(op, signer, &der, &err);
	left = fault_countdown;
	fault_countdown = -1;
	if (rc == 0 && !is_right(op, &der))
		fail_msg("%s: wrong at allocation %ld", op->label, nth);
	if (rc != 0) {
		(*failures)++;
		assert_int_not_equal(err.kind, ERROR_NONE);
		assert_string_not_equal(err.text, "");
		/* what passes by itself must not be called permanent */
		if (err.kind != ERROR_SYSTEM && err.kind != ERROR_CRYPTO)
			fail_msg("%s, allocation %ld: %s", op->label, nth,
				err.text);
	}
	buf_clear(&der);
	return left > 0;
}

static const struct operation operations[] = {
	{ "PKCS#1", PKI_RSA, false, CMS_PKCS1, -1, 0, 0 },
	{ "PSS", PKI_RSA, false, CMS_PSS, -1, 0, 0 },
	{ "ECDSA", PKI_P256, false, CMS_PKCS1, -1, 0, 0 },
	{ "CBC, PKCS#1", PKI_RSA, false, 0, CMS_AES256_CBC, CMS_RSA_PKCS1,
		PKI_RSA_OTHER },
	{ "GCM, OAEP", PKI_RSA, false, 0, CMS_AES256_GCM, CMS_RSA_OAEP,
		PKI_RSA_OTHER },
};

static void
lack_of_memory_never_makes_a_wrong_result(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		const struct operation *op = &operations[i];
		struct cms_signer *signer = NULL;
		struct error err = { 0 };
		struct buf der = { 0 };
		long nth = 1, failures = 0;

		if (op->cipher == -1)
			assert_int_equal(
				cms_signer_new(pki_cert(op->user),
					CRYPTO_SHA256, op->scheme, pki_chain(),
					NULL, &signer, &err),
				0);
		assert_int_equal(make(op, signer, &der, &err), 0);
		buf_clear(&der);
		while (nth < ALLOCATIONS_MAX &&
			fail_at(op, signer, nth, &failures) == 0)
			nth++;
		assert_in_range(nth, 10, ALLOCATIONS_MAX - 1);
		assert_true(failures > 5);
		print_message("%s: %ld allocations, %ld errors\n", op->label,
			nth - 1, failures);
		cms_signer_free(signer);
	}
}

/* ---- reading ---- */

/*
 * What passes by itself must not be called a bad mail: SYSTEM or right.  Two
 * things hide from that.  When a key's blinding cannot be renewed, each 32nd
 * time, OpenSSL leaves it wrong until the next; and of keys taken at random,
 * which stand in for one that did not come, one in 256 gives a good padding.
 */
static int
read_at(const struct operation *op, const struct buf *der, long nth,
	long *failures, long *hidden)
{
	struct pieces pieces = { .count = 0 };
	struct cms_signed read = { .detached = false };
	struct buf plain = { 0 };
	struct error err = { 0 };
	long left;
	int rc;

	pieces_add(&pieces, pki_content(LEN));
	fault_countdown = nth;
	if (op->cipher != -1)
		rc = cms_open_envelope(buf_span(der), pki_cert(op->user), false,
			NULL, &plain, &err);
	else
		rc = cms_read_signed(
			buf_span(der), &pieces, NULL, NULL, &read, &err);
	left = fault_countdown;
	fault_countdown = -1;
	*failures += rc != 0;
	if (rc != 0 && err.kind != ERROR_SYSTEM &&
		(op->cipher == -1 || err.kind != ERROR_CRYPTO))
		fail_msg("%s, allocation %ld: %s", op->label, nth, err.text);
	*hidden += rc != 0 && err.kind == ERROR_CRYPTO;
	if (rc == 0 && op->cipher != -1 &&
		!span_equal(buf_span(&plain), pki_content(LEN))) {
		assert_false(cms_cipher_is_authenticated(
			(enum cms_cipher)op->cipher));
		(*hidden)++;
	}
	if (rc == 0 && op->cipher == -1 && !cms_signed_is_verified(&read))
		fail_msg("%s, allocation %ld: %s", op->label, nth,
			((struct cms_signer_report *)read.signers.item[0])
				->why.text);
	cms_signed_clear(&read);
	buf_clear(&plain);
	return left > 0;
}

static void
lack_of_memory_is_no_fault_of_the_mail(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		const struct operation *op = &operations[i];
		struct cms_signer *signer = NULL;
		struct error err = { 0 };
		struct buf der = { 0 };
		long nth = 1, failures = 0, hidden = 0;

		if (op->cipher == -1)
			assert_int_equal(
				cms_signer_new(pki_cert(op->user),
					CRYPTO_SHA256, op->scheme, pki_chain(),
					NULL, &signer, &err),
				0);
		assert_int_equal(make(op, signer, &der, &err), 0);
		while (nth < ALLOCATIONS_MAX &&
			read_at(op, &der, nth, &failures, &hidden) == 0)
			nth++;
		assert_in_range(nth, 10, ALLOCATIONS_MAX - 1);
		assert_true(failures > 5);
		assert_true(hidden * 4 < failures);
		print_message("%s read: %ld allocations, %ld errors\n",
			op->label, nth - 1, failures);
		buf_clear(&der);
		cms_signer_free(signer);
	}
}

static void
a_signer_that_lacks_memory_is_none(void **state UNUSED)
{
	long nth;

	for (nth = 1; nth < ALLOCATIONS_MAX; nth++) {
		struct operation op = operations[1];
		struct cms_signer *signer = NULL;
		struct error err = { 0 };
		struct buf der = { 0 };
		long left;
		int rc;

		fault_countdown = nth;
		rc = cms_signer_new(pki_cert(PKI_RSA), CRYPTO_SHA256, CMS_PSS,
			pki_chain(), NULL, &signer, &err);
		left = fault_countdown;
		fault_countdown = -1;
		assert_int_equal(rc == 0, signer != NULL);
		if (rc == 0) {
			assert_int_equal(make(&op, signer, &der, &err), 0);
			assert_true(is_right(&op, &der));
		} else {
			assert_string_not_equal(err.text, "");
		}
		buf_clear(&der);
		cms_signer_free(signer);
		if (left > 0)
			break;
	}
	assert_in_range(nth, 10, ALLOCATIONS_MAX - 1);
}

enum { RIGHT = 0, OVER = 3 };

/*
 * OpenSSL 3.0's key derivation for ECDH does not look whether it got memory
 * and crashes.  That ends the worker, and the MTA tries again; what counts
 * here is that no wrong envelope comes out, so each try has a process.
 */
static void
lack_of_memory_never_makes_a_wrong_agreement(void **state UNUSED)
{
	const struct operation op = { "GCM, ECDH", PKI_P256, false, 0,
		CMS_AES256_GCM, CMS_RSA_PKCS1, PKI_P384 };
	struct error err = { 0 };
	struct buf der = { 0 };
	long nth;

	assert_int_equal(make(&op, NULL, &der, &err), 0);
	buf_clear(&der);
	for (nth = 1; nth < ALLOCATIONS_MAX; nth++) {
		int status = 0;
		pid_t child = fork();

		assert_int_not_equal(child, -1);
		if (child == 0) {
			signal(SIGSEGV, SIG_DFL); /* not cmocka's */
			fault_countdown = nth;
			if (make(&op, NULL, &der, &err) == 0) {
				long left = fault_countdown;

				fault_countdown = -1;
				if (!is_right(&op, &der))
					_exit(1);
				_exit(left > 0 ? OVER : RIGHT);
			}
			_exit(err.kind == ERROR_SYSTEM ||
						err.kind == ERROR_CRYPTO
					? RIGHT
					: 2);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) && WEXITSTATUS(status) == OVER)
			break;
		if (WIFEXITED(status) && WEXITSTATUS(status) != RIGHT)
			fail_msg("wrong at allocation %ld", nth);
	}
	assert_in_range(nth, 10, ALLOCATIONS_MAX - 1);
}

static int
tear_down(void **state UNUSED)
{
	pki_free();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lack_of_memory_never_makes_a_wrong_result),
		cmocka_unit_test(lack_of_memory_never_makes_a_wrong_agreement),
		cmocka_unit_test(lack_of_memory_is_no_fault_of_the_mail),
		cmocka_unit_test(a_signer_that_lacks_memory_is_none),
	};

	if (fault_begin() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, tear_down);
}
