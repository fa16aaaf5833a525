/*
 * What a fuzzer has found interesting, fed to its target without a fuzzer: a
 * NAME_replay reads test/fuzz/corpus/NAME.  The name of a file stands in the
 * output before it is read; it is the last one when the program dies.
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

#include "base/file.h"
#include "base/mem.h"

enum { FILE_LIMIT_BYTES = 1 << 20, SECONDS_PER_FILE = 60 };

#define SUFFIX "_replay"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char *folder;

static int
is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
feed(const char *name)
{
	char *path = mem_printf("%s/%s", folder, name);
	struct buf bytes = { 0 };
	struct error err = { 0 };

	if (file_read(path, FILE_LIMIT_BYTES, &bytes, &err) != 0)
		fail_msg("%s", err.text);
	print_message("%s\n", path);
	fflush(stdout);
	alarm(SECONDS_PER_FILE);
	LLVMFuzzerTestOneInput(bytes.data, bytes.len);
	alarm(0);
	buf_clear(&bytes);
	mem_free(path);
}

static void
every_file_of_the_corpus_is_survived(void **state UNUSED)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_file, alphasort);

	if (count <= 0)
		fail_msg("%s: no files", folder);
	for (int i = 0; i < count; i++) {
		feed(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

int
main(int argc UNUSED, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_of_the_corpus_is_survived),
	};
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	int result;

	if (strlen(name) <= strlen(SUFFIX))
		return 2;
	folder = mem_printf("test/fuzz/corpus/%.*s",
		(int)(strlen(name) - strlen(SUFFIX)), name);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	mem_free(folder);
	return result;
}
