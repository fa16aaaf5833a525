/* Authorities and templates of the rule file. */
#include "written.h"

#define CA "ca = ({ name = \"h\"; path = \"/h\";\n"
#define TEMPLATE "ca_templates = ({ name = \"t\";\n"
#define END "});\n"

static void
authorities_are_read(void **state)
{
	const struct ca_settings *settings;
	const struct ca_template *item;
	struct written w;

	(void)state;
	written_begin(&w);
	if (written_load(&w,
		    "stores = ({ name = \"b\"; type = \"managed\"; });\n"
		    "ca_user = \"me\";\n" CA
		    "domains = [ \"a.example\", \"*@*.b.example\" ]; store = "
		    "\"b\"; key = \"p-384\"; digest = \"sha512\"; scheme = "
		    "\"pss\"; crl_url = \"http://c/d\"; crl_days = 9; }, "
		    "{ name = \"i\"; path = \"/i\"; default = true; "
		    "});\n" TEMPLATE
		    "usage = [ \"sign\", \"non-repudiation\" ]; key = "
		    "\"p-256\"; upn = true; days = 5; domains = "
		    "\"a.example\"; extended_usage = [ \"clientAuth\", "
		    "\"emailProtection\" ];" END,
		    false) != 0)
		fail_msg("%s", written_problems(&w));
	assert_int_equal(w.conf->authorities.count, 2);
	settings = w.conf->authorities.item[0];
	assert_string_equal(settings->user, "me");
	assert_int_equal(settings->domains.count, 2);
	assert_string_equal(
		pattern_text(settings->domains.item[0]), "*@a.example");
	assert_true(settings->key == CA_P384 && settings->scheme == CA_PSS &&
		    settings->digest == CRYPTO_SHA512 &&
		    settings->crl_days == 9 && !settings->is_default);
	settings = w.conf->authorities.item[1];
	assert_true(settings->key == CA_RSA_3072 && settings->crl_days == 30 &&
		    settings->digest == CRYPTO_SHA256 && settings->is_default &&
		    settings->store == NULL);
	item = ca_template_find(&w.conf->ca_templates, "t");
	assert_non_null(item);
	assert_true(item->sign && !item->encrypt && item->non_repudiation &&
		    item->upn && item->capabilities && item->days == 5 &&
		    item->key == CA_P256);
	assert_null(ca_template_find(&w.conf->ca_templates, "u"));
	written_end(&w);
}

static void
a_purpose_that_takes_mail_in_is_enough(void **state)
{
	static const char *const rows[] = { "emailProtection",
		"1.3.6.1.5.5.7.3.4", "E-mail Protection", "anyExtendedKeyUsage",
		"2.5.29.37.0" };
	struct written w;

	(void)state;
	written_begin(&w);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			TEMPLATE "extended_usage = [ \"clientAuth\", \"%s\" "
				 "];" END,
			rows[i]);
		if (written_load(&w, text, false) != 0)
			fail_msg("%s: %s", rows[i], written_problems(&w));
	}
	written_end(&w);
}

static void
what_will_not_do_is_refused_where_it_stands(void **state)
{
	static const struct {
		const char *label, *text;
		unsigned line;
		const char *says;
	} rows[] = {
		{ "no name", "ca = (\n{ path = \"/h\"; });\n", 2,
			"ca has no \"name\"" },
		{ "no path", "ca = (\n{ name = \"h\"; });\n", 2,
			"ca has no \"path\"" },
		{ "SHA-1", CA "digest = \"sha1\";" END, 2, "none of: sha256" },
		{ "a weak key", CA "key = \"rsa-1024\";" END, 2,
			"none of: rsa-2048" },
		{ "a URL that is none", CA "crl_url = \"crl.der\";" END, 2,
			"ca.crl_url: \"crl.der\" is no http" },
		{ "a store that is none", CA "store = \"b\";" END, 1,
			"there is no store \"b\" of the type \"managed\"" },
		{ "a token that is none", CA "key_store = \"b\";" END, 1,
			"there is no store \"b\" of the type \"pkcs11\"" },
		{ "the same name", CA "}, { name = \"h\"; path = \"/i\"; });\n",
			1, "two authorities with the name \"h\"" },
		{ "the same folder",
			CA "}, { name = \"i\"; path = \"/h\"; });\n", 1,
			"the same path" },
		{ "two defaults",
			CA "default = true; }, { name = \"i\"; path = \"/i\"; "
			   "default = true; });\n",
			1, "cannot both be the default" },
		{ "no days", CA "crl_days = 0;" END, 2, "from 1 to" },
		{ "two @", CA "domains = \"a@b@c\";" END, 2, "@" },
		{ "no usage", TEMPLATE "usage = [ ];" END, 1,
			"neither sign nor encrypt" },
		{ "an unknown usage", TEMPLATE "usage = \"seal\";" END, 2,
			"none of: sign, encrypt" },
		{ "an unknown purpose",
			TEMPLATE "extended_usage = \"letters\";" END, 1,
			"\"letters\" is no purpose" },
		{ "purposes without mail",
			TEMPLATE "extended_usage = [ \"clientAuth\", "
				 "\"1.3.6.1.5.5.7.3.3\" ];" END,
			1, "lacks \"emailProtection\"" },
		{ "a template twice", TEMPLATE "}, { name = \"t\"; });\n", 1,
			"two templates with the name \"t\"" },
		{ "misspelt", CA "crl_day = 1;" END, 2,
			"did you mean \"crl_days\"" },
	};
	struct written w;

	(void)state;
	written_begin(&w);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct problem *problem;

		if (written_load(&w, rows[i].text, false) == 0)
			fail_msg("%s: is taken", rows[i].label);
		problem = w.problems.item[0];
		if (w.problems.count != 1 || problem->line != rows[i].line ||
			strstr(problem->text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].label, written_problems(&w));
	}
	written_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorities_are_read),
		cmocka_unit_test(a_purpose_that_takes_mail_in_is_enough),
		cmocka_unit_test(what_will_not_do_is_refused_where_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
