/* One at a time, and what was begun and not ended. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/file.h"
#include "base/mem.h"
#include "ca/internal.h"

/* Two machines that take turns are never quite of one mind. */
enum { CLOCK_SLACK_SECONDS = 120 };
enum { WAIT_MS = 30000, SAY_AFTER_MS = 1000, PAUSE_NS = 20 * 1000 * 1000 };

/* ---- the lock ---- */

static long
holder(int fd)
{
	char text[24] = "";
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);

	return got > 0 ? strtol(text, NULL, 10) : 0;
}

static int
wait_for_lock(const struct ca *ca, int fd, struct error *err)
{
	const struct timespec pause = { 0, PAUSE_NS };
	int64_t start = clock_monotonic_ms(), waited;
	bool said = false;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_set(err, ERROR_SYSTEM,
				"%s/lock: cannot be locked: %s",
				ca->settings->path, strerror(errno));
		waited = clock_monotonic_ms() - start;
		if (waited > WAIT_MS)
			return error_set(err, ERROR_SYSTEM,
				"authority %s: process %ld has worked on it "
				"for %d seconds; try again",
				ca->settings->name, holder(fd), WAIT_MS / 1000);
		if (!said && waited > SAY_AFTER_MS)
			event(EVENT_INFO,
				"authority %s: waiting for process %ld, which "
				"works on it",
				ca->settings->name, holder(fd));
		said = said || waited > SAY_AFTER_MS;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int
take_lock(struct ca *ca, struct error *err)
{
	char *path = ca_path(ca, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = -1;

	if (fd < 0)
		error_set(err, ERROR_CONFIG, "%s: cannot be opened: %s", path,
			strerror(errno));
	else
		result = wait_for_lock(ca, fd, err);
	if (result == 0) {
		/* For people who wait; nothing depends on it. */
		if (ftruncate(fd, 0) == 0)
			(void)!dprintf(fd, "%ld\n", (long)getpid());
		ca->lock = fd;
	} else if (fd >= 0) {
		close(fd);
	}
	mem_free(path);
	return result;
}

/* ---- what is in new/ ---- */

/* A list is, when it is the last one of the journal. */
static bool
is_recorded(const struct ca *ca, const char *path, const char *name)
{
	char serial[CA_SERIAL_HEX] = "";
	X509_CRL *list;
	bool recorded;

	if (strcmp(name, "crl.der") == 0) {
		list = list_read(path);
		recorded = list != NULL &&
			   list_number(list) == (long)ca->crl_number;
		X509_CRL_free(list);
		return recorded;
	}
	if (strlen(name) != CA_SERIAL_HEX - 1 + strlen(".pem"))
		return false;
	memcpy(serial, name, CA_SERIAL_HEX - 1);
	return entries_serial(ca, serial) != NULL;
}

/* Recorded: it goes where it belongs.  Otherwise nobody has ever seen it. */
static int
settle(const struct ca *ca, const char *folder, const char *name,
	struct error *err)
{
	bool is_list = strcmp(name, "crl.der") == 0;
	char *from = mem_printf("%s/%s", folder, name);
	char *to = mem_printf("%s/%s%s", ca->settings->path,
		is_list ? "" : "certificates/", name);
	int result =
		is_recorded(ca, from, name) ? rename(from, to) : unlink(from);

	if (result != 0)
		error_set(err, ERROR_SYSTEM,
			"%s: cannot be put in its place: %s", from,
			strerror(errno));
	mem_free(from);
	mem_free(to);
	return result;
}

static int
settle_all(
	const struct ca *ca, const char *folder, bool *some, struct error *err)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int result = 0;

	if (dir == NULL)
		return error_set(err, ERROR_CONFIG, "%s: cannot be opened: %s",
			folder, strerror(errno));
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		*some = true;
		result = settle(ca, folder, entry->d_name, err);
	}
	closedir(dir);
	return result;
}

int
ca_settle(struct ca *ca, struct error *err)
{
	char *folder = ca_path(ca, "new"), *to = ca_path(ca, "certificates");
	bool some = false;
	int result = journal_read(&ca->journal, entries_line, ca, err);

	if (result == 0)
		result = settle_all(ca, folder, &some, err);
	if (result == 0 && some)
		result = file_sync_folder(to, err) != 0 ||
					 file_sync_folder(
						 ca->settings->path, err) != 0
				 ? -1
				 : 0;
	mem_free(folder);
	mem_free(to);
	return result;
}

int
ca_begin(struct ca *ca, struct error *err)
{
	if (ca_enter(ca, err) != 0 || take_lock(ca, err) != 0 ||
		journal_read(&ca->journal, entries_line, ca, err) != 0 ||
		journal_mend(&ca->journal, err) != 0)
		return -1;
	return ca_settle(ca, err);
}

void
ca_end(struct ca *ca)
{
	if (ca->lock >= 0)
		close(ca->lock);
	ca->lock = -1;
	ca_leave(ca);
}

int
ca_record(struct ca *ca, const char *act, const char *const *words,
	struct error *err)
{
	struct journal_draft draft;
	int result = -1;

	journal_draft_begin(&draft, &ca->journal, ca->who, clock_now());
	if (journal_add(&draft, act, words, err) == 0)
		result = journal_commit(&draft, err);
	journal_drop(&draft);
	return result == 0 ? journal_read(&ca->journal, entries_line, ca, err)
			   : -1;
}

int
ca_check_clock(const struct ca *ca, time_t now, struct error *err)
{
	char is[CLOCK_TEXT_SIZE], was[CLOCK_TEXT_SIZE];

	if (now >= ca->journal.last - CLOCK_SLACK_SECONDS)
		return 0;
	clock_format(now, is);
	clock_format(ca->journal.last, was);
	return error_set(err, ERROR_CONFIG,
		"authority %s: the clock says %s, but the last act was "
		"recorded at %s: set the clock right first",
		ca->settings->name, is, was);
}
