/* Tables of rules: what their lines become, and how bad ones are told. */
#include "written.h"

#define STORE                                                                  \
	"stores = ({ name = \"book\"; type = \"managed\"; },\n"                \
	" { name = \"other\"; type = \"managed\"; });\n"                       \
	"trust = { revocation = \"off\"; };\n"
#define TABLE "table = \"@/t\"; "
#define ENCRYPT(more)                                                          \
	STORE "encrypt = ({ name = \"p\"; " TABLE                              \
	      "stores = \"book\"; trusted = false; " more " });\n"
#define SIGN(more)                                                             \
	STORE "sign = ({ name = \"s\"; " TABLE "stores = \"book\"; " more      \
	      " });\n"

/* "@" is the folder. */
static int
load(struct written *w, const char *text, const char *table)
{
	const char *at = strchr(text, '@');
	char *whole = mem_printf(
		"%.*s%s%s", (int)(at - text), text, w->folder, at + 1);
	int result;

	written_forget(w);
	written_file(w, "t", table);
	result = written_load(w, whole, true);
	mem_free(whole);
	return result;
}

static void *
find(const struct rule *rule, const char *text)
{
	struct address *address = NULL;
	void *value;

	assert_int_equal(addr_parse(text, &address, NULL), 0);
	value = table_find(rule->table, address);
	address_free(address);
	return value;
}

static void
a_line_changes_what_it_says_and_nothing_else(void **state)
{
	const struct encrypt_rule *rule, *one;
	struct written w;

	(void)state;
	written_begin(&w);
	if (load(&w, ENCRYPT("otherwise = \"reject\"; to_self = true;"),
		    "# a comment\n\n"
		    "plain.example\n"
		    "a.example\tcipher=aes-256-gcm key_transport=oaep "
		    "oaep_digest=sha384\r\n"
		    "  b.example mode=allow # and so on\n"
		    "c.example mode=none\n"
		    "d.example mode=mandatory otherwise=tempfail\n"
		    "e.example stores=other,book to_self=false weak_keys=true\n"
		    "f@x.example certificate=\"subject:CN=F Smith\"\n"
		    "g.example accept=pgp trusted=true\n"
		    "h.example otherwise=pass") != 0)
		fail_msg("%s", written_problems(&w));
	rule = w.conf->gateway->encrypt_rules.item[0];
	assert_int_equal(rule->variants.count, 8);
	assert_ptr_equal(find(&rule->rule, "x@plain.example"), rule);
	one = find(&rule->rule, "x@a.example");
	assert_string_equal(one->rule.name, "p");
	assert_int_equal(one->cipher, CMS_AES256_GCM);
	assert_int_equal(one->transport, CMS_RSA_OAEP);
	assert_int_equal(one->oaep_digest, CRYPTO_SHA384);
	assert_int_equal(one->rule.otherwise, OTHERWISE_REJECT);
	assert_true(one->to_self);
	assert_false(one->trusted);
	assert_int_equal(one->stores.count, 1);
	one = find(&rule->rule, "x@b.example");
	assert_int_equal(one->rule.otherwise, OTHERWISE_PASS);
	assert_int_equal(one->cipher, CMS_AES256_CBC);
	assert_true(((struct encrypt_rule *)find(&rule->rule, "x@c.example"))
			    ->rule.none);
	one = find(&rule->rule, "x@d.example");
	assert_int_equal(one->rule.otherwise, OTHERWISE_TEMPFAIL);
	one = find(&rule->rule, "x@e.example");
	assert_int_equal(one->stores.count, 2);
	assert_string_equal(store_name(one->stores.item[0]), "other");
	assert_false(one->to_self);
	assert_true(one->weak_keys);
	one = find(&rule->rule, "f@x.example");
	assert_non_null(one->selector);
	one = find(&rule->rule, "x@g.example");
	assert_true(one->accept_pgp && one->trusted);
	one = find(&rule->rule, "x@h.example");
	assert_int_equal(one->rule.otherwise, OTHERWISE_PASS);
	assert_null(find(&rule->rule, "x@elsewhere.example"));
	written_end(&w);
}

