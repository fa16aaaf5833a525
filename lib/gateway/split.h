/* What the files that make copies share. */
#ifndef GATEWAY_SPLIT_H
#define GATEWAY_SPLIT_H

#include "gateway/internal.h"

/* ---- journal.c: which copies has the MTA taken? ---- */

enum journal_state {
	JOURNAL_NOTHING = ' ',
	JOURNAL_BEGUN = '-', /* sent, perhaps, and never answered */
	JOURNAL_SENT = '+'
};
struct journal;
struct journal_mail;
/* The recipients of one copy; keys of count, and where they stand then. */
struct journal_lines {
	char (*keys)[CRYPTO_MAC_HEX];
	size_t count;
	char *path; /* owned */
	off_t where;
};

/* The folder is there.  What is older than keep_hours goes. */
int journal_open(const char *folder, unsigned keep_hours, struct journal **out,
	struct error *err) MUST_USE;
void journal_free(struct journal *journal);
/*
 * One mail, by its name (lower-case hex), locked against other threads and
 * processes; SYSTEM when one of these has it.
 */
int journal_begin(struct journal *journal, const char name[CRYPTO_MAC_HEX],
	struct journal_mail **out, struct error *err) MUST_USE;
void journal_end(struct journal_mail *mail); /* NULL is fine */
/* As it was when the mail was begun. */
enum journal_state journal_state_of(
	const struct journal_mail *mail, const char *key);
/* BEGUN: room on the disk is taken. */
int journal_write(struct journal_mail *mail, struct journal_lines *lines,
	struct error *err) MUST_USE;
/* They become that, on the disk for good. */
int journal_settle(const struct journal_lines *lines, enum journal_state state,
	struct error *err) MUST_USE;

/* ---- mark.c ---- */

struct copies {
	unsigned char key[CRYPTO_MAC_BYTES];
	struct journal *journal;
};
/* Makes what is missing of the folder. */
int copies_open(const struct split_settings *settings, struct copies **out,
	struct error *err) MUST_USE;
void copies_free(struct copies *copies);
/* Which mail is it?  Before its content is changed. */
int copies_name_mail(struct work *work, struct error *err) MUST_USE;
/* Over body and recipients (struct address *); for the field of that name. */
extern const char mark_field[];
int mark_make(const struct copies *copies, const struct list *recipients,
	const struct pieces *body, char out[CRYPTO_MAC_HEX],
	struct error *err) MUST_USE;
bool mark_is_there(const struct gateway *gateway, const struct mail *mail);
/* Is the mail a copy of our own?  Its mark is removed, good or not. */
int mark_check(struct work *work, struct error *err) MUST_USE;

/* ---- groups.c ---- */

/* Of one copy: every server takes as many (RFC 5321 4.5.3.1.8). */
enum { COPY_RECIPIENTS_MAX = 100 };
/* How many copies there are, beside what the MTA keeps. */
size_t groups_count_copies(const struct list *groups);

/* ---- shipment.c: one copy ---- */

struct shipment {
	const struct plan_group *group;
	struct outcome_copy *copy;
	struct list pending;	 /* struct address *: those who have none yet */
	struct submit_mail mail; /* to them */
	struct journal_lines lines; /* theirs */
	char *args;
	/* while it is made */
	struct smime_layer layer;
	struct buf header;
};

struct shipment *shipment_new(
	const struct plan_group *group, struct outcome_copy *copy) MUST_USE;
void shipment_free(void *shipment);
/* What the journal calls a recipient of this mail. */
int shipment_key(const struct work *work, const struct address *recipient,
	const struct plan_group *group, char out[CRYPTO_MAC_HEX],
	struct error *err) MUST_USE;
/* The envelope: who has had it already is left out. */
int shipment_prepare(struct work *work, struct shipment *shipment,
	const struct journal_mail *journal, struct error *err) MUST_USE;
/* Header and body. */
int shipment_make(struct work *work, struct shipment *shipment,
	struct error *err) MUST_USE;
void shipment_unmake(struct shipment *shipment);
/* Whom the server has refused for good, or NULL; shipment may be NULL. */
const struct submit_recipient *shipment_refused(
	const struct shipment *shipment);

#endif
