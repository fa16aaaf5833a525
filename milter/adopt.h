/* The parent's socket in the place of libmilter's own. */
#ifndef MILTER_ADOPT_H
#define MILTER_ADOPT_H

#include "listener.h"

/*
 * libmilter's own socket stays as a decoy: it goes back in its place when
 * sessions shall be accepted no more.  Of a unix socket no name is left that
 * others could connect to: whoever can, is believed to be the MTA.
 */
struct adopted {
	int descriptor; /* libmilter's, with the parent's socket under it */
	int decoy;	/* non-blocking */
};

/*
 * libmilter opens a socket of the same family at a throw-away place, tells
 * nobody its number, and listener is put under it; listener itself is closed.
 * It knows no path then that it could remove.
 */
int adopt_listener(
	int listener, struct adopted *out, struct error *err) MUST_USE;

#endif
