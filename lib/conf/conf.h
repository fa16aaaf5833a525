/*
 * The rule file (libconfig syntax) becomes a struct conf: what the daemon
 * needs, and a struct gateway.  A row per setting; every problem with file,
 * line and sentence.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/log.h"
#include "ca/ca.h"
#include "gateway/gateway.h"

#define CONF_DEFAULT_PATH "/etc/smime-milter/smime-milter.conf"

enum problem_kind { PROBLEM_ERROR, PROBLEM_WARNING };

struct problem {
	enum problem_kind kind;
	char *file;    /* or NULL */
	unsigned line; /* or 0 */
	char *text;
};

void problem_free(void *problem);
/* "FILE:LINE: sentence" (what is known of it); free with mem_free. */
char *problem_format(const struct problem *problem) MUST_USE;

struct conf_socket {
	char *socket; /* "unix:/path", "inet:port@addr", "inet6:port@addr" */
	char *group;  /* or NULL */
	mode_t mode;
};

/* Where copies go (mixed = "split"). */
struct conf_reinject {
	char *uri; /* NULL: nowhere */
	bool start_tls;
	char *ca_file, *login, *password_file;
	char *password; /* read with the stores */
	unsigned timeout_seconds;
	bool mark;
	unsigned keep_hours;
};

/* Where certificates are published: a store of the type ldap. */
struct conf_publish {
	char *store; /* NULL: nowhere */
	char *bind_dn, *password_file;
	/* The store, as whoever writes there; owned.  NULL: nowhere. */
	struct store_settings *directory;
};

struct conf {
	char *path;
	struct conf_socket listen;   /* default unix:/var/spool/postfix/
					smime-milter/milter.sock, 0660 */
	struct conf_socket control;  /* unix path */
	struct list control_writers; /* char *: user names */
	char *user;
	char *state;
	char *pid_file;
	unsigned drain_seconds;
	enum log_level log_level;
	enum log_target log_target;
	int log_facility;
	size_t buffered_bytes; /* limits.buffered */
	unsigned mails;	       /* limits.mails */
	struct conf_reinject reinject;
	struct gateway *gateway;
	struct list managed; /* char *: names of the managed stores */
	char *ca_user;
	struct list authorities;  /* struct ca_settings * */
	struct list ca_templates; /* struct ca_template * */
	struct ca_delivery ca_delivery;
	struct conf_publish ca_publish;
};

/*
 * Read the file.  0 and *out when the daemon may start; -1 when problems
 * holds at least one PROBLEM_ERROR (the first syntax error, or else all
 * other problems).  Warnings (risky things) are added either way.
 * load_stores false: only the file itself is read, stores and keys are not
 * opened (the parent needs the sockets' settings alone).
 */
int conf_load(const char *path, bool load_stores, struct conf **out,
	struct list *problems) MUST_USE;
void conf_free(struct conf *conf);

/* Every setting with its type and default; tests hold them against the sample
 * file and the manual. */
struct conf_kind;
struct conf_row {
	const char *where; /* "", "stores", "sign", "limits", ... */
	const char *name;
	const char *fallback; /* the default as in the file, or NULL: none */
	bool required;
	/* For conf itself: what a value must be, and where it goes. */
	const struct conf_kind *kind;
	size_t offset;
	const void *detail;
};
const struct conf_row *conf_rows(size_t *count);

#endif
