/*
 * Each certificate of each template against the rules of RFC 5280, RFC 8550
 * and RFC 9598: Debian has no linter for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ca_fixture.h"

#define CRL_URL "http://crl.example.com/house.crl"

static struct ca_settings *settings;
static struct ca *ca;

/* ---- the rules ---- */

struct seen {
	X509 *x509;
	bool authority, self;
	const struct ca_template *template; /* of others */
	const char *address;
};

static int
critical(const struct seen *seen, int nid)
{
	int at = X509_get_ext_by_NID(seen->x509, nid, -1);

	if (at < 0)
		return -1;
	return X509_EXTENSION_get_critical(X509_get_ext(seen->x509, at));
}

/* 5280 4.1.2.1 */
static bool
is_version_3(const struct seen *seen)
{
	return X509_get_version(seen->x509) == 2;
}

/* 5280 4.1.2.2: positive, not zero, at most 20 octets; and 64 bits by chance */
static bool
serial_is_positive_and_long(const struct seen *seen)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(seen->x509);
	int len = i2d_ASN1_INTEGER(serial, NULL) - 2;

	return ASN1_STRING_type(serial) == V_ASN1_INTEGER && len >= 16 &&
	       len <= 20;
}

/* 4.1.1.2 */
static bool
both_algorithms_are_the_same(const struct seen *seen)
{
	const X509_ALGOR *outer;

	X509_get0_signature(NULL, &outer, seen->x509);
	return X509_ALGOR_cmp(outer, X509_get0_tbs_sigalg(seen->x509)) == 0;
}

/* 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050 on */
static bool
is_written_right(const ASN1_TIME *time)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(time, &tm) == 1 &&
	       (tm.tm_year < 150 ? time->type == V_ASN1_UTCTIME
				 : time->type == V_ASN1_GENERALIZEDTIME) &&
	       time->data[time->length - 1] == 'Z';
}

static bool
dates_are_written_right(const struct seen *seen)
{
	const ASN1_TIME *from = X509_get0_notBefore(seen->x509);
	const ASN1_TIME *until = X509_get0_notAfter(seen->x509);

	return is_written_right(from) && is_written_right(until) &&
	       ASN1_TIME_compare(from, until) < 0;
}

static bool
lies_within_the_issuers_time(const struct seen *seen)
{
	X509 *above = seen->authority ? ca_root(ca) : ca_issuer(ca);

	return ASN1_TIME_compare(X509_get0_notBefore(seen->x509),
		       X509_get0_notBefore(above)) >= 0 &&
	       ASN1_TIME_compare(X509_get0_notAfter(seen->x509),
		       X509_get0_notAfter(above)) <= 0;
}

/* 4.1.2.4, 4.1.2.6: names in UTF-8 or printable, mail addresses in ASCII */
static bool
names_are_encoded_right(const struct seen *seen)
{
	const X509_NAME *name = X509_get_subject_name(seen->x509);

	for (int i = 0; i < X509_NAME_entry_count(name); i++) {
		X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		int type = X509_NAME_ENTRY_get_data(entry)->type;
		int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));

		if (nid == NID_pkcs9_emailAddress
				? type != V_ASN1_IA5STRING
				: type != V_ASN1_UTF8STRING &&
					  type != V_ASN1_PRINTABLESTRING)
			return false;
	}
	return true;
}

/* 4.2.1.1, 4.2.1.2 */
static bool
key_identifiers_are_there(const struct seen *seen)
{
	X509 *above = seen->self	? seen->x509
		      : seen->authority ? ca_root(ca)
					: ca_issuer(ca);
	const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(seen->x509);
	const ASN1_OCTET_STRING *issuers =
		X509_get0_authority_key_id(seen->x509);

	return own != NULL && issuers != NULL && own->length == 20 &&
	       ASN1_OCTET_STRING_cmp(
		       issuers, X509_get0_subject_key_id(above)) == 0 &&
	       critical(seen, NID_subject_key_identifier) == 0 &&
	       critical(seen, NID_authority_key_identifier) == 0;
}

