#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"

/* Room for two addresses of full length, each character escaped. */
enum { LINE_BYTES = 8192 };

static const struct level {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static _Atomic int own_level = LOG_LEVEL_INFO;
static _Atomic int *shared_level = &own_level;
static enum log_target target = LOG_TO_STDERR;

void
log_open(enum log_target to, int facility)
{
	/* Also for stderr: libraries in this process use syslog themselves. */
	openlog("smime-milter", LOG_PID, facility);
	target = to;
}

void
log_share_level(_Atomic int *level)
{
	shared_level = level != NULL ? level : &own_level;
}

void
log_set_level(enum log_level level)
{
	atomic_store(shared_level, (int)level);
}

enum log_level
log_level(void)
{
	return (enum log_level)atomic_load(shared_level);
}

int
log_level_from_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (strcmp(levels[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *
log_level_name(enum log_level level)
{
	return levels[level].name;
}

/* Text with control characters as \xHH, cut at the end of out; its length. */
static size_t
escape(const char *text, char *out, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	for (; *text != '\0' && len + 4 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 32 && c != 127) {
			out[len++] = (char)c;
			continue;
		}
		out[len++] = '\\';
		out[len++] = 'x';
		out[len++] = digits[c >> 4];
		out[len++] = digits[c & 15];
	}
	out[len] = '\0';
	return len;
}

/* One write for the whole line: lines of several processes do not mix. */
static void
write_line(const struct level *level, const char *text)
{
	char line[LINE_BYTES + 128], now[CLOCK_TEXT_SIZE];
	int len;

	clock_format(clock_now(), now);
	len = snprintf(line, sizeof(line), "%s smime-milter[%ld]: %s: %s\n",
		now, (long)getpid(), level->name, text);
	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
		return; /* nobody left to tell */
}

static void
say(enum log_level level, const char *format, va_list args)
{
	char raw[LINE_BYTES], text[LINE_BYTES];
	int saved_errno = errno;

	if (level > log_level())
		return;
	vsnprintf(raw, sizeof(raw), format, args);
	escape(raw, text, sizeof(text));
	if (target == LOG_TO_SYSLOG)
		syslog(levels[level].priority, "%s", text);
	else
		write_line(&levels[level], text);
	errno = saved_errno;
}

void
log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void
log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(LOG_LEVEL_WARNING, format, args);
	va_end(args);
}

void
log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void
log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}
