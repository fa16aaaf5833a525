#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include <stdint.h>
#include <sys/un.h>

#include "control/control.h"

/* The path as an address; CONFIG when it is too long. */
int control_address(
	const char *path, struct sockaddr_un *out, struct error *err) MUST_USE;
/* Until fd is ready: as poll(2), which is 0 when the deadline has come. */
int control_wait(int fd, short events, int64_t deadline_ms) MUST_USE;

#endif