/* 4.2.1.3, 4.2.1.9; 8550 4.4.2: what the key can, and no more */
static bool
key_usage_is_right(const struct seen *seen)
{
	uint32_t usage = X509_get_key_usage(seen->x509), wanted = 0;
	bool rsa = EVP_PKEY_get_base_id(X509_get0_pubkey(seen->x509)) ==
		   EVP_PKEY_RSA;

	if (seen->authority)
		wanted = KU_KEY_CERT_SIGN | KU_CRL_SIGN;
	else {
		wanted |= seen->template->sign ? KU_DIGITAL_SIGNATURE : 0;
		wanted |= seen->template->non_repudiation ? KU_NON_REPUDIATION
							  : 0;
		if (seen->template->encrypt)
			wanted |= rsa ? KU_KEY_ENCIPHERMENT : KU_KEY_AGREEMENT;
	}
	return usage == wanted && critical(seen, NID_key_usage) == 1;
}

static bool
only_authorities_are_authorities(const struct seen *seen)
{
	if (!seen->authority)
		return X509_check_ca(seen->x509) == 0 &&
		       X509_get_pathlen(seen->x509) == -1;
	return X509_check_ca(seen->x509) == 1 &&
	       critical(seen, NID_basic_constraints) == 1 &&
	       X509_get_pathlen(seen->x509) == (seen->self ? 1 : 0);
}

/* 8550 4.4.4 */
static bool
purpose_is_mail(const struct seen *seen)
{
	uint32_t purposes = X509_get_extended_key_usage(seen->x509);

	return seen->authority ? purposes == UINT32_MAX
			       : (purposes & XKU_SMIME) != 0 &&
					 purposes != UINT32_MAX &&
					 critical(seen, NID_ext_key_usage) == 0;
}

/* 8550 3, 9598 3: the address, once, in the form it needs */
static bool
address_is_named(const struct seen *seen)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(seen->x509, NID_subject_alt_name, NULL, NULL);
	bool empty =
		X509_NAME_entry_count(X509_get_subject_name(seen->x509)) == 0;
	struct address *address = NULL;
	struct cert *cert = NULL;
	bool good;

	if (seen->authority)
		return names == NULL;
	X509_up_ref(seen->x509);
	good = addr_parse(seen->address, &address, NULL) == 0 &&
	       cert_new(seen->x509, NULL, NULL, CERT_FROM_FILE, "", &cert,
		       NULL) == 0 &&
	       cert->addresses.count == 1 &&
	       cert_names_address(cert, address) &&
	       critical(seen, NID_subject_alt_name) == (int)empty &&
	       sk_GENERAL_NAME_num(names) == (seen->template->upn ? 2 : 1);
	GENERAL_NAMES_free(names);
	address_free(address);
	cert_unref(cert);
	return good;
}

/* 4.2.1.13 */
static bool
says_where_its_list_is(const struct seen *seen)
{
	struct cert_details details = { 0 };
	struct cert *cert = NULL;
	bool good;

	if (seen->authority)
		return critical(seen, NID_crl_distribution_points) == -1;
	X509_up_ref(seen->x509);
	assert_int_equal(cert_new(seen->x509, NULL, NULL, CERT_FROM_FILE, "",
				 &cert, NULL),
		0);
	cert_details_read(cert, &details);
	good = details.crl_points.count == 1 &&
	       list_has(&details.crl_points, CRL_URL) &&
	       critical(seen, NID_crl_distribution_points) == 0;
	cert_details_clear(&details);
	cert_unref(cert);
	return good;
}

