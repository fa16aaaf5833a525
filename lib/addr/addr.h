/*
 * Is this address that address?
 *
 * Mailboxes of RFC 5321 (envelope) and RFC 5322 (From, To, Cc), read strictly:
 * what cannot be read surely is an error and never "about right", because a
 * signature or a key hangs on it.  Addresses are compared by their key: the
 * local part in ASCII lower case without needless quotes, "@", the domain as
 * lower-case A-label (RFC 5891; libidn2).  UTF-8 local parts (RFC 6531)
 * compare byte for byte.
 */
#ifndef ADDR_ADDR_H
#define ADDR_ADDR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"

enum { ADDR_MAX_BYTES = 1000, ADDR_LIST_MAX = 1000 };

struct address {
	char *text; /* local@domain as written, without <>; "" is <> */
	char *key;  /* what is compared; "" is <> */
};

void address_free(void *address); /* NULL is fine; fits list_clear() */
struct address *address_copy(const struct address *address) MUST_USE;

/*
 * An envelope address as an MTA hands it over: with or without <>, source
 * route dropped, "" or "<>" the null sender, a bare local part
 * ("postmaster") kept with a key without "@".  FORMAT when it is none, LIMIT
 * when it is longer than ADDR_MAX_BYTES.  A local part with dots at its ends
 * or twice in a row is taken, as MTAs do.
 */
int addr_parse_path(
	struct span text, struct address **out, struct error *err) MUST_USE;

/* One plain address as in a setting or a certificate: local@domain. */
int addr_parse(
	const char *text, struct address **out, struct error *err) MUST_USE;

/*
 * The mailboxes of a From, To or Cc field's value (folded, with comments,
 * display names, encoded words, groups: RFC 5322 3.4), appended to out as
 * struct address *.  FORMAT when any part cannot be read, LIMIT for too many
 * or too long ones; what was read up to there is in out all the same.  An
 * empty group adds nothing; a field without anything is FORMAT.
 */
int addr_parse_mailboxes(
	struct span value, struct list *out, struct error *err) MUST_USE;

/*
 * The key with its domain as U-labels (RFC 5891), for those who write it so;
 * NULL when that is no different.  Free with mem_free.
 */
char *addr_u_labels(const struct address *address) MUST_USE;

bool addr_equal(const struct address *a, const struct address *b);

/*
 * A pattern of the rule file: an exact address or one with * (any run of
 * characters, also none) and ? (one).  Exactly one @; CONFIG otherwise, with
 * a sentence that for a bare "*" says "write *@*".
 */
struct pattern;

int pattern_new(
	const char *text, struct pattern **out, struct error *err) MUST_USE;
void pattern_free(void *pattern);
bool pattern_match(
	const struct pattern *pattern, const struct address *address);
bool pattern_has_wildcard(const struct pattern *pattern);
const char *pattern_text(const struct pattern *pattern);
/* True when broad surely matches everything that narrow matches. */
bool pattern_covers(const struct pattern *broad, const struct pattern *narrow);
/* Is there an address that both match? */
bool pattern_meets(const struct pattern *a, const struct pattern *b);

#endif
