/*
 * Which copies have been taken by the MTA?  Below FOLDER a folder for each day,
 * in it up to 256 files: a mail's lines stand in the one that the first two
 * letters of its name choose.  A line is begun before its copy is sent, and
 * one byte of it changes when the copy is taken; so a disk that is full says
 * so before anything was sent.  Several workers write at the same time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "gateway/split.h"

enum {
	DAY_SIZE = 11,			/* 2026-01-31 */
	LINE_SIZE = CRYPTO_MAC_HEX + 1, /* LF, state, hex */
	SHARD_MAX_BYTES = 256 * 1024 * 1024,
	DAY_SECONDS = 24 * 3600,
};

struct journal {
	char *folder;
	unsigned keep_hours;
};

struct journal_mail {
	const struct journal *journal;
	char shard[3];
	int lock;
	struct buf lines; /* of all days */
};

static int
failed(struct error *err, const char *what, const char *path)
{
	return error_set(err, ERROR_SYSTEM, "cannot %s %s: %s", what, path,
		strerror(errno));
}

static void
day_of(time_t when, char day[DAY_SIZE])
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(when, text);
	memcpy(day, text, DAY_SIZE - 1);
	day[DAY_SIZE - 1] = '\0';
}

static bool
is_day(const char *name)
{
	static const char like[] = "dddd-dd-dd";

	for (size_t i = 0; i < sizeof(like) - 1; i++)
		if (like[i] == '-' ? name[i] != '-'
				   : name[i] < '0' || name[i] > '9')
			return false;
	return name[sizeof(like) - 1] == '\0';
}

/* ---- every day that is there ---- */

static int
each_day(const char *folder,
	int (*visit)(void *arg, const char *day, struct error *err), void *arg,
	struct error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int result = 0;

	if (dir == NULL)
		return failed(err, "read", folder);
	while (result == 0 && (entry = readdir(dir)) != NULL)
		if (is_day(entry->d_name))
			result = visit(arg, entry->d_name, err);
	closedir(dir);
	return result;
}

static void
remove_day(const char *folder, const char *day)
{
	char *path = mem_printf("%s/%s", folder, day);
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
	mem_free(path);
}

static int
remove_when_old(void *arg, const char *day, struct error *err UNUSED)
{
	const struct journal *journal = arg;
	char last[DAY_SIZE];

	day_of(clock_now() - (time_t)journal->keep_hours * 3600, last);
	if (strcmp(day, last) < 0)
		remove_day(journal->folder, day);
	return 0;
}

int
journal_open(const char *folder, unsigned keep_hours, struct journal **out,
	struct error *err)
{
	struct journal *journal = mem_alloc(sizeof(*journal));

	journal->folder = mem_string(folder);
	journal->keep_hours = keep_hours;
	if (each_day(folder, remove_when_old, journal, err) == 0) {
		*out = journal;
		return 0;
	}
	journal_free(journal);
	return -1;
}

void
journal_free(struct journal *journal)
{
	if (journal != NULL)
		mem_free(journal->folder);
	mem_free(journal);
}

/* ---- one mail ---- */

/* A byte for each mail there can be, which nobody else may hold. */
static int
take_lock(struct journal_mail *mail, const char *name, struct error *err)
{
	char *path = mem_printf("%s/lock", mail->journal->folder);
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1
	};
	int result = -1;

	for (int i = 0; i < 12; i++)
		lock.l_start = lock.l_start * 16 +
			       (strchr("0123456789abcdef", name[i]) -
				       "0123456789abcdef");
	mail->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (mail->lock < 0)
		failed(err, "write", path);
	else if (fcntl(mail->lock, F_OFD_SETLK, &lock) == 0)
		result = 0;
	else if (errno == EAGAIN || errno == EACCES)
		error_set(err, ERROR_SYSTEM,
			"this very mail is being worked on already");
	else
		failed(err, "lock", path);
	mem_free(path);
	return result;
}

static int
read_day(void *arg, const char *day, struct error *err)
{
	struct journal_mail *mail = arg;
	char *path =
		mem_printf("%s/%s/%s", mail->journal->folder, day, mail->shard);
	int result = 0;

	if (access(path, F_OK) == 0)
		result = file_read(path, SHARD_MAX_BYTES, &mail->lines, err);
	if (result != 0 && err != NULL)
		err->kind = ERROR_SYSTEM;
	mem_free(path);
	return result;
}

int
journal_begin(struct journal *journal, const char name[CRYPTO_MAC_HEX],
	struct journal_mail **out, struct error *err)
{
	struct journal_mail *mail = mem_alloc(sizeof(*mail));

	mail->journal = journal;
	memcpy(mail->shard, name, 2);
	mail->lock = -1;
	if (take_lock(mail, name, err) == 0 &&
		each_day(journal->folder, read_day, mail, err) == 0) {
		*out = mail;
		return 0;
	}
	journal_end(mail);
	return -1;
}

void
journal_end(struct journal_mail *mail)
{
	if (mail == NULL)
		return;
	if (mail->lock >= 0)
		close(mail->lock);
	buf_clear(&mail->lines);
	mem_free(mail);
}

