/*
 * One mail, in order: a struct mail goes in, a struct outcome comes out.
 * gateway_process() cannot fail; failing is an outcome.  Never calls an MTA.
 * lint: rules, mail and outcome are one contract, read as one page.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "addr/addr.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/trace.h"
#include "cert/cert.h"
#include "cms/cms.h"
#include "mime/mime.h"
#include "net/net.h"
#include "rule/rule.h"
#include "smime/smime.h"
#include "store/store.h"
#include "tnef/tnef.h"
#include "trust/trust.h"

/* ---- the configuration, filled by conf, immutable while mails run ---- */

/*
 * variants: what the lines of a rule's table make of it, rules of the same
 * name; values of rule.table, as the rule itself is.
 */

struct sign_rule {
	struct rule rule;
	struct list stores;		/* struct store *, borrowed */
	struct list variants;		/* struct sign_rule *, owned */
	struct cert_selector *selector; /* NULL: certificate = "address" */
	enum smime_form form;
	enum crypto_digest digest;
	enum cms_scheme scheme;
	bool tnef;	      /* a winmail.dat is unpacked before */
	bool when_encrypting; /* only what gets encrypted as well */
	bool wanted;	      /* note who logs in and has no certificate */
};

struct encrypt_rule {
	struct rule rule;
	struct list stores;
	struct list variants; /* struct encrypt_rule *, owned */
	/* mode_from: where to ask, or NULL, and what an answer makes of it. */
	struct store *mode_store;
	char *mode_attribute;
	bool mode_of_sender;
	const struct encrypt_rule *by_mode[MODE_COUNT];
	struct cert_selector *selector;
	bool trusted;
	bool to_self;
	bool accept_pgp; /* accept = "pgp" */
	bool share_bcc;	 /* bcc = "share" (top level), copied here */
	bool weak_keys;	 /* RSA keys below 2048 bits will do */
	bool tnef;
	enum cms_cipher cipher;
	enum cms_transport transport;
	enum crypto_digest oaep_digest;
};

struct inbound_rule {
	struct rule rule; /* recipients alone */
	struct list keys; /* struct store *, borrowed; none: never opened */
	bool any_key;	  /* keys_for = "any" */
	bool verify;
	bool legacy;	       /* RC2 and DES are opened */
	bool weak_ok;	       /* SHA-1 and short keys are no reason to doubt */
	bool strip_signature;  /* of a mail whose signatures are verified */
	struct store *harvest; /* managed, borrowed; or NULL */
	enum otherwise undecryptable, bad_signature;
};

/* What readers are told, and how. */
struct report_settings {
	char *headers;	   /* "X-SMIME-Milter-Info": begins our fields */
	char *authserv_id; /* NULL or "": the MTA's own name */
	bool subject_tags;
};

/* Mails that S/MIME does no good, and what is done with them. */
enum special {
	SPECIAL_REPORT, /* null sender, multipart/report */
	SPECIAL_PARTIAL,
	SPECIAL_CALENDAR,
	SPECIAL_ANSWER,
	SPECIAL_LIST,
	SPECIAL_BULK,
	SPECIAL_COUNT
};
enum treatment {
	TREAT_PROTECT, /* as any mail */
	TREAT_SKIP,
	TREAT_SIGN, /* not encrypted */
	TREAT_SIGN_DETACHED,
	TREAT_DETACHED, /* signed so, encrypted as any mail */
	TREAT_OPAQUE,
	TREAT_REJECT
};
struct special_settings {
	enum treatment treatment[SPECIAL_COUNT];
	/* Rules that must be kept heed it, too. */
	bool even_mandatory[SPECIAL_COUNT];
};
int special_from_name(const char *name) MUST_USE; /* "reports"; or -1 */

/*
 * Copies for those whose mail is another than the one the MTA keeps.  Bcc
 * recipients of a protected mail have copies of their own.
 */
struct split_settings {
	bool on;	     /* mixed = "split"; false: all or nothing */
	bool internal_clear; /* internal_copy = "clear" */
	bool mark;	     /* a field that our other half knows */
	unsigned keep_hours; /* of the journal */
	char *state;	     /* the folder `state`, and below it */
	char *folder;	     /* key and journal */
};

struct gateway_limits {
	size_t message_bytes;
	unsigned encrypt_recipients;
	unsigned lookup_seconds;
	unsigned cms_layers;
	unsigned decrypt_failures; /* of one client within an hour */
	unsigned harvest_day;	   /* certificates within a day, */
	unsigned harvest_total;	   /* and harvested ones in a store */
	struct mime_limits mime;
	struct tnef_limits tnef;
};

