/*
 * The cure for wake-ups that libmilter loses where it is built with a pool of
 * workers (Debian's is): a session that is ready may wait for another one's
 * slow callback, up to 10 s, although a thread could be had.  Any new
 * connection makes the pool look again, so we connect to ourselves.  Such
 * sessions end before they say anything; they are neither counted nor logged.
 */
#ifndef MILTER_NUDGE_H
#define MILTER_NUDGE_H

#include "listener.h"

/* The socket that libmilter accepts from. */
int nudge_aim(int listener, struct error *err) MUST_USE;
/*
 * From now on libmilter accepts from the decoy only.  Its wait on the old
 * socket may last some more seconds, so that one is nudged too.  -1 with errno
 * when nobody can connect to the decoy.
 */
int nudge_aim_at_decoy(const struct address_of *decoy) MUST_USE;
void nudge_once(void);

#endif
