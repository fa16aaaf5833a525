/* Is this machine as the configuration wants it? */
#ifndef CTL_READY_H
#define CTL_READY_H

#include "conf/conf.h"

/* Adds what would keep the daemon from starting to problems. */
void ready_check(const struct conf *conf, struct list *problems);

#endif