/* A winmail.dat of which something is lost when it is unpacked. */
enum tnef_broken {
	TNEF_BROKEN_BESIDE, /* stays beside what could be read */
	TNEF_BROKEN_INSTEAD /* stays, and nothing else */
};

struct gateway {
	struct list stores;	   /* struct store *, owned */
	struct list sign_rules;	   /* struct sign_rule *, owned */
	struct list encrypt_rules; /* struct encrypt_rule *, owned */
	struct list inbound_rules; /* struct inbound_rule *, owned */
	struct list internal;	   /* struct pattern *, owned */
	struct report_settings report;
	struct special_settings special;
	struct trust *trust;
	struct login_map *logins; /* or NULL */
	bool share_bcc;
	bool refuse_early; /* recipients at RCPT */
	enum tnef_broken tnef_broken;
	struct split_settings split;
	struct copies *copies; /* key and journal: made by gateway_start() */
	struct gateway_limits limits;
	struct gateway_signers *signers; /* made by gateway_prepare() */
	struct gateway_counts *counts;	 /* failures, harvests */
};

/*
 * Below state: who has logged in, was to be signed for and had no certificate
 * (rules with `wanted`).  Texts (char *) to be checked like any other; a file
 * whose name is not that of its address is removed, with an event.  CONFIG when
 * the folder cannot be read.
 */
int gateway_wanted_read(
	const char *state, struct list *out, struct error *err) MUST_USE;
void gateway_wanted_drop(const char *state, const struct address *address);

struct gateway *gateway_new(void) MUST_USE; /* empty, default limits */
void gateway_free(struct gateway *gateway);
void sign_rule_free(void *rule);
void encrypt_rule_free(void *rule);
void inbound_rule_free(void *rule);
/*
 * After conf has filled it: prepare a signer for each key that a sign rule
 * may use, so that no mail waits for that.  warnings: char * per key that
 * cannot sign as its rule says.
 */
int gateway_prepare(struct gateway *gateway, struct list *warnings,
	struct error *err) MUST_USE;
/*
 * In the process that serves mails, as the user that does: opens what the
 * stores could not open before (store_start), then as gateway_prepare() for
 * the keys found there.  Once.
 */
int gateway_start(struct gateway *gateway, struct list *warnings,
	struct error *err) MUST_USE;
/*
 * Each certificate of the stores that are in memory (struct cert *,
 * referenced), of a token only while it is there.
 */
void gateway_list_certs(const struct gateway *gateway, struct list *out);
/*
 * Only in the process that serves mails, after gateway_start(): fetch the
 * revocation lists of all that is in use (trust_refresh_start).
 */
int gateway_start_refresh(struct gateway *gateway, struct error *err) MUST_USE;

/*
 * What ends within 30 days and has its key in a store that is not in memory:
 * kept (then of the caller, gateway_own_free()) replaces what it held.  Such a
 * store is large; once a day will do.  -1: not every store could tell.
 */
int gateway_look_for_own(
	const struct gateway *gateway, time_t now, struct list *kept) MUST_USE;
void gateway_own_free(void *own);
/*
 * A sentence (char *) for each certificate that ends within 30 days and has
 * no other one to take its place, of the stores in memory and of those kept;
 * the soonest first, at most 100 of them.
 */
void gateway_expiring(const struct gateway *gateway, time_t now,
	const struct list *kept, struct list *lines);
/*
 * A sentence for whatever else should be looked at: stores that cannot be
 * asked now, revocation lists.
 */
void gateway_concerns(const struct gateway *gateway, struct list *lines);

/* What the journal of copies holds (mixed = "split"). */
struct journal_summary {
	size_t sent, begun; /* recipients */
	char since[11];	    /* its first day, "2026-01-31"; or "" */
};
int gateway_journal_summary(const struct gateway *gateway,
	struct journal_summary *out, struct error *err) MUST_USE;

/* ---- a mail ---- */

struct mail_field {
	char *name;
	char *value; /* after the colon, leading blank included, folds as LF */
};

/* An envelope recipient as the MTA has said it. */
struct mail_path {
	char *path; /* with or without <> */
	char *args; /* of RCPT TO, blanks between; or NULL */
	struct recipient_answer
		*answer; /* gateway_ask_recipient()'s, or NULL */
};

struct mail {
	char *queue_id; /* or NULL */
	char *mta_name; /* macro j, or NULL */
	struct client client;
	struct address *mail_from; /* or NULL: not given yet */
	char *sender_args;	   /* of MAIL FROM, blanks between; or NULL */
	struct list recipients;	   /* struct address * */
	struct list paths;    /* struct mail_path *, one of each recipient */
	struct list fields;   /* struct mail_field *, in order */
	struct buf entity;    /* all Content-* fields, blank line, body: set by
				 mail_begin_body, grown by mail_add_body */
	size_t body_offset;   /* where the body starts in entity */
	struct error failure; /* kind != NONE: the shell could not take it
				 in whole (LIMIT, SYSTEM) */
};

