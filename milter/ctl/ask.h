/* What other commands ask the daemon. */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "base/compiler.h"
#include "base/error.h"

/* Does somebody listen?  1, 0 (nobody does), -1 cannot tell. */
int ask_is_running(const char *conf_path, struct error *err) MUST_USE;
/* Reload and print how it went; an exit code. */
int ask_reload(const char *conf_path);

#endif
