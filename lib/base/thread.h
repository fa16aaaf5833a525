/* Threads of the library's own; signals are for the main thread. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/compiler.h"
#include "base/error.h"

/*
 * run(arg) in a thread that blocks every signal: to be joined when `out` gets
 * it, detached when that is NULL.  SYSTEM when none can be made.
 */
int thread_start(void *(*run)(void *arg), void *arg, pthread_t *out,
	struct error *err) MUST_USE;

#endif