void mail_init(struct mail *mail, size_t limit_bytes);
void mail_clear(struct mail *mail);
/* name and value as libmilter gives them with SMFIP_HDR_LEADSPC. */
void mail_add_field(struct mail *mail, const char *name, const char *value);
/* FORMAT also for "host!user" and "user%host": no rule would match these. */
int mail_add_recipient(
	struct mail *mail, struct span path, struct error *err) MUST_USE;
/* Of the recipient added last; args end in NULL. */
void mail_set_recipient_args(struct mail *mail, char *const *args);
/* The one added last: it was refused. */
void mail_drop_recipient(struct mail *mail);
void mail_set_sender_args(struct mail *mail, char *const *args);
int mail_set_sender(
	struct mail *mail, struct span path, struct error *err) MUST_USE;
/* After the last field, before the first byte of the body. */
int mail_begin_body(struct mail *mail, struct error *err) MUST_USE;
int mail_add_body(
	struct mail *mail, struct span bytes, struct error *err) MUST_USE;
/*
 * A whole message as in a file (header, blank line, body; LF or CRLF): fields
 * and body at once.
 */
int mail_from_message(
	struct mail *mail, struct span message, struct error *err) MUST_USE;

/*
 * At the end of the header: may any rule do anything to this mail?  When not,
 * the shell accepts it and the body is never transferred.  trace (may be NULL)
 * says why no rule applies.
 */
bool gateway_wants_body(const struct gateway *gateway, const struct mail *mail,
	struct trace *trace);

/* ---- what becomes of it ---- */

enum edit_kind {
	EDIT_REMOVE, /* every field of that name */
	EDIT_SET,    /* exactly one: the first is changed, others removed,
			added when there is none */
	EDIT_ADD,
	EDIT_CHANGE, /* the one with that index, removed when value is NULL;
			several stand from the highest index down */
	EDIT_INSERT, /* above the others, the first of these on top */
};

struct edit {
	enum edit_kind kind;
	char *name;
	char *value;	/* folds as LF + blank, leading blank included; NULL
			   for REMOVE */
	unsigned count; /* how often the field stood in the mail */
	unsigned index; /* CHANGE: from 1, among those of its name */
};

/* What was done, and why: for the log line and for `smimectl test`. */
struct candidate {
	char sha256[CERT_SHA256_HEX];
	char *source;
	char *refused; /* NULL: usable */
};

struct sign_report {
	const char *rule; /* borrowed from the gateway; NULL: none matched */
	char certificate[CERT_SHA256_HEX]; /* "" when none */
	bool done;
	char *why;		/* why it was not signed, or a remark; NULL */
	struct list candidates; /* struct candidate * */
};

enum plan { PLAN_CLEAR, PLAN_ENCRYPT, PLAN_INTERNAL_COPY, PLAN_REFUSED };
const char *plan_name(enum plan plan);

struct recipient_report {
	char *address;
	const char *rule;
	char certificate[CERT_SHA256_HEX];
	enum plan plan;
	char *why;
	struct list candidates;
};

/* RFC 7281 2, RFC 8601 2.7. */
enum inbound_verdict {
	INBOUND_NONE, /* no signature over the whole mail */
	INBOUND_PASS,
	INBOUND_FAIL,
	INBOUND_POLICY,
	INBOUND_NEUTRAL,
	INBOUND_TEMPERROR,
	INBOUND_PERMERROR
};
const char *inbound_verdict_name(enum inbound_verdict verdict);

struct inbound_signer {
	const struct cms_signer_report *cms; /* of the layer */
	bool trusted;
	bool is_author;	  /* its certificate names the one mailbox of From */
	struct error why; /* why not trusted; kind NONE: a remark */
};

/* One layer of protection, the outermost first. */
struct inbound_layer {
	bool encrypted; /* or signed */
	/* encrypted */
	struct cms_envelope envelope;
	bool opened;
	bool vouched_for; /* by a tag, or by a signature inside */
	/* signed */
	struct cms_signed cms;
	struct list signers; /* struct inbound_signer * */
	enum smime_canonical form;
	struct smime_parts parts;
	struct buf der;
	enum inbound_verdict verdict;
	struct error why; /* for the administrator alone when encrypted */
};

struct inbound_report {
	char *rule; /* names, comma separated; NULL: none matched */
	enum inbound_verdict verdict;
	char *identifier; /* whose signature it is, when it passed */
	char *why;
	struct list layers; /* struct inbound_layer * */
	bool decrypted, verified, stripped, harvested; /* what was done */
};

