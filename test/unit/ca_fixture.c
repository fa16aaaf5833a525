#include "ca_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/mem.h"

struct ca_settings *
house(void)
{
	struct ca_settings *settings = mem_alloc(sizeof(*settings));

	settings->name = mem_string("house");
	settings->path = mem_string(own_path("ca"));
	settings->key = CA_P256;
	settings->digest = CRYPTO_SHA256;
	settings->crl_days = 30;
	return settings;
}

const struct ca_template *
quick(void)
{
	static const struct ca_template template = { .name = (char *)"quick",
		.days = 10,
		.key = CA_P256,
		.sign = true,
		.encrypt = true,
		.capabilities = true };

	return &template;
}

void
house_create(const struct ca_settings *settings)
{
	static const struct ca_names names = { .root = "Root",
		.issuer = "Issuer",
		.more = "O=Example",
		.root_days = 200,
		.issuer_days = 100 };
	struct error err = { 0 };

	own_run("rm -rf ca ca.*");
	clock_set(CA_NOW);
	if (ca_create(settings, &names, CA_PASSWORD, "tester", &err) != 0)
		fail_msg("%s", err.text);
}

struct ca *
house_open(const struct ca_settings *settings)
{
	struct error err = { 0 };
	struct ca *ca = NULL;

	if (ca_open(settings, "tester", &ca, &err) != 0)
		fail_msg("%s", err.text);
	return ca;
}

struct ca *
house_unlocked(const struct ca_settings *settings)
{
	struct error err = { 0 };
	struct ca *ca = house_open(settings);

	if (ca_unlock(ca, CA_PASSWORD, &err) != 0)
		fail_msg("%s", err.text);
	return ca;
}

const struct ca_entry *
house_issue(struct ca *ca, const char *address)
{
	struct ca_request request = { .template = quick(), .address = address };
	const struct ca_entry *entry;
	struct error err = { 0 };

	if (ca_issue(ca, &request, 1, &err) != 0)
		fail_msg("%s: %s", address, err.text);
	entry = request.entry;
	assert_non_null(entry);
	ca_request_clear(&request);
	return entry;
}

void
assert_no_problems(struct ca *ca)
{
	struct list problems = { 0 };
	struct error err = { 0 };

	if (ca_check(ca, &problems, &err) != 0)
		fail_msg("%s", err.text);
	if (problems.count != 0)
		fail_msg("%s", (const char *)problems.item[0]);
	list_clear(&problems, mem_free);
}

void
own_certificate(struct ca *ca, const struct ca_entry *entry, const char *name)
{
	struct cert *cert = NULL;
	struct error err = { 0 };
	FILE *out = fopen(own_path(name), "w");

	assert_non_null(out);
	if (ca_load(ca, entry, false, &cert, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(PEM_write_X509(out, cert->x509), 1);
	fclose(out);
	cert_unref(cert);
}
