/* Authorities in a folder that is removed at exit. */
#ifndef TEST_CA_FIXTURE_H
#define TEST_CA_FIXTURE_H

#include "ca/ca.h"
#include "cert_fixture.h"

#define CA_PASSWORD "correct horse"
enum { CA_NOW = 1767225600 }; /* 2026-01-01 */

/* P-256, SHA-256, a list of 30 days; its folder is own_path("ca"). */
struct ca_settings *house(void);
/* Made anew, with the clock at CA_NOW; names may be NULL. */
void house_create(const struct ca_settings *settings);
struct ca *house_open(const struct ca_settings *settings);
struct ca *house_unlocked(const struct ca_settings *settings);
/* One, external unless said; the test fails when it is not issued. */
const struct ca_entry *house_issue(struct ca *ca, const char *address);
/* P-256 and ten days. */
const struct ca_template *quick(void);
void assert_no_problems(struct ca *ca);
/* A certificate of ours into the folder, for own_run(). */
void own_certificate(
	struct ca *ca, const struct ca_entry *entry, const char *name);

#endif
