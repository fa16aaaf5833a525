/* Between the files of gateway/ only. */
#ifndef GATEWAY_INTERNAL_H
#define GATEWAY_INTERNAL_H

#include "crypto/crypto.h"
#include "gateway/gateway.h"

/* ---- facts.c: what the header says about sender and readers ---- */

struct facts {
	struct list from;    /* struct address *: every mailbox of every From */
	struct list readers; /* struct address *: To, Cc, Resent-To, -Cc */
	struct address *nobody; /* <>, when MAIL FROM was not given */
	struct sender sender;
	const struct client *client; /* the mail's */
	unsigned content_types;
	struct content content;		     /* by facts_read_content() */
	bool invitation;		     /* likewise, of a whole mail */
	struct condition_answer *conditions; /* of each encrypt rule */
};

int facts_gather(struct facts *facts, const struct mail *mail,
	struct error *err) MUST_USE;
/*
 * What the triggers of the rules ask for: of the header, or (whole) of the
 * body as well.
 */
void facts_read_content(struct facts *facts, const struct gateway *gateway,
	const struct mail *mail, bool whole);
void facts_clear(struct facts *facts);
/* The one mailbox of From, or NULL. */
const struct address *facts_author(const struct facts *facts);
bool facts_is_reader(const struct facts *facts, const struct address *address);

/* ---- choose.c: one function ranks all candidates ---- */

struct choice {
	const struct list *stores;
	const struct address *address;
	const struct cert_selector *selector; /* NULL: by address */
	enum cert_purpose purpose;
	struct trust *trust; /* NULL: no path is asked for */
	bool own;	     /* with its key it needs no path, but must not be
				revoked */
	bool weak_keys;	     /* RSA keys below 2048 bits will do */
	int64_t deadline_ms; /* of all look-ups of the mail; 0: none */
};

/*
 * The best certificate, referenced for the caller.  candidates (may be NULL)
 * gets a struct candidate * per certificate looked at.  NOKEY or TRUST with
 * the reason when there is none, SYSTEM when it cannot be told now.  With the
 * certificate err may hold a remark, of kind NONE: revocation unknown.
 */
int choose_cert(const struct choice *choice, struct list *candidates,
	struct cert **out, struct error *err) MUST_USE;
void candidate_free(void *candidate);

/* ---- signers.c ---- */

/* Of keys that were not there at load; each is a few KB. */
enum { SIGNERS_MAX = 10000 };

struct signer_entry;
struct gateway_signers *signers_new(size_t most) MUST_USE;
void signers_free(struct gateway_signers *signers);
/* At load: it is kept for as long as its key lives. */
int signers_prepare(struct gateway_signers *signers,
	const struct sign_rule *rule, struct cert *cert,
	struct error *err) MUST_USE;
/*
 * For the caller to release.  Asks the stores only when the certificate is not
 * one to encrypt to as well; SYSTEM when they cannot tell until deadline_ms.
 */
int signers_get(struct gateway_signers *signers, const struct sign_rule *rule,
	struct cert *cert, int64_t deadline_ms, struct signer_entry **out,
	struct error *err) MUST_USE;
const struct cms_signer *signer_cms(const struct signer_entry *entry);
void signer_release(void *entry); /* NULL is fine */

/* ---- match.c ---- */

/*
 * The first rule that matches: 1 with *out, 0 when there is none, -1 when it
 * cannot be told yet.
 */
int sign_rule_for(const struct gateway *gateway, const struct facts *facts,
	struct trace *trace, const struct sign_rule **out) MUST_USE;
int encrypt_rule_for(const struct gateway *gateway, struct facts *facts,
	const struct address *recipient, struct trace *trace,
	const struct encrypt_rule **out) MUST_USE;

/* The one for this recipient, or NULL. */
const struct inbound_rule *inbound_rule_for(const struct gateway *gateway,
	const struct address *recipient, struct trace *trace);

