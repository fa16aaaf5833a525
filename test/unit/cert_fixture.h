/* Certificates of the throwaway PKI, and a folder to write files into. */
#ifndef TEST_CERT_FIXTURE_H
#define TEST_CERT_FIXTURE_H

#include "cert/cert.h"

enum { FIXTURE_NOW = 1767225600 }; /* 2026-01-01 */

/* The path of a file of the PKI, or of one in our folder; never freed. */
const char *pki_path(const char *name);
const char *own_path(const char *name);

/* Written into our folder, which is removed at exit. */
void own_write(const char *name, struct span bytes, unsigned mode);
void own_copy(const char *pki_name, const char *name, unsigned mode);
/* A shell command in our folder; $P is the PKI's.  The test fails with it. */
void own_run(const char *command);

/* Append a whole file; both kinds of path. */
void read_path(const char *path, struct buf *out);

/* What is in a file; the test fails when it cannot be loaded. */
struct loaded {
	struct list certs;    /* struct cert * */
	struct list warnings; /* char * */
};

void load_path(const char *path, const char *password, struct loaded *out);
void loaded_clear(struct loaded *loaded);
/* The first certificate that has a key, or NULL. */
struct cert *loaded_user(const struct loaded *loaded);
/* NAME.p12 of the PKI, the certificate with the key; give back. */
struct cert *pki_user(const char *name);

bool list_has(const struct list *texts, const char *piece);
/* The test fails, and says which row it is about, when text lacks piece. */
void assert_says(const char *label, const char *text, const char *piece);

#endif
