/* Where -o writes to. */
#ifndef CTL_OUTPUT_H
#define CTL_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* "-" and "/dev/stdout". */
bool output_is_stdout(const char *path);
/*
 * A file becomes a new one, whole or not at all.  What is there and is no
 * file (a pipe, a terminal, /dev/null) is written to and stays what it is.
 */
int output_write(const char *path, struct span bytes, mode_t mode,
	struct error *err) MUST_USE;

#endif