/* By his encrypt rule (or NULL), or else by the setting `internal`. */
bool recipient_is_internal(const struct gateway *gateway,
	const struct encrypt_rule *rule, const struct address *recipient);

/* ---- plan.c: who can read it? ---- */

struct plan_entry {
	const struct address *address;
	const struct mail_path *path;
	struct recipient_report *report; /* borrowed from the outcome */
	const struct encrypt_rule *rule; /* NULL: none matched */
	const struct encrypt_rule *asked, *answered; /* by a directory */
	bool internal, satisfied; /* ..: the mail is what its rule wants */
	bool clear;	   /* gets it as it is: no certificate is looked for */
	struct cert *cert; /* owned reference */
	struct error why;
	struct plan_group *group;
};

/* Those who get the very same mail. */
struct plan_group {
	const struct encrypt_rule *rule; /* its first; NULL: in clear */
	bool rsa;			 /* all keys of one CMS, or none */
	const struct address *alone;	 /* in neither To nor Cc; or NULL */
	size_t count;
	struct cms_recipient *to; /* certificates owned by `certs` */
	size_t to_count;
	struct list certs;
};

struct plan_set {
	struct plan_entry *entries;
	size_t count;
	bool split; /* more than one group may be */
	/* struct plan_group *, when encrypt: the first is what the MTA keeps,
	   and never the one in clear */
	struct list groups;
	bool encrypt;		  /* everything is ready */
	char mac[CRYPTO_MAC_HEX]; /* which mail it is, for the journal */
};

void plan_set_clear(struct plan_set *plan);
/* match.c: the rule of entry->address, and the sender's, as a directory may
 * have changed it; the mail fails when that cannot be told now. */
struct work;
void plan_match(struct work *work, struct plan_entry *entry);
const struct sign_rule *sign_match(struct work *work); /* or NULL */
/* The first that matched any recipient and wants more than the mail is. */
const struct encrypt_rule *plan_first_rule(const struct plan_set *plan);
/* Of all rules that matched, and want more than the mail is already. */
enum otherwise plan_strictest(const struct plan_set *plan);
void report_say_why(struct recipient_report *report, const char *why);

/* ---- inbound_match.c: all recipients' rules taken together ---- */

struct inbound_entry {
	const struct address *address; /* NULL: by hand */
	const struct inbound_rule *rule;
};

struct inbound_set {
	struct inbound_entry *entries;
	size_t count;
	bool any;		     /* a rule matched */
	bool open;		     /* every recipient has a rule with keys */
	bool verify;		     /* one of them asks for it */
	bool legacy, weak_ok, strip; /* all of them allow it */
	enum otherwise undecryptable, bad_signature; /* the strictest */
};

/* ---- process.c ---- */

struct work {
	const struct gateway *gateway;
	struct mail *mail;
	const struct gateway_run *run;
	struct outcome *outcome;
	struct facts facts;
	enum smime_kind kind; /* what the mail is already */
	size_t special;	      /* enum special; SPECIAL_COUNT: none of them */
	struct inbound_set inbound;
	bool unpacked;	     /* mail->entity is no more what came */
	bool came_protected; /* then it is not signed again */
	bool is_copy;	     /* one of our own: never split again */
	bool signs_secrets;  /* by sign = "when-encrypting": no clear copy */
	struct plan_set plan;
	struct pieces entity; /* the entity as it stands after the last step */
	unsigned layers;      /* of outcome->layers in use */
	int64_t deadline_ms;  /* limits.lookup_seconds from the start */
	bool tnef_seen;	      /* it was looked for a winmail.dat */
	bool fit;	      /* entity was looked at and made fit */
	unsigned residue;
};

struct trace *work_trace(const struct work *work);
/*
 * The mail cannot be protected as a rule says: verdict, reply and error of
 * the outcome become the stricter of what they are and what this makes them.
 */
void work_fail(struct work *work, enum otherwise otherwise,
	const struct error *err, const char *words);
/* 1 while the mail may go on, 0 when its fate is sealed or the MTA gave up. */
int work_goes_on(struct work *work);