/* RFC 4262; 8551 2.5.2: a list without parameters, AES-256 first */
static bool
capabilities_are_aes(const struct seen *seen)
{
	static const unsigned char aes256[] = { 0x30, 0x0b, 0x06, 0x09, 0x60,
		0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a };
	int at = X509_get_ext_by_NID(seen->x509, NID_SMIMECapabilities, -1);
	const ASN1_OCTET_STRING *value;

	if (seen->authority || !seen->template->capabilities)
		return at < 0;
	if (at < 0 || critical(seen, NID_SMIMECapabilities) != 0)
		return false;
	value = X509_EXTENSION_get_data(X509_get_ext(seen->x509, at));
	return value->length == 2 + 3 * (int)sizeof(aes256) &&
	       memcmp(value->data + 2, aes256, sizeof(aes256)) == 0;
}

/* 4.2: each extension once */
static bool
no_extension_stands_twice(const struct seen *seen)
{
	int count = X509_get_ext_count(seen->x509);

	for (int i = 0; i < count; i++)
		if (X509_get_ext_by_OBJ(seen->x509,
			    X509_EXTENSION_get_object(
				    X509_get_ext(seen->x509, i)),
			    i) >= 0)
			return false;
	return true;
}

static const struct {
	const char *name;
	bool (*holds)(const struct seen *seen);
} rules[] = {
#define RULE(name)                                                             \
	{                                                                      \
#name, name                                                    \
	}
	RULE(is_version_3),
	RULE(serial_is_positive_and_long),
	RULE(both_algorithms_are_the_same),
	RULE(dates_are_written_right),
	RULE(lies_within_the_issuers_time),
	RULE(names_are_encoded_right),
	RULE(key_identifiers_are_there),
	RULE(key_usage_is_right),
	RULE(only_authorities_are_authorities),
	RULE(purpose_is_mail),
	RULE(address_is_named),
	RULE(says_where_its_list_is),
	RULE(capabilities_are_aes),
	RULE(no_extension_stands_twice),
};

static void
judge(const struct seen *seen, const char *label)
{
	for (size_t i = 0; i < COUNT_OF(rules); i++)
		if (!rules[i].holds(seen))
			fail_msg("%s: not so: %s", label, rules[i].name);
}

/* ---- what is judged ---- */

static void
authorities_keep_the_rules(void **state)
{
	(void)state;
	judge(&(struct seen){ ca_root(ca), true, true, NULL, NULL }, "root");
	judge(&(struct seen){ ca_issuer(ca), true, false, NULL, NULL },
		"issuer");
}

static void
issue_and_judge(struct ca_request *request, const char *label)
{
	struct error err = { 0 };
	struct seen seen = { .template = request->template };

	if (ca_issue(ca, request, 1, &err) != 0)
		fail_msg("%s: %s", label, err.text);
	seen.x509 = request->cert->x509;
	seen.address = request->entry->address;
	judge(&seen, label);
	ca_request_clear(request);
}

static void
built_in_templates_keep_the_rules(void **state)
{
	static const char *const names[] = { "user", "sign-only",
		"encrypt-only", "domain" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const struct list none = { 0 };
		struct ca_request request = { .template = ca_template_find(
						      &none, names[i]),
			.address = "alice@example.com",
			.days = 10 };

		assert_non_null(request.template);
		issue_and_judge(&request, names[i]);
	}
}