static void
a_line_of_a_sign_rule(void **state)
{
	const struct sign_rule *rule, *one;
	struct written w;

	(void)state;
	written_begin(&w);
	if (load(&w, SIGN("clients = \"192.0.2.1\"; from_must_be = \"any\";"),
		    "a@b.example form=opaque digest=sha512 scheme=pss\n"
		    "c@b.example mode=none\n"
		    "b.example mode=mandatory sign=when-encrypting\n") != 0)
		fail_msg("%s", written_problems(&w));
	rule = w.conf->gateway->sign_rules.item[0];
	one = find(&rule->rule, "a@b.example");
	assert_int_equal(one->form, SMIME_FORM_OPAQUE);
	assert_int_equal(one->digest, CRYPTO_SHA512);
	assert_int_equal(one->scheme, CMS_PSS);
	assert_int_equal(one->rule.clients.count, 1);
	assert_int_equal(one->rule.from_must_be, FROM_ANY);
	assert_int_equal(one->rule.otherwise, OTHERWISE_PASS);
	one = find(&rule->rule, "c@b.example");
	assert_true(one->rule.none);
	one = find(&rule->rule, "x@b.example");
	assert_int_equal(one->rule.otherwise, OTHERWISE_REJECT);
	assert_true(one->when_encrypting);
	written_end(&w);
}

#define OTHERWISE ENCRYPT("otherwise = \"reject\";")
static const struct {
	const char *label, *rules, *table, *says;
} bad[] = {
	{ "no setting", OTHERWISE, "a.example\nb.example gcm\n",
		"t:2: \"gcm\" is no setting: write name=value" },
	{ "unknown setting", OTHERWISE, "b.example colour=red\n",
		"t:1: \"colour\" is no setting of a line" },
	{ "a setting of the rule alone", OTHERWISE, "b.example recipient=x@y\n",
		"t:1: \"recipient\" is no" },
	{ "neither ours nor theirs", OTHERWISE, "b.example locality=inside\n",
		"t:1: encrypt.locality: \"inside\" is none of" },
	{ "of the other list", OTHERWISE, "b.example form=opaque\n",
		"t:1: \"form\" is no" },
	{ "unknown word", OTHERWISE, "b.example cipher=aes\n",
		"t:1: encrypt.cipher: \"aes\" is none of" },
	{ "misspelt mode", OTHERWISE, "b.example mode=mandatroy\n",
		"(did you mean \"mandatory\"?)" },
	{ "no value", OTHERWISE, "b.example cipher=\n", "cipher is empty" },
	{ "no yes or no", OTHERWISE, "b.example to_self=yes\n",
		"encrypt.to_self must be true or false" },
	{ "twice", OTHERWISE, "b.example mode=none mode=allow\n",
		"t:1: a setting stands twice" },
	{ "no such store", OTHERWISE, "b.example stores=bok\n",
		"t:1: there is no store \"bok\" (did you mean \"book\"?)" },
	{ "allow and reject", OTHERWISE,
		"b.example mode=allow otherwise=reject",
		"t:1: mode = \"allow\" lets mail pass" },
	{ "mandatory and pass", OTHERWISE,
		"b.example mode=mandatory otherwise=pass",
		"t:1: mode = \"mandatory\" and otherwise = \"pass\"" },
	{ "a certificate for a domain", OTHERWISE,
		"b.example certificate=sha256:00", "t:1: an explicit" },
	{ "a broken certificate", OTHERWISE, "a@b.example certificate=x",
		"t:1: certificate:" },
	{ "a name twice", OTHERWISE, "b.example\na.example\n@B.example\n",
		"t:3: \"@B.example\" stands above already" },
	{ "a pattern", OTHERWISE, "b*@b.example\n", "and no patterns" },
	{ "no stores", STORE "encrypt = ({ " TABLE "mode = \"none\"; });\n",
		"b.example mode=allow\n",
		"t:1: neither the line nor the rule has \"stores\"" },
};

static void
every_bad_line_is_named(void **state)
{
	struct written w;

	(void)state;
	written_begin(&w);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		char *problems;

		if (load(&w, bad[i].rules, bad[i].table) == 0)
			fail_msg("%s: loads", bad[i].label);
		problems = written_problems(&w);
		if (strstr(problems, bad[i].says) == NULL)
			fail_msg("%s: %s", bad[i].label, problems);
		mem_free(problems);
	}
	written_end(&w);
}

static void
bad_lines_may_be_left_out(void **state)
{
	const struct encrypt_rule *rule;
	const struct problem *problem;
	struct written w;

	(void)state;
	written_begin(&w);
	if (load(&w,
		    ENCRYPT("mode = \"mandatory\";"
			    " table_bad_lines = \"skip\";"),
		    "a.example mode=none\n"
		    "b.example mode=nne\n"
		    "c@@d mode=none\n"
		    "e.example mode=allow\n") != 0)
		fail_msg("%s", written_problems(&w));
	/* Two are of the managed stores, which are not there. */
	if (w.problems.count != 4)
		fail_msg("%s", written_problems(&w));
	LIST_FOREACH (problem, &w.problems)
		assert_int_equal(problem->kind, PROBLEM_WARNING);
	problem = w.problems.item[2];
	assert_int_equal(problem->line, 2);
	problem = w.problems.item[3];
	assert_int_equal(problem->line, 3);
	rule = w.conf->gateway->encrypt_rules.item[0];
	assert_int_equal(table_count(rule->rule.table), 3);
	/* Protected as the rule says: nobody knows what the line meant. */
	assert_ptr_equal(find(&rule->rule, "x@b.example"), rule);
	written_end(&w);
}

