/* A worker as the parent sees it. */
#ifndef MILTER_CHILD_H
#define MILTER_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/list.h"
#include "worker.h"

struct child {
	pid_t pid;
	int channel; /* -1 when it has ended */
	struct tally *tally;
	int64_t started_ms;
	int64_t ready_ms;	      /* 0: has not said so yet */
	struct list errors, warnings; /* char *: what it found at its start */
};

/*
 * Fork one.  setup's channel and tally are filled in here; nothing but its
 * listener and channel stays open in the worker.
 */
int child_start(struct worker_setup *setup, struct child **out,
	struct error *err) MUST_USE;
/* Its process has ended and was waited for. */
void child_free(void *child);

#endif
