/*
 * smimectl edit: a draft beside the configuration (so that @include finds its
 * files), an editor, a check, and only then rename: a broken file never goes
 * live.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "base/file.h"
#include "base/mem.h"
#include "ctl.h"
#include "ready.h"

enum { CONF_MAX_BYTES = 16 << 20 };

struct session {
	char *path;  /* the real one, behind links */
	char *draft; /* beside it; NULL: none made yet */
	int lock;    /* the configuration itself, locked; or -1 */
	struct stat was;
	struct buf text; /* as it was when the session began */
	bool keep_draft;
};

static int
cannot(const char *what, const char *path, struct error *err)
{
	return error_set(
		err, ERROR_SYSTEM, "%s: %s: %s", path, what, strerror(errno));
}

/*
 * The lock is on the file that is edited.  Who waited at the door while
 * another installed a new one holds the old file, and tries again.
 */
static int
lock(struct session *session, struct error *err)
{
	struct stat now;

	for (;;) {
		session->lock = open(session->path, O_RDONLY | O_CLOEXEC);
		if (session->lock < 0)
			return cannot("cannot be opened", session->path, err);
		if (flock(session->lock, LOCK_EX | LOCK_NB) != 0)
			return error_set(err, ERROR_SYSTEM,
				"%s: somebody else is editing it",
				session->path);
		if (fstat(session->lock, &session->was) != 0)
			return cannot("cannot be examined", session->path, err);
		if (stat(session->path, &now) == 0 &&
			now.st_ino == session->was.st_ino &&
			now.st_dev == session->was.st_dev)
			return 0;
		close(session->lock);
	}
}

static int
make_draft(struct session *session, struct error *err)
{
	char *draft = mem_printf("%s.edit.XXXXXX", session->path);
	int fd;

	if (file_read(session->path, CONF_MAX_BYTES, &session->text, err) !=
		0) {
		mem_free(draft);
		return -1;
	}
	fd = mkostemp(draft, O_CLOEXEC);
	if (fd < 0) {
		cannot("no draft can be made", draft, err);
		mem_free(draft);
		return -1;
	}
	session->draft = draft;
	close(fd);
	return file_write_atomic(draft, buf_span(&session->text), 0600, err);
}

static int
begin(struct session *session, const char *path, struct error *err)
{
	char *real = realpath(path, NULL);

	session->lock = -1;
	if (real == NULL)
		return cannot("cannot be opened", path, err);
	session->path = mem_string(real);
	free(real);
	if (lock(session, err) != 0)
		return -1;
	return make_draft(session, err);
}

static void
end(struct session *session)
{
	if (session->draft != NULL && session->keep_draft)
		ctl_complain("what you wrote is kept in %s", session->draft);
	else if (session->draft != NULL)
		unlink(session->draft);
	if (session->lock >= 0)
		close(session->lock);
	buf_clear(&session->text);
	mem_free(session->draft);
	mem_free(session->path);
}

/* Interrupted at our question, we still say where the draft is. */
static void
take_notice(int number UNUSED)
{
}

