/*
 * A session and the mail it is at.  Hangs on smfi_getpriv() only: callbacks
 * of one session run on different threads, one at a time.
 */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include <libmilter/mfapi.h>
#include <netinet/in.h>

#include "filter.h"

struct session {
	struct filter *filter;
	unsigned long agreed; /* SMFIP_ flags */
	bool connected;	      /* the client has been named */
	struct client client; /* without login: that comes with each MAIL */
	char *mta_name;
	bool mta_is_postfix;
	bool may_change_sender; /* the MTA lets us (SMFIF_CHGFROM) */
	char *sender;		/* of the mail, as MAIL FROM had it */
	char *sender_args;	/* with RET=HDRS */
	struct mail mail;
	bool begun;	 /* counted in mails_begun */
	bool in_work;	 /* counted in mails_in_work */
	bool incomplete; /* failed before the body: no rule can be asked */
	size_t bytes;	 /* of the budget */
};

struct session *session_new(struct filter *filter, unsigned long agreed);
void session_free(struct session *session);

/* host is what libmilter calls the client, address may be NULL. */
void session_set_client(struct session *session, const char *host,
	const struct sockaddr *address);

void session_begin_mail(struct session *session, const char *login);
/* Everything of the mail is given back; a second call does nothing. */
void session_end_mail(struct session *session);

/*
 * Why the mail cannot be taken in whole; the first reason stays.  Before the
 * body it leaves the mail incomplete.
 */
void session_fail(struct session *session, const struct error *why);
bool session_has_failed(const struct session *session);
/* Bytes about to be kept; false when the mail has failed, now or before. */
bool session_charge(struct session *session, size_t bytes);
/* An address or field of so many characters: it costs more than these. */
bool session_charge_item(struct session *session, size_t len);
/* Its body is wanted: it counts as a mail in work from now on. */
void session_begin_work(struct session *session);
void session_add_body(struct session *session, struct span chunk);

#endif
