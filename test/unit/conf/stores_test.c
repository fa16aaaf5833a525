/* What only shows when stores, anchors and the login map are opened. */
#include "pki_fixture.h"
#include "written.h"

struct row {
	const char *label;
	const char *text; /* %P the PKI, %D the folder of the test */
	const char *file; /* the file the problem is in; NULL: main.conf */
	unsigned line;
	const char *says;
};

static char *
expand(const struct written *w, const char *text)
{
	struct buf out = { 0 };
	struct error err = { 0 };
	char *all;

	for (; *text != '\0'; text++) {
		const char *word = NULL;

		if (text[0] == '%' && text[1] == 'P')
			word = pki_dir();
		else if (text[0] == '%' && text[1] == 'D')
			word = w->folder;
		assert_int_equal(buf_add(&out, word ? word : text,
					 word ? strlen(word) : 1, &err),
			0);
		text += word != NULL;
	}
	all = mem_string_n(out.data, out.len);
	buf_clear(&out);
	return all;
}

static int
load(struct written *w, const char *text)
{
	char *all = expand(w, text);
	int result = written_load(w, all, true);

	mem_free(all);
	return result;
}

static void
begin(struct written *w)
{
	char path[128];

	written_begin(w);
	written_file(w, "good.pass", "secret\n");
	written_file(w, "wrong.pass", "Secret\n");
	written_file(w, "open.pass", "secret\n");
	snprintf(path, sizeof(path), "%s/open.pass", w->folder);
	assert_int_equal(chmod(path, 0644), 0);
	written_file(w, "logins", "# x\nann ann@example.com\nbob\n");
	written_file(w, "good.logins", "ann ann@example.com\n");
	written_file(w, "text", "nothing of the kind\n");
}

#define ALICE                                                                  \
	"stores = ({ name = \"s\"; type = \"file\";\n"                         \
	" path = \"%P/alice.p12\"; password_file = \"%D/good.pass\"; });\n"

static const struct row refused[] = {
	{ "missing file",
		"stores = ({ name = \"s\"; type = \"file\";\n path = "
		"\"/nowhere\"; });\n",
		NULL, 2, "store s: /nowhere: user " },
	{ "not a store",
		"stores = ({ name = \"s\"; type = \"file\";\n path = "
		"\"%D/text\"; });\n",
		NULL, 2, "store s: " },
	{ "wrong password",
		"stores = ({ name = \"s\"; type = \"file\";\n path = "
		"\"%P/alice.p12\"; password_file = \"%D/wrong.pass\"; });\n",
		NULL, 2, "password" },
	{ "no password",
		"stores = ({ name = \"s\"; type = \"file\";\n path = "
		"\"%P/alice.p12\"; });\n",
		NULL, 2, "password" },
	{ "world-readable password",
		"stores = ({ name = \"s\"; type = \"file\";\n path = "
		"\"%P/alice.p12\"; password_file = \"%D/open.pass\"; });\n",
		NULL, 2, "everybody may read or write it" },
	{ "missing directory",
		"stores = ({ name = \"s\"; type = \"directory\";\n path = "
		"\"/nowhere\"; });\n",
		NULL, 2, "/nowhere" },
	{ "missing anchor", "trust = {\n anchors = \"/nowhere\"; };\n", NULL, 2,
		"trust.anchors: /nowhere" },
	{ "missing intermediate",
		"trust = {\n anchors = \"%P/ca.pem\";\n intermediates = "
		"\"/nowhere\"; };\n",
		NULL, 3, "trust.intermediates: /nowhere" },
	{ "anchor that is none", "trust = { anchors = \"%D/text\"; };\n", NULL,
		1, "trust.anchors: " },
	{ "missing login map", "login_map = \"/nowhere\";\n", NULL, 1,
		"login_map: /nowhere: user " },
	{ "broken login map", "login_map = \"%D/logins\";\n", "logins", 3,
		"login \"bob\" has no address behind it" },
};

static void
what_cannot_be_opened_is_told_at_its_setting(void **state)
{
	struct written w;

	(void)state;
	begin(&w);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		const struct row *row = &refused[i];
		char *file = mem_printf(
			"%s/%s", w.folder, row->file ? row->file : "main.conf");
		const struct problem *problem;

		if (load(&w, row->text) == 0)
			fail_msg("%s: taken", row->label);
		problem = w.problems.item[0];
		if (w.problems.count != 1 || problem->kind != PROBLEM_ERROR ||
			strcmp(problem->file, file) != 0 ||
			problem->line != row->line ||
			strstr(problem->text, row->says) == NULL)
			fail_msg("%s: %s", row->label, written_problems(&w));
		mem_free(file);
	}
	written_end(&w);
}

