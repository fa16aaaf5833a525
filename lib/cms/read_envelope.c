#include <string.h>

#include "cms/internal.h"

const struct cms_read_limits cms_read_limits_default = { 500, 8, 64, 65536, 5 };

int
cms_read_envelope(struct span cms UNUSED,
	const struct cms_read_limits *limits UNUSED, struct cms_envelope *out,
	struct error *err)
{
	memset(out, 0, sizeof(*out));
	return error_set(err, ERROR_FORMAT, "not written yet");
}

void
cms_envelope_clear(struct cms_envelope *envelope UNUSED)
{
}

bool
cms_party_is(
	const struct cms_party *party UNUSED, const struct cert *cert UNUSED)
{
	return false;
}

bool
cms_envelope_is_for(const struct cms_envelope *envelope UNUSED,
	const struct cert *cert UNUSED)
{
	return false;
}

int
cms_open_envelope(struct span cms UNUSED, const struct cert *cert UNUSED,
	bool legacy_ok UNUSED, const struct cms_read_limits *limits UNUSED,
	struct buf *out UNUSED, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "not written yet");
}