static void
on_interrupt(void (*what)(int))
{
	struct sigaction action = { .sa_handler = what };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static const char *
editor(void)
{
	const char *visual = getenv("VISUAL");
	const char *plain = getenv("EDITOR");

	if (visual != NULL && *visual != '\0')
		return visual;
	return plain != NULL && *plain != '\0' ? plain : "vi";
}

static _Noreturn void
become_editor(const char *draft)
{
	char *command = mem_printf("%s \"$1\"", editor());

	on_interrupt(SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	execl("/bin/sh", "sh", "-c", command, "sh", draft, (char *)NULL);
	_exit(127);
}

/* Through the shell, since the variables may hold options ("emacs -nw"). */
static int
run_editor(const char *draft, struct error *err)
{
	pid_t child;
	int status = 0;

	fflush(NULL);
	on_interrupt(SIG_IGN);
	child = fork();
	if (child == 0)
		become_editor(draft);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	on_interrupt(take_notice);
	if (child < 0)
		return cannot("cannot be started", editor(), err);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, ERROR_SYSTEM,
			"the editor (%s) failed: nothing is changed", editor());
	return 0;
}

/* What is wrong is printed under the real file's name. */
static bool
check_draft(const struct session *session)
{
	struct list problems = { 0 };
	struct conf *conf = NULL;
	bool good;

	if (conf_load(session->draft, true, &conf, &problems) == 0)
		ready_check(conf, &problems);
	good = !ctl_has_errors(&problems);
	ctl_print_problems(&problems, session->draft, session->path);
	conf_free(conf);
	list_clear(&problems, problem_free);
	return good;
}

/* 1 again, 0 no, -1 nobody there to answer. */
static int
ask_again(void)
{
	char answer[64];

	for (;;) {
		printf("This cannot go live.  Edit again? [y/n] ");
		fflush(stdout);
		if (fgets(answer, sizeof(answer), stdin) == NULL)
			return -1;
		if (answer[0] == 'y' || answer[0] == 'Y' || answer[0] == '\n')
			return 1;
		if (answer[0] == 'n' || answer[0] == 'N')
			return 0;
	}
}

/* Did somebody else change the file past our lock? */
static int
check_unmoved(const struct session *session, struct error *err)
{
	struct buf now = { 0 };
	int result = file_read(session->path, CONF_MAX_BYTES, &now, err);

	if (result == 0 &&
		!span_equal(buf_span(&now), buf_span(&session->text)))
		result = error_set(err, ERROR_SYSTEM,
			"%s: was changed by somebody else in the meantime, "
			"nothing is installed",
			session->path);
	buf_clear(&now);
	return result;
}

static int
give_rights(const struct session *session, int fd, struct error *err)
{
	struct stat now;

	if (fstat(fd, &now) != 0)
		return cannot("cannot be examined", session->draft, err);
	if ((now.st_uid != session->was.st_uid ||
		    now.st_gid != session->was.st_gid) &&
		fchown(fd, session->was.st_uid, session->was.st_gid) != 0)
		return cannot("cannot be given to the owner of the old file",
			session->draft, err);
	if (fchmod(fd, session->was.st_mode & 07777) != 0 || fsync(fd) != 0)
		return cannot("cannot be prepared", session->draft, err);
	return 0;
}

static int
install(struct session *session, struct error *err)
{
	int fd, result;

	if (check_unmoved(session, err) != 0)
		return -1;
	fd = open(session->draft, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cannot("cannot be opened", session->draft, err);
	result = give_rights(session, fd, err);
	close(fd);
	if (result != 0)
		return -1;
	if (rename(session->draft, session->path) != 0)
		return cannot("cannot be installed", session->path, err);
	mem_free(session->draft);
	session->draft = NULL;
	return 0;
}

/* 1 a good draft that differs, 0 nothing to install, -1 trouble. */
static int
edit_until_good(struct session *session, int *code, struct error *err)
{
	for (;;) {
		struct buf now = { 0 };
		bool same;
		int again;

		if (run_editor(session->draft, err) != 0 ||
			file_read(session->draft, CONF_MAX_BYTES, &now, err) !=
				0)
			return -1;
		same = span_equal(buf_span(&now), buf_span(&session->text));
		buf_clear(&now);
		*code = CTL_YES;
		if (same) {
			printf("%s: nothing changed\n", session->path);
			return 0;
		}
		if (check_draft(session))
			return 1;
		*code = CTL_NO;
		again = ask_again();
		if (again == 1)
			continue;
		session->keep_draft = again < 0;
		ctl_complain("%s is as it was", session->path);
		return 0;
	}
}

static int
reload(const struct request *request)
{
	struct error why = { 0 };
	int running = ask_is_running(request->conf_path, &why);

	if (running == 1)
		return ask_reload(request->conf_path);
	if (running == 0) {
		printf("no daemon is running: it reads the file when it "
		       "starts\n");
		return CTL_YES;
	}
	ctl_complain("the file is installed, but: %s", why.text);
	return CTL_TROUBLE;
}

int
command_edit(const struct request *request)
{
	struct session session = { .lock = -1 };
	struct error err = { 0 };
	int code = CTL_TROUBLE, changed;

	if (begin(&session, request->conf_path, &err) != 0) {
		code = ctl_trouble(&err);
		goto out;
	}
	changed = edit_until_good(&session, &code, &err);
	if (changed == 1 && install(&session, &err) != 0) {
		session.keep_draft = true;
		changed = -1;
	}
	on_interrupt(SIG_DFL);
	if (changed < 0)
		code = ctl_trouble(&err);
	if (changed == 1) {
		printf("%s is installed\n", session.path);
		code = reload(request);
	}
out:
	end(&session);
	return code;
}
