/*
 * What background work has to say (a directory that is down, a list that
 * could not be fetched): lib/ does not log, the shell sets where it goes.
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "base/compiler.h"

enum event_kind { EVENT_ERROR, EVENT_WARNING, EVENT_INFO };

/*
 * Once, before any thread starts; NULL: into the void.  text is one sentence
 * without a line end.  Called from any thread.
 */
void event_set_sink(void (*sink)(enum event_kind kind, const char *text));
void event(enum event_kind kind, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
