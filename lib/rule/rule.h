/*
 * Who gets what?  Which rule matches, who may have a signature, and what
 * becomes of a mail that cannot be protected.  Pure: no look-ups, no files.
 * lint: a mail as rules see it, and all they ask of it, is one page.
 */
#ifndef RULE_RULE_H
#define RULE_RULE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "addr/addr.h"
#include "base/error.h"
#include "base/list.h"
#include "base/trace.h"

/* ---- where a mail comes from ---- */

struct client {
	bool local; /* the MTA's own submission: no address, or port 0 */
	int family; /* AF_INET, AF_INET6, or 0 when unknown */
	struct in6_addr ip; /* IPv4 as v4-mapped */
	char *login;	    /* SASL login name, or NULL */
};

void client_clear(struct client *client);

struct sender {
	const struct address *mail_from; /* never NULL; key "" is <> */
	const struct list *from; /* struct address *: every mailbox of every
				    From field */
	bool single; /* exactly one From field with exactly one mailbox */
	bool known;  /* false at RCPT, when From is not known yet */
};

/* ---- what a mail says, as far as it is known ---- */

struct content_field {
	const char *name; /* borrowed */
	char *text;	  /* decoded: mime_text_decode() */
};

struct content {
	bool header_known; /* false at RCPT */
	bool body_known;   /* false until the end of the mail */
	struct list
		fields; /* struct content_field *: those that are asked for */
	size_t bytes;
	bool has_attachment;
	bool attachment_unknown; /* the mail was not taken in whole */
};

/* ---- conditions, as the rule file writes them ---- */

enum client_kind { CLIENT_AUTHENTICATED, CLIENT_LOCAL, CLIENT_NETWORK };
struct client_condition {
	enum client_kind kind;
	struct in6_addr network; /* v4-mapped */
	unsigned prefix_bits;	 /* of 128 */
};
/* "authenticated", "local", "192.0.2.0/24", "2001:db8::/32", one address. */
int client_condition_new(const char *text, struct client_condition **out,
	struct error *err) MUST_USE;
/* The condition that lets this client in, or NULL. */
const struct client_condition *client_admitted(
	const struct list *conditions, const struct client *client);

enum from_must_be {
	FROM_BY_CLIENT /* the default */,
	FROM_LOGIN,
	FROM_ENVELOPE,
	FROM_ANY
};

/* Strictest last, so that they can be compared. */
enum otherwise {
	OTHERWISE_PASS,
	OTHERWISE_QUARANTINE,
	OTHERWISE_TEMPFAIL,
	OTHERWISE_REJECT
};
const char *otherwise_name(enum otherwise otherwise);
int otherwise_from_name(const char *name) MUST_USE; /* or -1 */

/*
 * What a sender can write or do so that the rule applies; NULL, 0 and
 * ANY are no conditions, several are met together.
 */
struct trigger {
	char *subject; /* text_find() */
	bool subject_remove;
	char *header, *header_value; /* its name; text_matches() */
	size_t min_bytes, max_bytes;
	enum { ATTACHMENT_ANY, ATTACHMENT_NONE, ATTACHMENT_SOME } attachment;
};

/*
 * Patterns for text: * any characters, ? one; ASCII letters in either case,
 * others as they are.  find: where it first stands in text, the shortest way;
 * empty when it does not.  matches: the whole text.
 */
struct span text_find(const char *pattern, const char *text);
bool text_matches(const char *pattern, const char *text);

/*
 * Names of addresses, domains ("b.example"), all below one (".b.example") and
 * everybody ("*"), each with a value of the caller's; of several names of an
 * address the narrowest is found.
 */
struct table;
struct table *table_new(void) MUST_USE;
void table_free(struct table *table);
/* CONFIG when it is no name, or stands there already. */
int table_add(struct table *table, const char *name, void *value,
	struct error *err) MUST_USE;
bool table_name_is_address(const char *name);
size_t table_count(const struct table *table);
/* Its names as patterns (char *, appended), in no order. */
void table_list(const struct table *table, struct list *out);
/* The value, or NULL. */
void *table_find(const struct table *table, const struct address *address);

enum rule_mode { MODE_NONE, MODE_ALLOW, MODE_MANDATORY };
enum { MODE_COUNT = MODE_MANDATORY + 1 };
/* "none", "allow", "mandatory" in upper or lower case; or -1. */
int rule_mode_from_name(const char *name) MUST_USE;

struct rule {
	char *name;	     /* or "sign 2": never NULL */
	struct list senders; /* struct pattern *; empty: everybody */
	struct list recipients;
	struct list clients; /* struct client_condition * */
	struct trigger trigger;
	struct table
		*table; /* of senders or recipients, a condition; or NULL */
	bool none;	/* mode = "none": nothing is done, and no rule
			   below is looked at */
	enum from_must_be from_must_be;
	enum otherwise otherwise;
};

void rule_clear(struct rule *rule);

/*
 * ---- matching: 1 matches, 0 not (the trace says why), -1 not known yet ----
 *
 * Whether a rule with a trigger matches is not known before the header, or the
 * end of the mail, is there.  A trigger counts only from clients that may have
 * a signature: those of the rule, by default authenticated and local.
 */

/* By sender and trigger; clients are no other part of it. */
int rule_match_sign(const struct rule *rule, const struct sender *sender,
	const struct client *client, const struct content *content,
	struct trace *trace) MUST_USE;
/* By recipient. */
int rule_match_recipient(const struct rule *rule,
	const struct address *recipient, struct trace *trace) MUST_USE;
/*
 * The other conditions of an encrypt rule: sender, clients and trigger.  They
 * are of a mail, not of a recipient, so once is enough.
 */
int rule_match_conditions(const struct rule *rule, const struct sender *sender,
	const struct client *client, const struct content *content,
	struct trace *trace) MUST_USE;
bool rule_has_trigger(const struct rule *rule);
/*
 * Would its trigger count, when there was one in a mail of that sender and
 * client?  senders: the table to look in (a sign rule's), or NULL.
 */
bool rule_trigger_counts(const struct rule *rule, const struct table *senders,
	const struct sender *sender, const struct client *client);

/* Is the client one of the rule's, or by default authenticated or local? */
bool rule_client_is_ours(const struct rule *rule, const struct client *client);

/* By recipient alone. */
int rule_match_inbound(const struct rule *rule, const struct address *recipient,
	struct trace *trace) MUST_USE;

/* ---- who may have a signature ---- */

/* login -> addresses; lines "login address ..." of login_map. */
struct login_map;
int login_map_parse(struct span text, const char *path, struct login_map **out,
	struct error *err) MUST_USE;
void login_map_free(struct login_map *map);

enum entitlement {
	ENTITLED,
	NOT_ENTITLED,	/* the client may not: passes unsigned, no error */
	NOT_THE_SENDER, /* may sign, but not for this From: `otherwise` */
};
/* Fills why (a clause) unless ENTITLED. */
enum entitlement rule_entitlement(const struct rule *rule,
	const struct sender *sender, const struct client *client,
	const struct login_map *map, struct error *why);

/* ---- the table: error kind x otherwise -> verdict ---- */

enum verdict {
	VERDICT_ACCEPT,
	VERDICT_QUARANTINE,
	VERDICT_TEMPFAIL,
	VERDICT_REJECT
};
const char *verdict_name(enum verdict verdict);

/*
 * What becomes of a mail that cannot be protected.  SYSTEM and CRYPTO are
 * always TEMPFAIL; every other kind goes by otherwise.
 */
enum verdict rule_verdict(enum error_kind kind, enum otherwise otherwise);

#endif