/* ---- prepare.c ---- */

/*
 * What was taken in is inside a layer now and in no piece of a result: a
 * mail of 25 MB need not stand in memory several times.
 */
void work_release_content(struct work *work);
/* The mail has this entity now, in the place of one that was taken away. */
void work_set_entity(struct work *work, struct buf *entity);
/*
 * Before the first layer: unpack a winmail.dat where a rule says so, make the
 * entity 7-bit safe and give it a Content-Type; once.  signed_by: the rule that
 * is about to sign it, or NULL.
 */
int work_prepare(struct work *work, const struct sign_rule *signed_by,
	struct error *err) MUST_USE;

/*
 * Header edits (added to edits) and body that the mail gets with that layer
 * outermost; NULL: with none.  *changed: there is a new body.
 */
int work_compose(struct work *work, const struct smime_layer *layer,
	struct list *edits, struct pieces *body, bool *changed,
	struct error *err) MUST_USE;

/* plan_checks.c: what stands in the way, for the log, and whom it concerns,
 * for the reply. */
enum { OBSTACLE_NAMES = 200 };
struct obstacle {
	struct error err;
	const char *words;  /* NULL: those of the error's kind */
	bool always_reject; /* whatever the rules' otherwise */
	char names[OBSTACLE_NAMES];
	unsigned named;
};
int plan_check(struct work *work, struct obstacle *obstacle) MUST_USE;

/* plan_certs.c: each entry's certificate or why none; each CMS' recipients. */
void plan_choose_certs(struct work *work);
int plan_assemble(struct work *work, struct error *err) MUST_USE;

/* groups.c: entries with certificates, or clear, into groups. */
void groups_make(struct work *work);
void group_free(void *group);
/* Why those of one mail cannot share a CMS: a clause; NULL when they can. */
const char *groups_differ(
	const struct plan_entry *a, const struct plan_entry *b);
/* Does a recipient stand in neither To nor Cc, beside others? */
bool groups_have_hidden(const struct work *work);

/* written.c: header fields after these edits, and the empty line. */
int written_header(const struct list *edits, const struct mail *mail,
	const struct sink *out, struct error *err) MUST_USE;

/* encrypt.c: what the entity is now, for one group. */
int encrypt_for(struct work *work, const struct plan_group *group,
	struct smime_layer *layer, struct error *err) MUST_USE;

/* inbound_match.c: fills work->inbound. */
void inbound_match(struct work *work);
void step_inbound(struct work *work);
void step_plan(struct work *work);
void step_sign(struct work *work);
void step_encrypt(struct work *work);
void step_copies(struct work *work);
/* triggers.c: what was written for the rules alone does not leave. */
void step_triggers(struct work *work);
/* Is there something for it to do? */
bool triggers_found(const struct gateway *gateway, const struct facts *facts,
	const struct mail *mail);

/* ---- special.c: what is left alone ---- */

void special_find(struct work *work);
/* Left as it is by a rule with that otherwise?  A note says so, or it failed.
 */
bool special_leaves_unsigned(struct work *work, enum otherwise otherwise);
bool special_leaves_clear(struct work *work, enum otherwise otherwise);
/* How it is signed. */
enum smime_form special_form(struct work *work, enum smime_form form);

/* ---- edits.c ---- */

/* The header edits that put a layer's Content-* fields in the place of the
 * mail's. */
int edits_for_layer(const struct mail *mail, const struct smime_layer *layer,
	struct list *edits, struct error *err) MUST_USE;
/* The same for an entity that was inside of a layer. */
void edits_for_entity(
	const struct mail *mail, struct span header, struct list *edits);
/* Takes over name and value. */
struct edit *edit_add(struct list *edits, const struct mail *mail,
	enum edit_kind kind, char *name, char *value);
/* The one of that name, and (CHANGE) of that index, or NULL. */
struct edit *edit_find(
	const struct list *edits, const char *name, unsigned index);
void edit_free(void *edit);

