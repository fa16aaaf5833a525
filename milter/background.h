/* Into the background, and telling the launching process how it went. */
#ifndef MILTER_BACKGROUND_H
#define MILTER_BACKGROUND_H

#include "base/error.h"

/*
 * Whoever started us with stdin, stdout or stderr closed: a file of ours must
 * not get their numbers, or what is said on stderr would end up in it.
 */
void background_fill_standard(void);
/*
 * Returns in the daemon only, with the descriptor for background_report().
 * The launching process waits for that report and exits 0 or 1.
 */
int background_enter(int *report, struct error *err) MUST_USE;
/* The start went well: let the launching process go. */
void background_report(int report);
/* Nothing more is said there; whoever waits for its end must not wait for us.
 */
void background_leave_terminal(int keep_stderr);

#endif
