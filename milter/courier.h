/*
 * Copies go back to the MTA, through its re-injection port (reinject).
 */
#ifndef MILTER_COURIER_H
#define MILTER_COURIER_H

#include "filter.h"
#include "watch.h"

struct courier_job {
	struct courier courier; /* what the gateway asks */
	struct submit_settings settings;
	struct submit_session *session; /* from the first question on */
	unsigned asks;			/* of this session */
	struct budget *budget;
	bool placed; /* among those that work */
};

/* One mail.  placed: it has a place, which it gives back while it waits. */
void courier_begin(struct courier_job *job, struct filter *filter,
	struct watch_job *watch, bool placed);
/* Whether it has that place now. */
bool courier_end(struct courier_job *job);

#endif
