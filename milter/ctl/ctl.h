/*
 * smimectl: a table of commands that is the grammar and the help at once.
 * Answers go to stdout, problems to stderr.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/event.h"
#include "base/list.h"
#include "conf/conf.h"

#define CTL_DEFAULT_CONTROL "/run/smime-milter/control.sock"

/* The exit codes (a contract). */
enum { CTL_YES = 0, CTL_NO = 1, CTL_USAGE = 2, CTL_TROUBLE = 3 };

struct option_row {
	const char *name;     /* "-o", "--client"; NULL ends a row's options */
	const char *argument; /* "FILE", or NULL: a flag */
	const char *help;
};

struct request;

enum { COMMAND_OPTIONS_MAX = 20, COMMAND_ANY_WORDS = 99 };

struct command {
	const char *name;      /* "check"; two words for "cert find" */
	const char *arguments; /* as help shows them */
	const char *help;      /* one line */
	int (*run)(const struct request *request);
	unsigned words_min, words_max;
	bool json; /* has a --json form */
	struct option_row options[COMMAND_OPTIONS_MAX + 1];
};

extern const struct command commands[]; /* ends with a NULL name */

/* ---- the command line ---- */

struct given {
	const struct option_row *row;
	const char *value; /* "" for a flag */
};

struct request {
	const char *conf_path;
	bool json;
	const struct command *command;
	struct list words;   /* const char *, borrowed from argv */
	struct list options; /* struct given *, owned */
};

/*
 * 0, or -1 when the command line is no command; the sentence has been printed.
 */
int request_parse(int argc, char **argv, struct request *out) MUST_USE;
void request_clear(struct request *request);
/* The last value given for an option, "" for a flag, NULL when not given. */
const char *request_option(const struct request *request, const char *name);
const char *request_word(const struct request *request, size_t index);

/* ---- words to the administrator ---- */

/* One line on stderr, "smimectl: " in front. */
void ctl_complain(const char *format, ...) PRINTF_LIKE(1, 2);
/* What a library says in passing (event_set_sink). */
void ctl_print_event(enum event_kind kind, const char *text);
/* Complain and return CTL_USAGE, or CTL_TROUBLE. */
int ctl_usage(const char *format, ...) PRINTF_LIKE(1, 2);
int ctl_trouble(const struct error *err);
/* Of two exit codes the one that says more. */
int ctl_worse(int one, int other);

/* ---- the configuration ---- */

/*
 * conf_load with stores for a command that needs it whole.  *code is CTL_YES,
 * or on failure what to return; then every problem has been printed.
 */
int ctl_load(
	const struct request *request, struct conf **out, int *code) MUST_USE;
/* The same without any store: their files may not be ours to read. */
int ctl_load_settings(
	const struct request *request, struct conf **out, int *code) MUST_USE;
/* Each problem on stderr; draft as path is named `instead` (both may be NULL)
 */
void ctl_print_problems(
	const struct list *problems, const char *path, const char *instead);
bool ctl_has_errors(const struct list *problems);
/* When not root and a file could not be read: a word about that. */
void ctl_hint_at_rights(const struct list *problems);

/* ---- the commands ---- */

int command_check(const struct request *request);
int command_edit(const struct request *request);
int command_test(const struct request *request);
int command_verify(const struct request *request);
int command_decrypt(const struct request *request);
int command_tnef(const struct request *request);
int command_reload(const struct request *request);
int command_status(const struct request *request);
int command_metrics(const struct request *request);
int command_log(const struct request *request);
int command_cert_list(const struct request *request);
int command_cert_find(const struct request *request);
int command_cert_show(const struct request *request);
int command_cert_import(const struct request *request);
int command_cert_export(const struct request *request);
int command_cert_remove(const struct request *request);
int command_crl_list(const struct request *request);
int command_crl_fetch(const struct request *request);
int command_crl_import(const struct request *request);
int command_ca_create(const struct request *request);
int command_ca_root(const struct request *request);
int command_ca_issue(const struct request *request);
int command_ca_renew(const struct request *request);
int command_ca_supersede(const struct request *request);
int command_ca_revoke(const struct request *request);
int command_ca_crl(const struct request *request);
int command_ca_list(const struct request *request);
int command_ca_deliver(const struct request *request);
int command_ca_publish(const struct request *request);
int command_ca_audit(const struct request *request);
int command_help(const struct request *request);
int command_version(const struct request *request);

#endif
