/* The end of a message: work on it, send the outcome, log one line. */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include <stdbool.h>

#include "session.h"

/*
 * At the end of the header: does any rule ask for this mail?  When none does,
 * its log line is written here.
 */
bool message_is_wanted(struct session *session);
sfsistat message_end(SMFICTX *ctx, struct session *session);

#endif
