/*
 * smimectl check --mta: do Postfix and Sendmail really give us their mail, and
 * what happens when we are not there?
 */
#ifndef CTL_MTA_H
#define CTL_MTA_H

#include "conf/conf.h"
#include "ctl.h"

/* What was found: errors and warnings, and what is well. */
struct findings {
	struct list problems; /* struct problem * */
	struct list notes;    /* char * */
	const char *file;     /* what the next ones are about */
};

void findings_clear(struct findings *findings);
void find_error(struct findings *findings, const char *format, ...)
	PRINTF_LIKE(2, 3);
void find_warning(struct findings *findings, const char *format, ...)
	PRINTF_LIKE(2, 3);
void find_note(struct findings *findings, const char *format, ...)
	PRINTF_LIKE(2, 3);

/* Look at the MTAs there are; 0, or -1 when it could not be told. */
int mta_check(const struct request *request, const struct conf *conf,
	struct findings *findings, struct error *err) MUST_USE;

/* ---- run.c ---- */

/*
 * Run a program (looked for in PATH and /usr/sbin), what it prints appended to
 * out, its stderr dropped.  *status is its exit status, 127 when there is no
 * such program.
 */
int run_program(const char *const argv[], struct buf *out, int *status,
	struct error *err) MUST_USE;

/*
 * The same with something on its standard input; what it prints is dropped,
 * what it complains of is heard.
 */
int run_program_with(const char *const argv[], struct span input, int *status,
	struct error *err) MUST_USE;

/* ---- endpoint.c: where a filter listens ---- */

struct endpoint {
	char *path; /* unix sockets; NULL: TCP */
	char *host; /* "" is every address */
	char *port;
};

void endpoint_clear(struct endpoint *endpoint);
/* "unix:/path", "local:/path", "inet:port@host": libmilter and Sendmail. */
void endpoint_from_milter(const char *text, struct endpoint *out);
/*
 * "unix:path", "inet:host:port": Postfix.  Relative paths are below the queue
 * folder, and for a chrooted service all are.
 */
void endpoint_from_postfix(const char *text, const char *queue, bool chrooted,
	struct endpoint *out);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

enum filter_kind { FILTER_UNKNOWN, FILTER_DKIM, FILTER_CONTENT, FILTER_BOTH };
/* By a name in the path or the usual port. */
enum filter_kind filter_kind(const char *text, const char **name);

struct filter {
	char *text;	/* "inet:localhost:8891" */
	char *settings; /* the rest of "{ ... }", or NULL */
};

/*
 * Is our filter in its place among others?  where is "smtpd_milters of
 * submission/inet".
 */
void check_order(struct findings *findings, const char *where,
	const struct list *filters, size_t ours);

/* ---- rights.c ---- */

/* May that user connect to our socket?  Adds what is in the way. */
void check_socket_rights(
	struct findings *findings, const struct conf *conf, const char *user);

/* ---- the rules' needs ---- */

/* CMS layers that a mail may get: 0, 1 or 2. */
unsigned rules_layers(const struct gateway *gateway);
/* A sign rule that believes MAIL FROM of logged-in clients; or NULL. */
const struct sign_rule *rules_need_sender_login(const struct gateway *gateway);
/* The first sign rule that does not let 127.0.0.1 in, or NULL. */
const struct sign_rule *rules_shut_out_localhost(const struct gateway *gateway);
/* bytes after that many layers of signing and encrypting */
double grown_bytes(double bytes, unsigned layers);

/* ---- the MTAs: 1 found and looked at, 0 not there, -1 could not tell ---- */

/* folder NULL: where postconf looks by itself. */
int postfix_check(const char *folder, const struct conf *conf,
	struct findings *findings, struct error *err) MUST_USE;
int sendmail_check(const char *file, const struct conf *conf,
	struct findings *findings, struct error *err) MUST_USE;

#endif
