/*
 * Counters, a row each, printed as OpenMetrics text.  They live in memory
 * that the caller provides (shared by parent and workers, so that they
 * survive reloads); before metric_share() in memory of our own.
 */
#ifndef METRIC_METRIC_H
#define METRIC_METRIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum metric {
	METRIC_MAILS_ACCEPTED,
	METRIC_MAILS_REJECTED,
	METRIC_MAILS_TEMPFAILED,
	METRIC_MAILS_QUARANTINED,
	METRIC_RECIPIENTS_REFUSED,
	METRIC_MAILS_SIGNED,
	METRIC_MAILS_ENCRYPTED,
	METRIC_MAILS_UNPACKED,
	METRIC_MAILS_DECRYPTED,
	METRIC_MAILS_UNDECRYPTABLE,
	METRIC_SIGNATURES_GOOD,
	METRIC_SIGNATURES_BAD,
	METRIC_CERTS_HARVESTED,
	METRIC_COPIES_SENT,
	METRIC_COPIES_IN_DOUBT,
	METRIC_COPIES_REPEATED,
	METRIC_MAILS_UNTOUCHED, /* no rule wanted the body */
	METRIC_ERRORS_SYSTEM,
	METRIC_ERRORS_CONFIG,
	METRIC_ERRORS_FORMAT,
	METRIC_ERRORS_LIMIT,
	METRIC_ERRORS_NOKEY,
	METRIC_ERRORS_TRUST,
	METRIC_ERRORS_CRYPTO,
	METRIC_CONNECTIONS,
	METRIC_RELOADS,
	METRIC_RELOADS_FAILED,
	METRIC_WORKERS_REPLACED,
	METRIC_CRLS_FETCHED,
	METRIC_CRLS_FAILED,
	METRIC_BODY_BYTES,
	METRIC_SESSIONS_OPEN,  /* gauge */
	METRIC_MAILS_IN_WORK,  /* gauge */
	METRIC_BYTES_BUFFERED, /* gauge */
	METRIC_COUNT
};

/* How many bytes metric_share() wants; the memory must be zeroed. */
size_t metric_bytes(void);
void metric_share(void *memory);
void metric_add(enum metric metric, int64_t amount);
int64_t metric_get(enum metric metric);
const char *metric_name(enum metric metric);
/* OpenMetrics 1.0 text, "# EOF" last. */
int metric_print(struct buf *out, struct error *err) MUST_USE;

#endif
