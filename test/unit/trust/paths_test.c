/* Authorities that certify each other, limits, weak keys, folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "trust/trust.h"

/*
 * root NAME, and issue NAME SUBJECT-OF-KEY ISSUER EXTENSIONS: NAME.pem for the
 * key of SUBJECT, whose name is that of the key too.  Below the roots r1 to
 * r3 stands the authority x with one key and several certificates: x1 by r1,
 * x2 by r2, x3 by r3; and leaf by x.
 */
static const char script[] =
	"key() { openssl ecparam -genkey -noout -name prime256v1 -out $1.key; "
	"}\n"
	"sign() {\n"
	"  printf '%b' \"$5\" >ext\n"
	"  openssl req -new -key $2.key -subj /CN=$3 -config /dev/null -out "
	"csr\n"
	"  if [ $1 = $4 ]; then how=\"-signkey $2.key\"; else how=\"-CA $4.pem "
	"-CAkey ${6:-$4}.key -CAserial srl -CAcreateserial\"; fi\n"
	"  openssl x509 -req -in csr $how -days 9000 -extfile ext -out $1.pem\n"
	"}\n"
	"CA='basicConstraints=critical,CA:true\\nkeyUsage=critical,keyCertSign,"
	"cRLSign\\n'\n"
	"for i in 1 2 3; do key r$i; sign r$i r$i R$i r$i \"$CA\"; done\n"
	"key x; for i in 1 2 3; do sign x$i x X r$i \"$CA\"; done\n"
	"sign x-tls x X r1 \"${CA}extendedKeyUsage=serverAuth\\n\"\n"
	"sign x-narrow x X r1 \"${CA}nameConstraints=critical,permitted;email:"
	"other.example\\n\"\n"
	"sign x-usage x X r1 'keyUsage=critical,keyCertSign,cRLSign\\n'\n"
	"key leaf; sign leaf leaf leaf x1 'subjectAltName=email:l@x.example\\n'"
	" x\n"
	"printf '[ca]\\ndefault_ca=us\\n[us]\\ndatabase=idx\\ndefault_md=sha256"
	"\\ncrlnumber=num\\n' >cnf; echo 01 >num\n"
	"printf 'R\\t440101000000Z\\t251201000000Z,CACompromise\\t%s\\tunknown"
	"\\t/CN=x\\n' $(openssl x509 -in x1.pem -noout -serial | sed "
	"'s/.*=//') >idx\n"
	"openssl ca -config cnf -gencrl -cert r1.pem -keyfile r1.key -crldays "
	"900 -out r1.crl\n"
	"cat r1.pem r2.pem >r12.pem; cat x1.pem x2.pem >x12.pem; cat x2.pem "
	"x1.pem >x21.pem; cat x1.pem x3.pem x2.pem >x132.pem; cat x-tls.pem "
	"x2.pem >xt2.pem; cat x2.pem x-tls.pem >x2t.pem; cat x-narrow.pem "
	"x2.pem >xn2.pem; cat x2.pem x-narrow.pem >x2n.pem\n"
	"cat x-usage.pem x2.pem >xu2.pem\n"
	"true\n";

