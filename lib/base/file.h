/* Reading and writing whole files, with sentences that name path and user. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Append the file's bytes to out, at most limit_bytes of them (more is
 * ERROR_LIMIT).  A file that cannot be opened or read is ERROR_CONFIG, its
 * sentence names the path, the user and the reason ("Permission denied").
 */
int file_read(const char *path, size_t limit_bytes, struct buf *out,
	struct error *err) MUST_USE;

/*
 * As file_read, for a secret: a file that others may read or write is
 * ERROR_CONFIG.  Bytes are never left in freed memory.
 */
int file_read_secret(const char *path, size_t limit_bytes, struct buf *out,
	struct error *err) MUST_USE;

/*
 * The first line of a secret file, without its line end, as a password.
 * Owned by the caller, who gives it to mem_free_secret().
 */
int file_read_password(
	const char *path, char **out, struct error *err) MUST_USE;

/* 1 when group "others" may read or write path, 0 when not, -1 on trouble. */
int file_is_world_readable(const char *path, struct error *err) MUST_USE;

/* All of the bytes; -1 with errno. */
int file_put(int fd, struct span bytes) MUST_USE;

/*
 * Write a new file beside path, sync it and rename it over path: a reader
 * sees the old or the new bytes, never half of them.
 */
int file_write_atomic(const char *path, struct span bytes, mode_t mode,
	struct error *err) MUST_USE;

/* That a folder holds what it holds is on the disk, too.  SYSTEM. */
int file_sync_folder(const char *path, struct error *err) MUST_USE;

#endif
