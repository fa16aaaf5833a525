#include "base/event.h"

#include <stdarg.h>
#include <stdio.h>

enum { EVENT_TEXT_SIZE = 1024 };

static void (*sink)(enum event_kind kind, const char *text);

void
event_set_sink(void (*new_sink)(enum event_kind kind, const char *text))
{
	sink = new_sink;
}

void
event(enum event_kind kind, const char *format, ...)
{
	char text[EVENT_TEXT_SIZE];
	va_list args;

	if (sink == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sink(kind, text);
}
