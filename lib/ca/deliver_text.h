/* Templates with what they stand for put in. */
#ifndef CA_DELIVER_TEXT_H
#define CA_DELIVER_TEXT_H

#include "ca/ca.h"

enum { TEMPLATE_MAX_BYTES = 256 * 1024 };

struct filling {
	const struct ca *ca;
	const struct ca_delivery *delivery;
	const struct ca_parcel *parcel;
	bool secret; /* {password} may stand there */
};
/* "alice@example.com.p12"; free it. */
char *filling_file_name(const struct ca_parcel *parcel) MUST_USE;
/* The file of the folder of templates, filled in. */
int filling_read(const struct filling *filling, const char *name,
	struct buf *out, struct error *err) MUST_USE;

#endif
