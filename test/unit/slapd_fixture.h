/* A real directory (test/flow/slapd.py) for tests in C. */
#ifndef TEST_SLAPD_FIXTURE_H
#define TEST_SLAPD_FIXTURE_H

/* The test is skipped, with a word, where there is no slapd. */
void slapd_need(void);
/* It answers to whatever the tests have done to it before. */
void slapd_start(void);
void slapd_stop(void);

/* Of the running directory; never freed. */
const char *slapd_uri(void);
const char *slapd_tls_uri(void);
const char *slapd_local_uri(void);
/* "ca.pem", "other.pem" (an authority of nobody), "password" of the reader */
const char *slapd_path(const char *name);

#define SLAPD_SUFFIX "dc=example,dc=com"
#define SLAPD_READER "cn=reader," SLAPD_SUFFIX

#endif
