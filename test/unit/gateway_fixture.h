/* A gateway from a rule file's text, and mails from text. */
#ifndef TEST_GATEWAY_FIXTURE_H
#define TEST_GATEWAY_FIXTURE_H

#include "conf/conf.h"

/*
 * The rules, with @PKI@ replaced by the folder of the test certificates and
 * the usual stores and anchors put in front:
 *   all      the whole folder      bob      bob's certificate alone
 */
struct conf *fixture_conf(const char *rules);

struct fixture_mail {
	const char *client; /* "local", "login NAME", or an IP address */
	const char *mail_from;
	const char *recipients; /* separated by blanks */
	const char *message;	/* lines end in LF */
};

void fixture_mail(struct mail *mail, const struct fixture_mail *from);

/* The resulting message, as a NUL-terminated text of its own. */
char *fixture_result(const struct outcome *outcome, const struct mail *mail);

/* A store of the type ldap that cannot tell: nobody listens at port 1. */
struct store *fixture_dead_directory(void);

#endif
