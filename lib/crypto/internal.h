/* Between the files of crypto/ only. */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include "base/compiler.h"
#include "crypto/crypto.h"

/* Once.  NULL, or the name of what OpenSSL does not have. */
const char *methods_fetch(void);

/* memory.c: has OpenSSL asked this thread in vain, since then? */
void memory_begin(void);
bool memory_lacked(void) MUST_USE;

#endif
