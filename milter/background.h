/* Into the background, and telling the launching process how it went. */
#ifndef MILTER_BACKGROUND_H
#define MILTER_BACKGROUND_H

#include "base/error.h"

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
