/* The commands that talk to the running daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ask.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/control.h"
#include "ctl.h"

/* A new worker may have to read very many certificates. */
enum { ANSWER_TIMEOUT_MS = 10000, RELOAD_TIMEOUT_MS = 300000 };

/*
 * Where the daemon listens.  It may well be running although its configuration
 * is broken by now, or not for us to read: then it is asked at the usual
 * place, but only when the configuration is the usual one, too: another
 * daemon's yes would be no answer.  NULL: unknown, the problems are printed.
 */
static char *
control_path(const char *conf_path)
{
	struct list problems = { 0 };
	struct conf *conf = NULL;
	const char *path = NULL;
	char *copy;

	if (conf_load(conf_path, false, &conf, &problems) == 0)
		path = conf->control.socket;
	else if (strcmp(conf_path, CONF_DEFAULT_PATH) == 0 &&
		 access(CTL_DEFAULT_CONTROL, F_OK) == 0)
		path = CTL_DEFAULT_CONTROL;
	else
		ctl_print_problems(&problems, NULL, NULL);
	if (path != NULL && strncmp(path, "unix:", 5) == 0)
		path += 5;
	copy = mem_string(path);
	conf_free(conf);
	list_clear(&problems, problem_free);
	return copy;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, result;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	result = connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (result != 0) {
		int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	close(fd);
	return 0;
}

int
ask_is_running(const char *conf_path, struct error *err)
{
	char *path = control_path(conf_path);
	int result = path != NULL && connect_to(path) == 0;

	if (path != NULL && result == 0 && errno != ENOENT &&
		errno != ECONNREFUSED)
		result = error_set(err, ERROR_SYSTEM,
			"%s: you cannot speak to the daemon: %s", path,
			strerror(errno));
	mem_free(path);
	return result;
}

static int
answer_code(int code)
{
	return code == CTL_YES || code == CTL_NO ? code : CTL_TROUBLE;
}

static void
print_answer(FILE *to, const struct buf *text)
{
	fwrite(text->data, 1, text->len, to);
	if (text->len != 0 && text->data[text->len - 1] != '\n')
		fputc('\n', to);
}

static int
ask_at(const char *path, const char *question, int timeout_ms)
{
	struct error err = { 0 };
	struct buf text = { 0 };
	int code = CTL_TROUBLE;

	buf_init(&text, CONTROL_ANSWER_MAX);
	if (control_ask(path, question, timeout_ms, &code, &text, &err) != 0) {
		code = ctl_trouble(&err);
		goto out;
	}
	code = answer_code(code);
	if (text.len != 0)
		print_answer(code == CTL_YES ? stdout : stderr, &text);
out:
	buf_clear(&text);
	return code;
}

static int
ask(const char *conf_path, const char *question, int timeout_ms)
{
	char *path = control_path(conf_path);
	int code = CTL_TROUBLE;

	if (path != NULL)
		code = ask_at(path, question, timeout_ms);
	else
		ctl_complain("the daemon was not asked: where it listens "
			     "stands in a configuration that cannot be read");
	mem_free(path);
	return code;
}

/* A file that is broken on its face is a no, whoever would be asked. */
int
ask_reload(const char *conf_path)
{
	char *path = control_path(conf_path);
	int code = CTL_NO;

	if (path != NULL)
		code = ask_at(path, "reload", RELOAD_TIMEOUT_MS);
	if (code == CTL_NO)
		ctl_complain("nothing is reloaded: a daemon that runs goes on "
			     "with the configuration it has");
	mem_free(path);
	return code;
}

int
command_reload(const struct request *request)
{
	return ask_reload(request->conf_path);
}

int
command_status(const struct request *request)
{
	return ask(request->conf_path, request->json ? "status json" : "status",
		ANSWER_TIMEOUT_MS);
}

int
command_metrics(const struct request *request)
{
	return ask(request->conf_path, "metrics", ANSWER_TIMEOUT_MS);
}

int
command_log(const struct request *request)
{
	const char *level = request_word(request, 0);
	char question[CONTROL_REQUEST_MAX];
	int code;

	if (log_level_from_name(level) < 0)
		return ctl_usage("there is no log level \"%s\": error, "
				 "warning, info or debug",
			level);
	snprintf(question, sizeof(question), "log %s", level);
	code = ask(request->conf_path, question, ANSWER_TIMEOUT_MS);
	if (code == CTL_YES && log_level_from_name(level) == LOG_LEVEL_DEBUG)
		printf("A debug log has many lines for each mail and grows "
		       "fast: turn it back with `smimectl log info`.\n");
	return code;
}
