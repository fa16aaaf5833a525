/* Between request.c and issue.c. */
#ifndef CA_REQUEST_H
#define CA_REQUEST_H

#include "ca/internal.h"

/* CONFIG: it is none. */
int request_address(const struct ca_request *request, struct address **out,
	struct error *err) MUST_USE;
/* CONFIG: longer than the issuer is valid. */
int request_validity(const struct ca *ca, const struct ca_request *request,
	time_t now, time_t *from, time_t *until, struct error *err) MUST_USE;

#endif
