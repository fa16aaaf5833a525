/* An authority at work; openssl judges what it made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "ca_fixture.h"

enum { DAY = 86400 };

static struct ca_settings *settings;

static int
set_up(void **state)
{
	(void)state;
	settings = house();
	house_create(settings);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ca_settings_free(settings);
	clock_set(0);
	return 0;
}

/* ---- create ---- */

static void
root_and_issuer_are_what_was_asked_for(void **state)
{
	static const struct {
		const char *label;
		enum ca_key_kind key;
		enum crypto_digest digest;
		enum ca_scheme scheme;
		const char *says;
	} rows[] = {
		{ "RSA, PKCS#1", CA_RSA_2048, CRYPTO_SHA256, CA_PKCS1,
			"sha256WithRSAEncryption" },
		{ "RSA, PSS", CA_RSA_2048, CRYPTO_SHA384, CA_PSS,
			"rsassaPss.*Hash Algorithm: sha384.*mgf1 with sha384.*"
			"Salt Length: 0x30" },
		{ "RSA, SHA-512", CA_RSA_3072, CRYPTO_SHA512, CA_PKCS1,
			"sha512WithRSAEncryption.*3072 bit" },
		{ "P-256", CA_P256, CRYPTO_SHA256, CA_PKCS1,
			"ecdsa-with-SHA256.*P-256" },
		{ "P-384", CA_P384, CRYPTO_SHA384, CA_PSS,
			"ecdsa-with-SHA384.*P-384" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ca *ca;
		char *look = mem_printf("openssl x509 -in ca/issuer.pem -noout "
					"-text | tr '\\n' ' ' | grep -q '%s'",
			rows[i].says);

		settings->key = rows[i].key;
		settings->digest = rows[i].digest;
		settings->scheme = rows[i].scheme;
		house_create(settings);
		own_run("openssl verify -attime 1767225700 -x509_strict "
			"-CAfile ca/root.pem ca/issuer.pem");
		own_run(look);
		own_run("openssl crl -inform DER -in ca/root.crl -noout "
			"-CAfile ca/root.pem");
		ca = house_unlocked(settings);
		own_certificate(ca, house_issue(ca, "a@example.com"), "a.pem");
		own_run("openssl verify -attime 1767225700 -x509_strict "
			"-purpose smimesign -CAfile ca/root.pem "
			"-untrusted ca/issuer.pem a.pem");
		ca_close(ca);
		mem_free(look);
	}
}

static void
an_authority_that_will_not_do_is_not_made(void **state)
{
	static const struct {
		const char *label;
		struct ca_names names;
		const char *password, *says;
	} rows[] = {
		{ "same name", { "A", "A", NULL, 200, 100 }, "x", "same name" },
		{ "same but for case", { "Ab", "aB", NULL, 200, 100 }, "x",
			"same name" },
		{ "no name", { NULL, "A", NULL, 200, 100 }, "x",
			"common name" },
		{ "an empty one", { "", "A", NULL, 200, 100 }, "x", "empty" },
		{ "a newline", { "A\nB", "A", NULL, 200, 100 }, "x",
			"control" },
		{ "too long",
			{ "12345678901234567890123456789012345678901234567890"
			  "12345678901234567890",
				"A", NULL, 200, 100 },
			"x", "too long" },
		{ "outlives its root", { "A", "B", NULL, 99, 100 }, "x",
			"only for 99" },
		{ "no days", { "A", "B", NULL, 0, 0 }, "x", "1 to" },
		{ "too many", { "A", "B", NULL, 40000, 100 }, "x", "1 to" },
		{ "no passphrase", { "A", "B", NULL, 200, 100 }, "",
			"passphrase" },
		{ "no name at all", { "A", "B", "Example", 200, 100 }, "x",
			"O=Example" },
		{ "an unknown part", { "A", "B", "X=y", 200, 100 }, "x",
			"no part of a name" },
		{ "a long country", { "A", "B", "C=DEU", 200, 100 }, "x", "C" },
	};

	(void)state;
	own_run("rm -rf ca");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct error err = { 0 };

		assert_int_equal(ca_create(settings, &rows[i].names,
					 rows[i].password, "x", &err),
			-1);
		assert_says(rows[i].label, err.text, rows[i].says);
		assert_int_equal(err.kind, ERROR_CONFIG);
		own_run("! ls -d ca*");
	}
}

