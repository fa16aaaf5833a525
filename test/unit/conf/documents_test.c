/* The sample file, the examples and the manual say what the code does. */
#include <ctype.h>

#include "written.h"

static char *
read_document(const char *path)
{
	struct buf bytes = { 0 };
	struct error err = { 0 };
	char *text;

	if (file_read(path, 1 << 20, &bytes, &err) != 0)
		fail_msg("%s", err.text);
	text = mem_string_n(bytes.data, bytes.len);
	buf_clear(&bytes);
	return text;
}

/* "#" with no blank behind it begins a setting. */
static char *
uncomment(const char *text)
{
	char *all = mem_alloc(strlen(text) + 1), *to = all;

	for (bool start = true; *text != '\0'; text++) {
		bool skip = start && *text == '#' && text[1] != ' ' &&
			    text[1] != '\n' && text[1] != '#';

		start = *text == '\n';
		if (!skip)
			*to++ = *text;
	}
	return all;
}

static void
the_sample_loads_and_does_nothing(void **state)
{
	char *text = read_document("etc/smime-milter.conf");
	struct written w;

	(void)state;
	written_begin(&w);
	if (written_load(&w, text, true) != 0 || w.problems.count != 0)
		fail_msg("%s", written_problems(&w));
	assert_int_equal(w.conf->gateway->sign_rules.count, 0);
	assert_int_equal(w.conf->gateway->encrypt_rules.count, 0);
	assert_int_equal(w.conf->gateway->stores.count, 0);
	mem_free(text);
	written_end(&w);
}

static void
the_sample_loads_with_every_setting_in_force(void **state)
{
	char *text = read_document("etc/smime-milter.conf");
	char *full = uncomment(text);
	struct written w;
	const struct problem *problem;

	(void)state;
	written_begin(&w);
	if (written_load(&w, full, false) != 0)
		fail_msg("%s", written_problems(&w));
	/* The sample has no anchors, and says trusted and verify. */
	assert_int_equal(w.problems.count, 2);
	LIST_FOREACH (problem, &w.problems) {
		assert_int_equal(problem->kind, PROBLEM_WARNING);
		assert_non_null(
			strstr(problem->text, "trust.anchors is empty"));
	}
	assert_int_equal(w.conf->gateway->sign_rules.count, 1);
	assert_int_equal(w.conf->gateway->encrypt_rules.count, 1);
	assert_int_equal(w.conf->gateway->inbound_rules.count, 1);
	mem_free(full);
	mem_free(text);
	written_end(&w);
}

/* The group that begins with "#NAME = {" or "(", up to its end. */
static char *
section(const char *text, const char *where)
{
	char *braces = mem_printf("\n#%s = {", where);
	char *list = mem_printf("\n#%s = (", where);
	char *within = mem_printf("\n#\t\t%s = {", where);
	const char *start = strstr(text, braces), *end;
	const char *close = "\n#};";
	char *part;

	if (start == NULL) {
		start = strstr(text, list);
		close = "\n#);";
	}
	if (start == NULL) {
		start = strstr(text, within);
		close = "}";
	}
	mem_free(braces);
	mem_free(list);
	mem_free(within);
	if (start == NULL)
		return mem_string("");
	end = strstr(start, close);
	assert_non_null(end);
	part = mem_string_n(start, (size_t)(end - start));
	return part;
}

static bool
has_word(const char *text, const char *word)
{
	const char *at = text;
	size_t len = strlen(word);

	while ((at = strstr(at, word)) != NULL) {
		bool begins = at == text || (!isalnum((unsigned char)at[-1]) &&
						    at[-1] != '_');

		if (begins && !isalnum((unsigned char)at[len]) &&
			at[len] != '_')
			return true;
		at += len;
	}
	return false;
}

static void
every_setting_stands_in_the_sample_with_its_default(void **state)
{
	char *text = read_document("etc/smime-milter.conf");
	const struct conf_row *rows;
	size_t count;

	(void)state;
	rows = conf_rows(&count);
	for (size_t i = 0; i < count; i++) {
		const struct conf_row *row = &rows[i];
		bool group = row->fallback != NULL && row->fallback[0] == '{';
		char *part = row->where[0] ? section(text, row->where)
					   : mem_string(text);
		char *setting = row->fallback != NULL && !group
					? mem_printf("%s = %s;", row->name,
						  row->fallback)
					: mem_string(row->name);

		if (!has_word(part, row->name) || !strstr(part, setting))
			fail_msg("%s.%s: no \"%s\"", row->where, row->name,
				setting);
		mem_free(setting);
		mem_free(part);
	}
	mem_free(text);
}

