/* Bytes as digits: how digests, serials and keys are written. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/buf.h"

/* The byte that two digits of either case stand for; -1 if one is none. */
int hex_byte(unsigned char high, unsigned char low);

/* In lower case; out has room for 2 * bytes.len digits and a NUL. */
void hex_write(char *out, struct span bytes);

#endif