static void
an_authority_is_created_once(void **state)
{
	static const struct ca_names names = { "A", "B", NULL, 2, 1 };
	struct error err = { 0 };

	(void)state;
	own_run("cp ca/root.pem was.pem");
	assert_int_equal(ca_create(settings, &names, "x", "x", &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("there", err.text, "is there already");
	own_run("cmp ca/root.pem was.pem && ! ls -d ca.*");
	/* An empty folder, made for it, is no authority. */
	own_run("rm -rf ca && mkdir ca");
	if (ca_create(settings, &names, "x", "x", &err) != 0)
		fail_msg("%s", err.text);
}

static void
keys_rest_behind_the_passphrase(void **state)
{
	struct error err = { 0 };
	struct ca *ca = house_open(settings);

	(void)state;
	own_run("for k in root issuer escrow; do openssl pkey -noout -in "
		"ca/$k.key -passin 'pass:" CA_PASSWORD "' || exit 1; "
		"openssl pkey -noout -in ca/$k.key -passin pass:x && exit 1; "
		"openssl asn1parse -in ca/$k.key | grep -q aes-256-cbc || "
		"exit 1; openssl asn1parse -in ca/$k.key | grep -q "
		"hmacWithSHA256 || exit 1; done; true");
	own_run("test -z \"$(find ca -name '*.key' -perm /077)\"");
	assert_int_equal(ca_unlock(ca, "wrong", &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("wrong", err.text, "passphrase is not the right one");
	assert_int_equal(ca_crl(ca, 0, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	ca_close(ca);
}

static void
the_roots_key_can_leave(void **state)
{
	struct error err = { 0 };
	struct buf pem = { 0 };
	struct ca *ca = house_unlocked(settings);

	(void)state;
	assert_int_equal(ca_root_key(ca, &pem, &err), 0);
	own_write("root-copy.key", buf_span(&pem), 0600);
	buf_clear(&pem);
	assert_int_equal(ca_root_key_remove(ca, &err), 0);
	own_run("! test -e ca/root.key && openssl pkey -noout -in "
		"root-copy.key -passin 'pass:" CA_PASSWORD "'");
	assert_int_equal(ca_root_key(ca, &pem, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(ca_root_key_remove(ca, &err), -1);
	/* The issuer goes on. */
	house_issue(ca, "a@example.com");
	assert_no_problems(ca);
	ca_close(ca);
}

/* ---- issue ---- */

static void
keys_in_escrow_open_with_openssl_alone(void **state)
{
	struct ca *ca = house_unlocked(settings);
	const struct ca_entry *entry = house_issue(ca, "a@example.com");
	char *command = mem_printf(
		"P=$(openssl pkey -in ca/escrow.key -passin 'pass:" CA_PASSWORD
		"' -outform DER | sha256sum | cut -c 1-64) && "
		"openssl pkey -in ca/certificates/%s.pem -passin pass:$P "
		"-pubout >key.pub && openssl x509 -in ca/certificates/%s.pem "
		"-noout -pubkey | cmp - key.pub",
		entry->serial, entry->serial);
	struct cert *cert = NULL;

	(void)state;
	own_run(command);
	assert_int_equal(ca_load(ca, entry, true, &cert, NULL), 0);
	assert_non_null(cert->key);
	assert_int_equal(sk_X509_num(cert->chain), 1);
	cert_unref(cert);
	mem_free(command);
	ca_close(ca);
}

static void
without_escrow_the_key_is_given_away_once(void **state)
{
	struct ca *ca = house_unlocked(settings);
	struct ca_request request = { .template = quick(),
		.address = "a@example.com",
		.no_escrow = true };
	struct error err = { 0 };
	struct cert *cert = NULL;

	(void)state;
	assert_int_equal(ca_issue(ca, &request, 1, &err), 0);
	assert_non_null(request.cert->key);
	assert_false(request.entry->has_key);
	assert_int_equal(ca_load(ca, request.entry, true, &cert, &err), -1);
	assert_int_equal(err.kind, ERROR_NOKEY);
	own_run("! grep -r PRIVATE ca/certificates");
	ca_request_clear(&request);
	ca_close(ca);
}

static void
a_request_gives_its_key_and_nothing_else(void **state)
{
	struct ca *ca = house_unlocked(settings);
	struct ca_request request = { .template = quick(),
		.address = "a@example.com" };
	struct error err = { 0 };
	struct buf bytes = { 0 };

	(void)state;
	own_run("openssl req -new -newkey rsa:2048 -nodes -keyout r.key -out "
		"r.csr -subj '/CN=Evil/emailAddress=evil@example.org' -addext "
		"basicConstraints=critical,CA:TRUE -addext "
		"subjectAltName=email:evil@example.org");
	read_path(own_path("r.csr"), &bytes);
	assert_int_equal(ca_read_csr(buf_span(&bytes), &request.csr, &err), 0);
	assert_int_equal(ca_issue(ca, &request, 1, &err), 0);
	own_certificate(ca, request.entry, "r.pem");
	own_run("openssl x509 -in r.pem -noout -text >r.txt && "
		"! grep -i evil r.txt && ! grep CA:TRUE r.txt && "
		"grep -q email:a@example.com r.txt");
	own_run("openssl x509 -in "
		"r.pem -noout -pubkey >r1 && openssl pkey -in r.key -pubout "
		">r2 && cmp r1 r2");
	assert_null(request.cert->key);
	ca_request_clear(&request);
	buf_clear(&bytes);
	ca_close(ca);
}

/* Each into c; the key is new each time. */
#define REQUEST "openssl req -new -nodes -keyout k -subj /CN=x -newkey "
#define RSA_OF(exponent)                                                       \
	REQUEST "rsa:2048 -pkeyopt rsa_keygen_pubexp:" exponent " -outform "   \
		"DER -out c"
#define CURVE(name) REQUEST "ec -pkeyopt ec_paramgen_curve:" name " -out c"
#define PATCH(from, to) " && perl -0777 -pi -e 's/" from "/" to "/s' c"

static int
issue_for_request(struct ca *ca, const char *make, struct error *err)
{
	struct ca_request request = { .template = quick(),
		.address = "a@example.com" };
	struct buf bytes = { 0 };
	int result;

	own_run(make);
	read_path(own_path("c"), &bytes);
	result = ca_read_csr(buf_span(&bytes), &request.csr, err);
	if (result == 0)
		result = ca_issue(ca, &request, 1, err);
	ca_request_clear(&request);
	buf_clear(&bytes);
	return result;
}

static void
a_request_with_a_sound_key_is_taken(void **state)
{
	static const char *const rows[] = { RSA_OF("65537"),
		RSA_OF("4294967291"), REQUEST "rsa:2048 -out c",
		REQUEST "rsa:3072 -sigopt rsa_padding_mode:pss -out c",
		CURVE("P-256"), CURVE("P-384"), CURVE("P-521"),
		CURVE("brainpoolP256r1"), CURVE("brainpoolP384r1"),
		CURVE("brainpoolP512r1") };
	struct ca *ca = house_unlocked(settings);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct error err = { 0 };

		if (issue_for_request(ca, rows[i], &err) != 0)
			fail_msg("%s: %s", rows[i], err.text);
	}
	ca_close(ca);
}

static const struct {
	const char *label, *make;
	enum error_kind kind;
	const char *says;
} refused_requests[] = {
	{ "not signed with its key",
		RSA_OF("65537") " && head -c -16 c >d && mv d c && "
				"printf 0123456789abcdef >>c",
		ERROR_FORMAT, "its signature" },
	{ "nothing", ": >c", ERROR_FORMAT, "no certificate request" },
	{ "a certificate", "cp ca/root.pem c", ERROR_FORMAT,
		"no certificate request" },
	{ "huge",
		REQUEST "rsa:2048 -out c && head -c 70000 /dev/zero "
			">>c",
		ERROR_LIMIT, "no more than 65536 bytes" },
	{ "a weak key", REQUEST "rsa:1024 -out c", ERROR_CONFIG, "1024 bits" },
	{ "a key that is slow to verify",
		REQUEST "rsa:8200 -pkeyopt rsa_keygen_primes:5 -out c",
		ERROR_CONFIG, "8200 bits" },
	{ "exponent 3", RSA_OF("3"), ERROR_CONFIG, "exponent" },
	{ "exponent 65535", RSA_OF("65535"), ERROR_CONFIG, "exponent" },
	{ "exponent 1: each signature is good",
		RSA_OF("3")
			PATCH("\\x02\\x01\\x03\\xa0", "\\x02\\x01\\x01\\xa0"),
		ERROR_CONFIG, "exponent" },
	{ "an even exponent",
		RSA_OF("65537") PATCH("\\x02\\x03\\x01\\x00\\x01\\xa0",
			"\\x02\\x03\\x01\\x00\\x02\\xa0"),
		ERROR_CONFIG, "exponent" },
	{ "a long exponent", RSA_OF("18446744073709551617"), ERROR_CONFIG,
		"exponent" },
	{ "an even modulus",
		RSA_OF("65537") PATCH(".\\x02\\x03\\x01\\x00\\x01\\xa0",
			"\\x02\\x02\\x03\\x01\\x00\\x01\\xa0"),
		ERROR_CONFIG, "no valid public key" },
	{ "a curve for coins", CURVE("secp256k1"), ERROR_CONFIG,
		"none of the curves" },
	{ "a small curve", CURVE("prime192v1"), ERROR_CONFIG,
		"none of the curves" },
	{ "parameters of its own",
		CURVE("P-256 -pkeyopt ec_param_enc:explicit"), ERROR_CONFIG,
		"none of the curves" },
	{ "a point that is not on the curve",
		CURVE("P-256 -outform DER") PATCH(
			"\\x03\\x42\\x00\\x04....", "\\x03\\x42\\x00\\x04abcd"),
		ERROR_FORMAT, "" },
	{ "a key of another kind", REQUEST "ed25519 -out c", ERROR_CONFIG,
		"neither RSA nor EC" },
};

static void
a_request_that_will_not_do_is_refused(void **state)
{
	struct ca *ca = house_unlocked(settings);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused_requests); i++) {
		struct error err = { 0 };

		if (issue_for_request(ca, refused_requests[i].make, &err) == 0)
			fail_msg("%s: is taken", refused_requests[i].label);
		if (err.kind != refused_requests[i].kind ||
			strstr(err.text, refused_requests[i].says) == NULL)
			fail_msg("%s: %s", refused_requests[i].label, err.text);
	}
	own_run("test -z \"$(ls ca/certificates)\"");
	ca_close(ca);
}

static void
what_may_not_be_issued_is_refused_whole(void **state)
{
	static const struct ca_template
		useless = { .name = (char *)"useless",
			.days = 1,
			.key = CA_P256 },
		bad_url = { .name = (char *)"url",
			.days = 1,
			.key = CA_P256,
			.sign = true,
			.crl_url = (char *)"file:///etc/passwd" };
	struct {
		const char *label, *address, *says;
		unsigned days;
		const struct ca_template *template;
	} rows[] = {
		{ "foreign domain", "a@example.org", "domains", 0, NULL },
		{ "a domain below", "a@sub.example.com", "domains", 0, NULL },
		{ "control character", "a\x01@example.com", "control", 0,
			NULL },
		{ "a blank", "a b@example.com", "blank", 0, NULL },
		{ "a newline", "a@example.com\nb@example.com", "control", 0,
			NULL },
		{ "no domain", "alice", "no address", 0, NULL },
		{ "nothing", "", "no address", 0, NULL },
		{ "longer than the issuer", "a@example.com", "100", 101, NULL },
		{ "good for nothing", "a@example.com", "neither", 0, &useless },
		{ "a bad URL", "a@example.com", "URL", 0, &bad_url },
	};
	struct pattern *ours = NULL;
	struct ca *ca = house_unlocked(settings);

	(void)state;
	assert_int_equal(pattern_new("*@example.com", &ours, NULL), 0);
	list_add(&settings->domains, ours);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct error err = { 0 };
		struct ca_request both[] = {
			{ .template = quick(), .address = "b@example.com" },
			{ .template = rows[i].template ? rows[i].template
						       : quick(),
				.address = rows[i].address,
				.days = rows[i].days }
		};

		assert_int_equal(ca_issue(ca, both, 2, &err), -1);
		assert_says(rows[i].label, err.text, rows[i].says);
		assert_int_equal(err.kind, ERROR_CONFIG);
		ca_request_clear(&both[0]);
		ca_request_clear(&both[1]);
	}
	own_run("test -z \"$(ls ca/certificates ca/new | grep pem)\" && "
		"test $(wc -l <ca/journal) = 1");
	ca_close(ca);
}

static void
a_clock_that_was_set_back_issues_nothing(void **state)
{
	struct ca *ca = house_unlocked(settings);
	struct ca_request request = { .template = quick(),
		.address = "a@example.com" };
	struct error err = { 0 };

	(void)state;
	house_issue(ca, "b@example.com");
	clock_set(CA_NOW - 3600);
	assert_int_equal(ca_issue(ca, &request, 1, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says("issue", err.text, "set the clock right");
	assert_int_equal(ca_crl(ca, 0, &err), -1);
	assert_says("list", err.text, "set the clock right");
	/* Two machines need not agree to the second. */
	clock_set(CA_NOW - 60);
	assert_int_equal(ca_issue(ca, &request, 1, &err), 0);
	ca_request_clear(&request);
	ca_close(ca);
}

static void
nothing_is_valid_longer_than_the_issuer(void **state)
{
	struct ca *ca = house_unlocked(settings);
	struct ca_request request = { .template = quick(),
		.address = "a@example.com" };
	struct error err = { 0 };

	(void)state;
	clock_set(CA_NOW + 95 * DAY);
	assert_int_equal(ca_issue(ca, &request, 1, &err), -1);
	assert_says("late", err.text, "(5)");
	clock_set(CA_NOW + 101 * DAY);
	assert_int_equal(ca_issue(ca, &request, 1, &err), -1);
	assert_says("too late", err.text, "has ended");
	ca_request_clear(&request);
	ca_close(ca);
}

/* ---- states ---- */

static void
a_certificate_goes_from_state_to_state(void **state)
{
	struct ca *ca = house_unlocked(settings);
	const struct ca_entry *first = house_issue(ca, "a@example.com");
	struct ca_request next = {
		.template = quick(), .address = "a@example.com", .renews = first
	};
	struct list due = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ca_entry_state(first, CA_NOW), CA_VALID);
	ca_renewable(ca, 5, CA_NOW, &due);
	assert_int_equal(due.count, 0);
	ca_renewable(ca, 5, CA_NOW + 6 * DAY, &due);
	assert_int_equal(due.count, 1);
	list_clear(&due, NULL);
	clock_set(CA_NOW + 6 * DAY);
	next.same_key = true;
	assert_int_equal(ca_issue(ca, &next, 1, &err), 0);
	/* The old one stays, and is not renewed twice. */
	assert_int_equal(ca_entry_state(first, CA_NOW), CA_VALID);
	assert_ptr_equal(first->renewed_by, next.entry);
	ca_renewable(ca, 5, CA_NOW + 6 * DAY, &due);
	assert_int_equal(due.count, 0);
	own_certificate(ca, first, "1.pem");
	own_certificate(ca, next.entry, "2.pem");
	own_run("openssl x509 -in 1.pem -noout -pubkey >1 && openssl x509 -in "
		"2.pem -noout -pubkey | cmp 1 -");
	assert_int_equal(ca_entry_state(first, CA_NOW + 11 * DAY), CA_EXPIRED);
	ca_request_clear(&next);
	ca_close(ca);
}

static void
superseding_revokes_the_old_one_in_the_same_breath(void **state)
{
	struct ca *ca = house_unlocked(settings);
	const struct ca_entry *first = house_issue(ca, "a@example.com");
	struct ca_request next = { .template = quick(),
		.address = "a@example.com",
		.renews = first,
		.supersedes = true };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ca_issue(ca, &next, 1, &err), 0);
	assert_int_equal(ca_entry_state(first, CA_NOW), CA_SUPERSEDED);
	assert_ptr_equal(ca_current(ca, "a@example.com", CA_NOW), next.entry);
	ca_request_clear(&next);
	/* Once. */
	next = (struct ca_request){ .template = quick(),
		.address = "a@example.com",
		.renews = first,
		.supersedes = true };
	assert_int_equal(ca_issue(ca, &next, 1, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	ca_request_clear(&next);
	ca_close(ca);
}

static void
what_was_read_again_is_the_same(void **state)
{
	struct ca *ca = house_unlocked(settings);
	struct ca_request request = { .template = quick(),
		.address = "\"o d d\"@example.com",
		.name = "J\xc3\xb6rg % \"x\" = y",
		.organisation = "A, B",
		.internal = true };
	struct error err = { 0 };
	struct list all = { 0 };
	const struct ca_entry *entry;

	(void)state;
	request.address = "=%41@example.com";
	if (ca_issue(ca, &request, 1, &err) != 0)
		fail_msg("%s", err.text);
	ca_close(ca);
	ca_request_clear(&request);
	ca = house_open(settings);
	ca_list(ca, &all);
	assert_int_equal(all.count, 1);
	entry = all.item[0];
	assert_string_equal(entry->address, "=%41@example.com");
	assert_string_equal(entry->name, "J\xc3\xb6rg % \"x\" = y");
	assert_string_equal(entry->organisation, "A, B");
	assert_true(entry->internal && entry->has_key && !entry->filed);
	list_clear(&all, NULL);
	ca_close(ca);
}

static void
two_at_once_do_each_other_no_harm(void **state)
{
	enum { PROCESSES = 4, EACH = 8 };
	struct ca *ca = house_unlocked(settings);
	struct list all = { 0 };

	(void)state;
	for (int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			for (int k = 0; k < EACH; k++) {
				struct error err = { 0 };
				const struct ca_entry *entry =
					house_issue(ca, "a@example.com");

				if (k % 2 == 0 &&
					ca_revoke(ca, entry, 1, &err) != 0)
					_exit(1);
			}
			_exit(0);
		}
	for (int i = 0; i < PROCESSES; i++) {
		int status = 1;

		wait(&status);
		assert_int_equal(status, 0);
	}
	ca_close(ca);
	ca = house_unlocked(settings);
	ca_list(ca, &all);
	assert_int_equal(all.count, PROCESSES * EACH);
	assert_int_equal(ca_crl(ca, 0, NULL), 0);
	assert_no_problems(ca);
	list_clear(&all, NULL);
	ca_close(ca);
}

/* ---- into a managed store ---- */

static void
internal_ones_are_filed_and_stay_filed(void **state)
{
	struct store_settings how = {
		.name = "book", .type = "managed", .state = own_path("state")
	};
	struct ca *ca = house_unlocked(settings);
	struct ca_request request = { .template = quick(),
		.address = "a@example.com",
		.internal = true };
	struct list warnings = { 0 }, found = { 0 };
	struct store *store = NULL;
	struct error err = { 0 };
	const struct cert *cert;

	(void)state;
	own_run("rm -rf state && mkdir state");
	assert_int_equal(store_open(&how, &store, &warnings, &err), 0);
	assert_int_equal(ca_issue(ca, &request, 1, &err), 0);
	/* Not there: it is tried again. */
	assert_int_equal(ca_file(ca, store, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_false(request.entry->filed);
	assert_int_equal(store_make(store, &err), 1);
	assert_int_equal(ca_file(ca, store, &err), 0);
	assert_true(request.entry->filed);
	assert_int_equal(store_list_own(store, &found, &err), 0);
	assert_int_equal(found.count, 1);
	cert = found.item[0];
	assert_string_equal(cert->sha256, request.entry->sha256);
	assert_int_equal(cert->origin, CERT_ISSUED);
	assert_int_equal(sk_X509_num(cert->chain), 1);
	list_clear(&found, cert_unref);
	ca_unfiled(ca, &found);
	assert_int_equal(found.count, 0);
	ca_request_clear(&request);
	list_clear(&warnings, mem_free);
	store_close(store);
	ca_close(ca);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static unsigned heard;

static void
hear(enum event_kind kind, const char *text)
{
	assert_int_equal(kind, EVENT_WARNING);
	assert_non_null(strstr(text, "@example.com: left out: "));
	assert_non_null(strstr(text, "/ca/certificates/"));
	heard++;
}

static void
a_damaged_file_stops_none_behind_it(void **state)
{
	static const struct {
		const char *address, *damage; /* in FILE */
		bool filed;
	} rows[] = {
		{ "cut@example.com", "head -c 100 $FILE >x && cp x $FILE",
			false },
		{ "gone@example.com", "rm $FILE", false },
		{ "exchanged@example.com", "cp ca/issuer.pem $FILE", false },
		{ "keyless@example.com",
			"sed '/ENCRYPTED/,$d' $FILE >x && cp x $FILE", false },
		{ "good@example.com", ":", true },
	};
	struct store_settings how = {
		.name = "book", .type = "managed", .state = own_path("state")
	};
	struct ca *ca = house_unlocked(settings);
	struct ca_request requests[COUNT_OF(rows)];
	struct list warnings = { 0 };
	struct store *store = NULL;
	struct error err = { 0 };

	(void)state;
	own_run("rm -rf state && mkdir state");
	assert_int_equal(store_open(&how, &store, &warnings, &err), 0);
	assert_int_equal(store_make(store, &err), 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		requests[i] = (struct ca_request){ .template = quick(),
			.address = rows[i].address,
			.internal = true };
	assert_int_equal(ca_issue(ca, requests, COUNT_OF(rows), &err), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *line = mem_printf("FILE=ca/certificates/%s.pem; %s",
			requests[i].entry->serial, rows[i].damage);

		own_run(line);
		mem_free(line);
	}
	event_set_sink(hear);
	heard = 0;
	assert_int_equal(ca_file(ca, store, &err), -1);
	event_set_sink(NULL);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_string_equal(err.text, "4 of 5 certificates had to be left out");
	assert_int_equal(heard, 4);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(requests[i].entry->filed, rows[i].filed);
		ca_request_clear(&requests[i]);
	}
	list_clear(&warnings, mem_free);
	store_close(store);
	ca_close(ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(root_and_issuer_are_what_was_asked_for),
		TEST(an_authority_that_will_not_do_is_not_made),
		TEST(an_authority_is_created_once),
		TEST(keys_rest_behind_the_passphrase),
		TEST(the_roots_key_can_leave),
		TEST(keys_in_escrow_open_with_openssl_alone),
		TEST(without_escrow_the_key_is_given_away_once),
		TEST(a_request_gives_its_key_and_nothing_else),
		TEST(a_request_with_a_sound_key_is_taken),
		TEST(a_request_that_will_not_do_is_refused),
		TEST(what_may_not_be_issued_is_refused_whole),
		TEST(a_clock_that_was_set_back_issues_nothing),
		TEST(nothing_is_valid_longer_than_the_issuer),
		TEST(a_certificate_goes_from_state_to_state),
		TEST(superseding_revokes_the_old_one_in_the_same_breath),
		TEST(what_was_read_again_is_the_same),
		TEST(two_at_once_do_each_other_no_harm),
		TEST(internal_ones_are_filed_and_stay_filed),
		TEST(a_damaged_file_stops_none_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