/* The part between "It Ic NAME" or "Ic NAME" and the next heading. */
static void
every_setting_stands_in_the_manual(void **state)
{
	char *text = read_document("etc/smime-milter.conf.5");
	const struct conf_row *rows;
	size_t count;

	(void)state;
	rows = conf_rows(&count);
	for (size_t i = 0; i < count; i++) {
		const struct conf_row *row = &rows[i];
		char *item = mem_printf("\n.It Ic %s\n", row->name);
		char *with = mem_printf("\n.It Ic %s No", row->name);

		if (strstr(text, item) == NULL && strstr(text, with) == NULL)
			fail_msg("%s.%s", row->where, row->name);
		mem_free(item);
		mem_free(with);
	}
	mem_free(text);
}

/* The manual's table and the code's are the same. */
static void
the_manual_has_the_whole_table_of_kinds_and_otherwise(void **state)
{
	static const char *const words[] = {
		[VERDICT_ACCEPT] = "passes",
		[VERDICT_QUARANTINE] = "quarantine",
		[VERDICT_TEMPFAIL] = "tempfail",
		[VERDICT_REJECT] = "reject",
	};
	char *text = read_document("etc/smime-milter.conf.5");

	(void)state;
	for (int kind = ERROR_SYSTEM; kind <= ERROR_CRYPTO; kind++) {
		char *row = mem_printf(
			"\n.It %s", error_kind_name((enum error_kind)kind));

		for (int o = OTHERWISE_PASS; o <= OTHERWISE_REJECT; o++) {
			char *more = mem_printf("%s Ta %s", row,
				words[rule_verdict((enum error_kind)kind,
					(enum otherwise)o)]);

			mem_free(row);
			row = more;
		}
		if (strstr(text, row) == NULL)
			fail_msg("the manual has no %s", row + 1);
		mem_free(row);
	}
	mem_free(text);
}

static void
the_manual_names_every_word_of_a_setting(void **state)
{
	char *text = read_document("etc/smime-milter.conf.5");

	(void)state;
	for (int i = 0; i < CMS_CIPHERS; i++)
		assert_true(
			has_word(text, cms_cipher_name((enum cms_cipher)i)));
	for (int i = 0; i < CRYPTO_DIGESTS; i++)
		assert_true(has_word(
			text, crypto_digest_name((enum crypto_digest)i)));
	for (int i = OTHERWISE_PASS; i <= OTHERWISE_REJECT; i++)
		assert_true(has_word(text, otherwise_name((enum otherwise)i)));
	mem_free(text);
}

static void
every_example_loads(void **state)
{
	DIR *folder = opendir("etc/examples");
	struct dirent *entry;
	unsigned count = 0;

	(void)state;
	assert_non_null(folder);
	while ((entry = readdir(folder)) != NULL) {
		char *path = mem_printf("etc/examples/%s", entry->d_name);
		struct list problems = { 0 };
		struct conf *conf = NULL;

		if (strstr(entry->d_name, ".conf") != NULL) {
			if (conf_load(path, false, &conf, &problems) != 0)
				fail_msg("%s: %s", path,
					((struct problem *)problems.item[0])
						->text);
			count++;
		}
		conf_free(conf);
		list_clear(&problems, problem_free);
		mem_free(path);
	}
	closedir(folder);
	assert_true(count >= 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_loads_and_does_nothing),
		cmocka_unit_test(the_sample_loads_with_every_setting_in_force),
		cmocka_unit_test(
			every_setting_stands_in_the_sample_with_its_default),
		cmocka_unit_test(every_setting_stands_in_the_manual),
		cmocka_unit_test(
			the_manual_has_the_whole_table_of_kinds_and_otherwise),
		cmocka_unit_test(the_manual_names_every_word_of_a_setting),
		cmocka_unit_test(every_example_loads),
	};

	return cmocka_run_group_tests_name("conf/documents", tests, NULL, NULL);
}
