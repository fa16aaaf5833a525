/*
 * A mail put through the very code of the daemon, and everything that can be
 * said about how it went.
 */
#ifndef CTL_TRIAL_H
#define CTL_TRIAL_H

#include "base/trace.h"
#include "conf/conf.h"
#include "ctl.h"
#include "gateway/gateway.h"

struct trial {
	struct mail mail;
	struct buf message; /* as it came, for a mail that is not changed */
	struct outcome outcome;
	struct trace trace;
	bool wanted; /* the daemon would ask for the body */
};

void trial_init(struct trial *trial, const struct gateway *gateway);
void trial_clear(struct trial *trial);
/* What the daemon does with trial->mail at the end of header and of body. */
void trial_run(struct trial *trial, const struct gateway *gateway);

/*
 * The mail from the file, envelope and client from the options.  An exit
 * code: CTL_YES, or what is wrong has been printed.
 */
int trial_from_request(struct trial *trial, const struct request *request);

/* A small made-up mail from one address to another. */
int trial_make_up(struct trial *trial, const char *from, const char *to,
	struct error *err) MUST_USE;
/* A client that the conditions let in, as the sender's own. */
void trial_admit(
	struct trial *trial, const struct list *conditions, const char *login);

/* Every rule against a made-up mail: an exit code. */
int test_all(const struct request *request, const struct conf *conf);

/* ---- explain.c, json.c ---- */

void explain_text(const struct trial *trial, const struct conf *conf);
void explain_json(const struct trial *trial);

#endif