/* A mail of its own for some recipients, whom the MTA shall forget. */
enum copy_state { COPY_PLANNED, COPY_SENT, COPY_SENT_BEFORE };
struct outcome_copy {
	struct list recipients; /* const struct address *, borrowed */
	struct list paths;	/* const struct mail_path *, borrowed */
	const char *rule;	/* borrowed; NULL: in clear */
	enum copy_state state;
};

struct outcome {
	enum verdict verdict;
	char *reply; /* TEMPFAIL, REJECT: "550 5.7.1 words for the sender",
			QUARANTINE: the reason; NULL otherwise */
	struct list edits; /* struct edit *, in order */
	bool body_changed;
	struct pieces body; /* CRLF, 7-bit; borrows from mail and layers */
	struct smime_layer layers[2]; /* owned: signed, encrypted */
	struct buf rewritten;	      /* owned: the entity made fit */
	struct inbound_report inbound;
	bool headers_only_bounce; /* it must not carry out what was opened */
	struct sign_report sign;
	struct list recipients; /* struct recipient_report * */
	struct list copies;	/* struct outcome_copy * */
	struct list forget;	/* const char *: paths that the MTA drops */
	bool unpacked, signed_, encrypted; /* what was done */
	char *encrypt_rule;		   /* names, comma separated; or NULL */
	struct error error;		   /* kind and words for the log */
	char *note; /* a word for the log line, or NULL */
};

void outcome_init(struct outcome *outcome);
void outcome_clear(struct outcome *outcome);

/*
 * How copies go back to the MTA: by the shell.  send takes a mail for all of
 * its recipients or for none; ask finds out beforehand whether it would.
 */
struct courier {
	enum submit_result (*ask)(
		void *self, struct submit_mail *mail, struct error *err);
	enum submit_result (*send)(
		void *self, struct submit_mail *mail, struct error *err);
	void *self;
};

/*
 * Do it.  mail must stay as it is until outcome is cleared; its entity is
 * released as soon as no result can need it.  trace may be
 * NULL.  keep_working (may be NULL) is asked between slow steps; 0 means the
 * MTA has given up, and the outcome is TEMPFAIL.
 */
struct gateway_run {
	struct trace *trace;
	bool explain; /* keep every candidate in the reports, and change
			 nothing but the mail: nothing is harvested */
	int (*keep_working)(void *arg);
	void *arg;
	/* NULL: copies are planned, and nothing is sent. */
	const struct courier *courier;
	/*
	 * `smimectl verify` and decrypt: this rule, whoever the recipients
	 * are, and nothing beyond it; certificates judged as of `at` (0: now).
	 */
	const struct inbound_rule *by_hand;
	time_t at;
};
void gateway_process(const struct gateway *gateway, struct mail *mail,
	const struct gateway_run *run, struct outcome *outcome);

/*
 * At RCPT, of the recipient added last: REJECT when a rule with otherwise =
 * "reject" is his, as far as the envelope tells, and there is no certificate
 * for him; TEMPFAIL when that cannot be told within limits.lookup_seconds; or
 * ACCEPT, and what was found is used at the end of the mail.  Nothing is asked
 * for a client that may not send out, whatever it learned would be too much,
 * nor for the MTA's own submission, to which nobody can be refused here.
 */
void gateway_ask_recipient(const struct gateway *gateway, struct mail *mail,
	struct trace *trace, struct outcome *outcome);
/* Can it ever refuse anybody? */
bool gateway_refuses_recipients(const struct gateway *gateway) MUST_USE;

/*
 * The one log line (design section 10): addresses quoted, control characters
 * escaped, nothing of the content.
 */
void outcome_log_line(const struct outcome *outcome, const struct mail *mail,
	int64_t milliseconds, char *out, size_t size);

/*
 * What was read from a winmail.dat as a message of its own: its fields (From,
 * Subject, ...) and content.
 */
int gateway_tnef_mail(const struct tnef_message *message, struct buf *out,
	struct error *err) MUST_USE;
/*
 * By hand, without rules: the first winmail.dat in a whole message, borrowed
 * from it or from held: 1, 0 or -1; and that message with each of them
 * unpacked (out stays empty when there is none).  *note, which is the caller's,
 * says why one was kept, or is NULL.
 */
int gateway_find_tnef(struct span message, struct buf *held, struct span *out,
	struct error *err) MUST_USE;
int gateway_unpack_message(struct span message, struct buf *out, char **note,
	struct error *err) MUST_USE;

/* The resulting message (edits applied, body replaced) as bytes. */
int outcome_write_message(const struct outcome *outcome,
	const struct mail *mail, const struct sink *out,
	struct error *err) MUST_USE;

#endif