static const struct row {
	const char *label, *anchors, *intermediates, *crl;
	const char *reason; /* NULL: a good path is found */
} rows[] = {
	/* good: one path is enough */
	{ "one", "r1.pem", "x1.pem", NULL, NULL },
	{ "the other root is not ours", "r1.pem", "x12.pem", NULL, NULL },
	{ "and stands first", "r1.pem", "x21.pem", NULL, NULL },
	{ "two of three are not ours", "r2.pem", "x132.pem", NULL, NULL },
	{ "both are ours", "r12.pem", "x12.pem", NULL, NULL },
	{ "the first is revoked", "r12.pem", "x12.pem", "r1.crl", NULL },
	{ "the second is revoked", "r12.pem", "x21.pem", "r1.crl", NULL },
	{ "the first is for servers", "r12.pem", "xt2.pem", NULL, NULL },
	{ "the second is for servers", "r12.pem", "x2t.pem", NULL, NULL },
	{ "the first is for other names", "r12.pem", "xn2.pem", NULL, NULL },
	{ "the second is for other names", "r12.pem", "x2n.pem", NULL, NULL },
	{ "the first has no cA", "r12.pem", "xu2.pem", NULL, NULL },
	/* refused */
	{ "no root of ours", "r3.pem", "x12.pem", NULL,
		"no anchor or intermediate for issuer CN=R" },
	{ "no intermediate", "r12.pem", NULL, NULL,
		"no anchor or intermediate for issuer CN=X" },
	{ "the only one is revoked", "r1.pem", "x12.pem", "r1.crl",
		"its authority CN=X was revoked on 2025-12-01 (cACompromise)" },
	{ "the only one has no cA", "r1.pem", "x-usage.pem", NULL,
		"CN=X stands above it but is no authority" },
	{ "the only one is for servers", "r1.pem", "xt2.pem", NULL,
		"CN=X may not issue certificates for e-mail" },
	{ "the only one is for other names", "r1.pem", "xn2.pem", NULL,
		"do not permit one of its names" },
};

static struct trust *
make_trust(const struct row *row)
{
	const char *const anchors[] = { own_path(row->anchors) };
	const char *const intermediates[] = { own_path(
		row->intermediates ? row->intermediates : "x") };
	const char *const crls[] = { own_path(row->crl ? row->crl : "x") };
	const struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 1,
		.intermediates = intermediates,
		.intermediate_count = row->intermediates != NULL,
		.crls = crls,
		.crl_count = row->crl != NULL,
		.revocation = TRUST_REVOCATION_SOFT };
	struct trust *trust = NULL;
	struct list warnings = { 0 };
	struct error err = { 0 };

	if (trust_new(&settings, &trust, &warnings, &err) != 0)
		fail_msg("%s: %s", row->label, err.text);
	list_clear(&warnings, mem_free);
	return trust;
}

static void
one_good_path_of_several_is_found(void **state UNUSED)
{
	struct loaded leaf;

	own_run(script);
	load_path(own_path("leaf.pem"), NULL, &leaf);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct trust *trust = make_trust(&rows[i]);
		struct error why = { 0 };
		int result = trust_check(
			trust, leaf.certs.item[0], false, time(NULL), &why);

		if ((result == 0) != (rows[i].reason == NULL))
			fail_msg("%s: %s", rows[i].label, why.text);
		if (result != 0) {
			assert_int_equal(why.kind, ERROR_TRUST);
			assert_says(rows[i].label, why.text, rows[i].reason);
		}
		trust_free(trust);
	}
	loaded_clear(&leaf);
}

static struct trust *
ordinary_trust(void)
{
	const char *const anchors[] = { pki_path("ca.pem") };
	const char *const intermediates[] = { pki_path("intermediate.pem") };
	const struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 1,
		.intermediates = intermediates,
		.intermediate_count = 1 };
	struct trust *trust = NULL;
	struct list warnings = { 0 };

	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	list_clear(&warnings, mem_free);
	return trust;
}

/* And the one answer is not kept for the other question. */
static void
weak_key_passes_where_a_rule_says_so(void **state UNUSED)
{
	static const bool orders[][4] = { { true, false, true, false },
		{ false, true, false, true } };

	for (size_t i = 0; i < COUNT_OF(orders); i++) {
		struct trust *trust = ordinary_trust();
		struct loaded weak, sha1;

		load_path(pki_path("weak.pem"), NULL, &weak);
		load_path(pki_path("sha1.pem"), NULL, &sha1);
		for (size_t k = 0; k < 4; k++) {
			struct error why = { 0 };
			bool weak_ok = orders[i][k];

			assert_int_equal(trust_check(trust, weak.certs.item[0],
						 weak_ok, FIXTURE_NOW, &why),
				weak_ok ? 0 : -1);
			if (!weak_ok)
				assert_says(
					"weak", why.text, "its key is weak");
			/* Only keys, not digests. */
			assert_int_equal(trust_check(trust, sha1.certs.item[0],
						 weak_ok, FIXTURE_NOW, &why),
				-1);
		}
		loaded_clear(&weak);
		loaded_clear(&sha1);
		trust_free(trust);
	}
}

