/* A helper for callbacks that take long: the MTA hears of progress. */
#ifndef MILTER_WATCH_H
#define MILTER_WATCH_H

#include <libmilter/mfapi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct watch_job {
	SMFICTX *ctx;
	int64_t told_ms;	/* when the MTA last heard of us */
	bool quiet;		/* the callback itself sends from now on */
	bool telling;		/* a helper is sending */
	atomic_bool given_up;	/* the MTA has gone, or no longer waits */
	struct watch_job *next; /* in the list of those at work */
};

/* Start the helper; the caller has blocked the signals it must not get. */
int watch_start(struct error *err) MUST_USE;

/* job is the caller's, until watch_leave() returns. */
void watch_enter(struct watch_job *job, SMFICTX *ctx);
/* No progress is sent from here on, so that the callback may send. */
void watch_be_quiet(struct watch_job *job);
void watch_leave(struct watch_job *job);
/* 1, or 0 when the MTA no longer waits; fits gateway_run.keep_working. */
int watch_keep_working(void *job);

#endif
