/*
 * Why things went as they did: lines for `smimectl test` and the debug log.
 * A NULL trace costs nothing.  Never put a message's content into it.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include "base/compiler.h"
#include "base/list.h"

struct trace {
	struct list lines; /* char *, owned */
};

void trace_add(struct trace *trace, const char *format, ...) PRINTF_LIKE(2, 3);
void trace_clear(struct trace *trace);

#endif
