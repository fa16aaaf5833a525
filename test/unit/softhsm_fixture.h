/* Tokens of SoftHSM 2 in a folder of our own. */
#ifndef TEST_SOFTHSM_FIXTURE_H
#define TEST_SOFTHSM_FIXTURE_H

#include <stdbool.h>

#define SOFTHSM_PIN "1234"

/* NULL, with a word on stdout, when SoftHSM or a tool for it is missing. */
const char *softhsm_module(void);
/* An empty token. */
void softhsm_token(const char *label);
/* NAME.pem, or only NAME.key or both, of the PKI; the id is in hex. */
void softhsm_put_cert(const char *label, const char *name, const char *id);
void softhsm_put_key(const char *label, const char *name, const char *id);
void softhsm_put(const char *label, const char *name, const char *id);
/*
 * SoftHSM behind a library that counts logins, refuses every PIN while there
 * is a file "refuse", and adds the flags of a file "flags" (hex) to what each
 * token says of itself; the files are ours.  NULL where nothing can be
 * compiled.
 */
const char *softhsm_watched_module(void);
unsigned softhsm_logins(void);
/* All tokens are gone, as if the cards were pulled, or there again. */
void softhsm_pull(void);
void softhsm_push(void);

#endif
