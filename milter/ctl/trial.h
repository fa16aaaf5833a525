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
#include "json.h"

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

/*
 * A small made-up mail from one address to another: a short text, or what
 * protects TRIAL_TEXT, which is an entity.
 */
#define TRIAL_SOMEBODY "someone@example.com"
#define TRIAL_TEXT                                                             \
	"Content-Type: text/plain\r\n\r\nThis mail was never sent.\r\n"
int trial_make_up(struct trial *trial, const char *from, const char *to,
	const struct smime_layer *protection, struct error *err) MUST_USE;
/* A client that the conditions let in, as the sender's own. */
void trial_admit(
	struct trial *trial, const struct list *conditions, const char *login);

/* Every rule against a made-up mail: an exit code. */
int test_all(const struct request *request, const struct conf *conf);

/* The file, or standard input ("-"). */
int trial_read_bytes(
	const char *path, struct buf *out, struct error *err) MUST_USE;

/* ---- between test_all.c and test_inbound.c ---- */

/* What came of one rule and one address of its pattern; takes over address,
 * why and remark. */
struct trial_row {
	const char *kind; /* "sign", "encrypt", "inbound" */
	const char *rule;
	char *address;
	char *why;    /* NULL: it can do its work */
	char *remark; /* on how it did it; or NULL */
};
void trial_add_row(struct list *rows, const struct trial_row *row);
/* "*@*.example.com" -> "someone@x.example.com" */
char *trial_fill_pattern(const struct pattern *pattern) MUST_USE;
/* Why the rule did not do it; NULL when it did. */
char *trial_judge(const char *wanted, const char *got, bool done,
	const char *why, const struct outcome *outcome) MUST_USE;
/* A row for each pattern of the rule. */
void trial_inbound_rule(const struct gateway *gateway,
	const struct inbound_rule *rule, struct list *rows);

/* What is wrong with the file has been printed unless it is CTL_YES. */
int trial_read(struct trial *trial, const char *path);
/* smimectl verify and decrypt: this rule alone, as of `at` (0: now). */
void trial_run_by_hand(struct trial *trial, const struct gateway *gateway,
	const struct inbound_rule *rule, time_t at);
/* The resulting mail: an exit code, CTL_YES also when there is none. */
int trial_write(const struct trial *trial, const char *path);

/* ---- explain.c, explain_json.c, explain_inbound.c ---- */

void explain_text(const struct trial *trial, const struct conf *conf);
void explain_json(const struct trial *trial);
void explain_inbound(const struct inbound_report *report);
json_t *inbound_json(const struct inbound_report *report);

#endif
