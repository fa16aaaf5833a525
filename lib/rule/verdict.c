/* What becomes of a mail that cannot be protected: the one table. */
#include <string.h>
#include <strings.h>

#include "rule/rule.h"

static const char *const otherwise_names[] = {
	[OTHERWISE_PASS] = "pass",
	[OTHERWISE_QUARANTINE] = "quarantine",
	[OTHERWISE_TEMPFAIL] = "tempfail",
	[OTHERWISE_REJECT] = "reject",
};

static const char *const verdict_names[] = {
	[VERDICT_ACCEPT] = "accept",
	[VERDICT_QUARANTINE] = "quarantine",
	[VERDICT_TEMPFAIL] = "tempfail",
	[VERDICT_REJECT] = "reject",
};

/* pass, quarantine, tempfail, reject */
#define AS_WRITTEN                                                             \
	{                                                                      \
		VERDICT_ACCEPT, VERDICT_QUARANTINE, VERDICT_TEMPFAIL,          \
			VERDICT_REJECT                                         \
	}
#define TRY_LATER                                                              \
	{                                                                      \
		VERDICT_TEMPFAIL, VERDICT_TEMPFAIL, VERDICT_TEMPFAIL,          \
			VERDICT_TEMPFAIL                                       \
	}

static const enum verdict table[][COUNT_OF(otherwise_names)] = {
	[ERROR_NONE] = TRY_LATER, /* a failure that nobody has explained */
	[ERROR_SYSTEM] = TRY_LATER,
	[ERROR_CONFIG] = AS_WRITTEN,
	[ERROR_FORMAT] = AS_WRITTEN,
	[ERROR_LIMIT] = AS_WRITTEN,
	[ERROR_NOKEY] = AS_WRITTEN,
	[ERROR_TRUST] = AS_WRITTEN,
	[ERROR_CRYPTO] = TRY_LATER,
};

const char *
otherwise_name(enum otherwise otherwise)
{
	return otherwise_names[otherwise];
}

int
otherwise_from_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(otherwise_names); i++)
		if (strcmp(name, otherwise_names[i]) == 0)
			return (int)i;
	return -1;
}

int
rule_mode_from_name(const char *name)
{
	static const char *const names[] = {
		[MODE_NONE] = "none",
		[MODE_ALLOW] = "allow",
		[MODE_MANDATORY] = "mandatory",
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return (int)i;
	return -1;
}

const char *
verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

enum verdict
rule_verdict(enum error_kind kind, enum otherwise otherwise)
{
	return table[kind][otherwise];
}
