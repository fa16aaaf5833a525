/*
 * Preloaded into Sendmail, which logs by syslog(3) only: the log goes to the
 * file SYSLOG_FILE names, because a test machine has no syslog daemon.  And
 * the host gets a name with a dot, for which Sendmail waits a minute
 * otherwise.  The environment is read at once: Sendmail empties it.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static char log_path[1024];

__attribute__((constructor)) static void
remember_path(void)
{
	const char *path = getenv("SYSLOG_FILE");

	if (path != NULL && strlen(path) < sizeof(log_path))
		strcpy(log_path, path);
}

void
vsyslog(int priority, const char *format, va_list args)
{
	char line[4096];
	int n, fd, length;

	length = snprintf(line, sizeof(line), "%d <%d> ", (int)getpid(),
		LOG_PRI(priority));
	n = vsnprintf(line + length, sizeof(line) - length - 1, format, args);
	if (n < 0)
		return;
	length += n;
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	if (write(fd, line, length) != length)
		_exit(70);
	close(fd);
}

void
syslog(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsyslog(priority, format, args);
	va_end(args);
}

/* What syslog() becomes with _FORTIFY_SOURCE. */
void __syslog_chk(int priority, int flag, const char *format, ...);
void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	vsyslog(priority, format, args);
	va_end(args);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list args);
void
__vsyslog_chk(int priority, int flag, const char *format, va_list args)
{
	(void)flag;
	vsyslog(priority, format, args);
}

int
gethostname(char *name, size_t size)
{
	snprintf(name, size, "%s", "mx.example.net");
	return 0;
}
