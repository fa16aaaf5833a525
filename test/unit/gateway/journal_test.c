#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/split.h"

enum { THREADS = 8, MAILS = 20, HOURS = 48, DAY = 24 * 3600 };
#define NOON ((time_t)1769860800) /* 2026-01-31T12:00:00Z */

struct place {
	char folder[40];
	struct journal *journal;
};

static void
begin(struct place *place)
{
	strcpy(place->folder, "/tmp/smime-journal-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	clock_set(NOON);
	assert_int_equal(
		journal_open(place->folder, HOURS, &place->journal, NULL), 0);
}

static void
end(struct place *place)
{
	char *command = mem_printf("rm -rf '%s'", place->folder);

	journal_free(place->journal);
	assert_int_equal(system(command), 0);
	mem_free(command);
	clock_set(0);
}

/* Names and keys as of HMAC; mails with the same first letters share a file. */
static void
name_of(unsigned mail, unsigned recipient, char out[CRYPTO_MAC_HEX])
{
	snprintf(out, CRYPTO_MAC_HEX, "ab%08x%054x", mail, recipient);
}

static struct journal_mail *
open_mail(const struct place *place, unsigned number)
{
	struct journal_mail *mail = NULL;
	struct error err = { 0 };
	char name[CRYPTO_MAC_HEX];

	name_of(number, 0, name);
	if (journal_begin(place->journal, name, &mail, &err) != 0)
		fail_msg("%s", err.text);
	return mail;
}

/* A copy for two: what the journal says of them afterwards is `state`. */
static void
write_copy(struct journal_mail *mail, unsigned number, enum journal_state state)
{
	char keys[2][CRYPTO_MAC_HEX];
	struct journal_lines lines = { .keys = keys, .count = 2 };

	name_of(number, 1, keys[0]);
	name_of(number, 2, keys[1]);
	assert_int_equal(journal_write(mail, &lines, NULL), 0);
	if (state != JOURNAL_BEGUN)
		assert_int_equal(journal_settle(&lines, state, NULL), 0);
	mem_free(lines.path);
}

static enum journal_state
state_of(const struct place *place, unsigned number, unsigned recipient)
{
	struct journal_mail *mail = open_mail(place, number);
	char key[CRYPTO_MAC_HEX];
	enum journal_state state;

	name_of(number, recipient, key);
	state = journal_state_of(mail, key);
	journal_end(mail);
	return state;
}

static void
record(const struct place *place, unsigned number, enum journal_state state)
{
	struct journal_mail *mail = open_mail(place, number);

	write_copy(mail, number, state);
	journal_end(mail);
}

static void
what_was_sent_is_remembered(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	assert_int_equal(state_of(&place, 1, 1), JOURNAL_NOTHING);
	record(&place, 1, JOURNAL_SENT);
	record(&place, 2, JOURNAL_BEGUN);
	record(&place, 3, JOURNAL_NOTHING);
	assert_int_equal(state_of(&place, 1, 1), JOURNAL_SENT);
	assert_int_equal(state_of(&place, 1, 2), JOURNAL_SENT);
	assert_int_equal(state_of(&place, 1, 3), JOURNAL_NOTHING);
	assert_int_equal(state_of(&place, 2, 1), JOURNAL_BEGUN);
	assert_int_equal(state_of(&place, 3, 1), JOURNAL_NOTHING);
	end(&place);
}

static void
a_second_try_that_works_is_what_counts(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	record(&place, 1, JOURNAL_BEGUN);
	record(&place, 1, JOURNAL_SENT);
	assert_int_equal(state_of(&place, 1, 1), JOURNAL_SENT);
	record(&place, 1, JOURNAL_BEGUN);
	assert_int_equal(state_of(&place, 1, 1), JOURNAL_SENT);
	end(&place);
}

static void
days_are_kept_as_long_as_they_must(void **state)
{
	struct place place;

	(void)state;
	begin(&place);
	record(&place, 1, JOURNAL_SENT);
	clock_set(NOON + DAY);
	record(&place, 2, JOURNAL_SENT);
	assert_int_equal(state_of(&place, 1, 1), JOURNAL_SENT);
	clock_set(NOON + 2 * DAY);
	record(&place, 3, JOURNAL_SENT);
	assert_int_equal(state_of(&place, 1, 1), JOURNAL_SENT);
	clock_set(NOON + 3 * DAY);
	record(&place, 4, JOURNAL_SENT); /* a new day: old ones go */
	assert_int_equal(state_of(&place, 1, 1), JOURNAL_NOTHING);
	assert_int_equal(state_of(&place, 2, 1), JOURNAL_SENT);
	end(&place);
}

/* What a crash has left in the middle of a line. */
static void
half_a_line_spoils_no_other(void **state)
{
	struct place place;
	char *path;
	int fd;

	(void)state;
	begin(&place);
	record(&place, 1, JOURNAL_SENT);
	path = mem_printf("%s/2026-01-31/ab", place.folder);
	fd = open(path, O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "\n-ab0000", 8), 8);
	close(fd);
	record(&place, 2, JOURNAL_SENT);
	assert_int_equal(state_of(&place, 1, 2), JOURNAL_SENT);
	assert_int_equal(state_of(&place, 2, 1), JOURNAL_SENT);
	assert_int_equal(state_of(&place, 2, 2), JOURNAL_SENT);
	mem_free(path);
	end(&place);
}

