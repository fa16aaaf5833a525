/* Is this machine as the configuration wants it? */
#ifndef CTL_READY_H
#define CTL_READY_H

#include "conf/conf.h"

/* Adds what would keep the daemon from starting to problems. */
void ready_check(const struct conf *conf, struct list *problems);

/*
 * sources.c: a sentence (char *) for each rule that must be kept and in whose
 * stores, as they were started, there is no certificate for anybody.
 */
void sources_check(const struct gateway *gateway, struct list *warnings);

#endif
