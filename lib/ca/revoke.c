/* Revoked, held, and let go again. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "ca/internal.h"

/* By number (RFC 5280 5.3.1); 7 is not used. */
static const char *const reasons[] = { "unspecified", "keyCompromise",
	"cACompromise", "affiliationChanged", "superseded",
	"cessationOfOperation", "certificateHold", "", "removeFromCRL",
	"privilegeWithdrawn", "aACompromise" };

int
ca_reason_from_name(const char *name)
{
	for (size_t i = 0; name[0] != '\0' && i < COUNT_OF(reasons); i++)
		if (strcasecmp(reasons[i], name) == 0)
			return (int)i;
	return -1;
}

const char *
ca_reason_name(int reason)
{
	return reason >= 0 && reason < (int)COUNT_OF(reasons) ? reasons[reason]
							      : "";
}

static int
check(const struct ca_entry *entry, int reason, struct error *err)
{
	bool held = entry->revoked != 0 && entry->reason == CA_HELD;

	if (reason == CA_UNHELD && !held)
		return error_set(err, ERROR_CONFIG,
			"certificate %s is not on hold, and nothing else can "
			"be undone",
			entry->serial);
	if (entry->revoked == 0 || (held && reason != CA_HELD))
		return 0;
	return error_set(err, ERROR_CONFIG,
		"certificate %s is revoked already (%s)", entry->serial,
		ca_reason_name(entry->reason));
}

int
ca_revoke(struct ca *ca, const struct ca_entry *entry, int reason,
	struct error *err)
{
	const char *const words[] = { "serial", entry->serial, "reason",
		ca_reason_name(reason), "address", entry->address, NULL };
	int result = -1;

	if (ca_begin(ca, err) == 0 && check(entry, reason, err) == 0)
		result = ca_record(ca, "revoke", words, err);
	ca_end(ca);
	return result;
}
