#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include <sys/un.h>

#include "control/control.h"

/* The path as an address; CONFIG when it is too long. */
int control_address(
	const char *path, struct sockaddr_un *out, struct error *err) MUST_USE;

#endif
