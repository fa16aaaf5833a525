#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PASSWORD_LIMIT_BYTES = 4096, CHUNK_BYTES = 65536 };

static int
cannot(const char *verb, const char *path, struct error *err)
{
	char space[1024];
	struct passwd entry, *found = NULL;
	int why = errno;

	if (getpwuid_r(geteuid(), &entry, space, sizeof(space), &found) != 0)
		found = NULL;
	return error_set(err, ERROR_CONFIG, "%s: user %s cannot %s it: %s",
		path, found ? found->pw_name : "(without a name)", verb,
		strerror(why));
}

static int
refuse_if_open_to_others(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return cannot("examine", path, err);
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		return error_set(err, ERROR_CONFIG,
			"%s: holds a secret, but everybody may read or write "
			"it (chmod o= %s)",
			path, path);
	return 0;
}

static int
read_all(int fd, const char *path, size_t limit_bytes, struct buf *out,
	struct error *err)
{
	size_t total = 0;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return cannot("examine", path, err);
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_CONFIG, "%s: is a folder", path);
	if (S_ISREG(st.st_mode) && st.st_size > 0 &&
		(size_t)st.st_size <= limit_bytes &&
		buf_reserve(out, (size_t)st.st_size + 1, err) != 0)
		return -1;
	for (;;) {
		ssize_t got;

		if (out->size - out->len < 1 &&
			buf_reserve(out, CHUNK_BYTES, err) != 0)
			return -1;
		got = read(fd, out->data + out->len, out->size - out->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cannot("read", path, err);
		if (got == 0)
			return 0;
		out->len += (size_t)got;
		total += (size_t)got;
		if (total > limit_bytes)
			return error_set(err, ERROR_LIMIT,
				"%s: more than %zu bytes", path, limit_bytes);
	}
}

static int
read_path(const char *path, bool secret, size_t limit_bytes, struct buf *out,
	struct error *err)
{
	/* O_NONBLOCK: a pipe put in a file's place must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int result = -1;

	if (fd < 0)
		return cannot("open", path, err);
	if (!secret || refuse_if_open_to_others(fd, path, err) == 0)
		result = read_all(fd, path, limit_bytes, out, err);
	close(fd);
	return result;
}

int
file_read(const char *path, size_t limit_bytes, struct buf *out,
	struct error *err)
{
	return read_path(path, false, limit_bytes, out, err);
}

int
file_read_secret(const char *path, size_t limit_bytes, struct buf *out,
	struct error *err)
{
	return read_path(path, true, limit_bytes, out, err);
}

int
file_read_password(const char *path, char **out, struct error *err)
{
	struct buf text = { 0 };
	const unsigned char *end;
	int result = -1;

	if (file_read_secret(path, PASSWORD_LIMIT_BYTES, &text, err) != 0)
		goto out;
	end = text.len ? memchr(text.data, '\n', text.len) : NULL;
	if (end != NULL)
		text.len = (size_t)(end - text.data);
	if (text.len != 0 && text.data[text.len - 1] == '\r')
		text.len--;
	if (text.len != 0 && memchr(text.data, '\0', text.len) != NULL) {
		error_set(err, ERROR_CONFIG, "%s: not a line of text", path);
		goto out;
	}
	*out = mem_string_n(text.data, text.len);
	result = 0;
out:
	buf_clear(&text);
	return result;
}

int
file_is_world_readable(const char *path, struct error *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return cannot("examine", path, err);
	return (st.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

int
file_put(int fd, struct span bytes)
{
	while (bytes.len != 0) {
		ssize_t put = write(fd, bytes.data, bytes.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		bytes.data += put;
		bytes.len -= (size_t)put;
	}
	return 0;
}

int
file_write_atomic(
	const char *path, struct span bytes, mode_t mode, struct error *err)
{
	char *temporary = mem_printf("%s.XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	int result = -1;

	if (fd < 0) {
		cannot("write beside", path, err);
		goto out;
	}
	if (fchmod(fd, mode) != 0 || file_put(fd, bytes) != 0 ||
		fsync(fd) != 0 || rename(temporary, path) != 0) {
		cannot("write", path, err);
		unlink(temporary);
		goto out;
	}
	result = 0;
out:
	if (fd >= 0)
		close(fd);
	mem_free(temporary);
	return result;
}

int
file_sync_folder(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : fsync(fd);

	if (result != 0)
		error_set(err, ERROR_SYSTEM, "%s: cannot be synced: %s", path,
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}
