/* The end of a message: work on it, send the outcome, log one line. */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include "session.h"

sfsistat message_end(SMFICTX *ctx, struct session *session);

#endif
