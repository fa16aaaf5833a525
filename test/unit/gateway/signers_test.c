/* Prepared signers: how many are kept, and what makes one a new one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "gateway/internal.h"
#include "gateway_fixture.h"
#include "store/internal.h"

enum { THREADS = 4, ROUNDS = 60 };

/* ---- a store that does as it is told ---- */

static struct said {
	struct list certs; /* borrowed */
	size_t skip;	   /* of them, at the next question */
	bool down;
	_Atomic int asked;
	int64_t deadline_ms;
} said;

static int
fake_find(struct store *store UNUSED, const struct address *address,
	const struct cert_selector *selector UNUSED, int64_t deadline_ms,
	struct list *out, struct error *err)
{
	struct cert *cert;

	said.asked++;
	said.deadline_ms = deadline_ms;
	if (said.down)
		return error_set(err, ERROR_SYSTEM, "the directory is down");
	LIST_FOREACH (cert, &said.certs)
		if (cert_i >= said.skip && cert_names_address(cert, address)) {
			list_add(out, cert_ref(cert));
			said.skip = cert_i + 1;
			return 0;
		}
	return 0;
}

static const struct store_driver fake_driver = { .type = "fake",
	.find = fake_find };
static struct store fake = { .driver = &fake_driver };

static struct sign_rule rule = { .digest = CRYPTO_SHA256 };

static int
setup(void **state UNUSED)
{
	fake.name = mem_string("fake");
	list_add(&rule.stores, &fake);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	mem_free(fake.name);
	list_clear(&rule.stores, NULL);
	return 0;
}

static void
say(struct cert *cert)
{
	list_clear(&said.certs, NULL);
	said = (struct said){ 0 };
	if (cert != NULL)
		list_add(&said.certs, cert);
}

static struct signer_entry *
get(struct gateway_signers *signers, struct cert *cert)
{
	struct signer_entry *entry = NULL;
	struct error err = { 0 };

	if (signers_get(signers, &rule, cert, 7, &entry, &err) != 0)
		fail_msg("%s", err.text);
	return entry;
}

static void
use(struct gateway_signers *signers, struct cert *cert)
{
	signer_release(get(signers, cert));
}

static bool
can_sign(const struct signer_entry *entry)
{
	static const char content[] = "Content-Type: text/plain\r\n\r\nHi\r\n";
	struct smime_layer layer = { 0 };
	struct pieces pieces = { .count = 0 };
	int result;

	pieces_add(&pieces, span_string(content));
	result = smime_sign(
		signer_cms(entry), SMIME_FORM_OPAQUE, &pieces, &layer, NULL);
	smime_layer_clear(&layer);
	return result == 0;
}

/* ---- how many ---- */

/* Each keeps a reference to its certificate. */
static void
the_one_that_was_not_used_for_longest_goes(void **state UNUSED)
{
	struct gateway_signers *signers = signers_new(2);
	struct cert *alice = pki_user("alice"), *bob = pki_user("bob");
	struct cert *carol = pki_user("carol"), *frank = pki_user("frank");
	int alone = bob->references;
	int prepared = frank->references;
	struct signer_entry *held;

	say(NULL);
	assert_int_equal(signers_prepare(signers, &rule, frank, NULL), 0);
	held = get(signers, bob);
	use(signers, alice);
	use(signers, carol);
	/* It goes with the mail that uses it. */
	assert_true(bob->references > alone);
	assert_true(can_sign(held));
	signer_release(held);
	assert_int_equal(bob->references, alone);
	assert_true(alice->references > alone);
	use(signers, alice);
	use(signers, bob);
	assert_int_equal(carol->references, alone);
	assert_true(alice->references > alone);
	/* What was there at load stays. */
	assert_true(frank->references > prepared);
	/* Nobody had to be asked. */
	assert_int_equal(said.asked, 0);
	signers_free(signers);
	assert_int_equal(alice->references, alone);
	cert_unref(alice);
	cert_unref(bob);
	cert_unref(carol);
	cert_unref(frank);
}

static void
behind_a_new_handle_the_old_one_goes(void **state UNUSED)
{
	struct gateway_signers *signers = signers_new(5);
	struct cert *before = pki_user("alice"), *after = pki_user("alice");
	int alone = before->references;
	struct signer_entry *held;

	say(NULL);
	assert_int_equal(signers_prepare(signers, &rule, before, NULL), 0);
	held = get(signers, before);
	cert_retire(before);
	use(signers, after);
	assert_true(after->references > alone);
	assert_true(can_sign(held));
	signer_release(held);
	assert_int_equal(before->references, alone);
	cert_retire(after);
	use(signers, before); /* neither is good: no crash, no leak */
	signers_free(signers);
	assert_int_equal(before->references, alone);
	assert_int_equal(after->references, alone);
	cert_unref(before);
	cert_unref(after);
}