static void
own_templates_keep_the_rules(void **state)
{
	static const struct ca_template rows[] = {
		{ .name = (char *)"RSA",
			.days = 10,
			.key = CA_RSA_2048,
			.sign = true,
			.encrypt = true,
			.non_repudiation = true,
			.upn = true,
			.capabilities = true },
		{ .name = (char *)"EC, encrypts",
			.days = 10,
			.key = CA_P384,
			.encrypt = true,
			.capabilities = true },
		{ .name = (char *)"EC, signs",
			.days = 10,
			.key = CA_P256,
			.sign = true,
			.upn = true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ca_request request = { .template = &rows[i],
			.address = "alice@example.com",
			.name = "Alice Adams",
			.organisation = "Ex\xc3\xa4mple",
			.given_name = "Alice",
			.surname = "Adams" };

		issue_and_judge(&request, rows[i].name);
	}
}

static void
addresses_of_all_kinds_keep_the_rules(void **state)
{
	static const char *const addresses[] = { "Alice@Example.COM",
		"o'hara+tag@example.com",
		"alice@b\xc3\xbc"
		"cher.example",
		"j\xc3\xb6rg@example.com",
		"j\xc3\xb6rg@b\xc3\xbc"
		"cher.example",
		"a23456789012345678901234567890123456789012345678901234567890"
		"@a-rather-long-name-of-a-domain.example.com" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(addresses); i++) {
		struct ca_request request = { .template = quick(),
			.address = addresses[i] };

		issue_and_judge(&request, addresses[i]);
	}
}

static void
a_domains_certificate_has_the_mailbox_of_rfc_3183(void **state)
{
	const struct list none = { 0 };
	struct ca_request request = { .template =
					      ca_template_find(&none, "domain"),
		.address = "example.com",
		.days = 1 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ca_issue(ca, &request, 1, &err), 0);
	assert_string_equal(request.entry->address,
		"domain-confidentiality-authority@example.com");
	ca_request_clear(&request);
}

static void
other_purposes_and_lists_are_as_the_template_says(void **state)
{
	struct ca_template template = *quick();
	struct ca_request request = { .template = &template,
		.address = "alice@example.com" };
	struct error err = { 0 };

	(void)state;
	list_add(&template.extended, (void *)"emailProtection");
	list_add(&template.extended, (void *)"1.3.6.1.5.5.7.3.2");
	template.crl_url = (char *)"ldap://ldap.example.com/cn=x?crl";
	if (ca_issue(ca, &request, 1, &err) != 0)
		fail_msg("%s", err.text);
	own_certificate(ca, request.entry, "t.pem");
	own_run("openssl x509 -in t.pem -noout -text >t && grep -q 'E-mail "
		"Protection, TLS Web Client' t && grep -q "
		"'URI:ldap://ldap.example.com/cn=x?crl' t");
	ca_request_clear(&request);
	list_clear(&template.extended, NULL);
}

static void
urls_are_looked_at_before_they_are_fixed(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} rows[] = {
		{ "http://crl.example.com/a.crl", true },
		{ "https://crl.example.com:8443/a/b.crl", true },
		{ "ldap://ldap.example.com/cn=x,o=y?certificateRevocationList",
			true },
		{ "crl.example.com/a.crl", false },
		{ "http:///a.crl", false },
		{ "http://crl.example.com", false },
		{ "http://crl.example.com/", false },
		{ "ftp://crl.example.com/a.crl", false },
		{ "file:///etc/passwd", false },
		{ "http://crl.example.com/a b.crl", false },
		{ "http://crl.example.com/\xc3\xa4.crl", false },
		{ "http://crl.example.com/a\n.crl", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct error err = { 0 };

		if ((ca_url_check(rows[i].url, &err) == 0) != rows[i].good)
			fail_msg("\"%s\": %s", rows[i].url, err.text);
		if (!rows[i].good)
			assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

static int
set_up(void **state)
{
	(void)state;
	settings = house();
	settings->crl_url = mem_string(CRL_URL);
	house_create(settings);
	ca = house_unlocked(settings);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ca_close(ca);
	ca_settings_free(settings);
	clock_set(0);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities_keep_the_rules),
		cmocka_unit_test(built_in_templates_keep_the_rules),
		cmocka_unit_test(own_templates_keep_the_rules),
		cmocka_unit_test(addresses_of_all_kinds_keep_the_rules),
		cmocka_unit_test(
			a_domains_certificate_has_the_mailbox_of_rfc_3183),
		cmocka_unit_test(
			other_purposes_and_lists_are_as_the_template_says),
		cmocka_unit_test(urls_are_looked_at_before_they_are_fixed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
