#include "base/trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

void
trace_add(struct trace *trace, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (trace == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	list_add(&trace->lines, mem_string(line));
}

void
trace_clear(struct trace *trace)
{
	list_clear(&trace->lines, mem_free);
}