static void
a_mail_is_worked_on_once_at_a_time(void **state)
{
	struct journal_mail *first, *second = NULL;
	char name[CRYPTO_MAC_HEX];
	struct place place;
	struct error err = { 0 };

	(void)state;
	begin(&place);
	first = open_mail(&place, 1);
	name_of(1, 0, name);
	assert_int_equal(journal_begin(place.journal, name, &second, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "already"));
	second = open_mail(&place, 2); /* another one is no matter */
	journal_end(second);
	journal_end(first);
	journal_end(open_mail(&place, 1));
	end(&place);
}

struct writer {
	const struct place *place;
	unsigned first;
};

static void *
write_many(void *arg)
{
	const struct writer *writer = arg;

	for (unsigned i = 0; i < MAILS; i++)
		record(writer->place, writer->first + i, JOURNAL_SENT);
	return NULL;
}

static void
threads_write_into_one_file(void **state)
{
	struct writer writers[THREADS];
	pthread_t threads[THREADS];
	struct place place;

	(void)state;
	begin(&place);
	for (unsigned i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){ &place, i * MAILS };
		assert_int_equal(pthread_create(&threads[i], NULL, write_many,
					 &writers[i]),
			0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < THREADS * MAILS; i++) {
		assert_int_equal(state_of(&place, i, 1), JOURNAL_SENT);
		assert_int_equal(state_of(&place, i, 2), JOURNAL_SENT);
	}
	end(&place);
}

static void
what_cannot_be_read_or_written_is_trouble_for_now(void **state)
{
	char keys[1][CRYPTO_MAC_HEX], name[CRYPTO_MAC_HEX];
	struct journal_lines lines = { .keys = keys, .count = 1 };
	struct journal_mail *mail;
	struct place place;
	struct error err = { 0 };
	char *path;

	(void)state;
	begin(&place);
	name_of(1, 0, name);
	name_of(1, 1, keys[0]);
	mail = open_mail(&place, 1);
	path = mem_printf("%s/2026-01-31", place.folder);
	assert_int_equal(mkdir(path, 0700), 0);
	mem_free(path);
	/* No disk is fuller. */
	path = mem_printf("%s/2026-01-31/ab", place.folder);
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_int_equal(journal_write(mail, &lines, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	assert_non_null(strstr(err.text, "No space left"));
	journal_end(mail);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(journal_begin(place.journal, name, &mail, &err), -1);
	assert_int_equal(err.kind, ERROR_SYSTEM);
	mem_free(path);
	mem_free(lines.path);
	end(&place);
}

/* ---- what lasts ---- */

static ino_t synced[8];
static size_t synced_count;

/* In the place of the library's. */
int
fsync(int fd)
{
	struct stat about;

	if (fstat(fd, &about) == 0 && synced_count < COUNT_OF(synced))
		synced[synced_count++] = about.st_ino;
	return (int)syscall(SYS_fsync, fd);
}

static bool
was_synced(const char *path)
{
	struct stat about;

	assert_int_equal(stat(path, &about), 0);
	for (size_t i = 0; i < synced_count; i++)
		if (synced[i] == about.st_ino)
			return true;
	return false;
}

/* Whoever has made it may die before it lasts. */
static void
a_file_that_another_has_just_made_lasts_too(void **state)
{
	char keys[1][CRYPTO_MAC_HEX];
	struct journal_lines lines = { .keys = keys, .count = 1 };
	struct journal_mail *mail;
	struct place place;
	char *day, *path;
	int fd;

	(void)state;
	begin(&place);
	name_of(1, 1, keys[0]);
	mail = open_mail(&place, 1);
	day = mem_printf("%s/2026-01-31", place.folder);
	path = mem_printf("%s/ab", day);
	assert_int_equal(mkdir(day, 0700), 0);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	synced_count = 0;
	assert_int_equal(journal_write(mail, &lines, NULL), 0);
	assert_true(was_synced(day));
	assert_true(was_synced(place.folder));
	journal_end(mail);
	mem_free(day);
	mem_free(path);
	mem_free(lines.path);
	end(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sent_is_remembered),
		cmocka_unit_test(a_second_try_that_works_is_what_counts),
		cmocka_unit_test(days_are_kept_as_long_as_they_must),
		cmocka_unit_test(half_a_line_spoils_no_other),
		cmocka_unit_test(a_mail_is_worked_on_once_at_a_time),
		cmocka_unit_test(threads_write_into_one_file),
		cmocka_unit_test(
			what_cannot_be_read_or_written_is_trouble_for_now),
		cmocka_unit_test(a_file_that_another_has_just_made_lasts_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
