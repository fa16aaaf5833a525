/* A message is worked on, the outcome sent, one line logged. */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include <stdbool.h>

#include "session.h"

/*
 * At the end of the header: does any rule ask for this mail?  When none does,
 * its log line is written here.
 */
bool message_is_wanted(struct session *session);
/*
 * May the recipient added last stay?  One who is refused is forgotten, with a
 * log line and a reply.
 */
sfsistat message_ask_recipient(SMFICTX *ctx, struct session *session);
sfsistat message_end(SMFICTX *ctx, struct session *session);

#endif
