/* What a winmail.dat holds, in files. */
#ifndef CTL_TNEF_H
#define CTL_TNEF_H

#include "base/error.h"
#include "tnef/tnef.h"

/*
 * Write every body and item to a file of its own in dir, which is made when it
 * is not there.  No file is replaced, none is written outside, whatever its
 * name; two of one name become two.  A message becomes a mail (.eml).
 */
int tnef_extract(const struct tnef_message *message, const char *dir,
	struct error *err) MUST_USE;

#endif