static void
nothing_is_opened_when_only_the_file_is_asked_for(void **state)
{
	struct written w;

	(void)state;
	begin(&w);
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		char *all = expand(&w, refused[i].text);

		if (written_load(&w, all, false) != 0)
			fail_msg("%s: %s", refused[i].label,
				written_problems(&w));
		mem_free(all);
	}
	written_end(&w);
}

static void
all_stores_are_told_at_once(void **state)
{
	struct written w;

	(void)state;
	begin(&w);
	assert_int_equal(
		load(&w, "stores = (\n{ name = \"a\"; type = \"file\"; path = "
			 "\"/nowhere\"; },\n{ name = \"b\"; type = \"file\"; "
			 "path = \"/nowhere\"; });\ncolour = 1;\n"),
		-1);
	assert_int_equal(w.problems.count, 3);
	written_end(&w);
}

static void
rules_borrow_the_stores_they_name(void **state)
{
	struct written w;
	const struct sign_rule *sign;
	const struct encrypt_rule *encrypt;

	(void)state;
	begin(&w);
	if (load(&w, "login_map = \"%D/good.logins\";\n"
		     "trust = { anchors = \"%P/ca.pem\"; };\n" ALICE
		     "sign = ({ sender = \"*@example.com\"; stores = \"s\"; "
		     "});\n"
		     "encrypt = ({ recipient = \"*@example.com\"; stores = "
		     "\"s\"; otherwise = \"reject\"; });\n") != 0 ||
		w.problems.count != 0)
		fail_msg("%s", written_problems(&w));
	assert_int_equal(w.conf->gateway->stores.count, 1);
	sign = w.conf->gateway->sign_rules.item[0];
	encrypt = w.conf->gateway->encrypt_rules.item[0];
	assert_ptr_equal(sign->stores.item[0], w.conf->gateway->stores.item[0]);
	assert_ptr_equal(
		encrypt->stores.item[0], w.conf->gateway->stores.item[0]);
	assert_non_null(w.conf->gateway->logins);
	assert_int_equal(trust_anchor_count(w.conf->gateway->trust), 1);
	written_end(&w);
}

static void
a_bad_file_of_a_directory_is_a_warning(void **state)
{
	struct written w;

	(void)state;
	begin(&w);
	if (load(&w, "stores = ({ name = \"s\"; type = \"directory\";\n"
		     " path = \"%D\"; });\n") != 0)
		fail_msg("%s", written_problems(&w));
	assert_true(w.problems.count >= 1);
	for (size_t i = 0; i < w.problems.count; i++) {
		const struct problem *problem = w.problems.item[i];

		assert_int_equal(problem->kind, PROBLEM_WARNING);
		assert_int_equal(problem->line, 2);
	}
	written_end(&w);
}

/* Here a PSS key that its certificate ties to SHA-256. */
static void
a_key_that_cannot_sign_as_its_rule_says_is_told_at_the_rule(void **state)
{
	struct written w;
	const struct problem *problem;

	(void)state;
	begin(&w);
	if (load(&w, "stores = ({ name = \"s\"; type = \"file\"; path = "
		     "\"%P/pss256.p12\"; password_file = \"%D/good.pass\"; "
		     "});\nsign = (\n"
		     "{ name = \"n\"; sender = \"*@example.com\"; stores = "
		     "\"s\"; digest = \"sha512\"; });\n") != 0)
		fail_msg("%s", written_problems(&w));
	assert_int_equal(w.problems.count, 1);
	problem = w.problems.item[0];
	assert_int_equal(problem->kind, PROBLEM_WARNING);
	assert_int_equal(problem->line, 3);
	assert_non_null(strstr(problem->text, "rule n cannot sign with"));
	written_end(&w);
}

static void
rc2_is_there_or_an_error_at_its_cipher(void **state)
{
	struct written w;
	const struct problem *problem;
	struct error err = { 0 };
	int available = cms_cipher_available(CMS_RC2_128, &err);

	(void)state;
	begin(&w);
	assert_int_equal(
		load(&w, ALICE "encrypt = ({ recipient = \"a@b\"; stores = "
			       "\"s\"; otherwise = \"reject\"; trusted = "
			       "false;\n cipher = \"rc2-128\"; });\n"),
		available);
	problem = w.problems.item[0];
	assert_int_equal(problem->line, 4);
	written_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_opened_is_told_at_its_setting),
		cmocka_unit_test(
			nothing_is_opened_when_only_the_file_is_asked_for),
		cmocka_unit_test(all_stores_are_told_at_once),
		cmocka_unit_test(rules_borrow_the_stores_they_name),
		cmocka_unit_test(a_bad_file_of_a_directory_is_a_warning),
		cmocka_unit_test(
			a_key_that_cannot_sign_as_its_rule_says_is_told_at_the_rule),
		cmocka_unit_test(rc2_is_there_or_an_error_at_its_cipher),
	};

	return cmocka_run_group_tests_name("conf/stores", tests, NULL, NULL);
}
