#include <string.h>

#include "cms/internal.h"

int
cms_read_signed(struct span cms UNUSED, const struct pieces *content UNUSED,
	const struct list *more UNUSED,
	const struct cms_read_limits *limits UNUSED, struct cms_signed *out,
	struct error *err)
{
	memset(out, 0, sizeof(*out));
	return error_set(err, ERROR_FORMAT, "not written yet");
}

void
cms_signed_clear(struct cms_signed *out UNUSED)
{
}

bool
cms_signed_is_verified(const struct cms_signed *out UNUSED)
{
	return false;
}
