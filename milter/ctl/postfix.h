/* Between postfix.c (what postconf says) and postfix_check.c. */
#ifndef CTL_POSTFIX_H
#define CTL_POSTFIX_H

#include "mta.h"

struct setting {
	char *service; /* "submission/inet"; NULL: main.cf */
	char *name;
	char *value;
};

struct service {
	char *id; /* "submission/inet" */
	char *command;
	bool chrooted;
};

struct postfix {
	struct list settings; /* struct setting * */
	struct list services; /* struct service * */
};

/* 1, 0 when there is no Postfix (folder is NULL), -1. */
int postfix_read(struct postfix *postfix, const char *folder,
	struct error *err) MUST_USE;
void postfix_clear(struct postfix *postfix);
/* As that service sees it (NULL: main.cf); "" when it is not set. */
const char *postfix_value(const struct postfix *postfix,
	const struct service *service, const char *name);
bool postfix_is_smtpd(const struct service *service);
/* A list of milters: { unix:/a, default_action=accept }, inet:b:1 ... */
void postfix_filters(const char *value, struct list *out);
void filter_free(void *filter);

#endif
