/*
 * A program of its own: OpenSSL takes its allocator before anything else.
 * Each allocation of a file's reading is made to fail, one after the other
 * (of long readings each nth): it is read whole, or there is an error; never
 * does something of it go missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cert_fixture.h"
#include "crypto/crypto.h"
#include "fault_fixture.h"

enum { ALLOCATIONS_MAX = 200000, TRIES = 400 };

static const struct {
	const char *label, *command;
} forms[] = {
	{ "PEM", "cat $P/alice.pem $P/alice.key $P/chain.pem crl.pem >f" },
	{ "DER", "cat $P/alice.der crl.der $P/bob.der >f" },
	{ "PKCS#7", "openssl crl2pkcs7 -in crl.pem -certfile $P/chain.pem "
		    "-outform DER -out f" },
	{ "PKCS#12", "cp $P/alice.p12 f" },
	{ "old PKCS#12", "cp $P/alice-old.p12 f" },
	{ "SST", "(printf '\\0\\0\\0\\0CERT'; for i in $P/alice.der crl.der "
		 "$P/bob.der; do case $i in crl.der) printf '\\041\\0\\0\\0' "
		 ";; *) printf '\\040\\0\\0\\0' ;; esac; printf "
		 "'\\001\\0\\0\\0'; n=$(wc -c <$i); printf "
		 "\"\\\\$(printf %o $((n % 256)))\\\\$(printf %o $((n / "
		 "256)))\\\\0\\\\0\"; cat $i; done; head -c 12 /dev/zero) "
		 ">f" },
};

struct counts {
	size_t certs, keys, crls;
};

static int
read_counted(struct span bytes, struct counts *out, struct error *err)
{
	struct cert_pile *pile = cert_pile_new(NULL);
	struct cert_file file = {
		.bytes = bytes, .source = "here", .password = "secret"
	};
	struct list crls = { 0 }, certs = { 0 }, warnings = { 0 };
	size_t keys;
	long left;
	int result = cert_pile_read(pile, &file, &keys, err);

	cert_pile_take_crls(pile, &crls);
	if (result == 0)
		out->crls = crls.count;
	for (size_t i = 0; i < crls.count; i++)
		X509_CRL_free(crls.item[i]);
	list_clear(&crls, NULL);
	out->keys = keys;
	/* What follows is of the pile and has tests of its own. */
	left = fault_countdown;
	fault_countdown = -1;
	cert_pile_take(pile, &certs, &warnings);
	fault_countdown = left;
	out->certs = certs.count;
	list_clear(&certs, cert_unref);
	list_clear(&warnings, mem_free);
	cert_pile_free(pile);
	return result;
}

/* 1 when the nth allocation was never reached. */
static int
fail_at(const char *label, struct span bytes, const struct counts *whole,
	long nth, long *failures)
{
	struct counts found = { 0 };
	struct error err = { 0 };
	int result;
	long left;

	fault_countdown = nth;
	result = read_counted(bytes, &found, &err);
	left = fault_countdown;
	fault_countdown = -1;
	if (result == 0 && memcmp(&found, whole, sizeof(found)) != 0)
		fail_msg("%s, allocation %ld: %zu certificates, %zu keys, %zu "
			 "lists",
			label, nth, found.certs, found.keys, found.crls);
	if (result != 0) {
		(*failures)++;
		assert_int_equal(found.certs + found.crls, 0);
		assert_says(label, err.text, "here: ");
	}
	return left > 0;
}

static void
nothing_goes_missing_for_lack_of_memory(void **state UNUSED)
{
	own_run("printf '[ca]\\ndefault_ca=u\\n[u]\\ndatabase=i\\n"
		"default_md=sha256\\n' >c && : >i && openssl ca -gencrl "
		"-config c -cert $P/ca.pem -keyfile $P/ca.key -crldays 30 "
		"-out crl.pem && openssl crl -in crl.pem -outform DER -out "
		"crl.der");
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct counts whole = { 0 };
		struct buf bytes = { 0 };
		struct error err = { 0 };
		long nth = 1, failures = 0, step, all;

		own_run(forms[i].command);
		read_path(own_path("f"), &bytes);
		/* Once more than needed: the first fills caches. */
		for (int twice = 0; twice < 2; twice++) {
			fault_countdown = ALLOCATIONS_MAX;
			if (read_counted(buf_span(&bytes), &whole, &err) != 0)
				fail_msg("%s: %s", forms[i].label, err.text);
			all = ALLOCATIONS_MAX - fault_countdown;
			fault_countdown = -1;
		}
		assert_true(whole.certs >= 2);
		step = all / TRIES + 1;
		while (nth < ALLOCATIONS_MAX &&
			fail_at(forms[i].label, buf_span(&bytes), &whole, nth,
				&failures) == 0)
			nth += step;
		assert_in_range(nth, 10, ALLOCATIONS_MAX - 1);
		assert_true(failures > 5);
		print_message("%s: %ld allocations, %ld errors\n",
			forms[i].label, all, failures);
		buf_clear(&bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_missing_for_lack_of_memory),
	};

	if (fault_begin() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