/* The strongest of all lines: a copy may have been tried several times. */
enum journal_state
journal_state_of(const struct journal_mail *mail, const char *key)
{
	struct span rest = buf_span(&mail->lines);
	enum journal_state found = JOURNAL_NOTHING;
	const unsigned char *at;

	while ((at = span_find(rest, span_string(key))) != NULL) {
		unsigned char state = at > rest.data ? at[-1] : ' ';

		if (state == JOURNAL_SENT)
			return JOURNAL_SENT;
		if (state == JOURNAL_BEGUN)
			found = JOURNAL_BEGUN;
		rest.len -= (size_t)(at - rest.data) + 1;
		rest.data = at + 1;
	}
	return found;
}

/* ---- writing ---- */

/*
 * Today's file.  It lasts once its folders are synced, and whoever has made it
 * may not have come to that yet.
 */
static int
open_shard(const struct journal_mail *mail, char **path, struct error *err)
{
	struct journal *journal = (struct journal *)mail->journal;
	char day[DAY_SIZE];
	char *folder;
	int fd;

	day_of(clock_now(), day);
	folder = mem_printf("%s/%s", journal->folder, day);
	*path = mem_printf("%s/%s", folder, mail->shard);
	if (mkdir(folder, 0700) == 0)
		(void)!each_day(
			journal->folder, remove_when_old, journal, NULL);
	fd = open(*path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		failed(err, "write", *path);
	} else if (file_sync_folder(folder, err) != 0 ||
		   file_sync_folder(journal->folder, err) != 0) {
		close(fd);
		fd = -1;
	}
	mem_free(folder);
	return fd;
}

static int
add_lines(struct buf *out, enum journal_state state,
	const struct journal_lines *lines, struct error *err)
{
	for (size_t i = 0; i < lines->count; i++)
		if (buf_add_format(out, err, "\n%c%s", state, lines->keys[i]) !=
			0)
			return -1;
	return 0;
}

int
journal_write(struct journal_mail *mail, struct journal_lines *lines,
	struct error *err)
{
	struct buf bytes = { 0 };
	int fd, result = -1;

	mem_free(lines->path);
	fd = open_shard(mail, &lines->path, err);
	if (fd < 0)
		return -1;
	if (add_lines(&bytes, JOURNAL_BEGUN, lines, err) != 0)
		goto out;
	errno = ENOSPC;
	if (write(fd, bytes.data, bytes.len) != (ssize_t)bytes.len) {
		failed(err, "write", lines->path);
		goto out;
	}
	/* Where an appended write has ended, whoever else appends. */
	lines->where = lseek(fd, 0, SEEK_CUR) - (off_t)bytes.len;
	result = 0;
out:
	buf_clear(&bytes);
	close(fd);
	return result;
}

int
journal_settle(const struct journal_lines *lines, enum journal_state state,
	struct error *err)
{
	int fd = open(lines->path, O_WRONLY | O_CLOEXEC);
	struct buf bytes = { 0 };
	int result = -1;

	if (fd < 0)
		return failed(err, "write", lines->path);
	if (add_lines(&bytes, state, lines, err) != 0)
		goto out;
	if (pwrite(fd, bytes.data, bytes.len, lines->where) !=
			(ssize_t)bytes.len ||
		fdatasync(fd) != 0)
		failed(err, "write", lines->path);
	else
		result = 0;
out:
	buf_clear(&bytes);
	close(fd);
	return result;
}

/* ---- how full it is ---- */

struct summing {
	const char *folder;
	char kept[DAY_SIZE]; /* what is before that day ends tomorrow */
	struct journal_summary *out;
};

static void
sum_shard(struct journal_summary *out, const char *path)
{
	struct buf bytes = { 0 };

	if (file_read(path, SHARD_MAX_BYTES, &bytes, NULL) == 0)
		for (size_t i = 0; i + LINE_SIZE <= bytes.len; i++) {
			if (bytes.data[i] != '\n')
				continue;
			out->sent += bytes.data[i + 1] == JOURNAL_SENT;
			out->begun += bytes.data[i + 1] == JOURNAL_BEGUN;
		}
	buf_clear(&bytes);
}

static int
sum_day(void *arg, const char *day, struct error *err UNUSED)
{
	struct summing *self = arg;
	char *folder = mem_printf("%s/%s", self->folder, day);
	size_t before = self->out->sent + self->out->begun;
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (self->out->since[0] == '\0' || strcmp(day, self->out->since) < 0)
		memcpy(self->out->since, day, DAY_SIZE);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char *path = mem_printf("%s/%s", folder, entry->d_name);

		if (entry->d_name[0] != '.')
			sum_shard(self->out, path);
		mem_free(path);
	}
	if (dir != NULL)
		closedir(dir);
	if (strcmp(day, self->kept) < 0)
		self->out->ending +=
			self->out->sent + self->out->begun - before;
	mem_free(folder);
	return 0;
}

int
gateway_journal_summary(const struct gateway *gateway,
	struct journal_summary *out, struct error *err)
{
	char *folder = mem_printf("%s/journal", gateway->split.folder);
	struct summing self = { .folder = folder, .out = out };
	int result;

	day_of(clock_now() + DAY_SECONDS -
			(time_t)gateway->split.keep_hours * 3600,
		self.kept);
	*out = (struct journal_summary){ 0 };
	result = each_day(folder, sum_day, &self, err);
	mem_free(folder);
	return result;
}
