#include "tnef/internal.h"

int
tnef_add_rtf(struct tnef_reader *reader UNUSED, struct tnef_message *message,
	struct buf *rtf, struct error *err UNUSED)
{
	struct tnef_item *item = tnef_item_new(TNEF_BODY, "application/rtf");

	tnef_item_own(item, rtf);
	list_add(&message->bodies, item);
	return 0;
}