/* ---- where others shall encrypt to ---- */

static void
a_renewed_certificate_to_encrypt_to_is_named_from_then_on(void **state UNUSED)
{
	struct gateway_signers *signers = signers_new(5);
	struct cert *erin = pki_user("erin-sign");
	struct cert *encrypt = pki_user("erin-encrypt");
	struct signer_entry *without, *with, *again;

	assert_false(erin->may_encrypt);
	say(NULL);
	without = get(signers, erin);
	assert_int_equal(said.asked, 1);
	assert_int_equal(said.deadline_ms, 7);
	say(encrypt);
	with = get(signers, erin);
	assert_ptr_not_equal(with, without);
	say(encrypt);
	again = get(signers, erin);
	assert_ptr_equal(with, again);
	signer_release(without);
	signer_release(with);
	signer_release(again);
	signers_free(signers);
	cert_unref(erin);
	cert_unref(encrypt);
}

static void
a_directory_that_is_down_makes_the_mail_wait(void **state UNUSED)
{
	struct gateway_signers *signers = signers_new(5);
	struct cert *erin = pki_user("erin-sign");
	struct signer_entry *entry = NULL;
	struct error err = { 0 };

	say(NULL);
	said.down = true;
	/* At load nobody is asked, and nothing is wrong. */
	assert_int_equal(signers_prepare(signers, &rule, erin, &err), 0);
	assert_int_equal(said.asked, 0);
	assert_int_equal(
		signers_get(signers, &rule, erin, 7, &entry, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_null(entry);
	signers_free(signers);
	cert_unref(erin);
}

/* ---- a key that is retired on the way ---- */

static void
a_mail_is_signed_once_more_with_a_fresh_key(void **state UNUSED)
{
	struct conf *conf = fixture_conf("sign = ( { sender = "
					 "\"*@example.com\"; stores = \"bob\"; "
					 "otherwise = \"tempfail\"; } );\n");
	struct sign_rule *theirs = conf->gateway->sign_rules.item[0];
	struct cert *dead = pki_user("alice"), *fresh = pki_user("alice");
	struct cert *bob = pki_user("bob");

	list_clear(&theirs->stores, NULL);
	list_add(&theirs->stores, &fake);
	/* As a dead handle: it makes no good signature. */
	EVP_PKEY_free(dead->key);
	dead->key = bob->key;
	EVP_PKEY_up_ref(dead->key);
	for (int good = 0; good < 2; good++) {
		struct fixture_mail from = { "local", "alice@example.com",
			"x@example.net", "From: alice@example.com\n\nHello\n" };
		struct outcome outcome;
		struct mail mail;

		say(dead);
		list_add(&said.certs, fresh);
		if (good)
			cert_retire(dead);
		fixture_mail(&mail, &from);
		outcome_init(&outcome);
		gateway_process(conf->gateway, &mail, NULL, &outcome);
		assert_int_equal(outcome.signed_, good);
		assert_int_equal(said.asked, good ? 2 : 1);
		outcome_clear(&outcome);
		mail_clear(&mail);
	}
	say(NULL);
	conf_free(conf);
	cert_unref(dead);
	cert_unref(fresh);
	cert_unref(bob);
}

/* ---- many threads ---- */

struct crowd {
	struct gateway_signers *signers;
	struct cert *cert[4];
};

static void *
take_turns(void *p)
{
	struct crowd *crowd = p;

	for (int i = 0; i < ROUNDS; i++) {
		struct cert *cert = crowd->cert[i % 4];
		struct signer_entry *entry = get(crowd->signers, cert);

		if (i % 8 == 0 && !can_sign(entry))
			return p;
		signer_release(entry);
		if (i == ROUNDS / 2)
			cert_retire(cert);
	}
	return NULL;
}

static void
many_threads_share_few_places(void **state UNUSED)
{
	static const char *const names[] = { "alice", "bob", "carol", "dave" };
	struct crowd crowd = { .signers = signers_new(3) };
	pthread_t thread[THREADS];

	say(NULL);
	for (int i = 0; i < 4; i++)
		crowd.cert[i] = pki_user(names[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, take_turns, &crowd);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		pthread_join(thread[i], &failed);
		assert_null(failed);
	}
	signers_free(crowd.signers);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(crowd.cert[i]->references, 1);
		cert_unref(crowd.cert[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_one_that_was_not_used_for_longest_goes),
		cmocka_unit_test(behind_a_new_handle_the_old_one_goes),
		cmocka_unit_test(
			a_renewed_certificate_to_encrypt_to_is_named_from_then_on),
		cmocka_unit_test(a_directory_that_is_down_makes_the_mail_wait),
		cmocka_unit_test(a_mail_is_signed_once_more_with_a_fresh_key),
		cmocka_unit_test(many_threads_share_few_places),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
