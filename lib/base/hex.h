/* Bytes as digits: how digests, serials and keys are written. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/buf.h"

/* In lower case; out has room for 2 * bytes.len digits and a NUL. */
void hex_write(char *out, struct span bytes);

#endif
