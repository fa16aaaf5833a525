/* What the commands about authorities share. */
#ifndef CTL_AUTHORITY_H
#define CTL_AUTHORITY_H

#include "ca/ca.h"
#include "ctl.h"
#include "json.h"
#include "store/store.h"

/* One that a command works on. */
struct authority {
	struct conf *conf;
	const struct ca_settings *settings; /* of conf */
	struct ca *ca;
};

enum authority_how { AUTHORITY_LOCKED, AUTHORITY_UNLOCKED };

/* Who does it, for the journal: "root(alice)" after sudo.  Free it. */
char *authority_who(void) MUST_USE;
/* The one that --ca names, the default, or the only one; an exit code. */
int authority_choose(const struct request *request, const struct conf *conf,
	const struct ca_settings **out);
/* From its file, or asked for at the terminal; an exit code. */
int authority_password(
	const struct ca_settings *settings, bool twice, char **out);
int authority_open_settings(const struct ca_settings *settings,
	enum authority_how how, struct ca **out);
/* All of it; an exit code.  Close it in any case. */
int authority_open(const struct request *request, enum authority_how how,
	struct authority *out);
void authority_close(struct authority *authority);
/* Several with one configuration. */
struct authorities {
	struct conf *conf;
	struct list each; /* struct authority *, owned */
	bool whole;	  /* all of the configuration were asked for */
};
/*
 * Unlocked: all of the configuration, in its order, unless --ca names one, or
 * else that one or the default.  Those that cannot be opened are left out, and
 * the exit code is theirs.  Close them in any case.
 */
int authority_open_all(
	const struct request *request, bool all, struct authorities *out);
void authority_close_all(struct authorities *authorities);
/* ca_close(), and a line in the log when something was done. */
void authority_close_ca(const struct conf *conf, struct ca *ca);

/* A number from 1 to most; `fallback` when it is not given.  An exit code. */
int authority_number(const struct request *request, const char *option,
	unsigned fallback, unsigned most, unsigned *out);
/* By address or serial; finding none is CTL_NO, with a sentence. */
int authority_find(const struct ca *ca, const char *word, struct list *out);

/* ---- ca_list.c ---- */

json_t *authority_entry_json(const struct ca_entry *entry);
void authority_entry_print(const struct ca_entry *entry);

/* ---- ca_filing.c ---- */

/* The managed store where the gateway finds what is issued; zeroed: none. */
struct filing {
	struct store *store; /* ours to write, or NULL: */
	const char *socket;  /* of the daemon, which writes for us */
	const char *name;    /* the store's, then */
};
/* By name, or the only one.  Is it, or the daemon, there?  An exit code. */
int filing_open(const struct conf *conf, const char *name, struct filing *out);
/* All that is not there yet; as ca_file(). */
int filing_run(
	struct filing *filing, struct ca *ca, struct error *err) MUST_USE;
void filing_close(struct filing *filing);

/* ---- ca_issuance.c ---- */

/* Any number of requests. */
struct issuance {
	struct authority *authority;
	struct filing filing; /* where the gateway finds them */
	struct list requests; /* struct ca_request *, owned */
	json_t *array;	      /* NULL: for people */
	const char *output;   /* certificates as PEM; or NULL */
};
/* Check all, then issue, file and say each; an exit code. */
int issuance_run(struct issuance *issuance);
/* What may be filed and is not, from whatever time; an exit code. */
int issuance_file(struct issuance *issuance);
/* With --check-url: are the lists there?  An exit code. */
int issuance_check_urls(
	const struct request *request, const struct issuance *issuance);
void issuance_clear(struct issuance *issuance);
/* When the requests are known.  An exit code. */
int issuance_open_store(
	const struct request *request, struct issuance *issuance);

/* ---- ca_wanted.c ---- */

struct wanted {
	char *address, *key;
	const struct ca_template *template;
};
void wanted_free(void *wanted);
/*
 * Senders (struct wanted *) that a sign rule has noted, for whom a template
 * says that nobody needs to ask, as many as today's limit allows.  Of several
 * authorities each is the business of the first one in the configuration that
 * may issue for the domain.  Those that have a certificate of any are
 * forgotten.  An exit code.
 */
int wanted_read(const struct authorities *all,
	const struct authority *authority, struct list *out);

/* ---- ca_deliver.c ---- */

struct delivering {
	struct authority *authority;
	const char *to; /* NULL: the certificate's address */
	bool legacy;
	json_t *array;	   /* until delivering_tell(); NULL: for people */
	struct list shown; /* const struct ca_entry *: passwords are in it */
};
/* What --legacy and --to say, and can it be done at all?  An exit code. */
int delivering_begin(const struct request *request, struct authority *authority,
	struct delivering *out);
/*
 * The mail, then the password, by the command to that number or to the
 * terminal.  An exit code.
 */
int delivering_send(struct delivering *self, const struct ca_entry *entry,
	struct cert *cert, const char *telephone);
/* All that did not reach its owner; telephone NULL: the one it was for. */
int delivering_pending(struct delivering *self, const char *telephone);
/* The array goes out; what is known then is on record.  An exit code. */
int delivering_tell(struct delivering *self);

/* ---- ca_revoke.c ---- */

/* A new list, to where it belongs; an exit code. */
int authority_make_crl(struct ca *ca, unsigned days);

#endif
