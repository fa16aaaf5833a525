/* Files of lists, and which point is asked next: what no mail shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cert_fixture.h"
#include "trust/internal.h"

enum { NOW = FIXTURE_NOW };

static const char script[] =
	"printf '[ca]\\ndefault_ca=us\\n[us]\\ndatabase=idx\\ndefault_md="
	"sha256\\ncrlnumber=num\\n' >cnf; : >idx; echo 01 >num\n"
	"openssl ca -config cnf -gencrl -cert $P/ca.pem -keyfile $P/ca.key "
	"-crldays 900 -out pem\n"
	"openssl ca -config cnf -gencrl -cert $P/other-ca.pem -keyfile "
	"$P/other-ca.key -crldays 900 -out pem2\n"
	"openssl crl -in pem -outform DER -out der\n"
	"cat pem pem2 >two; cat $P/alice.pem $P/alice.key pem >beside\n"
	"(echo 'fetched: http://x.example/'; cat pem) >kept\n"
	"openssl crl2pkcs7 -in pem -certfile $P/ca.pem -out p7b\n"
	"openssl crl2pkcs7 -in pem -outform DER -out p7b-der\n"
	"openssl crl2pkcs7 -nocrl -certfile $P/ca.pem -outform DER -out "
	"p7b-none\n"
	"head -c 100 der >cut; (cat der; echo) >longer; head -n 4 pem >half\n"
	"(cat pem; head -n 4 pem) >whole-and-half\n"
	"openssl x509 -in $P/ca.pem -outform DER -out cert.der\n"
	"cp $P/alice.p12 p12; : >empty; echo '<html>' >html\n"
	"openssl cms -encrypt -in html -outform DER -out enveloped "
	"$P/alice.pem\n";

static const struct file_row {
	const char *file;
	size_t count; /* 0: FORMAT */
} files[] = {
	/* good */
	{ "pem", 1 },
	{ "der", 1 },
	{ "kept", 1 },
	/* odd but accepted */
	{ "two", 2 },
	{ "beside", 1 },
	{ "p7b", 1 },
	{ "p7b-der", 1 },
	/* refused */
	{ "empty", 0 },
	{ "html", 0 },
	{ "cut", 0 },
	{ "half", 0 },
	{ "whole-and-half", 0 },
	{ "longer", 0 },
	{ "p7b-none", 0 },
	{ "enveloped", 0 },
	{ "cert.der", 0 },
	{ "p12", 0 },
};

static void
only_lists_are_looked_for_in_what_a_server_sends(void **state UNUSED)
{
	own_run(script);
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct buf bytes = { 0 };
		struct list crls = { 0 };
		struct error err = { 0 };
		int result;

		read_path(own_path(files[i].file), &bytes);
		result = crl_read(buf_span(&bytes), CRL_FETCHED, files[i].file,
			&crls, &err);
		if (result != (files[i].count != 0 ? 0 : -1) ||
			crls.count != files[i].count)
			fail_msg("%s: %d, %zu lists, %s", files[i].file, result,
				crls.count, err.text);
		if (result != 0) {
			assert_int_equal(err.kind, ERROR_FORMAT);
			assert_says(files[i].file, err.text, files[i].file);
		}
		buf_clear(&bytes);
		list_clear(&crls, crl_unref);
	}
}

static struct trust *
make_trust(void)
{
	const char *const anchors[] = { pki_path("ca.pem") };
	const struct trust_settings settings = { .anchors = anchors,
		.anchor_count = 1,
		.revocation = TRUST_REVOCATION_SOFT };
	struct trust *trust = NULL;
	struct list warnings = { 0 };

	clock_set(NOW);
	assert_int_equal(trust_new(&settings, &trust, &warnings, NULL), 0);
	list_clear(&warnings, mem_free);
	return trust;
}

static X509 *
with_point(const char *issuer, const char *url)
{
	X509 *x509;
	struct loaded loaded;
	char *command = mem_printf("printf 'crlDistributionPoints=URI:%s\\n' "
				   ">ext; openssl req -new -key $P/alice.key "
				   "-subj /CN=x -config /dev/null -out csr; "
				   "openssl x509 -req -in csr -CA $P/%s.pem "
				   "-CAkey $P/%s.key -CAserial srl "
				   "-CAcreateserial -extfile ext -out pointed",
		url, issuer, issuer);

	own_run(command);
	mem_free(command);
	load_path(own_path("pointed"), NULL, &loaded);
	x509 = X509_dup(((struct cert *)loaded.certs.item[0])->x509);
	loaded_clear(&loaded);
	return x509;
}

static void
add_point(struct trust *trust, const char *issuer, const char *url, bool is_new)
{
	X509 *x509 = with_point(issuer, url);

	assert_int_equal(points_add(&trust->points, x509), is_new);
	X509_free(x509);
}

static void
authorities_that_name_one_url_are_two_points(void **state UNUSED)
{
	struct trust *trust = make_trust();

	add_point(trust, "ca", "http://x.example/crl", true);
	add_point(trust, "other-ca", "http://x.example/crl", true);
	add_point(trust, "ca", "http://x.example/crl", false);
	assert_int_equal(trust->points.all.count, 2);
	trust_free(trust);
}

static void
failed_at(struct trust *trust, size_t i, time_t next_try)
{
	struct point *point = trust->points.all.item[i];

	point->known = true;
	point->failures = 1;
	point->next_try = next_try;
}

static void
whoever_waits_longest_is_asked_next(void **state UNUSED)
{
	struct trust *trust = make_trust();
	struct list *all = &trust->points.all;

	assert_null(fetch_next_due(trust));
	add_point(trust, "ca", "http://dead.example/1", true);
	add_point(trust, "ca", "http://dead.example/2", true);
	add_point(trust, "ca", "http://good.example/3", true);
	assert_ptr_equal(fetch_next_due(trust), all->item[0]);
	failed_at(trust, 0, NOW - 10);
	failed_at(trust, 1, NOW - 20);
	/* One that was never asked, before those that failed. */
	assert_ptr_equal(fetch_next_due(trust), all->item[2]);
	failed_at(trust, 2, NOW - 30);
	assert_ptr_equal(fetch_next_due(trust), all->item[2]);
	failed_at(trust, 2, NOW + 30);
	assert_ptr_equal(fetch_next_due(trust), all->item[1]);
	failed_at(trust, 1, NOW + 30);
	failed_at(trust, 0, NOW + 30);
	assert_null(fetch_next_due(trust));
	trust_free(trust);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			only_lists_are_looked_for_in_what_a_server_sends),
		cmocka_unit_test(authorities_that_name_one_url_are_two_points),
		cmocka_unit_test(whoever_waits_longest_is_asked_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
