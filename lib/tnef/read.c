#include "base/mem.h"
#include "tnef/internal.h"

static const unsigned char signature[] = { 0x78, 0x9f, 0x3e, 0x22 };

bool
tnef_is(struct span bytes)
{
	return bytes.len >= sizeof(signature) &&
	       span_equal(span_of(bytes.data, sizeof(signature)),
		       span_of(signature, sizeof(signature)));
}

int
tnef_read(struct span bytes, const struct tnef_limits *limits UNUSED,
	struct tnef_message **out, struct error *err)
{
	if (!tnef_is(bytes))
		return error_set(err, ERROR_FORMAT,
			"no TNEF: it does not begin with its signature");
	*out = mem_alloc(sizeof(**out));
	return 0;
}
