#include "metric/metric.h"

#include <inttypes.h>
#include <stdatomic.h>

enum metric_kind { COUNTER, GAUGE };

static const struct row {
	const char *name;
	enum metric_kind kind;
	const char *help;
} rows[METRIC_COUNT] = {
	[METRIC_MAILS_ACCEPTED] = { "mails_accepted", COUNTER,
		"Mails let through, changed or not" },
	[METRIC_MAILS_REJECTED] = { "mails_rejected", COUNTER,
		"Mails refused for good" },
	[METRIC_MAILS_TEMPFAILED] = { "mails_tempfailed", COUNTER,
		"Mails refused for now" },
	[METRIC_MAILS_QUARANTINED] = { "mails_quarantined", COUNTER,
		"Mails held by the MTA at our wish" },
	[METRIC_RECIPIENTS_REFUSED] = { "recipients_refused", COUNTER,
		"Recipients refused before their mail was sent" },
	[METRIC_MAILS_SIGNED] = { "mails_signed", COUNTER,
		"Mails that got a signature" },
	[METRIC_MAILS_ENCRYPTED] = { "mails_encrypted", COUNTER,
		"Mails that were encrypted" },
	[METRIC_MAILS_UNPACKED] = { "mails_unpacked", COUNTER,
		"Mails whose winmail.dat was unpacked" },
	[METRIC_MAILS_DECRYPTED] = { "mails_decrypted", COUNTER,
		"Mails that were opened for their recipients" },
	[METRIC_MAILS_UNDECRYPTABLE] = { "mails_undecryptable", COUNTER,
		"Mails that could not be opened" },
	[METRIC_SIGNATURES_GOOD] = { "signatures_good", COUNTER,
		"Mails with a signature that is verified and trusted" },
	[METRIC_SIGNATURES_BAD] = { "signatures_bad", COUNTER,
		"Mails with a signature that does not verify" },
	[METRIC_CERTS_HARVESTED] = { "certs_harvested", COUNTER,
		"Certificates that mails have brought" },
	[METRIC_COPIES_SENT] = { "copies_sent", COUNTER,
		"Copies for recipients whose mail is another" },
	[METRIC_COPIES_IN_DOUBT] = { "copies_in_doubt", COUNTER,
		"Copies whose final dot had no answer" },
	[METRIC_COPIES_REPEATED] = { "copies_repeated", COUNTER,
		"Copies sent once more after that" },
	[METRIC_MAILS_UNTOUCHED] = { "mails_untouched", COUNTER,
		"Mails whose body no rule wanted" },
	[METRIC_ERRORS_SYSTEM] = { "errors_system", COUNTER,
		"Mails with trouble that passes by itself" },
	[METRIC_ERRORS_CONFIG] = { "errors_config", COUNTER,
		"Mails with trouble the administrator must cure" },
	[METRIC_ERRORS_FORMAT] = { "errors_format", COUNTER,
		"Mails that are not what they should be" },
	[METRIC_ERRORS_LIMIT] = { "errors_limit", COUNTER,
		"Mails beyond a limit" },
	[METRIC_ERRORS_NOKEY] = { "errors_nokey", COUNTER,
		"Mails without a usable certificate or key" },
	[METRIC_ERRORS_TRUST] = { "errors_trust", COUNTER,
		"Mails with a certificate not to be believed" },
	[METRIC_ERRORS_CRYPTO] = { "errors_crypto", COUNTER,
		"Mails whose result did not verify" },
	[METRIC_CONNECTIONS] = { "connections", COUNTER,
		"Sessions an MTA has opened" },
	[METRIC_RELOADS] = { "reloads", COUNTER,
		"Configurations taken over while running" },
	[METRIC_RELOADS_FAILED] = { "reloads_failed", COUNTER,
		"Configurations refused while running" },
	[METRIC_WORKERS_REPLACED] = { "workers_replaced", COUNTER,
		"Workers that ended without being told to" },
	[METRIC_CRLS_FETCHED] = { "crls_fetched", COUNTER,
		"Revocation lists that were fetched" },
	[METRIC_CRLS_FAILED] = { "crls_failed", COUNTER,
		"Attempts to fetch a revocation list that failed" },
	[METRIC_BODY_BYTES] = { "body_bytes", COUNTER,
		"Bytes of bodies received" },
	[METRIC_SESSIONS_OPEN] = { "sessions_open", GAUGE,
		"Sessions open now" },
	[METRIC_MAILS_IN_WORK] = { "mails_in_work", GAUGE,
		"Mails being received or worked on now" },
	[METRIC_BYTES_BUFFERED] = { "bytes_buffered", GAUGE,
		"Bytes of mails held now" },
};

static _Atomic int64_t own_values[METRIC_COUNT];
static _Atomic int64_t *values = own_values;

size_t
metric_bytes(void)
{
	return sizeof(own_values);
}

void
metric_share(void *memory)
{
	values = memory != NULL ? memory : own_values;
}

void
metric_add(enum metric metric, int64_t amount)
{
	atomic_fetch_add_explicit(
		&values[metric], amount, memory_order_relaxed);
}

int64_t
metric_get(enum metric metric)
{
	return atomic_load_explicit(&values[metric], memory_order_relaxed);
}

const char *
metric_name(enum metric metric)
{
	return rows[metric].name;
}

int
metric_print(struct buf *out, struct error *err)
{
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct row *row = &rows[i];
		bool counts = row->kind == COUNTER;

		if (buf_add_format(out, err,
			    "# TYPE smime_milter_%s %s\n"
			    "# HELP smime_milter_%s %s.\n"
			    "smime_milter_%s%s %" PRId64 "\n",
			    row->name, counts ? "counter" : "gauge", row->name,
			    row->help, row->name, counts ? "_total" : "",
			    metric_get((enum metric)i)) != 0)
			return -1;
	}
	return buf_add_string(out, "# EOF\n", err);
}
