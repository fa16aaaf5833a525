/* Fault mode: what a client must not do, one after the other. */
#ifndef MTASIM_FAULT_H
#define MTASIM_FAULT_H

#include "mtasim.h"

struct trial {
	const char *socket;
	struct job alive; /* a mail that must be served at any time */
	struct message message;
	const char *rcpt;
	bool want_signed;
	int pid; /* of the daemon, or 0 */
	unsigned silence_seconds;
	size_t limit_bytes; /* the configured limits.message, or 0 */
	char why[300];
};

struct fault {
	const char *name;
	int (*run)(struct trial *trial, const struct fault *fault);
	enum stage stage;
	const char *octets;
	size_t length;
};

extern const struct fault stage_faults[], packet_faults[], mail_faults[];

int trial_fail(struct trial *trial, const char *format, ...) PRINTF(2, 3);
int trial_open(struct trial *trial, struct session *session);
/* Does a normal mail get through, in a session of its own? */
int trial_alive(struct trial *trial);
/* The same in this session. */
int trial_mail(struct trial *trial, struct session *session);
/* Descriptors of the daemon and its workers. */
int trial_descriptors(const struct trial *trial);

#endif
