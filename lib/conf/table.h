/* Between tables.c, which reads lines, and variants.c, which makes rules. */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "conf/internal.h"

struct table_reader {
	struct reader *reader;
	const struct rule_draft *draft;
	const struct rule *made;
	void *whole;
	struct list *variants;
	void *tree; /* tsearch(3) of struct variant * */
	unsigned line;
	size_t start; /* problems that were there before */
};

/* A problem of the line at work. */
void table_report(struct table_reader *t, const char *text);
/*
 * The rule with the settings of the words, which are taken apart; NULL after
 * the problems were reported.
 */
void *table_variant(struct table_reader *t, char **words, size_t count);
void table_forget(struct table_reader *t);

#endif
