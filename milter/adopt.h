/* The parent's socket in the place of libmilter's own. */
#ifndef MILTER_ADOPT_H
#define MILTER_ADOPT_H

#include "base/error.h"

/*
 * libmilter opens a socket of the same family at a throw-away place, tells
 * nobody its number, and listener is put under it; listener itself is closed.
 * With libmilter's socket gone it knows no path that it could remove.
 */
int adopt_listener(int listener, int *descriptor, struct error *err) MUST_USE;

#endif
