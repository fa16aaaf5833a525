/*
 * A chapter of ca.h: certificate and key to their owner.  The key goes by
 * mail, behind a password; the password goes another way.  Texts stand in a
 * folder of templates, for the administrator to change:
 *
 *   delivery.txt   the mail: a line "Subject: ...", an empty one, the text
 *   password.txt   what goes the other way
 *   client-*.txt   pages of instructions, attached as they are
 *
 * In the first two {address}, {name}, {organisation}, {authority}, {serial},
 * {sha256}, {until}, {file} and {contact} stand for what they say, and
 * {password} in password.txt alone.
 */
#ifndef CA_DELIVER_H
#define CA_DELIVER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"

struct ca;
struct ca_entry;
struct cert;

struct ca_delivery {
	char *from;	 /* mailbox; NULL: nothing can be delivered */
	char *contact;	 /* whom to ask, for {contact}; NULL: from */
	char *templates; /* folder */
	bool legacy;	 /* PKCS#12 for old programs */
	bool reinject;	 /* mails go where copies go, instead of: */
	char *sendmail;	 /* program of the MTA */
	struct list password_command; /* char *: program, arguments; or empty */
};
void ca_delivery_clear(struct ca_delivery *delivery);

/*
 * 20 lower-case letters in groups of four, none of which is taken for another
 * one or for a digit: 90 bits.  For mem_free_secret().  SYSTEM.
 */
int ca_make_password(char **out, struct error *err) MUST_USE;

/* What is delivered. */
struct ca_parcel {
	const struct ca_entry *entry;
	struct cert *cert;    /* with its key */
	const char *to;	      /* mailbox */
	const char *password; /* of the file */
};
/* NOKEY without a key.  With issuer and root. */
int ca_make_pkcs12(const struct ca *ca, const struct ca_delivery *delivery,
	const struct ca_parcel *parcel, struct buf *out,
	struct error *err) MUST_USE;
/* The mail with that file in it; CONFIG for templates that will not do. */
int ca_make_mail(const struct ca *ca, const struct ca_delivery *delivery,
	const struct ca_parcel *parcel, struct buf *out,
	struct error *err) MUST_USE;
/* What is to be told with the password. */
int ca_make_password_text(const struct ca *ca,
	const struct ca_delivery *delivery, const struct ca_parcel *parcel,
	struct buf *out, struct error *err) MUST_USE;

#endif