/* Of a weak authority nothing is good, whatever the rule says. */
static void
weak_authority_never_passes(void **state UNUSED)
{
	struct trust *trust;
	struct loaded leaf;
	struct error why = { 0 };

	own_run("printf 'basicConstraints=CA:true\\n' >e && openssl genpkey "
		"-algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out wk && "
		"openssl req -new -key wk -subj /CN=Weak -config /dev/null "
		"-out w.csr && openssl x509 -req -in w.csr -CA $P/ca.pem "
		"-CAkey $P/ca.key -CAserial ws -CAcreateserial -days 999 "
		"-extfile e -out weak-ca.pem && openssl req -new -key wk "
		"-subj /CN=leaf -config /dev/null -out l.csr && openssl x509 "
		"-req -in l.csr -CA weak-ca.pem -CAkey wk -CAserial wl "
		"-CAcreateserial -days 999 -out weak-leaf.pem && cp $P/ca.pem "
		"weak-root");
	trust = make_trust(&(struct row){
		"weak", "weak-root", "weak-ca.pem", NULL, NULL });
	load_path(own_path("weak-leaf.pem"), NULL, &leaf);
	assert_int_equal(
		trust_check(trust, leaf.certs.item[0], true, time(NULL), &why),
		-1);
	assert_int_equal(why.kind, ERROR_TRUST);
	assert_says("weak", why.text, "the key of CN=Weak is weak");
	loaded_clear(&leaf);
	trust_free(trust);
}

static void
folders_may_hold_the_anchors(void **state UNUSED)
{
	const char *const folder[] = { own_path("roots") };
	const struct trust_settings settings = { .anchors = folder,
		.anchor_count = 1,
		.intermediates = folder,
		.intermediate_count = 1 };
	struct trust *trust = NULL;
	struct list warnings = { 0 };
	struct cert *alice = pki_user("alice");

	own_run("mkdir roots && cp $P/ca.pem $P/other-ca.pem roots && echo x "
		">roots/README && openssl crl2pkcs7 -nocrl -certfile "
		"$P/sha1-ca.pem -out roots/more.p7b");
	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	assert_int_equal(trust_anchor_count(trust), 3);
	assert_int_equal(warnings.count, 2);
	assert_true(list_has(&warnings, "trust.anchors: "));
	assert_true(list_has(&warnings, "trust.intermediates: "));
	assert_true(list_has(&warnings, "roots/README"));
	assert_int_equal(
		trust_check(trust, alice, false, FIXTURE_NOW, NULL), 0);
	cert_unref(alice);
	list_clear(&warnings, mem_free);
	trust_free(trust);
}

static void
anchors_without_a_certificate_are_said(void **state UNUSED)
{
	const char *const folder[] = { own_path("empty") };
	const struct trust_settings settings = { .anchors = folder,
		.anchor_count = 1 };
	struct trust *trust = NULL;
	struct list warnings = { 0 };

	own_run("mkdir empty");
	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	assert_true(list_has(&warnings, "so nothing is trusted"));
	list_clear(&warnings, mem_free);
	trust_free(trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_good_path_of_several_is_found),
		cmocka_unit_test(weak_key_passes_where_a_rule_says_so),
		cmocka_unit_test(weak_authority_never_passes),
		cmocka_unit_test(folders_may_hold_the_anchors),
		cmocka_unit_test(anchors_without_a_certificate_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