/*
 * ---- counts.c: what is counted over many mails; thread-safe ----
 *
 * Of one worker: a reload begins anew.  Nobody outside can make one, and how
 * much has been harvested in all is counted in the store.
 */

struct gateway_counts *counts_new(void) MUST_USE;
void counts_free(struct gateway_counts *counts);
/* Has this client had more failures within the hour than `most`? */
bool counts_client_is_barred(struct gateway_counts *counts,
	const struct client *client, unsigned most);
void counts_client_failed(
	struct gateway_counts *counts, const struct client *client);
/* May one more be harvested?  Counts it when so. */
bool counts_harvest(struct gateway_counts *counts, struct store *store,
	const struct gateway_limits *limits);

/*
 * An entity with more fields than that is no mail but work: every one of them
 * would be a change that the MTA makes.
 */
enum { INBOUND_FIELDS_MAX = 100 };
bool inbound_fields_are_few(struct span entity);

/* ---- open.c: an envelope ---- */

/*
 * 1 with the plaintext, 0 when it stays closed by the rules (a note says
 * why), -1 when it cannot be opened.
 */
int inbound_open(struct work *work, struct inbound_layer *layer,
	struct span cms, struct buf *out, struct error *err) MUST_USE;
/* It was opened, and what was inside shows that somebody has changed it. */
void inbound_client_failed(struct work *work);

/* ---- verify.c: a signature ---- */

/* What is inside goes to *content, which borrows from layer and entity. */
int inbound_verify(struct work *work, struct inbound_layer *layer,
	struct span entity, enum smime_kind kind, struct span *content,
	struct error *err) MUST_USE;

/* ---- verdict.c ---- */

/* Of one layer: its verdict and why. */
void verdict_of_layer(const struct work *work, struct inbound_layer *layer);
/* Of the mail, from those of the layers; the layer that decides, or NULL. */
const struct inbound_layer *verdict_of_mail(
	struct inbound_report *report, const struct address *author);
/* Whose certificate names the author, or NULL. */
const struct inbound_signer *verdict_author(const struct inbound_layer *layer);
/* No signer, or one that is not verified, for whatever reason. */
bool verdict_is_unverified(const struct inbound_layer *layer);
/*
 * The same, and not only for want of a certificate or an algorithm: it was
 * changed on its way.
 */
bool verdict_is_broken(const struct inbound_layer *layer);

/* ---- forged.c, tags_defuse.c, tags.c, report.c: what readers see ---- */

/* Fields that only we may write, and look-alikes of our tags. */
void forged_remove(struct work *work);
/* Our own name in Authentication-Results. */
const char *report_authserv_id(const struct work *work);
/*
 * One Authentication-Results without the results of `method` when it is that
 * server's: 0 it stays, 1 *out is what remains, 2 nothing remains.
 */
int authres_without(const char *value, const char *authserv_id,
	const char *method, char **out) MUST_USE;
/*
 * A Subject in which no tag of ours stands, in whatever encoding, and no UTF-7:
 * NULL when there was none.
 */
char *tags_defuse(const char *subject) MUST_USE;
void tags_set(struct work *work);
void report_write(struct work *work, const struct inbound_layer *decides);

/* ---- wanted.c, harvest.c: certificates that come ---- */

/* The sender has no certificate: somebody may issue one. */
void wanted_note(struct work *work, const struct sign_rule *rule);
void harvest(struct work *work, const struct inbound_layer *decides);

/* ---- words.c: what a remote sender is told ---- */

enum failing {
	FAILING_TO_SIGN,
	FAILING_TO_ENCRYPT,
	FAILING_TO_ENCRYPT_FOR,
	FAILING_TO_DECRYPT,
	FAILING_TO_VERIFY,
	FAILING_TO_SPLIT
};
const char *words_for(enum failing what, enum error_kind kind);
/* "550 5.7.5 words", by verdict; owned by the caller. */
char *words_reply(enum verdict verdict, const char *words);

#endif
