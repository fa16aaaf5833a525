/* What the files of net share. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "net/net.h"

/* ldif.c: the first value in curl's text of an LDAP entry; FORMAT. */
int ldif_first_value(
	struct span text, struct buf *out, struct error *err) MUST_USE;

/* address.c: is host (of a URL, perhaps in [ ]) a private address, as it
 * stands?  A name is not, but for localhost. */
bool host_is_private(const char *host);

/* ---- smtp.c: lines to and from an SMTP server ---- */

enum { SMTP_LINE_BYTES = 4096, SMTP_OUT_BYTES = 64 * 1024 };

struct smtp {
	void *curl;
	const struct submit_settings *settings;
	char in[SMTP_LINE_BYTES]; /* read, not yet used */
	size_t in_len;
	unsigned char *out; /* to be sent; SMTP_OUT_BYTES */
	size_t out_len;
	bool lost; /* the connection is of no use any more */
};

/* Connected, TLS and AUTH done, as the settings say. */
int smtp_connect(struct smtp *smtp, struct error *err) MUST_USE;
void smtp_close(struct smtp *smtp);
int smtp_put(struct smtp *smtp, struct span bytes, struct error *err) MUST_USE;
int smtp_flush(struct smtp *smtp, struct error *err) MUST_USE;
/*
 * The last line of an answer goes to text (size bytes, without its code);
 * each visits every line.  0 with the code, or -1: no answer (SYSTEM).
 * stubborn: keep_working is not asked.
 */
struct smtp_answer {
	unsigned code;
	char text[SUBMIT_ANSWER_BYTES];
	bool stubborn;
	void (*each)(void *arg, const char *line);
	void *arg;
};
int smtp_read(struct smtp *smtp, struct smtp_answer *answer,
	struct error *err) MUST_USE;

/* content.c: without the final dot. */
int smtp_put_content(struct smtp *smtp, const struct submit_mail *mail,
	struct error *err) MUST_USE;

#endif
