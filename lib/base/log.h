/*
 * Where the shells (daemon and tool) say what happened.  lib/ returns errors
 * and never logs them; only log, metric and clock are shared by everything.
 * Thread-safe.  Nothing of a message may be handed in.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* facility is a syslog(3) number such as LOG_MAIL; unused for stderr. */
void log_open(enum log_target target, int facility);

/*
 * The level lives where the caller says (memory shared by parent and workers,
 * so that `smimectl log debug` reaches both); NULL: a static of our own.
 */
void log_share_level(_Atomic int *level);
void log_set_level(enum log_level level);
enum log_level log_level(void);
/* -1 when there is no such level. */
int log_level_from_name(const char *name) MUST_USE;
const char *log_level_name(enum log_level level);

void log_error(const char *format, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *format, ...) PRINTF_LIKE(1, 2);
void log_info(const char *format, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
