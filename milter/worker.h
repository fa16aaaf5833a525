/* The process that serves mails. */
#ifndef MILTER_WORKER_H
#define MILTER_WORKER_H

#include "filter.h"
#include "sandbox.h"

/* What the parent gives its worker at birth. */
struct worker_setup {
	const char *conf_path;
	int listener; /* the parent's socket */
	int channel;
	const struct identity *identity;
	struct tally *tally;
	const struct delay *delay;
	_Atomic int64_t *warned_at; /* concerns.h */
	bool background;	    /* no terminal of ours */
};

/* Never returns. */
void worker_run(const struct worker_setup *setup) __attribute__((noreturn));

#endif
