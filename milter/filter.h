/*
 * What all callbacks of a worker share.  libmilter hands a callback its
 * session only, so there is one filter, set before the first session.
 */
#ifndef MILTER_FILTER_H
#define MILTER_FILTER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "budget.h"
#include "conf/conf.h"

/* A test aid (main.c): mails from this local part take that long. */
struct delay {
	unsigned ms; /* 0: none */
	char local_part[65];
};

struct filter {
	const struct conf *conf;
	struct budget budget;
	struct delay delay;
	atomic_bool refusing; /* a new mail gets 451: this worker must end */
	/*
	 * What the last MTA agreed to, for a session that begins anew without
	 * negotiating (SMFIC_QUIT_NC).
	 */
	_Atomic unsigned long agreed;
	atomic_bool may_change_sender;
};

/* Tell libmilter about the callbacks; filter lives as long as the process. */
int filter_register(struct filter *filter, struct error *err) MUST_USE;

#endif
