#include "tnef/internal.h"

int
tnef_add_calendar(struct tnef_reader *reader UNUSED,
	struct tnef_message *message UNUSED,
	const struct tnef_properties *properties UNUSED,
	struct error *err UNUSED)
{
	return 0;
}
