/*
 * Files of other people's programs ($SMIME_CORPORA): each loads, or gives one
 * clear sentence.  EXPECTED.tsv says how many keys and certificates another
 * program found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cert_fixture.h"

static const char *
corpora(void)
{
	const char *given = getenv("SMIME_CORPORA");

	return given && given[0] ? given : "../shared/corpora";
}

static int
load(const char *path, const char *password, struct loaded *out,
	struct error *err)
{
	struct buf bytes = { 0 };
	int result;

	*out = (struct loaded){ 0 };
	read_path(path, &bytes);
	result = cert_load(buf_span(&bytes), password, path,
		&cert_limits_default, &out->certs, &out->warnings, err);
	buf_clear(&bytes);
	return result;
}

static void
check_row(const char *path, const char *password, size_t keys, size_t certs)
{
	const struct cert *cert;
	struct loaded loaded;
	struct error err = { 0 };
	size_t found = 0;
	int result = load(path, password, &loaded, &err);

	LIST_FOREACH (cert, &loaded.certs) {
		found += cert->key != NULL;
	}
	if ((result == 0) != (certs != 0))
		fail_msg("%s: %s", path, err.text);
	if (found != keys || loaded.certs.count != certs)
		fail_msg("%s: %zu keys and %zu certificates", path, found,
			loaded.certs.count);
	loaded_clear(&loaded);
}

static void
check_unreadable(const char *path)
{
	struct loaded loaded;
	struct error err = { 0 };

	assert_int_equal(load(path, "password", &loaded, &err), -1);
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_says(path, err.text, "PBMAC1");
	loaded_clear(&loaded);
}

static void
every_pkcs12_holds_what_others_found_in_it(void **state UNUSED)
{
	char *list = mem_printf("%s/EXPECTED.tsv", corpora());
	char line[4096], name[1024], password[256];
	FILE *file = fopen(list, "r");
	size_t rows = 0, keys, certs;

	mem_free(list);
	if (file == NULL) {
		print_message("no EXPECTED.tsv below %s\n", corpora());
		skip();
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		char *found = strstr(line, "\tpw="), *path;

		if (found == NULL || sscanf(line, "%1023[^\t]", name) != 1)
			continue;
		path = mem_printf("%s/%s", corpora(), name);
		password[0] = '\0';
		rows++;
		if (sscanf(found, "\tpw='%255[^']' keys=%zu certs=%zu",
			    password, &keys, &certs) == 3 ||
			sscanf(found, "\tpw='' keys=%zu certs=%zu", &keys,
				&certs) == 2)
			check_row(path, password, keys, certs);
		else
			check_unreadable(path);
		mem_free(path);
	}
	fclose(file);
	assert_true(rows >= 20);
	print_message("%zu files of PKCS#12\n", rows);
}

static void
every_other_file_loads_or_says_why(void **state UNUSED)
{
	static const char *const folders[] = { "cms-openssl/keys-pem",
		"cms-openssl/test/smime-certs", "smime-mimekit", "smime-gmime",
		"pkcs7-tika", "smime-mimekit/rsa", "smime-mimekit/ec" };
	size_t loads = 0, sentences = 0;

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		char *folder = mem_printf("%s/%s", corpora(), folders[i]);
		DIR *dir = opendir(folder);
		struct dirent *entry;

		if (dir == NULL) {
			print_message("no folder %s\n", folder);
			mem_free(folder);
			skip();
		}
		while ((entry = readdir(dir)) != NULL) {
			char *path = mem_printf("%s/%s", folder, entry->d_name);
			struct loaded loaded;
			struct error err = { 0 };

			if (entry->d_type == DT_REG) {
				if (load(path, NULL, &loaded, &err) == 0)
					loads++;
				else
					sentences++;
				if (loaded.certs.count == 0)
					assert_says(path, err.text, path);
				loaded_clear(&loaded);
			}
			mem_free(path);
		}
		closedir(dir);
		mem_free(folder);
	}
	print_message("%zu files load, %zu say why not\n", loads, sentences);
	assert_true(loads >= 40);
}

/* Neither certificate nor list in them can be parsed. */
static const char *const unreadable[] = {
	"sst-wine-tests/serializedStoreWithCert.sst",
	"sst-wine-tests/serializedStoreWithCertAndCRL.sst",
	"sst-wine-tests/serializedStoreWithCertAndHash.sst",
	"sst-wine-tests/serializedStoreWithCertWithFriendlyName.sst",
	"sst-wine-tests/serializedCert.element.bin",
	"sst-wine-tests/serializedCertWithFriendlyName.element.bin",
};

static void
serialized_stores_of_others_are_read(void **state UNUSED)
{
	char *path = mem_printf(
		"%s/sst-microsoft-disallowed/test_disallowedcert.sst",
		corpora());
	struct loaded loaded;
	struct error err = { 0 };

	if (access(path, R_OK) != 0) {
		print_message("no %s\n", path);
		mem_free(path);
		skip();
	}
	assert_int_equal(load(path, NULL, &loaded, &err), 0);
	assert_int_equal(loaded.certs.count, 71);
	assert_int_equal(loaded.warnings.count, 0);
	loaded_clear(&loaded);
	mem_free(path);
	for (size_t i = 0; i < COUNT_OF(unreadable); i++) {
		path = mem_printf("%s/%s", corpora(), unreadable[i]);
		assert_int_equal(load(path, NULL, &loaded, &err), -1);
		assert_int_equal(err.kind, ERROR_FORMAT);
		assert_says(path, err.text, "holds no certificate");
		loaded_clear(&loaded);
		mem_free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pkcs12_holds_what_others_found_in_it),
		cmocka_unit_test(every_other_file_loads_or_says_why),
		cmocka_unit_test(serialized_stores_of_others_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