static void
a_file_that_is_no_table_is_not_told_line_by_line(void **state)
{
	struct buf text = { 0 };
	struct written w;

	(void)state;
	written_begin(&w);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_add_string(&text, "a b c\n", NULL), 0);
	assert_int_equal(buf_add(&text, "", 1, NULL), 0);
	assert_int_equal(load(&w, OTHERWISE, (char *)text.data), -1);
	assert_true(w.problems.count < 200);
	assert_int_equal(load(&w, OTHERWISE, ""), 0);
	buf_clear(&text);
	written_end(&w);
}

static void
a_table_that_is_not_there_is_an_error(void **state)
{
	struct written w;
	char *problems;

	(void)state;
	written_begin(&w);
	assert_int_equal(
		written_load(&w,
			"encrypt = ({ table = \"/nonexistent/t\"; mode = "
			"\"none\"; });\n",
			true),
		-1);
	problems = written_problems(&w);
	assert_non_null(strstr(problems, "main.conf:1: table: "));
	mem_free(problems);
	written_end(&w);
}

/* Each line with a setting of its own, and of few. */
static void
a_hundred_thousand_lines_load(void **state)
{
	enum { COUNT = 100000 };
	const struct encrypt_rule *rule;
	struct buf text = { 0 };
	struct written w;

	(void)state;
	written_begin(&w);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(
			buf_add_format(&text, NULL,
				"u%d@d%d.example cipher=%s\n", i, i % 100,
				i % 2 ? "aes-128-cbc" : "aes-256-gcm"),
			0);
	assert_int_equal(buf_add(&text, "", 1, NULL), 0);
	if (load(&w, OTHERWISE, (char *)text.data) != 0)
		fail_msg("%s", written_problems(&w));
	rule = w.conf->gateway->encrypt_rules.item[0];
	assert_int_equal(table_count(rule->rule.table), COUNT);
	assert_int_equal(rule->variants.count, 2);
	assert_ptr_equal(find(&rule->rule, "u99999@d99.example"),
		find(&rule->rule, "u1@d1.example"));
	buf_clear(&text);
	written_end(&w);
}

static void
names_behind_a_broader_rule_are_warned_of(void **state)
{
	static const char rules[] = STORE
		"encrypt = ({ name = \"first\"; recipient = \"*@a.example\"; "
		"stores = \"book\"; trusted = false; otherwise = \"pass\"; },\n"
		"{ name = \"t\"; " TABLE "stores = \"book\"; "
		"trusted = false; otherwise = \"reject\"; });\n";
	static const char at[] = "table = \"@/t\"";
	const char *mark = strstr(rules, at) + strlen("table = \"");
	const struct problem *problem;
	struct written w;
	char *whole;

	(void)state;
	written_begin(&w);
	written_file(&w, "t", "x@a.example\nb.example\n.a.example\n");
	whole = mem_printf(
		"%.*s%s%s", (int)(mark - rules), rules, w.folder, mark + 1);
	assert_int_equal(written_load(&w, whole, true), 0);
	assert_true(w.problems.count >= 1);
	problem = w.problems.item[w.problems.count - 1];
	if (strstr(problem->text,
		    "1 of the 3 names in the table of rule \"t\" can never "
		    "apply (such as x@a.example): rule \"first\"") == NULL)
		fail_msg("%s", written_problems(&w));
	mem_free(whole);
	written_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_changes_what_it_says_and_nothing_else),
		cmocka_unit_test(a_line_of_a_sign_rule),
		cmocka_unit_test(every_bad_line_is_named),
		cmocka_unit_test(bad_lines_may_be_left_out),
		cmocka_unit_test(
			a_file_that_is_no_table_is_not_told_line_by_line),
		cmocka_unit_test(a_table_that_is_not_there_is_an_error),
		cmocka_unit_test(names_behind_a_broader_rule_are_warned_of),
		cmocka_unit_test(a_hundred_thousand_lines_load),
	};

	return cmocka_run_group_tests_name("conf/tables", tests, NULL, NULL);
}
