#include <string.h>

#include "smime/internal.h"

int
smime_cms_of(struct span entity UNUSED, struct buf *der UNUSED,
	enum cms_kind *kind, struct error *err)
{
	*kind = CMS_KIND_NONE;
	return error_set(err, ERROR_FORMAT, "not written yet");
}

int
smime_split_signed(
	struct span entity UNUSED, struct smime_parts *out, struct error *err)
{
	memset(out, 0, sizeof(*out));
	return error_set(err, ERROR_FORMAT, "not written yet");
}

void
smime_parts_clear(struct smime_parts *parts)
{
	buf_clear(&parts->signature);
}

int
smime_read_signed(const struct smime_parts *parts UNUSED,
	const struct list *more UNUSED,
	const struct cms_read_limits *limits UNUSED, struct cms_signed *out,
	enum smime_canonical *form, struct error *err)
{
	memset(out, 0, sizeof(*out));
	*form = SMIME_AS_RECEIVED;
	return error_set(err, ERROR_FORMAT, "not written yet");
}

int
smime_check_plaintext(struct span entity UNUSED, struct error *err)
{
	return error_set(err, ERROR_FORMAT, "not written yet");
}
