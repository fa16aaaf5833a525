/* The folder of the throwaway PKI (test/pki/make-pki.sh). */
#ifndef TEST_PKI_FIXTURE_H
#define TEST_PKI_FIXTURE_H

/*
 * $SMIME_PKI when it is set (the Makefile makes one for all tests); otherwise a
 * temporary folder made at the first call and removed at exit.
 */
const char *pki_dir(void);

#endif
